"""The values that parameters are sent and read as: a parameter is text, which has no type and is never null."""

from __future__ import annotations

import json
import re
from functools import cache
from itertools import islice, product
from typing import TYPE_CHECKING, Any

from pytest_bctrl.contract.keywords import APPLICATORS, subschemas
from pytest_bctrl.drift.constraints import BITS
from pytest_bctrl.drift.node import TYPES
from pytest_bctrl.drift.patterns import contains

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from jsonschema_rs import Validator

    from pytest_bctrl.drift.node import Node

_NATURAL = "^(0|[1-9][0-9]*)$"
_INTEGER = "^-?(0|[1-9][0-9]*)$"
_DECIMAL = r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?$"
_NUMBERS = ((_DECIMAL, True), (_INTEGER, {"type": "integer"}), (_NATURAL, {"type": "integer", "minimum": 0}))
"""Patterns of the texts of numbers, each with a schema of these numbers."""
_IS_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_MOST_DIGITS = 25
"""No number is sent as a longer text."""
_MOST_READINGS = 4096
_MOST_INTEGERS = 200
"""Maximum number of integers between two bounds that are tried one by one."""
SUBSCHEMAS = APPLICATORS | {"$defs"}
ONE_LINE = "^.*$"
"""The pattern of the texts that are sent: `.` is meant to be any character, and a header cannot contain two lines."""
_NOT_NULL = {"type": sorted(TYPES), "pattern": ONE_LINE}
_INSIDE = {**_NOT_NULL, "minItems": 1, "items": _NOT_NULL, "minProperties": 1, "additionalProperties": _NOT_NULL}
SENT_AS_TEXT = {**_NOT_NULL, "items": _INSIDE, "additionalProperties": _INSIDE}
"""A schema of the values for which texts stand: none for null, or for an empty list or object in another one."""


def readings(value: Any) -> Iterable[Any]:
    """Return the values that may be read from the texts which a value is sent as, the value itself first."""
    if isinstance(value, list):
        return _readings_of_items(value)
    if isinstance(value, dict):
        each = islice(product(*map(readings, value.values())), _MOST_READINGS)
        return (dict(zip(value, members, strict=True)) for members in each)
    if not isinstance(value, str):
        texts = [json.dumps(value)]
        if isinstance(value, float) and value.is_integer():
            # Not every client writes the fraction.
            texts.append(json.dumps(int(value)))
        return [value, *texts]
    if value in ("true", "false") or _IS_NUMBER.fullmatch(value):
        return [value, json.loads(value)]
    return [value]


def _readings_of_items(items: list[Any]) -> Iterator[list[Any]]:
    """Yield up to `_MOST_READINGS` lists of what items may be read as; equal items are read alike."""
    keys = list(map(repr, items))
    distinct = {key: readings(item) for key, item in zip(keys, items, strict=True)}
    for combination in islice(product(*distinct.values()), _MOST_READINGS):
        chosen = dict(zip(distinct, combination, strict=True))
        yield [chosen[key] for key in keys]


def is_rejected(value: Any, validator: Validator, *, is_text: bool) -> bool:
    """Return whether a validator rejects a value, or, if it is sent as text, each value that the text may be read as.

    A value for which no texts stand is not rejected.
    """
    if is_text:
        return _is_sent()(value) and not any(map(validator.is_valid, readings(value)))
    return not validator.is_valid(value)


@cache
def _is_sent() -> Callable[[Any], bool]:
    """Return a function that returns whether texts stand for a value."""
    from jsonschema_rs import Draft202012Validator

    return Draft202012Validator(SENT_AS_TEXT).is_valid


def schemas_in(schema: Any) -> Iterator[dict[str, Any]]:
    """Yield a schema and each schema in it, without those that are true or false."""
    waiting = [schema]
    for inner in waiting:
        # The list grows while it is read.
        if isinstance(inner, dict):
            yield inner
            waiting += [child for _, _, child in subschemas(inner, SUBSCHEMAS)]


def listed_scalars(schema: Any) -> list[Any]:
    """Return the scalars that the schemas in a schema allow one by one: listed values, and integers in short ranges."""
    scalars: list[Any] = [True, False, "true", "false"]
    for inner in schemas_in(schema):
        scalars += [value for value in inner.get("enum", ()) if isinstance(value, (str, int, float))]
        scalars += [value for value in (inner.get("const"),) if isinstance(value, (str, int, float))]
        low = [inner[word] for word in ("minimum", "exclusiveMinimum") if word in inner]
        high = [inner[word] for word in ("maximum", "exclusiveMaximum") if word in inner]
        if low and high and min(high) - max(low) < _MOST_INTEGERS:
            scalars += range(int(max(low)) - 1, int(min(high)) + 2)
    return scalars


def other_types(node: Node) -> list[Any]:
    """Return schemas of values whose text a schema allows as a value of another type, not of all of them.

    They are numbers of which the schema allows the text, and texts of numbers that it allows.
    """
    return [schema for schema in (_combined(node, _numbers), _combined(node, _texts)) if schema is not False]


def _combined(node: Node, read: Callable[[Node], Any]) -> Any:
    """Return what `read` returns for a schema and its alternatives: a schema of values, or false for none."""
    from pytest_bctrl.drift.exclusive import are_exclusive
    from pytest_bctrl.drift.match import branches

    if node.never or {"not", "if"} & node.children.keys():
        return False
    parts = [read(node)]
    for choice in node.choices:
        if choice.kind == "oneOf" and not are_exclusive(branches(choice.branches, node.normal)):
            return False
        parts.append(_either([_combined(node.normal.node(branch), read) for branch in choice.branches]))
    if False in parts:
        return False
    return {"allOf": parts}


def _either(schemas: list[Any]) -> Any:
    """Return the schema of the values of any of some schemas; false for none."""
    possible = [schema for schema in schemas if schema is not False]
    if not possible:
        return False
    return {"anyOf": possible}


def _numbers(node: Node) -> Any:
    """Return a schema of numbers whose texts a schema without alternatives allows; false if none is known."""
    constraints = node.constraints
    shortest, longest = int(constraints.get("minLength", 0)), int(constraints.get("maxLength", _MOST_DIGITS))
    has_format = not constraints.get("format", BITS.keys()) <= BITS.keys()
    if has_format or not node.takes("string") or node.enum is not None or shortest > _MOST_DIGITS:
        return False
    patterns = constraints.get("pattern", ())
    parts: list[Any] = [
        next((numbers for texts, numbers in _NUMBERS if contains(pattern, texts).is_contained), False)
        for pattern in patterns
    ]
    if longest < _MOST_DIGITS:
        parts.append({"type": "integer", "minimum": 1 - 10 ** (longest - 1), "maximum": 10**longest - 1})
    if shortest > 1:
        parts.append({"anyOf": [{"minimum": 10 ** (shortest - 1)}, {"maximum": -(10 ** (shortest - 2))}]})
    if False in parts:
        return False
    return {"type": "number", "allOf": parts or [True]}


def _texts(node: Node) -> Any:
    """Return a schema of texts of numbers that a schema without alternatives allows; false if none is known."""
    bounds = node.constraints.keys() - {"pattern", "minLength", "maxLength"}
    if node.enum is not None or not (node.takes("integer") or node.takes("number")):
        return False
    if not bounds:
        return {"type": "string", "pattern": _DECIMAL if node.takes("number") else _INTEGER}
    if bounds <= {"minimum"} and node.constraints["minimum"] <= 0:
        return {"type": "string", "pattern": _NATURAL}
    return False
