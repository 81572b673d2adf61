"""What one check sees at one exact place, and how many such make one finding."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pytest_bctrl.checks.answer import Answer
from pytest_bctrl.checks.evidence import evidence
from pytest_bctrl.checks.select import Path
from pytest_bctrl.contract.show import generalised, location, shortened
from pytest_bctrl.finding import Finding, Level
from pytest_bctrl.fingerprint import named


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
    """Group the violations of one answer: one finding a rule, generalised location and message, in first-seen order."""
    groups: dict[tuple[str, str, str], list[Violation]] = {}
    for violation in violations:
        where = violation.place or generalised(violation.path)
        groups.setdefault((violation.rule, where, violation.message), []).append(violation)
    return [_finding(answer, where, group) for (_, where, _), group in groups.items()]


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
    parent = path[:-1] if path and isinstance(path[-1], str) else path
    return sum(1 for _ in _places(answer.data, parent))


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
    return list(merged.values())


def _added(one: Finding, other: Finding) -> Finding:
    from dataclasses import replace

    total = None if one.total is None or other.total is None else one.total + other.total
    return replace(one, count=one.count + other.count, total=total)
