"""For any secret, a run has the exit code, outcomes, ids, counts, cache and objects of a run without the plugin.

`REDACTION_EXAMPLES` says how many secrets each property draws.
"""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, example, given, note, settings
from hypothesis import strategies as st

from tests.redaction.comparison import SOURCES, Project, Result, assert_same
from tests.redaction.secrets_to_try import secrets

EXAMPLES = int(os.environ.get("REDACTION_EXAMPLES", "2"))
DISPLAYS: tuple[list[str], ...] = (
    [],
    ["-s"],
    ["-vv", "-l", "--tb=long"],
    ["-rA", "--tb=native"],
    ["--capture=sys"],
    ["-q", "--color=yes"],
)
DISTRIBUTIONS = ("loadscope", "load")
SELECTIONS: tuple[list[str], ...] = (["--lf"], ["--ff"], ["--sw"], ["--nf"], ["-x"], ["--deselect"])

runs_of_pytest = settings(
    max_examples=EXAMPLES,
    deadline=None,
    # An example is several runs of pytest, and to shrink one takes hundreds of examples.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
displays = st.sampled_from(DISPLAYS)
sources = st.sampled_from(SOURCES)
_numbers = itertools.count()


class Projects:
    """The same project twice: without the plugin, and with a secret."""

    def __init__(self, pytester: pytest.Pytester, folder: Path, secret: str, source: str) -> None:
        number = next(_numbers)
        note(f"{secret=}, {source=}")
        self._without = Project(pytester, folder / f"without{number}" / "project", secret, None)
        self._with = Project(pytester, folder / f"with{number}" / "project", secret, source)

    def run(self, *arguments: str, without_reporter: str | None = None) -> Result:
        """Run both, raise `AssertionError` for a difference, and return the result without the plugin."""
        note(f"{arguments=}")
        expected = self._without.run(*arguments, without_reporter=without_reporter)
        actual = self._with.run(*arguments, without_reporter=without_reporter)
        assert_same(expected, actual)
        return expected

    def failed_ids(self) -> list[str]:
        """Return the ids that pytest's cache has as failed after the last run without the plugin."""
        return self._without.failed_ids()


@runs_of_pytest
@given(secret=secrets(), source=sources, display=displays, selection=st.sampled_from(SELECTIONS))
@example("failed", "key", [], ["--lf"])
@example("login", "proxy", [], ["--sw"])
# The files of Allure have the key `testCaseId`.
@example("testcaseparametrize", "bctrl_secrets", ["-q", "--color=yes"], ["-x"])
def test_redaction_does_not_change_outcomes_or_selection(
    pytester: pytest.Pytester, tmp_path: Path, secret: str, source: str, display: list[str], selection: list[str]
) -> None:
    """A project has the same outcomes, ids, counts and cache with the plugin as without, for any secret and options."""
    projects = Projects(pytester, tmp_path, secret, source)

    expected = projects.run("test_outcomes.py", *display)

    assert 1 == expected.exit_code
    chosen = [*selection, projects.failed_ids()[0]] if selection == ["--deselect"] else selection
    projects.run("test_outcomes.py", *display, *chosen)


@settings(runs_of_pytest, max_examples=(EXAMPLES + 1) // 2)
@given(secret=secrets(), source=sources, display=displays)
@example("a", "key", ["-vv", "-l", "--tb=long"])
def test_redaction_does_not_change_hostile_objects(
    pytester: pytest.Pytester, tmp_path: Path, secret: str, source: str, display: list[str]
) -> None:
    """Tests that fail with odd objects fail in the same way, and redaction calls no method of these objects."""
    projects = Projects(pytester, tmp_path, secret, source)

    # allure-pytest itself fails for a text that cannot be encoded.
    expected = projects.run("test_hostile_objects.py", "all.note", *display, without_reporter="allure_pytest")

    assert 1 == expected.exit_code


def test_redaction_does_not_change_the_tests_of_workers(pytester: pytest.Pytester, tmp_path: Path) -> None:
    """Outcomes, ids and cache are those of a run without the plugin, in each way of distribution to two workers."""
    secret = "other-secret"
    without = Project(pytester, tmp_path / "without" / "project", secret, None)
    expected = without.run("test_outcomes.py", "-n", "2", "--dist", "loadfile")

    for distribution in DISTRIBUTIONS:
        project = Project(pytester, tmp_path / distribution / "project", secret, "bctrl_secrets")
        actual = project.run("test_outcomes.py", "-n", "2", "--dist", distribution)
        assert_same(expected, actual, ordered=False)
