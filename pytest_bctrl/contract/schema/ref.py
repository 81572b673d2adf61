"""Schemas of the contract with the JSON Pointer of each, and what several that apply to one place say together."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote

from pytest_bctrl.contract.document import escape_token
from pytest_bctrl.contract.model import Contract, Operation, Schema, resolve_pointer, select_media_type

TYPES = ("null", "boolean", "integer", "number", "string", "array", "object")


TYPE_NAMES: Mapping[type, str] = dict(zip((type(None), bool, int, float, str, list, dict), TYPES, strict=True))
"""The names of the types that Python has for JSON data; one that is a kind of another comes before it."""


def type_name(value: Any) -> str:
    """The JSON Schema type of a value: `null`, `boolean`, `integer`, `number`, `string`, `array` or `object`."""
    return TYPE_NAMES.get(type(value)) or next(
        (name for kind, name in TYPE_NAMES.items() if isinstance(value, kind)), "object"
    )


def kind_of(value: Any) -> str:
    """The type of a value in JSON Schema's sense, where a number without a fraction is an integer (2020-12, 6.1.1)."""
    name = type_name(value)
    return "integer" if name == "number" and float(value).is_integer() else name


def is_of_type(value: Any, name: str) -> bool:
    """Return whether `value` is of the JSON type `name`, where an integer is a number too."""
    kind = kind_of(value)
    return kind == name or (kind == "integer" and name == "number")


class SchemaRef(NamedTuple):
    """A schema and the JSON Pointer at which it stands in the contract's document.

    `ref_chain` are the pointers of the references by which it was reached from a response, in their order.
    """

    schema: Schema
    pointer: str
    ref_chain: tuple[str, ...] = ()

    def below(self, *keys: str | int) -> SchemaRef:
        """The schema at a way below this one."""
        schema: Any = self.schema
        for key in keys:
            schema = schema[key]
        return SchemaRef(schema, "/".join([self.pointer, *(escape_token(str(key)) for key in keys)]), self.ref_chain)

    def each(self, keyword: str) -> list[SchemaRef]:
        """The schemas that a keyword lists; none where it is not there."""
        return [self.below(keyword, index) for index in range(len(keywords_of(self).get(keyword, ())))]

    def target(self, contract: Contract) -> SchemaRef:
        """The schema that its `$ref` names."""
        reference = str(self.schema["$ref"])  # type: ignore[index]
        value = resolve_pointer(contract.document, reference, contract.name)
        return SchemaRef(value, unquote(reference[1:]), (*self.ref_chain, self.pointer))


def response_schema_ref(
    contract: Contract, operation: Operation, status: str, media_type: str = ""
) -> SchemaRef | None:
    """The schema of the JSON body that is documented for a code, or a range as `4XX`; None where there is none."""
    found = operation.response_for(int(status)) if status.isdigit() else operation.responses.get(status)
    if found is None:
        return None
    item = _followed(contract, SchemaRef(contract.document, "").below("paths", operation.path))
    spot = _followed(contract, item.below(operation.method.lower(), "responses"))
    status = next(key for key in keywords_of(spot) if key.lower() == found.status.lower())
    spot = _followed(contract, spot.below(status))
    content = spot.schema.get("content", {}) if isinstance(spot.schema, Mapping) else {}
    media = select_media_type(content, media_type)
    if media is None:
        return None
    at = spot.below("content", media)
    return at.below("schema") if "schema" in content[media] else at._replace(schema=True)


def _followed(contract: Contract, spot: SchemaRef) -> SchemaRef:
    """The spot that a `$ref` leads to, or the spot itself; what stands beside a reference is left to `expanded`."""
    while isinstance(spot.schema, Mapping) and "$ref" in spot.schema:
        spot = spot.target(contract)
    return spot


def expanded(contract: Contract, spots: Iterable[SchemaRef], seen: set[str] | None = None) -> Iterator[SchemaRef]:
    """Yield the schemas that surely apply where these do, each once: themselves, what they refer to, and `allOf`."""
    seen = set() if seen is None else seen
    for spot in spots:
        if spot.pointer in seen:
            continue
        seen.add(spot.pointer)
        yield spot
        keywords = keywords_of(spot)
        if "$ref" in keywords:
            yield from expanded(contract, [spot.target(contract)], seen)
        if "allOf" in keywords:
            yield from expanded(contract, spot.each("allOf"), seen)


def keywords_of(spot: SchemaRef) -> Mapping[str, Any]:
    """The keywords of a schema; none of one that is true or false."""
    schema = spot.schema
    # A `dict` is told much faster than a `Mapping`.
    return schema if isinstance(schema, dict) or isinstance(schema, Mapping) else {}  # noqa: SIM101


def named_types(schema: Mapping[str, Any]) -> tuple[str, ...]:
    """The types that a schema names; none where it names none."""
    named = schema.get("type", ())
    return (named,) if isinstance(named, str) else tuple(named)


def listed_values(schema: Mapping[str, Any]) -> list[Any] | None:
    """The values that a schema lists by `const` or `enum`; None where it lists none."""
    return [schema["const"]] if "const" in schema else schema.get("enum")


def reachable_schemas(
    contract: Contract, spots: Iterable[SchemaRef], seen: set[str] | None = None
) -> Iterator[SchemaRef]:
    """All schemas that may apply to a place, each once, through every branch and condition."""
    seen = set() if seen is None else seen
    for spot in expanded(contract, spots, seen):
        yield spot
        branches = [*spot.each("oneOf"), *spot.each("anyOf")]
        branches += [spot.below(word) for word in ("if", "then", "else") if word in keywords_of(spot)]
        branches += [spot.below("dependentSchemas", name) for name in keywords_of(spot).get("dependentSchemas", {})]
        yield from reachable_schemas(contract, branches, seen)


def applied_keywords(contract: Contract, schema: Schema) -> Iterator[Mapping[str, Any]]:
    """The keywords that surely apply, `allOf` and references followed; of what allows nothing, a negation of all."""
    for spot in expanded(contract, [SchemaRef(schema, "")]):
        yield {"not": {}} if spot.schema is False else keywords_of(spot)


def types_of(contract: Contract, spots: Iterable[SchemaRef]) -> frozenset[str]:
    """The types that the schemas' `type` words admit together, through every branch; all where none says."""
    types = frozenset(TYPES)
    for spot in expanded(contract, spots):
        types &= _types(contract, spot)
    return types


def _types(contract: Contract, spot: SchemaRef) -> frozenset[str]:
    if isinstance(spot.schema, bool):
        return frozenset(TYPES if spot.schema else ())
    types = frozenset(named_types(spot.schema) if "type" in spot.schema else TYPES)
    types |= {"integer"} if "number" in types else frozenset()
    values = listed_values(spot.schema)
    if values is not None:
        types -= {"array", "object"} - set(map(type_name, values))
    for branches in filter(None, map(spot.each, ("oneOf", "anyOf"))):
        types &= frozenset().union(*(types_of(contract, [branch]) for branch in branches))
    return types


def values_of(contract: Contract, spots: Iterable[SchemaRef]) -> dict[str, SchemaRef] | None:
    """The documented values of a place, as JSON texts with the schema that lists each; None where any value is free.

    Branches that list values are added up; one that lists none leaves it free, unless it admits no scalar but null.
    """
    found: dict[str, SchemaRef] | None = None
    for spot in expanded(contract, spots):
        found = _both(found, _own_values(spot))
        for branches in filter(None, map(spot.each, ("oneOf", "anyOf"))):
            found = _both(found, _values_of_branches(contract, branches))
    return found


def _both(one: dict[str, SchemaRef] | None, other: dict[str, SchemaRef] | None) -> dict[str, SchemaRef] | None:
    if one is None or other is None:
        return other if one is None else one
    return {text: one[text] for text in one if text in other}


def _own_values(spot: SchemaRef) -> dict[str, SchemaRef] | None:
    values = listed_values(keywords_of(spot))
    scalars = (value for value in values or () if not isinstance(value, dict | list))
    return None if values is None else {json_text(value): spot for value in scalars}


def _values_of_branches(contract: Contract, branches: Iterable[SchemaRef]) -> dict[str, SchemaRef] | None:
    union: dict[str, SchemaRef] = {}
    for branch in branches:
        values = values_of(contract, [branch])
        if values is None:
            scalars = types_of(contract, [branch]) - {"array", "object"}
            if scalars - {"null"}:
                return None
            values = dict.fromkeys(scalars, branch)
        union.update(values)
    return union or None


def json_text(value: Any) -> str:
    """A scalar as JSON, a whole number always without a fraction: `1.0` and `1` are one value."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = json.dumps(value, ensure_ascii=False)
    # A lone surrogate could not be sent to another process as it is.
    return text if text.isascii() or not _SURROGATE.search(text) else json.dumps(value)


_SURROGATE = re.compile("[\ud800-\udfff]")


ANNOTATIONS = frozenset({"title", "description", "discriminator", "examples", "example", "deprecated", "$comment"})
"""Keywords that allow and forbid nothing."""


def flatten(contract: Contract, schema: Schema) -> dict[str, Any]:
    """Return `schema` with `$ref` and `allOf` folded in.

    Properties are joined, required names united, types and listed values intersected, of two limits the narrower
    holds. What two parts say and no single word can is left in `allOf`.
    """
    flat: dict[str, Any] = {}
    left: list[dict[str, Any]] = []
    for part in applied_keywords(contract, schema):
        for key, value in part.items():
            if key in ("allOf", "$ref", "$defs"):
                continue
            if key not in flat or flat[key] == value or key in ANNOTATIONS:
                flat.setdefault(key, value)
            elif key in _BOTH:
                flat[key] = _BOTH[key](flat[key], value)
            else:
                left.append({key: value})
    if flat.get("type") == []:
        return {"not": {}}
    return {**flat, "allOf": left} if left else flat


def _both_types(first: Any, second: Any) -> Any:
    one, other = (list(named_types({"type": said})) for said in (first, second))
    if "number" in one:
        one += ["integer"] if "integer" in other and "integer" not in one else []
    return [name for name in one if name in other or (name == "integer" and "number" in other)]


def _both_properties(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    shared = {name: {"allOf": [first[name], second[name]]} for name in first.keys() & second.keys()}
    return {name: shared.get(name, inner) for name, inner in {**first, **second}.items()}


def _both_schemas(first: Schema, second: Schema) -> Schema:
    return {"allOf": [first, second]} if isinstance(first, dict) and isinstance(second, dict) else first and second


_BOTH: Mapping[str, Callable[[Any, Any], Any]] = {
    **dict.fromkeys(("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"), max),
    **dict.fromkeys(("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"), min),
    **dict.fromkeys(("items", "additionalProperties", "propertyNames"), _both_schemas),
    "type": _both_types,
    "enum": lambda first, second: [value for value in first if value in second],
    "required": lambda first, second: [*dict.fromkeys([*first, *second])],
    "properties": _both_properties,
    "uniqueItems": lambda first, second: first or second,
}
