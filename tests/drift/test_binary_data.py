"""Binary data as OpenAPI 3.0 and 3.1 write it: base64 in JSON, and raw bytes in bodies and parts of forms."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from pytest_bctrl.drift import compare

from .pairs import Doc

OCTETS = "application/octet-stream"
BINARY: Doc = {"type": "string", "format": "binary"}
BYTE: Doc = {"type": "string", "format": "byte"}
BASE64: Doc = {"type": "string", "contentEncoding": "base64"}
BYTES: Doc = {"contentMediaType": OCTETS}
NO_SCHEMA = None


def documents(media_type: str, schema: Any, version: str) -> list[Doc]:
    """Return a document with a request body of a media type, and one with a response body; without a schema if None."""
    media = {} if schema is NO_SCHEMA else {"schema": schema}
    content: Doc = {"content": {media_type: media}}
    ok: Doc = {"responses": {"200": {"description": "ok"}}}
    operations = [
        {**ok, "requestBody": {"required": True, **content}},
        {"responses": {"200": {"description": "ok", **content}}},
    ]
    head = {"openapi": version, "info": {"title": "t", "version": "1"}}
    return [{**head, "paths": {"/a": {"post": operation}}} for operation in operations]


def form(part: Any, **keywords: Any) -> Doc:
    """Return the schema of an object with a required property, and a name."""
    return {"type": "object", "properties": {"f": part, "name": {"type": "string"}}, "required": ["f"], **keywords}


FORM = "multipart/form-data"
SAME: dict[str, tuple[str, list[Any]]] = {
    "base64 in JSON": ("application/json", [form(BYTE), form(BASE64)]),
    "base64 or a number": (
        "application/json", [form({"anyOf": [text, {"type": "integer"}]}) for text in (BYTE, BASE64)]),
    "base64 or null": ("application/json", [form({"oneOf": [text, {"type": "null"}]}) for text in (BYTE, BASE64)]),
    "base64 in a form": (FORM, [form(BYTE), form(BASE64)]),
    "base64 as a body": ("image/png", [BYTE, BASE64, {**BASE64, "contentMediaType": "image/png"}]),
    "base64 in a list": ("application/json", [{"type": "array", "items": BYTE}, {"type": "array", "items": BASE64}]),
    "base64 of a length": ("application/json", [form({**BYTE, "maxLength": 9}), form({**BASE64, "maxLength": 9})]),
    "a part of a form": (FORM, [form(BINARY), form(BYTES), form({**BYTES, "type": "string"}), form({})]),
    "a part of a mixed body": ("multipart/mixed", [form(BINARY), form(BYTES), form({})]),
    "a part of a form without other parts": (
        FORM, [form(part, additionalProperties=False) for part in (BINARY, BYTES, {})]),
    "parts of a form": (FORM, [form({"type": "array", "items": part}) for part in (BINARY, BYTES, {})]),
    "a part of one of the alternatives": (FORM, [
        {"oneOf": [form(part), {"type": "object", "required": ["url"], "maxProperties": 1}]} for part in (BINARY, {})]),
    "bytes": (OCTETS, [BINARY, {}, BYTES, True, NO_SCHEMA]),
    "bytes with a parameter": (f"{OCTETS}; v=1", [BINARY, {}, NO_SCHEMA]),
    "an image": ("image/png", [BINARY, {}, {"contentMediaType": "image/png"}, NO_SCHEMA]),
    "a drawing": ("image/svg+xml", [BINARY, {}, NO_SCHEMA]),
    "images": ("image/*", [BINARY, {}, NO_SCHEMA]),
    "a file": ("application/pdf", [BINARY, {}, {"contentMediaType": "application/pdf"}, NO_SCHEMA]),
}  # fmt: skip


@pytest.mark.parametrize("versions", [("3.0.3", "3.1.0"), ("3.1.0", "3.0.3"), ("3.1.0", "3.1.0")])
@pytest.mark.parametrize("name", SAME)
def test_the_same_binary_data_is_no_change(name: str, versions: tuple[str, str]) -> None:
    media_type, schemas = SAME[name]
    for old, new in permutations(schemas, 2):
        sides = documents(media_type, old, versions[0]), documents(media_type, new, versions[1])
        for base, revision in zip(*sides, strict=True):
            assert compare(base, revision) == []


OTHER: dict[str, tuple[str, Any, Any]] = {
    "another base64": ("application/json", form(BYTE), form({**BASE64, "contentEncoding": "base64url"})),
    "a text that is not base64": ("application/json", form(BYTE), form({"type": "string"})),
    "base64 of a type": ("application/json", form(BYTE), form({**BASE64, "contentMediaType": "image/png"})),
    "any JSON": ("application/json", BINARY, {}),
    "any JSON in a property": ("application/json", form(BINARY), form({})),
    "any JSON in a part of a form": (FORM, form(form(BINARY)), form(form({}))),
    "a text": ("text/plain", BINARY, {}),
    "a text of any type": ("*/*", BINARY, {}),
    "a field of a form without parts": ("application/x-www-form-urlencoded", form(BINARY), form({})),
    "base64 and any part": (FORM, form(BYTE), form({})),
    "a part of a type": (FORM, form(BINARY), form({"contentMediaType": "image/png"})),
    "bytes of a length": (OCTETS, {**BINARY, "maxLength": 9}, NO_SCHEMA),
    "bytes of a list": (OCTETS, BINARY, {"enum": ["a"]}),
    "no bytes": (OCTETS, BINARY, False),
    "another type": (OCTETS, BINARY, {"type": "object"}),
    "an object of any kind": (OCTETS, BINARY, {"properties": {"a": {"type": "string"}}}),
}


@pytest.mark.parametrize("name", OTHER)
def test_other_data_is_an_error_in_one_direction_at_least(name: str) -> None:
    media_type, old, new = OTHER[name]
    sides = documents(media_type, old, "3.0.3"), documents(media_type, new, "3.1.0")
    for base, revision in zip(*sides, strict=True):
        findings = compare(base, revision) + compare(revision, base)
        assert {"error", "warning"} & {finding.level for finding in findings}


def test_a_part_that_got_headers_keeps_its_default_content_type() -> None:
    """It is that of binary data, however the schema says so."""
    encoding = {"f": {"headers": {"X-A": {"schema": {"type": "string"}}}}}
    for old, new in permutations([BINARY, {}, {**BYTES, "type": "string"}], 2):
        base, revision = (documents(FORM, form(part), "3.1.0")[0] for part in (old, new))
        for document in (base, revision):
            document["paths"]["/a"]["post"]["requestBody"]["content"][FORM]["encoding"] = encoding
        assert compare(base, revision) == []
