"""Walks a body and the schema together, so that every value is met with what the contract says about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pytest_bctrl.contract.engine import accepts
from pytest_bctrl.contract.model import Contract, Schema
from pytest_bctrl.contract.schema.locations import ITEMS, Path, member, others
from pytest_bctrl.contract.schema.shapes import flatten, said_of


@dataclass(frozen=True, slots=True)
class LocatedValue:
    """One value in a body: its generalised location, the branches taken to it, its schema, and the path to it."""

    location: str
    branch: str
    schema: Mapping[str, Any]
    path: Path
    value: Any


def located(contract: Contract, schema: Schema, body: Any) -> Iterator[LocatedValue]:
    """Yield every value of `body` that the schema describes, outermost first."""
    yield from _walk(contract, schema, body, "", "", ())


def _walk(
    contract: Contract, schema: Schema, value: Any, location: str, branch: str, path: Path
) -> Iterator[LocatedValue]:
    flat = flatten(contract, schema)
    yield LocatedValue(location, branch, flat, path, value)
    for keyword in ("oneOf", "anyOf"):
        for index, inner in enumerate(flat.get(keyword, ())):
            if accepts(contract, inner, value):
                yield from _walk(contract, inner, value, location, f"{branch}{keyword} {index}", path)
                break
    if isinstance(value, dict):
        for name, child in value.items():
            is_named = name in flat.get("properties", {})
            inner = said_of(flat, name)
            if is_named or (isinstance(inner, Mapping) and inner):
                at = member(location, name) if is_named else others(location)
                yield from _walk(contract, inner, child, at, branch, (*path, name))
    elif isinstance(value, list):
        start = flat.get("prefixItems", ())
        for index, child in enumerate(value):
            inner = start[index] if index < len(start) else flat.get("items", True)
            if isinstance(inner, Mapping):
                yield from _walk(contract, inner, child, location + ITEMS, branch, (*path, index))


def changed(body: Any, path: Path, change: Callable[[Any], Any]) -> Any:
    """Return `body` with the value at `path` changed; only what lies on the way is copied."""
    if not path:
        return change(body)
    copied = body.copy()
    copied[path[0]] = changed(body[path[0]], path[1:], change)
    return copied


def replaced(body: Any, path: Path, value: Any) -> Any:
    """Return `body` with another value at `path`."""
    return changed(body, path, lambda _old: value)
