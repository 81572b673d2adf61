"""Replaces values in a JSON text by the names of their members; every other byte of the text stays."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

_SYMBOL = re.compile(r'"(?:[^"\\]|\\.)*"?|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)
_NUMBER = re.compile(r"-?\d[\d.eE+-]*")
_NAMING = re.compile(
    r"attribute|field|header|id|key|label|loc|name|param(eter)?|(property)?path|property|type|variable", re.IGNORECASE
)
"""Members that name the value next to them: `{"name": "password", "value": "…"}`."""
_NAMED = re.compile(r"\w*values?|content|plaintext|input", re.IGNORECASE)

Edit = Callable[[Sequence[str], str], str]
"""Returns a decoded value as it is to be shown, from its names and the value."""


@dataclass(slots=True)
class _Value:
    """A scalar in the text: its start and end, and its names."""

    names: tuple[str, ...]
    start: int
    end: int


@dataclass(slots=True)
class _OpenValue:
    """An object or a list that is open at a position of the text.

    `name` is that of the member that holds it, `labels` are the values of members such as `name`, which name the
    `values`.
    """

    is_object: bool
    name: str
    member: str = ""
    expects_name: bool = False
    labels: list[str] = field(default_factory=list)
    values: list[_Value] = field(default_factory=list)


def edit_json(text: str, edit: Edit) -> str:
    """Return a JSON text in which `edit` has replaced scalars; also several JSON texts, and one that is cut off.

    The name of an item is that of its list, and the name of a value in `{"name": NAME, "value": …}` is NAME. A value
    that stays as it is keeps its escapes; null, true and false always stay.
    """
    containers = [_OpenValue(is_object=False, name="")]
    values: list[_Value] = []
    for match in _SYMBOL.finditer(text):
        symbol, container = match[0], containers[-1]
        if symbol in ("{", "["):
            name = container.member if container.is_object else container.name
            containers.append(_OpenValue(symbol == "{", name, expects_name=symbol == "{"))
        elif symbol in ("}", "]"):
            if len(containers) > 1:
                values += _named_values(containers.pop())
                if not container.is_object:
                    # `"loc": ["body", "password"]` names the value next to it.
                    containers[-1].labels += container.labels
        elif symbol == ",":
            container.expects_name = container.is_object
        elif symbol == ":":
            container.expects_name = False
        elif container.expects_name:
            container.member = _decoded(symbol)
        else:
            _add_value(container, symbol, match.start(), values)
    for container in containers:
        values += _named_values(container)
    return _edited(text, values, edit)


def _add_value(container: _OpenValue, symbol: str, start: int, values: list[_Value]) -> None:
    """Add a scalar of a container to `values`, or to the container if another member may name it."""
    name = container.member if container.is_object else container.name
    value = _Value((name,), start, start + len(symbol))
    if _NAMING.fullmatch(name) and symbol.startswith('"'):
        container.labels.append(_decoded(symbol))
    if not container.is_object:
        values.append(value)
    elif _NAMED.fullmatch(name):
        container.values.append(value)
    else:
        values.append(value)


def _named_values(container: _OpenValue) -> list[_Value]:
    """Return the values of an object that another member names, or the member that holds the object."""
    names = (*container.labels, container.name)
    return [_Value((*names, *value.names), value.start, value.end) for value in container.values]


def _edited(text: str, values: list[_Value], edit: Edit) -> str:
    """Return the text with each value as `edit` returns it."""
    parts, position = [], 0
    for value in sorted(values, key=lambda value: value.start):
        symbol = text[value.start : value.end]
        if symbol in ("null", "true", "false"):
            continue
        decoded = _decoded(symbol)
        edited = edit(value.names, decoded)
        if edited != decoded:
            parts += [text[position : value.start], _encoded(edited, symbol)]
            position = value.end
    if not parts:
        return text
    return "".join([*parts, text[position:]])


def _decoded(symbol: str) -> str:
    """Return the text of a JSON string, without its quotes and escapes; any other symbol as it is."""
    if not symbol.startswith('"'):
        return symbol
    try:
        return str(json.loads(symbol, strict=False))
    except ValueError:
        return symbol.strip('"')


def _encoded(value: str, symbol: str) -> str:
    """Return a value as a JSON string, or as a number in place of a number."""
    if not symbol.startswith('"') and (value.isdigit() or not _NUMBER.fullmatch(symbol)):
        return value
    return json.dumps(value, ensure_ascii=False)
