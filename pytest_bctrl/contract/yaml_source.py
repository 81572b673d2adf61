"""Reads YAML as JSON data: safely, with duplicate keys refused and every kind of growth bounded.

Scalars follow the core schema of YAML 1.2 (section 10.3), so dates stay text and so do `on`, `off`, `yes` and
`no`. The document is built from the parser's events, without a constructor in between: no tag can name a Python
object, nothing recurses, and aliases are counted as what they expand to.
"""

from __future__ import annotations

import math
import re
from typing import Any

from pytest_bctrl.errors import DocumentError

MAX_DEPTH = 100
MAX_NODES = 1_000_000
MAX_ALIASED = 100_000
"""How many nodes the aliases of one document may stand for, all together."""

_WORDS: dict[str, Any] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_JSON = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_NUMBER_START = frozenset("+-.0123456789")
_CORE = "tag:yaml.org,2002:"
_MERGE = object()


def read_yaml(text: str, name: str, lines: dict[str, int] | None = None) -> Any:
    """Return the one YAML document in `text` as JSON data.

    Where `lines` is given, it is filled with the line (from 1) of every JSON pointer. Raises `DocumentError` for
    what is not YAML, for duplicate keys, foreign tags and values that JSON has not, and beyond the limits.
    """
    import yaml

    try:
        return _Builder(_parser()(text), name, lines).build()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _broken(error.problem or error.context or "it cannot be read", name, mark) from None
    except yaml.YAMLError as error:
        raise DocumentError(
            f"not YAML: {str(error).splitlines()[0]}", where=name, mend="save it as UTF-8 text"
        ) from None


def _parser() -> Any:
    """The parser of libyaml where PyYAML was built with it, else the one in Python."""
    try:
        from yaml._yaml import CParser
    except ImportError:  # pragma: no cover - PyYAML's wheels have libyaml; the other parser has tests of its own
        return _python_parser()
    return CParser


def _python_parser() -> Any:
    from yaml.parser import Parser
    from yaml.reader import Reader
    from yaml.scanner import Scanner

    class PythonParser(Reader, Scanner, Parser):
        def __init__(self, text: str) -> None:
            Reader.__init__(self, text)
            Scanner.__init__(self)
            Parser.__init__(self)

    return PythonParser


def _broken(problem: str, name: str, mark: Any) -> DocumentError:
    place = f" at line {mark.line + 1}, column {mark.column + 1}" if mark is not None else ""
    return DocumentError(f"not YAML: {problem}{place}", where=name, mend="mend the YAML, or give the file it came from")


class _Open:
    """A collection that is being filled, or a stand-in for the document itself."""

    __slots__ = ("anchor", "is_mapping", "key", "merges", "pointer", "size", "value")

    def __init__(self, value: Any, is_mapping: bool, anchor: str | None, pointer: str) -> None:
        self.value = value
        self.is_mapping = is_mapping
        self.anchor = anchor
        self.pointer = pointer
        self.key: Any = None
        self.size = 1
        self.merges: list[Any] = []


class _Builder:
    """Builds JSON data from a parser's events, with an explicit stack."""

    def __init__(self, parser: Any, name: str, lines: dict[str, int] | None) -> None:
        self.parser = parser
        self.name = name
        self.lines = lines
        self.stack: list[_Open] = []
        self.anchors: dict[str, tuple[Any, int]] = {}
        self.root: list[Any] = []
        self.nodes = 0
        self.aliased = 0

    def build(self) -> Any:
        import yaml

        handlers = {
            yaml.ScalarEvent: self.scalar,
            yaml.MappingStartEvent: self.start,
            yaml.SequenceStartEvent: self.start,
            yaml.MappingEndEvent: self.end,
            yaml.SequenceEndEvent: self.end,
            yaml.AliasEvent: self.alias,
            yaml.DocumentStartEvent: self.document,
        }
        self.mapping_start = yaml.MappingStartEvent
        get_event = self.parser.get_event
        while not isinstance(event := get_event(), yaml.StreamEndEvent):
            handler = handlers.get(type(event))
            if handler is not None:
                handler(event)
        return self.root[0] if self.root else None

    def refuse(self, problem: str, event: Any, mend: str) -> DocumentError:
        return DocumentError(f"{problem}, at line {event.start_mark.line + 1}", where=self.name, mend=mend)

    def document(self, event: Any) -> None:
        if self.root:
            raise self.refuse("the file holds more than one YAML document", event, "give a file with one")

    def count(self, event: Any) -> None:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise self.refuse(f"more than {MAX_NODES:,} values", event, "give a smaller document")

    def scalar(self, event: Any) -> None:
        self.count(event)
        value = self.scalar_value(event)
        self.add(value, 1, event)
        if event.anchor is not None:
            self.anchors[event.anchor] = (value, 1)

    def scalar_value(self, event: Any) -> Any:
        top = self.stack[-1] if self.stack else None
        text: str = event.value
        plain = event.implicit[0]
        if top is not None and top.is_mapping and top.key is None:
            return _MERGE if plain and text == "<<" else text
        tag = event.tag
        if tag is not None and not plain and tag != "!":
            if not tag.startswith(_CORE) or tag[len(_CORE) :] not in ("str", "int", "float", "bool", "null"):
                raise self.refuse(f"the tag {tag} is not allowed", event, "OpenAPI uses plain JSON values")
            if tag == _CORE + "str":
                return text
        elif not plain:
            return text
        if text in _WORDS:
            return _WORDS[text]
        return self.number_or_text(text, event) if text[0] in _NUMBER_START else text

    def number_or_text(self, text: str, event: Any) -> Any:
        try:
            if _INTEGER.fullmatch(text):
                return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
            if _FLOAT.fullmatch(text):
                value = float(text)
                if math.isfinite(value):
                    return value
                raise ValueError
        except ValueError:
            raise self.refuse(
                f"the number {text[:40]} is too large", event, "use a number that JSON can hold"
            ) from None
        if _NOT_JSON.fullmatch(text):
            raise self.refuse(f"{text} is not a JSON value", event, "quote it if it is meant as text")
        return text

    def start(self, event: Any) -> None:
        self.count(event)
        if len(self.stack) >= MAX_DEPTH:
            raise self.refuse(f"nested deeper than {MAX_DEPTH} levels", event, "give a flatter document")
        if event.tag not in (None, "!", _CORE + "map", _CORE + "seq"):
            raise self.refuse(f"the tag {event.tag} is not allowed", event, "OpenAPI uses plain JSON values")
        is_mapping = isinstance(event, self.mapping_start)
        parent = self.stack[-1] if self.stack else None
        if parent is not None and parent.is_mapping and parent.key is None:
            raise self.refuse("a key is not plain text", event, "keys of an OpenAPI document are strings")
        pointer = "" if self.lines is None else self.place(event, self.lines)
        self.stack.append(_Open({} if is_mapping else [], is_mapping, event.anchor, pointer))

    def end(self, event: Any) -> None:
        done = self.stack.pop()
        for source in done.merges:
            self.merge(done.value, source, event)
        if done.anchor is not None:
            self.anchors[done.anchor] = (done.value, done.size)
        self.put(done.value, done.size, event)

    def alias(self, event: Any) -> None:
        self.count(event)
        if event.anchor not in self.anchors:
            raise self.refuse(
                f"the alias *{event.anchor} has no anchor before it, or stands inside it", event, "write the value out"
            )
        value, size = self.anchors[event.anchor]
        self.aliased += size
        if self.aliased > MAX_ALIASED:
            raise self.refuse(
                f"its aliases stand for more than {MAX_ALIASED:,} values", event, "write the values out, or use $ref"
            )
        self.add(value, size, event)

    def place(self, event: Any, lines: dict[str, int]) -> str:
        """Note the line of the value that begins here, and return its pointer."""
        parent = self.stack[-1] if self.stack else None
        if parent is None:
            pointer = ""
        elif parent.is_mapping:
            pointer = f"{parent.pointer}/{str(parent.key).replace('~', '~0').replace('/', '~1')}"
        else:
            pointer = f"{parent.pointer}/{len(parent.value)}"
        lines.setdefault(pointer, event.start_mark.line + 1)
        return pointer

    def add(self, value: Any, size: int, event: Any) -> None:
        """Take a finished scalar or alias: a key where a mapping waits for one, else a value."""
        top = self.stack[-1] if self.stack else None
        if top is not None and top.is_mapping and top.key is None:
            self.add_key(top, value, event)
            return
        if self.lines is not None:
            self.place(event, self.lines)
        self.put(value, size, event)

    def add_key(self, top: _Open, key: Any, event: Any) -> None:
        if key is not _MERGE and not isinstance(key, str):
            raise self.refuse("a key is not plain text", event, "keys of an OpenAPI document are strings")
        if key in top.value:
            raise self.refuse(f"the key {key!r} stands twice in one mapping", event, "keep one of them")
        top.key = key
        if self.lines is not None and key is not _MERGE:
            self.place(event, self.lines)

    def put(self, value: Any, size: int, event: Any) -> None:
        if not self.stack:
            self.root.append(value)
            return
        top = self.stack[-1]
        top.size += size
        if not top.is_mapping:
            top.value.append(value)
            return
        key, top.key = top.key, None
        if key is _MERGE:
            top.merges.extend(value if isinstance(value, list) else [value])
        else:
            top.value[key] = value

    def merge(self, target: dict[str, Any], source: Any, event: Any) -> None:
        if not isinstance(source, dict):
            raise self.refuse("a merge key << names something else than a mapping", event, "write the keys out")
        for key, value in source.items():
            target.setdefault(key, value)
