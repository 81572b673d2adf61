"""The changes that a contract itself gives: each break of it, and what is unusual and yet keeps it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, TypeAlias

from pytest_bctrl.contract.engine import accepts
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.contract.schema.locations import member, parted
from pytest_bctrl.contract.schema.ref import listed_values
from pytest_bctrl.contract.schema.shapes import LocatedValue, located, replaced
from pytest_bctrl.errors import BctrlError
from pytest_bctrl.finding import Finding, Level
from pytest_bctrl.fingerprint import fingerprint, shape
from pytest_bctrl.impact.change import REMOVED, BodyChange, Call, Change, Kind, body_play, put
from pytest_bctrl.samples.inputs import answers_with_json
from pytest_bctrl.samples.mutants import SCHEMA_CHECK, UNDOCUMENTED, Mutant, broken_at, mutants
from pytest_bctrl.samples.sample import Samples
from pytest_bctrl.samples.text import encode

_LONG = 300
_UNKNOWN = "unknownByImpact"


def derived(contract: Contract) -> list[Change]:
    """Return every break and every unusual answer of each operation that answers with JSON; what bodies show them."""
    found: list[Change] = []
    for operation in filter(answers_with_json, contract.operations):
        try:
            samples = Samples(contract, operation)
            found += [*_breaks(samples), *_extremes(samples)]
        except BctrlError as error:
            finding = _finding(operation.label, "impact", "", f"no sample can be made: {error}", "error")
            found.append(Change(finding, "break", why_not="no sample can be made of the contract"))
    return found


def _change(samples: Samples, finding: Finding, kind: Kind, change: BodyChange, location: str) -> Change:
    operation = samples.operation

    def concerns(call: Call) -> bool:
        return call.operation is operation and call.answer.status == samples.status

    return Change(finding, kind, body_play(change, concerns), locations=(location,))


def _finding(operation: str, rule: str, location: str, message: str, level: Level) -> Finding:
    mark = fingerprint(rule, shape(operation), location, kind=message)
    return Finding(rule, level, location, message, operation=operation, direction="response", fingerprint=mark)


def _breaks(samples: Samples) -> Iterator[Change]:
    spots = _spots(samples)
    for mutant in mutants(samples):
        # An object may hold more than is documented: that keeps the contract, and is among the extremes.
        if mutant.keyword != UNDOCUMENTED:
            message = f"{mutant.keyword} broken: {mutant.how}"
            finding = _finding(samples.operation.label, mutant.check, mutant.location, message, mutant.level)
            location = member(mutant.location, mutant.missing) if mutant.missing else mutant.location
            yield _change(samples, finding, "break", _everywhere(samples, mutant, spots), location)


_Spots: TypeAlias = Callable[[bytes], dict[str, list[LocatedValue]]]


def _spots(samples: Samples) -> _Spots:
    """The places of a body by their location; each of a few bodies is read once for all breaks."""

    @lru_cache(maxsize=8)
    def spots(body: bytes) -> dict[str, list[LocatedValue]]:
        found: dict[str, list[LocatedValue]] = {}
        for spot in located(samples.contract, samples.schema, json.loads(body)):
            found.setdefault(spot.location, []).append(spot)
        return found

    return spots


def _everywhere(samples: Samples, mutant: Mutant, spots: _Spots) -> BodyChange:
    """Break one rule in every place of a body that has it; the invariants, which are about the whole, once."""

    def change(body: Any) -> Any:
        if mutant.check != SCHEMA_CHECK:
            rule = next(one for one in samples.invariants if one.name == mutant.check)
            return next((wrong for how, wrong in rule.breaks(body) if how == mutant.how), body)
        made = body
        for spot in spots(encode(body)).get(mutant.location, ()):
            wrong = dict(broken_at(spot, mutant.keyword))
            if mutant.how in wrong:
                made = replaced(made, spot.path, wrong[mutant.how])
        return body if accepts(samples.contract, samples.schema, made) else made

    return change


def _extremes(samples: Samples) -> Iterator[Change]:
    def made(rule: str, location: str, message: str, change: BodyChange) -> Change:
        finding = _finding(samples.operation.label, rule, location, message, "info")
        return _change(samples, finding, "extreme", _keeping(samples, change), location)

    if samples.lists:
        place = samples.list_name
        yield made("empty-list", place, "the list is empty", lambda body: samples.with_items([]))
        yield made("long-list", place, f"the list has {_LONG} more items", _longer(samples))
        other = "the items come in the other order"
        yield made("other-order", place, other, lambda body: _with_items(samples, body, samples.items(body)[::-1]))
    spots: dict[str, LocatedValue] = {}
    for body in samples.bodies():
        for spot in located(samples.contract, samples.schema, body):
            spots.setdefault(spot.location, spot)
    for location, spot in spots.items():
        above, step = parted(location)
        owner = spots.get(above)
        if owner and step and step.kind == "member" and step.text not in owner.schema.get("required", ()):
            yield made("optional-left-out", location, "the optional property is left out", _put(location, REMOVED))
        for value in listed_values(spot.schema) or ():
            yield made("enum-value-alone", location, f"the value is always {value!r}", _put(location, value))
        if isinstance(spot.value, Mapping) and spot.schema.get("properties"):
            more = _put(member(location, _UNKNOWN), "a property that no contract documents")
            yield made("unknown-property", location, "the object has a property more", more)


def _put(location: str, value: Any) -> BodyChange:
    return lambda body: put(body, location, value)


def _keeping(samples: Samples, change: BodyChange) -> BodyChange:
    """Have the result keep schema and invariants, as the body did, or leave the body as it is."""

    def keeps(body: Any) -> bool:
        broken = (any(rule.check(body, {})) for rule in samples.invariants)
        return accepts(samples.contract, samples.schema, body) and not any(broken)

    def kept(body: Any) -> Any:
        made = change(body)
        if keeps(made) or not keeps(body):
            return made
        made = _settled(samples, body, made)
        return made if keeps(made) else body

    return kept


def _settled(samples: Samples, before: Any, after: Any) -> Any:
    """Have what goes with a change of an item follow it, such as `type` with `kind`."""
    pairs = zip(samples.items(before), samples.items(after), strict=False)
    return _with_items(samples, after, [_followed(samples, old, new) for old, new in pairs])


def _followed(samples: Samples, old: Any, new: Any) -> Any:
    if not isinstance(old, dict) or not isinstance(new, dict):
        return new
    given = {name: value for name, value in new.items() if old.get(name) != value}
    return samples.overridden(new, given, conforming=False)


def _with_items(samples: Samples, body: Any, items: list[Any]) -> Any:
    return items if samples.is_list else {**body, samples.list_name: items} if samples.list_name else body


def _longer(samples: Samples) -> BodyChange:
    def change(body: Any) -> Any:
        own = samples.items(body)
        more = samples.items(samples.generated(min(_LONG, samples.most_items), 7))[
            : max(0, samples.most_items - len(own))
        ]
        made = _with_items(samples, body, [*own, *more])
        # What ties an item to its request is as in the user's own.
        for rule in samples.invariants:
            known = next((value for _, value in rule.places(body)), None) if rule.keyword == "equals" else None
            made = made if known is None else put(made, rule.location, known)
        return made

    return change


PROBES: tuple[tuple[str, Callable[[str], BodyChange]], ...] = (
    ("removed", lambda location: _put(location, REMOVED)),
    ("an object", lambda location: _put(location, {"impact": []})),
    ("a number", lambda location: _put(location, -7.25)),
)
"""What is done to a place to learn whether a test looks at it at all."""
