"""Compares the encoding of the parts of a form: their content types, headers, and serialisation."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import NamedTuple

from pytest_bctrl.contract.outline import RawParameter, headers, schema_parts
from pytest_bctrl.contract.spec import Part
from pytest_bctrl.drift.binary import OCTETS
from pytest_bctrl.drift.change_location import ChangeLocation
from pytest_bctrl.drift.compare_headers import compare_headers
from pytest_bctrl.drift.compare_parameters import compare_parameters
from pytest_bctrl.drift.node import Node, Schema
from pytest_bctrl.drift.normalize import Normalizer
from pytest_bctrl.drift.report import Report

_URLENCODED = "application/x-www-form-urlencoded"
_BINARY = frozenset(("binary", "base64", "byte"))
_SERIALISATION = ("style", "explode", "allowReserved")
_PLAIN = frozenset({"text/plain"})
_FORM_STYLE = ("form", True)


class PartEncoding(NamedTuple):
    """How one part of a form is sent.

    `serialisation`, style and `explode`, is empty if a content type decides, and `content_types` if the style does.
    A text is the same with style `form` as with `text/plain`: such a part has both.
    """

    part: Part
    content_types: frozenset[str]
    serialisation: tuple[str, bool] | tuple[()]
    allows_reserved: bool
    headers: dict[str, RawParameter]

    @property
    def shown(self) -> object:
        """What a finding shows if one side has a style and the other a content type."""
        return self.serialisation or ", ".join(sorted(self.content_types))


def encodings(normal: Normalizer, media: Part, media_type: str) -> dict[str, PartEncoding]:
    """Return the explicit encodings of a form's declared properties, by name (OpenAPI 3.1, 4.8.15); else none."""
    essence = media_type.partition(";")[0]
    if essence != _URLENCODED and not essence.startswith("multipart/"):
        return {}
    properties = _properties(normal, media)
    return {
        name: _read_encoding(normal, part, properties[name], essence)
        for name, part in normal.spec.members(media / "encoding")
        if name in properties
    }


def _properties(normal: Normalizer, media: Part) -> dict[str, Schema]:
    """Return the schemas of the declared properties of a form, by name."""
    return normal.node(schema_parts(media)).maps.get("properties", {})


def _read_encoding(normal: Normalizer, part: Part, schema: Schema, essence: str) -> PartEncoding:
    """Return the encoding of a form part, with the defaults that follow from its schema."""
    spec, node = normal.spec, normal.node(schema)
    spec.mapping(part)
    headers_of = headers(spec, part)
    if essence == _URLENCODED:
        # Only a multipart body has room for headers.
        headers_of = {}
    default = _default_content_type(normal, node)
    names = spec.text(part / "contentType") or default
    content_types = frozenset(name.strip().lower() for name in names.split(","))
    has_style = essence in (_URLENCODED, "multipart/form-data")
    if has_style and any(keyword in part.value for keyword in _SERIALISATION):
        # The content type has no effect (OpenAPI 3.1, 4.8.15.1.2).
        serialisation = _serialisation(normal, part, node)
        content_types = frozenset()
        if serialisation == _FORM_STYLE and default in _PLAIN:
            content_types = _PLAIN
        return PartEncoding(part, content_types, serialisation, spec.flag(part / "allowReserved"), headers_of)
    if essence == _URLENCODED and "contentType" not in part.value:
        return PartEncoding(part, content_types, _FORM_STYLE, False, headers_of)
    return PartEncoding(part, content_types, (), False, headers_of)


def _serialisation(normal: Normalizer, part: Part, node: Node) -> tuple[str, bool]:
    """Return the style of a form part, and whether it writes the members of a value separately."""
    style = normal.spec.text(part / "style", "form")
    has_members = node.types is None or node.types & {"array", "object"}
    if has_members and style != "deepObject" and "explode" in part.value:
        return style, normal.spec.flag(part / "explode")
    return style, style == "form"


def _default_content_type(normal: Normalizer, node: Node, depth: int = 0) -> str:
    """Return the content type that a part has if its encoding names none."""
    if node.types == frozenset({"array"}) and depth < 8:
        return _default_content_type(normal, normal.node(node.child("items")), depth + 1)
    if node.types == frozenset({"object"}):
        return "application/json"
    formats = {part.schema.get("format") for part in node.parts if isinstance(part.schema, dict)}
    is_octets = node.constraints.get("contentMediaType") == {OCTETS}
    if node.types is None or is_octets or "contentEncoding" in node.constraints or formats & _BINARY:
        return OCTETS
    return "text/plain"


def compare_encodings(
    report: Report, old: Part, new: Part, media_type: str, location: ChangeLocation, *, is_sent: bool
) -> None:
    """Note changes in the encoding of the parts of a form. `is_sent`: the consumer sends the form.

    Only a part with an explicit encoding is compared: the default follows from the schema, which is compared by itself.
    """
    before = encodings(report.sides.old, old, media_type)
    after = encodings(report.sides.new, new, media_type)
    for name in dict.fromkeys([*before, *after]):
        was = before.get(name) or _default_encoding(report.sides.old, old, name, media_type)
        now = after.get(name) or _default_encoding(report.sides.new, new, name, media_type)
        if was is not None and now is not None:
            part_location = location._replace(path=f"{location.path} encoding {name}")
            _compare_encoding(report, was, now, part_location, is_sent=is_sent)


def _default_encoding(normal: Normalizer, media: Part, name: str, media_type: str) -> PartEncoding | None:
    """Return the encoding of a part without an explicit one; None if the form lacks the part."""
    schema = _properties(normal, media).get(name)
    if schema is None:
        return None
    # The location of a missing encoding is the media type.
    return _read_encoding(normal, Part({}, media.pointer), schema, media_type.partition(";")[0])


def _compare_encoding(
    report: Report, old: PartEncoding, new: PartEncoding, location: ChangeLocation, *, is_sent: bool
) -> None:
    """Note changes of a part's serialisation or else content types, of its reserved characters, and of its headers."""
    at, keys = (old.part.pointer, new.part.pointer), _changed_keyword(old.part, new.part)
    is_same = new.serialisation == old.serialisation != () or new.content_types == old.content_types != frozenset()
    if not is_same and old.content_types and new.content_types:
        narrow, wide = (old, new) if is_sent else (new, old)
        is_compatible = _are_included(narrow.content_types, wide.content_types)
        values = ", ".join(sorted(old.content_types)), ", ".join(sorted(new.content_types))
        _note_encoding_change(report, *values, location, at, keys, is_sent=is_sent, is_compatible=is_compatible)
    elif not is_same:
        _note_encoding_change(report, old.shown, new.shown, location, at, keys, is_sent=is_sent, is_compatible=False)
    if old.allows_reserved != new.allows_reserved:
        shown = "allowReserved: false", "allowReserved: true"
        values = shown[old.allows_reserved], shown[new.allows_reserved]
        keys, is_compatible = ("allowReserved",), new.allows_reserved == is_sent
        _note_encoding_change(report, *values, location, at, keys, is_sent=is_sent, is_compatible=is_compatible)
    if is_sent:
        before, after = ({("header", name): header for name, header in side.headers.items()} for side in (old, new))
        compare_parameters(report, before, after, location, frozenset())
    else:
        compare_headers(report, old.headers, new.headers, location, (old.part, new.part))


def _changed_keyword(old: Part, new: Part) -> tuple[str, ...]:
    """Return the keyword of an encoding whose value changed; nothing if it is not the only one."""
    keywords = ("contentType", *_SERIALISATION)
    changed = tuple(keyword for keyword in keywords if old.value.get(keyword) != new.value.get(keyword))
    if len(changed) == 1:
        return changed
    return ()


def _are_included(narrow: frozenset[str], wide: frozenset[str]) -> bool:
    """Return whether each media type is one of `wide`, or in one of its ranges, such as `image/*`."""
    return all(any(fnmatchcase(name, pattern) for pattern in wide) for name in narrow)


def _note_encoding_change(
    report: Report,
    old: object,
    new: object,
    location: ChangeLocation,
    at: tuple[str, str],
    keys: tuple[str, ...],
    *,
    is_sent: bool,
    is_compatible: bool,
) -> None:
    """Note a change of an encoding, unless the consumer receives the form and the change is compatible.

    `keys` lead from the pointers to what changed.
    """
    if is_sent:
        rule = "request-body-encoding-changed"
        if is_compatible:
            rule = "request-body-widened"
        report.add(rule, location, old, new, *at, keys=keys)
    elif not is_compatible:
        report.add("response-body-encoding-changed", location, old, new, *at, keys=keys)
