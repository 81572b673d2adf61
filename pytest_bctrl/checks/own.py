"""Checks of one's own: a function over an answer, made a check by a decorator and found through a pytest hook."""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path as File
from typing import Any, TypeAlias

from pytest_bctrl.checks.answer import Answer
from pytest_bctrl.checks.violation import RULES, Violation, findings
from pytest_bctrl.contract.files import shown_path
from pytest_bctrl.contract.schema.locations import Path
from pytest_bctrl.errors import BctrlError, SettingError
from pytest_bctrl.finding import LEVELS, Finding, Level

_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Problem:
    """What a check of one's own found at one place.

    `path` is the exact place in the body, as `Answer.select` gives it; `place` names one around the body, such as
    `header X-Total-Count`. `message` says why it is wrong and not which value it is, so that equal troubles fall
    together; the value is `observed`.
    """

    message: str
    path: Path = ()
    place: str = ""
    expected: Any = None
    observed: Any = None


CheckFunction: TypeAlias = Callable[[Answer], Iterable[Problem]]


@dataclass(frozen=True, slots=True)
class Check:
    """A check of one's own: its name, which is the rule of its findings, their level, and what it looks at.

    `operations` are operation ids or labels (`GET /v1/…`); empty for all.
    """

    name: str
    function: CheckFunction
    level: Level = "error"
    operations: tuple[str, ...] = ()

    def __call__(self, answer: Answer) -> Iterable[Problem]:
        """Call the function, as a test of the check itself does."""
        return self.function(answer)

    def looks_at(self, operation_id: str, label: str) -> bool:
        """Whether the check is about an operation."""
        return not self.operations or operation_id in self.operations or label in self.operations


class BrokenCheckError(BctrlError):
    """A check of one's own raised; `where` is its place in the project's code."""


def contract_check(
    name: str, *, level: Level = "error", operations: Iterable[str] = ()
) -> Callable[[CheckFunction], Check]:
    """Make a check of a function that takes an `Answer` and yields a `Problem` for everything that is wrong with it.

    Return it from `pytest_bctrl_checks` in a `conftest.py`, and the contract suite runs it on every operation.
    Raises `SettingError` for a name that is taken or is none, or an unknown level.
    """
    where = f"contract_check({name!r})"
    if _NAME.fullmatch(name) is None:
        raise SettingError("that is no name for a rule", where=where, hint="give one in the style of unique_ids")
    if name in RULES:
        raise SettingError("a rule of this name is there already", where=where, hint="give another name")
    if level not in LEVELS:
        raise SettingError(f"unknown level {level!r}", where=where, hint=f"choose one of: {', '.join(LEVELS)}")

    def made(function: CheckFunction) -> Check:
        return Check(name, function, level, tuple(operations))

    return made


def run_check(check: Check, answer: Answer) -> list[Finding]:
    """Return what a check of one's own finds; raises `BrokenCheckError`, with its file and line, where it raises."""
    problems: list[Problem] = []
    try:
        for problem in check.function(answer) or ():
            if not isinstance(problem, Problem):
                raise TypeError(f"it yields a {type(problem).__name__}, and should yield pytest_bctrl.Problem(message)")
            problems.append(problem)
    except Exception as error:
        raise _broken(check, error) from error
    return findings(answer, (_violation(check, problem) for problem in problems))


def _violation(check: Check, problem: Problem) -> Violation:
    return Violation(
        check.name, check.level, problem.message, problem.path, problem.place, problem.expected, problem.observed
    )


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
        raise SettingError(f"{', '.join(twice)} is there twice", where=hook, hint="give each a name of its own")
    return made
