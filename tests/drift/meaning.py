"""Generated specs, and ways of writing the same spec differently."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from functools import cache
from typing import Any

from hypothesis import strategies as st

Doc = dict[str, Any]
_NAMES = ("id", "name", "kind", "status", "note")
_SCALARS: tuple[Doc, ...] = (
    {"type": "string"}, {"type": "string", "format": "uuid"}, {"type": "string", "maxLength": 9},
    {"type": "string", "enum": ["a", "b", "c"]}, {"type": "string", "pattern": "^a"},
    {"type": "string", "enum": ["only"]}, {"type": "integer", "minimum": 1}, {"type": "number"},
    {"type": "boolean"}, {}, {"oneOf": [{"type": "string"}, {"type": "integer"}]},
    {"anyOf": [{"type": "string"}, {"type": "boolean"}]}, {"type": ["integer", "boolean"]},
)  # fmt: skip


@cache
def schemas() -> st.SearchStrategy[Any]:
    """Return a strategy for schemas of objects, lists, alternatives and scalars, some nullable."""
    scalars = st.sampled_from(_SCALARS).map(copy.deepcopy)
    nullable = scalars.filter(lambda schema: isinstance(schema.get("type"), str)).map(_nullable)
    return st.recursive(scalars | nullable, _compound, max_leaves=12)


def repeats_alternatives(value: Any) -> bool:
    """Return whether an `anyOf` in a document lists an alternative twice.

    The gate may not recognise two spellings of the same alternative as a repetition.
    """
    if isinstance(value, list):
        return any(map(repeats_alternatives, value))
    if not isinstance(value, dict):
        return False
    alternatives = [str(branch) for branch in value.get("anyOf", ())]
    return len({*alternatives}) < len(alternatives) or any(map(repeats_alternatives, value.values()))


def _nullable(schema: Doc) -> Doc:
    """Return a schema of one type that allows null too."""
    enum = {"enum": [*schema["enum"], None]} if "enum" in schema else {}
    return {**schema, "type": [schema["type"], "null"], **enum}


def _compound(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return a strategy for objects, lists, `oneOf` and `anyOf` of the schemas that `children` draws."""
    objects = st.builds(
        lambda properties, required, others: {
            "type": "object",
            "properties": properties,
            "required": required,
            **others,
        },
        st.dictionaries(st.sampled_from(_NAMES), children, max_size=4),
        st.lists(st.sampled_from(_NAMES), unique=True, max_size=3),
        st.sampled_from([{}, {"additionalProperties": False}, {"additionalProperties": {"type": "string"}}]),
    )
    lists = children.map(lambda items: {"type": "array", "items": items})
    alternatives = st.lists(children, min_size=2, max_size=3).map(_tagged_one_of)
    either = st.lists(children, min_size=2, max_size=3).map(lambda inner: {"anyOf": inner})
    return objects | lists | alternatives | either


def _tagged_one_of(inner: list[Any]) -> Doc:
    """Return the `oneOf` of objects that hold the schemas as `value`, each with another constant as `tag`."""
    branches = [
        {"type": "object", "properties": {"tag": {"const": f"t{index}"}, "value": schema}, "required": ["tag"]}
        for index, schema in enumerate(inner)
    ]
    return {"oneOf": branches}


@cache
def documents() -> st.SearchStrategy[Doc]:
    """Return a strategy for specs with one operation, two parameters, two responses and a component."""
    return st.tuples(schemas(), schemas(), st.sampled_from(_SCALARS), st.booleans()).map(
        lambda parts: document_of(*parts)
    )


def document_of(first: Any, second: Any, parameter: Any, secured: bool) -> Doc:
    """Return a spec: 200 is a recursive component with `first` inside, 404 is `second`; `secured` requires a token."""
    ref = {"$ref": "#/components/schemas/First"}
    get = {
        "operationId": "list",
        "parameters": [
            {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}},
            {"name": "q", "in": "query", "schema": copy.deepcopy(parameter)},
        ],
        "responses": {
            "200": {"description": "ok", "content": {"application/json": {"schema": ref}}},
            "404": {"description": "no", "content": {"application/json": {"schema": second}}},
        },
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "t", "version": "1"},
        "servers": [{"url": "https://a.example"}, {"url": "https://b.example"}],
        "paths": {"/v1/things/{id}": {"get": get}},
        **({"security": [{"bearer": []}]} if secured else {}),
        "components": {
            "schemas": {"First": {"type": "object", "properties": {"items": ref, "value": first}}},
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }


def _everywhere(value: Any, change: Callable[[Doc], Any]) -> Any:
    """Return data with a change applied to every mapping, innermost first."""
    if isinstance(value, dict):
        return change({key: _everywhere(member, change) for key, member in value.items()})
    return [_everywhere(item, change) for item in value] if isinstance(value, list) else value


def _schemas_only(document: Doc, change: Callable[[Doc], Any]) -> Doc:
    """Return a document with a change applied to every mapping that can only be a schema, innermost first."""
    return dict(_everywhere(document, lambda value: change(value) if _is_schema(value) else value))


def _is_schema(value: Doc) -> bool:
    """Return whether a mapping has a `type` and is neither a parameter nor a security scheme."""
    return isinstance(value.get("type"), (str, list)) and "in" not in value and "scheme" not in value


def reorder_keys(document: Doc, chance: random.Random) -> Doc:
    """Return a document with the keys of all mappings in random order."""

    def shuffled(value: Doc) -> Doc:
        return {key: value[key] for key in chance.sample(list(value), len(value))}

    return dict(_everywhere(document, shuffled))


def reorder_lists(document: Doc, chance: random.Random) -> Doc:
    """Return a document with the lists whose order has no meaning in random order."""

    def shuffled(value: Doc) -> Doc:
        """Return a mapping with those of its lists whose order has no meaning in random order."""
        for key in ("required", "enum", "oneOf", "anyOf", "type", "parameters", "servers", "tags"):
            if isinstance(value.get(key), list):
                value = {**value, key: chance.sample(value[key], len(value[key]))}
        return value

    return dict(_everywhere(document, shuffled))


def rename_components(document: Doc, chance: random.Random) -> Doc:
    """Return a document with other names of schemas and security schemes, and of what refers to them."""
    name = f"Renamed{chance.randrange(1000)}"
    schemas_ = document["components"]["schemas"]
    names = {old: f"{name}{index}" for index, old in enumerate(schemas_)}

    def renamed(value: Doc) -> Doc:
        """Return a reference to the renamed component; any other mapping as it is."""
        ref = value.get("$ref")
        if isinstance(ref, str):
            return {**value, "$ref": f"#/components/schemas/{names[ref.rpartition('/')[2]]}"}
        return value

    changed = dict(_everywhere(document, renamed))
    renamed_schemas = {names[old]: schema for old, schema in changed["components"]["schemas"].items()}
    schemes = {f"{name}-{old}": scheme for old, scheme in changed["components"]["securitySchemes"].items()}
    whole: Doc = (
        {"security": [{f"{name}-{old}": [] for old in changed["security"][0]}]} if "security" in changed else {}
    )
    return {**changed, **whole, "components": {"schemas": renamed_schemas, "securitySchemes": schemes}}


def inline_one_level(document: Doc, chance: random.Random) -> Doc:
    """Return a document with every reference in the paths replaced by its target, in which references stay."""
    schemas_ = document["components"]["schemas"]

    def inlined(value: Doc) -> Doc:
        """Return a copy of the target of a reference; any other mapping as it is."""
        ref = value.get("$ref")
        return copy.deepcopy(schemas_[ref.rpartition("/")[2]]) if isinstance(ref, str) else value

    return {**document, "paths": _everywhere(document["paths"], inlined)}


def split_out(document: Doc, chance: random.Random) -> Doc:
    """Return a document with about half of its schemas as new components, which references replace."""
    inner, before = Doc(), len(document["components"]["schemas"])

    def as_reference(value: Doc) -> Doc:
        """Return a reference to a new component with the schema, or in half of the cases the schema itself."""
        if chance.random() < 0.5:
            return value
        name = f"Split{before + len(inner)}"
        inner[name] = value
        return {"$ref": f"#/components/schemas/{name}"}

    changed = _schemas_only(document, as_reference)
    changed["components"]["schemas"].update(inner)
    return changed


def spell_null(document: Doc, chance: random.Random) -> Doc:
    """Return a document with null in a list of types written as `nullable`, `anyOf` or `oneOf`."""

    def spelled(value: Doc) -> Any:
        """Return a schema of a type or null in another notation; any other one as it is."""
        kinds = value["type"]
        if not (isinstance(kinds, list) and "null" in kinds and len(kinds) == 2):
            return value
        kind = next(kind for kind in kinds if kind != "null")
        plain = {**value, "type": kind}
        if "enum" in value:
            plain["enum"] = [item for item in value["enum"] if item is not None]
        how = chance.choice(("nullable", "anyOf", "oneOf"))
        if how == "nullable":
            return {**plain, "nullable": True}
        return {how: chance.sample([plain, {"type": "null"}], 2)}

    return _schemas_only(document, spelled)


def spell_const(document: Doc, chance: random.Random) -> Doc:
    """Return a document with `const` as an enum of one value, and an enum of one value as `const`."""

    def spelled(value: Doc) -> Any:
        """Return a schema with `const` and an enum of one value exchanged."""
        if "const" in value:
            return {**{key: value[key] for key in value if key != "const"}, "enum": [value["const"]]}
        if len(value.get("enum", ())) == 1 and isinstance(value.get("type"), str):
            return {**{key: value[key] for key in value if key != "enum"}, "const": value["enum"][0]}
        return value

    return dict(_everywhere(document, spelled))


def wrap_in_all_of(document: Doc, chance: random.Random) -> Doc:
    """Return a document with about half of its schemas in an `allOf` each."""
    return _schemas_only(document, lambda value: {"allOf": [value]} if chance.random() < 0.5 else value)


def add_words(document: Doc, chance: random.Random) -> Doc:
    """Return a document with another title and description of each schema."""
    return _schemas_only(document, lambda value: {**value, "title": f"t{chance.random()}", "description": "d"})


def add_keywords_without_effect(document: Doc, chance: random.Random) -> Doc:
    """Return a document with half of a condition, or with a rule that every name satisfies, in half of its schemas.

    A schema that has a condition or a part of one stays as it is: both halves have an effect.
    """
    additions: tuple[Doc, ...] = (
        {"if": {"properties": {"id": {"const": 1}}, "required": ["id"]}}, {"then": False}, {"else": {"minimum": 5}},
        {"if": False, "else": {}}, {"propertyNames": {"type": "string"}}, {"propertyNames": {"minimum": 5}},
    )  # fmt: skip

    def with_addition(schema: Doc) -> Doc:
        """Return a schema, or the schema with one of the additions."""
        addition = chance.choice(additions)
        if chance.random() < 0.5 or {"if", "then", "else"} & schema.keys():
            return schema
        return {**schema, **addition}

    return _schemas_only(document, with_addition)


def rename_path_parameter(document: Doc, chance: random.Random) -> Doc:
    """Return a document with another name of the parameter in its first path."""
    changed = copy.deepcopy(document)
    (path, item), *_ = changed["paths"].items()
    parameter = next(parameter for parameter in item["get"]["parameters"] if parameter["in"] == "path")
    path_ = path.replace(f"{{{parameter['name']}}}", "{other}")
    parameter["name"] = "other"
    return {**changed, "paths": {path_: item}}


SAME: tuple[Callable[[Doc, random.Random], Doc], ...] = (
    reorder_keys, reorder_lists, rename_components, inline_one_level, split_out, spell_null, spell_const,
    wrap_in_all_of, add_words, rename_path_parameter, add_keywords_without_effect,
)  # fmt: skip
