"""The mock of a custom contract, which knows only its document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from pytest_bctrl.contract.model import Contract
from pytest_bctrl.contract.read import from_document
from pytest_bctrl.errors import DocumentError, SettingError
from pytest_bctrl.traffic.mock import MockServer

from .asking import ask

PROBLEM = {
    "type": "object",
    "properties": {"title": {"type": "string"}, "status": {"type": "integer"}, "detail": {"type": "string"}},
    "required": ["title", "status"],
}
BOX = {
    "type": "object",
    "properties": {"id": {"type": "integer", "minimum": 1}, "label": {"type": "string"}},
    "required": ["id"],
    "additionalProperties": False,
}


def response(schema: Any = None, media: str = "application/json") -> dict[str, Any]:
    """Return a documented response; without content if the schema is None."""
    return {"description": "", **({} if schema is None else {"content": {media: {"schema": schema}}})}


def document(**changes: Any) -> Contract:
    """Return the contract of the boxes, with some members of its document replaced."""
    error = response(PROBLEM, "application/problem+json")
    boxes = {"type": "object", "properties": {"boxes": {"type": "array", "items": BOX}}, "required": ["boxes"]}
    return from_document(
        {
            "openapi": "3.1.0",
            "info": {"title": "Boxes", "version": "2"},
            "servers": [{"url": "https://boxes.test/api"}],
            "paths": {
                "/boxes": {
                    "get": {"operationId": "list", "responses": {"200": response(boxes), "4XX": error}},
                    "post": {"operationId": "add", "responses": {"201": response(BOX), "4XX": error}},
                },
                "/boxes/{box}/lid": {
                    "parameters": [{"name": "box", "in": "path", "required": True, "schema": {"type": "string"}}],
                    "delete": {"operationId": "open", "responses": {"204": response()}},
                },
            },
            **changes,
        },
        "boxes",
    )


@pytest.fixture
def boxes() -> Iterator[MockServer]:
    """Return a running mock of the boxes."""
    with MockServer(document()) as server:
        yield server


def test_operations_of_a_custom_contract_are_served(boxes: MockServer) -> None:
    """Paths, methods, statuses and bodies; no key is required, because none is documented."""
    listed, added = ask(boxes, "GET", "/boxes", {}), ask(boxes, "POST", "/boxes", {}, "{}")
    removed = ask(boxes, "DELETE", "/boxes/7/lid", {})
    assert (listed.status, set(listed.json())) == (200, {"boxes"})
    assert (added.status, added.json()["id"] >= 1) == (201, True)
    assert (removed.status, removed.body) == (204, b"")


def test_the_base_path_of_the_server_url_is_accepted(boxes: MockServer) -> None:
    """`/boxes` is served as `/api/boxes` too, because the server URL of the contract ends with `/api`."""
    assert ask(boxes, "GET", "/api/boxes", {}).status == 200


def test_only_documented_methods_are_allowed(boxes: MockServer) -> None:
    reply = ask(boxes, "PATCH", "/boxes", {}, "{}")
    assert (reply.status, reply.headers["allow"]) == (405, "GET, HEAD, OPTIONS, POST")
    assert ask(boxes, "GET", "/boxes/7/lid", {}).headers["allow"] == "DELETE, OPTIONS"


def test_errors_have_the_documented_body_and_media_type(boxes: MockServer) -> None:
    """The 404 is documented by the range `4XX`."""
    reply = ask(boxes, "GET", "/boxes", {"Prefer": "code=404"})
    assert reply.json() == {"title": "not_found", "status": 404}
    assert reply.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("name", ["error_msg", "errorMessage", "Message", "msg", "error-description"])
def test_the_reason_of_a_rejection_is_in_the_property_that_the_contract_has_for_it(name: str) -> None:
    error = {"type": "object", "required": [name], "properties": {name: {"type": "string"}}}
    body = {"type": "object", "required": ["error"], "properties": {"error": error}}
    parameters = [{"name": "page", "in": "query", "schema": {"type": "integer"}}]
    paths = {"/pages": {"get": {"parameters": parameters, "responses": {"200": response(), "400": response(body)}}}}
    with MockServer(document(paths=paths)) as server:
        reply = ask(server, "GET", "/pages?page=two", {"Authorization": f"Bearer {server.api_key}"})
    assert 400 == reply.status
    assert "query page: " in reply.json()["error"][name]


def test_rules_of_a_custom_contract_can_be_violated(boxes: MockServer) -> None:
    """`break_rule` adds an undocumented property to the last of three items."""
    boxes.scenario("many", count=3).fault("break_rule", "boxes[*]: additionalProperties")
    items = ask(boxes, "GET", "/boxes", {}).json()["boxes"]
    assert [set(item) - {"id", "label"} for item in items] == [set(), set(), {"undocumentedByMutant"}]


def test_a_string_limited_by_one_of_stays_short() -> None:
    """The scenario with long strings lengthens only unlimited ones."""
    text = {"oneOf": [{"type": "string"}, {"type": "string", "minLength": 99}]}
    schema = {"type": "object", "properties": {"a": text}, "required": ["a"]}
    paths = {"/x": {"get": {"responses": {"200": response(schema)}}}}
    with MockServer(document(paths=paths)).scenario("large", length=200) as mock:
        assert 99 > len(ask(mock, "GET", "/x", {}).json()["a"])


def test_the_list_of_a_custom_contract_can_be_replaced(boxes: MockServer) -> None:
    boxes.runtimes = [{"id": 1}]
    assert ask(boxes, "GET", "/boxes", {}).json() == {"boxes": [{"id": 1}]}


def test_an_operation_without_content_is_mocked() -> None:
    """A fault of the status applies to it; setting its data, or a fault of a JSON body, is an error."""
    bare = {"/x": {"get": {"responses": {"204": response()}}}}
    with MockServer(document(paths=bare)) as mock:
        assert 204 == ask(mock, "GET", "/x", {}).status
        assert {} == mock.not_mocked
        mock.fault("status", 503, times=1)
        assert [503, 204] == [ask(mock, "GET", "/x", {}).status for _ in range(2)]
        with pytest.raises(DocumentError, match=r"boxes: GET /x: it documents no successful JSON response"):
            mock.runtimes = []
        with pytest.raises(SettingError, match="no operation has a JSON response"):
            mock.fault("break_rule", "undocumented_property")


def test_an_operation_that_cannot_be_mocked_gets_501_with_the_reason() -> None:
    """Its schema has a pattern that cannot be generated; other operations are served, and `not_mocked` names it."""
    odd = {"type": "object", "properties": {"id": {"type": "string", "pattern": "^(?=a)x$"}}, "required": ["id"]}
    paths = {
        "/x": {"get": {"responses": {"200": response(odd)}}},
        "/y": {"get": {"responses": {"200": response({"const": 1})}}},
    }
    with MockServer(document(paths=paths)) as mock:
        refused, other = ask(mock, "GET", "/x", {}), ask(mock, "GET", "/y", {})
        (reason,) = mock.not_mocked.items()
    assert (501, "application/problem+json") == (refused.status, refused.headers["content-type"])
    assert refused.json()["detail"].startswith("the mock cannot respond to GET /x: ")
    assert (200, 1) == (other.status, other.json())
    assert "GET /x" == reason[0]
    assert "add 'examples' to the schema" in reason[1]


@pytest.mark.parametrize(
    ("media", "schema", "type_", "body"),
    [
        ("text/plain", {"const": "pong"}, "text/plain", b"pong"),
        ("text/csv; charset=utf-8", True, "text/csv; charset=utf-8", b"a sample"),
        ("image/png", {"type": "integer"}, "image/png", b"a sample"),
        ("*/*", {"const": "any"}, "text/plain", b"any"),
    ],
)
def test_a_response_other_than_json_has_its_documented_media_type(
    media: str, schema: Any, type_: str, body: bytes
) -> None:
    boxes = response({"type": "array", "items": BOX})
    paths = {
        "/boxes": {"get": {"responses": {"200": boxes}}},
        "/ping": {"get": {"responses": {"200": response(schema, media)}}},
    }
    with MockServer(document(paths=paths)) as mock:
        reply = ask(mock, "GET", "/ping", {})
    assert (200, type_, body) == (reply.status, reply.headers["content-type"], reply.body)


@pytest.mark.parametrize(
    ("accept", "status", "media", "body"),
    [
        ("*/*", 200, "application/vnd.box+json", b'[{"id":7}]'),
        ("text/csv, application/vnd.box+json;q=0.1", 200, "application/vnd.box+json", b'[{"id":7}]'),
        ("application/json", 200, "application/json", b'[{"id":7}]'),
        ("application/ld+json", 200, "application/ld+json", b'"linked"'),
        ("text/csv", 200, "text/csv; charset=utf-8", b"7"),
        ("text/*", 200, "text/csv; charset=utf-8", b"7"),
        ("text/html", 406, "application/problem+json", None),
    ],
)
def test_a_request_selects_a_documented_media_type(accept: str, status: int, media: str, body: bytes | None) -> None:
    """JSON comes first, and each media type with the schema of JSON has the data of the mock (RFC 9110, 12.5.1)."""
    boxes = {"schema": {"type": "array", "items": BOX}}
    content = {
        "*/*": boxes,
        "text/csv; charset=utf-8": {"schema": {"type": "string"}, "example": "7"},
        "application/vnd.box+json": boxes,
        "application/json": boxes,
        "application/ld+json": {"schema": {"const": "linked"}},
    }
    responses = {"200": {"description": "", "content": content}, "4XX": response(PROBLEM, "application/problem+json")}
    with MockServer(document(paths={"/boxes": {"get": {"responses": responses}}})) as mock:
        mock.runtimes = [{"id": 7}]
        reply = ask(mock, "GET", "/boxes", {"Accept": accept})
    assert (status, media) == (reply.status, reply.headers["content-type"])
    assert body in (None, reply.body)


@pytest.mark.parametrize(("accept", "media"), [("text/csv", "text/csv"), ("application/json", "image/png")])
def test_a_response_without_json_has_an_accepted_media_type_if_there_is_one(accept: str, media: str) -> None:
    """Otherwise its first, because clients that accept JSON only by default download images."""
    content = {"image/png": {}, "text/csv": {"schema": {"type": "string"}}}
    paths = {
        "/boxes": {"get": {"responses": {"200": response({"type": "array", "items": BOX})}}},
        "/export": {"get": {"responses": {"200": {"description": "", "content": content}}}},
    }
    with MockServer(document(paths=paths)) as mock:
        reply = ask(mock, "GET", "/export", {"Accept": accept})
    assert (200, media) == (reply.status, reply.headers["content-type"])


def test_the_journal_of_an_operation_has_its_requests_although_another_path_equals_its_own() -> None:
    """`/boxes/{number}` takes numbers, and `/boxes/{label}` any text."""
    paths = {
        f"/boxes/{{{name}}}": {
            "parameters": [{"name": name, "in": "path", "required": True, "schema": {"type": type_}}],
            "get": {"operationId": name, "responses": {"200": response({"const": name})}},
        }
        for name, type_ in (("label", "string"), ("number", "integer"))
    }
    with MockServer(document(paths=paths)) as mock:
        bodies = [ask(mock, "GET", f"/boxes/{value}", {}).json() for value in ("x", "7", "y")]
        requests = {name: [entry.path for entry in mock.operation(name).requests] for name in ("label", "number")}
    assert ["label", "number", "label"] == bodies
    assert {"label": ["/boxes/x", "/boxes/y"], "number": ["/boxes/7"]} == requests


def test_the_data_of_a_head_operation_are_those_of_its_documented_body() -> None:
    """Its response has no body, before and after a scenario; the data of its `operation` conform to the schema."""
    numbers = response({"type": "array", "items": {"type": "integer"}})
    with MockServer(document(paths={"/x": {"head": {"responses": {"200": numbers}}}})) as mock:
        operation = mock.operation("HEAD /x")
        initial, before = operation.body, ask(mock, "HEAD", "/x", {})
        operation.scenario("many", count=3)
        after = ask(mock, "HEAD", "/x", {})
    assert {int} == {type(number) for number in initial}
    assert [(200, b"")] * 2 == [(reply.status, reply.body) for reply in (before, after)]
