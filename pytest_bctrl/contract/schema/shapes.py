"""What a schema leaves open: enum values, branches, types, null, empty or filled; and the schema in other words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pytest_bctrl.contract.engine import accepts, canonical_form, matches
from pytest_bctrl.contract.keywords import IN_PLACE, discriminator_values, map_subschemas
from pytest_bctrl.contract.model import Contract, Schema, resolve_pointer
from pytest_bctrl.contract.schema.locations import ITEMS, Path, member_location, other_members
from pytest_bctrl.contract.schema.ref import ANNOTATIONS, flatten, listed_values, named_types

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
    return alternatives(flatten(contract, schema))


def alternatives(flat: Mapping[str, Any]) -> tuple[Shape, ...]:
    """Return the alternatives of a flat schema."""
    if flat.get("not") == {}:
        return ()
    if (values := listed_values(flat)) is not None:
        return tuple(Shape("fixed", value) for value in values)
    for keyword in ("oneOf", "anyOf"):
        if keyword in flat:
            beside = {key: value for key, value in flat.items() if key != keyword}
            return tuple(
                Shape("branch", schema={"allOf": parts} if len(parts) > 1 else branch)
                for branch in flat[keyword]
                for parts in [[*([beside] if beside.keys() - ANNOTATIONS else []), branch, *_named(flat, branch)]]
            )
    return tuple(shape for name in allowed_types(flat) for shape in _of_type(name, flat)) or (Shape("any"),)


def _named(schema: Mapping[str, Any], branch: Schema) -> Iterator[dict[str, Any]]:
    """What a discriminator says of a branch: it has a name by which `mapping` leads there, or its own."""
    said = schema.get("discriminator")
    reference = branch.get("$ref") if isinstance(branch, Mapping) else None
    if isinstance(said, Mapping) and isinstance(reference, str) and isinstance(said.get("propertyName"), str):
        yield {"properties": {said["propertyName"]: {"enum": discriminator_values(said, reference)}}}


def allowed_types(schema: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the JSON types that a flat schema allows, as it names or implies them; none where it is silent."""
    return named_types(schema) if "type" in schema else tuple(implied_types(schema)[:1])


def implied_types(schema: Mapping[str, Any]) -> list[str]:
    """The types that a schema means by words that say something of one type alone."""
    return [name for name, words in _IMPLYING.items() if not words.isdisjoint(schema)]


_IMPLYING: Mapping[str, frozenset[str]] = {
    "object": frozenset(
        {"properties", "additionalProperties", "required", "patternProperties", "propertyNames", "minProperties"}
    ),
    "array": frozenset({"items", "prefixItems", "contains", "minItems", "uniqueItems"}),
    "string": frozenset({"pattern", "format", "minLength", "maxLength"}),
    "number": frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}),
}


def _of_type(name: str, schema: Mapping[str, Any]) -> tuple[Shape, ...]:
    if name == "boolean":
        return Shape("fixed", True), Shape("fixed", False)
    if name == "null":
        return (Shape("fixed", None),)
    if name == "array":
        filled = Shape("array", schema=schema)
        must_hold = schema.get("minItems", 0) or any(part.get("minContains", 1) for part in contains_schemas(schema))
        return (filled,) if must_hold else (filled, Shape("array", schema=schema, empty=True))
    if name == "object" and not any(schema.get(word) for word in ("properties", "minProperties", "required")):
        return Shape("object", schema=schema), Shape("object", schema=schema, empty=True)
    return (Shape(name, schema=schema),)  # type: ignore[arg-type]


def contains_schemas(schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The parts of a flat schema that say what a list has to contain."""
    return [part for part in (schema, *schema.get("allOf", ())) if "contains" in part]


def member_schema(schema: Mapping[str, Any], name: str) -> Schema:
    """What a flat schema says of a member."""
    said = [schema["properties"][name]] if name in schema.get("properties", {}) else []
    said += [inner for pattern, inner in schema.get("patternProperties", {}).items() if matches(pattern, name)]
    kinds = schema.get("discriminator")
    if isinstance(kinds, Mapping) and kinds.get("propertyName") == name and kinds.get("mapping"):
        # What a base names its kinds by, where the kinds themselves are not among its words.
        said.append({"enum": [*kinds["mapping"]]})
    if not said:
        found: Schema = schema.get("additionalProperties", schema.get("unevaluatedProperties", True))
        return found
    return said[0] if len(said) == 1 else {"allOf": said}


def canonical_schemas(contract: Contract, schema: Schema) -> Iterator[Schema]:
    """Yield a schema that allows the same values: each type apart, `allOf` and conditions and `not` worked in.

    Alternatives do not overlap there. Before it comes one that keeps to what a discriminator says as well, and after it
    each alternative with one name wrong of every other: the engine works out no more than a few names at once. It is
    the schema itself where the engine has no such form of it.
    """
    inlined = _inlined(contract, schema)
    flat = flatten(contract, schema)
    for keyword in ("oneOf", "anyOf"):
        if "discriminator" in flat and keyword in flat:
            named = [{"allOf": [branch, *_named(flat, branch)]} for branch in flat[keyword]]
            yield canonical_form(contract, {"allOf": [inlined, _inlined(contract, {"anyOf": named})]})
    yield canonical_form(contract, inlined)
    branches = [(branch, flatten(contract, branch).get("properties", {})) for branch in flat.get("oneOf", ())]
    for branch, own in branches:
        beside = {key: value for key, value in flat.items() if key != "oneOf"}
        apart = [_wrong(properties, own) for other, properties in branches if other is not branch]
        yield {"allOf": [beside, branch, *_named(flat, branch), *apart]}


def _wrong(properties: Mapping[str, Any], own: Mapping[str, Any]) -> Schema:
    """An object with a wrong value in one of these properties: in the first that is none of its own, or is another."""
    telling = (name for name, said in properties.items() if said not in ({}, True, own.get(name)))
    names = sorted(telling, key=lambda name: name in own)
    return {"properties": {name: {"not": properties[name]} for name in names[:1]}, "required": names[:1]}


def _inlined(contract: Contract, schema: Schema) -> Schema:
    """A schema with what it refers to in place of each reference that applies to the same value."""
    if isinstance(schema, bool):
        return schema
    made = map_subschemas(schema, IN_PLACE, lambda part: _inlined(contract, part))
    made.pop("$ref", None)
    if "$ref" not in schema:
        return made
    target = _inlined(contract, resolve_pointer(contract.document, schema["$ref"], contract.name))
    return {"allOf": [target, made]} if made.keys() - ANNOTATIONS else target


@dataclass(frozen=True, slots=True)
class LocatedValue:
    """One value in a body: its generalised location, the branches taken to it, its schema, and the path to it."""

    location: str
    branch: str
    schema: Mapping[str, Any]
    path: Path
    value: Any


def located_values(
    contract: Contract, schema: Schema, value: Any, location: str = "", branch: str = "", path: Path = ()
) -> Iterator[LocatedValue]:
    """Yield every value in a body that the schema describes, outermost first; the rest says where that is."""
    flat = flatten(contract, schema)
    yield LocatedValue(location, branch, flat, path, value)
    for keyword in ("oneOf", "anyOf"):
        for index, inner in enumerate(flat.get(keyword, ())):
            if accepts(contract, inner, value):
                yield from located_values(contract, inner, value, location, f"{branch}{keyword} {index}", path)
                break
    if isinstance(value, dict):
        for name, child in value.items():
            is_named = name in flat.get("properties", {})
            inner = member_schema(flat, name)
            if is_named or (isinstance(inner, Mapping) and inner):
                at = member_location(location, name) if is_named else other_members(location)
                # Whether a name is evaluated elsewhere is not known here, as of a branch.
                is_sure = is_named or "unevaluatedProperties" not in flat
                told = branch if is_sure else f"{branch}unevaluatedProperties"
                yield from located_values(contract, inner, child, at, told, (*path, name))
    elif isinstance(value, list):
        start = flat.get("prefixItems", ())
        for index, child in enumerate(value):
            inner = start[index] if index < len(start) else flat.get("items", True)
            if isinstance(inner, Mapping):
                yield from located_values(contract, inner, child, location + ITEMS, branch, (*path, index))


def with_change(body: Any, path: Path, change: Callable[[Any], Any]) -> Any:
    """Return `body` with the value at `path` changed; only what lies on the way is copied."""
    if not path:
        return change(body)
    copied = body.copy()
    copied[path[0]] = with_change(body[path[0]], path[1:], change)
    return copied


def with_value(body: Any, path: Path, value: Any) -> Any:
    """Return `body` with another value at `path`."""
    return with_change(body, path, lambda _old: value)
