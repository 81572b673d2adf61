"""Suggestions for contracts of other shapes than the packaged one: what they admit, and what no overlay can say."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from pytest_bctrl import check
from pytest_bctrl.checks.response import Response
from pytest_bctrl.checks.run import check_response
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.contract.read import from_document
from pytest_bctrl.observed.facts import as_data, from_data, with_labels_replaced
from pytest_bctrl.observed.observe import NO_BODY
from pytest_bctrl.observed.suggest import Suggestion, suggest
from tests.contract.documents import contract_of
from tests.variants.runtimes import sample

from .bodies import CONTRACT, LABEL, observation_of
from .test_suggest import wrong

TEXT = {"type": "string"}
ROOT = "$.paths['/v1/things/{id}'].get.responses['200'].content['application/json'].schema"


def thing(*required: str, **properties: Any) -> dict[str, Any]:
    """Return an object schema with these properties."""
    return {"type": "object", "properties": properties, "required": list(required)}


def suggested(contract: Contract, *bodies: Any) -> Suggestion:
    """Return the suggestion for bodies."""
    return suggest(contract, observation_of(*bodies, contract=contract))


def not_expressible(contract: Contract, *bodies: Any) -> list[tuple[str, str]]:
    """Return location and reason of each difference that no overlay can express."""
    return [(finding.location, why) for finding, why in suggested(contract, *bodies).not_expressible]


def kind(name: str, value: Any) -> dict[str, Any]:
    """Return an object schema with a kind, which is required, and the schema of a value."""
    return thing("kind", kind={"const": name}, value=value)


def test_a_value_is_added_only_to_the_branch_where_it_was_observed() -> None:
    """The other branch of `oneOf` still rejects it."""
    contract = contract_of({"oneOf": [kind("x", {"enum": ["x1"]}), kind("y", {"enum": ["y1"]})]})
    bodies = [{"kind": "x", "value": "new"}, {"kind": "y", "value": "y1"}]
    suggestion = suggested(contract, *bodies)
    assert ([], []) == (wrong(bodies[0], suggestion.contract), wrong(bodies[1], suggestion.contract))
    assert ["value"] == wrong({"kind": "x", "value": "y1"}, suggestion.contract)
    assert ["value"] == wrong({"kind": "y", "value": "new"}, suggestion.contract)


def test_an_object_is_described_only_in_the_branch_where_it_was_observed() -> None:
    contract = contract_of({"oneOf": [kind("x", TEXT), kind("y", TEXT)]})
    bodies = [{"kind": "x", "value": "text"}, {"kind": "y", "value": {"a": 1}}]
    suggestion = suggested(contract, *bodies)
    assert ((), []) == (suggestion.not_expressible, wrong(bodies[1], suggestion.contract))
    assert [] != wrong({"kind": "y", "value": {"b": 1}}, suggestion.contract)
    assert [] != wrong({"kind": "x", "value": {"a": 1}}, suggestion.contract)


def test_null_is_added_to_both_any_of_and_enum() -> None:
    """The two actions have these targets, and null is accepted."""
    suggestion = suggested(contract_of({"enum": ["a", 5], "anyOf": [TEXT, {"type": "integer"}]}), None)
    assert ((), []) == (suggestion.not_expressible, wrong(None, suggestion.contract))
    assert [f"{ROOT}.anyOf", f"{ROOT}.enum"] == [action["target"] for action in suggestion.actions]


def test_a_value_that_matches_no_alternative_is_accepted_as_observed() -> None:
    """The suggested contract accepts it, and still rejects others that match none."""
    contract = contract_of({"oneOf": [thing("a", a=TEXT), thing("b", b=TEXT)]})
    suggestion = suggested(contract, {"a": 5})
    assert ((), []) == (suggestion.not_expressible, wrong({"a": 5}, suggestion.contract))
    assert ["$", "$"] == [*wrong({"b": 5}, suggestion.contract), *wrong({"a": None}, suggestion.contract)]


@pytest.mark.parametrize(
    ("schema", "body", "location", "why"),
    [
        (
            {"allOf": [{"enum": ["a", "b"]}, {"enum": ["a", "c"]}]},
            "b",
            "$",
            "the values are listed at several locations",
        ),
        (
            {"oneOf": [{"type": "array", "maxItems": 1}, {"type": "array", "minItems": 3}]},
            [1, 2],
            "$",
            "no documented property was present that could describe it",
        ),
        (
            {"anyOf": [thing("a", a=TEXT), thing("b", b=TEXT)]},
            {"a": 5},
            "$",
            "no change of the schema at this location allows it",
        ),
        (thing(a=False), {"a": 1}, "a", "the contract has no schema at this location"),
    ],
)
def test_differences_that_no_overlay_can_express_have_a_reason(schema: Any, body: Any, location: str, why: str) -> None:
    suggestion = suggested(contract_of(schema), body)
    assert [(location, why)] == [(finding.location, reason) for finding, reason in suggestion.not_expressible]
    assert [] == suggestion.actions


def test_a_too_long_property_name_is_not_suggested() -> None:
    body = sample()
    body["runtimes"] = [{**body["runtimes"][0], "x" * 300: 1}]
    ((location, why),) = not_expressible(CONTRACT, body)
    assert "the name of the property is too long to be recorded" == why
    assert location.endswith("… (300 characters)']")


@pytest.mark.parametrize(
    ("schema", "body", "target"),
    [
        ({"allOf": [True, TEXT]}, 5, "allOf[1]"),
        ({"allOf": [{"type": ["string", "integer"]}, TEXT]}, 5, "allOf[1]"),
        (
            {"allOf": [{"type": "array", "items": {"type": "object"}}, {"items": thing("a", a=TEXT)}]},
            [{"a": 5}],
            "allOf[1].items.properties.a",
        ),
    ],
)
def test_only_the_schema_that_rejects_the_value_is_changed(schema: Any, body: Any, target: str) -> None:
    """The target of the only action is that branch of `allOf`."""
    (action,) = suggested(contract_of(schema), body).actions
    assert (f"{ROOT}.{target}", {"type": [TEXT["type"], "integer"]}) == (action["target"], action["update"])


def test_keywords_next_to_a_reference_apply_after_its_target_is_copied() -> None:
    """The suggested contract accepts an integer there and still limits the length of texts."""
    shared = {"$ref": "#/components/schemas/Shared"}
    contract = contract_of(thing(one={**shared, "maxLength": 5}, two=shared), {"Shared": TEXT})
    contract_of_suggestion = suggested(contract, {"one": 5}).contract
    assert [] == wrong({"one": 5}, contract_of_suggestion)
    assert ["one"] == wrong({"one": "a long text"}, contract_of_suggestion)
    assert ["two"] == wrong({"two": 5}, contract_of_suggestion)


def test_a_referenced_response_is_changed_at_its_definition() -> None:
    """Of several bodies the JSON body is changed, even next to a body without a schema."""
    response = {
        "description": "",
        "content": {"text/csv": {}, "text/plain": {"schema": TEXT}, "application/json": {"schema": TEXT}},
    }
    contract = from_document(
        {
            "openapi": "3.1.0",
            "info": {"title": "t", "version": "1"},
            "paths": {"/things": {"get": {"responses": {"200": {"$ref": "#/components/responses/Thing"}}}}},
            "components": {"responses": {"Thing": response}},
        },
        "things",
    )
    suggestion = suggested(contract, 5)
    targets = [action["target"] for action in suggestion.actions]
    assert ["$.components.responses.Thing.content['application/json'].schema"] == targets
    assert [] == check("5", contract=suggestion.contract)


def test_an_undocumented_status_without_a_body_is_documented_without_content() -> None:
    (action,) = suggest(CONTRACT, observation_of(NO_BODY, status=418)).actions
    assert {"418": {"description": "I'm a Teapot"}} == action["update"]


@pytest.mark.parametrize(
    ("response", "types", "not_expressible"),
    [
        ((400, "text/html", b"<h1>no</h1>"), ["application/json", "text/html"], []),
        ((418, "text/html; charset=utf-8", b"<h1>no</h1>"), ["text/html"], []),
        ((418, "application/json", b'{"detail": "no"}'), ["application/json"], []),
        ((400, "application/json", b"{"), ["application/json"], ["the responses are wrong, not the contract"]),
        ((400, "", b"no"), ["application/json"], ["it is not the name of one"]),
        ((400, "text/html", b""), ["application/json"], []),
    ],
)
def test_an_undocumented_media_type_is_documented(
    response: tuple[int, str, bytes], types: list[str], not_expressible: list[str]
) -> None:
    """In the response of the observed status; only a JSON body is described. An invalid name or body is not added."""
    status, media, body = response
    sent = Response(CONTRACT, CONTRACT.operations[0], status, (("Content-Type", media),) if media else (), body)
    observation = from_data(json.loads(json.dumps(as_data(sent.observed))))
    is_read = not body or body.startswith(b'{"')
    assert dict(observation.unread) == ({} if is_read else {(LABEL, str(status), media.partition(";")[0]): 1})
    assert suggest(CONTRACT, with_labels_replaced(observation, {LABEL: "GET /else"})).actions == []
    suggestion = suggest(CONTRACT, observation)
    assert [why for _, why in suggestion.not_expressible] == not_expressible
    spec = suggestion.contract.operations[0].responses
    assert (sorted(spec[str(status)].content), spec["401"]) == (types, CONTRACT.operations[0].responses["401"])
    assert (
        not_expressible
        or not body
        or not check_response(replace(sent, contract=suggestion.contract, operation=suggestion.contract.operations[0]))
    )
