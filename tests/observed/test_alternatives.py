"""Observation of values with several alternatives: which of them a value has, so that no valid value differs."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from pytest_bctrl.contract.engine import accepts
from pytest_bctrl.observed.differences import SCHEMA, UNDOCUMENTED, differences
from tests.contract.documents import contract_of

from .bodies import observation_of

NAMES = st.sampled_from("abc")
PROPERTIES = st.sampled_from(
    [
        {"type": "string"},
        {"type": "integer"},
        {"type": ["object", "null"]},
        {"type": "array", "items": {"type": "string"}},
        {"const": "x"},
        {"const": {"a": 1}},
        {"enum": ["y", 1]},
        {"enum": [None, False]},
        {},
    ]
)
ALTERNATIVES = st.fixed_dictionaries(
    {
        "type": st.just("object"),
        "properties": st.dictionaries(NAMES, PROPERTIES, max_size=3),
        "required": st.lists(NAMES, max_size=3, unique=True),
    }
)


def with_types(**properties: Any) -> dict[str, Any]:
    """Return the schema of an object with properties, each given by its type or its schema."""
    named = {name: {"type": value} if isinstance(value, str) else value for name, value in properties.items()}
    return {"type": "object", "properties": named}


def undocumented_names(schema: Any, value: Any) -> set[str]:
    """Return the names of the undocumented properties in a value."""
    contract = contract_of(schema)
    findings = differences(contract, observation_of(value, contract=contract))
    return {finding.location.rpartition(".")[2] for finding in findings if finding.rule == UNDOCUMENTED}


OBJECTS = st.dictionaries(
    NAMES, st.sampled_from(["x", "y", "z", 1, 1.0, True, None, {}, {"a": 1}, ["x"], [1]]), max_size=3
)


@given(st.sampled_from(["oneOf", "anyOf"]), st.lists(ALTERNATIVES, min_size=1, max_size=3), OBJECTS)
@example(
    "oneOf",
    [
        {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}, "required": ["a", "b"]},
        {"type": "object", "properties": {"a": {"type": ["object", "null"]}}, "required": ["a"]},
    ],
    {"a": {}, "b": "x"},
)
@example("anyOf", [{"type": "object"}, {"properties": {"a": {"const": "x"}}, "required": ["b"]}], {"a": "x"})
@example("oneOf", [{"properties": {"a": {"const": number}}, "required": ["a"]} for number in (1, 2)], {"a": 1.0})
def test_a_valid_value_has_no_differences(keyword: str, alternatives: list[Any], value: dict[str, Any]) -> None:
    """Not even if it resembles another alternative more than the one that accepts it."""
    schema = {keyword: alternatives}
    contract = contract_of(schema)
    assume(accepts(contract, schema, value))
    assert [] == [
        finding for finding in differences(contract, observation_of(value, contract=contract)) if finding.rule == SCHEMA
    ]


LOOSE_ALTERNATIVES = st.fixed_dictionaries(
    {
        "type": st.just("object"),
        "properties": st.dictionaries(
            NAMES, st.sampled_from([{}, *({"type": name} for name in ("string", "integer", "null"))]), min_size=1
        ),
    }
)


@given(
    st.sampled_from(["oneOf", "anyOf"]),
    st.lists(LOOSE_ALTERNATIVES, min_size=2, max_size=3),
    st.dictionaries(st.sampled_from("abcz"), st.sampled_from(["x", 1, None]), max_size=4),
    st.integers(0, 2),
)
@example("anyOf", [with_types(a="integer", b={}), with_types(c={})], {"a": None, "b": 1, "c": 1, "z": 1}, 1)
def test_a_property_is_undocumented_if_no_alternative_documents_it(
    keyword: str, alternatives: list[Any], value: dict[str, Any], depth: int
) -> None:
    """Whichever of the alternatives accept the value, and at any depth."""
    documented = {name for alternative in alternatives for name in alternative["properties"]}
    expected = value.keys() - documented
    for _ in range(depth):
        alternatives = [{"type": "object", "properties": {"in": alternative}} for alternative in alternatives]
        value = {"in": value}
    schema = {keyword: alternatives}
    assume(accepts(contract_of(schema), schema, value))
    assert expected == undocumented_names(schema, value)


KINDS = [
    {"type": "object", "properties": {"kind": {"const": "a"}, "x": {}}, "required": ["kind"]},
    {"type": "object", "properties": {"kind": {"const": "b"}, "y": {}}, "required": ["kind"]},
]


@pytest.mark.parametrize(
    ("schema", "value", "expected"),
    [
        ({"oneOf": KINDS}, {"kind": "a", "y": 1}, {"y"}),
        ({"anyOf": [*KINDS, with_types(z={})]}, {"kind": "a", "x": 1, "y": 1}, {"y"}),
        ({"anyOf": [*KINDS, with_types(z={})]}, {"kind": "a", "x": 1, "z": 1}, set()),
        ({"anyOf": [with_types(a={}), {**with_types(b={}), "additionalProperties": True}]}, {"a": 1, "z": 1}, set()),
        ({"anyOf": [with_types(a={}), {**with_types(b={}), "required": ["z"]}]}, {"a": 1, "z": 1}, set()),
        (
            {"anyOf": [with_types(a="integer", b=with_types(c={})), with_types(a="null")]},
            {"a": None, "b": {"c": 1, "z": 1}},
            {"z"},
        ),
        (
            {"anyOf": [with_types(a="integer", b={"items": with_types(c={})}), with_types(a="null")]},
            {"a": None, "b": [{"c": 1}, {"z": 1}]},
            {"z"},
        ),
        (
            {"oneOf": [with_types(kind={"const": name}, **{name: "integer"}) for name in "ab"]},
            {"a": 1, "b": "x"},
            set(),
        ),
    ],
)
def test_an_alternative_documents_properties_of_the_values_that_it_may_describe(
    schema: Any, value: Any, expected: set[str]
) -> None:
    assert expected == undocumented_names(schema, value)
