"""For each keyword of JSON Schema: values that break it, and nothing else where that can be had."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any, TypeAlias

from pytest_bctrl.contract.engine import conforms, matches
from pytest_bctrl.contract.schema.shapes import said_of, types
from pytest_bctrl.contract.show import is_of_type
from pytest_bctrl.samples.text import LONGEST

Broken: TypeAlias = tuple[str, Any]
"""What was done, in words, and the value after it."""

_LETTERS = "aA0-. \n"
_OF_TYPE: Mapping[str, Any] = {
    "null": None,
    "string": "a string where none belongs",
    "integer": 7,
    "number": 7.5,
    "boolean": True,
    "object": {"unexpected": "object"},
    "array": ["unexpected", "array"],
}
_NO_FORMAT = ("no such value", "(")
"""Texts of which every format that is asserted refuses one."""


def broken_type(schema: Mapping[str, Any], _value: Any) -> Iterator[Broken]:
    """Each JSON type that the schema does not name."""
    allowed = types(schema)
    for name, wrong in _OF_TYPE.items():
        if not any(is_of_type(wrong, one) for one in allowed):
            yield f"{name} instead of {' or '.join(allowed)}", copy.copy(wrong)


def broken_enum(schema: Mapping[str, Any], _value: Any) -> Iterator[Broken]:
    """A value that is not listed, and a listed one in another case."""
    listed = schema["enum"] if "enum" in schema else [schema["const"]]
    strings = [value for value in listed if isinstance(value, str)]
    wrong = [f"{strings[0]}-unheard-of", strings[0].swapcase()] if strings else ["unheard-of"]
    for value in wrong:
        if value not in listed:
            yield f"{value!r} is not listed", value


def broken_required(schema: Mapping[str, Any], value: Any) -> Iterator[Broken]:
    """The object without each of its required names."""
    for name in schema["required"]:
        if isinstance(value, dict) and name in value:
            yield f"without {name}", {key: inner for key, inner in value.items() if key != name}


def broken_format(schema: Mapping[str, Any], _value: Any) -> Iterator[Broken]:
    """A string that is not of the format."""
    wrong = [text for text in _NO_FORMAT if not conforms(text, schema["format"])]
    yield from ((f"no {schema['format']}", text) for text in wrong[:1])


def broken_closed(schema: Mapping[str, Any], value: Any) -> Iterator[Broken]:
    """An object that is closed, with a name more."""
    if isinstance(value, dict) and said_of(schema, "undocumentedByMutant") is False:
        yield "a name more", {**value, "undocumentedByMutant": True}


def broken_branches(schema: Mapping[str, Any], _value: Any) -> Iterator[Broken]:
    """A value that hardly any branch has room for: an empty object, and a number."""
    branches = schema.get("oneOf") or schema["anyOf"]
    if all(isinstance(branch, Mapping) and (branch.keys() & {"$ref", "required"}) for branch in branches):
        yield "an empty object", {}
    yield "a number", 7.5


def broken_length(schema: Mapping[str, Any], value: Any) -> Iterator[Broken]:
    """A string too short or too long by one."""
    if isinstance(value, str) and schema.get("minLength", 0) > 0:
        yield "too short", value[: int(schema["minLength"]) - 1]
    if isinstance(value, str) and schema.get("maxLength", LONGEST) < LONGEST:
        yield "too long", value.ljust(int(schema["maxLength"]) + 1, "x")


def broken_pattern(schema: Mapping[str, Any], value: Any) -> Iterator[Broken]:
    """A string that the pattern does not take: one that hardly any does, none at all, or a single letter."""
    for wrong in ("\u0000 \u2603", "", *(value if isinstance(value, str) else ()), *_LETTERS):
        if not matches(schema["pattern"], wrong):
            yield f"not {schema['pattern']}", wrong
            return


def broken_limits(schema: Mapping[str, Any], value: Any) -> Iterator[Broken]:
    """A number below the least, above the most, or between two steps."""
    if not is_of_type(value, "number"):
        return
    step = schema.get("multipleOf", 1)
    # An integer may be beyond what a double holds.
    with suppress(OverflowError):
        for keyword, past in (("minimum", -step), ("exclusiveMinimum", 0), ("maximum", step), ("exclusiveMaximum", 0)):
            if keyword in schema:
                yield f"breaks {keyword}", schema[keyword] + past
        if "multipleOf" in schema and "integer" not in types(schema):
            yield "breaks multipleOf", value + step / 2


def broken_items(schema: Mapping[str, Any], value: Any) -> Iterator[Broken]:
    """A list too short, too long, or with an item twice."""
    if not isinstance(value, list):
        return
    if schema.get("minItems", 0) > 0:
        yield "too few items", value[: int(schema["minItems"]) - 1]
    if schema.get("maxItems", LONGEST) < LONGEST and value:
        yield "too many items", [*value, *([value[-1]] * (int(schema["maxItems"]) + 1 - len(value)))]
    if schema.get("uniqueItems") and value:
        yield "an item twice", [value[0], *value]


def broken_size(schema: Mapping[str, Any], value: Any) -> Iterator[Broken]:
    """An object with too few or too many names."""
    if isinstance(value, dict) and schema.get("minProperties", 0) > 0:
        yield "too few names", dict(list(value.items())[: int(schema["minProperties"]) - 1])
    if isinstance(value, dict) and schema.get("maxProperties", LONGEST) < LONGEST:
        yield "too many names", {**value, **{f"more{n}": n for n in range(int(schema["maxProperties"]) + 1)}}


Breaker: TypeAlias = Callable[[Mapping[str, Any], Any], Iterator[Broken]]

_BROKEN_BY: tuple[tuple[Breaker, str], ...] = (
    (broken_enum, "enum const"),
    (broken_format, "format"),
    (broken_pattern, "pattern"),
    (broken_length, "minLength maxLength"),
    (broken_limits, "minimum maximum exclusiveMinimum exclusiveMaximum multipleOf"),
    (broken_items, "minItems maxItems uniqueItems"),
    (broken_size, "minProperties maxProperties"),
    (broken_branches, "oneOf anyOf"),
    (broken_closed, "additionalProperties unevaluatedProperties"),
    (broken_required, "required"),
    (broken_type, "type"),
)
BREAKERS: Mapping[str, Breaker] = {word: breaker for breaker, words in _BROKEN_BY for word in words.split()}
"""From the most telling to the bluntest: where one rule is asked for by its place alone, the first is broken."""

UNBREAKABLE = frozenset(
    {"if", "then", "else", "not", "dependentRequired", "dependentSchemas"}
    | {"unevaluatedItems", "contains", "propertyNames", "patternProperties"}
)
"""Keywords for which no mutant is derived; where a contract has them, that is said."""
