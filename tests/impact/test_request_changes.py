"""Requests that the new contract rejects, and paging that it introduces: data in, a response out."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from pytest_bctrl.contract.read import from_document
from pytest_bctrl.drift import compare
from pytest_bctrl.http.message import MockResponse, Payload, Request
from pytest_bctrl.http.routes import Routes
from pytest_bctrl.impact.change import Change, ResponseContext
from pytest_bctrl.impact.response_changes import changes_from_drift
from tests.contract.documents import document
from tests.impact.simulation import body_after, context_of

_BODY = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {"type": "string"},
        "size": {"type": "integer", "maximum": 10},
        "parts": {"type": "array", "items": {"type": "object", "properties": {"x": {"type": "string"}}}},
    },
}


def _old() -> Any:
    """Return a spec with an operation that creates a thing."""
    spec = document({"type": "object"})
    spec["paths"]["/v1/things/{id}"]["post"] = {
        "operationId": "create",
        "parameters": [
            {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}},
            {"name": "limit", "in": "query", "schema": {"type": "integer", "maximum": 9, "minimum": 0}},
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": copy.deepcopy(_BODY)}}},
        "responses": {"200": {"description": "created"}, "400": {"description": "bad"}, "422": {"description": "no"}},
    }
    return spec


def _post(spec: Any) -> Any:
    """Return the operation that creates a thing."""
    return spec["paths"]["/v1/things/{id}"]["post"]


def _properties(spec: Any) -> Any:
    """Return the properties of the body of a request that creates a thing."""
    return _post(spec)["requestBody"]["content"]["application/json"]["schema"]["properties"]


def _required_owner(spec: Any) -> None:
    """Require a new property of the body."""
    schema = _post(spec)["requestBody"]["content"]["application/json"]["schema"]
    schema["required"].append("owner")
    schema["properties"]["owner"] = {"type": "string"}


def _changes(of_spec: Callable[[Any], Any], old: Any) -> dict[str, Change]:
    """Return the changes of a changed copy of a spec, by rule and location."""
    new = copy.deepcopy(old)
    of_spec(new)
    findings = compare(old, new)
    changes = changes_from_drift(findings, from_document(old, "old"), from_document(new, "new"), "key", "space")
    return {f"{change.finding.rule} {change.finding.location}": change for change in changes}


def _status(change: Change, body: Any, *, old: Any, query: str = "", item: str = "a") -> int:
    """Return the status of the response to a POST request with this body after a change; 200 before it."""
    headers = (("content-type", "application/json"),)
    request = Request("POST", f"/v1/things/{item}{query}", headers, json.dumps(body).encode())
    match = Routes(from_document(old, "old")).match(request.target)
    assert match is not None
    assert change.transform is not None
    context = ResponseContext(request, match.of("POST"), match.values, MockResponse(200, (), Payload(b"{}")))
    return change.transform(context).status


def _all_at_once(spec: Any) -> None:
    """Restrict the body, the query parameter and the path parameter in eight ways."""
    _required_owner(spec)
    _properties(spec)["size"].update(maximum=5)
    _properties(spec)["name"].update(maxLength=3)
    _properties(spec)["parts"]["items"].update(required=["y"], properties={"x": {"type": "integer"}})
    _post(spec)["parameters"][1]["schema"].update(maximum=5, minimum=2)
    _post(spec)["parameters"][0]["schema"].update(pattern="^[a-f]+$")


@pytest.mark.parametrize(
    ("change", "body", "query", "item", "is_rejected"),
    [
        ("new-required-request-property requestBody.owner", {"name": "abcd", "size": 7}, "", "a", True),
        ("new-required-request-property requestBody.owner", {"name": "abcd", "owner": "me"}, "", "a", False),
        ("request-property-max-decreased requestBody.size", {"name": "a", "size": 7}, "", "a", True),
        ("request-property-max-decreased requestBody.size", {"name": "abcd", "size": 5}, "", "a", False),
        # The old contract rejects it too.
        ("request-property-max-decreased requestBody.size", {"name": "a", "size": 70}, "", "a", False),
        ("request-property-max-length-set requestBody.name", {"name": "abcd", "size": 7}, "", "a", True),
        ("request-property-max-length-set requestBody.name", {"name": "abc", "size": 7}, "", "a", False),
        ("new-required-request-property requestBody.parts[*].y", {"name": "a", "parts": [{}]}, "", "a", True),
        ("new-required-request-property requestBody.parts[*].y", {"name": "a", "parts": [{"y": 1}]}, "", "a", False),
        ("request-property-type-changed requestBody.parts[*].x", {"name": "a", "parts": [{"x": "s"}]}, "", "a", True),
        ("request-parameter-max-decreased query limit", {"name": "a"}, "?limit=7", "a", True),
        ("request-parameter-max-decreased query limit", {"name": "a"}, "?limit=1", "a", False),
        ("request-parameter-min-increased query limit", {"name": "a"}, "?limit=1", "a", True),
        ("request-parameter-min-increased query limit", {"name": "a"}, "?limit=7", "a", False),
        ("request-parameter-pattern-added path {id}", {"name": "a"}, "", "xyz", True),
        ("request-parameter-pattern-added path {id}", {"name": "a"}, "?limit=7", "abc", False),
    ],
)
def test_a_change_rejects_exactly_the_requests_that_it_affects(
    change: str, body: Any, query: str, item: str, is_rejected: bool
) -> None:
    """Eight changes in one document: none of them rejects a request because of another."""
    old = _old()

    status = _status(_changes(_all_at_once, old)[change], body, old=old, query=query, item=item)

    assert (status in (400, 404, 422)) is is_rejected
    assert status == 200 or is_rejected


@pytest.mark.parametrize(("status", "item"), [(409, "things"), (200, "others")])
def test_a_change_leaves_errors_and_other_operations_as_they_are(status: int, item: str) -> None:
    """A request with an invalid parameter that gets an error already, or that is for another operation."""
    old = _old()
    old["paths"]["/v1/others/{id}"] = copy.deepcopy(old["paths"]["/v1/things/{id}"])
    change = _changes(_all_at_once, old)["request-parameter-max-decreased query limit"]
    response = MockResponse(status, (), Payload(b"{}"))
    assert change.transform is not None

    assert change.transform(context_of(old, response, "POST", f"/v1/{item}/a?limit=7")) is response


def test_a_new_required_body_rejects_requests_without_one() -> None:
    """The changed response has status 400."""
    old = _old()
    content = _post(old).pop("requestBody")["content"]

    def of_spec(spec: Any) -> None:
        _post(spec)["requestBody"] = {"required": True, "content": content}

    [(name, change)] = _changes(of_spec, old).items()
    assert name == "request-body-added-required requestBody"
    assert change.transform is not None
    request = Request("POST", "/v1/things/a")
    operation = Routes(from_document(old, "old")).match("/v1/things/a")
    assert operation is not None
    context = ResponseContext(request, operation.of("POST"), {"id": "a"}, MockResponse(200, (), Payload(b"{}")))
    assert change.transform(context).status == 400


def test_another_media_type_rejects_a_body() -> None:
    """JSON, where the changed spec has CSV, gets 400, 415 or 422."""
    old = _old()

    def of_spec(spec: Any) -> None:
        content = _post(spec)["requestBody"]["content"]
        content["text/csv"] = content.pop("application/json")

    change = _changes(of_spec, old)["request-body-media-type-removed requestBody application/json"]
    assert _status(change, {"name": "a"}, old=old) in (400, 415, 422)


_ITEM = {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}}}


def _listing() -> Any:
    """Return a spec with a list of items and no paging."""
    return document(
        {"type": "object", "required": ["items"], "properties": {"items": {"type": "array", "items": _ITEM}}}
    )


def _get(spec: Any) -> Any:
    """Return the operation that lists items."""
    return spec["paths"]["/v1/things/{id}"]["get"]


def _with_paging(member: str, parameter: str, schema: Any) -> Callable[[Any], None]:
    """Return a change that adds paging: a member of the body with this schema, and a query parameter.

    If the name of the member has a dot, it is nested. The change adds another member too, which is not of the paging.
    """

    def of_spec(spec: Any) -> None:
        operation = _get(spec)
        kind = {"type": "integer"} if parameter in ("page", "offset") else {"type": "string"}
        operation.setdefault("parameters", []).append({"name": parameter, "in": "query", "schema": kind})
        limit = {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 50}}
        operation["parameters"].append(limit)
        body = operation["responses"]["200"]["content"]["application/json"]["schema"]
        outer, _, name = member.rpartition(".")
        added = {name: schema}
        if outer:
            added = {outer: {"type": "object", "properties": added}}
        body["properties"].update({**added, "note": {"type": "string"}})
        # Another change of the same document, which no page shows.
        body["properties"]["items"]["items"]["properties"]["id"] = {"type": "integer"}

    return of_spec


_CURSOR = {"type": ["string", "null"]}


@pytest.mark.parametrize(
    ("member", "parameter", "schema"),
    [
        ("nextCursor", "cursor", _CURSOR),
        # The last page has no such member.
        ("nextCursor", "cursor", {"type": "string"}),
        ("nextCursor", "cursor", {"type": "string", "format": "uuid"}),
        # No known format of a cursor is valid.
        ("nextCursor", "cursor", {"type": "string", "pattern": "^!"}),
        ("meta.nextCursor", "cursor", _CURSOR),
        ("hasMore", "starting_after", {"type": "boolean"}),
        ("hasMore", "page", {"type": "boolean"}),
        ("total", "offset", {"type": "integer"}),
    ],
)
def test_introduced_paging_returns_real_pages(member: str, parameter: str, schema: Any) -> None:
    """A client that follows the pages gets every item exactly once; the first page has three of five."""
    old = _listing()
    changes = _changes(_with_paging(member, parameter, schema), old)
    change = changes[f"response-optional-property-added {member.partition('.')[0]}"]
    assert change.transform is not None
    assert "items[*]" in change.locations
    body = {"items": [{"id": str(number)} for number in range(5)]}
    routes = Routes(from_document(old, "old"))

    received: list[str] = []
    query = ""
    for number in range(10):
        request = Request("GET", f"/v1/things/a{query}")
        match = routes.match(request.target)
        assert match is not None
        before = MockResponse(200, (("Content-Type", "application/json"),), Payload(json.dumps(body).encode()))
        page = json.loads(change.transform(ResponseContext(request, match.of("GET"), match.values, before)).body)
        received += [item["id"] for item in page["items"]]
        assert number or len(page["items"]) == 3
        if parameter == "cursor":
            following = page.get("meta", page).get("nextCursor")
        elif parameter == "page":
            following = number + 2 if page["hasMore"] else None
        elif parameter == "starting_after":
            following = received[-1] if page["hasMore"] else None
        else:
            following = len(received) if len(received) < page["total"] else None
        if following is None:
            break
        query = f"?{parameter}={following}"
        if parameter == "page":
            query += "&limit=3"
    assert received == [item["id"] for item in body["items"]]


def test_a_member_beside_introduced_paging_leaves_the_list_as_it_is() -> None:
    """A new member that refers to no page is added, and all items are sent."""
    old = _listing()
    change = _changes(_with_paging("nextCursor", "cursor", _CURSOR), old)["response-optional-property-added note"]
    body = {"items": [{"id": str(number)} for number in range(5)]}

    changed = body_after(change, old, body)

    assert isinstance(changed.pop("note"), str)
    assert changed == body


@pytest.mark.parametrize(
    ("base_url", "url"),
    [("", "http://127.0.0.1:1/v1/things/a"), ("https://a.example/api", "https://a.example/api/v1/things/a")],
)
def test_a_link_to_the_next_page_has_the_url_of_the_request(base_url: str, url: str) -> None:
    """A new `Link` header makes the first page shorter and names the base URL that was requested."""
    old = _listing()

    def of_spec(spec: Any) -> None:
        _get(spec)["responses"]["200"]["headers"] = {"Link": {"schema": {"type": "string"}}}

    [change] = _changes(of_spec, old).values()
    assert change.transform is not None
    routes = Routes(from_document(old, "old"))
    match = routes.match("/v1/things/a")
    assert match is not None
    body = json.dumps({"items": [{"id": "1"}, {"id": "2"}]}).encode()
    request = Request("GET", "/v1/things/a", (("host", "127.0.0.1:1"),), base_url=base_url)
    context = ResponseContext(request, match.of("GET"), match.values, MockResponse(200, (), Payload(body)))
    response = change.transform(context)

    assert json.loads(response.body)["items"] == [{"id": "1"}]
    link = response.header("link") or ""
    assert link.endswith('; rel="next"')
    assert link[1 : link.index(">")].partition("?")[0] == url


@pytest.mark.parametrize("body", [b"{", b'{"items": [{"id": "1"}]}', b'{"items": 3}'])
def test_a_body_without_two_items_has_no_further_page(body: bytes) -> None:
    """A body that is truncated, has one item or no list leaves the response unchanged, with status 200 or 404."""
    old = _listing()
    changes = _changes(_with_paging("nextCursor", "cursor", {"type": ["string", "null"]}), old)
    [change] = [change for name, change in changes.items() if name.endswith(" nextCursor")]
    assert change.transform is not None
    match = Routes(from_document(old, "old")).match("/v1/things/a")
    assert match is not None
    for status in (200, 404):
        response = MockResponse(status, (), Payload(body))
        context = ResponseContext(Request("GET", "/v1/things/a"), match.of("GET"), match.values, response)
        assert change.transform(context) is response
