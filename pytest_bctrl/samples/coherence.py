"""Makes a sample keep what the contract's `x-bctrl-invariants` say and no schema can, with values of one's own too."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from hashlib import blake2b
from itertools import pairwise
from math import isfinite
from operator import getitem
from typing import Any

from pytest_bctrl.contract.engine import errors, found_at
from pytest_bctrl.contract.iso_time import parse_time
from pytest_bctrl.contract.model import Contract, Schema
from pytest_bctrl.contract.show import select
from pytest_bctrl.errors import SettingError
from pytest_bctrl.samples.text import as_uuid, moment

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def cohere(body: Any, invariants: Sequence[Mapping[str, Any]], parameters: Mapping[str, str], start: int = 0) -> None:
    """Change `body` in place until every invariant holds.

    `parameters` are the request's (`{"path.id": …}`); `start` numbers the items of earlier bodies, so that times
    and repeated identifiers differ from theirs.
    """
    for rule in invariants:
        if "equals" in rule and rule["equals"] in parameters:
            for container, key in slots(body, rule["each"]):
                container[key] = _like(container[key], parameters[rule["equals"]])
        if "same" in rule:
            _same(body, rule)
        if "times" in rule:
            _times(body, rule, start)
        if "ordered" in rule:
            _ordered(body, rule)
        if "unique" in rule:
            _unique(body, str(rule["unique"]), start)


def slots(body: Any, location: str) -> list[tuple[Any, str | int]]:
    """Every value of `body` that `location` names, as the container that holds it and the key or index there."""
    return [(reduce(getitem, path[:-1], body), path[-1]) for path, _ in select(body, location) if path]


def values(body: Any, location: str) -> list[Any]:
    """Every value of `body` that `location` names."""
    return [container[key] for container, key in slots(body, location)]


def _like(value: Any, text: str) -> Any:
    """The text of a parameter as a value of the type that stands in the body: a number where there is one."""
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return int(text) if is_number and re.fullmatch(r"-?\d+", text) else text


def _same(body: Any, rule: Mapping[str, Any]) -> None:
    first, *others = rule["same"]
    for item in values(body, rule["each"]):
        for name in others:
            if first in item and name in item:
                item[name] = item[first]


def _times(body: Any, rule: Mapping[str, Any], start: int) -> None:
    for index, item in enumerate(values(body, rule["each"])):
        for offset, name in enumerate(rule["times"]):
            if isinstance(item.get(name), str):
                # Every third item was never changed: equal times are as much a part of the contract as later ones.
                item[name] = moment(17 * (start + index) + (offset * (index % 3)))


def _ordered(body: Any, rule: Mapping[str, Any]) -> None:
    for item in values(body, rule["each"]):
        names = [name for name in rule["ordered"] if name in item]
        for name, value in zip(names, sorted(item[name] for name in names), strict=True):
            item[name] = value


def _unique(body: Any, location: str, start: int) -> None:
    seen: set[Any] = set()
    for index, (container, key) in enumerate(slots(body, location), start):
        value = container[key]
        if value in seen:
            container[key] = _between(seen) if isinstance(value, int) else _another(value, index)
        seen.add(container[key])


def _between(seen: set[Any]) -> int:
    """A whole number that is not among those seen: between them, where limits that held hold on, or else after them."""
    numbers = [one for one in seen if isinstance(one, int)]
    return next(one for one in range(min(numbers), max(numbers) + 2) if one not in seen)


def renew(body: Any, location: str, start: int) -> None:
    """Give every value at `location` another one, which `start` tells apart from those of other bodies."""
    for index, (container, key) in enumerate(slots(body, location), start):
        container[key] = _another(container[key], index)


def _another(value: Any, index: int) -> Any:
    if isinstance(value, str) and _UUID.fullmatch(value):
        return as_uuid(blake2b(f"{value}:{index}".encode(), digest_size=16).hexdigest())
    if isinstance(value, int):
        return value + index
    # Of the same length, and digits for digits, so that limits and patterns that held hold on.
    digits = re.search(r"\d{3,}$", value)
    if digits:
        width = len(digits[0])
        return f"{value[:-width]}{(int(digits[0]) + index) % 10**width:0{width}}"
    end = f"-{index}"
    return value[: -len(end)] + end if len(value) > len(end) else value + end


Rules = Sequence[Mapping[str, Any]]

_LENGTH = 60
"""Characters of a refused value that are shown."""


def settled(item: Mapping[str, Any], overrides: Mapping[str, Any], invariants: Rules) -> dict[str, Any]:
    """Return `item` with `overrides`, and with the values that the invariants tie to them (`kind` with `type`)."""
    made = {**item, **overrides}
    for rule in invariants:
        named = [name for name in rule.get("same", ()) if name in overrides]
        for name in rule.get("same", ()) if named else ():
            if name not in overrides:
                made[name] = overrides[named[0]]
        if "ordered" in rule:
            _put_in_order(made, rule["ordered"], overrides)
    return made


def _put_in_order(made: dict[str, Any], names: Sequence[str], overrides: Mapping[str, Any]) -> None:
    """Move the times that were not given, where one that was given has come past them."""
    for given in (name for name in names if name in overrides):
        moment = _moment(made.get(given))
        for name in names if moment else ():
            other = _moment(made.get(name))
            if name in overrides or other is None or moment is None:
                continue
            earlier, later = (moment, other) if names.index(name) > names.index(given) else (other, moment)
            # Without an offset on one side there is no telling, and an order that shows is better than none.
            if not _comparable(earlier, later) or later < earlier:
                made[name] = made[given]


@dataclass(frozen=True)
class Held:
    """What an item is held to: its schema, the names that are documented, and the invariants."""

    contract: Contract
    schema: Schema
    documented: frozenset[str]
    invariants: Rules


def refuse_broken(item: Mapping[str, Any], where: str, to: Held) -> None:
    """Raise `SettingError`, naming each place, where an item breaks its schema or an invariant."""
    problems = list(_problems(item, to))
    if problems:
        raise SettingError(
            "; ".join(problems), where=where, mend="give a value that the contract allows, or say conforming=False"
        )


def refuse_repeated(items: Sequence[Mapping[str, Any]], invariants: Rules, where: str) -> None:
    """Raise `SettingError` where two items have one value of what the contract says is unique."""
    for rule in invariants:
        name = str(rule.get("unique", "")).rpartition(".")[2]
        known: dict[str, int] = {}
        for index, item in enumerate(items if name else ()):
            first = known.setdefault(repr(item.get(name, index)), index)
            if first != index:
                raise SettingError(
                    f"items {first} and {index} have the same {name}",
                    where=where,
                    mend=f"give each its own: runtimes({len(items)}), or say conforming=False",
                )


def refuse_data(value: object, where: str) -> None:
    """Raise `SettingError` for a value that JSON cannot hold: NaN, infinity, a set, a key that is no string."""
    for place, inner in _unjson(value, ""):
        shown = repr(inner)
        raise SettingError(
            f"{place.removeprefix('.') or 'it'}: {shown[:_LENGTH]} is no JSON", where=where, mend="give JSON data"
        )


def _unjson(value: object, place: str) -> Iterator[tuple[str, object]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if isinstance(name, str):
                yield from _unjson(inner, f"{place}.{name}")
            else:
                yield f"{place}: the key", name
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from _unjson(inner, f"{place}[{index}]")
    elif (isinstance(value, float) and not isfinite(value)) or not isinstance(value, str | int | float | None):
        yield place, value


def _problems(item: Mapping[str, Any], to: Held) -> Iterator[str]:
    for error in errors(to.contract, to.schema, dict(item)):
        path, _ = found_at(error, item)
        yield f"{'.'.join(map(str, path)) or 'the runtime'}: {_shortened(error.message)}"
    for name in item:
        if to.documented and name not in to.documented:
            yield f"{name}: the contract documents no such property"
    for rule in to.invariants:
        yield from _broken_invariant(rule, item)


def _broken_invariant(rule: Mapping[str, Any], item: Mapping[str, Any]) -> Iterator[str]:
    same = [item[name] for name in rule.get("same", ()) if name in item]
    if any(value != same[0] for value in same):
        yield f"{' and '.join(rule['same'])}: {rule.get('because', 'they are the same')}"
    for name in rule.get("times", ()):
        if name in item and _moment(item[name]) is None:
            yield f"{name}: {item[name]!r} is no ISO 8601 time"
    moments = [_moment(item.get(name)) for name in rule.get("ordered", ())]
    known = [moment for moment in moments if moment is not None]
    if any(_comparable(one, other) and other < one for one, other in pairwise(known)):
        yield f"{' and '.join(rule['ordered'])}: {rule.get('because', 'they are in order')}"


def _moment(value: object) -> datetime | None:
    return parse_time(value) if isinstance(value, str) else None


def _comparable(one: datetime, other: datetime) -> bool:
    return bool(one.tzinfo) == bool(other.tzinfo)


def _shortened(message: str) -> str:
    return message if len(message) <= 2 * _LENGTH else f"{message[:_LENGTH]}…{message[-_LENGTH:]}"
