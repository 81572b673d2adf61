"""What one check sees at one exact place, and how many such make one finding."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from pytest_bctrl.checks.answer import Answer
from pytest_bctrl.checks.evidence import evidence
from pytest_bctrl.checks.select import Path
from pytest_bctrl.contract.show import generalised, location, shortened
from pytest_bctrl.finding import Finding, Level
from pytest_bctrl.fingerprint import BY_VALUE, named, value_text
from pytest_bctrl.observed.distinct import APART, FURTHER, FURTHER_MESSAGE, at_least, capped, numbered


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken rule at one exact place of one body (`path`), or of the answer around it (`place`).

    `message` names the rule's reason and never the value, so that equal troubles fall together; `kind` names the way
    in which the rule is broken, where it can be in several, and stays when messages are worded anew.
    """

    rule: str
    level: Level
    message: str
    path: Path = ()
    place: str = ""
    expected: Any = None
    observed: Any = None
    kind: str = ""


def findings(answer: Answer, violations: Iterable[Violation]) -> list[Finding]:
    """Group the violations of one answer: one finding a rule, generalised location and message, in first-seen order.

    An undocumented value is a finding of its own, up to `APART` of them at a place; one finding stands for the rest.
    """
    groups: dict[tuple[str, ...], list[Violation]] = {}
    apart: dict[tuple[str, ...], set[str]] = {}
    for violation in violations:
        where = violation.place or generalised(violation.path)
        key: tuple[str, ...] = (where, violation.rule, violation.message)
        if violation.kind in BY_VALUE:
            told = apart.setdefault((*key, violation.kind), set())
            value = value_text(shortened(violation.observed))
            if value in told or len(told) < APART:
                told.add(value)
                key = (*key, violation.kind, value)
            else:
                key = (where, violation.rule, FURTHER_MESSAGE)
        groups.setdefault(key, []).append(violation)
    return [
        _further(answer, key[0], group) if key[2] == FURTHER_MESSAGE else _finding(answer, key[0], group)
        for key, group in groups.items()
    ]


def _further(answer: Answer, where: str, group: list[Violation]) -> Finding:
    """One finding for all the violations by values that are not told apart."""
    first = replace(group[0], message=FURTHER_MESSAGE, kind=FURTHER)
    values = {value_text(shortened(one.observed)) for one in group}
    return numbered(_finding(answer, where, [first, *group[1:]]), len(values))


def _finding(answer: Answer, where: str, group: list[Violation]) -> Finding:
    first = group[0]
    known = {"status": str(answer.status), "kind": first.kind}
    finding = Finding(
        rule=first.rule,
        level=first.level,
        location=where,
        message=first.message,
        expected=shortened(first.expected),
        observed=shortened(first.observed),
        count=len({violation.path for violation in group}),
        total=1 if first.place else max(len({violation.path for violation in group}), _looked_at(answer, first.path)),
        sample=None if first.place else {"location": location(first.path), "value": shortened(first.observed)},
        operation=answer.operation.label,
        reproduce=answer.reproduce,
        extra={**evidence(answer, first.path), **{name: value for name, value in known.items() if value}},
    )
    return named(finding)


def _looked_at(answer: Answer, path: Path) -> int:
    """How many places of the body are like `path`: list items, or the objects that could hold the property."""
    if path and isinstance(path[-1], str):
        return sum(1 for value in _places(answer.data, path[:-1]) if isinstance(value, dict))
    return sum(1 for _ in _places(answer.data, path))


def _places(value: Any, path: Path) -> Iterator[Any]:
    if not path:
        yield value
    elif isinstance(path[0], int):
        for item in value if isinstance(value, list) else ():
            yield from _places(item, path[1:])
    elif isinstance(value, dict) and path[0] in value:
        yield from _places(value[path[0]], path[1:])


def merge(collected: Iterable[Finding]) -> list[Finding]:
    """Fold findings of many answers: same operation, rule, level, place, kind and message become one, counts added."""
    merged: dict[tuple[str, ...], Finding] = {}
    for finding in map(named, collected):
        key = (finding.operation, finding.rule, finding.level, finding.location, finding.message, finding.fingerprint)
        known = merged.get(key)
        merged[key] = finding if known is None else _added(known, finding)
    return [named(finding) for finding in capped(merged.values())]


def _added(one: Finding, other: Finding) -> Finding:
    if one.extra.get("kind") == FURTHER:
        one = at_least(one, other)
    total = None if one.total is None or other.total is None else one.total + other.total
    return replace(one, count=one.count + other.count, total=total)
