"""Walks a body and the schema together, so that every value is met with what the contract says about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Any, TypeAlias

from pytest_bctrl.contract.model import Contract, Schema
from pytest_bctrl.contract.show import kind_of
from pytest_bctrl.samples.sample import Samples
from pytest_bctrl.samples.shapes import Shape, flatten, shapes, types


def is_of_type(value: Any, name: str) -> bool:
    """Return whether `value` is of the JSON type `name`, where an integer is a number too."""
    kind = kind_of(value)
    return kind == name or (kind == "integer" and name == "number")


def fits(contract: Contract, schema: Schema, value: Any) -> bool:
    """Return whether `value` has the outline of `schema`: types, enums, required names, properties, items, branches.

    It tells branches apart, and is no validator: formats, lengths, limits and patterns are not looked at.
    """
    if isinstance(schema, bool):
        return schema
    flat = flatten(contract, schema)
    allowed = types(flat) if "type" in flat else ()
    if allowed and not any(is_of_type(value, name) for name in allowed):
        return False
    if ("enum" in flat and value not in flat["enum"]) or ("const" in flat and value != flat["const"]):
        return False
    for keyword in ("oneOf", "anyOf"):
        if keyword in flat and not any(fits(contract, branch, value) for branch in flat[keyword]):
            return False
    if isinstance(value, list):
        items = flat.get("items", True)
        return all(fits(contract, items, item) for item in value[len(flat.get("prefixItems", ())) :])
    return not isinstance(value, dict) or _has_properties(contract, flat, value)


def _has_properties(contract: Contract, flat: Mapping[str, Any], value: dict[str, Any]) -> bool:
    if any(name not in value for name in flat.get("required", ())):
        return False
    documented = flat.get("properties", {})
    if flat.get("additionalProperties") is False and value.keys() - documented.keys():
        return False
    return all(fits(contract, inner, value[name]) for name, inner in documented.items() if name in value)


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


def replaced(body: Any, trail: Trail, value: Any) -> Any:
    """Return `body` with another value at `trail`."""
    return changed(body, trail, lambda _old: value)


_BOUNDS = frozenset({"format", "enum", "const", "pattern", "minLength", "maxLength"})


def worded(samples: Samples, texts: Sequence[str], space_id: str) -> Any:
    """Return the sample with `texts` in turn in place of every string that the contract leaves free."""
    turn = cycle(texts)
    return _filled(samples, space_id, _is_free_text, lambda: next(turn))


def with_free_form(samples: Samples, content: Any, space_id: str) -> Any:
    """Return the sample with `content` in every object whose properties the contract leaves open."""
    return _filled(samples, space_id, lambda spot: _is_free_form(samples.contract, spot), lambda: {"content": content})


def _filled(samples: Samples, space_id: str, is_free: Callable[[Spot], bool], make: Callable[[], Any]) -> Any:
    body = samples.outlined(space_id, optional=True)
    found = list(spots(samples.contract, samples.schema, body))
    # Items that must differ are left alone, and so is what lies in a place that was filled.
    distinct = {f"{spot.location}[*]" for spot in found if spot.schema.get("uniqueItems")}
    filled: list[Trail] = []
    for spot in found:
        is_inside = any(spot.trail[: len(trail)] == trail for trail in filled)
        if is_free(spot) and not is_inside and spot.location not in distinct:
            filled.append(spot.trail)
            body = replaced(body, spot.trail, make())
    return samples.coherent(body, space_id)


def _is_free_text(spot: Spot) -> bool:
    return isinstance(spot.value, str) and "string" in types(spot.schema) and not spot.schema.keys() & _BOUNDS


def _is_free_form(contract: Contract, spot: Spot) -> bool:
    extra = spot.schema.get("additionalProperties", True)
    open_ended = extra is not False and shapes(contract, extra) == (Shape("any"),) and "properties" not in spot.schema
    return "object" in types(spot.schema) and open_ended and spot.value is not None
