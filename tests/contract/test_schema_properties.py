"""Properties of samples, mutants, locations and generated responses of generated contracts."""

from __future__ import annotations

import json
import re
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from pytest_bctrl import check
from pytest_bctrl.checks.response import Response
from pytest_bctrl.checks.run import check_response
from pytest_bctrl.contract.engine import accepts, conforms_to_format
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.contract.schema.locations import exact_location, select_values, split_location
from pytest_bctrl.contract.schema.ref import flatten
from pytest_bctrl.errors import BctrlError, DocumentError
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.samples import Samples
from pytest_bctrl.samples.drawn import text
from pytest_bctrl.samples.mutants import mutants
from pytest_bctrl.samples.text import encode, string
from pytest_bctrl.strategies import responses
from pytest_bctrl.suite.plan import jsonschema_engine, schemathesis_engine
from tests.contract.documents import contract_of, rooted
from tests.contract.schemas import SCHEMAS, contracts
from tests.suite.engines import exchange_of

properties = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


def checked_response(contract: Contract, body: Any) -> tuple[Response, list[Finding]]:
    """Return a response with a body, and the findings of its check."""
    response = Response(contract, contract.operations[0], 200, (("Content-Type", "application/json"),), encode(body))
    return response, check_response(response)


def sampled(contract: Contract) -> tuple[Samples, list[Any]]:
    """Return the samples and bodies of a contract; no bodies if generating them is an error, which must be one line."""
    samples = Samples(contract, contract.operations[0])
    try:
        return samples, samples.bodies()
    except DocumentError as error:
        refusal = str(error)
    assert "\n" not in refusal
    return samples, []


NO_LIST: dict[str, Any] = {
    "properties": {"a": {"type": "array"}},
    "patternProperties": {"^a": False},
    "required": ["a"],
}


@properties
@given(contracts())
@example(contract_of({"type": "object", **NO_LIST}))
def test_a_sample_conforms_or_generating_it_is_an_error(contract: Contract) -> None:
    """The engine and jsonschema accept each sample body; the error is one line."""
    samples, bodies = sampled(contract)
    for body in bodies:
        assert accepts(contract, samples.schema, body)
        if "pattern" not in json.dumps(contract.document):
            # An engine of another make, which has Python's patterns and not ECMA 262's.
            Draft202012Validator(rooted(contract, samples.schema)).validate(body)


EVEN = {"uuid": "[02468]$", "date-time": "[02468]Z$"}
EVALUATED: dict[str, Any] = {"allOf": [{"unevaluatedProperties": True}], "unevaluatedProperties": {"type": "object"}}


@properties
@given(contracts())
@example(contract_of({"type": "object", **EVALUATED}))
@example(contract_of({"anyOf": [{"type": "object", "properties": {"a": {}}}], "unevaluatedProperties": True}))
@example(contract_of({"anyOf": [False, {"type": "array", "items": {"type": ["null"]}}]}))
@example(contract_of({"anyOf": [{"enum": [None]}, {"type": "array", "items": {"type": "string"}}]}))
def test_a_mutant_is_found_at_its_location(contract: Contract) -> None:
    """Its check has a finding of the mutant's rule at, inside or around the changed value."""
    samples, bodies = sampled(contract)
    for mutant in mutants(samples) if bodies else ():
        response, findings = checked_response(contract, mutant.body)
        for observed, facts in response.observed.places.items():
            assert len(list(response.select(observed.location))) >= facts.seen, observed.location
        expected = [exact_location(path) for path, _ in select_values(mutant.body, mutant.location)]
        paths: list[str] = []
        for finding in (finding for finding in findings if finding.rule == mutant.check):
            # There is nothing at the place of what is missing: the object around it is the place.
            place = split_location(finding.location)[0] if finding.extra["kind"] == "missing" else finding.location
            selected = [exact_location(path) for path, _ in response.select(place)]
            assert len(selected) >= finding.count
            paths += selected
        assert any(path.startswith(prefix) or prefix in ("$", path) for path in paths for prefix in expected), (
            mutant.name
        )


TIME = {"type": "string"}
THING: dict[str, Any] = {
    "type": "object",
    "properties": {"id": {"type": "string", "minLength": 1}, "made": TIME, "sold": TIME, "kind": {"enum": ["a", "b"]}},
    "required": ["id", "made"],
}
LISTED = st.one_of(
    SCHEMAS, st.builds(lambda more: {**THING, **more}, SCHEMAS.filter(lambda one: isinstance(one, dict)))
)
RULES: list[dict[str, Any]] = [
    {"rule": "ids", "unique": "things[*].id"},
    {"rule": "times", "each": "things[*]", "times": ["made", "sold"]},
    {"rule": "order", "each": "things[*]", "ordered": ["made", "sold"]},
]


def listing(schema: Any) -> dict[str, Any]:
    """Return the schema of an object that requires `things`, a list of items with this schema."""
    return {"type": "object", "properties": {"things": {"type": "array", "items": schema}}, "required": ["things"]}


@properties
@given(st.data())
def test_every_generated_response_conforms(data: st.DataObject) -> None:
    """`check` has no error for a body that the Hypothesis strategy `responses` generates, invariants included."""
    rules = [{"level": "error", "because": "it is so", **rule} for rule in RULES]
    contract = data.draw(contracts(LISTED.map(listing), **{"x-bctrl-invariants": rules}))
    try:
        drawn = responses(contract=contract, max_size=2)
    except BctrlError:
        return
    body = data.draw(drawn)
    assert [] == [finding for finding in check(body, contract=contract) if finding.level == "error"]


@properties
@given(st.data(), st.sampled_from(["uuid", "date-time"]))
def test_generated_strings_satisfy_format_and_pattern(data: st.DataObject, name: str) -> None:
    """For two formats, each with a fixed pattern: a generated string conforms to the format and matches the pattern."""
    generated = data.draw(text({"format": name, "pattern": EVEN[name], "maxLength": 40}))
    assert conforms_to_format(generated, name)
    assert re.search(EVEN[name], generated)


@pytest.mark.parametrize("seed", [1821, 8484, 8846])
def test_a_format_of_which_a_pattern_allows_few_texts_has_a_sample(seed: int) -> None:
    """More than the first 20 texts that the source yields end with another character."""
    generated = string({"format": "uuid", "pattern": EVEN["uuid"]}, "text", Random(seed), seed)
    assert conforms_to_format(generated, "uuid")
    assert re.search(EVEN["uuid"], generated)


ELSE_OF_NO_IF = {"$ref": "#/components/schemas/B", "not": False, "else": False}


@properties
@given(contracts())
@example(contract_of(ELSE_OF_NO_IF, {"B": {"if": False}}))
def test_the_engines_agree(contract: Contract) -> None:
    """jsonschema and Schemathesis accept what the engine accepts, and reject the rest or report a gap.

    The bodies are samples and mutants. If a schema has a pattern, Python's may accept more.
    """
    samples, bodies = sampled(contract)
    has_pattern = "attern" in json.dumps(contract.document)
    for body in (*bodies, *(mutant.body for mutant in mutants(samples))) if bodies else ():
        for engine in (jsonschema_engine.validate, schemathesis_engine.check_response):
            exchange = exchange_of(contract, 200, encode(body))
            errors = engine(exchange)
            is_valid = exchange.response.conforms
            assert not errors if is_valid else (errors or exchange.tally.gaps or has_pattern), (engine.__module__, body)


_ITEMS = st.sampled_from([True, False, {}, {"type": "string"}, {"type": "integer"}])


@given(
    st.sampled_from(["items", "additionalProperties", "propertyNames", "uniqueItems"]),
    _ITEMS,
    _ITEMS,
    st.sampled_from([[], ["x"], [1], ["x", "x"], {}, {"a": "x"}, {"a": 1}]),
)
@example("items", {"type": "string"}, True, [1])
@example("items", {}, False, [1])
@example("uniqueItems", False, True, ["x", "x"])
def test_a_flat_schema_accepts_the_values_of_both_parts(keyword: str, first: Any, second: Any, value: Any) -> None:
    """`flatten` merges one keyword of two schemas in an `allOf`; the engine decides."""
    if keyword == "uniqueItems":
        first, second = bool(first), bool(second)
    contract, schema = contract_of(), {"allOf": [{keyword: first}, {keyword: second}]}
    assert accepts(contract, schema, value) == accepts(contract, flatten(contract, schema), value)
