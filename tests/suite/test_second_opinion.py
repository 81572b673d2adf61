"""Schemathesis's second opinion, on answers in which our own checks found no error."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from pytest_bctrl.checks.answer import Answer
from pytest_bctrl.contract.read import from_document, load
from pytest_bctrl.finding import Finding
from pytest_bctrl.suite.generate import _of_jsonschema, second_opinion
from tests.contract.documents import document

CONTRACT = load()
OPERATION = CONTRACT.operations[0]


def opinion(status: int, body: bytes, known: list[Finding]) -> list[Finding]:
    headers = {"Content-Type": "application/json"}
    response = httpx.Response(
        status, headers=headers, content=body, request=httpx.Request("GET", "https://api.bctrl.ai/v1/spaces/1/runtimes")
    )
    response.elapsed = timedelta(0)
    answer = Answer(CONTRACT, OPERATION, status, tuple(headers.items()), body, {"id": "1"})
    return second_opinion(answer, response, known)


@pytest.mark.parametrize(
    ("status", "body", "rule"),
    [
        (200, b'{"runtimes": 5}', "response_schema_conformance"),
        (418, b"{}", "status_code_conformance"),
        (500, b"{}", "not_a_server_error"),
    ],
)
def test_what_it_alone_finds_is_a_finding(status: int, body: bytes, rule: str) -> None:
    found = {one.rule: one for one in opinion(status, body, [])}
    assert (True, "error") == (found[rule].message.startswith("Schemathesis: "), found[rule].level)
    assert str(status) == found[rule].extra["status"]


def test_jsonschema_is_asked_too_where_it_reads_the_schema_as_ours_does() -> None:
    assert "jsonschema: the body does not conform" in {one.message for one in opinion(200, b'{"runtimes": 5}', [])}
    assert [] == [one for one in opinion(200, b"{", []) if one.message.startswith("jsonschema")]


def test_jsonschema_has_no_opinion_on_what_it_cannot_read() -> None:
    schema = {"patternProperties": {r"^\p{L}$": {}}, "additionalProperties": False}
    contract = from_document(document(schema), "x")
    answer = Answer(contract, contract.operations[0], 200, (("Content-Type", "application/json"),), b'{"a": 1}')
    assert [] == list(_of_jsonschema(answer))


def test_it_says_nothing_of_what_conforms_or_was_found_already() -> None:
    assert [] == opinion(200, b'{"runtimes": []}', [])
    assert [] == opinion(200, b'{"runtimes": 5}', [Finding("a", "error", "b", "c")])
