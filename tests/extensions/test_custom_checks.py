"""Custom checks, and levels by configuration."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent

import pytest

from pytest_bctrl import Problem, Response, contract_check
from pytest_bctrl.cli import main
from pytest_bctrl.findings.finding import parse_levels
from pytest_bctrl.samples import response

CONFTEST = """
    from pytest_bctrl import Problem, contract_check

    @contract_check("short_names", level="warning")
    def short_names(response):
        for path, name in response.select("runtimes[*].name"):
            if name is not None and len(name) > 3:
                yield Problem("a name has three characters at most", path, expected="three", observed=name)

    @contract_check("other_operation", operations=["somethingElse"])
    def other_operation(response):
        raise AssertionError("is never called")

    def pytest_bctrl_checks():
        return [short_names, other_operation]
"""
BROKEN = """
    from pytest_bctrl import contract_check

    @contract_check("clumsy")
    def clumsy(response):
        return [response.data["runtimes"][0]["noSuchName"]]

    def pytest_bctrl_checks():
        return [clumsy]
"""
ONLY = ("--bctrl-mock", "bctrl::test_own_check")


def test_a_custom_check_is_a_test_of_the_suite(pytester: pytest.Pytester) -> None:
    """Its warning fails the test with `--bctrl-fail-on=warning` only; a check of another operation does not run."""
    pytester.makeconftest(CONFTEST)

    passing = pytester.runpytest(*ONLY, "-v")
    failing = pytester.runpytest(*ONLY, "--bctrl-fail-on=warning")

    assert [0, 1] == [passing.ret, failing.ret]
    passing.stdout.fnmatch_lines(
        [
            "bctrl::test_own_check[[]short_names-runtimes-list] PASSED*",
            "warning short_names: a name has three characters at most",
            "  where     runtimes[[]*].name, * of *",
            "checked      1 exchange: 1 checked; *, 1 of 1 response with a body",
        ]
    )
    assert "other_operation" not in passing.stdout.str()


def test_a_custom_check_in_a_subfolder_runs_with_workers(pytester: pytest.Pytester) -> None:
    folder = pytester.mkdir("tests")
    (folder / "conftest.py").write_text(dedent(CONFTEST))
    (folder / "test_mine.py").write_text("def test_mine(): pass\n")

    pytester.runpytest("--bctrl-mock", "-k", "own_check or mine", "-n", "2").assert_outcomes(passed=2)


def test_an_exception_in_a_custom_check_is_reported_with_its_line(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(BROKEN)

    result = pytester.runpytest(*ONLY)

    assert 1 == result.ret
    result.stdout.fnmatch_lines(
        ["conftest.py:5: the check clumsy raised KeyError: 'noSuchName' (fix the check; *", "  checked: curl *"]
    )
    assert "pytest_bctrl/checks" not in result.stdout.str()


@pytest.mark.parametrize(
    ("conftest", "ini", "line"),
    [
        (
            "def pytest_bctrl_checks(): return ['x']",
            "",
            "pytest_bctrl_checks: it returned 'x' (return a list of *",
        ),
        ("", "strict_json = fatal", "bctrl_levels (ini): unknown level 'fatal' of strict_json (choose one of: error*"),
        ("", "no_such_rule = off", "bctrl_levels (ini): there is no rule 'no_such_rule' (choose one of: response_*"),
    ],
)
def test_an_invalid_check_or_level_is_a_usage_error(
    pytester: pytest.Pytester, conftest: str, ini: str, line: str
) -> None:
    """A hook that returns a string, and wrong lines of `bctrl_levels`: the message quotes the wrong value."""
    pytester.makeconftest(conftest)
    levels_ini(pytester, ini)

    result = pytester.runpytest("--bctrl-mock")

    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stderr.fnmatch_lines([f"*bctrl: {line}*"])


def test_a_custom_check_can_be_called_in_a_unit_test() -> None:
    """The decorated function returns its problems."""

    @contract_check("always")
    def always(response: Response) -> list[Problem]:
        return [Problem("always", place="status")]

    assert [Problem("always", place="status")] == list(always(object()))  # type: ignore[arg-type]


def levels_ini(pytester: pytest.Pytester, *lines: str) -> None:
    """Write an ini file with these lines of `bctrl_levels`."""
    pytester.makeini("[pytest]\nbctrl_levels =\n" + "".join(f"    {line}\n" for line in lines))


def test_bctrl_levels_sets_the_level_of_a_rule(pytester: pytest.Pytester) -> None:
    """A level for a location takes precedence over one for the rule."""
    pytester.makeconftest(CONFTEST)
    levels_ini(pytester, "short_names@runtimes[*].name = error", "short_names = off")

    result = pytester.runpytest(*ONLY)

    assert 1 == result.ret
    result.stdout.fnmatch_lines(["error short_names: *"])


def test_disabled_rules_are_reported(pytester: pytest.Pytester) -> None:
    """The summary has the number of findings of each rule that `bctrl_levels` switches off."""
    pytester.makeconftest(CONFTEST)
    levels_ini(pytester, "short_names = off", "ignored_auth = off")

    result = pytester.runpytest(*ONLY, "--bctrl-fail-on=info")

    assert 0 == result.ret
    result.stdout.fnmatch_lines(
        [
            "switched off short_names, by bctrl_levels (ini): 1 finding not shown",
            "switched off ignored_auth, by bctrl_levels (ini): 0 findings not shown",
        ]
    )


def test_parse_levels_reads_rule_location_and_level() -> None:
    levels = parse_levels(["a = error", "", "b@x[*].y=off"], "here")
    assert [("a", "", "error"), ("b", "x[*].y", "off")] == [
        (entry.rule, entry.location, entry.level) for entry in levels.entries
    ]


def test_the_check_command_uses_custom_checks_and_levels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With `--plugin`, a custom warning exits with 0, and at level error with 1; a rule that is off is only counted."""
    (tmp_path / "custom_checks.py").write_text(dedent(CONFTEST))
    (tmp_path / "body.json").write_text(json.dumps({**response(), "extra": 1}))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    check = ["check", "body.json", "--plugin", "custom_checks", "--level", "undocumented_property=off"]

    assert [0, 1] == [main(check), main([*check, "--level", "short_names=error"])]
    captured = capsys.readouterr()
    assert "short_names" in captured.out
    assert "undocumented_property" not in captured.out
    assert "pytest-bctrl: switched off by --level: undocumented_property, 1 not shown" in captured.err
