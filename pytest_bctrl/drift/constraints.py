"""The keywords that bound a value: how each is read, and what two of them at once amount to."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from pytest_bctrl.contract.keywords import EXCLUSIVE_BOUNDS
from pytest_bctrl.contract.outline import Part, Spec, value_key

BOUNDS: dict[str, tuple[str, str]] = {
    "maximum": ("max", "number"),
    "minimum": ("min", "number"),
    "exclusiveMaximum": ("exclusive-max", "number"),
    "exclusiveMinimum": ("exclusive-min", "number"),
    "maxLength": ("max-length", "string"),
    "minLength": ("min-length", "string"),
    "maxItems": ("max-items", "array"),
    "minItems": ("min-items", "array"),
    "maxProperties": ("max-properties", "object"),
    "minProperties": ("min-properties", "object"),
    "maxContains": ("max-contains", "array"),
    "minContains": ("min-contains", "array"),
}
"""Keyword: its name in a rule's id, and the type it bounds."""
BITS = {"int32": 32, "int64": 64}
"""Formats of integers (OpenAPI, format registry), and how many bits they have."""

_SAYS_NOTHING = {"minLength": 0, "minItems": 0, "minProperties": 0, "minContains": 1}
_TEXTS = {"pattern": "string", "contentEncoding": "string", "contentMediaType": "string"}
_TYPE_OF = {keyword: kind for keyword, (_, kind) in BOUNDS.items()} | _TEXTS
_TYPE_OF |= {"multipleOf": "number", "uniqueItems": "array", "dependentRequired": "object"}
CONSTRAINTS = frozenset((*_TYPE_OF, "format", "x-extensible-enum"))
"""The keywords that `read_constraints` reads."""


def relevant(keyword: str, types: frozenset[str] | None) -> bool:
    """Tell whether a constraint can bear on a value of one of these types."""
    kind = _TYPE_OF.get(keyword)
    return types is None or kind is None or kind in types or (kind == "number" and "integer" in types)


def read_constraints(part: Part, spec: Spec) -> dict[str, Any]:
    """Return the bounding keywords of one schema. Raises `DocumentError` where one has a wrong type."""
    schema = part.value
    found: dict[str, Any] = {}
    for keyword in BOUNDS:
        value = schema.get(keyword)
        if value is None or (isinstance(value, bool) and keyword.startswith("exclusive")):
            continue
        if not is_number(value):
            raise spec.refuse(part / keyword, f"{keyword!r} is not a number", "give a number")
        if _SAYS_NOTHING.get(keyword) != value:
            found[keyword] = value
    _read_exclusive(schema, found)
    for keyword in ("pattern", "format", "contentEncoding", "contentMediaType"):
        if keyword in schema and spec.text(part / keyword):
            found[keyword] = frozenset({schema[keyword]})
    if schema.get("multipleOf") is not None:
        value = schema["multipleOf"]
        if not is_number(value) or value <= 0:
            raise spec.refuse(part / "multipleOf", "'multipleOf' is not a number above 0", "give one")
        found["multipleOf"] = frozenset({value})
    if "uniqueItems" in schema and spec.flag(part / "uniqueItems"):
        found["uniqueItems"] = True
    _read_lists(part, spec, found)
    return found


def _read_exclusive(schema: dict[str, Any], found: dict[str, Any]) -> None:
    """Bring the booleans of OpenAPI 3.0 to numbers, and keep the tighter of two bounds."""
    for (keyword, exclusive), tighter in zip(EXCLUSIVE_BOUNDS.items(), (min, max), strict=True):
        if schema.get(exclusive) is True and keyword in found:
            found[exclusive] = found.pop(keyword)
        elif keyword in found and exclusive in found:
            drop = keyword if tighter(found[keyword], found[exclusive]) == found[exclusive] else exclusive
            del found[drop]


def tightness(constraints: dict[str, Any], keyword: str, whole: bool) -> tuple[float, bool]:
    """How much a `maximum` or `minimum`, or its exclusive form, rules out. `whole`: only integers are asked about."""
    is_exclusive = keyword not in constraints
    sign = -1 if keyword == "maximum" else 1
    bound = sign * constraints[EXCLUSIVE_BOUNDS[keyword] if is_exclusive else keyword]
    if whole:
        return (math.floor(bound) + 1 if is_exclusive else math.ceil(bound)), False
    return bound, is_exclusive


def _read_lists(part: Part, spec: Spec, found: dict[str, Any]) -> None:
    if "dependentRequired" not in part.value and "x-extensible-enum" not in part.value:
        return
    demands = {
        name: frozenset(spec.text(item) for item in spec.items(part / "dependentRequired" / name))
        for name in spec.mapping(part / "dependentRequired")
    }
    demands = {name: names for name, names in demands.items() if names}
    if demands:
        found["dependentRequired"] = demands
    values = spec.items(part / "x-extensible-enum") if isinstance(part.value.get("x-extensible-enum"), list) else []
    if values:
        found["x-extensible-enum"] = {value_key(item.value): item.value for item in values}


_KEPT_BY: dict[str, Callable[[Any, Any], bool]] = {
    "maxLength": lambda value, most: not isinstance(value, str) or len(value) <= most,
    "minLength": lambda value, least: not isinstance(value, str) or len(value) >= least,
    "maximum": lambda value, most: not is_number(value) or value <= most,
    "minimum": lambda value, least: not is_number(value) or value >= least,
    "exclusiveMaximum": lambda value, most: not is_number(value) or value < most,
    "exclusiveMinimum": lambda value, least: not is_number(value) or value > least,
}


def is_number(value: Any) -> bool:
    """Tell a number of JSON, which true and false are not."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def narrow_enum(enum: dict[Any, Any], constraints: dict[str, Any]) -> dict[Any, Any]:
    """Return the values that keep the bounds, and take those bounds away: the values say it all."""
    for keyword in _KEPT_BY.keys() & constraints.keys():
        bound = constraints.pop(keyword)
        enum = {key: value for key, value in enum.items() if _KEPT_BY[keyword](value, bound)}
    return enum


def merge_constraint(constraints: dict[str, Any], keyword: str, value: Any) -> None:
    """Take in a second constraint of a kind: what remains is what satisfies both."""
    if keyword not in constraints:
        constraints[keyword] = value
    elif keyword.startswith(("max", "exclusiveMax")):
        constraints[keyword] = min(constraints[keyword], value)
    elif keyword.startswith(("min", "exclusiveMin")):
        constraints[keyword] = max(constraints[keyword], value)
    elif isinstance(value, frozenset):
        constraints[keyword] = constraints[keyword] | value
    elif keyword == "dependentRequired":
        both = {**constraints[keyword]}
        for name, names in value.items():
            both[name] = both.get(name, frozenset()) | names
        constraints[keyword] = both
