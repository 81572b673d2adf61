"""Pairs of schemas that say all of, one of or any of, as `further_schema_pairs` has them of the other keywords."""

from __future__ import annotations

from typing import Any

from .pairs import Doc, either, every, one_of, thing

_TEXT: Doc = {"type": "string"}
_WHOLE: Doc = {"type": "integer"}
_NUMBER: Doc = {"type": "number"}
_LIST: Doc = {"type": "array"}
_MAP: Doc = {"type": "object"}


def kind(value: Any, **properties: Any) -> Doc:
    """Return an object schema with this constant as its required property `kind`, and further properties."""
    return {**_MAP, "properties": {"kind": {"const": value}, **properties}, "required": ["kind"]}


def _choosing(**properties: Any) -> Doc:
    """Return an object schema with these properties, and `a` or `b` as a required one."""
    return {**_MAP, "properties": properties, "anyOf": [{"required": ["a"]}, {"required": ["b"]}]}


def wrapped(schema: Doc, times: int) -> Doc:
    """Return a schema in `allOf`s nested this many times."""
    for _ in range(times):
        schema = every(schema)
    return schema


ALTERNATIVES: dict[str, tuple[Any, ...]] = {
    "alternatives that a truth tells apart, one of which changed": (
        one_of(kind(True, x=_TEXT), kind(False)), one_of(kind(True, x=_WHOLE), kind(False)),
        "type-changed @<kind=true>.x: string → integer", "type-changed @<kind=true>.x: integer → string",
        "type-changed @<kind=true>.x: string → integer", "type-generalized @<kind=true>.x: integer → string"),
    "alternatives, one of which changed": (one_of(kind("a", x=_TEXT), kind("b")),
        one_of(kind("a", x=_WHOLE), kind("b")),
        "type-changed @<kind=a>.x: string → integer", "type-changed @<kind=a>.x: integer → string",
        "type-changed @<kind=a>.x: string → integer", "type-generalized @<kind=a>.x: integer → string"),
    "alternatives, one of which may be null": (one_of(kind("a"), kind("b")),
        one_of({**kind("a"), "type": ["object", "null"]}, kind("b")),
        "became-nullable: (null) false → true", "became-not-nullable: (not null) true → false",
        "nothing", "nothing"),
    "an alternative that another one takes but for null": (_TEXT,
        {"anyOf": [_TEXT, {"type": ["string", "null"], "format": "uuid"}]},
        "became-nullable: (null) false → true", "became-not-nullable: (not null) true → false",
        "nothing", "nothing"),
    "alternatives of an alternative, of which both may be valid": (either(one_of(thing("a"), thing("b")), _TEXT),
        either(thing("a"), thing("b"), _TEXT),
        "any-of-added: {a}, {b}; any-of-removed: object", "any-of-added: object; any-of-removed: {a}, {b}"),
    "alternatives in another order that differ only within a property": (
        either(_choosing(x={"properties": {"y": _TEXT}}), _choosing(x={"properties": {"y": _WHOLE}})),
        either(_choosing(x={"properties": {"y": _WHOLE}}), _choosing(x={"properties": {"y": _TEXT}})), "nothing"),
    "alternatives that came and went": (one_of(kind("a"), kind("b"), kind("c")),
        one_of(kind("a"), kind("d"), kind("e")),
        "one-of-added: kind=d, kind=e; one-of-removed: kind=b, kind=c",
        "one-of-added: kind=b, kind=c; one-of-removed: kind=d, kind=e"),
    "any of alternatives, one for another": (either(thing("a"), thing("b")), either(thing("a"), thing("c")),
        "response-required-property-added @<{b}|{c}>.c: c; response-required-property-removed @<{b}|{c}>.b: b",
        "response-required-property-added @<{b}|{c}>.b: b; response-required-property-removed @<{b}|{c}>.c: c",
        "new-required-request-parameter-property @<{b}|{c}>.c: c; removed @<{b}|{c}>.b: b",
        "new-required-request-parameter-property @<{b}|{c}>.b: b; removed @<{b}|{c}>.c: c"),
    "any of alternatives, one kind for another": (either(kind("a"), kind("X")), either(kind("a"), kind("YX")),
        "const-changed @<kind=X|kind=YX>.kind: X → YX", "const-changed @<kind=X|kind=YX>.kind: YX → X"),
    "any of alternatives, two for two": (either(thing("a"), thing("b"), thing("c")), either(thing("a"), thing("d"),
        thing("e")),
        "any-of-added: {d}, {e}; any-of-removed: {b}, {c}; widened",
        "any-of-added: {b}, {c}; any-of-removed: {d}, {e}; widened",
        "any-of-added: {d}, {e}; any-of-removed: {b}, {c}", "any-of-added: {b}, {c}; any-of-removed: {d}, {e}"),
    "any of alternatives, all others": (either(thing("a"), thing("b"), thing("c")), either(thing("d"), thing("e")),
        'type-changed: ["{a}", "{b}", "{c}"] → ["{d}", "{e}"]', 'type-changed: ["{d}", "{e}"] → ["{a}", "{b}", "{c}"]'),
    "any of alternatives, all gone but types": (
        either(thing("a"), {**_LIST, "minItems": 1}), either({**_TEXT, "minLength": 1}, {**_WHOLE, "minimum": 1}),
        'type-changed: ["{a}", "array"] → ["string", "integer"]',
        'type-changed: ["string", "integer"] → ["{a}", "array"]'),
    "one of and any of that overlap": (
        one_of(thing("a"), thing("b")), either(thing("a"), thing("b")), "one-of-became-any-of: oneOf → anyOf",
        "any-of-became-one-of: anyOf → oneOf"),
    "one of and any of, an object or a list": (one_of(thing("a"), {**_LIST, "minItems": 1}),
        either(thing("a"), {**_LIST, "minItems": 1}), "nothing"),
    "one of and any of, an integer or a number": (
        one_of({**_WHOLE, "minimum": 1}, {**_NUMBER, "maximum": 0}),
        either({**_WHOLE, "minimum": 1}, {**_NUMBER, "maximum": 0}),
        "one-of-became-any-of: oneOf → anyOf", "any-of-became-one-of: anyOf → oneOf"),
    "one of and any of, an integer or a text": (
        one_of({**_WHOLE, "minimum": 1}, {**_TEXT, "maxLength": 9}),
        either({**_WHOLE, "minimum": 1}, {**_TEXT, "maxLength": 9}), "nothing"),
    "one of and any of, a number or a text": (
        one_of({**_NUMBER, "minimum": 1}, {**_TEXT, "maxLength": 9}),
        either({**_NUMBER, "minimum": 1}, {**_TEXT, "maxLength": 9}), "nothing"),
    "one of and any of, told apart by a kind": (one_of(kind("a"), kind("b")), either(kind("a"), kind("b")), "nothing"),
    "one of and any of, told apart by a kind that need not be": (
        one_of({**kind("a"), "required": []}, kind("b")), either({**kind("a"), "required": []}, kind("b")),
        "one-of-became-any-of: oneOf → anyOf", "any-of-became-one-of: anyOf → oneOf"),
    "one of and any of, a type or any": (one_of({**_TEXT, "minLength": 1}, {"maximum": 9}),
        either({**_TEXT, "minLength": 1}, {"maximum": 9}),
        "one-of-became-any-of: oneOf → anyOf", "any-of-became-one-of: anyOf → oneOf"),
    "one of and any of, with one more": (
        one_of(thing("a"), thing("b")), either(thing("a"), thing("b"), thing("c")), "one-of-added: {c}",
        "any-of-removed: {c}"),
    "both kinds of alternatives and one": (
        {**one_of(thing("a"), thing("b")), **either(thing("c"), thing("d"))}, one_of(thing("a"), thing("b")),
        "any-of-unset", "any-of-set"),
    "an object and one of two": (thing("a"), one_of(thing("a"), thing("b")), "wrapped-in-one-of: (beside {b})",
        "one-of-removed: {b}",
        "one-of-added: {b}", "one-of-removed: {b}"),
    "an object and any of three": (
        thing("a"), either(thing("a"), thing("b"), {**_LIST, "minItems": 1}), "wrapped-in-one-of: (beside array, {b})",
        "any-of-removed: array, {b}",
        "any-of-added: array, {b}", "any-of-removed: array, {b}"),
    "an object and any of others": (
        thing("a"), either({**_TEXT, "minLength": 1}, {**_LIST, "minItems": 1}), "type-changed: object → anyOf",
        "type-changed: anyOf → object"),
    "an object and one of two, or null": (thing("a"), one_of(thing("a"), thing("b"), {"type": "null"}),
        "became-nullable: (null) false → true; wrapped-in-one-of: (beside {b})",
        "became-not-nullable: (not null) true → false; one-of-removed: {b}",
        "one-of-added: {b}", "one-of-removed: {b}"),
    "an object of a kind and one of two of which the other is more alike": (
        kind("a", x=_TEXT, y=_TEXT), one_of(kind("b", x=_TEXT, y=_TEXT), kind("a", z=_TEXT)),
        "wrapped-in-one-of: (beside kind=b)",
        "one-of-removed: kind=b; response-optional-property-added @x: x; response-optional-property-added @y: y; "
        "response-optional-property-removed @z: z",
        "new-optional-request-parameter-property @z: z; one-of-added: kind=b; removed @x: x; removed @y: y",
        "new-optional-request-parameter-property @x: x; new-optional-request-parameter-property @y: y; "
        "one-of-removed: kind=b; removed @z: z"),
    "an object that changed and one of two": (
        thing("a", "b"), one_of(thing("a", "c"), kind("b")), "type-changed: object → oneOf",
        "type-changed: oneOf → object"),
    "two types and any of others": ({"type": ["string", "boolean"]}, either(thing("a"), thing("b")),
        "type-changed: boolean|string → anyOf", "type-changed: anyOf → boolean|string"),
    "values and one of others": (
        {"enum": ["a"], "type": "string"}, one_of(thing("a"), thing("b")), "type-changed: string → oneOf",
        "type-changed: oneOf → string"),
    "what may be anything short and any of others": ({"maxLength": 9}, either(thing("a"), thing("b")),
        "became-not-nullable: (not null) true → false; type-changed: any → anyOf",
        "became-nullable: (null) false → true; type-changed: anyOf → any",
        "type-changed: any → anyOf", "type-changed: anyOf → any"),
    "only one alternative and two": (one_of(thing("a")), one_of(thing("a"), thing("b")), "one-of-added: {b}",
        "one-of-removed: {b}"),
    "an object of parts and one of two": (every(thing("a"), thing("b")), one_of(thing("a", "b"), thing("c")),
        "wrapped-in-one-of: (beside {c})", "became-required @b: optional → required; one-of-removed: {c}",
        "became-optional @b: required → optional; one-of-added: {c}",
        "became-required @b: optional → required; one-of-removed: {c}"),
    "alternatives within alternatives": (either(either(thing("a"), thing("b")), thing("c")), either(thing("a"),
        thing("b"), thing("c"), thing("d")),
        "any-of-added: {d}; widened", "any-of-removed: {d}", "any-of-added: {d}", "any-of-removed: {d}"),
    "a part that was replaced, and one that came and went": (
        every(thing("a"), thing("b"), {"minProperties": 1}),
        every(thing("a"), thing("c"), {"maxProperties": 9}, {"minProperties": 1}),
        "all-of-added: (2); max-properties-set: 9; response-required-property-added @c: c; "
        "response-required-property-removed @b: b",
        "all-of-removed: (2); max-properties-unset: 9; response-required-property-added @b: b; "
        "response-required-property-removed @c: c",
        "all-of-added: (2); max-properties-set: 9; new-required-request-parameter-property "
        "@c: c; removed @b: b",
        "all-of-removed: (2); max-properties-unset: 9; "
        "new-required-request-parameter-property @b: b; removed @c: c"),
    "alternatives of several kinds, one of which went": (
        one_of({**kind("a"), "properties": {"kind": {"enum": ["a", "x"]}}}, kind("b")), one_of(kind("a"), kind("b")),
        "enum-value-removed @<kind=a>.kind: 'x'", "enum-value-added @<kind=a>.kind: 'x'"),
    "alternatives, one of which is of another type": (
        one_of(thing("a"), {"type": ["string", "integer"], "minLength": 1}),
        one_of(thing("a"), {**_TEXT, "minLength": 1}),
        'type-specialized @<integer|string>: ["integer", "string"] → string',
        'type-generalized @<integer|string>: string → ["integer", "string"]',
        'type-generalized @<integer|string>: ["integer", "string"] → string',
        'type-generalized @<integer|string>: string → ["integer", "string"]'),
    "any of alternatives, and one that takes two of them": (
        either(thing("a"), thing("b"), {**_LIST, "minItems": 1}), either(_MAP, {**_LIST, "minItems": 1}),
        "any-of-added: object; widened", "any-of-removed: object", "any-of-added: object", "any-of-removed: object"),
    "one of anything and an object": (one_of({"description": "any"}, thing("a")), {"description": "any"},
        "one-of-unset", "one-of-set"),
    "parts in another order": (every(thing("a"), thing("b")), every(thing("b"), thing("a")), "nothing"),
    "parts cut otherwise": (every(thing("a", "b"), thing("c")),
        every(thing("a"), {**_MAP, "properties": {"b": _TEXT}}, thing("c")), "nothing"),
    "alternatives that are nothing but all types": (
        {}, either({"type": ["string", "number"]}, {"type": ["object", "array", "boolean", "null"]}), "nothing"),
    "alternatives whose types are all there are": (
        {},
        either({"type": ["string", "number"], "maxLength": 3},
            {"type": ["object", "array", "boolean", "null"], "minItems": 1}),
        "any-of-set", "any-of-unset"),
    "alternatives that differ in one of theirs": (
        {"type": "object"},
        either(*({"type": "array",
            "items": either({"type": "string", "maxLength": number}, thing("a"))} for number in (1, 2))),
        "type-changed: object → anyOf", "type-changed: anyOf → object"),
    "null, which one of the alternatives allows, as a further one": (
        one_of({"type": ["string", "null"]}, thing("a")),
        one_of({"type": ["string", "null"]}, thing("a"), {"type": "null"}),
        "nothing", "widened", "nothing", "nothing"),
    "texts, of which those generated match an alternative": (
        {"type": ["string", "null"]},
        {"type": ["string", "null"], "oneOf": [{"enum": ["a", [1], {"a": 1}]},
            either(_MAP, {**_TEXT, "pattern": "[0-9]{2}$"})]},
        'became-enum: ["a"]; became-not-nullable: (not null) true → false; may-be-widened',
        'became-not-enum: ["a"]; became-nullable: (null) false → true',
        'became-enum: ["a"]', 'became-not-enum: ["a"]; may-be-narrowed'),
    "parts of which one only says what it is": (every(thing("a"), {"examples": [1]}), every(thing("a")), "nothing"),
    "one of and any of, types alone": (one_of(_TEXT, _WHOLE), either(_TEXT, _WHOLE), "nothing"),
    "alternatives in wrappings": (one_of(wrapped(_TEXT, 12), _WHOLE), one_of(_TEXT, _WHOLE), "nothing"),
    "alternatives that are values, with extensions": (
        one_of({"const": "a", "x-order": 1}, {"const": "b", "x-order": 2}), {"enum": ["a", "b"]}, "nothing"),
}  # fmt: skip
