"""Pairs of schemas in which more than one thing differs, or one thing in a way that no rule's smallest change shows."""
# ruff: noqa: E501 - a table is read across

from __future__ import annotations

from typing import Any

from .pairs import Doc

_TEXT: Doc = {"type": "string"}
_WHOLE: Doc = {"type": "integer"}
_NUMBER: Doc = {"type": "number"}
_LIST: Doc = {"type": "array"}
_MAP: Doc = {"type": "object"}
_CLOSED: Doc = {**_MAP, "additionalProperties": False}
_LONG = "a" * 100


def thing(*names: str, **more: Any) -> Doc:
    """An object that has these properties, and must have the first."""
    return {**_MAP, "properties": dict.fromkeys(names, _TEXT), "required": list(names[:1]), **more}


def kind(value: str, **properties: Any) -> Doc:
    """An object that is told apart by its kind."""
    return {**_MAP, "properties": {"kind": {"const": value}, **properties}, "required": ["kind"]}


def every(*schemas: Doc) -> Doc:
    return {"allOf": list(schemas)}


def either(*schemas: Any, **more: Any) -> Doc:
    return {"anyOf": list(schemas), **more}


def one_of(*schemas: Any, **more: Any) -> Doc:
    return {"oneOf": list(schemas), **more}


_KEYWORDS: dict[str, tuple[Any, Any]] = {
    "one format and none": ({**_TEXT, "format": "uuid"}, _TEXT),
    "a format and a wider one": ({**_WHOLE, "format": "int32"}, {**_WHOLE, "format": "int64"}),
    "a day and a time of one": ({**_TEXT, "format": "date"}, {**_TEXT, "format": "date-time"}),
    "two formats that have nothing in common": ({**_TEXT, "format": "uuid"}, {**_TEXT, "format": "email"}),
    "two formats at once and one of them": (
        every({**_TEXT, "format": "uuid"}, {"format": "email"}), {**_TEXT, "format": "uuid"},
    ),
    "a wider type with a wider format": ({**_WHOLE, "format": "int32"}, {**_NUMBER, "format": "double"}),
    "a wider type without a format": ({**_WHOLE, "format": "int32"}, _NUMBER),
    "a wider type with a format that was none": (_WHOLE, {**_NUMBER, "format": "float"}),
    "another type with another format": ({**_WHOLE, "format": "int32"}, {"type": "boolean", "format": "bit"}),
    "types that have one in common": ({"type": ["string", "integer"]}, {"type": ["integer", "boolean"]}),
    "types of which one went": ({"type": ["string", "integer"]}, _TEXT),
    "any type and one": ({"description": "any"}, _TEXT),
    "any type and null": ({}, {"type": ["string", "null"]}),
    "a type and two that no value has": (_TEXT, every(_TEXT, _WHOLE)),
    "alternatives that are types, one of them another": (one_of(_TEXT, {"type": "boolean"}), one_of(_TEXT, _WHOLE)),
    "alternatives that are types, and a list of types": (one_of(_TEXT, {"type": "boolean"}), {"type": ["string", "boolean", "integer"]}),
    "alternatives that are values": (either({"const": "a"}, {"const": "b"}), either({"const": "b"}, {"enum": ["c", "d"]})),
    "alternatives that are values with their types": (
        one_of({**_TEXT, "const": "a"}, {**_WHOLE, "const": 1}), one_of({**_TEXT, "const": "a"}, {**_WHOLE, "const": 2}),
    ),
    "alternatives that are types, and null": (either(_TEXT, _WHOLE), either(_TEXT, _WHOLE, {"type": "null"})),
    "a value of another type": ({"enum": ["a"]}, {"enum": ["a", 1]}),
    "values and another type": ({**_TEXT, "enum": ["a", "b"]}, _WHOLE),
    "values that are alike": ({"enum": [1, "1", "true"]}, {"enum": [True, "1", "true"]}),
    "one value and two": ({"const": "a"}, {"enum": ["a", "b"]}),
    "an enum of one and another value": ({"enum": ["a"]}, {"enum": ["b"]}),
    "const of one and an enum of another": ({"const": "a"}, {"enum": ["b"]}),
    "a long value": ({"enum": ["b"]}, {"enum": ["b", _LONG]}),
    "values of another order": ({"enum": ["a", "b"]}, {"enum": ["b", "c", "d"]}),
    "values, one of them null": ({"enum": ["a", None]}, {"enum": ["a", "b"]}),
    "null and not": (_TEXT, {"type": ["string", "null"]}),
    "null that one of several grants, which say more": (
        {**_MAP, "minProperties": 1}, either(thing("a"), {**thing("b"), "type": ["object", "null"]}, minProperties=1),
    ),
    "null that alternatives grant": (either(thing("a"), thing("b")), either(thing("a"), thing("b"), {"type": "null"})),
    "a bound of integers that rules out the same": ({**_WHOLE, "maximum": 5.5}, {**_WHOLE, "exclusiveMaximum": 6}),
    "a bound of integers that rules out more": ({**_WHOLE, "minimum": 1}, {**_WHOLE, "exclusiveMinimum": 1}),
    "a bound of numbers that becomes exclusive": ({**_NUMBER, "maximum": 5}, {**_NUMBER, "exclusiveMaximum": 5}),
    "a lower bound of numbers that becomes exclusive": ({**_NUMBER, "minimum": 5}, {**_NUMBER, "exclusiveMinimum": 5}),
    "two bounds of which one is tighter": (
        {**_NUMBER, "maximum": 5, "exclusiveMaximum": 6, "minimum": 1, "exclusiveMinimum": 0},
        {**_NUMBER, "maximum": 5, "exclusiveMaximum": 5, "minimum": 1, "exclusiveMinimum": 1},
    ),
    "lengths that must hold at once": (
        every({**_TEXT, "maxLength": 5, "minLength": 1}, {"maxLength": 9, "minLength": 0}),
        every({**_TEXT, "maxLength": 9, "minLength": 1}, {"maxLength": 8, "minLength": 2}),
    ),
    "exclusive bounds that must hold at once": (
        every({**_NUMBER, "exclusiveMaximum": 5, "exclusiveMinimum": 1}, {"exclusiveMaximum": 9, "exclusiveMinimum": 0}),
        every({**_NUMBER, "exclusiveMaximum": 9, "exclusiveMinimum": 1}, {"exclusiveMaximum": 8, "exclusiveMinimum": 2}),
    ),
    "counts of items": ({**_LIST, "minItems": 1, "maxItems": 4}, {**_LIST, "minItems": 2, "maxItems": 3}),
    "counts of properties": ({**_MAP, "minProperties": 1}, {**_MAP, "minProperties": 0, "maxProperties": 3}),
    "counts of what is contained": ({**_LIST, "contains": _TEXT}, {**_LIST, "contains": _TEXT, "minContains": 2}),
    "none needs to be contained": ({**_LIST, "contains": _TEXT, "minContains": 1}, {**_LIST, "contains": _TEXT, "minContains": 0}),
    "a pattern that any text meets": (_TEXT, {**_TEXT, "pattern": "^.*$"}),
    "two patterns that any text meets": ({**_TEXT, "pattern": ""}, {**_TEXT, "pattern": ".*"}),
    "a pattern and one that any text meets": ({**_TEXT, "pattern": "^a"}, {**_TEXT, "pattern": ".*$"}),
    "two patterns at once and one of them": (every({**_TEXT, "pattern": "^a"}, {"pattern": "b$"}), {**_TEXT, "pattern": "^a"}),
    "multiples of a part": ({**_NUMBER, "multipleOf": 0.1}, {**_NUMBER, "multipleOf": 0.3}),
    "multiples of two at once": (every({**_NUMBER, "multipleOf": 2}, {"multipleOf": 3}), {**_NUMBER, "multipleOf": 6}),
    "multiples of one of two": ({**_NUMBER, "multipleOf": 4}, every({**_NUMBER, "multipleOf": 4}, {"multipleOf": 6})),
    "a content encoding and none": ({**_TEXT, "contentEncoding": "base64", "contentMediaType": "image/png"}, _TEXT),
    "unique items and not": ({**_LIST, "uniqueItems": True}, {**_LIST, "uniqueItems": False}),
    "several properties that others depend on": (
        {**_MAP, "dependentRequired": {"a": ["b"], "c": ["d"], "e": ["f"]}},
        {**_MAP, "dependentRequired": {"e": ["g", "f"], "c": ["d"], "b": ["a"]}},
    ),
    "what others depend on, said twice": (
        every({**_MAP, "dependentRequired": {"a": ["b"]}}, {"dependentRequired": {"a": ["c"], "d": ["e"]}}),
        {**_MAP, "dependentRequired": {"a": ["b", "c"]}},
    ),
    "a default that is false": ({"type": "boolean"}, {"type": "boolean", "default": False}),
    "a default of another kind": ({"default": 1}, {"default": True}),
    "a default written otherwise": ({"default": 1}, {"default": 1.0}),
    "values that a consumer bears": ({**_TEXT, "x-extensible-enum": ["a", "b", "c"]}, {**_TEXT, "x-extensible-enum": ["c", "d"]}),
}  # fmt: skip

_SUBSCHEMAS: dict[str, tuple[Any, Any]] = {
    "items of another type": ({**_LIST, "items": _TEXT}, {**_LIST, "items": _WHOLE}),
    "items of any type and of one": (_LIST, {**_LIST, "items": _TEXT}),
    "items of objects": ({**_LIST, "items": thing("a")}, {**_LIST, "items": thing("a", "b")}),
    "first items of another type": (
        {**_LIST, "prefixItems": [_TEXT, _TEXT], "items": _TEXT}, {**_LIST, "prefixItems": [_TEXT, _WHOLE], "items": _TEXT},
    ),
    "first items that are what all are": ({**_LIST, "items": _TEXT}, {**_LIST, "prefixItems": [_TEXT, _TEXT], "items": _TEXT}),
    "first items of which one is not what all are": (
        {**_LIST, "items": _TEXT}, {**_LIST, "prefixItems": [_TEXT, _WHOLE, _NUMBER], "items": _TEXT},
    ),
    "what is contained": ({**_LIST, "contains": _TEXT}, {**_LIST, "contains": {**_TEXT, "maxLength": 3}}),
    "anything is contained": (_LIST, {**_LIST, "contains": {}}),
    "names of properties": ({**_MAP, "propertyNames": {"maxLength": 3}}, {**_MAP, "propertyNames": {"maxLength": 5}}),
    "names of properties that may be any": (_MAP, {**_MAP, "propertyNames": {}}),
    "what a text holds": (
        {**_TEXT, "contentSchema": thing("a")}, {**_TEXT, "contentSchema": thing("a", "b")},
    ),
    "what a text holds may be anything": (_TEXT, {**_TEXT, "contentSchema": True}),
    "what is not declared": ({**_MAP, "unevaluatedProperties": _TEXT}, {**_MAP, "unevaluatedProperties": _WHOLE}),
    "items that are not declared": ({**_LIST, "unevaluatedItems": _TEXT}, {**_LIST, "unevaluatedItems": _WHOLE}),
    "additional properties of another type": ({**_MAP, "additionalProperties": _TEXT}, {**_MAP, "additionalProperties": _WHOLE}),
    "additional properties of any type and of one": (_MAP, {**_MAP, "additionalProperties": _TEXT}),
    "additional properties of a type and none": ({**_MAP, "additionalProperties": _TEXT}, _CLOSED),
    "properties named by a pattern": (
        {**_MAP, "patternProperties": {"^a": _TEXT, "^b": _TEXT}}, {**_MAP, "patternProperties": {"^a": _WHOLE, "^c": _TEXT}},
    ),
    "a pattern let into a closed object": (_CLOSED, {**_CLOSED, "patternProperties": {"^a": _TEXT}}),
    "a pattern in an object that closes": (_MAP, {**_CLOSED, "patternProperties": {"^a": _TEXT}}),
    "a pattern in an object that opens": ({**_CLOSED, "patternProperties": {"^a": _TEXT}}, {**_MAP, "additionalProperties": _TEXT}),
    "what follows from a property": (
        {**_MAP, "dependentSchemas": {"a": {"minProperties": 2}}},
        {**_MAP, "dependentSchemas": {"a": {"minProperties": 3}, "b": {"maxProperties": 9}}},
    ),
    "another condition": ({"if": {"required": ["a"]}, "then": thing("b")}, {"if": {"required": ["c"]}, "then": thing("b", "c")}),
    "the same condition, with another outcome": (
        {"if": {"required": ["a"]}, "then": thing("b"), "else": thing("c")}, {"if": {"required": ["a"]}, "then": thing("b", "c")},
    ),
    "a condition that was none": (_MAP, {**_MAP, "if": {"required": ["a"]}, "then": {"required": ["b"]}}),
    "values ruled out, in part others": ({"not": {"enum": ["a", "b"]}}, {"not": {"enum": ["b", "c"]}}),
    "values ruled out, and null": ({"not": {"enum": ["a"]}}, {"not": {"enum": ["a", "b", None]}}),
    "values ruled out, and a type": ({"not": {"enum": ["a"]}}, {"not": _TEXT}),
    "values ruled out that must be short as well": (
        {"not": {"enum": ["a"], "maxLength": 9}}, {"not": {"enum": ["a", "b"], "maxLength": 9}},
    ),
    "more values ruled out that must be long as well": ({"not": {"enum": ["a"]}}, {"not": {"enum": ["a", "bb"], "minLength": 2}}),
    "the same values ruled out, and only long ones": ({"not": {"enum": ["a", "bb"]}}, {"not": {"enum": ["a", "bb"], "minLength": 2}}),
    "objects ruled out that must hold something": (
        {"not": {"enum": [{"a": 1}], "required": ["a"]}}, {"not": {"enum": [{"a": 1}, {"b": 1}], "required": ["a"]}},
    ),
    "lists ruled out whose first item is a text": (
        {"not": {"enum": [["a"]], "prefixItems": [_TEXT]}}, {"not": {"enum": [["a"], ["b"]], "prefixItems": [_TEXT]}},
    ),
    "objects ruled out that have a property": (
        {"not": {"enum": [{"a": 1}], "properties": {"a": _WHOLE}}}, {"not": {"enum": [{"a": 1}, {}], "properties": {"a": _WHOLE}}},
    ),
    "lists ruled out whose items are texts": (
        {"not": {"enum": [["a"]], "items": _TEXT}}, {"not": {"enum": [["a"], []], "items": _TEXT}},
    ),
    "objects ruled out that are one of two": (
        {"not": {"enum": [{"a": "1"}], "oneOf": [thing("a"), thing("b")]}},
        {"not": {"enum": [{"a": "1"}, {"b": "1"}], "oneOf": [thing("a"), thing("b")]}},
    ),
}  # fmt: skip

_PROPERTIES: dict[str, tuple[Any, Any]] = {
    "properties that came and went": (thing("a", "b", "c"), thing("a", "c", "d", "e")),
    "a property that is only required": (_MAP, {**_MAP, "required": ["b", "a"]}),
    "a property that is declared and no longer required": ({**_MAP, "required": ["a"]}, {**_MAP, "properties": {"a": _TEXT}}),
    "properties of a property": ({**_MAP, "properties": {"a": thing("b")}}, {**_MAP, "properties": {"a": thing("c", "b")}}),
    "a property that is said of twice": (
        every({**_MAP, "properties": {"a": _TEXT}}, {"properties": {"a": {"maxLength": 5}}}), {**_MAP, "properties": {"a": _TEXT}},
    ),
    "a property that may not be": (_CLOSED, {**_CLOSED, "properties": {"a": False}}),
    "a property that may not be, in an open object": (_MAP, {**_MAP, "properties": {"a": False}}),
    "a property among others of its type": (
        {**_MAP, "additionalProperties": _TEXT}, {**_MAP, "additionalProperties": _TEXT, "properties": {"a": _WHOLE}},
    ),
    "a property in a closed object": (_CLOSED, {**_CLOSED, "properties": {"a": _TEXT}, "required": ["a"]}),
    "a property that is only written": (_MAP, {**_MAP, "properties": {"a": {**_TEXT, "writeOnly": True}}, "required": ["a"]}),
    "a property that is no longer read": (
        thing("a"), {**_MAP, "properties": {"a": {**_WHOLE, "writeOnly": True}}},
    ),
    "a property that is read and becomes required": (
        {**_MAP, "properties": {"a": {**_TEXT, "readOnly": True}}}, thing("a"),
    ),
    "a written property of another type": (
        {**_MAP, "properties": {"a": {**_TEXT, "writeOnly": True}}}, {**_MAP, "properties": {"a": {**_WHOLE, "writeOnly": True}}},
    ),
    "a written property of other values": (
        {**_MAP, "properties": {"a": {"enum": ["a", "b"], "writeOnly": True}}},
        {**_MAP, "properties": {"a": {"enum": ["b", "c", "d"], "writeOnly": True}}},
    ),
    "a property that is deprecated": (thing("a"), thing("a", properties={"a": {**_TEXT, "deprecated": True}})),
}  # fmt: skip

_ALTERNATIVES: dict[str, tuple[Any, Any]] = {
    "alternatives, one of which changed": (one_of(kind("a", x=_TEXT), kind("b")), one_of(kind("a", x=_WHOLE), kind("b"))),
    "alternatives, one of which may be null": (
        one_of(kind("a"), kind("b")), one_of({**kind("a"), "type": ["object", "null"]}, kind("b")),
    ),
    "alternatives that came and went": (one_of(kind("a"), kind("b"), kind("c")), one_of(kind("a"), kind("d"), kind("e"))),
    "any of alternatives, one for another": (either(thing("a"), thing("b")), either(thing("a"), thing("c"))),
    "any of alternatives, one kind for another": (either(kind("a"), kind("X")), either(kind("a"), kind("YX"))),
    "any of alternatives, two for two": (
        either(thing("a"), thing("b"), thing("c")), either(thing("a"), thing("d"), thing("e")),
    ),
    "any of alternatives, all others": (
        either(thing("a"), thing("b"), thing("c")), either(thing("d"), thing("e")),
    ),
    "any of alternatives, all gone but types": (either(thing("a"), {**_LIST, "minItems": 1}), either({**_TEXT, "minLength": 1}, {**_WHOLE, "minimum": 1})),
    "one of and any of that overlap": (one_of(thing("a"), thing("b")), either(thing("a"), thing("b"))),
    "one of and any of, an object or a list": (one_of(thing("a"), {**_LIST, "minItems": 1}), either(thing("a"), {**_LIST, "minItems": 1})),
    "one of and any of, an integer or a number": (
        one_of({**_WHOLE, "minimum": 1}, {**_NUMBER, "maximum": 0}), either({**_WHOLE, "minimum": 1}, {**_NUMBER, "maximum": 0}),
    ),
    "one of and any of, an integer or a text": (
        one_of({**_WHOLE, "minimum": 1}, {**_TEXT, "maxLength": 9}), either({**_WHOLE, "minimum": 1}, {**_TEXT, "maxLength": 9}),
    ),
    "one of and any of, a number or a text": (
        one_of({**_NUMBER, "minimum": 1}, {**_TEXT, "maxLength": 9}), either({**_NUMBER, "minimum": 1}, {**_TEXT, "maxLength": 9}),
    ),
    "one of and any of, told apart by a kind": (one_of(kind("a"), kind("b")), either(kind("a"), kind("b"))),
    "one of and any of, told apart by a kind that need not be": (
        one_of({**kind("a"), "required": []}, kind("b")), either({**kind("a"), "required": []}, kind("b")),
    ),
    "one of and any of, a type or any": (one_of({**_TEXT, "minLength": 1}, {"maximum": 9}), either({**_TEXT, "minLength": 1}, {"maximum": 9})),
    "one of and any of, with one more": (one_of(thing("a"), thing("b")), either(thing("a"), thing("b"), thing("c"))),
    "both kinds of alternatives and one": (
        {**one_of(thing("a"), thing("b")), **either(thing("c"), thing("d"))}, one_of(thing("a"), thing("b")),
    ),
    "an object and one of two": (thing("a"), one_of(thing("a"), thing("b"))),
    "an object and any of three": (thing("a"), either(thing("a"), thing("b"), {**_LIST, "minItems": 1})),
    "an object and any of others": (thing("a"), either({**_TEXT, "minLength": 1}, {**_LIST, "minItems": 1})),
    "an object and one of two, or null": (thing("a"), one_of(thing("a"), thing("b"), {"type": "null"})),
    "an object of a kind and one of two of which the other is more alike": (
        kind("a", x=_TEXT, y=_TEXT), one_of(kind("b", x=_TEXT, y=_TEXT), kind("a", z=_TEXT)),
    ),
    "an object that changed and one of two": (thing("a", "b"), one_of(thing("a", "c"), kind("b"))),
    "two types and any of others": ({"type": ["string", "boolean"]}, either(thing("a"), thing("b"))),
    "values and one of others": ({"enum": ["a"], "type": "string"}, one_of(thing("a"), thing("b"))),
    "what may be anything short and any of others": ({"maxLength": 9}, either(thing("a"), thing("b"))),
    "only one alternative and two": (one_of(thing("a")), one_of(thing("a"), thing("b"))),
    "an object of parts and one of two": (every(thing("a"), thing("b")), one_of(thing("a", "b"), thing("c"))),
    "alternatives within alternatives": (
        either(either(thing("a"), thing("b")), thing("c")), either(thing("a"), thing("b"), thing("c"), thing("d")),
    ),
    "parts that came and went": (
        every(thing("a"), thing("b"), {"minProperties": 1}), every(thing("a"), thing("c"), {"maxProperties": 9}, {"minProperties": 1}),
    ),
    "parts in another order": (every(thing("a"), thing("b")), every(thing("b"), thing("a"))),
    "parts cut otherwise": (every(thing("a", "b"), thing("c")), every(thing("a"), {**_MAP, "properties": {"b": _TEXT}}, thing("c"))),
    "parts of which one only says what it is": (every(thing("a"), {"examples": [1]}), every(thing("a"))),
}  # fmt: skip

FURTHER_SCHEMAS = {**_KEYWORDS, **_SUBSCHEMAS, **_PROPERTIES, **_ALTERNATIVES}
"""What differs, and the schema on either side."""
