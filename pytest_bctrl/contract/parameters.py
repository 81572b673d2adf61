"""How the values of parameters are spelled in a request, and read back (OpenAPI 3.1, 4.8.12.3)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pytest_bctrl.contract.model import Contract, Parameter, Schema
from pytest_bctrl.contract.show import type_name

Pair = tuple[str, str]
"""A name and a value of a query, decoded."""

_BETWEEN = {"spaceDelimited": " ", "pipeDelimited": "|"}
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")


def text_of(value: Any) -> str:
    """Return a single value as a request spells it: `true`, `7`, `7.5`, and a text as it stands."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def pairs_of(parameter: Parameter, value: Any) -> list[Pair]:
    """Return the pairs that spell a value of a query parameter."""
    name = parameter.name
    if parameter.is_json:
        return [(name, json.dumps(value, ensure_ascii=False))]
    if isinstance(value, Mapping):
        if parameter.style == "deepObject":
            return [(f"{name}[{key}]", text_of(inner)) for key, inner in value.items()]
        if parameter.explode:
            return [(str(key), text_of(inner)) for key, inner in value.items()]
        return [(name, ",".join(text_of(part) for item in value.items() for part in item))]
    if isinstance(value, list):
        if parameter.explode and parameter.style == "form":
            return [(name, text_of(item)) for item in value]
        return [(name, _BETWEEN.get(parameter.style, ",").join(map(text_of, value)))]
    return [(name, text_of(value))]


def field_of(parameter: Parameter, value: Any) -> str:
    """Return a value of a path, header or cookie parameter as one text (style `simple`)."""
    if parameter.is_json:
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, Mapping):
        joined = "=" if parameter.explode else ","
        return ",".join(f"{key}{joined}{text_of(inner)}" for key, inner in value.items())
    return ",".join(map(text_of, value)) if isinstance(value, list) else text_of(value)


def read_pairs(contract: Contract, parameter: Parameter, pairs: Sequence[Pair]) -> list[Any]:
    """Return the value that a query gives a parameter, as a list of one; an empty list where it gives none.

    A text that is not of the schema's type stays a text, for a validator to refuse.
    """
    own = [value for name, value in pairs if name == parameter.name]
    types = _types(contract, parameter.schema)
    if "object" in types and not parameter.is_json:
        return _read_object(contract, parameter, pairs, own)
    if not own:
        return []
    if parameter.is_json:
        return [_json_or_text(own[-1])]
    if "array" in types:
        between = _BETWEEN.get(parameter.style, ",")
        parts = own if parameter.explode and parameter.style == "form" else own[-1].split(between)
        inner = _resolved(contract, parameter.schema).get("items", True)
        return [[_typed(contract, inner, part) for part in parts]]
    # A name that stands twice has no single value.
    return [_typed(contract, parameter.schema, own[0])] if len(own) == 1 else [list(own)]


def _read_object(contract: Contract, parameter: Parameter, pairs: Sequence[Pair], own: Sequence[str]) -> list[Any]:
    documented = _properties(contract, parameter.schema)
    found: Iterable[Pair]
    if parameter.style == "deepObject":
        start = f"{parameter.name}["
        found = ((key[len(start) : -1], value) for key, value in pairs if key.startswith(start) and key.endswith("]"))
    elif parameter.explode:
        found = ((name, value) for name, value in pairs if name in documented)
    else:
        found = _in_turns(own[-1].split(",") if own else ())
    typed = _typed_members(contract, documented, found)
    return [typed] if typed else []


def _in_turns(parts: Sequence[str]) -> Iterator[Pair]:
    """The members of an object that is spelled `name,value,name,value`."""
    return zip(parts[::2], parts[1::2], strict=False)


def _typed_members(contract: Contract, documented: Mapping[str, Schema], members: Iterable[Pair]) -> dict[str, Any]:
    return {name: _typed(contract, documented.get(name, True), value) for name, value in members}


def read_field(contract: Contract, parameter: Parameter, text: str) -> Any:
    """Return the value that one text gives a path, header or cookie parameter."""
    types = _types(contract, parameter.schema)
    if parameter.is_json:
        return _json_or_text(text)
    # Around the commas of a header field there may be blanks (RFC 9110, 5.6.1).
    parts = [part.strip() if parameter.place == "header" else part for part in text.split(",")]
    if "object" in types and "string" not in types:
        named = ((name, value) for name, _, value in (part.partition("=") for part in parts))
        members = named if parameter.explode else _in_turns(parts)
        return _typed_members(contract, _properties(contract, parameter.schema), members)
    if "array" in types:
        inner = _resolved(contract, parameter.schema).get("items", True)
        return [_typed(contract, inner, part) for part in parts]
    return _typed(contract, parameter.schema, text)


def _properties(contract: Contract, schema: Schema) -> Mapping[str, Schema]:
    found: Mapping[str, Schema] = _resolved(contract, schema).get("properties", {})
    return found


def _json_or_text(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        # Too long a number is an error of the first kind, too deep an array of the second.
        return text


def _typed(contract: Contract, schema: Schema, text: str) -> Any:
    types = _types(contract, schema)
    if "boolean" in types and text in ("true", "false"):
        return text == "true"
    if types & {"integer", "number"} and _NUMBER.fullmatch(text):
        return _json_or_text(text)
    if "null" in types and text == "null":
        return None
    return text


def _types(contract: Contract, schema: Schema) -> frozenset[str]:
    """The JSON types that a schema names, also in the branches of it; of its listed values where it names none."""
    flat = _resolved(contract, schema)
    named = flat.get("type")
    found = {named} if isinstance(named, str) else set(named or ())
    for word in ("allOf", "anyOf", "oneOf"):
        for branch in flat.get(word, ()):
            found |= _types(contract, branch)
    if not found:
        listed = [flat["const"]] if "const" in flat else flat.get("enum", ())
        found = set(map(type_name, listed))
    return frozenset(found)


def _resolved(contract: Contract, schema: Schema) -> Mapping[str, Any]:
    found = contract.resolve(schema)
    return found if isinstance(found, Mapping) else {}
