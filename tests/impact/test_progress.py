"""An impact run announces what it will do, shows how far it is, and ends in time."""

from __future__ import annotations

import json

import pytest

from tests.impact.conftest import IMPACT, SLOW
from tests.impact.drifts import changed_spec, items

_NOT_TIMED = SLOW.replace("time.pass_a_second()", "pass")


def _write_four_changes(project: pytest.Pytester) -> None:
    """Write a spec in which four required properties became optional."""
    document = json.loads(changed_spec(()))
    for name in ("region", "updatedAt", "createdAt", "name"):
        items(document)["required"].remove(name)
    (project.path / "changed.json").write_text(json.dumps(document), "utf-8")


def _runs(project: pytest.Pytester) -> int:
    """Return how often the slow tests ran, the ordinary run included."""
    return len((project.path / "runs").read_text("utf-8"))


@pytest.mark.usefixtures("step_clock")
def test_a_run_announces_what_it_will_do_and_shows_its_progress(project: pytest.Pytester) -> None:
    """5 tests read everything: one run learns it, and one is needed for each of 4 changes and for all at once."""
    _write_four_changes(project)
    project.makepyfile(SLOW)

    result = project.runpytest(*IMPACT, "--bctrl-impact-budget=10m")

    result.stdout.re_match_lines(
        [
            r"planned      5 tests . 5 changes: about 30 test runs, 30 s \(limit: 600 s, --bctrl-impact-budget\)",
            r"progress     20%, 6 of 30 test runs, 24 s left",
            r"progress     30%, 9 of 30 test runs, 21 s left",
            r"progress     100%, 30 of 30 test runs, 0\.0 s left",
            r"ran          5 tests that use the mock against 5 changes: 30 test runs, 30\.0 s",
        ]
    )
    assert 5 + 30 == _runs(project)


@pytest.mark.usefixtures("step_clock")
def test_the_budget_covers_everything_after_the_ordinary_run(project: pytest.Pytester) -> None:
    """Learning what 5 tests read would take 5 s: it is stopped after 3, and the exit code is 2."""
    project.makepyfile(SLOW)

    result = project.runpytest("--bctrl-impact=mutants", "--bctrl-impact-budget=3s")

    assert result.ret == 2
    assert 5 + 3 == _runs(project)


def test_workers_announce_what_they_will_do_together(project: pytest.Pytester) -> None:
    """With two workers, the lines `planned` and `ran` have the tests, changes and runs of both."""
    _write_four_changes(project)
    project.makepyfile(_NOT_TIMED)

    result = project.runpytest(*IMPACT, "-n", "2")

    assert 5 + 30 == _runs(project)
    result.stdout.re_match_lines(
        [
            r"planned      5 tests . 5 changes: about 30 test runs, [\d.]+ s \(limit: --bctrl-impact-budget\)",
            r".* bctrl impact =+",
            r"ran          5 tests that use the mock against 5 changes: 30 test runs, [\d.]+ s",
        ]
    )


def test_a_worker_without_tests_of_the_mock_delays_no_announcement(project: pytest.Pytester) -> None:
    """The plan is printed, although one of two workers has no test that uses the mock."""
    project.makepyfile(test_none="def test_none(): pass", test_slow=_NOT_TIMED)

    result = project.runpytest(*IMPACT, "-n", "2", "--dist=loadfile", "test_none.py", "test_slow.py")

    result.stdout.fnmatch_lines(["planned      5 tests * 1 change: about 10 test runs, *"])


def test_a_run_without_a_terminal_announces_nothing(project: pytest.Pytester) -> None:
    result = project.runpytest(*IMPACT, "-p", "no:terminal")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert "planned" not in result.stdout.str()
