"""How the change of a finding transforms one response: small documents, each with one change."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from pytest_bctrl.contract.read import from_document
from pytest_bctrl.drift import compare
from pytest_bctrl.drift.options import Options
from pytest_bctrl.http.message import MockResponse, Payload, Request
from pytest_bctrl.http.routes import Routes
from pytest_bctrl.impact.change import Change, ResponseContext
from pytest_bctrl.impact.derived_changes import derive_changes
from pytest_bctrl.impact.response_changes import changes_from_drift
from tests.contract.documents import contract_of, document

_THING = {
    "type": "object",
    "required": ["state"],
    "properties": {
        "state": {"enum": ["on", "off"]},
        "sizes": {"properties": {"own": {"type": "integer"}}, "additionalProperties": {"type": "string"}},
    },
}
_LIST = {"type": "object", "required": ["things"], "properties": {"things": {"type": "array", "items": _THING}}}
_BODIES = {"/v1/things/{id}": {"state": "on"}, "/v1/things": {"things": [{"state": "on"}, {"state": "off"}]}}


def _old() -> Any:
    """Return a spec with one thing and a list of things, of the same schema."""
    spec = document({"$ref": "#/components/schemas/Thing"})
    spec["components"]["schemas"] = {"Thing": copy.deepcopy(_THING), "Things": copy.deepcopy(_LIST)}
    spec["components"]["schemas"]["Things"]["properties"]["things"]["items"] = {"$ref": "#/components/schemas/Thing"}
    listed = copy.deepcopy(spec["paths"]["/v1/things/{id}"]["get"])
    listed |= {"operationId": "list", "parameters": [{"name": "X-Org", "in": "header", "schema": {"type": "string"}}]}
    listed["parameters"].append({"name": "limit", "in": "query", "schema": {"type": "integer", "maximum": 9}})
    listed["responses"]["200"]["content"]["application/json"]["schema"] = {"$ref": "#/components/schemas/Things"}
    listed["responses"]["200"]["headers"] = {"X-Page": {"required": True, "schema": {}}}
    spec["paths"]["/v1/things"] = {"get": listed}
    return spec


def _response(
    of_spec: Callable[[Any], Any], rule: str, path: str = "/v1/things", *, query: str = "?limit=9", body: bytes = b""
) -> MockResponse:
    """Return the response of an operation after the only change that has this rule."""
    [(change, call)] = _changes(of_spec, rule, path, query=query, body=body)
    assert change.transform is not None
    return change.transform(call)


def _changes(
    of_spec: Callable[[Any], Any],
    rule: str,
    path: str = "/v1/things",
    *,
    query: str = "",
    body: bytes = b"",
    of_both: Callable[[Any], Any] = lambda spec: None,
) -> list[tuple[Change, ResponseContext]]:
    """Return the changes that have this rule, each with a request and its response; `of_both` modifies both specs."""
    old, new = _old(), _old()
    of_both(old)
    of_both(new)
    of_spec(new)
    contract = from_document(old, "old")
    findings = changes_from_drift(compare(old, new), contract, from_document(new, "new"), "key", "space")
    request = Request("GET", f"{path.replace('{id}', 'a')}{query}")
    match = Routes(contract).match(request.target)
    assert match is not None
    headers = (("Content-Type", "application/json"), ("X-Page", "1"))
    before = MockResponse(200, headers, Payload(body or json.dumps(_BODIES[path]).encode()))
    call = ResponseContext(request, match.of("GET"), match.values, before)
    return [(change, call) for change in findings if change.finding.rule == rule]


def _listed(spec: Any) -> Any:
    """Return the operation that lists things."""
    return spec["paths"]["/v1/things"]["get"]


def _ok(spec: Any) -> Any:
    """Return the success response of the operation that lists things."""
    return _listed(spec)["responses"]["200"]


def _thing(spec: Any) -> Any:
    """Return the schema of a thing."""
    return spec["components"]["schemas"]["Thing"]


def _rename(spec: Any) -> Any:
    """Rename the parameter of the path and return its operation."""
    item = spec["paths"]["/v1/things/{thing_id}"] = spec["paths"].pop("/v1/things/{id}")
    item["get"]["parameters"][0]["name"] = "thing_id"
    return item["get"]


def _renamed_and_demanding(spec: Any) -> None:
    """Rename the parameter of the path, and add a required query parameter."""
    parameter = {"name": "org", "in": "query", "required": True, "schema": {"type": "string"}}
    _rename(spec)["parameters"].append(parameter)


def _renamed_and_206(spec: Any) -> None:
    """Rename the parameter of the path, and replace status 200 with 206."""
    responses = _rename(spec)["responses"]
    responses["206"] = responses.pop("200")


def _to_wider_path(spec: Any) -> None:
    """Replace the path of the list with a template that matches it too."""
    item = spec["paths"]["/v1/{id}"] = spec["paths"].pop("/v1/things")
    item["get"]["parameters"] = spec["paths"]["/v1/things/{id}"]["get"]["parameters"]


def _to_post(spec: Any) -> None:
    """Replace the method GET of the list with POST."""
    spec["paths"]["/v1/things"] = {"post": _listed(spec)}


def _with_status(name: str) -> Callable[[Any], None]:
    """Return a change of the list's status 200 to another status or range."""
    return lambda spec: _listed(spec)["responses"].update({name: _listed(spec)["responses"].pop("200")})


def _with_key(spec: Any) -> None:
    """Require a key for the list."""
    spec["components"]["securitySchemes"] = {"k": {"type": "apiKey", "in": "query", "name": "k"}}
    _listed(spec)["security"] = [{"k": []}]


def _with_another_body(spec: Any) -> None:
    """Replace status 200 of the list with 206, whose body is always 7."""
    responses = _listed(spec)["responses"]
    responses["206"] = {**responses.pop("200"), "content": {"application/json": {"schema": {"const": 7}}}}


def _media(name: str) -> Callable[[Any], None]:
    """Return a change of the list's media type."""
    return lambda spec: _ok(spec)["content"].update({name: _ok(spec)["content"].pop("application/json")})


_CASES: tuple[tuple[str, Callable[[Any], Any], str, str, Any], ...] = (
    ("a parameter beside a renamed one", _renamed_and_demanding, "new-required-request-parameter", "{id}", 400),
    ("a status beside a renamed parameter", _renamed_and_206, "response-success-status-removed", "{id}", 206),
    ("a removed path that another template matches", _to_wider_path, "api-path-removed-without-deprecation", "", 404),
    ("another method", _to_post, "api-removed-without-deprecation", "", 405),
    ("a path that is not removed", _to_wider_path, "api-path-removed-without-deprecation", "{id}", 200),
    ("a required key", _with_key, "api-security-added", "", 401),
    ("a status of another operation", _with_status("206"), "response-success-status-removed", "{id}", 200),
    ("another body with another status", _with_another_body, "response-success-status-removed", "", b"7"),
    ("a status without a body", lambda spec: _listed(spec)["responses"].update({"204": {"description": "none"}}),
     "response-success-status-added", "", b""),
    ("a header field that became required", lambda spec: _listed(spec)["parameters"][0].update(required=True),
     "request-parameter-became-required", "", 400),
    ("a status that may be any", _with_status("2XX"), "response-status-generalized", "", 206),
    ("a charset", _media("application/json; charset=utf-8"), "response-media-type-name-changed", "",
     ("Content-Type", "application/json; charset=utf-8")),
    ("a range of media types", _media("application/*"), "response-media-type-name-generalized", "",
     ("Content-Type", "application/x-another")),
    ("a media type that is not JSON", _media("text/csv"), "response-media-type-removed", "", b"it is in text/csv"),
    ("a removed body", lambda spec: _ok(spec).pop("content"), "response-media-type-removed", "", b""),
    ("a removed header field", lambda spec: _ok(spec).pop("headers"), "required-response-header-removed", "",
     ("X-Page", None)),
    ("a header field of another operation", lambda spec: _ok(spec).pop("headers"),
     "required-response-header-removed", "{id}", ("X-Page", "1")),
    ("a value of several operations", lambda spec: _thing(spec)["properties"]["state"]["enum"].append("new"),
     "response-property-enum-value-added", "", {"things": [{"state": "new"}] * 2}),
    ("the same value where it is the body", lambda spec: _thing(spec)["properties"]["state"]["enum"].append("new"),
     "response-property-enum-value-added", "{id}", {"state": "new"}),
)  # fmt: skip


@pytest.mark.parametrize(
    ("of_spec", "rule", "end", "expected"), [case[1:] for case in _CASES], ids=[c[0] for c in _CASES]
)
def test_a_change_transforms_the_response(of_spec: Callable[[Any], Any], rule: str, end: str, expected: Any) -> None:
    """Each case has a header field, the status or the body of a response after a change; some stay unchanged."""
    response = _response(of_spec, rule, f"/v1/things{end and '/'}{end}")

    if isinstance(expected, tuple):
        assert response.header(expected[0]) == expected[1]
    elif isinstance(expected, int):
        assert response.status == expected
    else:
        assert (response.body if isinstance(expected, bytes) else json.loads(response.body)) == expected


def test_a_request_that_still_conforms_is_not_rejected() -> None:
    """A request without a parameter: 200 if its maximum increased, and 400 if it became required."""

    def wider_and_demanded(spec: Any) -> None:
        _listed(spec)["parameters"][1].update(required=True, schema={"type": "integer", "maximum": 99})

    assert _response(wider_and_demanded, "request-parameter-max-increased", query="").status == 200
    assert _response(wider_and_demanded, "request-parameter-became-required", query="").status == 400


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        pytest.param("/v1/things", "?limit=9&k=key", 200, id="with the new key"),
        pytest.param("/v1/things", "?limit=9", 503, id="an error"),
        pytest.param("/v1/things/{id}", "", 200, id="of an operation that needs none"),
    ],
)
def test_a_required_key_leaves_other_responses_unchanged(path: str, query: str, status: int) -> None:
    """The response is the same object if the request has the key or needs none, or got an error already."""
    [(change, call)] = _changes(_with_key, "api-security-added", path, query=query)
    assert change.transform is not None
    response = replace(call.response, status=status)

    assert change.transform(replace(call, response=response)) is response


def test_a_removed_header_field_leaves_a_response_without_it_unchanged() -> None:
    [(change, call)] = _changes(lambda spec: _ok(spec).pop("headers"), "required-response-header-removed")
    assert change.transform is not None
    response = replace(call.response, headers=(("Content-Type", "application/json"),))

    assert change.transform(replace(call, response=response)) is response


def test_a_response_whose_status_is_covered_by_a_range_is_unchanged() -> None:
    """If `2XX` replaces the status, the change of the old schema returns the same response."""

    def fewer_and_any(spec: Any) -> None:
        _thing(spec)["properties"]["state"]["enum"].remove("on")
        _with_status("2XX")(spec)

    [(change, call)] = _changes(fewer_and_any, "response-property-enum-value-removed")
    assert change.transform is not None
    assert change.transform(call) is call.response


def test_a_changed_branch_is_simulated_where_its_schema_is_used_directly() -> None:
    """A component of an alternative changes, and so does a value where the component is used without alternatives."""
    sized = {"type": "object", "required": ["kind"], "properties": {"kind": {"const": "a"}, "size": {"type": "string"}}}
    another = {"type": "object", "required": ["kind"], "properties": {"kind": {"const": "b"}}}
    reference = {"$ref": "#/components/schemas/Sized"}

    def with_kinds(spec: Any) -> None:
        spec["components"]["schemas"]["Sized"] = copy.deepcopy(sized)
        content = spec["paths"]["/v1/things/{id}"]["get"]["responses"]["200"]["content"]
        content["application/json"]["schema"] = {"properties": {"first": {"oneOf": [reference, another]}}}
        below = {"properties": {"below": {"properties": {"second": reference}}}}
        spec["components"]["schemas"]["Things"]["properties"]["deep"] = below

    def of_spec(spec: Any) -> None:
        spec["components"]["schemas"]["Sized"]["properties"]["size"] = {"type": "integer"}

    body = b'{"things": [], "deep": {"below": {"second": {"kind": "a", "size": "x"}}}}'
    [(change, call)] = _changes(of_spec, "response-property-type-changed", body=body, of_both=with_kinds)
    assert change.finding.location == "first<kind=a>.size"
    assert change.transform is not None
    assert isinstance(json.loads(change.transform(call).body)["deep"]["below"]["second"]["size"], int)


def test_a_change_of_pattern_properties_cannot_be_simulated() -> None:
    def of_spec(spec: Any, kind: str = "integer") -> None:
        _thing(spec)["properties"]["sizes"]["patternProperties"] = {"^x": {"type": kind}}

    [(change, _)] = _changes(of_spec, "response-property-type-changed", of_both=partial(of_spec, kind="string"))
    assert change.not_run_reason == "no response that shows it could be generated"


def test_a_truncated_body_is_not_changed() -> None:
    """The response keeps the body, with a new status if the change is about that."""
    response = _response(_with_status("206"), "response-success-status-added", body=b'{"things": [')

    assert (response.status, response.body) == (206, b'{"things": [')

    cut = b'{"state": '
    response = _response(_CASES[-1][1], "response-property-enum-value-added", "/v1/things/{id}", body=cut)
    assert (response.status, response.body) == (200, cut)


_NO_SAMPLE = {"type": "string", "pattern": "^(?=A)B$"}
_NOT_PLAYED: tuple[tuple[Callable[[Any], Any], str], ...] = (
    (lambda spec: _listed(spec)["responses"].pop("200"), "the new spec has no other success response"),
    (lambda spec: _listed(spec).update(summary="Others"), "it changes no request and no response"),
    (lambda spec: _ok(spec)["headers"]["X-Page"].update(schema={"maxLength": 9}),
     "no response that shows it could be generated"),
    (lambda spec: (_thing(spec)["required"].append("odd"), _thing(spec)["properties"].update(odd=_NO_SAMPLE)),
     "no response that shows it could be generated"),
)  # fmt: skip


@pytest.mark.parametrize(("of_spec", "why"), _NOT_PLAYED)
def test_a_change_that_cannot_be_simulated_has_a_reason(of_spec: Callable[[Any], Any], why: str) -> None:
    old, new = _old(), _old()
    of_spec(new)
    findings = compare(old, new, Options(descriptions=True))
    [change] = changes_from_drift(findings, from_document(old, "old"), from_document(new, "new"), "key", "space")
    assert (change.transform, change.not_run_reason) == (None, why)


def test_changes_of_a_contract_without_samples_have_that_reason() -> None:
    """`not_run_reason` of each derived change says that no response can be generated from the contract."""
    changes = derive_changes(contract_of(_NO_SAMPLE))
    assert ["no response can be generated from the contract"] == [change.not_run_reason for change in changes]


def test_a_change_of_additional_properties_keeps_declared_ones() -> None:
    """A new type of `additionalProperties` changes only the value of an undeclared property."""

    def flags(spec: Any) -> None:
        _thing(spec)["properties"]["sizes"]["additionalProperties"] = {"type": "boolean"}

    body = b'{"state": "on", "sizes": {"own": 3, "other": "a"}}'
    data = json.loads(_response(flags, "response-property-type-changed", "/v1/things/{id}", body=body).body)

    assert data["sizes"]["own"] == 3
    assert isinstance(data["sizes"]["other"], bool)


def test_a_missing_property_name_may_contain_a_comma() -> None:
    """The location of the derived change is `['a, b']`."""
    schema = {"type": "object", "required": ["a, b"], "properties": {"a, b": {"type": "string"}}}
    locations = [
        change.locations for change in derive_changes(contract_of(schema)) if "required" in change.finding.message
    ]

    assert locations == [("['a, b']",)]
