"""Custom checks as functions; tests/extensions runs them with pytest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_bctrl.checks.response import Response
from pytest_bctrl.checks.rules import rules, rules_of
from pytest_bctrl.checks.run import (
    BrokenCheckError,
    Check,
    Problem,
    check_response,
    contract_check,
    flattened,
)
from pytest_bctrl.errors import SettingError

from .responses import response, runtime


@contract_check("short_names", level="warning", operations=["runtimes-list"])
def short_names(checked: Response) -> Iterator[Problem]:
    """Yield a problem for each name of more than nine characters."""
    for path, name in checked.select("runtimes[*].name"):
        if len(name) > 9:
            yield Problem("a name is short", path, expected="at most 9", observed=name)


@contract_check("counted")
def counted(checked: Response) -> list[Problem]:
    """Return a problem if the response has no `X-Total`."""
    return (
        [] if checked.header("X-Total") else [Problem("it says how many", place="header X-Total", expected="a number")]
    )


def test_a_problem_becomes_a_finding_with_the_name_and_level_of_the_check() -> None:
    (finding,) = check_response(response(runtime(name="much too long")), custom=[short_names], aspects=["custom"])
    assert ("short_names", "warning", "a name is short") == (finding.rule, finding.level, finding.message)
    assert ("runtimes[*].name", "at most 9", "much too long") == (finding.location, finding.expected, finding.observed)
    assert {"location": "runtimes[0].name", "value": "much too long"} == finding.sample


def test_a_custom_check_can_read_headers() -> None:
    """A missing `X-Total` is its finding, without a sample; with the header there is none."""
    (finding,) = check_response(response({}), custom=[counted], aspects=["custom"])
    assert ("counted", "error", "header X-Total", None) == (
        finding.rule,
        finding.level,
        finding.location,
        finding.sample,
    )
    assert [] == check_response(response({}, headers=(("x-total", "3"),)), custom=[counted], aspects=["custom"])


def test_a_custom_check_that_returns_none_instead_of_a_list_has_no_findings() -> None:
    assert [] == check_response(response({}), custom=[Check("quiet", lambda _: None)], aspects=["custom"])  # type: ignore[arg-type, return-value]


@pytest.mark.parametrize(
    ("operations", "applies"),
    [((), True), (("runtimes-list",), True), (("GET /v1/spaces/{id}/runtimes",), True), (("another",), False)],
)
def test_a_custom_check_applies_only_to_its_operations(operations: tuple[str, ...], applies: bool) -> None:
    check = contract_check("counted", operations=operations)(counted.function)
    assert "error" == check.level
    rule_names = [finding.rule for finding in check_response(response(runtime()), custom=[check])]
    assert (["counted"] if applies else []) == [rule for rule in rule_names if rule == "counted"]


def test_a_custom_check_is_callable() -> None:
    """The decorated function returns its problems."""
    assert ["it says how many"] == [problem.message for problem in counted(response({}))]


def test_select_returns_nothing_for_a_body_that_is_not_json() -> None:
    assert [] == list(response(b"{").select("runtimes[*].name"))
    assert [(("runtimes", 0, "name"), "a")] == list(response(runtime(name="a")).select("runtimes[*].name"))


def error_parts(error: BaseException) -> tuple[str, str, str]:
    """Return problem, location and hint of an error."""
    assert isinstance(error, SettingError | BrokenCheckError)
    return error.problem, error.where, error.hint


def _raising(_checked: Response) -> Iterator[Problem]:
    yield Problem("first")
    raise LookupError("gone")


_LINE = _raising.__code__.co_firstlineno + 2


def _takes_nothing() -> list[Problem]:
    return []


_FIRST = _takes_nothing.__code__.co_firstlineno


@pytest.mark.parametrize(
    ("function", "problem", "where"),
    [
        (_raising, "raised LookupError: gone", f"test_own.py:{_LINE}"),
        (lambda _: [Path("gone").read_text()], "raised FileNotFoundError: ", "test_own.py:"),
        (_takes_nothing, "raised TypeError: ", f"test_own.py:{_FIRST}"),
        (int, "raised TypeError: ", "mine"),
        (
            lambda _: ["wrong"],
            "raised TypeError: it yields a str, and should yield ",
            "test_own.py:",
        ),
    ],
    ids=["raises", "raises elsewhere", "cannot be called", "has no code", "yields no problem"],
)
def test_an_exception_in_a_custom_check_is_reported_with_its_line(
    function: Any, problem: str, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`BrokenCheckError` has the exception, the file with its line, and a hint."""
    monkeypatch.chdir(Path(__file__).parent)
    with pytest.raises(BrokenCheckError) as caught:
        check_response(response({}), custom=[Check("mine", function)], aspects=["custom"])
    message, at, hint = error_parts(caught.value)
    assert (True, True, "fix the check; until then nothing is checked by it") == (
        problem in message,
        where in at,
        hint,
    )
    assert type(caught.value.__cause__).__name__ in problem


@pytest.mark.parametrize(
    ("name", "level", "problem", "hint"),
    [
        ("No Name", "error", "it is not a name for a rule", "give one in the style of unique_ids"),
        ("strict_json", "error", "a rule of this name exists already", "give another name"),
        ("mine", "fatal", "unknown level 'fatal'", "choose one of: error, warning, info"),
    ],
)
def test_an_invalid_name_or_level_is_an_error(name: str, level: Any, problem: str, hint: str) -> None:
    with pytest.raises(SettingError) as caught:
        contract_check(name, level=level)
    assert (problem, f"contract_check({name!r})", hint) == error_parts(caught.value)


def test_flattened_joins_the_results_of_hooks() -> None:
    """Checks alone and in lists become one list."""
    assert [counted, short_names] == flattened([[counted], (), short_names], Check, "pytest_bctrl_checks")


@pytest.mark.parametrize(
    ("hook", "decorator"),
    [
        ("pytest_bctrl_checks", "contract_check"),
        ("pytest_bctrl_scenarios", "mock_scenario"),
        ("pytest_bctrl_faults", "mock_fault"),
    ],
)
def test_a_wrong_result_of_a_hook_is_an_error(hook: str, decorator: str) -> None:
    """A list with a text: the message names the hook and the decorator."""
    with pytest.raises(SettingError) as caught:
        flattened([[counted, "x" * 90]], Check, hook)
    hint = f"return a list of what @pytest_bctrl.{decorator} made"
    assert (f"it returned '{'x' * 59}", hook, hint) == error_parts(caught.value)


def test_a_duplicate_name_is_an_error() -> None:
    """Two checks of one name: the message lists the names."""
    with pytest.raises(SettingError) as caught:
        flattened([short_names, counted, counted, short_names], Check, "pytest_bctrl_checks")
    expected = ("counted, short_names is defined twice", "pytest_bctrl_checks", "give each check a different name")
    assert expected == error_parts(caught.value)


def test_rules_of_lists_built_in_contract_and_custom_rules() -> None:
    """Without duplicates."""
    invariants = [{"rule": "unique_ids"}, {"rule": "unique_ids"}]
    assert [*rules(), "unique_ids", "counted"] == rules_of(invariants, ["counted", "strict_json"])
