"""Compares the encoding of the parts of a form: their content types, headers, and serialisation."""

from __future__ import annotations

from typing import NamedTuple

from pytest_bctrl.contract.outline import Part, RawParameter, headers, schema_parts
from pytest_bctrl.drift.change_location import ChangeLocation
from pytest_bctrl.drift.compare_parameters import compare_parameters
from pytest_bctrl.drift.node import Node, Schema
from pytest_bctrl.drift.normalize import Normalizer
from pytest_bctrl.drift.report import Report

_URLENCODED = "application/x-www-form-urlencoded"
_BINARY = frozenset(("binary", "base64"))
_SERIALISATION = ("style", "explode", "allowReserved")


class PartEncoding(NamedTuple):
    """How one part of a form is sent. `serialisation` is empty if the content type decides."""

    part: Part
    content_types: frozenset[str]
    serialisation: tuple[object, ...]
    allows_reserved: bool
    headers: dict[str, RawParameter]


def encodings(normal: Normalizer, media: Part, media_type: str) -> dict[str, PartEncoding]:
    """Return the explicit encodings of a form's declared properties, by name (OpenAPI 3.1, 4.8.15); else none."""
    essence = media_type.partition(";")[0]
    if essence != _URLENCODED and not essence.startswith("multipart/"):
        return {}
    explicit = dict(normal.spec.members(media / "encoding"))
    if not explicit:
        # The default follows from the schema, which is compared by itself.
        return {}
    properties = normal.node(schema_parts(media)).maps.get("properties", {})
    return {
        name: _read_encoding(normal, part, properties[name], essence)
        for name, part in explicit.items()
        if name in properties
    }


def _read_encoding(normal: Normalizer, part: Part, schema: Schema, essence: str) -> PartEncoding:
    """Return the encoding of a form part, with the defaults that follow from its schema."""
    spec = normal.spec
    spec.mapping(part)
    serialisation: tuple[object, ...] = ()
    allows_reserved = spec.flag(part / "allowReserved")
    if essence == _URLENCODED or any(keyword in part.value for keyword in _SERIALISATION):
        style = spec.text(part / "style", "form")
        explode = style == "form"
        if "explode" in part.value:
            explode = spec.flag(part / "explode")
        serialisation = style, explode
    names = spec.text(part / "contentType") or _default_content_type(normal, normal.node(schema))
    content_types = frozenset(name.strip().lower() for name in names.split(","))
    return PartEncoding(part, content_types, serialisation, allows_reserved, headers(spec, part))


def _default_content_type(normal: Normalizer, node: Node, depth: int = 0) -> str:
    """Return the content type that a part has if its encoding names none."""
    if node.types == frozenset({"array"}) and depth < 8:
        return _default_content_type(normal, normal.node(node.child("items")), depth + 1)
    if node.types == frozenset({"object"}):
        return "application/json"
    formats = {part.schema.get("format") for part in node.parts if isinstance(part.schema, dict)}
    if "contentEncoding" in node.constraints or formats & _BINARY:
        return "application/octet-stream"
    return "text/plain"


def compare_encodings(
    report: Report, old: Part, new: Part, media_type: str, location: ChangeLocation, *, is_sent: bool
) -> None:
    """Note changes in the encoding of the parts of a form. `is_sent`: the consumer sends the form."""
    before = encodings(report.sides.old, old, media_type)
    after = encodings(report.sides.new, new, media_type)
    for name in dict.fromkeys([*before, *after]):
        was, now = before.get(name), after.get(name)
        part_location = location._replace(path=f"{location.path} encoding {name}")
        if was is None:
            was = _implicit_encoding(report.sides.old, old, name, media_type)
        if now is None:
            now = _implicit_encoding(report.sides.new, new, name, media_type)
        if was is not None and now is not None:
            _compare_encoding(report, was, now, part_location, is_sent=is_sent)


def _implicit_encoding(normal: Normalizer, media: Part, name: str, media_type: str) -> PartEncoding | None:
    """Return the default encoding of a part without an explicit one; None if the form has no such part."""
    schema = normal.node(schema_parts(media)).maps.get("properties", {}).get(name)
    if schema is None:
        return None
    part = media / "encoding" / name
    return _read_encoding(normal, Part({}, part.pointer), schema, media_type.partition(";")[0])


def _compare_encoding(
    report: Report, old: PartEncoding, new: PartEncoding, location: ChangeLocation, *, is_sent: bool
) -> None:
    """Note changes of a part's serialisation or else content types, reserved characters and, if sent, headers."""
    at = old.part.pointer, new.part.pointer
    if old.serialisation != new.serialisation and old.serialisation and new.serialisation:
        _note_encoding_change(
            report, old.serialisation, new.serialisation, location, at, is_sent=is_sent, is_compatible=False
        )
    elif old.content_types != new.content_types:
        is_compatible = old.content_types < new.content_types if is_sent else new.content_types < old.content_types
        values = ", ".join(sorted(old.content_types)), ", ".join(sorted(new.content_types))
        _note_encoding_change(report, *values, location, at, is_sent=is_sent, is_compatible=is_compatible)
    if old.allows_reserved != new.allows_reserved:
        values = f"allowReserved: {old.allows_reserved}".lower(), f"allowReserved: {new.allows_reserved}".lower()
        is_compatible = new.allows_reserved == is_sent
        _note_encoding_change(report, *values, location, at, is_sent=is_sent, is_compatible=is_compatible)
    before = {("header", name): header for name, header in old.headers.items()}
    after = {("header", name): header for name, header in new.headers.items()}
    if is_sent:
        compare_parameters(report, before, after, location, frozenset())


def _note_encoding_change(
    report: Report,
    old: object,
    new: object,
    location: ChangeLocation,
    at: tuple[str, str],
    *,
    is_sent: bool,
    is_compatible: bool,
) -> None:
    """Note a change of an encoding, unless the consumer receives the form and the change is compatible."""
    if is_sent:
        rule = "request-body-encoding-changed"
        if is_compatible:
            rule = "request-body-widened"
        report.add(rule, location, old, new, *at)
    elif not is_compatible:
        report.add("response-body-encoding-changed", location, old, new, *at)
