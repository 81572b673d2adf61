"""`--bctrl-upstream` adds the drift check to a run, and never passes for what it could not check."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_bctrl.contract.files import packaged


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """The vendored spec as a page publishes it."""
    path = tmp_path / "page.md"
    path.write_text(f"# List Runtimes\n\n```yaml\n{packaged().spec.read_text('utf-8')}```\n", "utf-8")
    return path


def test_no_drift_passes(pytester: pytest.Pytester, published: Path) -> None:
    result = pytester.runpytest_subprocess(f"--bctrl-upstream={published}")

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines([f"checked      the vendored spec against {published}"])


def test_it_runs_beside_the_contract_suite_and_on_workers(pytester: pytest.Pytester, published: Path) -> None:
    pytester.runpytest_subprocess("--bctrl-mock", f"--bctrl-upstream={published}", "-n", "2").assert_outcomes(passed=35)


def test_an_ini_value_counts_where_the_suite_runs(pytester: pytest.Pytester, published: Path) -> None:
    pytester.makeini(f"[pytest]\nbctrl_upstream = {published}\n")

    pytester.runpytest_subprocess("--bctrl-mock", "-k", "upstream").assert_outcomes(passed=1, deselected=34)


def test_what_breaks_a_consumer_fails_with_both_places(pytester: pytest.Pytester, published: Path) -> None:
    published.write_text(published.read_text("utf-8").replace("- stopped", "- paused"), "utf-8")

    result = pytester.runpytest_subprocess(f"--bctrl-upstream={published}")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        [
            "ERROR response-property-enum-value-added",
            "  old  *runtimes.openapi.yaml:* #/components/schemas/*/enum",
            f"  new  {published}:* #/components/schemas/*/enum  paused",
            "next         pytest-bctrl contract update *",
        ]
    )


def test_what_cannot_be_checked_fails(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_subprocess("--bctrl-upstream=nowhere.md")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["not checked  the drift of the spec: *nowhere.md: there is no such file*"])
    result.stdout.no_fnmatch_line("checked      *")
