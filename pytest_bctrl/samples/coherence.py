"""Makes a sample coherent: what the contract's `x-bctrl-invariants` say about values, and no schema can."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import reduce
from hashlib import blake2b
from operator import getitem
from typing import Any

from pytest_bctrl.contract.show import select
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
