"""Walks a body and the schema together, so that every value is met with what the contract says about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from pytest_bctrl.contract.model import Contract, Schema
from pytest_bctrl.samples.fit import fits
from pytest_bctrl.samples.shapes import flatten

Trail: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Spot:
    """One value in a body: its generalised location, the branches taken to it, its schema, and the way to it."""

    location: str
    branch: str
    schema: Mapping[str, Any]
    trail: Trail
    value: Any


def spots(contract: Contract, schema: Schema, body: Any) -> Iterator[Spot]:
    """Yield every value of `body` that the schema describes, outermost first."""
    yield from _walk(contract, schema, body, "", "", ())


def _walk(contract: Contract, schema: Schema, value: Any, location: str, branch: str, trail: Trail) -> Iterator[Spot]:
    flat = flatten(contract, schema)
    yield Spot(location, branch, flat, trail, value)
    for keyword in ("oneOf", "anyOf"):
        for index, inner in enumerate(flat.get(keyword, ())):
            if fits(contract, inner, value):
                yield from _walk(contract, inner, value, location, f"{branch}{keyword} {index}", trail)
                break
    if isinstance(value, dict):
        properties = flat.get("properties", {})
        extra = flat.get("additionalProperties", True)
        for name, child in value.items():
            at = f"{location}.{name}" if name in properties else f"{location}.*"
            inner = properties.get(name, extra)
            if name in properties or (isinstance(extra, Mapping) and extra):
                yield from _walk(contract, inner, child, at.removeprefix("."), branch, (*trail, name))
    elif isinstance(value, list):
        start = flat.get("prefixItems", ())
        for index, child in enumerate(value):
            inner = start[index] if index < len(start) else flat.get("items", True)
            if isinstance(inner, Mapping):
                yield from _walk(contract, inner, child, f"{location}[*]", branch, (*trail, index))


def changed(body: Any, trail: Trail, change: Callable[[Any], Any]) -> Any:
    """Return `body` with the value at `trail` changed; only what lies on the way is copied."""
    if not trail:
        return change(body)
    copied = body.copy()
    copied[trail[0]] = changed(body[trail[0]], trail[1:], change)
    return copied
