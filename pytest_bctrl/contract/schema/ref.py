"""References to schemas of the contract, and the types and values that several schemas allow together."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote

from pytest_bctrl.contract.document import escape_token
from pytest_bctrl.contract.keywords import UNLISTED_NULL
from pytest_bctrl.contract.outline import operation_keys
from pytest_bctrl.contract.schema_document import SchemaDocument, resolve_pointer

if TYPE_CHECKING:
    from pytest_bctrl.contract.model import Contract, Operation, Schema

TYPES = ("null", "boolean", "integer", "number", "string", "array", "object")
_ALL_TYPES = frozenset(TYPES)


TYPE_NAMES: Mapping[type, str] = dict(zip((type(None), bool, int, float, str, list, dict), TYPES, strict=True))
"""The JSON types of Python types; a subclass comes before its base class."""


def type_name(value: Any) -> str:
    """Return the JSON type of a value by its Python type: a float is a `number`, even if it is whole."""
    name = TYPE_NAMES.get(type(value))
    if name is None:
        return next((name for type_, name in TYPE_NAMES.items() if isinstance(value, type_)), "object")
    return name


def json_type_of(value: Any) -> str:
    """Return the JSON Schema type of a value, where a whole number is an `integer` (2020-12, 6.1.1)."""
    name = type_name(value)
    if name == "number" and float(value).is_integer():
        return "integer"
    return name


def is_of_type(value: Any, name: str) -> bool:
    """Return whether `value` is of the JSON type `name`, where an integer is a number too."""
    kind = json_type_of(value)
    return kind == name or (kind == "integer" and name == "number")


class SchemaRef(NamedTuple):
    """A schema and its JSON pointer in the contract's document.

    `ref_chain` are the pointers of the references that lead to it from a response, in order.
    """

    schema: Schema
    pointer: str
    ref_chain: tuple[str, ...] = ()

    def below(self, *keys: str | int) -> SchemaRef:
        """Return the schema at a path of keys inside this schema, with its pointer."""
        schema: Any = self.schema
        pointer = self.pointer
        for key in keys:
            schema = schema[key]
            pointer += f"/{escape_token(str(key))}"
        return SchemaRef(schema, pointer, self.ref_chain)

    def children(self, keyword: str) -> list[SchemaRef]:
        """Return the schemas that a keyword lists, none if the keyword is absent."""
        listed = keywords_of(self).get(keyword, ())
        return [
            SchemaRef(schema, f"{self.pointer}/{keyword}/{index}", self.ref_chain)
            for index, schema in enumerate(listed)
        ]

    def target(self, contract: SchemaDocument) -> SchemaRef:
        """Return the schema that the `$ref` of this one names."""
        reference = str(self.schema["$ref"])  # type: ignore[index]
        value = resolve_pointer(contract.document, reference, contract.name)
        return SchemaRef(value, unquote(reference[1:]), (*self.ref_chain, self.pointer))


def response_schema_ref(
    contract: Contract, operation: Operation, status: str, media_type: str = ""
) -> SchemaRef | None:
    """Return the schema of the JSON body documented for a status code or a range such as `4XX`, if any."""
    from pytest_bctrl.contract.model import select_media_type

    response = operation.response_for(int(status)) if status.isdigit() else operation.responses.get(status)
    if response is None:
        return None
    path_item = _reference_target(contract, SchemaRef(contract.document, "").below("paths", operation.path))
    responses = _reference_target(contract, path_item.below(*operation_keys(operation.method), "responses"))
    key = next(key for key in keywords_of(responses) if key.lower() == response.status.lower())
    response_ref = _reference_target(contract, responses.below(key))
    content = keywords_of(response_ref).get("content", {})
    media = select_media_type(content, media_type)
    if media is None:
        return None
    media_ref = response_ref.below("content", media)
    if "schema" not in content[media]:
        return media_ref._replace(schema=True)
    return media_ref.below("schema")


def _reference_target(contract: SchemaDocument, schema_ref: SchemaRef) -> SchemaRef:
    """Return the target of `$ref`, or the argument if it has none; `expanded` handles the siblings of `$ref`."""
    while isinstance(schema_ref.schema, Mapping) and "$ref" in schema_ref.schema:
        schema_ref = schema_ref.target(contract)
    return schema_ref


def expanded(
    contract: SchemaDocument, schema_refs: Iterable[SchemaRef], seen: set[str] | None = None
) -> Iterator[SchemaRef]:
    """Yield schemas with all that their `$ref` and `allOf` add, which always apply together, each once."""
    seen = set() if seen is None else seen
    for schema_ref in schema_refs:
        if schema_ref.pointer in seen:
            continue
        seen.add(schema_ref.pointer)
        yield schema_ref
        keywords = keywords_of(schema_ref)
        if "$ref" in keywords:
            yield from expanded(contract, [schema_ref.target(contract)], seen)
        if "allOf" in keywords:
            yield from expanded(contract, schema_ref.children("allOf"), seen)


def keywords_of(schema_ref: SchemaRef) -> Mapping[str, Any]:
    """Return the keywords of a schema, none for a boolean schema."""
    schema = schema_ref.schema
    # Testing for `dict` first is much faster than testing for `Mapping`.
    return schema if isinstance(schema, dict) or isinstance(schema, Mapping) else {}  # noqa: SIM101


def named_types(schema: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the types that `type` names, none if it is absent."""
    types = schema.get("type", ())
    if isinstance(types, str):
        return (types,)
    return tuple(types)


def listed_values(schema: Mapping[str, Any]) -> list[Any] | None:
    """Return the values that a schema lists by `const` or `enum`, or None if it lists none."""
    if "const" in schema:
        return [schema["const"]]
    return schema.get("enum")


def reachable_schemas(
    contract: SchemaDocument, schema_refs: Iterable[SchemaRef], seen: set[str] | None = None
) -> Iterator[SchemaRef]:
    """Yield all schemas that may apply together with the given ones, each once, through branches and conditions."""
    seen = set() if seen is None else seen
    for schema_ref in expanded(contract, schema_refs, seen):
        yield schema_ref
        keywords = keywords_of(schema_ref)
        branches = [*schema_ref.children("oneOf"), *schema_ref.children("anyOf")]
        branches += [schema_ref.below(keyword) for keyword in ("if", "then", "else") if keyword in keywords]
        branches += [schema_ref.below("dependentSchemas", name) for name in keywords.get("dependentSchemas", {})]
        yield from reachable_schemas(contract, branches, seen)


def applied_keywords(contract: SchemaDocument, schema: Schema) -> Iterator[Mapping[str, Any]]:
    """Yield the keywords of all schemas that always apply; for the schema `False`, they are a `not` of any value."""
    for schema_ref in expanded(contract, [SchemaRef(schema, "")]):
        if schema_ref.schema is False:
            yield {"not": {}}
        else:
            yield keywords_of(schema_ref)


def types_of(contract: SchemaDocument, schema_refs: Iterable[SchemaRef]) -> frozenset[str]:
    """Return the types that the schemas allow together, branches included; all types if none is named."""
    return types_of_expanded(contract, expanded(contract, schema_refs))


def types_of_expanded(contract: SchemaDocument, schema_refs: Iterable[SchemaRef]) -> frozenset[str]:
    """Return the same as `types_of` for schemas that `expanded` has yielded."""
    types = _ALL_TYPES
    for schema_ref in schema_refs:
        types &= _types_of_schema(contract, schema_ref)
    return types


def _types_of_schema(contract: SchemaDocument, schema_ref: SchemaRef) -> frozenset[str]:
    """Return the JSON types that a schema allows by `type` and branches; listed values exclude only containers."""
    schema = schema_ref.schema
    if isinstance(schema, bool):
        return _ALL_TYPES if schema else frozenset()
    types = _ALL_TYPES
    if "type" in schema:
        types = frozenset(named_types(schema))
    if "number" in types:
        types |= {"integer"}
    values = listed_values(schema)
    if values is not None:
        types -= {"array", "object"} - set(map(type_name, values))
    for branches in filter(None, map(schema_ref.children, ("oneOf", "anyOf"))):
        types &= frozenset().union(*(types_of(contract, [branch]) for branch in branches))
    return types


def values_of(contract: SchemaDocument, schema_refs: Iterable[SchemaRef]) -> dict[str, SchemaRef] | None:
    """Return the values that schemas list, as JSON texts with the listing schema; None if any value is allowed.

    The values of branches are joined. A branch without listed values allows any value, unless its only scalar is null.
    """
    return values_of_expanded(contract, expanded(contract, schema_refs))


def values_of_expanded(contract: SchemaDocument, schema_refs: Iterable[SchemaRef]) -> dict[str, SchemaRef] | None:
    """Return the same as `values_of` for schemas that `expanded` has yielded."""
    values: dict[str, SchemaRef] | None = None
    for schema_ref in schema_refs:
        values = _common_values(values, _listed_texts(schema_ref))
        for branches in filter(None, map(schema_ref.children, ("oneOf", "anyOf"))):
            values = _common_values(values, _values_of_branches(contract, branches))
    return values


def _common_values(
    first: dict[str, SchemaRef] | None, second: dict[str, SchemaRef] | None
) -> dict[str, SchemaRef] | None:
    """Return the values that both schemas allow, where None stands for any value."""
    if first is None:
        return second
    if second is None:
        return first
    return {text: schema_ref for text, schema_ref in first.items() if text in second}


def _listed_texts(schema_ref: SchemaRef) -> dict[str, SchemaRef] | None:
    """Return the values that a schema lists, as JSON texts; None if it lists none."""
    values = listed_values(keywords_of(schema_ref))
    if values is None:
        return None
    return {json_text(value): schema_ref for value in values if not isinstance(value, dict | list)}


def _values_of_branches(contract: SchemaDocument, branches: Iterable[SchemaRef]) -> dict[str, SchemaRef] | None:
    """Return the values that branches list together, as JSON texts; None if some branch allows any value."""
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
    """Return a scalar as JSON; a whole number has no fraction, because `1.0` and `1` are the same value."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = json.dumps(value, ensure_ascii=False)
    if text.isascii() or not _SURROGATE.search(text):
        return text
    # A lone surrogate must be escaped, because it could not be sent to another process.
    return json.dumps(value)


_SURROGATE = re.compile("[\ud800-\udfff]")


ANNOTATIONS = frozenset(
    {"title", "description", "discriminator", "examples", "example", "deprecated", "$comment", UNLISTED_NULL}
)
"""Keywords that neither allow nor reject any value."""


def flatten(contract: SchemaDocument, schema: Schema) -> dict[str, Any]:
    """Return a schema with the schemas of `$ref` and `allOf` merged into it.

    Properties and required names are joined, types and listed values intersected, and the narrower of two limits is
    used. Keywords that cannot be merged remain in `allOf`.
    """
    values: dict[str, list[Any]] = {}
    unmerged: list[dict[str, Any]] = []
    for part in applied_keywords(contract, schema):
        for key, value in part.items():
            if key in ("allOf", "$ref", "$defs"):
                continue
            if key not in values:
                values[key] = [value]
            elif values[key][0] == value or key in ANNOTATIONS:
                continue
            elif key in _MERGES:
                values[key].append(value)
            else:
                unmerged.append({key: value})
    # The values of a keyword are merged at once, because thousands of schemas may each have one more property.
    flat = {key: _MERGES[key](merged) if len(merged) > 1 else merged[0] for key, merged in values.items()}
    if flat.get("type") == []:
        return {"not": {}}
    if unmerged:
        flat["allOf"] = unmerged
    return flat


def _merge_types(values: list[Any]) -> list[str]:
    """Return the types that every value of `type` allows, where `number` allows `integer` too."""
    common = list(named_types({"type": values[0]}))
    for names in (named_types({"type": value}) for value in values[1:]):
        if "number" in common and "integer" in names and "integer" not in common:
            common.append("integer")
        common = [name for name in common if name in names or (name == "integer" and "number" in names)]
    return common


def _merge_properties(values: list[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the properties of all schemas; a property of several must satisfy all of them."""
    merged: dict[str, list[Any]] = {}
    for name, inner in chain.from_iterable(properties.items() for properties in values):
        schemas = merged.setdefault(name, [])
        if not schemas or schemas[0] != inner:
            schemas.append(inner)
    return {name: schemas[0] if len(schemas) == 1 else {"allOf": schemas} for name, schemas in merged.items()}


def _merge_schemas(values: list[Schema]) -> Schema:
    """Return a schema that accepts the values that all of the schemas accept."""
    if False in values:
        return False
    demanding = [schema for schema in values if schema is not True]
    if len(demanding) == 1:
        return demanding[0]
    return {"allOf": demanding}


def _merge_enums(values: list[list[Any]]) -> list[Any]:
    """Return the values that every list has."""
    common, *further = values
    for listed in further:
        common = [value for value in common if value in listed]
    return common


def _merge_required(values: list[list[str]]) -> list[str]:
    """Return the names in any of the lists, each once."""
    return [*dict.fromkeys(chain.from_iterable(values))]


_MERGES: Mapping[str, Callable[[list[Any]], Any]] = {
    **dict.fromkeys(("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties", "uniqueItems"), max),
    **dict.fromkeys(("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"), min),
    **dict.fromkeys(("items", "additionalProperties", "propertyNames"), _merge_schemas),
    "type": _merge_types,
    "enum": _merge_enums,
    "required": _merge_required,
    "properties": _merge_properties,
}
