"""What becomes of the cases that Schemathesis generates."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from pytest_bctrl.checks.answer import Answer
from pytest_bctrl.contract.read import from_document
from pytest_bctrl.finding import Finding
from pytest_bctrl.suite.generate import generated_cases, second_opinion
from pytest_bctrl.suite.parameters import of_case
from pytest_bctrl.suite.troubles import NotCheckedError
from tests.contract.documents import contract_of, document


@pytest.mark.parametrize(("given", "query"), [(["a,b", "c"], ""), ([], ""), (["a", "b"], "?tags=a%2Cb")])
def test_a_generated_value_that_arrives_as_one_that_is_not_allowed_is_left_out(given: list[str], query: str) -> None:
    """A text with a comma arrives as two."""
    schema = {"type": "array", "items": {"type": "string", "minLength": 1}, "maxItems": 2}
    parameter = {"name": "tags", "in": "query", "explode": False, "schema": schema}
    contract = from_document(document(parameters=[parameter]), "things.json")
    case = SimpleNamespace(query={"tags": given}, headers={}, cookies={})

    assert query == of_case(contract, contract.operations[0], {}, case).query_text


FIELDS = (("Content-Type", "application/json"),)


def responded(body: bytes) -> httpx.Response:
    response = httpx.Response(200, headers=FIELDS, content=body, request=httpx.Request("GET", "http://h/v1/things/7"))
    response.elapsed = timedelta()
    return response


UNDECLARED: dict[str, Any] = {"parameters": []}
IMPOSSIBLE = {"parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string", "not": {}}}]}


def test_what_schemathesis_cannot_generate_is_not_checked() -> None:
    contract = from_document(document(**IMPOSSIBLE), "things.json")

    with pytest.raises(NotCheckedError, match=r"Schemathesis generates no request: .+"):
        generated_cases(contract, contract.operations[0], 3)


def test_where_schemathesis_cannot_read_an_operation_it_has_no_opinion() -> None:
    servers = [{"url": "https://{nobody}"}]
    contract = from_document({**document(True, **UNDECLARED, servers=servers), "servers": servers}, "things.json")
    assert generated_cases(contract, contract.operations[0], 1)
    answer = Answer(contract, contract.operations[0], 200, FIELDS, b"{}")

    assert [] == second_opinion(answer, responded(b"{}"), [])


@pytest.mark.parametrize(("body", "messages"), [(b"7", []), (b"null", ["jsonschema: the body does not conform"])])
def test_the_second_engine_says_nothing_of_what_its_words_cannot_tell(body: bytes, messages: list[str]) -> None:
    """Without patterns, formats and steps it cannot tell which alternatives do not hold, but whether any does."""
    schema = {"oneOf": [{"type": "integer", "multipleOf": 2}, {"type": "integer"}], "not": {"multipleOf": 5}}
    contract = contract_of(schema)
    answer = Answer(contract, contract.operations[0], 200, FIELDS, body)
    own = [Finding("response_schema_conformance", "warning", "$", "mine", total=1)]

    assert messages == [one.message for one in second_opinion(answer, responded(body), own)]
