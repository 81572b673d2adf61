"""Observation of values with several alternatives: which of them a value has, so that no valid value differs."""

from __future__ import annotations

from typing import Any

from hypothesis import assume, example, given
from hypothesis import strategies as st

from pytest_bctrl.contract.engine import accepts
from pytest_bctrl.observed.differences import SCHEMA, differences
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
