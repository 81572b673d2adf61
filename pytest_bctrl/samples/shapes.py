"""The alternatives that a schema leaves open: enum values, branches, null, empty or filled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pytest_bctrl.contract.branches import parts_of
from pytest_bctrl.contract.model import Contract, Schema
from pytest_bctrl.errors import DocumentError

Kind = Literal["fixed", "branch", "object", "array", "string", "integer", "number", "any"]


@dataclass(frozen=True, slots=True)
class Shape:
    """One alternative: a fixed value, a branch to follow, or a type to fill (`empty` where it is to stay empty)."""

    kind: Kind
    value: Any = None
    schema: Mapping[str, Any] | None = None
    empty: bool = False


def shapes(contract: Contract, schema: Schema) -> tuple[Shape, ...]:
    """Return the alternatives of `schema`, which is resolved first; `any` alone where it says nothing."""
    flat = flatten(contract, schema)
    if "const" in flat:
        return (Shape("fixed", flat["const"]),)
    if "enum" in flat:
        return tuple(Shape("fixed", value) for value in flat["enum"])
    for keyword in ("oneOf", "anyOf"):
        if keyword in flat:
            beside = {key: value for key, value in flat.items() if key != keyword}
            return tuple(
                Shape("branch", schema={"allOf": [beside, branch]} if beside.keys() - _NOTES else branch)
                for branch in flat[keyword]
            )
    return tuple(shape for name in types(flat) for shape in _of_type(name, flat)) or (Shape("any"),)


_NOTES = frozenset({"title", "description", "discriminator", "examples", "example", "deprecated", "$comment"})


def types(schema: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the JSON types that a flat schema allows, as it names or implies them; none where it is silent."""
    named = schema.get("type")
    if named is not None:
        return tuple(named) if isinstance(named, list) else (str(named),)
    if schema.keys() & {"properties", "additionalProperties", "required"}:
        return ("object",)
    return ("array",) if schema.keys() & {"items", "prefixItems"} else ()


def _of_type(name: str, schema: Mapping[str, Any]) -> tuple[Shape, ...]:
    if name == "boolean":
        return Shape("fixed", True), Shape("fixed", False)
    if name == "null":
        return (Shape("fixed", None),)
    if name == "array":
        filled = Shape("array", schema=schema)
        must_hold = schema.get("minItems", 0) or ("contains" in schema and schema.get("minContains", 1))
        return (filled,) if must_hold else (filled, Shape("array", schema=schema, empty=True))
    if name == "object" and not any(schema.get(word) for word in ("properties", "minProperties", "required")):
        return Shape("object", schema=schema), Shape("object", schema=schema, empty=True)
    return (Shape(name, schema=schema),)  # type: ignore[arg-type]


def flatten(contract: Contract, schema: Schema) -> dict[str, Any]:
    """Return `schema` with `$ref` and `allOf` folded in.

    Properties are joined, required names united, of two limits the narrower holds; else the earlier keyword wins.
    """
    flat: dict[str, Any] = {}
    for count, part in enumerate(parts_of(contract, schema)):
        if count > _PARTS:
            raise DocumentError(
                f"more than {_PARTS:,} schemas apply to one value", where=contract.name, mend="repeat none in allOf"
            )
        for key, value in part.items():
            flat[key] = _both(key, flat[key], value) if key in flat else value
    flat.pop("allOf", None)
    return flat


_PARTS = 10_000


def _both(key: str, first: Any, second: Any) -> Any:
    if first == second:
        return first
    if key == "properties":
        shared = {name: {"allOf": [first[name], second[name]]} for name in first.keys() & second.keys()}
        return {name: shared.get(name, inner) for name, inner in {**first, **second}.items()}
    if key == "required":
        return [*dict.fromkeys([*first, *second])]
    if key in ("items", "additionalProperties"):
        return {"allOf": [first, second]} if isinstance(first, dict) and isinstance(second, dict) else first and second
    if key == "enum":
        return [value for value in first if value in second]
    if key in _NARROWER:
        return _NARROWER[key](first, second)
    return first


_LEAST = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_MOST = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_NARROWER: Mapping[str, Callable[[Any, Any], Any]] = {**dict.fromkeys(_LEAST, max), **dict.fromkeys(_MOST, min)}
