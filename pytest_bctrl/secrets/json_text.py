"""Replaces values in a JSON text by the names of their members; every other byte of the text stays."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"?|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)
_NAMING = frozenset({"name", "key", "field", "header", "id"})
"""Members that name the value next to them: `{"name": "password", "value": "…"}`."""
_NAMED = frozenset({"value", "values", "content", "text", "plaintext"})

Edit = Callable[[str, str], str]
"""Returns a decoded value as it is to be shown, from the name of its member and the value."""


@dataclass(slots=True)
class _Value:
    """A scalar in the text: its start and end, and its name."""

    name: str
    start: int
    end: int


@dataclass(slots=True)
class _Container:
    """An object or a list that is open at a position of the text.

    `name` is that of the member that holds it, `label` the value of a member such as `name`, which names the `values`.
    """

    is_object: bool
    name: str
    member: str = ""
    expects_name: bool = False
    label: str = ""
    values: list[_Value] = field(default_factory=list)


def edit_json(text: str, edit: Edit) -> str:
    """Return a JSON text in which `edit` has replaced scalars; also several JSON texts, and one that is cut off.

    The name of an item is that of its list, and the name of a value in `{"name": NAME, "value": …}` is NAME. A value
    that stays as it is keeps its escapes; null, true and false always stay.
    """
    containers = [_Container(is_object=False, name="")]
    values: list[_Value] = []
    for match in _TOKEN.finditer(text):
        token, container = match[0], containers[-1]
        if token in ("{", "["):
            name = container.member if container.is_object else container.name
            containers.append(_Container(token == "{", name, expects_name=token == "{"))
        elif token in ("}", "]"):
            if len(containers) > 1:
                values += _named_values(containers.pop())
        elif token == ",":
            container.expects_name = container.is_object
        elif token == ":":
            container.expects_name = False
        elif container.expects_name:
            container.member = _decoded(token)
        else:
            _add_value(container, token, match.start(), values)
    for container in containers:
        values += _named_values(container)
    return _edited(text, values, edit)


def _add_value(container: _Container, token: str, start: int, values: list[_Value]) -> None:
    """Add a scalar of a container to `values`, or to the container if another member may name it."""
    value = _Value(container.member if container.is_object else container.name, start, start + len(token))
    if not container.is_object:
        values.append(value)
        return
    if container.member in _NAMING and token.startswith('"'):
        container.label = container.label or _decoded(token)
    if container.member in _NAMED:
        container.values.append(value)
    else:
        values.append(value)


def _named_values(container: _Container) -> list[_Value]:
    """Return the values of an object that another member names, or else the member that holds the object."""
    name = container.label or container.name
    return [_Value(name or value.name, value.start, value.end) for value in container.values]


def _edited(text: str, values: list[_Value], edit: Edit) -> str:
    """Return the text with each value as `edit` returns it."""
    parts, position = [], 0
    for value in sorted(values, key=lambda value: value.start):
        token = text[value.start : value.end]
        if token in ("null", "true", "false"):
            continue
        decoded = _decoded(token)
        edited = edit(value.name, decoded)
        if edited != decoded:
            parts += [text[position : value.start], _encoded(edited, token)]
            position = value.end
    if not parts:
        return text
    return "".join([*parts, text[position:]])


def _decoded(token: str) -> str:
    """Return the text of a JSON string, without its quotes and escapes; any other token as it is."""
    if not token.startswith('"'):
        return token
    try:
        return str(json.loads(token, strict=False))
    except ValueError:
        return token.strip('"')


def _encoded(value: str, token: str) -> str:
    """Return a value as a JSON string, or as a number in place of a number."""
    if not token.startswith('"') and value.isdigit():
        return value
    return json.dumps(value, ensure_ascii=False)
