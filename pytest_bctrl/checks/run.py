"""Runs all checks of one response, including custom checks, which a decorator creates from functions."""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path as File
from typing import Any, Literal, TypeAlias

from pytest_bctrl.checks.ignored_parameters import check_ignored_parameters
from pytest_bctrl.checks.protocol import (
    check_body,
    check_content_type,
    check_framing,
    check_headers,
    check_interoperable,
    check_retired,
    check_status,
)
from pytest_bctrl.checks.redact import redact_response_findings
from pytest_bctrl.checks.response import Response, looked, once
from pytest_bctrl.checks.rules import rules
from pytest_bctrl.checks.schema import check_schema, rejected_properties
from pytest_bctrl.checks.violation import Violation, findings, fix_of, item_of, source_of
from pytest_bctrl.checks.write_only import check_write_only
from pytest_bctrl.contract.files import shown_path
from pytest_bctrl.contract.schema.invariant import Invariant
from pytest_bctrl.contract.schema.locations import Path, select_values
from pytest_bctrl.errors import BctrlError, SettingError
from pytest_bctrl.findings.finding import LEVELS, Finding, Level
from pytest_bctrl.findings.fingerprint import with_fingerprint
from pytest_bctrl.observed.differences import UNDOCUMENTED, undocumented_properties

_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem that a custom check reports at one location.

    `path` is the exact location in the body, as `Response.select` yields it; `place` names a location outside the
    body, such as `header X-Total-Count`. `message` gives the reason and not the value, so that equal problems become
    one finding; the value is `observed`.
    """

    message: str
    path: Path = ()
    place: str = ""
    expected: Any = None
    observed: Any = None


CheckFunction: TypeAlias = Callable[[Response], Iterable[Problem]]


@dataclass(frozen=True, slots=True)
class Check:
    """A custom check: its name, which is the rule of its findings, their level, and the operations it applies to.

    `operations` are operation ids or labels (`GET /v1/…`); empty for all.
    """

    name: str
    function: CheckFunction
    level: Level = "error"
    operations: tuple[str, ...] = ()

    def __call__(self, response: Response) -> Iterable[Problem]:
        """Call the function directly; for tests of the check itself."""
        return self.function(response)

    def looks_at(self, operation_id: str, label: str) -> bool:
        """Return whether the check applies to an operation."""
        return not self.operations or operation_id in self.operations or label in self.operations


class BrokenCheckError(BctrlError):
    """A custom check raised an exception; `where` is its location in the project."""


def contract_check(
    name: str, *, level: Level = "error", operations: Iterable[str] = ()
) -> Callable[[CheckFunction], Check]:
    """Return a decorator that makes a check of a function, which takes a `Response` and yields a `Problem` per fault.

    Return the check from `pytest_bctrl_checks` in a `conftest.py`, and the contract suite runs it on every operation.
    Raises `SettingError` for an invalid name, a name that is taken, or an unknown level.
    """
    where = f"contract_check({name!r})"
    if _NAME.fullmatch(name) is None:
        raise SettingError("it is not a name for a rule", where=where, hint="give one in the style of unique_ids")
    if name in rules():
        raise SettingError("a rule of this name exists already", where=where, hint="give another name")
    if level not in LEVELS:
        raise SettingError(f"unknown level {level!r}", where=where, hint=f"choose one of: {', '.join(LEVELS)}")

    def decorate(function: CheckFunction) -> Check:
        """Return the check of a function."""
        return Check(name, function, level, tuple(operations))

    return decorate


def _run_check(check: Check, response: Response) -> list[Finding]:
    """Return the findings of a custom check; raises `BrokenCheckError`, with file and line, if the check raises."""
    problems: list[Problem] = []
    try:
        for problem in check.function(response) or ():
            if not isinstance(problem, Problem):
                raise TypeError(f"it yields a {type(problem).__name__}, and should yield pytest_bctrl.Problem(message)")
            problems.append(problem)
    except Exception as error:
        raise _broken_check_error(check, error) from error
    looked(response).add("own check")
    return findings(response, (_problem_violation(check, problem) for problem in problems))


def _problem_violation(check: Check, problem: Problem) -> Violation:
    """Return a problem that a custom check reports as a violation."""
    values = [getattr(problem, field.name) for field in fields(problem)]
    return Violation(check.name, check.level, *values)


def _broken_check_error(check: Check, error: Exception) -> BrokenCheckError:
    """Return the error for a custom check that raised an exception, with file and line."""
    file = getattr(getattr(check.function, "__code__", None), "co_filename", "")
    line = getattr(getattr(check.function, "__code__", None), "co_firstlineno", 0)
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.filename == file:
            line = frame.lineno or line
    where = check.name
    if file:
        where = f"{shown_path(File(file))}:{line}"
    return BrokenCheckError(
        f"the check {check.name} raised {type(error).__name__}: {error}",
        where=where,
        hint="fix the check; until then nothing is checked by it",
    )


def flattened(results: Iterable[Any], item_type: type | tuple[type, ...], hook: str) -> list[Any]:
    """Return all results of a hook as one list; raises `SettingError` for wrong types or equal names."""
    items: list[Any] = []
    for result in results:
        for item in result if isinstance(result, list | tuple) else [result]:
            if not isinstance(item, item_type):
                decorator = {"pytest_bctrl_checks": "contract_check", "pytest_bctrl_scenarios": "mock_scenario"}
                raise SettingError(
                    f"it returned {item!r:.60}",
                    where=hook,
                    hint=f"return a list of what @pytest_bctrl.{decorator.get(hook, 'mock_fault')} made",
                )
            items.append(item)
    names = [item.name for item in items]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SettingError(f"{', '.join(twice)} is defined twice", where=hook, hint="give each check a different name")
    return items


def _check_undocumented(response: Response) -> list[Finding]:
    """Return a warning for every property at every depth that the schema does not document, or not for responses.

    A property without a name in the schema is valid unless its object is closed, but it is drift nevertheless. Objects
    that the contract leaves free-form (`additionalProperties`, or no documented property) are not searched. A
    write-only property is documented for requests alone.
    """
    looked(response).add("undocumented")
    if response.schema is None or not response.parsed.ok:
        return []
    undocumented: list[Finding] = []
    source = source_of(UNDOCUMENTED, response)
    unnamed_properties = once(
        response,
        "undocumented properties",
        lambda: undocumented_properties(response.contract, response.observed, response.media_type),
    )
    rejected = rejected_properties(response)
    for finding in unnamed_properties:
        if finding.location in rejected:
            # An error says so already.
            continue
        path: Path = ()
        if finding.sample:
            selected = select_values(response.data, finding.sample["location"])
            path = next((path for path, _ in selected), ())
        extra = {**finding.extra, **item_of(response.data, path), "source": source, "fix": fix_of(UNDOCUMENTED)}
        undocumented.append(with_fingerprint(replace(finding, reproduce=response.reproduce, extra=extra)))
    return [*redact_response_findings(undocumented, response), *check_write_only(response)]


def _check_invariants(response: Response, entries: Iterable[Mapping[str, Any]]) -> Iterator[Violation]:
    """Yield a violation for every location in the body that breaks one of these entries of `x-bctrl-invariants`."""
    for entry in entries:
        looked(response).add("invariant")
        if _can_have_invariants(response):
            key = ("invariant", id(entry), tuple(sorted(response.path_values.items())))
            yield from once(response, key, partial(list, _invariant_violations(response, entry)))


def _invariant_violations(response: Response, entry: Mapping[str, Any]) -> Iterator[Violation]:
    """Yield a violation for every value that breaks an entry of `x-bctrl-invariants`."""
    for rule in Invariant.of(entry):
        for path, expected, observed in rule.check(response.data, response.path_values):
            yield Violation(entry["rule"], entry["level"], entry["because"], path, "", expected, observed)


def count_invariant_values(response: Response, entry: Mapping[str, Any]) -> int:
    """Return how many values in the body an entry applies to; 0 means that it could not be checked."""
    if not _can_have_invariants(response):
        return 0

    def count() -> int:
        """Return the number of values."""
        return sum(len(rule.selected_values(response.data)) for rule in Invariant.of(entry)[:1])

    return once(response, ("places", id(entry)), count)


def _can_have_invariants(response: Response) -> bool:
    """Return whether a response is a success with JSON, to which invariants apply."""
    return response.parsed.ok and 200 <= response.status < 300


Aspect: TypeAlias = Literal["head", "body", "retired", "invariants", "undocumented", "custom"]

ASPECTS: tuple[Aspect, ...] = ("head", "body", "retired", "invariants", "undocumented", "custom")
"""The aspects of a response, in the order of their findings."""

PROTOCOL: tuple[Aspect, ...] = ("head", "body")
"""The aspects of every response, such as a rejection: status, framing and header fields; JSON syntax and schema."""

WITHOUT_BODY: tuple[Aspect, ...] = ("head", "retired")
"""The aspects of a response whose body is not known."""


def check_response(
    response: Response,
    expected: Collection[int] = (),
    custom: Iterable[Check] = (),
    *,
    aspects: Collection[Aspect] = ASPECTS,
    invariants: Iterable[Mapping[str, Any]] | None = None,
) -> list[Finding]:
    """Return the findings in these aspects of a response; `expected` are the statuses that its request may get.

    `custom` are the project's custom checks; raises `BrokenCheckError` if one of them raises. `invariants` are the
    entries of `x-bctrl-invariants` to check, by default all of the operation.
    """
    operation = response.operation
    if not response.is_body_known:
        aspects = [aspect for aspect in aspects if aspect in WITHOUT_BODY]
    violations: list[Violation] = []
    if "head" in aspects:
        violations += check_status(response, expected)
        violations += [*check_framing(response), *check_content_type(response), *check_headers(response)]
    if "body" in aspects:
        violations += [*check_body(response), *check_interoperable(response), *check_schema(response)]
        violations += check_ignored_parameters(response)
    if "retired" in aspects:
        violations += check_retired(response)
    if "invariants" in aspects:
        violations += _check_invariants(response, operation.invariants if invariants is None else invariants)
    all_findings = findings(response, violations)
    if "undocumented" in aspects:
        all_findings += _check_undocumented(response)
    if "custom" in aspects:
        for check in custom:
            if check.looks_at(operation.operation_id, operation.label):
                all_findings += _run_check(check, response)
    return all_findings
