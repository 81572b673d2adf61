"""The alternatives of a schema (values, branches, types, empty or filled), and equivalent forms of a schema."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from pytest_bctrl.contract.engine import accepts, canonical_form, matches
from pytest_bctrl.contract.keywords import IN_PLACE, discriminator_values, map_subschemas
from pytest_bctrl.contract.schema.locations import ITEMS, Path, member_location, other_members
from pytest_bctrl.contract.schema.ref import ANNOTATIONS, flatten, listed_values, named_types
from pytest_bctrl.contract.schema_document import SchemaDocument, resolve_pointer

if TYPE_CHECKING:
    from pytest_bctrl.contract.model import Schema

Kind = Literal["fixed", "branch", "object", "array", "string", "integer", "number", "any"]


@dataclass(frozen=True, slots=True)
class Shape:
    """An alternative of a schema: a fixed value, a branch, or a type of value, which is `empty` or has content."""

    kind: Kind
    value: Any = None
    schema: Mapping[str, Any] | None = None
    empty: bool = False


def shapes(contract: SchemaDocument, schema: Schema) -> tuple[Shape, ...]:
    """Return the alternatives of a schema as shapes, `any` without a constraint, none for `False`."""
    return shapes_of_flat(flatten(contract, schema))


def shapes_of_flat(flat: Mapping[str, Any]) -> tuple[Shape, ...]:
    """Return the alternatives of a flat schema as shapes: `any` without a constraint, none if nothing is valid."""
    if flat.get("not") == {}:
        return ()
    values = listed_values(flat)
    if values is not None:
        return tuple(Shape("fixed", value) for value in values)
    for keyword in ("oneOf", "anyOf"):
        if keyword in flat:
            return tuple(_branch_shapes(flat, keyword))
    return tuple(shape for name in allowed_types(flat) for shape in _shapes_of_type(name, flat)) or (Shape("any"),)


def _branch_shapes(flat: Mapping[str, Any], keyword: str) -> Iterator[Shape]:
    """Yield a shape for each branch, combined with the other keywords and the value of the discriminator."""
    siblings = {key: value for key, value in flat.items() if key != keyword}
    common = [siblings] if siblings.keys() - ANNOTATIONS else []
    for branch in flat[keyword]:
        parts = [*common, branch, *_discriminator_schemas(flat, branch)]
        yield Shape("branch", schema={"allOf": parts} if len(parts) > 1 else branch)


def _discriminator_schemas(schema: Mapping[str, Any], branch: Schema) -> Iterator[dict[str, Any]]:
    """Yield a schema with the values that the discriminator has for a branch, if there is a discriminator."""
    discriminator = schema.get("discriminator")
    if not isinstance(discriminator, Mapping) or not isinstance(branch, Mapping):
        return
    name, reference = discriminator.get("propertyName"), branch.get("$ref")
    if isinstance(name, str) and isinstance(reference, str):
        yield {"properties": {name: {"enum": discriminator_values(discriminator, reference)}}}


def allowed_types(schema: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the types in `type`, else the first type that keywords imply; none if there is no constraint."""
    if "type" in schema:
        return named_types(schema)
    return tuple(implied_types(schema)[:1])


def implied_types(schema: Mapping[str, Any]) -> list[str]:
    """Return the types that a schema implies by keywords that constrain only one type."""
    return [name for name, keywords in _KEYWORDS_BY_TYPE.items() if not keywords.isdisjoint(schema)]


_KEYWORDS_BY_TYPE: Mapping[str, frozenset[str]] = {
    "object": frozenset(
        {"properties", "additionalProperties", "required", "patternProperties", "propertyNames", "minProperties"}
    ),
    "array": frozenset({"items", "prefixItems", "contains", "minItems", "uniqueItems"}),
    "string": frozenset({"pattern", "format", "minLength", "maxLength"}),
    "number": frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}),
}


def _shapes_of_type(name: str, schema: Mapping[str, Any]) -> tuple[Shape, ...]:
    """Return the shapes of a type: both booleans, null, a filled and maybe an empty container, or any value of it."""
    if name == "boolean":
        return Shape("fixed", True), Shape("fixed", False)
    if name == "null":
        return (Shape("fixed", None),)
    if name == "array":
        filled = Shape("array", schema=schema)
        needs_items = schema.get("minItems", 0) or any(part.get("minContains", 1) for part in contains_schemas(schema))
        if needs_items:
            return (filled,)
        return filled, Shape("array", schema=schema, empty=True)
    if name == "object" and not any(schema.get(keyword) for keyword in ("properties", "minProperties", "required")):
        return Shape("object", schema=schema), Shape("object", schema=schema, empty=True)
    return (Shape(name, schema=schema),)  # type: ignore[arg-type]


def contains_schemas(schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the parts of a flat schema that have the keyword `contains`."""
    return [part for part in (schema, *schema.get("allOf", ())) if "contains" in part]


def member_schema(schema: Mapping[str, Any], name: str) -> Schema:
    """Return the schema of a member by name, from `properties`, patterns, discriminator or additional properties."""
    schemas: list[Schema] = []
    if name in schema.get("properties", {}):
        schemas.append(schema["properties"][name])
    schemas += [inner for pattern, inner in schema.get("patternProperties", {}).items() if matches(pattern, name)]
    discriminator = schema.get("discriminator")
    if (
        isinstance(discriminator, Mapping)
        and discriminator.get("propertyName") == name
        and discriminator.get("mapping")
    ):
        # A base schema lists its subtypes only in the mapping of the discriminator.
        schemas.append({"enum": [*discriminator["mapping"]]})
    if not schemas:
        additional: Schema = schema.get("additionalProperties", schema.get("unevaluatedProperties", True))
        return additional
    if len(schemas) == 1:
        return schemas[0]
    return {"allOf": schemas}


def canonical_schemas(contract: SchemaDocument, schema: Schema) -> Iterator[Schema]:
    """Yield equivalent schemas that separate the types and have no `allOf`, conditions or `not`, and narrower ones.

    The branches of the canonical schema do not overlap; it is the schema itself if the engine has no such form. Before
    it comes a schema that also applies the discriminator. After it comes each branch with a property that violates
    each other branch, because the engine excludes only a few properties at once.
    """
    inlined = _inlined(contract, schema)
    flat = flatten(contract, schema)
    for keyword in ("oneOf", "anyOf"):
        if "discriminator" in flat and keyword in flat:
            discriminated = [{"allOf": [branch, *_discriminator_schemas(flat, branch)]} for branch in flat[keyword]]
            yield canonical_form(contract, {"allOf": [inlined, _inlined(contract, {"anyOf": discriminated})]})
    yield canonical_form(contract, inlined)
    siblings = {key: value for key, value in flat.items() if key != "oneOf"}
    branches = [(branch, flatten(contract, branch).get("properties", {})) for branch in flat.get("oneOf", ())]
    for branch, properties in branches:
        exclusions = [_violating_schema(others, properties) for other, others in branches if other is not branch]
        yield {"allOf": [siblings, branch, *_discriminator_schemas(flat, branch), *exclusions]}


def _violating_schema(properties: Mapping[str, Any], allowed: Mapping[str, Any]) -> Schema:
    """Return a schema whose objects violate one of the properties, preferably one that is not `allowed` anyway."""
    distinctive = [name for name, schema in properties.items() if schema not in ({}, True, allowed.get(name))]
    names = sorted(distinctive, key=allowed.__contains__)[:1]
    return {"properties": {name: {"not": properties[name]} for name in names}, "required": names}


def _inlined(contract: SchemaDocument, schema: Schema) -> Schema:
    """Return a schema with its references that apply to the same value replaced by their targets."""
    if isinstance(schema, bool):
        return schema
    inlined = map_subschemas(schema, IN_PLACE, partial(_inlined, contract))
    inlined.pop("$ref", None)
    if "$ref" not in schema:
        return inlined
    target = _inlined(contract, resolve_pointer(contract.document, schema["$ref"], contract.name))
    if inlined.keys() - ANNOTATIONS:
        return {"allOf": [target, inlined]}
    return target


@dataclass(frozen=True, slots=True)
class LocatedValue:
    """A value in a body: its general location, the branches that lead to it, its schema and its path."""

    location: str
    branch: str
    schema: Mapping[str, Any]
    path: Path
    value: Any


def located_values(
    contract: SchemaDocument, schema: Schema, value: Any, location: str = "", branch: str = "", path: Path = ()
) -> Iterator[LocatedValue]:
    """Yield every value in a body that the schema documents, outermost first.

    `location`, `branch` and `path` are those of the value itself.
    """
    flat = flatten(contract, schema)
    outer = LocatedValue(location, branch, flat, path, value)
    yield outer
    for keyword in ("oneOf", "anyOf"):
        for index, inner in enumerate(flat.get(keyword, ())):
            if accepts(contract, inner, value):
                yield from located_values(contract, inner, value, location, f"{branch}{keyword} {index}", path)
                break
    if isinstance(value, dict):
        yield from _located_members(contract, outer)
    elif isinstance(value, list):
        prefix = flat.get("prefixItems", ())
        for index, child in enumerate(value):
            inner = prefix[index] if index < len(prefix) else flat.get("items", True)
            if isinstance(inner, Mapping):
                yield from located_values(contract, inner, child, location + ITEMS, branch, (*path, index))


def _located_members(contract: SchemaDocument, outer: LocatedValue) -> Iterator[LocatedValue]:
    """Yield the documented values in an object's members, and the values inside them."""
    for name, child in outer.value.items():
        inner = member_schema(outer.schema, name)
        path = (*outer.path, name)
        if name in outer.schema.get("properties", {}):
            location = member_location(outer.location, name)
            yield from located_values(contract, inner, child, location, outer.branch, path)
        elif isinstance(inner, Mapping) and inner:
            branch = outer.branch
            if "unevaluatedProperties" in outer.schema:
                # Another schema may evaluate the property, so its schema is as uncertain as that of a branch.
                branch += "unevaluatedProperties"
            yield from located_values(contract, inner, child, other_members(outer.location), branch, path)


def with_changed_value(body: Any, path: Path, change: Callable[[Any], Any]) -> Any:
    """Return `body` with a function applied to the value at `path`; only the containers on the path are copied."""
    if not path:
        return change(body)
    copy = body.copy()
    copy[path[0]] = with_changed_value(body[path[0]], path[1:], change)
    return copy


def with_value(body: Any, path: Path, value: Any) -> Any:
    """Return `body` with `value` at `path`."""
    return with_changed_value(body, path, lambda _old: value)
