"""The suggested overlay: the contract then accepts the observed traffic, and rejects everything it rejected before."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pytest_bctrl import check
from pytest_bctrl.checks.response import response_from
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.contract.overlay import apply_overlay
from pytest_bctrl.contract.read import from_document
from pytest_bctrl.contract.schema.ref import json_type_of
from pytest_bctrl.observed.differences import differences
from pytest_bctrl.observed.facts import Observation
from pytest_bctrl.observed.observe import observe
from pytest_bctrl.observed.suggest import suggest
from pytest_bctrl.samples import Samples
from pytest_bctrl.samples.mutants import Mutant, mutants
from pytest_bctrl.strategies import responses
from tests.contract.documents import contract_of
from tests.variants.runtimes import Edit, edited, on_all, put, sample

from .bodies import CONTRACT, observation_of

SAMPLES = Samples(CONTRACT, CONTRACT.operations[0])
MUTANTS = [
    mutant for mutant in mutants(SAMPLES) if mutant.check in ("response_schema_conformance", "undocumented_property")
]


def suggested_contract(*bodies: Any, contract: Contract = CONTRACT) -> Contract:
    """Return a contract with the overlay suggested for bodies applied; fails if a difference cannot be expressed."""
    suggestion = suggest(contract, observation_of(*bodies, contract=contract))
    assert suggestion.not_expressible == ()
    if not suggestion.actions:
        return contract
    overlay = json.loads(json.dumps(suggestion.overlay))
    return from_document(apply_overlay(overlay, contract.document, "suggested"), "suggested")


def wrong(body: Any, contract: Contract) -> list[str]:
    """Return the locations of the schema violations and undocumented properties of a body."""
    rules = ("response_schema_conformance", "undocumented_property")
    return [finding.location for finding in check(json.dumps(body), contract=contract) if finding.rule in rules]


def is_rejected(body: Any, contract: Contract) -> bool:
    """Return whether the contract rejects the body."""
    return not response_from(json.dumps(body), contract).conforms or wrong(body, contract) != []


def with_missing(*names: str) -> Edit:
    """Return an edit that removes properties of the first runtime."""
    return lambda runtimes: [runtimes[0].pop(name) for name in names]


OBSERVED: dict[str, Edit] = {
    "property": on_all(tenant="t-1"),
    "numbers, some of them whole": lambda runtimes: [put(at, "load", at / 2)(runtimes) for at in (2, 3)],
    "property of one": put(3, "tenant", "t-1"),
    "property in a format": put(3, "owner", "5b1e0c8e-0000-4000-8000-00000000bc71"),
    "null property": put(3, "deletedAt", None),
    "object property": put(3, "links", {"self": "/", "id": 5, "deep": {"list": [1, "a", None]}}),
    "nested property": put(3, "summary", {"tabs": 4}),
    "property of one connection": put(3, "connections", {"cdp": {"available": True, "url": "ws://x"}}),
    "property of a branch": put(3, "backing", {"kind": "ephemeral", "image": "base"}),
    "property of the other branch": put(3, "backing", {"kind": "profile", "profile": "a", "image": "base"}),
    "value": put(3, "status", "paused"),
    "type in a branch": put(3, "backing", {"kind": "profile", "profile": 5}),
    "kind that is a list": put(3, "backing", {"kind": ["profile"], "profile": "a"}),
    "kind that is an object": put(3, "backing", {"kind": {"name": "profile"}}),
    "kind": put(3, "backing", {"kind": "snapshot", "image": "base", "size": 4}),
    "kind twice": lambda runtimes: (
        put(3, "backing", {"kind": "snapshot", "image": "base"})(runtimes),
        put(2, "backing", {"kind": "disk"})(runtimes),
    ),
    "no kind": put(3, "backing", {"image": "base"}),
    "null": put(3, "name", None),
    "null enum": put(3, "status", None),
    "null branch": put(3, "backing", None),
    "null object": put(3, "connections", None),
    "type": put(3, "name", 5),
    "number": put(3, "name", 5.5),
    "enum of another type": put(3, "status", 5),
    "object for text": put(3, "name", {"first": "a", "last": None}),
    "list for text": put(3, "name", ["a", {"b": 1}]),
    "text for object": put(3, "connections", "none"),
    "text for branch": put(3, "backing", "ephemeral"),
    "missing": with_missing("region"),
    "missing two": with_missing("region", "name"),
    "format": put(3, "id", "no-uuid"),
    "odd name": put(3, 'it\'s a "name" / with ~ * [0]', 1),
}
"""Edits of the runtimes, each of which causes a difference from the contract."""

REPRESENTATIVE = ("object property", "value", "kind", "null branch", "list for text", "missing two", "format")
"""One of each way to change a schema."""


@pytest.mark.parametrize("name", OBSERVED)
def test_the_suggested_contract_accepts_the_observed_traffic(name: str) -> None:
    """Neither `check` nor observation has a finding under the contract with the suggested overlay."""
    body = edited(OBSERVED[name])()
    suggested = suggested_contract(body)
    assert [] == wrong(body, suggested)
    assert [] == differences(suggested, observation_of(body, contract=suggested))


@pytest.mark.parametrize("name", REPRESENTATIVE)
def test_the_suggested_contract_still_rejects_other_mutants(name: str) -> None:
    """Only mutants like the observed traffic are accepted."""
    body = edited(OBSERVED[name])()
    suggested = suggested_contract(body)
    accepted = [mutant for mutant in MUTANTS if not is_rejected(mutant.body, suggested)]
    admitted = {(finding.location, finding.extra["kind"]) for finding in differences(CONTRACT, observation_of(body))}
    assert [] == [mutant.name for mutant in accepted if not _has_observed_change(mutant, admitted)]


_KINDS = {
    "format": {"format"},
    "required": {"missing"},
    "enum": {"unlisted-value", "new-branch"},
    "type": {"type", "null"},
    "undocumented_property": {"undocumented-property"},
}


def _has_observed_change(mutant: Mutant, admitted: set[tuple[str, str]]) -> bool:
    """Return whether a mutant has the same kind of change, at the same location, as the observation."""
    return (
        any(
            (finding.location, finding.extra["kind"]) in admitted
            for finding in differences(CONTRACT, observation_of(mutant.body))
        )
        and {kind for _, kind in admitted} & _KINDS.get(mutant.keyword, {"type", "missing", "null"}) != set()
    )


@settings(max_examples=15, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(MUTANTS), st.data())
def test_observing_a_mutant_does_not_accept_mutants_elsewhere(mutant: Mutant, data: st.DataObject) -> None:
    """The suggested contract accepts the observed mutant, and rejects mutants of other locations."""
    suggested = suggested_contract(mutant.body)
    assert [] == wrong(mutant.body, suggested)
    others = [candidate for candidate in MUTANTS if candidate.location != mutant.location]
    for unlike in data.draw(st.lists(st.sampled_from(others), min_size=8, max_size=8)):
        assert is_rejected(unlike.body, suggested), unlike.name


@settings(max_examples=10, suppress_health_check=list(HealthCheck))
@given(names=st.lists(st.sampled_from(sorted(OBSERVED)), min_size=2, max_size=4, unique=True))
@example(names=["kind", "no kind"])
@example(names=["kind that is a list", "no kind"])
@example(names=["type in a branch", "no kind", "kind that is an object"])
def test_several_observed_differences_are_accepted_together(names: list[str]) -> None:
    bodies = [edited(OBSERVED[name])() for name in names]
    suggested = suggested_contract(*bodies)
    assert [] == [place for body in bodies for place in wrong(body, suggested)]
    assert [] == differences(suggested, observation_of(*bodies, contract=suggested))


def _tagged(value: str) -> dict[str, Any]:
    """Return a schema of objects with this kind."""
    return {"type": "object", "properties": {"kind": {"const": value}}, "required": ["kind"]}


@pytest.mark.parametrize("keyword", ["oneOf", "anyOf"])
@pytest.mark.parametrize(
    ("beside", "kinds", "not_expressible"),
    [
        ({}, [{"kind": "c"}, {"kind": "d"}, {}], 0),
        ({}, [{"kind": 5}, {"kind": "5"}], 0),
        ({}, [{"kind": True}, {"kind": "True"}, {"kind": "c"}], 0),
        ({"required": ["kind"]}, [{}, {"kind": "c"}], 1),
        ({"required": ["kind"], "properties": {"n": {"type": "string"}}}, [{"kind": "a", "n": 5}, {}], 1),
    ],
)
def test_new_kinds_do_not_prevent_each_other(
    keyword: str, beside: dict[str, Any], kinds: list[Any], not_expressible: int
) -> None:
    """The overlay accepts every observed object but those whose difference is listed, and is that of the contract."""
    schema = {keyword: [_tagged("a"), _tagged("b")], **beside}
    contract = contract_of({"type": "array", "items": schema})
    suggestion = suggest(contract, observation_of(kinds, contract=contract))
    suggested = from_document(apply_overlay(suggestion.overlay, contract.document, "suggested"), "suggested")
    assert suggestion.contract.document == suggested.document
    assert not_expressible == len(suggestion.not_expressible)
    assert not_expressible == sum(bool(wrong([kind], suggested)) for kind in kinds)


@pytest.mark.parametrize(
    ("schema", "body"),
    [
        (_tagged("a"), {}),
        ({"oneOf": [_tagged("a"), _tagged("b")]}, {}),
        ({"oneOf": [_tagged("a"), _tagged("b")]}, {"kind": "c"}),
    ],
)
def test_a_schema_of_several_statuses_is_changed_once(schema: dict[str, Any], body: dict[str, Any]) -> None:
    """The response `default` describes both errors."""
    documented = {"description": "", "content": {"application/json": {"schema": schema}}}
    contract = contract_of(responses={"200": {"description": ""}, "default": documented})
    observation = Observation()
    for status in (404, 500):
        observe(contract, contract.operations[0], status, body, observation)
    suggestion = suggest(contract, observation)
    assert 1 == len(suggestion.actions)
    assert () == suggestion.not_expressible
    assert [] == differences(suggestion.contract, observation)


@settings(max_examples=10, suppress_health_check=list(HealthCheck))
@given(responses())
def test_conforming_traffic_suggests_nothing(body: dict[str, Any]) -> None:
    assert [] == suggest(CONTRACT, observation_of(body)).actions


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["", "a", "z"]) | st.floats(0, 1),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)
_SCHEMAS = st.recursive(
    st.sampled_from(
        [
            {"type": "string"},
            {"type": "integer"},
            {"type": ["string", "null"]},
            {"enum": ["a", "b"]},
            {"const": "a"},
            {"type": "string", "format": "uuid"},
            {"$ref": "#/components/schemas/Shared"},
            {"type": "object", "additionalProperties": True},
        ]
    ),
    lambda inner: st.one_of(
        st.builds(lambda items: {"type": "array", "items": items}, inner),
        st.builds(
            lambda members, required: {"type": "object", "properties": members, "required": sorted(required)},
            st.dictionaries(st.sampled_from("abc"), inner, min_size=1, max_size=3),
            st.sets(st.sampled_from("abc"), max_size=2),
        ),
    ),
    max_leaves=5,
)
_SHARED = st.sampled_from(
    [
        {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
        {"type": "string", "enum": ["a", "z"]},
        {
            "oneOf": [
                {"type": "object", "properties": {"a": {"const": value}}, "required": ["a"]} for value in ("a", "z")
            ]
        },
    ]
)


def test_observed_integers_and_numbers_are_added_as_alternatives() -> None:
    """After 0 and 0.5, the suggested contract accepts other numbers, and no text."""
    alternatives = [{"type": "object", "required": [name]} for name in "ab"]
    contract = contract_of({"oneOf": alternatives})
    suggested = suggest(contract, observation_of(0, 0.5, contract=contract)).contract

    assert [] == [place for body in (0, 0.5, 7, 2.25) for place in wrong(body, suggested)]
    assert [] != list(wrong("text", suggested))


@settings(max_examples=50, suppress_health_check=list(HealthCheck))
@given(_SCHEMAS, _SHARED, st.lists(_VALUES, min_size=1, max_size=3))
@example({"enum": ["a", "b"]}, {"type": "string"}, [None, []])
@example({"type": "array", "items": {"type": "string", "enum": ["a"]}}, {"type": "string"}, [[[]], [None, False]])
def test_any_suggested_contract_accepts_its_traffic(schema: Any, shared: Any, bodies: list[Any]) -> None:
    """Except for differences listed as impossible to express."""
    contract = contract_of(schema, {"Shared": shared})
    suggestion = suggest(contract, observation_of(*bodies, contract=contract))
    if suggestion.not_expressible:
        return
    suggested = suggestion.contract
    assert [] == differences(suggested, observation_of(*bodies, contract=suggested))
    assert [] == [place for body in bodies for place in wrong(body, suggested)]


@settings(max_examples=50, suppress_health_check=list(HealthCheck))
@given(_SCHEMAS, _SHARED, st.lists(_VALUES, min_size=1, max_size=2), _VALUES)
@example({"type": "string"}, {"type": "string"}, [0.5], 0)
@example({"type": "object", "properties": {"b": {}}}, {}, [{"a": False}, {"a": None}], {"a": None})
def test_bodies_that_violate_other_rules_are_still_rejected(
    schema: Any, shared: Any, bodies: list[Any], further: Any
) -> None:
    """A body is rejected unless the observed ones broke the contract at the same location in the same way."""
    contract = contract_of(schema, {"Shared": shared})
    # A finding shows the first of the values that were observed at a location.
    admitted, breaks = (set().union(*(_broken(contract, body) for body in some)) for some in (bodies, [further]))
    # A schema that accepts any number accepts integers.
    admitted |= {(location, kind, "integer") for location, kind, value in admitted if value == "number"}
    if breaks and not admitted & breaks:
        assert wrong(further, suggest(contract, observation_of(*bodies, contract=contract)).contract) != []


def _broken(contract: Contract, body: Any) -> set[tuple[str, str, str]]:
    """Return location, kind and value of each difference; of an undocumented property, the type of its value."""
    findings = differences(contract, observation_of(body, contract=contract))
    return {
        # Where nothing was documented, all values of an observed type are accepted.
        (finding.location, kind, json_type_of(value) if kind == "undocumented-property" else str(value))
        for finding in findings
        for kind in [finding.extra["kind"]]
        for value in (finding.observed if isinstance(finding.observed, list) else [finding.observed])
    }


SHARED = {"type": "object", "properties": {"n": {"type": "string"}}, "required": ["n"]}


def _with_shared_component() -> Contract:
    """Return a contract with three uses of one component, all of one Python object, as a YAML alias yields."""
    reference = {"$ref": "#/components/schemas/Shared"}
    nested = {"type": "object", "properties": {"in": reference}}
    return contract_of(
        {"type": "object", "properties": {"one": reference, "two": reference, "three": nested}}, {"Shared": SHARED}
    )


@pytest.mark.parametrize(
    ("used", "elsewhere"),
    [
        (lambda n: {"one": {"n": n}}, lambda n: {"two": {"n": n}}),
        (lambda n: {"two": {"n": n}}, lambda n: {"three": {"in": {"n": n}}}),
        (lambda n: {"three": {"in": {"n": n}}}, lambda n: {"one": {"n": n}}),
    ],
)
def test_a_shared_component_changes_only_where_it_was_observed(
    used: Callable[[Any], Any], elsewhere: Callable[[Any], Any]
) -> None:
    """It is copied there, and stays unchanged for other references."""
    suggested = suggested_contract(used(5), contract=_with_shared_component())
    assert ([], []) == (wrong(used(5), suggested), wrong(used("a"), suggested))
    assert wrong(elsewhere(5), suggested) != []
    assert suggested.document["components"]["schemas"]["Shared"] == SHARED


def test_a_component_used_once_is_changed_in_place() -> None:
    """The target of the action is the component's property."""
    contract = contract_of({"$ref": "#/components/schemas/Shared"}, {"Shared": SHARED})
    targets = [action["target"] for action in suggest(contract, observation_of({"n": 5}, contract=contract)).actions]
    assert ["$.components.schemas.Shared.properties.n"] == targets


def test_an_undocumented_status_is_documented_with_the_observed_body() -> None:
    observation = observation_of({"detail": "no", "code": 4}, {"detail": "yes", "code": 5}, status=418)
    suggested = suggest(CONTRACT, observation).contract
    response = suggested.operations[0].responses["418"]
    assert response.description == "I'm a Teapot"
    assert response.content["application/json"] == {
        "type": "object",
        "properties": {"code": {"type": "integer"}, "detail": {"type": "string"}},
        "required": ["code", "detail"],
    }


def test_the_overlay_contains_no_values_except_enum_values() -> None:
    """Data of users stays private: only names, types, formats and enum values are written."""
    secret = "Nightjar-4Kd9wQx2LmZ"
    body = edited(
        lambda runtimes: (
            on_all(owner=secret, links={"self": secret, "ids": [secret]}, name=None)(runtimes),
            put(2, "id", secret)(runtimes),
            put(3, "backing", {"kind": "snapshot", "image": secret})(runtimes),
            put(4, "connections", secret)(runtimes),
            put(5, "status", "paused")(runtimes),
        )
    )()
    text = json.dumps(suggest(CONTRACT, observation_of(body)).overlay)
    assert (secret in text, "paused" in text, "snapshot" in text) == (False, True, True)


def test_descriptions_contain_the_evidence() -> None:
    """The description of a suggested action has the location and "9 of 10"."""
    body = edited(lambda runtimes: (on_all(tenant="a")(runtimes), runtimes[0].pop("tenant")))()
    (action,) = suggest(CONTRACT, observation_of(body)).actions
    assert action["description"] == "200 runtimes[*].tenant: the contract does not document this property, 9 of 10."


def test_the_overlay_does_not_depend_on_the_order_of_traffic() -> None:
    """The same bodies in reverse order suggest the same actions."""
    bodies = [edited(edit)() for edit in OBSERVED.values()]
    first, second = (suggest(CONTRACT, observation_of(*order)).actions for order in (bodies, bodies[::-1]))
    assert first == second


def test_differences_that_no_overlay_can_express_are_listed() -> None:
    """A hundred different statuses are more than an enumeration lists."""
    body = sample()
    body["runtimes"] = [{**body["runtimes"][0], "status": f"s{number}"} for number in range(100)]
    ((finding, why),) = suggest(CONTRACT, observation_of(body)).not_expressible
    assert (finding.location, why.split(":")[0]) == (
        "runtimes[*].status",
        "there are more values than an enumeration lists",
    )
