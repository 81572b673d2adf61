"""Documented header fields of a response: present if they are required, and valid against their schema."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pytest_bctrl.checks.run import PROTOCOL, check_response
from pytest_bctrl.contract.model import Contract
from tests.contract.documents import contract_of

from .responses import JSON, response

HEADERS = {
    "X-Total": {"required": True, "schema": {"type": "integer", "minimum": 0}},
    "X-Kinds": {"schema": {"type": "array", "items": {"enum": ["a", "b"]}}},
    "X-Until": {"schema": {"$ref": "#/components/schemas/Time"}},
    "Content-Type": {"required": True, "schema": {"const": "text/never"}},
}


def contract() -> Contract:
    """Return a contract whose response has the documented `HEADERS`."""
    response = {"description": "x", "headers": HEADERS, "content": {"application/json": {}}}
    time = {"type": "string", "format": "date-time"}
    return contract_of(schemas={"Time": time}, responses={"200": response})


def header_findings(*headers: tuple[str, str], **changes: Any) -> list[tuple[str, str]]:
    """Return location and message of the findings of a response with these headers; all are about headers."""
    checked = response({}, headers=(JSON, *headers), contract=contract())
    findings = check_response(replace(checked, **{"has_all_headers": True, **changes}), aspects=PROTOCOL)
    assert {("response_headers_conformance", "error")} >= {(finding.rule, finding.level) for finding in findings}
    return [(finding.location, finding.message) for finding in findings]


def test_a_required_header_of_a_head_operation_is_missing() -> None:
    """The contract documents the response to HEAD itself, so that no field may be left out."""
    of = contract()
    (operation,) = of.operations
    checked = response({}, headers=(JSON,), contract=of)
    to_head = replace(checked, operation=replace(operation, method="HEAD"), has_all_headers=True)
    assert MISSING == [(finding.location, finding.message) for finding in check_response(to_head, aspects=PROTOCOL)]


MISSING = [("header X-Total", "the required header field is missing")]


@pytest.mark.parametrize(
    "headers",
    [
        [("X-Total", "0")],
        [("x-total", " 7 "), ("X-Kinds", "a, b ,a"), ("X-Until", "2026-11-01T00:00:00Z"), ("X-Other", "what it likes")],
        [("X-Total", "7"), ("X-Kinds", "a"), ("X-Kinds", "b")],
    ],
)
def test_valid_headers_have_no_findings(headers: list[tuple[str, str]]) -> None:
    assert [] == header_findings(*headers)


@pytest.mark.parametrize(
    ("name", "value"),
    [("X-Total", "-1"), ("X-Total", "many"), ("X-Total", ""), ("X-Kinds", "a,c"), ("X-Until", "2026-11-31T00:00:00Z")],
)
@pytest.mark.parametrize("has_all_headers", [True, False])
def test_an_invalid_header_is_a_finding(name: str, value: str, has_all_headers: bool) -> None:
    """Whether all header fields of the response are known or not."""
    headers = {"X-Total": "1", name: value}
    expected = [(f"header {name}", "the header field breaks its schema")]
    assert expected == header_findings(*headers.items(), has_all_headers=has_all_headers)
    (finding,) = check_response(response({}, headers=(JSON, *headers.items()), contract=contract()), aspects=PROTOCOL)
    assert value == finding.observed


def test_a_missing_required_header_is_a_finding() -> None:
    assert MISSING == header_findings()
    checked = replace(response({}, contract=contract()), has_all_headers=True)
    (finding,) = check_response(checked)
    expected = {"type": "integer", "minimum": 0}
    assert (expected, None, "missing") == (finding.expected, finding.observed, finding.extra["kind"])


def test_a_missing_header_is_ignored_for_head_and_incomplete_headers() -> None:
    assert [] == header_findings(has_all_headers=False)
    assert [] == header_findings(method="HEAD")
    assert [("header X-Total", "the header field breaks its schema")] == header_findings(
        ("X-Total", "x"), method="HEAD"
    )


def test_headers_of_an_undocumented_status_are_not_checked() -> None:
    """Its status is the only finding."""
    findings = check_response(replace(response({}, 404, contract=contract()), has_all_headers=True), aspects=PROTOCOL)
    assert ["status_code_conformance"] == [finding.rule for finding in findings]
