"""Reads YAML as JSON data, safely: it rejects duplicate keys and limits every kind of growth.

Scalars follow the core schema of YAML 1.2 (section 10.3), so dates, `on`, `off`, `yes` and `no` are strings. The data
is built from the parser's events, without a constructor: no tag can name a Python object, data cannot contain itself,
and the values of an alias count each time.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, NamedTuple, TypeAlias

from pytest_bctrl.errors import DocumentError

MAX_DEPTH = 100
MAX_NODES = 1_000_000
MAX_ALIASED = 100_000
"""Maximum number of nodes that all aliases of a document stand for."""

_WORDS: dict[str, Any] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_JSON = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_NUMBER_START = frozenset("+-.0123456789")
_CORE = "tag:yaml.org,2002:"

_Sized: TypeAlias = tuple[Any, int]
"""A value and its number of nodes."""


def read_yaml(text: str, name: str, lines: dict[str, int] | None = None) -> Any:
    """Return the only YAML document in `text` as JSON data.

    If `lines` is a dict, the line (from 1) of every JSON pointer is added to it. Raises `DocumentError` for invalid
    YAML, duplicate keys, other tags and values than those of JSON, and if a limit is exceeded.
    """
    import yaml

    # The parser of libyaml if PyYAML was built with it, else the Python parser.
    parser = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    try:
        return _YamlBuilder(parser(text), name, lines).build()
    except yaml.MarkedYAMLError as error:
        # The parsers set both for each error.
        mark: Any = error.problem_mark
        problem = f"not YAML: {error.problem} at line {mark.line + 1}, column {mark.column + 1}"
        raise DocumentError(problem, where=name, hint="fix the YAML, or give the file it came from") from None
    except yaml.YAMLError as error:
        raise DocumentError(
            f"not YAML: {str(error).splitlines()[0]}", where=name, hint="save it as UTF-8 text"
        ) from None


class YamlNode(NamedTuple):
    """A value or a key in a YAML text: its position, and the nodes in it.

    `start` and `end` count characters, `line` and `column` begin with 0. `nodes` has the items of a list, or each key
    of a mapping with its value after it. An alias has no nodes and no text.
    """

    start: int
    end: int
    line: int
    column: int
    text: str
    is_flow: bool
    is_mapping: bool
    nodes: list[YamlNode]

    def members(self) -> dict[str, YamlNode]:
        """Return the values of a mapping by their keys; empty if the node is not a mapping."""
        if not self.is_mapping:
            return {}
        return {key.text: value for key, value in zip(self.nodes[::2], self.nodes[1::2], strict=True)}


def read_nodes(text: str) -> YamlNode | None:
    """Return the node of the document in a text that `read_yaml` accepts; None if there is no document.

    PyYAML's own composer rejects an anchor that appears twice, which YAML allows.
    """
    import yaml

    events = yaml.parse(text, getattr(yaml, "CBaseLoader", yaml.BaseLoader))
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent):
            return _read_node(next(events), events)
    return None


def _read_node(event: Any, events: Iterator[Any]) -> YamlNode:
    """Return the node that begins with an event, and consume its events."""
    import yaml

    mark = event.start_mark
    nodes = []
    end_event = event
    if isinstance(event, yaml.CollectionStartEvent):
        end_event = next(events)
        while end_event.__class__ not in (yaml.SequenceEndEvent, yaml.MappingEndEvent):
            nodes.append(_read_node(end_event, events))
            end_event = next(events)
    return YamlNode(
        start=mark.index,
        end=end_event.end_mark.index,
        line=mark.line,
        column=mark.column,
        text=getattr(event, "value", ""),
        is_flow=bool(getattr(event, "flow_style", False)),
        is_mapping=isinstance(event, yaml.MappingStartEvent),
        nodes=nodes,
    )


class _YamlBuilder:
    """Builds JSON data from a parser's events."""

    def __init__(self, parser: Any, name: str, lines: dict[str, int] | None) -> None:
        self.next_event = parser.get_event
        self.name = name
        self.lines = lines
        self.anchors: dict[str, _Sized] = {}
        self.nodes = 0
        self.aliased = 0

    def build(self) -> Any:
        """Return the only document, or None if there is none; raises `DocumentError` for a second one."""
        import yaml

        self.yaml = yaml
        documents: list[Any] = []
        while not isinstance(event := self.next_event(), yaml.StreamEndEvent):
            if not isinstance(event, yaml.DocumentStartEvent):
                continue
            if documents:
                raise self.error_at("the file contains more than one YAML document", event, "give a file with one")
            documents.append(self.value(self.next_event(), "", 0)[0])
        return documents[0] if documents else None

    def error_at(self, problem: str, event: Any, hint: str) -> DocumentError:
        """Return an error that names the line of an event."""
        return DocumentError(f"{problem}, at line {event.start_mark.line + 1}", where=self.name, hint=hint)

    def value(self, event: Any, pointer: str, depth: int) -> _Sized:
        """Return the value that begins with an event, and the number of nodes in it."""
        self.count(event, pointer)
        if isinstance(event, self.yaml.AliasEvent):
            return self.read_alias(event)
        if isinstance(event, self.yaml.ScalarEvent):
            value: _Sized = self.read_scalar(event), 1
        else:
            value = self.read_collection(event, pointer, depth)
        if event.anchor is not None:
            self.anchors[event.anchor] = value
        return value

    def count(self, event: Any, pointer: str) -> None:
        """Count a value and store its line; raises `DocumentError` beyond `MAX_NODES`."""
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise self.error_at(f"more than {MAX_NODES:,} values", event, "give a smaller document")
        if self.lines is not None:
            self.lines.setdefault(pointer, event.start_mark.line + 1)

    def read_alias(self, event: Any) -> _Sized:
        """Return the value of an alias; raises `DocumentError` if it is unknown, or if aliases multiply too much."""
        if event.anchor not in self.anchors:
            raise self.error_at(
                f"the alias *{event.anchor} has no preceding anchor, or is inside its own anchor",
                event,
                "write the value out",
            )
        value, size = self.anchors[event.anchor]
        self.aliased += size
        if self.aliased > MAX_ALIASED:
            raise self.error_at(
                f"its aliases stand for more than {MAX_ALIASED:,} values", event, "write the values out, or use $ref"
            )
        return value, size

    def read_scalar(self, event: Any) -> Any:
        """Return the JSON value of a scalar: text, number, boolean or null; raises `DocumentError` for other tags."""
        text: str = event.value
        plain, tag = event.implicit[0], event.tag
        if tag is not None and not plain and tag != "!":
            if not tag.startswith(_CORE) or tag[len(_CORE) :] not in ("str", "int", "float", "bool", "null"):
                raise self.error_at(f"the tag {tag} is not allowed", event, "OpenAPI uses plain JSON values")
            if tag == _CORE + "str":
                return text
        elif not plain:
            return text
        if text in _WORDS:
            return _WORDS[text]
        if text[0] in _NUMBER_START:
            return self.number_or_text(text, event)
        return text

    def number_or_text(self, text: str, event: Any) -> Any:
        """Return a plain scalar as a number, else as text; raises `DocumentError` if JSON cannot represent it."""
        if _NOT_JSON.fullmatch(text):
            raise self.error_at(f"{text} is not a JSON value", event, "quote it if it is meant as text")
        is_integer = _INTEGER.fullmatch(text)
        if not is_integer and not _FLOAT.fullmatch(text):
            return text
        with suppress(ValueError):
            if is_integer:
                if text[:2] in ("0o", "0x"):
                    return int(text, 0)
                return int(text)
            if math.isfinite(value := float(text)):
                return value
        raise self.error_at(f"the number {text[:40]} is too large", event, "use a number that JSON can represent")

    def read_collection(self, event: Any, pointer: str, depth: int) -> _Sized:
        """Return a list or mapping that begins with an event, and its size; raises `DocumentError` if too deep."""
        if depth >= MAX_DEPTH:
            raise self.error_at(f"nested deeper than {MAX_DEPTH} levels", event, "give a flatter document")
        if event.tag not in (None, "!", _CORE + "map", _CORE + "seq"):
            raise self.error_at(f"the tag {event.tag} is not allowed", event, "OpenAPI uses plain JSON values")
        if isinstance(event, self.yaml.MappingStartEvent):
            return self.mapping(pointer, depth + 1)
        items: list[Any] = []
        size = 1
        while not isinstance(inner := self.next_event(), self.yaml.SequenceEndEvent):
            item, count = self.value(inner, f"{pointer}/{len(items)}", depth + 1)
            items.append(item)
            size += count
        return items, size

    def mapping(self, pointer: str, depth: int) -> _Sized:
        """Return a mapping with merge keys applied, and its size; raises `DocumentError` for a duplicate key."""
        mapping: dict[str, Any] = {}
        merged: list[Any] = []
        size = 1
        while not isinstance(event := self.next_event(), self.yaml.MappingEndEvent):
            is_merge = isinstance(event, self.yaml.ScalarEvent) and event.implicit[0] and event.value == "<<"
            key = self.key(event, mapping)
            member = f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}"
            self.count(event, member)
            value, count = self.value(self.next_event(), member, depth)
            size += count
            if not is_merge:
                mapping[key] = value
            elif isinstance(value, list):
                merged += value
            else:
                merged.append(value)
        for source in merged:
            if not isinstance(source, dict):
                raise self.error_at("a merge key << names something else than a mapping", event, "write the keys out")
            mapping = {**mapping, **source, **mapping}
        return mapping, size

    def key(self, event: Any, mapping: Mapping[str, Any]) -> str:
        """Return the key of an event; raises `DocumentError` if it is not a string, or already in the mapping."""
        is_alias = isinstance(event, self.yaml.AliasEvent)
        key = self.read_alias(event)[0] if is_alias else getattr(event, "value", None)
        if not isinstance(key, str):
            raise self.error_at("a key is not plain text", event, "keys of an OpenAPI document are strings")
        if key in mapping:
            raise self.error_at(f"the key {key!r} appears twice in one mapping", event, "keep one of them")
        if not is_alias and event.anchor is not None:
            self.anchors[event.anchor] = key, 1
        return key
