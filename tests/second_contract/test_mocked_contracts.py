"""The contract suite against the mocks of contracts of many kinds: no error, or a reason to send no request."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import pytest

from pytest_bctrl.contract.model import Contract
from pytest_bctrl.contract.read import from_document
from pytest_bctrl.errors import SettingError
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.secrets.secret import Secret
from pytest_bctrl.suite.operations import reason_not_requested, require_operations
from pytest_bctrl.suite.plan.catalogue import plan
from pytest_bctrl.suite.run import ContractRun, with_mock
from pytest_bctrl.suite.sending.target import Target
from tests.contract.documents import document
from tests.run_probes import run_probes


class SuiteResult(NamedTuple):
    """The findings of the suite, and the status and content type of each response of the mock, in order."""

    findings: list[Finding]
    responses: list[tuple[int, str | None]]


def suite_result(contract: Contract) -> SuiteResult:
    """Send the suite's requests to the mock of a contract, and return the findings and the responses."""
    run = with_mock(ContractRun("mock", contract, "", Secret(""), {}, "error", 20))
    responses: list[tuple[int, str | None]] = []
    target = Target(
        run, observe=lambda response, *_: responses.append((response.status, response.header("Content-Type")))
    )
    findings = run_probes(target)
    target.close()
    return SuiteResult(findings, responses)


def response(schema: Any = None, media: str = "application/json") -> dict[str, Any]:
    """Return a response object with this schema, or without content."""
    return {"description": "", **({} if schema is None else {"content": {media: {"schema": schema}}})}


PARAMETERS = [
    {"name": "id", "in": "path", "required": True, "schema": {"enum": ["7"]}},
    {"name": "most", "in": "query", "schema": {"type": "integer", "maximum": 5}},
]
OBJECT = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
CODED = {
    "properties": {"code": {"enum": ["odd", "even"]}, "message": {"maxLength": 3}},
    "required": ["code", "message"],
}
DISCRIMINATED = {
    "type": "object",
    "discriminator": {"propertyName": "kind", "mapping": {"cat": "#/components/schemas/Cat"}},
    "properties": {"kind": {"type": "string"}},
    "required": ["kind"],
}
OVERLAPPING = {
    "oneOf": [{"type": "object", "properties": {"state": {"enum": listed}}} for listed in (["a", "b"], ["a", "c"])]
}
NAMED = {"oneOf": [{"type": "string"}, {"type": "object", "properties": {"a": {"type": "integer"}}}]}
EVENTS = {"text/event-stream": {"schema": {"type": "string"}, "example": 'event: a\ndata: {"b": 1}\n\n'}}
REJECTIONS = {status: response({**CODED, "type": "object"}) for status in ("400", "401", "404")}
TEXT_REJECTIONS = {status: response({"type": "string"}, "text/html") for status in ("400", "401", "404")}

KINDS: dict[str, tuple[dict[str, Any], tuple[int, str | None]]] = {
    "rejections with listed values": ({"200": response(OBJECT), **REJECTIONS}, (200, "application/json")),
    "rejections in text": ({"200": response(OBJECT), **TEXT_REJECTIONS}, (200, "application/json")),
    "rejections of two kinds": ({"200": response(OBJECT), "4XX": response(NAMED)}, (200, "application/json")),
    "no rejections": ({"200": response(OBJECT)}, (200, "application/json")),
    "forbidden and invalid": (
        {"200": response(OBJECT), "403": response(), "422": response()},
        (200, "application/json"),
    ),
    "another JSON": ({"200": response(OBJECT, "application/scim+json; v=2")}, (200, "application/scim+json; v=2")),
    "any media type": ({"200": response(OBJECT, "*/*")}, (200, "application/json")),
    "any media type, in text": ({"200": response({"type": "string"}, "*/*")}, (200, "text/plain")),
    "default alone": ({"default": response(OBJECT)}, (200, "application/json")),
    "range": ({"2XX": response(OBJECT)}, (200, "application/json")),
    "second success": ({"200": response(True, "text/csv"), "201": response(OBJECT)}, (201, "application/json")),
    "a base that names its kinds": ({"200": response(DISCRIMINATED)}, (200, "application/json")),
    "alternatives that overlap": ({"200": response(OVERLAPPING)}, (200, "application/json")),
    "no body": ({"204": response()}, (204, None)),
    "no body, although documented": ({"204": response(OBJECT)}, (204, "application/json")),
    "events": ({"200": {"description": "", "content": EVENTS}}, (200, "text/event-stream")),
}  # fmt: skip


@pytest.mark.parametrize("name", KINDS)
def test_the_suite_passes_against_the_mock_of_each_kind_of_contract(name: str) -> None:
    """There is no error or warning, and the first response has the expected status and media type."""
    responses, expected = KINDS[name]
    spec = document(responses=responses, parameters=PARAMETERS, security=[{"key": []}])
    spec["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    # An operation of samples beside it: a mock needs one.
    spec["paths"]["/b"] = {"get": {"operationId": "b", "responses": {"200": response(OBJECT)}}}

    result = suite_result(from_document(spec, "x"))

    assert [] == [
        (finding.message, finding.observed, finding.reproduce)
        for finding in result.findings
        if finding.level in ("error", "warning")
    ]
    assert expected == result.responses[0]


def test_an_operation_without_a_documented_success_is_not_requested() -> None:
    """The reason says so, and no probe of it is planned; a path with a fragment has another reason."""
    spec = document(responses={"400": response(OBJECT)}, parameters=PARAMETERS)
    spec["paths"]["/b"] = {"get": {"operationId": "b", "responses": {"200": response(OBJECT)}}}
    run = with_mock(ContractRun("mock", from_document(spec, "x"), "", Secret(""), {}, "error", 20))
    first, second = run.contract.operations

    assert "the contract documents no successful response" == reason_not_requested(run, first)
    assert "its path has a query or a fragment, which is not part of a path" == reason_not_requested(
        run, replace(second, path=f"{second.path}#lists")
    )
    assert ([], {second.label}) == ([*plan(run, only=first)], {probe.operation.label for probe in plan(run)})
    assert "" == reason_not_requested(run, second)


@pytest.mark.parametrize(
    "responses",
    [
        {"200": response({"type": "string", "pattern": "^(?=a)x$"})},
        {"200": response(OBJECT), "404": response({"oneOf": [OBJECT, OBJECT]})},
    ],
)
def test_an_operation_without_a_possible_body_is_not_requested(responses: dict[str, Any]) -> None:
    """The reason names the schema. Other operations are requested; without one, the run ends with a one-line error."""
    spec = document(responses=responses, parameters=PARAMETERS)
    alone = with_mock(ContractRun("mock", from_document(spec, "x"), "", Secret(""), {}, "error", 20))
    spec["paths"]["/b"] = {"get": {"responses": {"200": response(OBJECT)}}}
    run = with_mock(ContractRun("mock", from_document(spec, "x"), "", Secret(""), {}, "error", 20))
    first, second = run.operations

    reason = "the mock cannot generate one of its responses: x: #/paths/~1v1~1things~1{id}/get/responses/"
    assert reason_not_requested(run, first).startswith(reason)
    assert "" == reason_not_requested(run, second)
    with pytest.raises(SettingError, match="the suite can test no operation") as caught:
        require_operations(alone)
    assert (1, True, True) == (
        len(str(caught.value).splitlines()),
        reason in str(caught.value),
        "--bctrl-live" in caught.value.hint,
    )
