"""The mock rejects invalid requests with the documented error response, and its journal says why."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import jsonschema
import pytest

from pytest_bctrl import Journal, Level, MockServer, check_request
from pytest_bctrl.contract.model import Contract
from tests.request_checks.orders import ORDER, body, contract_of_paths, operation, response

VALID = {"qty": 1, "size": "s"}
ERROR = {
    "type": "object",
    "required": ["message", "code"],
    "properties": {"message": {"type": "string"}, "code": {"type": "string", "minLength": 1}},
    "additionalProperties": False,
}
ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}
LIMIT = {"name": "limit", "in": "query", "schema": {"type": "integer", "maximum": 100}}
FORM = {
    "type": "object",
    "required": ["name"],
    "properties": {"name": {"type": "string"}, "file": {"type": "string", "format": "binary"}},
}


def shop(*statuses: str) -> Contract:
    """Return a contract whose operations document an error response for each status."""
    errors = {status: response(ERROR) for status in statuses}
    paths: dict[str, Any] = {
        "/orders": {"post": body(ORDER)},
        "/form": {"post": body(FORM, "application/x-www-form-urlencoded")},
        "/upload": {"post": body({**FORM, "required": ["file"]}, "multipart/form-data")},
        "/orders/{id}": {"get": operation(parameters=[ID, LIMIT])},
    }
    for item in paths.values():
        for documented in item.values():
            documented["responses"] = {**documented["responses"], **errors}
    return contract_of_paths(paths)


@pytest.fixture
def mock() -> Iterator[MockServer]:
    """Return a running mock that documents 400, 415 and 422."""
    with MockServer(shop("400", "415", "422")) as server:
        yield server


JSON = {"Content-Type": "application/json"}
ROWS: dict[str, tuple[dict[str, Any], int, str]] = {
    "a value of an enum": ({"json": {**VALID, "size": "x"}}, 422, "body.size: the value is not one of the documented"),
    "an extra property": ({"json": {**VALID, "extra": 1}}, 422, "body.extra: the schema allows no further property"),
    "a number below the minimum": ({"json": {**VALID, "qty": 0}}, 422, "body.qty: the value breaks 'minimum'"),
    "a list": ({"json": []}, 422, "body: the value has the wrong type, array"),
    "truncated JSON": ({"content": b'{"qty": 1', "headers": JSON}, 400, "body: the body is not JSON"),
    "text": ({"content": "qty=1"}, 415, "header Content-Type: the body has no Content-Type"),
    "text/plain": ({"content": "a", "headers": {"Content-Type": "text/plain"}}, 415, "header Content-Type: the media"),
    "no body": ({}, 400, "body is required and missing"),
    "a form without a field": ({"path": "/form", "data": {"other": "x"}}, 422, "body.name: the required property"),
    "a multipart body without its file": (
        {"path": "/upload", "files": {"name": (None, b"x")}},
        422,
        "body.file: the required property is missing",
    ),
    "a path value of the wrong type": (
        {"method": "GET", "path": "/orders/abc"},
        400,
        "path id: the value has the wrong",
    ),
    "a query value of the wrong type": (
        {"method": "GET", "path": "/orders/7?limit=x"},
        400,
        "query limit: the value has the wrong type",
    ),
    "a query value out of range": (
        {"method": "GET", "path": "/orders/7?limit=101"},
        400,
        "query limit: the value breaks 'maximum'",
    ),
}


def sent(mock: MockServer, *, method: str = "POST", path: str = "/orders", **content: Any) -> httpx.Response:
    """Send a request and return the response, whose `request` has its body."""
    # Loading certificates takes longer than a test, and no server uses TLS.
    with httpx.Client(base_url=mock.url, verify=False) as client:
        request = client.build_request(method, path, **content)
        # A multipart body is a stream, which cannot be read afterwards.
        request.read()
        return client.send(request)


@pytest.mark.parametrize("row", ROWS)
def test_an_invalid_request_gets_the_documented_error(mock: MockServer, row: str) -> None:
    request, status, reason = ROWS[row]
    reply = sent(mock, **request)
    assert status == reply.status_code
    jsonschema.validate(reply.json(), ERROR)
    assert reply.json()["message"].startswith(reason)
    (entry,) = mock.requests
    assert entry.is_rejected
    assert entry.why.startswith(reason)
    assert "error" in {finding.level for finding in entry.findings}
    with pytest.raises(AssertionError, match=entry.findings[0].rule):
        mock.requests.assert_conforming()


def test_each_of_many_requests_is_validated(mock: MockServer) -> None:
    """More than the mock remembers, and twice; the valid ones are accepted, and the others rejected."""
    with httpx.Client(base_url=mock.url, verify=False) as client:
        for _ in range(2):
            statuses = [client.get(f"/orders/7?limit={limit}").status_code for limit in range(-60, 110)]
            assert [200] * 161 + [400] * 9 == statuses


@pytest.mark.parametrize(
    "request_",
    [
        {"json": VALID},
        {"path": "/form", "data": {"name": "x"}},
        {"path": "/upload", "files": {"file": b"x"}},
        {"method": "GET", "path": "/orders/7?limit=100"},
    ],
)
def test_a_valid_request_is_accepted(mock: MockServer, request_: dict[str, Any]) -> None:
    assert sent(mock, **request_).is_success
    assert [()] == [entry.findings for entry in mock.requests]
    mock.requests.assert_conforming(fail_on="info")


@pytest.mark.parametrize(
    ("documented", "row", "status"),
    [
        (["400"], "a list", 400),
        (["422"], "truncated JSON", 422),
        (["422"], "text/plain", 422),
        (["4XX"], "text/plain", 415),
        (["4XX", "400"], "a list", 400),
        (["4XX"], "a list", 422),
        (["404"], "a path value of the wrong type", 404),
        (["default"], "a list", 400),
    ],
)
def test_a_rejection_has_a_documented_status(documented: list[str], row: str, status: int) -> None:
    """The best one for the mistake, with its documented schema."""
    request, _, reason = ROWS[row]
    with MockServer(shop(*documented)) as mock:
        reply = sent(mock, **request)
    assert status == reply.status_code
    jsonschema.validate(reply.json(), ERROR)
    assert reply.json()["message"].startswith(reason)


@pytest.mark.parametrize("documented", [[], ["404", "500"]])
def test_without_a_documented_error_the_response_has_problem_details(documented: list[str]) -> None:
    with MockServer(shop(*documented)) as mock:
        reply = sent(mock, json=[])
    assert (400, "application/problem+json") == (reply.status_code, reply.headers["Content-Type"])
    assert {
        "type": "about:blank",
        "title": "Bad Request",
        "status": 400,
        "detail": "body: the value has the wrong type, array (expected object)",
    } == reply.json()


@pytest.mark.parametrize(
    ("request_", "level", "rule"),
    [
        ({"json": {**VALID, "id": 7}}, "warning", "read_only_property"),
        ({"method": "GET", "path": "/orders/7?limti=1"}, "info", "undocumented_parameter"),
    ],
)
def test_a_finding_below_the_level_error_does_not_reject_a_request(
    mock: MockServer, request_: dict[str, Any], level: Level, rule: str
) -> None:
    """The journal has the warning or info; `assert_conforming` raises only if it is to fail at that level."""
    assert sent(mock, **request_).is_success
    (entry,) = mock.requests
    assert [(level, rule)] == [(finding.level, finding.rule) for finding in entry.findings]
    mock.requests.assert_conforming()
    with pytest.raises(AssertionError, match=rule):
        mock.requests.assert_conforming(fail_on=level)


def test_the_assertion_shows_all_findings_and_the_requests(mock: MockServer) -> None:
    """Of 36 requests with four kinds of findings, 30 are listed, and the number of the others."""
    sent(mock, json={**VALID, "id": 7})
    for _ in range(33):
        sent(mock, json=[])
    sent(mock, method="GET", path="/nowhere")
    sent(mock, method="PUT")
    with pytest.raises(AssertionError) as failure:
        mock.requests.assert_conforming()
    text = str(failure.value)
    assert "error request_body: the value has the wrong type, array" in text
    assert "warning read_only_property" in text
    assert "error request_target: the contract documents no operation at this path" in text
    assert "error request_target: the contract does not document this method" in text
    assert "  POST /orders -> 422 (body: the value has the wrong type, array (expected object))\n" in text
    assert "  … 6 more" in text


def test_many_violations_are_listed_in_short(mock: MockServer) -> None:
    """The message of a 422 response has up to five violations, and then says how many more there are."""
    reply = sent(mock, json={"qty": 0, "size": "x", **{f"notes{number}": 1 for number in range(9)}, "password": 1})
    assert 3 <= reply.json()["message"].count(";")
    five = {"qty": 0, "size": 1, "notes": [1], "id": "x", "password": 1}
    assert "more" not in sent(mock, json=five).json()["message"]
    assert sent(mock, json={**five, "other": 1}).json()["message"].endswith("; and 1 more")


def test_no_credential_of_a_request_is_in_the_findings() -> None:
    """The journal entry of a request with an invalid header shows neither its bearer token nor its cookie."""
    get = operation(parameters=[{"name": "X-Trace", "in": "header", "schema": {"type": "integer"}}])
    with MockServer(contract_of_paths({"/orders": {"get": get}})) as mock:
        headers = {"X-Trace": "t0ps3cret", "Authorization": "Bearer t0ps3cret", "Cookie": "sid=t0ps3cret"}
        httpx.get(f"{mock.url}/orders", headers=headers)
        assert mock.requests[0].findings
        shown = repr(mock.requests[0])
        assert [] == [text for text in ("Bearer t0ps3cret", "sid=t0ps3cret") if text in shown]


def test_a_request_without_a_credential_has_a_finding() -> None:
    """A wrong credential gets 401 as well, but has no finding: only the mock knows the right one."""
    schemes = {"key": {"type": "apiKey", "in": "header", "name": "X-Key"}}
    paths = {"/orders": {"get": operation(security=[{"key": []}])}}
    with MockServer(contract_of_paths(paths, components={"securitySchemes": schemes})) as mock:
        assert 401 == httpx.get(f"{mock.url}/orders").status_code
        assert 401 == httpx.get(f"{mock.url}/orders", headers={"X-Key": "of another API"}).status_code
        missing, wrong = mock.requests
    assert ["request_credentials"] == [finding.rule for finding in missing.findings]
    assert (()) == wrong.findings
    assert "not accepted" in wrong.why


def test_the_mock_and_check_request_report_the_same_findings(mock: MockServer) -> None:
    """`check_request` of each invalid request returns what the journal of the mock has."""
    for request, _, _ in ROWS.values():
        reply = sent(mock, **request)
        assert check_request(reply.request, contract=mock.contract) == list(mock.requests[-1].findings)


def test_a_repeated_request_has_the_same_result(mock: MockServer) -> None:
    """A repeated request gets the same status; of 150 with different numbers, those below the minimum get 422."""
    for _ in range(200):
        assert 422 == sent(mock, json={**VALID, "qty": 0}).status_code
        assert sent(mock, json=VALID).is_success
        if len(mock.requests) > 20:
            break
    statuses = {number: sent(mock, json={**VALID, "qty": number}).status_code for number in range(-75, 75)}
    assert [*range(-75, 1)] == [number for number, status in statuses.items() if status == 422]
    assert {200, 422} == set(statuses.values())


def test_a_journal_without_findings_conforms() -> None:
    """`assert_conforming` of an empty journal passes at every level."""
    Journal("a key of the mock").assert_conforming(fail_on="info")


def test_a_json_body_must_be_utf_8(mock: MockServer) -> None:
    """UTF-8 with a non-ASCII letter is accepted; UTF-16 gets 400."""
    text = json.dumps({**VALID, "notes": ["ä"]}, ensure_ascii=False)
    assert sent(mock, content=text.encode(), headers=JSON).is_success
    assert 400 == sent(mock, content=text.encode("utf-16"), headers=JSON).status_code


@pytest.mark.parametrize(("count", "is_shown"), [(3, True), (100, False)])
def test_the_reason_of_a_rejection_repeats_only_a_short_list_of_values(count: int, is_shown: bool) -> None:
    """A query parameter with 3 or 100 documented values, and another value in the request."""
    colour = {"name": "colour", "in": "query", "schema": {"enum": [f"colour-{number}" for number in range(count)]}}
    paths = {"/shirts": {"get": operation(parameters=[colour])}}
    with MockServer(contract_of_paths(paths)) as mock:
        sent(mock, method="GET", path="/shirts", params={"colour": "red"})
    why = mock.requests[-1].why
    assert "query colour: the value is not one of the documented" in why
    assert is_shown == ("(expected colour-0 or colour-1 or colour-2)" in why)
    assert is_shown == ("colour-0" in why)
