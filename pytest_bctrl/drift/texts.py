"""The values that parameters are sent and read as: a parameter is text, which has no type and is never null."""

from __future__ import annotations

import json
import re
from functools import cache
from itertools import islice, product
from typing import TYPE_CHECKING, Any

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
_NUMBERS = {_DECIMAL: {}, _INTEGER: {"type": "integer"}, _NATURAL: {"type": "integer", "minimum": 0}}
_IS_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_MOST_READINGS = 4096
_MOST_INTEGERS = 200
"""Maximum number of integers between two bounds that are tried one by one."""


_NOT_NULL = {"type": sorted(TYPES)}
_INSIDE = {**_NOT_NULL, "minItems": 1, "items": _NOT_NULL, "minProperties": 1, "additionalProperties": _NOT_NULL}
SENT_AS_TEXT = {**_NOT_NULL, "items": _INSIDE, "additionalProperties": _INSIDE}
"""A schema of the values for which texts stand: none for null, or for an empty list or object in another one."""


def readings(value: Any) -> Iterable[Any]:
    """Return the values that may be read from the texts which a value is sent as, the value itself first."""
    if isinstance(value, list):
        return _product(value)
    if isinstance(value, dict):
        return (dict(zip(value, members, strict=True)) for members in _product([*value.values()]))
    if not isinstance(value, str):
        texts = [json.dumps(value)]
        if isinstance(value, float) and value.is_integer():
            # Not every client writes the fraction.
            texts.append(json.dumps(int(value)))
        return [value, *texts]
    if value in ("true", "false") or _IS_NUMBER.fullmatch(value):
        return [value, json.loads(value)]
    return [value]


def _product(values: list[Any]) -> Iterator[list[Any]]:
    """Yield up to `_MOST_READINGS` combinations of the readings of some values; equal ones are read alike."""
    keys = list(map(repr, values))
    distinct = {key: list(readings(value)) for key, value in zip(keys, values, strict=True)}
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


def listed_scalars(schema: Any) -> list[Any]:
    """Return the scalars that the schemas in a schema allow one by one: listed values, and integers in short ranges."""
    scalars: list[Any] = [True, False, "true", "false"]
    waiting = [schema]
    for inner in waiting:
        if isinstance(inner, dict):
            listed = [*inner["enum"]] if isinstance(inner.get("enum"), list) else []
            listed += [inner["const"]] if "const" in inner else []
            scalars += [value for value in (*listed, *_integers(inner)) if isinstance(value, (str, int, float))]
            waiting += [value for word, value in inner.items() if word not in ("enum", "const")]
        elif isinstance(inner, list):
            waiting += inner
    return scalars


def _integers(schema: dict[str, Any]) -> Iterable[int]:
    """Return the integers that a schema allows, if it has bounds close to each other."""
    low = [schema["minimum"]] if "minimum" in schema else []
    low += [schema["exclusiveMinimum"]] if "exclusiveMinimum" in schema else []
    high = [schema["maximum"]] if "maximum" in schema else []
    high += [schema["exclusiveMaximum"]] if "exclusiveMaximum" in schema else []
    if low and high and min(high) - max(low) < _MOST_INTEGERS:
        return range(int(max(low)) - 1, int(min(high)) + 2)
    return ()


def other_types(node: Node) -> list[Any]:
    """Return schemas of values whose text a schema allows as a value of another type, not of all of them.

    They are numbers of which the schema allows the text, and texts of numbers that it allows.
    """
    return [schema for schema in (_combined(node, _numbers), _combined(node, _texts)) if schema is not False]


def _combined(node: Node, read: Any) -> Any:
    """Return what `read` returns for a schema and its alternatives: a schema of values, or false for none."""
    from pytest_bctrl.drift.compare_alternatives import are_exclusive
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
    constraints, parts = node.constraints, [{"type": "number"}]
    if not node.takes("string") or node.enum is not None or not constraints.get("format", BITS.keys()) <= BITS.keys():
        return False
    for pattern in constraints.get("pattern", ()):
        within = [schema for texts, schema in _NUMBERS.items() if contains(pattern, texts).is_contained]
        if not within:
            return False
        parts.append(within[0])
    length = constraints.get("maxLength")
    if length is not None and length < 20:
        parts.append({"type": "integer", "minimum": 1 - 10 ** int(length - 1), "maximum": 10 ** int(length) - 1})
    length = constraints.get("minLength", 0)
    if length > 1:
        parts.append({"anyOf": [{"minimum": 10 ** int(length - 1)}, {"maximum": -(10 ** int(length - 2))}]})
    return {"allOf": parts}


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
