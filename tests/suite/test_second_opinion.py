"""What jsonschema and Schemathesis say of answers in which our own checks found no error."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import httpx
import pytest

from pytest_bctrl.checks.answer import Answer
from pytest_bctrl.checks.run import check_answer
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.contract.read import from_document, load
from pytest_bctrl.finding import Finding
from pytest_bctrl.samples import current_samples
from pytest_bctrl.samples.mutants import mutants
from pytest_bctrl.samples.text import encode
from pytest_bctrl.suite.second_opinion import second_opinion
from tests.contract.documents import contract_of, document

PACKAGED = load()
HEADERS = {"Content-Type": "application/json"}
ERROR = Finding("a", "error", "b", "c")


def opinion(contract: Contract, status: int, body: bytes, known: Sequence[Finding] = ()) -> list[Finding]:
    request = httpx.Request("GET", "https://api.bctrl.ai/v1/spaces/1/runtimes")
    response = httpx.Response(status, headers=HEADERS, content=body, request=request)
    response.elapsed = timedelta(0)
    answer = Answer(contract, contract.operations[0], status, tuple(HEADERS.items()), body, {"id": "1"})
    return second_opinion(answer, response, [*known])


@pytest.mark.parametrize(
    ("status", "body", "rule"),
    [
        (200, b'{"runtimes": 5}', "response_schema_conformance"),
        (418, b"{}", "status_code_conformance"),
        (500, b"{}", "not_a_server_error"),
    ],
)
def test_what_schemathesis_alone_finds_is_a_finding(status: int, body: bytes, rule: str) -> None:
    found = {one.rule: one for one in opinion(PACKAGED, status, body) if one.message.startswith("Schemathesis: ")}
    assert ("error", str(status)) == (found[rule].level, found[rule].extra["status"])


def test_other_engines_agree_with_how_the_packaged_contract_is_read() -> None:
    samples = current_samples()
    bodies = [*samples.bodies(), *(one.body for one in mutants(samples))]
    for text in map(encode, bodies):
        answer = Answer(PACKAGED, PACKAGED.operations[0], 200, tuple(HEADERS.items()), text, {"id": "1"})
        found = check_answer(answer)
        # A rule that is no part of the schema has none of its findings.
        assert [] == opinion(PACKAGED, 200, text, found), text
    assert len(bodies) > 100


def test_jsonschema_is_asked_of_every_contract() -> None:
    found = opinion(PACKAGED, 200, b'{"runtimes": 5}')
    assert "jsonschema: the body does not conform" == found[0].message
    assert not [one for one in opinion(PACKAGED, 200, b"{") if one.message.startswith("jsonschema")]


@pytest.mark.parametrize(("body", "messages"), [(b"7", []), (b"null", ["jsonschema: the body does not conform"])])
def test_jsonschema_says_nothing_of_what_its_words_cannot_tell(body: bytes, messages: list[str]) -> None:
    """Without patterns, formats and steps it cannot tell which alternatives do not hold, but whether any does."""
    contract = contract_of(
        {"oneOf": [{"type": "integer", "multipleOf": 2}, {"type": "integer"}], "not": {"multipleOf": 5}}
    )
    own = [Finding("response_schema_conformance", "warning", "$", "mine", total=1)]
    assert messages == [one.message for one in opinion(contract, 200, body, own)]


def test_jsonschema_has_no_opinion_on_what_it_cannot_read() -> None:
    contract = contract_of({"patternProperties": {r"^\p{L}$": {}}, "additionalProperties": False})
    own = [Finding("response_schema_conformance", "warning", "$", "mine", total=1)]
    assert [] == opinion(contract, 200, b'{"a": 1}', own)


def test_schemathesis_has_no_opinion_where_it_cannot_read_an_operation() -> None:
    servers = [{"url": "https://{nobody}"}]
    written = {**document(True, parameters=[], servers=servers), "servers": servers}
    assert [] == opinion(from_document(written, "things.json"), 200, b"{}")


def test_schemathesis_has_no_opinion_on_a_number_that_it_cannot_read() -> None:
    assert [] == opinion(contract_of(True), 200, b"9" * 5_000)


@pytest.mark.parametrize(
    ("siblings", "target", "body"),
    [
        ({"else": False}, {"if": False}, b"1"),
        ({"not": False, "else": False}, {"if": False}, b"1"),
        ({"then": False}, {"if": True}, b"1"),
        ({"if": False}, {"else": False}, b"1"),
        ({"minContains": 2}, {"contains": True}, b"[1]"),
        ({"maxContains": 1}, {"contains": True}, b"[1, 2]"),
        ({"allOf": [{"type": "integer"}], "else": False}, {"if": False}, b"1"),
    ],
)
def test_a_reference_and_its_siblings_are_separate_schemas(
    siblings: dict[str, Any], target: dict[str, Any], body: bytes
) -> None:
    """Schemathesis reads the keywords of the target as if they were siblings of the others."""
    contract = contract_of({"$ref": "#/components/schemas/B", **siblings}, {"B": target})
    assert [] == opinion(contract, 200, body)


def test_schemathesis_checks_a_reference_and_its_siblings() -> None:
    siblings = {"allOf": [{"minimum": 3}], "maximum": 5}
    contract = contract_of({"$ref": "#/components/schemas/B", **siblings}, {"B": {"type": "integer"}})
    rejected = [body for body in (b"2", b"4", b"6", b'"a"') if "Schemathesis: " in str(opinion(contract, 200, body))]
    assert [b"2", b"6", b'"a"'] == rejected


def test_nothing_is_said_of_what_conforms_or_was_found_already() -> None:
    assert [] == opinion(PACKAGED, 200, b'{"runtimes": []}')
    assert [] == opinion(PACKAGED, 200, b'{"runtimes": 5}', [ERROR])
