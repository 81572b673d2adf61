"""Nothing of a replay reaches reporters, warnings, other plugins, log files or the terminal."""

from __future__ import annotations

import json
import time

import pytest

from tests.impact.conftest import IMPACT, verdicts
from tests.impact.drifts import changed_spec, items

_NOISY = """
import logging
import subprocess
import sys
import warnings

def test_noisy(bctrl_client, bctrl_space_id, tmp_path, caplog):
    body = bctrl_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes").json()
    statuses = {one["status"] for one in body["runtimes"]}
    changed = "paused" in statuses
    state = "changed" if changed else "ordinary"
    warnings.warn("warned: " + state)
    print("printed:", state)
    subprocess.run([sys.executable, "-c", "print('subprocess:', %r)" % state])
    logging.getLogger("app").error("logged: %s", state)
    assert caplog.records
    (tmp_path / "file").write_text("x")
    assert not changed
"""


@pytest.fixture
def noisy(project: pytest.Pytester) -> pytest.Pytester:
    project.makepyfile(_NOISY)
    return project


@pytest.mark.parametrize("options", [("-s",), ("-rA",), ("-v", "--no-summary"), ("-n", "1")])
def test_the_output_of_a_replay_is_not_shown(noisy: pytest.Pytester, options: tuple[str, ...]) -> None:
    result = noisy.runpytest_subprocess(
        *IMPACT, *options, "-W", "always", "--log-file=app.log", "--log-cli-level=ERROR"
    )

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert verdicts(noisy) == [("fails", "")]
    output = result.stdout.str() + result.stderr.str()
    assert ": changed" not in output
    # The ordinary run is shown as always, once.
    assert output.count("printed: ordinary") == ("-s" in options or "-rA" in options)
    assert (noisy.path / "app.log").read_text("utf-8").count("logged:") == 1


def test_other_plugins_see_the_ordinary_run_alone(noisy: pytest.Pytester) -> None:
    """A plugin that counts in fixtures, as snapshot plugins do, reports in its summary what it has counted."""
    noisy.makeconftest(
        """
        import pytest

        def pytest_configure(config):
            config.counted = []

        @pytest.fixture(autouse=True)
        def counted(request):
            request.config.counted.append("used")

        def pytest_runtest_logreport(report):
            if report.when == "call":
                seen.append(report.outcome)

        def pytest_warning_recorded(warning_message):
            seen.append("warning")

        def pytest_exception_interact():
            seen.append("exception")

        seen = []

        def pytest_sessionfinish(session):
            with open("counted", "w") as file:
                file.write(f"{len(session.config.counted)} {seen}")

        def pytest_terminal_summary(terminalreporter, config):
            terminalreporter.line(f"fixtures: {len(config.counted)}, seen: {seen}")

        def pytest_unconfigure(config):
            with open("seen", "w") as file:
                file.write(str(seen))
        """
    )

    result = noisy.runpytest_subprocess(*IMPACT, "--junitxml=junit.xml", "--durations=0", "-vv")

    assert verdicts(noisy) == [("fails", "")]
    result.stdout.fnmatch_lines(["fixtures: 1, seen: *"])
    assert (noisy.path / "counted").read_text("utf-8") == "1 ['passed', 'warning']"
    assert (noisy.path / "seen").read_text("utf-8") == "['passed', 'warning']"
    assert (noisy.path / "junit.xml").read_text("utf-8").count("<testcase") == 1
    assert result.parseoutcomes() == {"passed": 1, "warnings": 1}


def test_temporary_folders_work_with_a_retention_policy(noisy: pytest.Pytester) -> None:
    noisy.makeini("[pytest]\ntmp_path_retention_policy = failed\n")

    noisy.runpytest_subprocess(*IMPACT)

    assert verdicts(noisy) == [("fails", "")]


_SLOW = """
import time
import pytest

@pytest.mark.parametrize("number", range(20))
def test_slow(bctrl_client, bctrl_space_id, number):
    body = bctrl_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes").json()
    time.sleep(0.1)
    assert [sorted(one) for one in body["runtimes"]]
"""


def test_the_budget_covers_everything_after_the_ordinary_run(project: pytest.Pytester) -> None:
    project.makeconftest(
        """
        import time

        def pytest_sessionfinish():
            global start
            start = time.monotonic()

        def pytest_unconfigure():
            with open("seconds", "w") as file:
                file.write(str(time.monotonic() - start))
        """
    )
    project.makepyfile(_SLOW)

    result = project.runpytest_subprocess("--bctrl-impact=mutants", "--bctrl-impact-budget=500ms")

    assert result.ret == 2
    # The test that runs when the time is over, and the start of the first: learning all tests would take 2 s more.
    assert float((project.path / "seconds").read_text("utf-8")) < 1.9


def test_a_run_announces_what_it_will_do_and_shows_its_progress(project: pytest.Pytester) -> None:
    document = json.loads(changed_spec(()))
    for name in ("region", "updatedAt", "createdAt", "name"):
        items(document)["required"].remove(name)
    (project.path / "changed.json").write_text(json.dumps(document), "utf-8")
    project.makepyfile(_SLOW.replace("range(20)", "range(5)"))
    start = time.monotonic()

    result = project.runpytest(*IMPACT, "--bctrl-impact-budget=10m")

    took = time.monotonic() - start
    # 5 tests read everything: one run that learns it, and one for each of the 4 changes and for all at once.
    result.stdout.re_match_lines(
        [
            r"planned      5 tests . 5 changes: about 30 test runs, [\d.]+ s \(limit: 600 s, --bctrl-impact-budget\)",
            r"progress     +\d0%, \d+ of 25 test runs, [\d.]+ s left",
            r"progress     +100%, 25 of 25 test runs, 0\.0 s left",
        ]
    )
    [planned] = [line for line in result.outlines if line.startswith("planned")]
    assert float(planned.split("runs, ")[1].split(" ")[0]) < took * 2


def test_a_terminal_shows_a_bar(project: pytest.Pytester) -> None:
    project.makeconftest("""
        def pytest_sessionstart(session):
            terminal = session.config.pluginmanager.get_plugin("terminalreporter")
            terminal.isatty = type(terminal.isatty)(True)
    """)

    result = project.runpytest(*IMPACT)

    result.stdout.fnmatch_lines(["*bctrl impact: [[]####################[]] 100%, 1 of 1 test runs, 0.0 s left*"])


def test_changes_that_no_test_exercises_cost_no_run(project: pytest.Pytester) -> None:
    project.makepyfile("""
        def test_status(bctrl_client, bctrl_space_id):
            body = bctrl_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes").json()
            assert all(isinstance(one["status"], str) for one in body["runtimes"])
    """)

    result = project.runpytest("--bctrl-impact=mutants")

    [line] = [line for line in result.outlines if line.startswith("ran ")]
    assert int(line.split("changes: ")[1].split(" ")[0]) < 120
