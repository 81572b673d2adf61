"""Accepted fast or slowly, with jsonschema-rs or without: the verdict and the findings are the same."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pytest_bctrl.checks.answer import Answer
from pytest_bctrl.checks.run import check_answer
from pytest_bctrl.checks.schema import check_schema, explained, plain
from pytest_bctrl.contract import acceptance
from pytest_bctrl.contract.limits import Beyond
from pytest_bctrl.contract.validation import is_valid, validator
from tests.contract.documents import contract_of
from tests.observed.bodies import BODIES, CONTRACT, OPERATION, VALUES, conforming, mutated

SCHEMA: dict[str, Any] = {"$ref": "#/components/schemas/spaces_runtimesList_Response_200"}


def answer(body: Any) -> Answer:
    raw = json.dumps(body).encode()
    return Answer(CONTRACT, OPERATION, 200, (("Content-Type", "application/json"),), raw)


def of_jsonschema_alone(body: Any) -> set[tuple[Any, ...]]:
    errors = validator(CONTRACT, SCHEMA).iter_errors(body)
    found = plain(one for error in errors for one in explained(CONTRACT, error))
    return {(one.path, one.message) for one in found}


@given(BODIES)
def test_the_verdict_is_jsonschema_s(body: Any) -> None:
    accepts = acceptance.acceptance(CONTRACT, SCHEMA, "test")
    assert is_valid(CONTRACT, SCHEMA, body) == accepts(body)


@given(mutated() | conforming(), st.integers(1, 4))
def test_the_findings_are_jsonschema_s_of_the_whole_body(body: Any, times: int) -> None:
    if isinstance(body, dict) and isinstance(body.get("runtimes"), list):
        body["runtimes"] = body["runtimes"] * times
    made = answer(body)
    if made.parsed.ok:
        assert of_jsonschema_alone(made.data) == {(one.path, one.message) for one in check_schema(made)}


@given(mutated())
def test_the_findings_are_the_same_without_jsonschema_rs(body: Any) -> None:
    fast = check_answer(answer(body))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(acceptance, "_engine", lambda: None)
        kept: dict[str, acceptance.Accepts] = {}
        patch.setattr(acceptance, "_kept", lambda contract: kept)
        assert fast == check_answer(answer(body))


WORDS = [
    {"type": ["integer", "null"]},
    {"type": "number"},
    {"enum": [1, True, "a", None, 0]},
    {"const": 1.0},
    {"const": {"format": "uuid"}},
    {"type": "string", "minLength": 2, "maxLength": 3},
    {"type": "string", "format": "uuid"},
    {"type": "string", "format": "date-time"},
    {"format": "email"},
    {"format": "uri"},
    {"type": "array", "items": {"type": "string"}, "minItems": 1},
    {"prefixItems": [{"type": "null"}], "items": False},
    {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["kind"], "additionalProperties": False},
    {"oneOf": [{"type": "integer"}, {"type": "number"}]},
    {"anyOf": [{"required": ["x"]}, {"type": "null"}]},
    {"not": {"type": "string"}},
    {"if": {"type": "object"}, "then": {"minProperties": 1}, "else": {"type": "string"}},
    {"dependentRequired": {"x": ["kind"]}},
    {"dependentSchemas": {"x": {"properties": {"x": {"type": "null"}}}}},
    {"propertyNames": {"maxLength": 4}},
    {"oneOf": [{"type": "number"}, {}]},
    {"pattern": "^a$"},
    {"multipleOf": 2},
    {"uniqueItems": True},
    # What jsonschema-rs cannot read.
    {"enum": ["\ud800", "a"]},
]


@pytest.mark.parametrize("schema", WORDS, ids=[json.dumps(schema) for schema in WORDS])
@given(value=VALUES)
def test_every_word_means_the_same_fast_and_slowly(schema: Any, value: Any) -> None:
    contract = contract_of(schema)
    # jsonschema itself cannot tell whether what is infinite is a multiple.
    assume("multipleOf" not in schema or not isinstance(value, Beyond))
    assert is_valid(contract, schema, value) == acceptance.acceptance(contract, schema, json.dumps(schema))(value)
