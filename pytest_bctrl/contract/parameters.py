"""How the values of parameters are spelled in a request, and read back (OpenAPI 3.1, 4.8.12.3)."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from pytest_bctrl.contract.engine import accepts
from pytest_bctrl.contract.model import Contract, Operation, Parameter, Schema
from pytest_bctrl.contract.schema.ref import (
    SchemaRef,
    keywords_of,
    listed_values,
    named_types,
    reachable_schemas,
    type_name,
)
from pytest_bctrl.contract.schema.shapes import implied_types
from pytest_bctrl.settings.resolve import is_sendable

Pair = tuple[str, str]
"""A name and a value of a query, decoded."""

_DELIMITERS = {"label": (".", "."), "matrix": (";", ";"), "spaceDelimited": ("", " "), "pipeDelimited": ("", "|")}
"""What stands before the first value, and between those that are spelled one by one; by style, else a comma."""

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")


_REFUSING = (400, 404, 422)


def documented_rejections(operation: Operation) -> frozenset[int]:
    """The statuses by which the contract says that an operation refuses a parameter's value."""
    return frozenset(
        status for status in _REFUSING if (spec := operation.response_for(status)) and spec.status != "default"
    ) - (frozenset({404}) if operation.path_parameters or "400" in operation.responses else frozenset())


def serialize_scalar(value: Any) -> str:
    """Return a single value as a request spells it: `true`, `7`, `7.5`, and a text as it stands."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def serialize_pairs(parameter: Parameter, value: Any) -> list[Pair]:
    """Return the pairs that spell a value of a query parameter."""
    name, is_single = parameter.name, parameter.is_json or not parameter.explode
    if isinstance(value, Mapping) and parameter.style == "deepObject" and not parameter.is_json:
        return [(f"{name}[{key}]", serialize_scalar(inner)) for key, inner in value.items()]
    if isinstance(value, Mapping) and not is_single:
        return [(str(key), serialize_scalar(inner)) for key, inner in value.items()]
    if isinstance(value, list) and not is_single and parameter.style == "form":
        return [(name, serialize_scalar(item)) for item in value]
    return [(name, _text(parameter, value, _DELIMITERS.get(parameter.style, ("", ","))[1]))]


def serialize_field(parameter: Parameter, value: Any) -> str:
    """Return a value of a path, header or cookie parameter as one text (style `simple`, or the path's others)."""
    start, between = _DELIMITERS.get(parameter.style, ("", ","))
    between = between if parameter.explode else ","
    if parameter.style == "matrix" and not (parameter.explode and isinstance(value, Mapping)):
        several = value if parameter.explode and isinstance(value, list) else [value]
        return "".join(f";{parameter.name}={_text(parameter, one, ',')}" for one in several)
    return start + _text(parameter, value, between)


def _text(parameter: Parameter, value: Any, between: str) -> str:
    if parameter.is_json:
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, Mapping):
        joined = "=" if parameter.explode else between
        return between.join(f"{key}{joined}{serialize_scalar(inner)}" for key, inner in value.items())
    return between.join(map(serialize_scalar, value if isinstance(value, list) else [value]))


def received_values(contract: Contract, parameter: Parameter, value: Any) -> list[Any]:
    """Return what a server reads where a value is spelled, as a list of one; an empty one where nothing arrives."""
    if parameter.in_ == "query":
        return read_pairs(contract, parameter, serialize_pairs(parameter, value))
    return [read_field(contract, parameter, serialize_field(parameter, value))]


def survives_transport(contract: Contract, parameter: Parameter, value: Any) -> bool:
    """Whether a value can be sent and what arrives is allowed.

    Of an empty list nothing may arrive, or what may be a list of an empty text.
    """
    if not _is_sendable(parameter, value):
        return False
    found = received_values(contract, parameter, value)
    return found not in ([], [[]]) and all(accepts(contract, parameter.schema, one) for one in found)


_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""What the name of a header field consists of (RFC 9110, 5.6.2)."""


def _is_sendable(parameter: Parameter, value: Any) -> bool:
    """Whether a header field can carry the value, if it is to be sent in one; a line end would begin another field."""
    if parameter.in_ not in ("header", "cookie"):
        return True
    if parameter.in_ == "header" and not _TOKEN.fullmatch(parameter.name):
        return False
    return is_sendable(serialize_field(parameter, value))


def read_pairs(
    contract: Contract, parameter: Parameter, pairs: Sequence[Pair], others: Collection[str] = ()
) -> list[Any]:
    """Return the value that a query gives a parameter, as a list of one; an empty list where it gives none.

    A text that may be read in several ways is what the schema allows; one that it allows in none is what it says first,
    for a validator to refuse. `others` are the names that belong to other parameters.
    """
    readings = list(_readings(contract, parameter, pairs, others))
    return [value for value in readings if accepts(contract, parameter.schema, value)][:1] or readings[:1]


def read_field(contract: Contract, parameter: Parameter, text: str) -> Any:
    """Return the value that one text gives a path, header or cookie parameter."""
    return read_pairs(contract, parameter, [(parameter.name, text)])[0]


def _readings(
    contract: Contract, parameter: Parameter, pairs: Sequence[Pair], others: Collection[str]
) -> Iterator[Any]:
    own = [value for name, value in pairs if name == parameter.name]
    if parameter.is_json:
        yield from map(_json_or_text, own[-1:])
        return
    types = _types(contract, parameter.schema)
    is_repeated = parameter.in_ == "query" and parameter.explode and parameter.style == "form"
    bare, parts = (own[0], own) if is_repeated and own else _divided(parameter, own[-1]) if own else ("", own)
    if "object" in types and (
        (members := _object(contract, parameter, pairs, parts, others)) or parameter.in_ != "query"
    ):
        yield members
    if own and types != {"object"}:
        if "array" in types:
            yield from _lists(contract, parameter, parts)
        # A name that stands twice has no single value.
        yield _typed(contract, parameter.schema, bare) if len(own) == 1 else list(own)


def _divided(parameter: Parameter, text: str) -> tuple[str, list[str]]:
    """A text without what stands before its first value, and what it holds one by one."""
    start, between = _DELIMITERS.get(parameter.style, ("", ","))
    bare, name = text.removeprefix(start), f"{parameter.name}="
    parts = bare.split(between if parameter.explode or not start else ",")
    if parameter.style == "matrix":
        parts = [part.removeprefix(name) for part in parts]
        bare = bare.removeprefix(name)
    # Around the commas of a header field there may be blanks (RFC 9110, 5.6.1).
    return bare, [part.strip() for part in parts] if parameter.in_ == "header" else parts


def _object(
    contract: Contract, parameter: Parameter, pairs: Sequence[Pair], parts: Sequence[str], others: Collection[str]
) -> dict[str, Any]:
    documented, further = _members(contract, parameter.schema)
    found: Iterable[Pair]
    if parameter.style == "deepObject":
        start = f"{parameter.name}["
        found = ((key[len(start) : -1], value) for key, value in pairs if key.startswith(start) and key.endswith("]"))
    elif not parameter.explode:
        # Spelled `name,value,name,value`.
        found = zip(parts[::2], parts[1::2], strict=False)
    elif parameter.in_ == "query":
        found = (pair for pair in pairs if pair[0] in documented or (further is not None and pair[0] not in others))
    else:
        found = ((key, value) for key, _, value in (part.partition("=") for part in parts))
    return {name: _typed(contract, documented.get(name, further or True), value) for name, value in found}


def _lists(contract: Contract, parameter: Parameter, parts: Sequence[str]) -> Iterator[list[Any]]:
    """The lists that some parts may be: one of an empty text may be empty."""
    inner = next((one["items"] for one in _said(contract, parameter.schema) if "items" in one), True)
    yield [_typed(contract, inner, part) for part in parts]
    if [*parts] == [""]:
        yield []


def _members(contract: Contract, schema: Schema) -> tuple[dict[str, Schema], Schema | None]:
    """The properties that a schema names, also in the branches of it, and what it says of others, if it does."""
    named: dict[str, Schema] = {}
    further = None
    for said in _said(contract, schema):
        named = {**said.get("properties", {}), **named}
        further = further or said.get("additionalProperties") or None
    return named, further


def _said(contract: Contract, schema: Schema) -> list[Mapping[str, Any]]:
    """The keywords of all schemas that may apply where one does."""
    return [keywords_of(one) for one in reachable_schemas(contract, [SchemaRef(schema, "")])]


def _json_or_text(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        # Too long a number is an error of the first kind, too deep an array of the second.
        return text


def _typed(contract: Contract, schema: Schema, text: str) -> Any:
    """A single value: what the types of its schema make of a text, unless only the text itself is allowed."""
    types = _types(contract, schema)
    value: Any = text
    if "boolean" in types and text in ("true", "false"):
        value = text == "true"
    elif types & {"integer", "number"} and _NUMBER.fullmatch(text):
        value = _json_or_text(text)
    elif "null" in types and text == "null":
        value = None
    is_text = value is not text and accepts(contract, schema, text) and not accepts(contract, schema, value)
    return text if is_text else value


def _types(contract: Contract, schema: Schema) -> frozenset[str]:
    """The JSON types that a schema names, also in the branches of it; of its listed values where it names none."""
    found: set[str] = set()
    for said in _said(contract, schema):
        found |= {*named_types(said)} or {*map(type_name, listed_values(said) or ())} or {*implied_types(said)}
    return frozenset(found)
