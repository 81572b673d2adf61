"""The bodies that the suite generates, as parsers of the standard library read them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from email import message_from_bytes
from typing import Any
from urllib.parse import parse_qsl

import pytest

from pytest_bctrl.contract.read import from_document
from pytest_bctrl.secrets.secret import Secret
from pytest_bctrl.suite.operations import requestable_operations
from pytest_bctrl.suite.request_bodies import request_body
from pytest_bctrl.suite.run import ContractRun, with_mock
from pytest_bctrl.suite.sending.target import Target
from tests.contract.documents import document
from tests.run_probes import run_probes

FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
FIELDS = {
    "name": {"const": "Ada & co = 1"},
    "age": {"const": 36},
    "tags": {"type": "array", "items": {"enum": ["a"]}, "minItems": 2, "maxItems": 2},
    "place": {"type": "object", "properties": {"zip": {"const": "12"}}, "required": ["zip"]},
}
SCHEMA = {"type": "object", "properties": FIELDS, "required": list(FIELDS)}
JSON_PLACE = ("place", '{"zip":"12"}')
SCALARS = [("name", "Ada & co = 1"), ("age", "36")]


def new_run(media_type: str, schema: Any, encoding: Mapping[str, Any]) -> ContractRun:
    """Return a run against the mock of a contract with one operation, which requires a body."""
    body = {"required": True, "content": {media_type: {"schema": schema, "encoding": encoding}}}
    operation = {"requestBody": body, "responses": {"204": {"description": ""}, "422": {"description": ""}}}
    data = {**document(), "paths": {"/items": {"post": operation}}}
    contract = from_document(data, "an.json")
    return with_mock(ContractRun("mock", contract, "", Secret(""), {}, "error", 20))


def fields(content_type: str, body: bytes) -> list[tuple[str, str]]:
    """Return names and texts of the fields of a form."""
    if content_type == FORM:
        return parse_qsl(body.decode("ascii"), keep_blank_values=True, strict_parsing=True)
    message = message_from_bytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body)
    assert not message.defects
    return [
        (str(part.get_param("name", header="content-disposition")), part.get_payload(decode=True).decode())  # type: ignore[union-attr]
        for part in message.get_payload()
    ]


@pytest.mark.parametrize("media_type", [FORM, MULTIPART])
@pytest.mark.parametrize(
    ("encoding", "expected"),
    [
        ({}, [*SCALARS, ("tags", "a"), ("tags", "a"), JSON_PLACE]),
        ({"tags": {"explode": False, "style": "form"}}, [*SCALARS, ("tags", "a,a"), JSON_PLACE]),
        ({"tags": {"contentType": "application/json"}}, [*SCALARS, ("tags", '["a", "a"]'), JSON_PLACE]),
        ({"place": {"style": "deepObject"}}, [*SCALARS, ("tags", "a"), ("tags", "a"), ("place[zip]", "12")]),
    ],
)
def test_a_form_has_a_field_per_property(
    media_type: str, encoding: Mapping[str, Any], expected: list[tuple[str, str]]
) -> None:
    run = new_run(media_type, SCHEMA, encoding)
    generated = request_body(run, run.operations[0])
    assert generated is not None

    assert _read_json(expected) == _read_json(fields(*generated))
    statuses: set[int] = set()
    target = Target(run, observe=lambda response, *_: statuses.add(response.status))
    assert [] == run_probes(target)
    target.close()
    assert 204 in statuses


def _read_json(pairs: list[tuple[str, str]]) -> list[tuple[str, Any]]:
    """Return pairs with objects and lists in place of their JSON, whose spaces do not matter."""
    return [(name, json.loads(text) if text[:1] in "[{" else text) for name, text in pairs]


def test_a_part_has_its_documented_media_type() -> None:
    schema = {"type": "object", "properties": {"file": {"type": "string"}}, "required": ["file"]}
    run = new_run(MULTIPART, schema, {"file": {"contentType": "image/png, image/jpeg"}})
    generated = request_body(run, run.operations[0])

    assert generated is not None
    assert b"Content-Type: image/png\r\n" in generated[1]


@pytest.mark.parametrize(
    ("media_type", "schema"),
    [
        (FORM, {"type": "object", "properties": {"a": {"type": "string", "pattern": "(?!)"}}, "required": ["a"]}),
        (FORM, {"type": "array"}),
        ("application/xml", {"type": "object"}),
    ],
)
def test_a_body_that_cannot_be_generated_is_named(media_type: str, schema: Any) -> None:
    run = new_run(media_type, schema, {})

    assert request_body(run, run.operations[0]) is None
    assert [] == requestable_operations(run)
