"""All checks of one answer, in one place; and checks of one's own, which a decorator makes of functions."""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path as File
from typing import Any, TypeAlias

from pytest_bctrl.checks.protocol import (
    check_body,
    check_content_type,
    check_framing,
    check_headers,
    check_interoperable,
    check_retired,
    check_status,
)
from pytest_bctrl.checks.response import Response, looked, once
from pytest_bctrl.checks.rules import rules
from pytest_bctrl.checks.schema import check_schema
from pytest_bctrl.checks.violation import Violation, findings, item_of, source_of
from pytest_bctrl.contract.files import shown_path
from pytest_bctrl.contract.schema.invariant import Invariant
from pytest_bctrl.contract.schema.locations import Path, select_values
from pytest_bctrl.errors import BctrlError, SettingError
from pytest_bctrl.findings.finding import LEVELS, Finding, Level
from pytest_bctrl.findings.fingerprint import named
from pytest_bctrl.observed.differences import UNDOCUMENTED, differences

_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Problem:
    """What a check of one's own found at one place.

    `path` is the exact place in the body, as `Response.select` gives it; `place` names one around the body, such as
    `header X-Total-Count`. `message` says why it is wrong and not which value it is, so that equal problems are
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
    """A check of one's own: its name, which is the rule of its findings, their level, and what it looks at.

    `operations` are operation ids or labels (`GET /v1/…`); empty for all.
    """

    name: str
    function: CheckFunction
    level: Level = "error"
    operations: tuple[str, ...] = ()

    def __call__(self, response: Response) -> Iterable[Problem]:
        """Call the function, as a test of the check itself does."""
        return self.function(response)

    def looks_at(self, operation_id: str, label: str) -> bool:
        """Whether the check is about an operation."""
        return not self.operations or operation_id in self.operations or label in self.operations


class BrokenCheckError(BctrlError):
    """A check of one's own raised; `where` is its place in the project's code."""


def contract_check(
    name: str, *, level: Level = "error", operations: Iterable[str] = ()
) -> Callable[[CheckFunction], Check]:
    """Make a check of a function that takes a `Response` and yields a `Problem` for everything that is wrong with it.

    Return it from `pytest_bctrl_checks` in a `conftest.py`, and the contract suite runs it on every operation.
    Raises `SettingError` for a name that is taken or is none, or an unknown level.
    """
    where = f"contract_check({name!r})"
    if _NAME.fullmatch(name) is None:
        raise SettingError("it is not a name for a rule", where=where, hint="give one in the style of unique_ids")
    if name in rules():
        raise SettingError("a rule of this name exists already", where=where, hint="give another name")
    if level not in LEVELS:
        raise SettingError(f"unknown level {level!r}", where=where, hint=f"choose one of: {', '.join(LEVELS)}")

    def made(function: CheckFunction) -> Check:
        return Check(name, function, level, tuple(operations))

    return made


def run_check(check: Check, response: Response) -> list[Finding]:
    """Return what a check of one's own finds; raises `BrokenCheckError`, with its file and line, where it raises."""
    problems: list[Problem] = []
    try:
        for problem in check.function(response) or ():
            if not isinstance(problem, Problem):
                raise TypeError(f"it yields a {type(problem).__name__}, and should yield pytest_bctrl.Problem(message)")
            problems.append(problem)
    except Exception as error:
        raise _broken(check, error) from error
    looked(response).add("own check")
    values = ([getattr(problem, one.name) for one in fields(problem)] for problem in problems)
    return findings(response, (Violation(check.name, check.level, *said) for said in values))


def _broken(check: Check, error: Exception) -> BrokenCheckError:
    file = getattr(getattr(check.function, "__code__", None), "co_filename", "")
    line = getattr(getattr(check.function, "__code__", None), "co_firstlineno", 0)
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.filename == file:
            line = frame.lineno or line
    return BrokenCheckError(
        f"the check {check.name} raised {type(error).__name__}: {error}",
        where=f"{shown_path(File(file))}:{line}" if file else check.name,
        hint="fix the check; what it was to look at is not checked",
    )


def flattened(given: Iterable[Any], wanted: type | tuple[type, ...], hook: str) -> list[Any]:
    """Return what the implementations of a hook gave, as one list; raises `SettingError` for anything else."""
    made: list[Any] = []
    for part in given:
        listed = part if isinstance(part, list | tuple) else [part]
        for one in listed:
            if not isinstance(one, wanted):
                decorator = {"pytest_bctrl_checks": "contract_check", "pytest_bctrl_scenarios": "mock_scenario"}
                raise SettingError(
                    f"it returned {one!r:.60}",
                    where=hook,
                    hint=f"return a list of what @pytest_bctrl.{decorator.get(hook, 'mock_fault')} made",
                )
            made.append(one)
    names = [one.name for one in made]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SettingError(f"{', '.join(twice)} is defined twice", where=hook, hint="give each a name of its own")
    return made


def check_undocumented(response: Response) -> list[Finding]:
    """Return a warning for every property at every depth that the documented schema does not name.

    Where no object is closed such a property is valid; it is drift all the same. Objects that are free-form by the
    contract (`additionalProperties`, or no property documented at all) are never searched.
    """
    looked(response).add("undocumented")
    if response.schema is None or not response.parsed.ok:
        return []
    made: list[Finding] = []
    source = source_of(UNDOCUMENTED, response)
    seen = once(response, "differences", lambda: differences(response.contract, response.observed, response.media_type))
    for one in seen:
        if one.rule == UNDOCUMENTED:
            paths = select_values(response.data, one.sample["location"]) if one.sample else ()
            item = item_of(response.data, next((path for path, _ in paths), ()))
            extra = {**one.extra, **item, "source": source}
            made.append(named(replace(one, reproduce=response.reproduce, extra=extra)))
    return made


def check_invariant(response: Response, said: Mapping[str, Any]) -> Iterator[Violation]:
    """Yield a violation for every place of the body that breaks an entry of `x-bctrl-invariants`."""
    looked(response).add("invariant")
    if _has_invariants(response):
        key = ("invariant", id(said), tuple(sorted(response.path_values.items())))
        yield from once(response, key, lambda: list(_broken_invariant(response, said)))


def _broken_invariant(response: Response, said: Mapping[str, Any]) -> Iterator[Violation]:
    for rule in Invariant.of(said):
        for path, expected, observed in rule.check(response.data, response.path_values):
            yield Violation(said["rule"], said["level"], said["because"], path, "", expected, observed)


def check_invariants(response: Response) -> Iterator[Violation]:
    """Yield the violations of all entries that the contract lists for the operation."""
    for said in response.operation.invariants:
        yield from check_invariant(response, said)


def places_of(response: Response, said: Mapping[str, Any]) -> int:
    """How many places of the body an entry has to look at; 0 means that it could not be checked."""
    if not _has_invariants(response):
        return 0
    return once(
        response, ("places", id(said)), lambda: sum(len(rule.places(response.data)) for rule in Invariant.of(said)[:1])
    )


def _has_invariants(response: Response) -> bool:
    return response.parsed.ok and 200 <= response.status < 300


def check_answer(response: Response, expected: Collection[int] = (), own: Iterable[Check] = ()) -> list[Finding]:
    """Hold one answer to everything that the contract says; `expected` are the statuses this request may get.

    `own` are checks of the project's own; raises `BrokenCheckError` where one of them raises.
    """
    operation = response.operation
    chosen = [check for check in own if check.looks_at(operation.operation_id, operation.label)]
    return [
        *findings(response, [*_protocol(response, expected), *check_retired(response), *check_invariants(response)]),
        *check_undocumented(response),
        *(finding for check in chosen for finding in run_check(check, response)),
    ]


def check_protocol(response: Response, expected: Collection[int] = ()) -> list[Finding]:
    """Hold one answer to status, header fields, body and schema; for answers that refuse."""
    return findings(response, _protocol(response, expected))


def _protocol(response: Response, expected: Collection[int]) -> Iterator[Violation]:
    yield from check_status(response, expected)
    yield from check_framing(response)
    yield from check_content_type(response)
    yield from check_headers(response)
    yield from check_body(response)
    yield from check_interoperable(response)
    yield from check_schema(response)
