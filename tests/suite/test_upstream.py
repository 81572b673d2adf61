"""`--bctrl-upstream` adds the drift test to a run, which fails if it cannot compare."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from pytest_bctrl.contract.files import packaged

from .conftest import Typed


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """Return the path of a page with the vendored spec in it."""
    path = tmp_path / "page.md"
    path.write_text(f"# List Runtimes\n\n```yaml\n{packaged().spec.read_text('utf-8')}```\n", "utf-8")
    return path


def test_an_unchanged_upstream_passes(pytester: pytest.Pytester, published: Path) -> None:
    result = pytester.runpytest(f"--bctrl-upstream={published}")

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines([f"checked      the vendored spec against {published}"])


def test_the_drift_test_runs_with_the_contract_suite_on_workers(pytester: pytest.Pytester, published: Path) -> None:
    """Both pass with `-n 2`."""
    chosen = "answer_conforms or upstream"
    pytester.runpytest("--bctrl-mock", f"--bctrl-upstream={published}", "-k", chosen, "-n", "2").assert_outcomes(
        passed=2
    )


def test_bctrl_upstream_in_the_ini_file_adds_nothing_to_a_mock_run(pytester: pytest.Pytester) -> None:
    """A mock run needs no network: the drift test of a live run would fail, because nothing responds there."""
    pytester.makeini("[pytest]\nbctrl_upstream = http://127.0.0.1:9/openapi.json\n")

    assert 0 == pytester.runpytest("--bctrl-mock", "bctrl").ret


def test_a_breaking_change_fails_and_shows_both_locations(pytester: pytest.Pytester, published: Path) -> None:
    published.write_text(published.read_text("utf-8").replace("- stopped", "- paused"), "utf-8")

    result = pytester.runpytest(f"--bctrl-upstream={published}")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        [
            "ERROR response-property-enum-value-added",
            "  old  *runtimes.openapi.yaml:* #/components/schemas/*/enum",
            f"  new  …/{published.parent.name}/{published.name}:* #/components/schemas/*…*/enum  paused",
            "next         pytest-bctrl contract update *",
        ]
    )


def test_an_unreadable_upstream_exits_with_2(pytester: pytest.Pytester, published: Path) -> None:
    """A published page without a spec: the summary lists the drift as not checked, and nothing as checked."""
    published.write_text("# A page without a spec\n")

    result = pytester.runpytest(f"--bctrl-upstream={published}")

    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["not checked  the drift of the spec: *page.md*"])
    result.stdout.no_fnmatch_line("checked      *")


def test_an_upstream_with_a_part_that_cannot_be_compared_exits_with_2(
    pytester: pytest.Pytester, published: Path
) -> None:
    """A new path whose reference names nothing: the rest has not drifted, and the summary has the reason."""
    spec = published.read_text("utf-8")
    assert spec.count("\npaths:\n") == 1
    published.write_text(spec.replace("\npaths:\n", "\npaths:\n  /new: {$ref: '#/gone'}\n"), "utf-8")

    result = pytester.runpytest(f"--bctrl-upstream={published}")

    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["not checked  the drift of the spec: *'#/gone' names nothing*"])


@pytest.mark.parametrize("value", ["nowhere.md", "", "."])
def test_an_upstream_that_is_not_a_file_is_a_usage_error(pytester: pytest.Pytester, value: str) -> None:
    result = pytester.runpytest("--bctrl-mock", f"--bctrl-upstream={value}")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: bctrl: --bctrl-upstream: {value!r} is not a file (*"])


def test_the_run_uses_the_baseline_written_by_the_gate(
    pytester: pytest.Pytester, typed: Typed, published: Path
) -> None:
    """`pytest-bctrl drift --accept` exits with 0, and so does a following run with `--bctrl-upstream`."""
    published.write_text(published.read_text("utf-8").replace("- stopped", "- paused"), "utf-8")
    accepted = typed(shlex.join(["pytest-bctrl", "drift", str(published), "--accept", "agreed"]))

    result = pytester.runpytest(f"--bctrl-upstream={published}", f"--rootdir={pytester.path}")

    assert [accepted.ret, result.ret] == [0, 0]
    result.stdout.fnmatch_lines(["drift        1 of 2 findings are accepted by *bctrl-baseline.yaml"])
