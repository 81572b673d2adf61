"""Pairs of schemas in which more than one thing differs, or one thing in a way that no rule's smallest change shows."""
# ruff: noqa: E501 - a table is read across

from __future__ import annotations

from typing import Any

from .further_alternative_pairs import ALTERNATIVES
from .pairs import Doc, either, every, one_of, thing

_TEXT: Doc = {"type": "string"}
_WHOLE: Doc = {"type": "integer"}
_ZERO: Doc = {**_WHOLE, "minimum": 0, "maximum": 0}
_NUMBER: Doc = {"type": "number"}
_LIST: Doc = {"type": "array"}
_MAP: Doc = {"type": "object"}
_CLOSED: Doc = {**_MAP, "additionalProperties": False}
_LONG = "a" * 100

_KEYWORDS: dict[str, tuple[Any, ...]] = {
    "one format and none": ({**_TEXT, "format": "uuid"}, _TEXT, "type-changed: format uuid → (none)", "type-specialized: format (none) → uuid",
        "type-generalized: format uuid → (none)", "type-changed: format (none) → uuid"),
    "an unknown format of one number and none": ({**_ZERO, "format": "odd"}, _ZERO,
        "type-changed: format odd → (none)", "type-specialized: format (none) → odd",
        "type-generalized: format odd → (none)", "type-changed: format (none) → odd"),
    "a format and a wider one": (
        {**_WHOLE, "format": "int32"}, {**_WHOLE, "format": "int64"}, "type-changed: format int32 → int64", "type-specialized: format int64 → int32",
        "type-generalized: format int32 → int64", "type-changed: format int64 → int32"),
    "a day and a time of one": ({**_TEXT, "format": "date"}, {**_TEXT, "format": "date-time"},
        "type-changed: format date → date-time", "type-specialized: format date-time → date",
        "type-generalized: format date → date-time", "type-changed: format date-time → date"),
    "two formats that have nothing in common": (
        {**_TEXT, "format": "uuid"}, {**_TEXT, "format": "email"}, "type-changed: format uuid → email", "type-changed: format email → uuid"),
    "two formats at once and one of them": (every({**_TEXT, "format": "uuid"}, {"format": "email"}), {**_TEXT, "format": "uuid"},
        'type-changed: (format email and uuid → uuid) ["email", "uuid"] → "uuid"',
        'type-changed: (format uuid → email and uuid) "uuid" → ["email", "uuid"]'),
    "a wider type with a wider format": ({**_WHOLE, "format": "int32"}, {**_NUMBER, "format": "double"},
        "type-changed: format int32 → double; type-generalized: integer → number",
        "type-changed: format double → int32; type-specialized: number → integer",
        "type-changed: format int32 → double; type-generalized: integer → number", "type-changed: format double → int32, number → integer"),
    "a wider type without a format": (
        {**_WHOLE, "format": "int32"}, _NUMBER, "type-generalized: integer → number", "type-specialized: number → integer",
        "type-generalized: integer → number", "type-changed: number → integer"),
    "a wider type with a format that was none": (_WHOLE, {**_NUMBER, "format": "float"},
        "type-generalized: integer → number; type-specialized: format (none) → float",
        "type-changed: format float → (none); type-specialized: number → integer",
        "type-changed: format (none) → float; type-generalized: integer → number",
        "type-changed: number → integer; type-generalized: format float → (none)"),
    "another type with another format": (
        {**_WHOLE, "format": "int32"}, {"type": "boolean", "format": "bit"}, "type-changed: integer → boolean", "type-changed: boolean → integer"),
    "types that have one in common": ({"type": ["string", "integer"]}, {"type": ["integer", "boolean"]},
        'type-changed: ["integer", "string"] → ["boolean", "integer"]', 'type-changed: ["boolean", "integer"] → ["integer", "string"]'),
    "types of which one went": ({"type": ["string", "integer"]}, _TEXT,
        'type-specialized: ["integer", "string"] → string', 'type-generalized: string → ["integer", "string"]',
        'type-generalized: ["integer", "string"] → string', 'type-generalized: string → ["integer", "string"]'),
    "any type and one": ({"description": "any"}, _TEXT, "type-specialized: any → string", "type-generalized: string → any",
        "type-changed: any → string", "type-generalized: string → any"),
    "any type and null": ({}, {"type": ["string", "null"]}, "type-specialized: any → string", "type-generalized: string → any",
        "type-changed: any → string", "type-generalized: string → any"),
    "a type and two that no value has": (_TEXT, every(_TEXT, _WHOLE), "type-specialized: string → nothing", "type-generalized: nothing → string",
        "type-changed: string → nothing", "type-generalized: nothing → string"),
    "alternatives that are types, one of them another": (one_of(_TEXT, {"type": "boolean"}), one_of(_TEXT, _WHOLE),
        'list-of-types-widened: ["boolean", "string"] → ["integer", "string"]', 'list-of-types-widened: ["integer", "string"] → ["boolean", "string"]',
        'list-of-types-narrowed: ["boolean", "string"] → ["integer", "string"]',
        'list-of-types-narrowed: ["integer", "string"] → ["boolean", "string"]'),
    "alternatives that are types, and a list of types": (one_of(_TEXT, {"type": "boolean"}), {"type": ["string", "boolean", "integer"]},
        'list-of-types-widened: ["boolean", "string"] → ["boolean", "integer", "string"]',
        'list-of-types-narrowed: ["boolean", "integer", "string"] → ["boolean", "string"]'),
    "alternatives that are values": (either({"const": "a"}, {"const": "b"}), either({"const": "b"}, {"enum": ["c", "d"]}),
        "enum-value-added: 'c', 'd'; enum-value-removed: 'a'", "enum-value-added: 'a'; enum-value-removed: 'c', 'd'"),
    "alternatives that are values with their types": (
        one_of({**_TEXT, "const": "a"}, {**_WHOLE, "const": 1}), one_of({**_TEXT, "const": "a"}, {**_WHOLE, "const": 2}),
        "enum-value-added: 2; enum-value-removed: 1", "enum-value-added: 1; enum-value-removed: 2"),
    "alternatives that are types, and null": (either(_TEXT, _WHOLE), either(_TEXT, _WHOLE, {"type": "null"}),
        "became-nullable: (null) false → true", "became-not-nullable: (not null) true → false"),
    "a value of another type": ({"enum": ["a"]}, {"enum": ["a", 1]}, "enum-value-added: 1", "enum-value-removed: 1"),
    "values and another type": ({**_TEXT, "enum": ["a", "b"]}, _WHOLE, "type-changed: string → integer", "type-changed: integer → string",
        "type-changed: string → integer", "type-generalized: integer → string"),
    "values that are alike": ({"enum": [1, "1", "true"]}, {"enum": [True, "1", "true"]},
        "enum-value-added: True; enum-value-removed: 1", "enum-value-added: 1; enum-value-removed: True"),
    "one value and any": ({**_TEXT, "enum": ["a"]}, {}, 'became-not-enum: ["a"]', 'became-enum: ["a"]'),
    "one value and two": ({"const": "a"}, {"enum": ["a", "b"]}, "enum-value-added: 'b'", "enum-value-removed: 'b'"),
    "an enum of one and another value": (
        {"enum": ["a"]}, {"enum": ["b"]}, "enum-value-added: 'b'; enum-value-removed: 'a'", "enum-value-added: 'a'; enum-value-removed: 'b'"),
    "const of one and an enum of another": ({"const": "a"}, {"enum": ["b"]}, "const-changed: a → b", "const-changed: b → a"),
    "a long value": ({"enum": ["b"]}, {"enum": ["b", _LONG]},
        "enum-value-added: ('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa) null → \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"",
        "enum-value-removed: ('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa) \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\" → null"),
    "values of another order": ({"enum": ["a", "b"]}, {"enum": ["b", "c", "d"]},
        "enum-value-added: 'c', 'd'; enum-value-removed: 'a'", "enum-value-added: 'a'; enum-value-removed: 'c', 'd'"),
    "values, one of them null": ({"enum": ["a", None]}, {"enum": ["a", "b"]},
        "became-not-nullable: (not null) true → false; enum-value-added: 'b'", "became-nullable: (null) false → true; enum-value-removed: 'b'"),
    "null that one of several grants, which say more": (
        {**_MAP, "minProperties": 1}, either(thing("a"), {**thing("b"), "type": ["object", "null"]}, minProperties=1),
        "any-of-set; became-nullable: (null) false → true", "any-of-unset; became-not-nullable: (not null) true → false"),
    "null that alternatives grant": (either(thing("a"), thing("b")), either(thing("a"), thing("b"), {"type": "null"}),
        "became-nullable: (null) false → true", "became-not-nullable: (not null) true → false"),
    "a bound of integers that rules out the same": ({**_WHOLE, "maximum": 5.5}, {**_WHOLE, "exclusiveMaximum": 6}, "nothing"),
    "a bound of integers that rules out more": (
        {**_WHOLE, "minimum": 1}, {**_WHOLE, "exclusiveMinimum": 1}, "exclusive-min-set: 1", "exclusive-min-unset: 1"),
    "a bound of numbers that becomes exclusive": (
        {**_NUMBER, "maximum": 5}, {**_NUMBER, "exclusiveMaximum": 5}, "exclusive-max-set: 5", "exclusive-max-unset: 5"),
    "a lower bound of numbers that becomes exclusive": (
        {**_NUMBER, "minimum": 5}, {**_NUMBER, "exclusiveMinimum": 5}, "exclusive-min-set: 5", "exclusive-min-unset: 5"),
    "two bounds of which one is tighter": ({**_NUMBER, "maximum": 5, "exclusiveMaximum": 6, "minimum": 1, "exclusiveMinimum": 0},
        {**_NUMBER, "maximum": 5, "exclusiveMaximum": 5, "minimum": 1, "exclusiveMinimum": 1},
        "exclusive-max-set: 5; exclusive-min-set: 1", "exclusive-max-unset: 5; exclusive-min-unset: 1"),
    "lengths that must hold at once": (every({**_TEXT, "maxLength": 5, "minLength": 1}, {"maxLength": 9, "minLength": 0}),
        every({**_TEXT, "maxLength": 9, "minLength": 1}, {"maxLength": 8, "minLength": 2}),
        "max-length-increased: 5 → 8; min-length-increased: 1 → 2", "max-length-decreased: 8 → 5; min-length-decreased: 2 → 1"),
    "exclusive bounds that must hold at once": (
        every({**_NUMBER, "exclusiveMaximum": 5, "exclusiveMinimum": 1}, {"exclusiveMaximum": 9, "exclusiveMinimum": 0}),
        every({**_NUMBER, "exclusiveMaximum": 9, "exclusiveMinimum": 1}, {"exclusiveMaximum": 8, "exclusiveMinimum": 2}),
        "exclusive-max-increased: 5 → 8; exclusive-min-increased: 1 → 2", "exclusive-max-decreased: 8 → 5; exclusive-min-decreased: 2 → 1"),
    "counts of items": ({**_LIST, "minItems": 1, "maxItems": 4}, {**_LIST, "minItems": 2, "maxItems": 3},
        "max-items-decreased: 4 → 3; min-items-increased: 1 → 2", "max-items-increased: 3 → 4; min-items-decreased: 2 → 1"),
    "counts of properties": ({**_MAP, "minProperties": 1}, {**_MAP, "minProperties": 0, "maxProperties": 3},
        "max-properties-set: 3; min-properties-unset: 1", "max-properties-unset: 3; min-properties-set: 1"),
    "counts of what is contained": ({**_LIST, "contains": _TEXT}, {**_LIST, "contains": _TEXT, "minContains": 2},
        "min-contains-increased: 1 → 2", "min-contains-decreased: 2 → 1"),
    "none needs to be contained": ({**_LIST, "contains": _TEXT, "minContains": 1}, {**_LIST, "contains": _TEXT, "minContains": 0},
        "min-contains-decreased: 1 → 0", "min-contains-increased: 0 → 1"),
    "a pattern that any text meets": (_TEXT, {**_TEXT, "pattern": "^.*$"}, "nothing"),
    "two patterns that any text meets": ({**_TEXT, "pattern": ""}, {**_TEXT, "pattern": ".*"}, "nothing"),
    "two spellings of a pattern that any text meets": ({**_TEXT, "pattern": ".*"}, {**_TEXT, "pattern": "^.*$"}, "nothing"),
    "a pattern and one that any text meets": (
        {**_TEXT, "pattern": "^a"}, {**_TEXT, "pattern": ".*$"}, 'pattern-changed: "^a" → ".*$"', 'pattern-changed: ".*$" → "^a"',
        'pattern-generalized: "^a" → ".*$"', 'pattern-changed: ".*$" → "^a"'),
    "two patterns at once and one of them": (every({**_TEXT, "pattern": "^a"}, {"pattern": "b$"}), {**_TEXT, "pattern": "^a"},
        'pattern-changed: ["^a", "b$"] → "^a"', 'pattern-changed: "^a" → ["^a", "b$"]'),
    "multiples of a part": (
        {**_NUMBER, "multipleOf": 0.1}, {**_NUMBER, "multipleOf": 0.3}, "multiple-of-specialized: 0.1 → 0.3", "multiple-of-generalized: 0.3 → 0.1"),
    "multiples of two at once": (every({**_NUMBER, "multipleOf": 2}, {"multipleOf": 3}), {**_NUMBER, "multipleOf": 6},
        "multiple-of-specialized: [2, 3] → 6", "multiple-of-generalized: 6 → [2, 3]"),
    "multiples of one of two": ({**_NUMBER, "multipleOf": 4}, every({**_NUMBER, "multipleOf": 4}, {"multipleOf": 6}),
        "multiple-of-specialized: 4 → [4, 6]", "multiple-of-generalized: [4, 6] → 4"),
    "a content encoding and none": ({**_TEXT, "contentEncoding": "base64", "contentMediaType": "image/png"}, _TEXT,
        'content-encoding-changed: "base64"; content-media-type-changed: "image/png"'),
    "unique items and not": ({**_LIST, "uniqueItems": True}, {**_LIST, "uniqueItems": False}, "unique-items-removed: true", "unique-items-added: true"),
    "several properties that others depend on": ({**_MAP, "dependentRequired": {"a": ["b"], "c": ["d"], "e": ["f"]}},
        {**_MAP, "dependentRequired": {"e": ["g", "f"], "c": ["d"], "b": ["a"]}},
        'dependent-required-added: (b) null → "a"; dependent-required-changed: (e) "f" → ["f", "g"]; dependent-required-removed: (a) "b" → null',
        'dependent-required-added: (a) null → "b"; dependent-required-changed: (e) ["f", "g"] → "f"; dependent-required-removed: (b) "a" → null'),
    "what others depend on, said twice": (every({**_MAP, "dependentRequired": {"a": ["b"]}}, {"dependentRequired": {"a": ["c"], "d": ["e"]}}),
        {**_MAP, "dependentRequired": {"a": ["b", "c"]}},
        'dependent-required-removed: (d) "e" → null', 'dependent-required-added: (d) null → "e"'),
    "a default that is false": (
        {"type": "boolean"}, {"type": "boolean", "default": False}, "default-value-added: false", "default-value-removed: false"),
    "a default of another kind": ({"default": 1}, {"default": True}, "default-value-changed: 1 → true", "default-value-changed: true → 1"),
    "a default written otherwise": ({"default": 1}, {"default": 1.0}, "nothing"),
    "values that a consumer bears": ({**_TEXT, "x-extensible-enum": ["a", "b", "c"]}, {**_TEXT, "x-extensible-enum": ["c", "d"]}, "nothing"),
    "a bound as OpenAPI 3.0 has it, that becomes exclusive": (
        {**_NUMBER, "minimum": 1}, {**_NUMBER, "minimum": 1, "exclusiveMinimum": True}, "exclusive-min-set: 1", "exclusive-min-unset: 1"),
    "two lower bounds, the looser of which goes": ({**_NUMBER, "minimum": 1, "exclusiveMinimum": 0}, {**_NUMBER, "minimum": 1}, "nothing"),
    "two upper bounds, the tighter of which becomes exclusive": (
        {**_NUMBER, "maximum": 5, "exclusiveMaximum": 6}, {**_NUMBER, "exclusiveMaximum": 5}, "exclusive-max-set: 5", "exclusive-max-unset: 5"),
    "two lower bounds at the same number": ({**_NUMBER, "minimum": 1, "exclusiveMinimum": 1}, {**_NUMBER, "exclusiveMinimum": 1}, "nothing"),
    "bounds that must hold at once, and the tighter ones alone": (
        every({**_WHOLE, "minimum": 1, "maximum": 9}, {"minimum": 3, "maximum": 20}), {**_WHOLE, "minimum": 3, "maximum": 9}, "nothing"),
    "exclusive bounds that must hold at once, and the tighter ones alone": (
        every({**_NUMBER, "exclusiveMinimum": 1, "exclusiveMaximum": 9}, {"exclusiveMinimum": 3, "exclusiveMaximum": 20}),
        {**_NUMBER, "exclusiveMinimum": 3, "exclusiveMaximum": 9},
        "nothing"),
    "two patterns at once in another order": (
        every({**_TEXT, "pattern": "a"}, {"pattern": "b"}), every({**_TEXT, "pattern": "b"}, {"pattern": "a"}), "nothing"),
    "one boolean as a value and as an enum": ({"const": True}, {"type": "boolean", "enum": [True]}, "nothing"),
    "one list as a value and as an enum": ({"const": [1]}, {"type": "array", "enum": [[1]]}, "nothing"),
    "one object as a value and as an enum": ({"const": {"a": 1}}, {"type": "object", "enum": [{"a": 1}]}, "nothing"),
    "null as a value and as a type": ({"const": None}, {"type": "null"}, "nothing"),
    "one number as a value and as an enum": ({"const": 1.5}, {"type": "number", "enum": [1.5]}, "nothing"),
    "a whole number as a number and as an integer": ({"type": "number", "enum": [1.0]}, {"type": "integer", "enum": [1]}, "nothing"),
    "unique items, said twice": (every({**_LIST, "uniqueItems": True}, {"uniqueItems": True}), {**_LIST, "uniqueItems": True}, "nothing"),
    "a discriminator without a name": ({**_MAP, "discriminator": {}}, _MAP, "nothing"),
    "types that have one in common, and a length": ({"type": ["string", "integer"], "maxLength": 3}, {"type": ["string", "boolean"], "maxLength": 5},
        'max-length-increased: 3 → 5; type-changed: ["integer", "string"] → ["boolean", "string"]',
        'max-length-decreased: 5 → 3; type-changed: ["boolean", "string"] → ["integer", "string"]'),
}  # fmt: skip

_SUBSCHEMAS: dict[str, tuple[Any, ...]] = {
    "items of another type": (
        {**_LIST, "items": _TEXT}, {**_LIST, "items": _WHOLE}, "type-changed @[*]: string → integer", "type-changed @[*]: integer → string",
        "type-changed @[*]: string → integer", "type-generalized @[*]: integer → string"),
    "items of any type and of one": (_LIST, {**_LIST, "items": _TEXT}, "type-specialized @[*]: any → string", "type-generalized @[*]: string → any",
        "type-changed @[*]: any → string", "type-generalized @[*]: string → any"),
    "items of objects": ({**_LIST, "items": thing("a")}, {**_LIST, "items": thing("a", "b")},
        "response-optional-property-added @[*].b: b", "response-optional-property-removed @[*].b: b",
        "new-optional-request-parameter-property @[*].b: b", "removed @[*].b: b"),
    "first items of another type": (
        {**_LIST, "prefixItems": [_TEXT, _TEXT], "items": _TEXT}, {**_LIST, "prefixItems": [_TEXT, _WHOLE], "items": _TEXT},
        "type-changed @[1]: string → integer", "type-changed @[1]: integer → string",
        "type-changed @[1]: string → integer", "type-generalized @[1]: integer → string"),
    "first items that are what all are": ({**_LIST, "items": _TEXT}, {**_LIST, "prefixItems": [_TEXT, _TEXT], "items": _TEXT}, "nothing"),
    "first items of which one is not what all are": ({**_LIST, "items": _TEXT}, {**_LIST, "prefixItems": [_TEXT, _WHOLE, _NUMBER], "items": _TEXT},
        "prefix-items-added: (item 1), (item 2); type-changed @[1]: string → integer; type-changed @[2]: string → number",
        "prefix-items-removed: (item 1), (item 2); type-changed @[1]: integer → string; type-changed @[2]: number → string",
        "prefix-items-added: (item 1), (item 2); type-changed @[1]: string → integer; type-changed @[2]: string → number",
        "prefix-items-removed: (item 1), (item 2); type-generalized @[1]: integer → string; type-generalized @[2]: number → string"),
    "a first item of any type and of that of all": ({**_LIST, "prefixItems": [{}], "items": _TEXT}, {**_LIST, "items": _TEXT},
        "prefix-items-removed: (item 0); type-specialized @[0]: any → string", "prefix-items-added: (item 0); type-generalized @[0]: string → any",
        "prefix-items-removed: (item 0); type-changed @[0]: any → string", "prefix-items-added: (item 0); type-generalized @[0]: string → any"),
    "a first item of any type and of that of all that are left": ({**_LIST, "prefixItems": [{}], "unevaluatedItems": _TEXT}, {**_LIST, "unevaluatedItems": _TEXT},
        "prefix-items-removed: (item 0); type-specialized @[0]: any → string", "prefix-items-added: (item 0); type-generalized @[0]: string → any",
        "prefix-items-removed: (item 0); type-changed @[0]: any → string", "prefix-items-added: (item 0); type-generalized @[0]: string → any"),
    "items that are true, and another": ({**_LIST, "items": {"enum": [True]}}, {**_LIST, "items": {"enum": [True, 1]}},
        "enum-value-added @[*]: 1", "enum-value-removed @[*]: 1"),
    "what is contained": ({**_LIST, "contains": _TEXT}, {**_LIST, "contains": {**_TEXT, "maxLength": 3}},
        "max-length-set @<contains>: 3", "max-length-unset @<contains>: 3"),
    "anything is contained": (_LIST, {**_LIST, "contains": {}}, "contains-added", "contains-removed"),
    "names of properties": ({**_MAP, "propertyNames": {"maxLength": 3}}, {**_MAP, "propertyNames": {"maxLength": 5}},
        "max-length-increased @<propertyNames>: 3 → 5", "max-length-decreased @<propertyNames>: 5 → 3"),
    "names of properties that may be any": (_MAP, {**_MAP, "propertyNames": {}}, "nothing"),
    "what a text holds": ({**_TEXT, "contentSchema": thing("a")}, {**_TEXT, "contentSchema": thing("a", "b")},
        "response-optional-property-added @<contentSchema>.b: b", "response-optional-property-removed @<contentSchema>.b: b",
        "new-optional-request-parameter-property @<contentSchema>.b: b", "removed @<contentSchema>.b: b"),
    "what a text holds may be anything": (_TEXT, {**_TEXT, "contentSchema": True}, "nothing"),
    "what is not declared": ({**_MAP, "unevaluatedProperties": _TEXT}, {**_MAP, "unevaluatedProperties": _WHOLE},
        "type-changed @<unevaluatedProperties>: string → integer", "type-changed @<unevaluatedProperties>: integer → string",
        "type-changed @<unevaluatedProperties>: string → integer", "type-generalized @<unevaluatedProperties>: integer → string"),
    "items that are not declared": ({**_LIST, "unevaluatedItems": _TEXT}, {**_LIST, "unevaluatedItems": _WHOLE},
        "type-changed @<unevaluatedItems>: string → integer", "type-changed @<unevaluatedItems>: integer → string",
        "type-changed @<unevaluatedItems>: string → integer", "type-generalized @<unevaluatedItems>: integer → string"),
    "additional properties of another type": ({**_MAP, "additionalProperties": _TEXT}, {**_MAP, "additionalProperties": _WHOLE},
        "type-changed @*: string → integer", "type-changed @*: integer → string",
        "type-changed @*: string → integer", "type-generalized @*: integer → string"),
    "additional properties of any type and of one": (
        _MAP, {**_MAP, "additionalProperties": _TEXT}, "type-specialized @*: any → string", "type-generalized @*: string → any",
        "type-changed @*: any → string", "type-generalized @*: string → any"),
    "additional properties of a type and none": (
        {**_MAP, "additionalProperties": _TEXT}, _CLOSED, "additional-properties-closed: true → false", "additional-properties-opened: false → true"),
    "properties named by a pattern": (
        {**_MAP, "patternProperties": {"^a": _TEXT, "^b": _TEXT}}, {**_MAP, "patternProperties": {"^a": _WHOLE, "^c": _TEXT}},
        "pattern-property-added: ^c; pattern-property-removed: ^b; type-changed @<patternProperties ^a>: string → integer",
        "pattern-property-added: ^b; pattern-property-removed: ^c; type-changed @<patternProperties ^a>: integer → string",
        "pattern-property-added: ^c; pattern-property-removed: ^b; type-changed @<patternProperties ^a>: string → integer",
        "pattern-property-added: ^b; pattern-property-removed: ^c; type-generalized @<patternProperties ^a>: integer → string"),
    "a pattern let into a closed object": (
        _CLOSED, {**_CLOSED, "patternProperties": {"^a": _TEXT}}, "additional-properties-opened: ^a", "additional-properties-closed: ^a"),
    "a pattern in an object that closes": (_MAP, {**_CLOSED, "patternProperties": {"^a": _TEXT}},
        "additional-properties-closed: true → false", "additional-properties-opened: false → true"),
    "a pattern in an object that opens": ({**_CLOSED, "patternProperties": {"^a": _TEXT}}, {**_MAP, "additionalProperties": _TEXT},
        "additional-properties-opened: false → true", "additional-properties-closed: true → false"),
    "what follows from a property": ({**_MAP, "dependentSchemas": {"a": {"minProperties": 2}}},
        {**_MAP, "dependentSchemas": {"a": {"minProperties": 3}, "b": {"maxProperties": 9}}},
        "dependent-schema-added: b; min-properties-increased @<dependentSchemas a>: 2 → 3",
        "dependent-schema-removed: b; min-properties-decreased @<dependentSchemas a>: 3 → 2"),
    "another condition": ({"if": {"required": ["a"]}, "then": thing("b")}, {"if": {"required": ["c"]}, "then": thing("b", "c")},
        "if-added; if-removed; response-optional-property-added @<then>.c: c", "if-added; if-removed; response-optional-property-removed @<then>.c: c",
        "if-added; if-removed; new-optional-request-parameter-property @<then>.c: c", "if-added; if-removed; removed @<then>.c: c"),
    "the same condition, with another outcome": (
        {"if": {"required": ["a"]}, "then": thing("b"), "else": thing("c")}, {"if": {"required": ["a"]}, "then": thing("b", "c")},
        "else-removed; response-optional-property-added @<then>.c: c", "else-added; response-optional-property-removed @<then>.c: c",
        "else-removed; new-optional-request-parameter-property @<then>.c: c", "else-added; removed @<then>.c: c"),
    "a condition that was none": (
        _MAP, {**_MAP, "if": {"required": ["a"]}, "then": {"required": ["b"]}}, "if-added; then-added", "if-removed; then-removed"),
    "values ruled out, in part others": ({"not": {"enum": ["a", "b"]}}, {"not": {"enum": ["b", "c"]}}, "not-changed"),
    "values ruled out, and null": ({"not": {"enum": ["a"]}}, {"not": {"enum": ["a", "b", None]}}, "not-changed"),
    "values ruled out, and a type": ({"not": {"enum": ["a"]}}, {"not": _TEXT}, "not-changed"),
    "values ruled out that must be short as well": (
        {"not": {"enum": ["a"], "maxLength": 9}}, {"not": {"enum": ["a", "b"], "maxLength": 9}}, "not-specialized", "not-generalized"),
    "more values ruled out that must be long as well": ({"not": {"enum": ["a"]}}, {"not": {"enum": ["a", "bb"], "minLength": 2}}, "not-changed"),
    "the same values ruled out, and only long ones": (
        {"not": {"enum": ["a", "bb"]}}, {"not": {"enum": ["a", "bb"], "minLength": 2}}, "not-generalized", "not-specialized"),
    "objects ruled out that must hold something": (
        {"not": {"enum": [{"a": 1}], "required": ["a"]}}, {"not": {"enum": [{"a": 1}, {"b": 1}], "required": ["a"]}}, "not-changed"),
    "lists ruled out whose first item is a text": (
        {"not": {"enum": [["a"]], "prefixItems": [_TEXT]}}, {"not": {"enum": [["a"], ["b"]], "prefixItems": [_TEXT]}}, "not-changed"),
    "objects ruled out that have a property": (
        {"not": {"enum": [{"a": 1}], "properties": {"a": _WHOLE}}}, {"not": {"enum": [{"a": 1}, {}], "properties": {"a": _WHOLE}}}, "not-changed"),
    "lists ruled out whose items are texts": (
        {"not": {"enum": [["a"]], "items": _TEXT}}, {"not": {"enum": [["a"], []], "items": _TEXT}}, "not-changed"),
    "objects ruled out that are one of two": ({"not": {"enum": [{"a": "1"}], "oneOf": [thing("a"), thing("b")]}},
        {"not": {"enum": [{"a": "1"}, {"b": "1"}], "oneOf": [thing("a"), thing("b")]}},
        "not-changed"),
    "one first item more": ({**_LIST, "prefixItems": [_TEXT]}, {**_LIST, "prefixItems": [_TEXT, _WHOLE]},
        "prefix-items-added: (item 1)", "prefix-items-removed: (item 1)"),
    "one first item less, which is what all others are": (
        {**_LIST, "prefixItems": [_TEXT, _WHOLE], "items": _WHOLE}, {**_LIST, "prefixItems": [_TEXT], "items": _WHOLE}, "nothing"),
    "values ruled out, and a title": ({"not": {"enum": ["a"]}}, {"not": {"enum": ["a"], "title": "x"}}, "nothing"),
    "values ruled out, with words about objects": (
        {"not": {"enum": ["a"], "additionalProperties": False}}, {"not": {"enum": ["a", "b"], "additionalProperties": False}},
        "not-specialized", "not-generalized"),
    "a condition, and a title": (
        {"if": {"required": ["a"]}, "then": {"required": ["b"]}}, {"if": {"required": ["a"]}, "then": {"required": ["b"]}, "title": "t"}, "nothing"),
    "all may be undeclared": ({**_MAP, "unevaluatedProperties": True}, _MAP, "nothing"),
}  # fmt: skip

_PROPERTIES: dict[str, tuple[Any, ...]] = {
    "properties that came and went": (thing("a", "b", "c"), thing("a", "c", "d", "e"),
        "response-optional-property-added @d: d; response-optional-property-added @e: e; response-optional-property-removed @b: b",
        "response-optional-property-added @b: b; response-optional-property-removed @d: d; response-optional-property-removed @e: e",
        "new-optional-request-parameter-property @d: d; new-optional-request-parameter-property @e: e; removed @b: b",
        "new-optional-request-parameter-property @b: b; removed @d: d; removed @e: e"),
    "a property that is only required": (_MAP, {**_MAP, "required": ["b", "a"]},
        "response-required-property-added @a: a; response-required-property-added @b: b",
        "response-required-property-removed @a: a; response-required-property-removed @b: b",
        "new-required-request-parameter-property @a: a; new-required-request-parameter-property @b: b", "removed @a: a; removed @b: b"),
    "a property that is declared and no longer required": ({**_MAP, "required": ["a"]}, {**_MAP, "properties": {"a": _TEXT}},
        "became-optional @a: required → optional; type-specialized @a: any → string",
        "became-required @a: optional → required; type-generalized @a: string → any",
        "became-optional @a: required → optional; type-changed @a: any → string",
        "became-required @a: optional → required; type-generalized @a: string → any"),
    "properties of a property": ({**_MAP, "properties": {"a": thing("b")}}, {**_MAP, "properties": {"a": thing("c", "b")}},
        "became-optional @a.b: required → optional; response-required-property-added @a.c: c",
        "became-required @a.b: optional → required; response-required-property-removed @a.c: c",
        "became-optional @a.b: required → optional; new-required-request-parameter-property @a.c: c",
        "became-required @a.b: optional → required; removed @a.c: c"),
    "a property that is said of twice": (
        every({**_MAP, "properties": {"a": _TEXT}}, {"properties": {"a": {"maxLength": 5}}}), {**_MAP, "properties": {"a": _TEXT}},
        "max-length-unset @a: 5", "max-length-set @a: 5"),
    "a property that may not be": (_CLOSED, {**_CLOSED, "properties": {"a": False}}, "nothing"),
    "a property that may not be, in an open object": (
        _MAP, {**_MAP, "properties": {"a": False}}, "response-optional-property-added @a: a", "response-optional-property-removed @a: a",
        "new-optional-request-parameter-property @a: a", "removed @a: a"),
    "a property among others of its type": (
        {**_MAP, "additionalProperties": _TEXT}, {**_MAP, "additionalProperties": _TEXT, "properties": {"a": _WHOLE}},
        "response-optional-property-added @a: a; type-changed @a: string → integer",
        "response-optional-property-removed @a: a; type-changed @a: integer → string",
        "new-optional-request-parameter-property @a: a", "removed @a: a"),
    "a property in a closed object": (_CLOSED, {**_CLOSED, "properties": {"a": _TEXT}, "required": ["a"]},
        "added-to-closed-object @a: a", "response-required-property-removed @a: a",
        "new-required-request-parameter-property @a: a", "removed-from-closed-object @a: a"),
    "a property that is only written": (_MAP, {**_MAP, "properties": {"a": {**_TEXT, "writeOnly": True}}, "required": ["a"]},
        "response-required-write-only-property-added @a: a", "response-required-write-only-property-removed @a: a",
        "new-required-request-parameter-property @a: a", "removed @a: a"),
    "a property that is no longer read": (thing("a"), {**_MAP, "properties": {"a": {**_WHOLE, "writeOnly": True}}},
        "became-optional @a: required → optional; response-optional-property-became-write-only @a: false → true; "
        "type-changed @a: string → integer",
        "response-required-property-became-not-write-only @a: true → false; "
        "response-write-only-property-became-required @a: optional → required; type-changed @a: integer → string",
        "became-optional @a: required → optional; type-changed @a: string → integer",
        "became-required @a: optional → required; type-generalized @a: integer → string"),
    "a property that is read and becomes required": ({**_MAP, "properties": {"a": {**_TEXT, "readOnly": True}}}, thing("a"),
        "became-required @a: optional → required; response-required-property-became-not-read-only @a: true → false",
        "became-optional @a: required → optional; response-optional-property-became-read-only @a: false → true",
        "became-required @a: optional → required", "became-optional @a: required → optional"),
    "a written property of another type": (
        {**_MAP, "properties": {"a": {**_TEXT, "writeOnly": True}}}, {**_MAP, "properties": {"a": {**_WHOLE, "writeOnly": True}}},
        "nothing", "nothing",
        "type-changed @a: string → integer", "type-generalized @a: integer → string"),
    "a written property of other values": ({**_MAP, "properties": {"a": {"enum": ["a", "b"], "writeOnly": True}}},
        {**_MAP, "properties": {"a": {"enum": ["b", "c", "d"], "writeOnly": True}}},
        "response-write-only-property-enum-value-added @a: c, d", "response-write-only-property-enum-value-added @a: a",
        "enum-value-added @a: 'c', 'd'; enum-value-removed @a: 'a'", "enum-value-added @a: 'a'; enum-value-removed @a: 'c', 'd'"),
    "a property that is deprecated": (
        thing("a"), thing("a", properties={"a": {**_TEXT, "deprecated": True}}), "deprecated @a: false → true", "reactivated @a: true → false",
        "nothing", "nothing"),
    "a property that may not be, in an object that closes": (
        {**_MAP, "properties": {"a": _TEXT}}, {**_CLOSED, "properties": {"a": _TEXT, "b": False}},
        "additional-properties-closed: true → false; response-optional-property-added @b: b",
        "additional-properties-opened: false → true; response-optional-property-removed @b: b",
        "additional-properties-closed: true → false; new-optional-request-parameter-property @b: b",
        "additional-properties-opened: false → true; removed @b: b"),
}  # fmt: skip

FURTHER_SCHEMAS = {**_KEYWORDS, **_SUBSCHEMAS, **_PROPERTIES, **ALTERNATIVES}
"""The difference; both schemas; the findings in a body in both directions, and in a parameter if they differ. A
single text stands for both directions. `expected` documents the format."""
