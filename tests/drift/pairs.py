"""For every rule a smallest pair of documents that triggers it, and it alone. `docs/reference/drift-rules.md` shows them."""
# ruff: noqa: E501 - a table is read across

from __future__ import annotations

from typing import Any, NamedTuple

from pytest_bctrl.drift.options import Options

Doc = dict[str, Any]


class Pair(NamedTuple):
    """Two documents, what is to be shown of them, and the options that the rule needs."""

    base: Doc
    revision: Doc
    shown: tuple[Any, Any]
    options: Options


SCOPES = ("response-body", "response-property", "response-header", "request-parameter", "request-parameter-property")
COMPONENTS: Doc = {"A": {"type": "string"}, "B": {"type": "integer"}}


def document(operation: Doc | None = None, **root: Any) -> Doc:
    """A smallest document, with one operation."""
    get = {"responses": {"200": {"description": "ok"}}, **(operation or {})}
    return {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": {"/a": {"get": get}}, **root}


def answer(**response: Any) -> Doc:
    return document({"responses": {"200": {"description": "ok", **response}}})


def body(schema: Any, media: str = "application/json") -> Doc:
    return {**answer(content={media: {"schema": schema}}), "components": {"schemas": COMPONENTS}}


def parameter(**values: Any) -> Doc:
    given = {"name": "q", "in": "query", "schema": {"type": "string"}, **values}
    return document({"parameters": [given]})


def in_scope(scope: str, schema: Any, media: str = "application/json") -> Doc:
    """The document that holds a schema at a scope."""
    inside = {"type": "object", "properties": {"p": schema}}
    if scope == "response-body":
        return body(schema, media)
    if scope == "response-property":
        return body(inside, media)
    if scope == "response-header":
        return {**answer(headers={"X-H": {"schema": schema}}), "components": {"schemas": COMPONENTS}}
    made = parameter(schema=schema if scope == "request-parameter" else inside)
    return {**made, "components": {"schemas": COMPONENTS}}


_OBJECT_A = {"type": "object", "properties": {"a": {"type": "string"}}}
_OBJECT_B = {"type": "object", "properties": {"b": {"type": "string"}}}
_OBJECT_C = {"type": "object", "properties": {"c": {"type": "string"}}}
_TWO = [{"minProperties": 2}, {"maxProperties": 1}]
_ITEMS = {"type": "array"}
_TEXT = {"type": "string"}
_MAPPED = {"propertyName": "k", "mapping": {"a": "#/components/schemas/A"}}
_TOLD = {"type": "object", "discriminator": {"propertyName": "k"}}


def _bounds() -> dict[str, tuple[Any, Any]]:
    found: dict[str, tuple[Any, Any]] = {}
    for name, keyword, rest in (
        ("max", "maximum", {"type": "number"}), ("min", "minimum", {"type": "number"}),
        ("exclusive-max", "exclusiveMaximum", {"type": "number"}), ("exclusive-min", "exclusiveMinimum", {"type": "number"}),
        ("max-length", "maxLength", _TEXT), ("min-length", "minLength", _TEXT),
        ("max-items", "maxItems", _ITEMS), ("min-items", "minItems", _ITEMS),
        ("max-properties", "maxProperties", {"type": "object"}), ("min-properties", "minProperties", {"type": "object"}),
        ("max-contains", "maxContains", {**_ITEMS, "contains": _TEXT}), ("min-contains", "minContains", {**_ITEMS, "contains": _TEXT}),
    ):  # fmt: skip
        none, low, high = rest, {**rest, keyword: 5}, {**rest, keyword: 9}
        if name != "min-contains":  # absent, it is 1
            found[f"{name}-set"], found[f"{name}-unset"] = (none, low), (low, none)
        found[f"{name}-increased"], found[f"{name}-decreased"] = (low, high), (high, low)
    return found


def _both(added: str, removed: str, without: Any, with_it: Any) -> dict[str, tuple[Any, Any]]:
    return {added: (without, with_it), removed: (with_it, without)}


SCHEMAS: dict[str, tuple[Any, Any]] = {
    **_bounds(),
    **_both("multiple-of-set", "multiple-of-unset", {"type": "number"}, {"type": "number", "multipleOf": 2}),
    **_both("multiple-of-specialized", "multiple-of-generalized", {"type": "number", "multipleOf": 2}, {"type": "number", "multipleOf": 4}),
    "multiple-of-changed": ({"type": "number", "multipleOf": 2}, {"type": "number", "multipleOf": 3}),
    **_both("pattern-added", "pattern-removed", _TEXT, {**_TEXT, "pattern": "^a"}),
    "pattern-changed": ({**_TEXT, "pattern": "^a"}, {**_TEXT, "pattern": "^b"}),
    "pattern-generalized": ({**_TEXT, "pattern": "^a"}, {**_TEXT, "pattern": ".*"}),
    "type-changed": ({"type": "integer"}, {"type": "boolean"}),
    "type-generalized": ({"type": "integer"}, {"type": "number"}),
    "type-specialized": ({"type": "number"}, {"type": "integer"}),
    "type-compatible": (_TEXT, {"type": "integer"}),
    **_both("list-of-types-widened", "list-of-types-narrowed",
            {"oneOf": [_TEXT, {"type": "boolean"}]}, {"oneOf": [_TEXT, {"type": "boolean"}, {"type": "array"}]}),
    **_both("became-nullable", "became-not-nullable", _TEXT, {"type": ["string", "null"]}),
    **_both("enum-value-added", "enum-value-removed", {**_TEXT, "enum": ["a", "b"]}, {**_TEXT, "enum": ["a", "b", "c"]}),
    **_both("became-enum", "became-not-enum", _TEXT, {**_TEXT, "enum": ["a", "b"]}),
    **_both("const-added", "const-removed", _TEXT, {**_TEXT, "const": "a"}),
    "const-changed": ({"const": "a"}, {"const": "b"}),
    **_both("default-value-added", "default-value-removed", _TEXT, {**_TEXT, "default": "a"}),
    "default-value-changed": ({**_TEXT, "default": "a"}, {**_TEXT, "default": "b"}),
    **_both("one-of-added", "one-of-removed", {"oneOf": [_OBJECT_A, _OBJECT_B]}, {"oneOf": [_OBJECT_A, _OBJECT_B, _OBJECT_C]}),
    **_both("any-of-added", "any-of-removed", {"anyOf": [_OBJECT_A, _OBJECT_B]}, {"anyOf": [_OBJECT_A, _OBJECT_B, _OBJECT_C]}),
    **_both("one-of-set", "one-of-unset", {"type": "object", "maxProperties": 9}, {"type": "object", "maxProperties": 9, "oneOf": _TWO}),
    **_both("any-of-set", "any-of-unset", {"type": "object", "maxProperties": 9}, {"type": "object", "maxProperties": 9, "anyOf": _TWO}),
    **_both("any-of-became-one-of", "one-of-became-any-of", {"anyOf": [_OBJECT_A, _OBJECT_B]}, {"oneOf": [_OBJECT_A, _OBJECT_B]}),
    "wrapped-in-one-of": (_OBJECT_A, {"oneOf": [_OBJECT_A, {"type": "array", "minItems": 1}]}),
    **_both("all-of-added", "all-of-removed", {"allOf": [{"type": "object"}]}, {"allOf": [{"type": "object"}, {"type": ["object", "array"]}]}),
    **_both("all-of-added-annotation-only", "all-of-removed-annotation-only",
            {"allOf": [{"type": "object"}]}, {"allOf": [{"type": "object"}, {"examples": [{}]}]}),
    **_both("discriminator-added", "discriminator-removed", {"type": "object"}, _TOLD),
    "discriminator-property-name-changed": (_TOLD, {"type": "object", "discriminator": {"propertyName": "l"}}),
    **_both("discriminator-mapping-added", "discriminator-mapping-deleted", _TOLD, {"type": "object", "discriminator": _MAPPED}),
    "discriminator-mapping-changed": (
        {"type": "object", "discriminator": _MAPPED},
        {"type": "object", "discriminator": {"propertyName": "k", "mapping": {"a": "#/components/schemas/B"}}},
    ),
    **_both("contains-added", "contains-removed", _ITEMS, {**_ITEMS, "contains": _TEXT}),
    "content-encoding-changed": ({**_TEXT, "contentEncoding": "base64"}, {**_TEXT, "contentEncoding": "base16"}),
    "content-media-type-changed": ({**_TEXT, "contentMediaType": "text/csv"}, {**_TEXT, "contentMediaType": "text/html"}),
    **_both("content-schema-added", "content-schema-removed", _TEXT, {**_TEXT, "contentSchema": {"type": "object"}}),
    **_both("dependent-required-added", "dependent-required-removed",
            {"type": "object"}, {"type": "object", "dependentRequired": {"a": ["b"]}}),
    "dependent-required-changed": (
        {"type": "object", "dependentRequired": {"a": ["b"]}}, {"type": "object", "dependentRequired": {"a": ["c"]}}
    ),
    **_both("dependent-schema-added", "dependent-schema-removed",
            {"type": "object"}, {"type": "object", "dependentSchemas": {"a": {"minProperties": 2}}}),
    **_both("if-added", "if-removed", {"type": "object"}, {"type": "object", "if": {"required": ["a"]}}),
    **_both("then-added", "then-removed", {"if": {"required": ["a"]}}, {"if": {"required": ["a"]}, "then": {"minProperties": 2}}),
    **_both("else-added", "else-removed", {"if": {"required": ["a"]}}, {"if": {"required": ["a"]}, "else": {"minProperties": 2}}),
    **_both("pattern-property-added", "pattern-property-removed",
            {"type": "object"}, {"type": "object", "patternProperties": {"^a": _TEXT}}),
    **_both("prefix-items-added", "prefix-items-removed", _ITEMS, {**_ITEMS, "prefixItems": [_TEXT]}),
    **_both("property-names-added", "property-names-removed",
            {"type": "object"}, {"type": "object", "propertyNames": {"maxLength": 9}}),
    **_both("unevaluated-items-added", "unevaluated-items-removed", _ITEMS, {**_ITEMS, "unevaluatedItems": False}),
    **_both("unevaluated-properties-added", "unevaluated-properties-removed",
            {"type": "object"}, {"type": "object", "unevaluatedProperties": False}),
    **_both("additional-properties-closed", "additional-properties-opened",
            {"type": "object"}, {"type": "object", "additionalProperties": False}),
    **_both("not-added", "not-removed", {"type": "object"}, {"type": "object", "not": {"required": ["a"]}}),
    "not-changed": ({"not": {"required": ["a"]}}, {"not": {"required": ["b"]}}),
    **_both("not-specialized", "not-generalized", {"not": {"enum": ["a"]}}, {"not": {"enum": ["a", "b"]}}),
    **_both("unique-items-added", "unique-items-removed", _ITEMS, {**_ITEMS, "uniqueItems": True}),
}  # fmt: skip
"""The last words of a schema rule's id: the schema before and after."""


_NOWHERE = {(scope, "wrapped-in-one-of") for scope in SCOPES[1:]}
_NOWHERE |= {(scope, "pattern-generalized") for scope in SCOPES[:3]}
_NOWHERE |= {(scope, suffix) for scope in SCOPES[3:] for suffix in ("type-specialized", "type-compatible")}
"""Where a change goes by another rule: an alternative added; a type or pattern changed or widened."""


def rules_of(suffix: str) -> dict[str, str]:
    """The rule of a change at each scope that has it."""
    found = {scope: f"{scope}-{suffix}" for scope in SCOPES if (scope, suffix) not in _NOWHERE}
    if suffix == "enum-value-removed":
        found["response-body"] = "response-mediatype-enum-value-removed"
    return found


def schema_pairs() -> dict[str, Pair]:
    """The pairs of the rules that every scope has."""
    pairs = {}
    for suffix, shown in SCHEMAS.items():
        for scope, rule in rules_of(suffix).items():
            media = "text/plain" if suffix == "type-compatible" else "application/json"
            options = Options(descriptions="annotation-only" in suffix)
            pairs[rule] = Pair(in_scope(scope, shown[0], media), in_scope(scope, shown[1], media), shown, options)
    return pairs
