"""What a schema cannot say and a consumer relies on: rules that the contract lists under `x-bctrl-invariants`.

Each rule has `rule` (its id), `level`, `because`, and one of: `unique: PLACE`; `each: PLACE` with
`equals: path.NAME`, `same: [A, B]`, `times: [A, …]` or `ordered: [EARLIER, LATER]`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pytest_bctrl.checks.answer import Answer
from pytest_bctrl.checks.violation import Violation
from pytest_bctrl.contract.iso_time import is_before, parse_time
from pytest_bctrl.contract.show import Path, select

Rule = Mapping[str, Any]


def check_invariant(answer: Answer, rule: Rule) -> Iterator[Violation]:
    """Yield a violation for every place of the body that breaks one rule; values of other types are passed over."""
    if not _applies(answer):
        return
    for keyword, broken in _KEYWORDS.items():
        if keyword in rule:
            places = list(select(answer.data, str(rule.get("each", rule.get("unique")))))
            for path, expected, observed in broken(answer, rule, places):
                yield Violation(rule["rule"], rule["level"], rule["because"], path, "", expected, observed)


def check_invariants(answer: Answer) -> Iterator[Violation]:
    """Yield the violations of all rules that the contract lists for the operation."""
    for rule in answer.operation.invariants:
        yield from check_invariant(answer, rule)


def places_of(answer: Answer, rule: Rule) -> int:
    """How many places of the body a rule has to look at; 0 means that it could not be checked."""
    return sum(1 for _ in select(answer.data, str(rule.get("each", rule.get("unique"))))) if _applies(answer) else 0


def _applies(answer: Answer) -> bool:
    return answer.parsed.ok and 200 <= answer.status < 300


_Broken = Iterator[tuple[Path, Any, Any]]
_Places = list[tuple[Path, Any]]


def _unique(answer: Answer, rule: Rule, places: _Places) -> _Broken:
    seen: set[str] = set()
    for path, value in places:
        if isinstance(value, str):
            if value.lower() in seen:
                yield path, "a value of its own", value
            seen.add(value.lower())


def _equals(answer: Answer, rule: Rule, places: _Places) -> _Broken:
    wanted = answer.path_values.get(str(rule["equals"]).removeprefix("path."))
    for path, value in places:
        is_comparable = isinstance(value, str | int) and not isinstance(value, bool)
        if wanted is not None and is_comparable and str(value).lower() != wanted.lower():
            yield path, wanted, value


def _same(answer: Answer, rule: Rule, places: _Places) -> _Broken:
    one, other = rule["same"]
    for path, value in places:
        if isinstance(value, dict) and one in value and other in value and value[one] != value[other]:
            yield (*path, one), value[other], value[one]


def _times(answer: Answer, rule: Rule, places: _Places) -> _Broken:
    for path, value in places:
        for name in rule["times"]:
            text = value.get(name) if isinstance(value, dict) else None
            moment = parse_time(text) if isinstance(text, str) else None
            if isinstance(text, str) and (moment is None or moment.tzinfo is None):
                zoned = " with its zone" if moment else ""
                yield (*path, name), f"an ISO 8601 time{zoned}, such as 2026-03-01T08:00:00Z", text


def _ordered(answer: Answer, rule: Rule, places: _Places) -> _Broken:
    earlier, later = rule["ordered"]
    for path, value in places:
        if not isinstance(value, dict):
            continue
        first, second = value.get(earlier), value.get(later)
        if isinstance(first, str) and isinstance(second, str) and is_before(second, first):
            yield (*path, later), f"not before {earlier}, {first}", second


_KEYWORDS: dict[str, Callable[[Answer, Rule, _Places], _Broken]] = {
    "unique": _unique,
    "equals": _equals,
    "same": _same,
    "times": _times,
    "ordered": _ordered,
}
