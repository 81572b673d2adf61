"""The keywords that constrain a value: reading them, and merging two of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from pytest_bctrl.contract.keywords import EXCLUSIVE_BOUNDS
from pytest_bctrl.contract.spec import Part, Spec, value_key

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
}
"""The keywords that bound a value: the name in the id of a rule, and the type."""
NUMBERS = (*BOUNDS, "maxContains", "minContains")
"""The keywords whose value is any number."""
BITS = {"int32": 32, "int64": 64}
"""The formats of integers in the format registry of OpenAPI, and their numbers of bits."""
ASSERTED = frozenset(
    ("date", "date-time", "duration", "email", "hostname", "idn-email", "idn-hostname", "ipv4", "ipv6", "iri",
     "iri-reference", "json-pointer", "regex", "relative-json-pointer", "time", "uri", "uri-reference", "uri-template",
     "uuid", *BITS)
)  # fmt: skip
"""The formats that validators check. Any other format is an annotation, so no value is invalid because of it."""

_SAYS_NOTHING = {"minLength": 0, "minItems": 0, "minProperties": 0, "minContains": 1}
_TEXTS = {"pattern": "string", "contentEncoding": "string", "contentMediaType": "string"}
_TYPE_OF = {keyword: kind for keyword, (_, kind) in BOUNDS.items()} | _TEXTS
_TYPE_OF |= {"multipleOf": "number", "uniqueItems": "array", "maxContains": "array", "minContains": "array"}
_TYPE_OF |= {"dependentRequired": "object"}
CONSTRAINTS = frozenset((*_TYPE_OF, "format", "x-extensible-enum"))
"""The keywords that `read_constraints` reads."""


def is_relevant(keyword: str, types: frozenset[str] | None) -> bool:
    """Return whether a constraint has an effect on values of one of these types."""
    kind = _TYPE_OF.get(keyword)
    return types is None or kind is None or kind in types or (kind == "number" and "integer" in types)


def read_constraints(part: Part, spec: Spec) -> dict[str, Any]:
    """Return the constraints of a schema. Raises `DocumentError` if the value of one has a wrong type."""
    schema = part.value
    constraints: dict[str, Any] = {}
    for keyword in NUMBERS:
        value = schema.get(keyword)
        if value is None or (isinstance(value, bool) and keyword.startswith("exclusive")):
            continue
        if not is_number(value):
            raise spec.error_at(part / keyword, f"{keyword!r} is not a number", "give a number")
        if _SAYS_NOTHING.get(keyword) != value:
            constraints[keyword] = _limit(keyword, value)
    _read_exclusive(schema, constraints)
    for keyword in ("pattern", "format", "contentEncoding", "contentMediaType"):
        if keyword in schema and spec.text(part / keyword):
            constraints[keyword] = frozenset({schema[keyword]})
    _replace_unchecked_format(constraints)
    if schema.get("multipleOf") is not None:
        value = schema["multipleOf"]
        if not is_number(value) or value <= 0:
            raise spec.error_at(part / "multipleOf", "'multipleOf' is not a number above 0", "give one")
        constraints["multipleOf"] = frozenset({value})
    if "uniqueItems" in schema and spec.flag(part / "uniqueItems"):
        constraints["uniqueItems"] = True
    _read_lists(part, spec, constraints)
    return constraints


def _limit(keyword: str, value: float) -> float:
    """Return the value of a keyword; as an integer if it is a count without a fraction, because 2.0 is one in JSON."""
    if _TYPE_OF[keyword] != "number" and value == value // 1:
        return int(value)
    return value


def _replace_unchecked_format(constraints: dict[str, Any]) -> None:
    """Remove a format that no validator checks. `byte`, of OpenAPI 3.0, is the `contentEncoding` of later versions."""
    if constraints.get("format") == {"byte"}:
        constraints.setdefault("contentEncoding", frozenset({"base64"}))
    if not constraints.get("format", ASSERTED) <= ASSERTED:
        del constraints["format"]


def _read_exclusive(schema: dict[str, Any], constraints: dict[str, Any]) -> None:
    """Convert the boolean `exclusive` keywords of OpenAPI 3.0 to numbers, and keep the tighter of two bounds."""
    for (keyword, exclusive), tighter in zip(EXCLUSIVE_BOUNDS.items(), (min, max), strict=True):
        if schema.get(exclusive) is True and keyword in constraints:
            constraints[exclusive] = constraints.pop(keyword)
        elif keyword in constraints and exclusive in constraints:
            if tighter(constraints[keyword], constraints[exclusive]) == constraints[exclusive]:
                del constraints[keyword]
            else:
                del constraints[exclusive]


def tightness(constraints: dict[str, Any], keyword: str, integers: bool) -> tuple[float, bool]:
    """Return a sort key of the bound under `keyword` or its exclusive form; the tightest bound sorts last.

    `integers`: only integers are valid.
    """
    is_exclusive = keyword not in constraints
    bound = constraints[EXCLUSIVE_BOUNDS[keyword] if is_exclusive else keyword]
    if keyword == "maximum":
        bound = -bound
    if not integers:
        return bound, is_exclusive
    if is_exclusive:
        return math.floor(bound) + 1, False
    return math.ceil(bound), False


def _read_lists(part: Part, spec: Spec, constraints: dict[str, Any]) -> None:
    """Read `dependentRequired` and `x-extensible-enum` into the constraints."""
    if "dependentRequired" not in part.value and "x-extensible-enum" not in part.value:
        return
    demands = {
        name: frozenset(spec.text(item) for item in spec.items(part / "dependentRequired" / name))
        for name in spec.mapping(part / "dependentRequired")
    }
    demands = {name: names for name, names in demands.items() if names}
    if demands:
        constraints["dependentRequired"] = demands
    # `x-extensible-enum` is an extension keyword: any other value has no effect.
    if isinstance(part.value.get("x-extensible-enum"), list):
        values = {value_key(item.value): item.value for item in spec.items(part / "x-extensible-enum")}
        if values:
            constraints["x-extensible-enum"] = values


_IS_WITHIN: dict[str, Callable[[Any, Any], bool]] = {
    "maxLength": lambda value, bound: not isinstance(value, str) or len(value) <= bound,
    "minLength": lambda value, bound: not isinstance(value, str) or len(value) >= bound,
    "maximum": lambda value, bound: not is_number(value) or value <= bound,
    "minimum": lambda value, bound: not is_number(value) or value >= bound,
    "exclusiveMaximum": lambda value, bound: not is_number(value) or value < bound,
    "exclusiveMinimum": lambda value, bound: not is_number(value) or value > bound,
}


def is_number(value: Any) -> bool:
    """Return whether a value is a JSON number, which true and false are not."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def narrow_enum(enum: dict[Any, Any], constraints: dict[str, Any]) -> dict[Any, Any]:
    """Return the values of an enum within the bounds, and remove those bounds from `constraints`."""
    for keyword in _IS_WITHIN.keys() & constraints.keys():
        bound = constraints.pop(keyword)
        enum = {key: value for key, value in enum.items() if _IS_WITHIN[keyword](value, bound)}
    return enum


def merge_constraint(constraints: dict[str, Any], keyword: str, value: Any) -> None:
    """Add a constraint in place; if there is one with the same keyword, a value must satisfy both."""
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
