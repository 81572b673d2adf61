"""Changes of the encoding of a form's parts: content type, style, reserved characters and headers."""

from __future__ import annotations

from typing import Any

import pytest

from .expected import summaries
from .pairs import Doc, document, response

TEXT: Doc = {"type": "string"}
TEXTS: Doc = {"type": "array", "items": TEXT}
OBJECT: Doc = {"type": "object", "properties": {"x": TEXT}}
URLENCODED, FORM_DATA, MIXED = "application/x-www-form-urlencoded", "multipart/form-data", "multipart/mixed"


def media_type(schema: Doc, encoding: Doc | None, name: str = "a") -> Doc:
    """Return the media type of a form with the parts `a`, which has the schema, and `b`; `name` has the encoding."""
    fields: Doc = {"schema": {"type": "object", "properties": {"a": schema, "b": TEXT}}}
    if encoding is not None:
        fields["encoding"] = {name: encoding}
    return fields


def sent(media: str, form: Doc) -> Doc:
    """Return a document whose request body is a form."""
    return document({"requestBody": {"content": {media: form}}})


def received(media: str, form: Doc) -> Doc:
    """Return a document whose response is a form."""
    return response(content={media: form})


def in_four_directions(media: str, old: Doc, new: Doc) -> list[str]:
    """Return the findings about the part `a`: in a request from old to new and back, then in a response."""
    texts = []
    for place, make in (("requestBody", sent), ("200", received)):
        for before, after in ((old, new), (new, old)):
            text = summaries(make(media, before), make(media, after))
            texts.append(text.replace(f" @{place} {media} encoding a", "").replace(f" in {media}", ""))
    return texts


CHANGED: dict[str, tuple[str, Doc, Any, Any, str, str]] = {
    "another content type": (FORM_DATA, TEXT, {"contentType": "image/png"}, {"contentType": "Image/JPEG"},
        "image/png", "image/jpeg"),
    "a content type other than that of a text": (
        FORM_DATA, TEXT, None, {"contentType": "image/png"}, "text/plain", "image/png"),
    "a content type other than that of texts": (
        FORM_DATA, TEXTS, {}, {"contentType": "image/png"}, "text/plain", "image/png"),
    "a content type other than that of an object": (MIXED, OBJECT, None, {"contentType": "application/xml"},
        "application/json", "application/xml"),
    "a content type other than that of objects": (FORM_DATA, {"type": "array", "items": OBJECT}, None,
        {"contentType": "application/xml"}, "application/json", "application/xml"),
    "a content type other than that of lists of objects": (
        FORM_DATA, {"type": "array", "items": {"type": "array", "items": OBJECT}}, None,
        {"contentType": "application/xml"}, "application/json", "application/xml"),
    "a content type other than that of bytes": (FORM_DATA, {**TEXT, "contentEncoding": "base64"}, None,
        {"contentType": "image/png"}, "application/octet-stream", "image/png"),
    "a content type other than that of a file": (FORM_DATA, {**TEXT, "format": "binary"}, None,
        {"contentType": "image/png"}, "application/octet-stream", "image/png"),
    "a content type other than that of any value": (
        FORM_DATA, {}, None, {"contentType": "text/plain"}, "application/octet-stream", "text/plain"),
    "a content type of a URL-encoded part": (
        URLENCODED, TEXT, None, {"contentType": "application/json"}, "text/plain", "application/json"),
    "another style": (URLENCODED, TEXTS, {"style": "pipeDelimited"}, {"style": "spaceDelimited"},
        '["pipeDelimited", false]', '["spaceDelimited", false]'),
    "another style than the default": (
        URLENCODED, OBJECT, None, {"style": "deepObject"}, '["form", true]', '["deepObject", false]'),
    "items that are no longer separate": (
        URLENCODED, TEXTS, None, {"explode": False}, '["form", true]', '["form", false]'),
    "a style instead of the default content type": (FORM_DATA, TEXTS, None, {"style": "pipeDelimited"},
        "text/plain", '["pipeDelimited", false]'),
    "a style instead of JSON": (
        FORM_DATA, OBJECT, None, {"style": "form"}, "application/json", '["form", true]'),
    "a content type instead of a style": (FORM_DATA, TEXT, {"style": "pipeDelimited"}, {"contentType": "image/png"},
        '["pipeDelimited", false]', "image/png"),
    "a content type instead of a style that writes plain text": (
        FORM_DATA, TEXT, {"style": "form"}, {"contentType": "image/png"}, "text/plain", "image/png"),
    "JSON instead of a style": (URLENCODED, OBJECT, {"style": "form"}, {"contentType": "application/json"},
        '["form", true]', "application/json"),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGED)
def test_another_encoding_is_breaking_in_both_directions(name: str) -> None:
    """The only finding shows the encodings of both sides, defaults included."""
    media, schema, old, new, before, after = CHANGED[name]
    forward, back = f"{before} → {after}", f"{after} → {before}"
    assert in_four_directions(media, media_type(schema, old), media_type(schema, new)) == [
        f"request-body-encoding-changed: {forward}",
        f"request-body-encoding-changed: {back}",
        f"response-body-encoding-changed: {forward}",
        f"response-body-encoding-changed: {back}",
    ]


WIDENED: dict[str, tuple[str, Doc, Any, Any, str, str]] = {
    "a further content type": (FORM_DATA, TEXT, {"contentType": "image/png"},
        {"contentType": "image/png, image/jpeg"}, "image/png", "image/jpeg, image/png"),
    "a range of content types": (FORM_DATA, TEXT, {"contentType": "image/png"}, {"contentType": "image/*"},
        "image/png", "image/*"),
    "a content type in addition to the default": (FORM_DATA, TEXT, None, {"contentType": "text/plain, text/csv"},
        "text/plain", "text/csv, text/plain"),
    "reserved characters": (
        URLENCODED, TEXT, None, {"allowReserved": True}, "allowReserved: false", "allowReserved: true"),
}  # fmt: skip


@pytest.mark.parametrize("name", WIDENED)
def test_a_further_encoding_is_breaking_in_a_response_and_its_removal_in_a_request(name: str) -> None:
    """A request is only widened by it, and a response that no longer has it yields no finding."""
    media, schema, old, new, before, after = WIDENED[name]
    forward, back = f"{before} → {after}", f"{after} → {before}"
    assert in_four_directions(media, media_type(schema, old), media_type(schema, new)) == [
        f"request-body-widened: {forward}",
        f"request-body-encoding-changed: {back}",
        f"response-body-encoding-changed: {forward}",
        "nothing",
    ]


HEADER: Doc = {"schema": TEXT}
SAME: dict[str, tuple[str, Doc, Any, Any]] = {
    "the default of a text": (FORM_DATA, TEXT, None, {"contentType": "text/plain"}),
    "the default of texts": (FORM_DATA, TEXTS, None, {"contentType": "text/plain"}),
    "the default of an object": (FORM_DATA, OBJECT, None, {"contentType": "application/json"}),
    "the default of any value": (FORM_DATA, {}, None, {"contentType": "application/octet-stream"}),
    "the default style": (URLENCODED, TEXTS, None, {"style": "form", "explode": True}),
    "a style that writes plain text": (FORM_DATA, TEXTS, None, {"style": "form"}),
    "the default of explode": (URLENCODED, TEXTS, {"style": "pipeDelimited"},
        {"style": "pipeDelimited", "explode": False}),
    "explode of a value without members": (URLENCODED, TEXT, None, {"explode": False}),
    "explode of a deep object": (URLENCODED, OBJECT, {"style": "deepObject"},
        {"style": "deepObject", "explode": True}),
    "no reserved characters": (URLENCODED, TEXT, None, {"allowReserved": False}),
    "a content type beside a style": (FORM_DATA, TEXTS, {"style": "form"}, {"style": "form", "contentType": "a/b"}),
    "a style in a body without styles": (MIXED, TEXTS, None, {"style": "pipeDelimited", "allowReserved": True}),
    "a header in a body without headers": (URLENCODED, TEXT, None, {"headers": {"X-A": HEADER}}),
    "the content type as a header": (FORM_DATA, TEXT, None, {"headers": {"Content-Type": HEADER}}),
    "an encoding of a body that is not a form": ("application/json", TEXT, None, {"contentType": "image/png"}),
}  # fmt: skip


@pytest.mark.parametrize("name", SAME)
def test_an_encoding_that_means_the_same_is_no_finding(name: str) -> None:
    media, schema, old, new = SAME[name]
    assert in_four_directions(media, media_type(schema, old), media_type(schema, new)) == ["nothing"] * 4


def test_the_encoding_of_a_property_that_one_side_does_not_declare_is_not_compared() -> None:
    """A property that came with an encoding is reported as a property, and an encoding without one has no effect."""
    encoding = {"contentType": "image/png"}
    old, new = media_type(TEXT, None), media_type(TEXT, encoding)
    new["schema"]["properties"]["c"] = TEXT
    new["encoding"] = {"c": encoding}
    forward, back = summaries(sent(FORM_DATA, old), sent(FORM_DATA, new)), "request-property-removed @requestBody.c: c"
    assert forward == f"new-optional-request-property @requestBody.c: c in {FORM_DATA}"
    assert summaries(sent(FORM_DATA, new), sent(FORM_DATA, old)) == f"{back} in {FORM_DATA}"
    undeclared = media_type(TEXT, encoding, name="other")
    assert in_four_directions(FORM_DATA, media_type(TEXT, None), undeclared) == ["nothing"] * 4


def test_a_header_of_a_part_is_compared_like_one_of_the_message_that_contains_it() -> None:
    """In a request like a parameter, in a response like a response header; the case of its name is ignored."""
    old = media_type(TEXT, {"headers": {"X-A": HEADER, "X-B": HEADER}})
    new = media_type(TEXT, {"headers": {"x-a": {**HEADER, "required": True}, "X-C": {**HEADER, "required": True}}})
    assert in_four_directions(FORM_DATA, old, new) == [
        "new-required-request-parameter header x-c: X-C; request-parameter-became-required header x-a: "
        "optional → required; request-parameter-removed header x-b: X-B",
        "new-optional-request-parameter header x-b: X-B; request-parameter-became-optional header x-a: "
        "required → optional; request-parameter-removed header x-c: X-C",
        "optional-response-header-removed header x-b: X-B; response-header-added header x-c: X-C; "
        "response-header-became-required header x-a: optional → required",
        "required-response-header-removed header x-c: X-C; response-header-added header x-b: X-B; "
        "response-header-became-optional header x-a: required → optional",
    ]
