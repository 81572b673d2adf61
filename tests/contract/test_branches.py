"""Which branch of a `oneOf` a value is intended for."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_bctrl.contract.engine import accepts
from pytest_bctrl.contract.schema.applicators import Branch, distinguishing_property, intended_branch
from pytest_bctrl.observed.differences import differences
from pytest_bctrl.observed.facts import Observation
from pytest_bctrl.observed.observe import observe
from tests.contract.documents import contract_of


def branches(*schemas: Any) -> list[Branch]:
    """Return the features of each schema as a branch."""
    return [Branch.of(contract_of(), schema) for schema in schemas]


def tagged(name: str, *values: Any, **others: Any) -> dict[str, Any]:
    """Return the schema of an object with a required property that has one of the values, and other properties."""
    return {"type": "object", "properties": {name: {"enum": list(values)}, **others}, "required": [name]}


@pytest.mark.parametrize(
    ("schemas", "expected"),
    [
        ([tagged("kind", "a"), tagged("kind", "b")], "kind"),
        ([tagged("kind", "a", "b"), tagged("kind", "b", "c")], None),
        ([tagged("kind", "a"), tagged("type", "b")], None),
        ([tagged("kind", "a"), {"type": "null"}], "kind"),
        ([tagged("v", 1), tagged("v", True)], "v"),
        ([{"type": "string"}, {"type": "null"}], None),
        ([True, False], None),
        ([], None),
        ([{"allOf": [tagged("kind", "a")]}, {"properties": {"kind": {"const": "b"}}}], "kind"),
    ],
)
def test_the_distinguishing_property_has_other_values_in_each_object_branch(schemas: list[Any], expected: Any) -> None:
    """It is None if values overlap, if a branch lists none, or if there is no object branch."""
    assert expected == distinguishing_property(branches(*schemas))


@pytest.mark.parametrize("word", ["anyOf", "oneOf"])
@pytest.mark.parametrize("requiring", [(), (0,), (1,), (0, 1)])
def test_a_distinguishing_property_is_missing_only_if_the_object_is_invalid(
    word: str, requiring: tuple[int, ...]
) -> None:
    """`requiring` are the branches that require the property; the engine decides whether `{}` is valid without it."""
    schemas = [
        {"type": "object", "properties": {"kind": {"const": kind}}, "required": ["kind"] * (index in requiring)}
        for index, kind in enumerate("ab")
    ]
    schema = {word: schemas}
    contract = contract_of(schema)
    observation = Observation()

    observe(contract, contract.operations[0], 200, {}, observation)

    missing = [finding.location for finding in differences(contract, observation)]
    assert (["kind"] if not accepts(contract, schema, {}) else []) == missing


@given(
    st.sampled_from(["anyOf", "oneOf"]),
    st.lists(st.sets(st.sampled_from(["kind", "size", "name"])), min_size=2, max_size=3),
    st.dictionaries(st.sampled_from(["size", "name"]), st.sampled_from(["x", 1])),
)
@example("oneOf", [{"size"}, {"name"}], {"size": "x"})
@example("oneOf", [{"size"}, {"name"}], {})
def test_an_object_without_a_distinguishing_property_lacks_it_in_a_one_of_exactly_if_it_is_invalid(
    word: str, required: list[set[str]], members: dict[str, Any]
) -> None:
    """The branches require other properties too, and the engine decides. A valid object lacks nothing in an `anyOf`."""
    schemas = [
        {"type": "object", "properties": {"kind": {"const": kind}}, "required": sorted(names)}
        for kind, names in zip("abc", required, strict=False)
    ]
    schema = {word: schemas}
    contract = contract_of(schema)
    observation = Observation()

    observe(contract, contract.operations[0], 200, members, observation)

    locations = [finding.location for finding in differences(contract, observation)]
    valid = accepts(contract, schema, members)
    assert not valid or "kind" not in locations
    assert valid or word == "anyOf" or "kind" in locations


AB = [tagged("kind", "a"), tagged("kind", "b", size={"type": "integer"})]


@pytest.mark.parametrize(
    ("schemas", "value", "expected"),
    [
        (AB, {"kind": "a"}, 0),
        (AB, {"kind": "b", "size": "wrong"}, 1),
        (AB, {"kind": "c"}, None),
        (AB, {"size": 1}, None),
        (AB, {"kind": ["a"]}, None),
        (AB, {"kind": {"a": 1}}, None),
        (AB, [], None),
        (AB, None, None),
        ([*AB, {"type": "null"}], None, 2),
        ([*AB, {"type": "null"}], "a", None),
        ([{"type": "string"}, {"type": "number"}], 1, 1),
        ([{"type": "string"}, {"type": "integer"}], True, None),
        ([{"type": "object", "properties": {"a": {}}}, {"type": "object", "properties": {"b": {}}}], {"b": 1}, 1),
        ([{"type": "object", "properties": {"a": {}}}, {"type": "object", "properties": {"b": {}}}], {}, None),
        ([], {}, None),
    ],
)
def test_the_intended_branch_follows_from_the_property_the_type_or_the_likeness(
    schemas: list[Any], value: Any, expected: int | None
) -> None:
    """It is None if that leaves several branches or no branch."""
    assert expected == intended_branch(branches(*schemas), value)


@pytest.mark.parametrize("members", [{"kind": "a"}, {"kind": "a", "size": 1}, {}, {"name": "x"}, {"kind": "b"}])
def test_a_property_that_a_condition_requires_is_missing_exactly_if_the_object_is_invalid(
    members: dict[str, Any],
) -> None:
    """Objects of kind `a` require `size`, others `name`; the engine decides."""
    schema = {
        "type": "object",
        "if": {"properties": {"kind": {"const": "a"}}, "required": ["kind"]},
        "then": {"properties": {"size": {"type": "integer"}}, "required": ["size"]},
        "else": {"required": ["name"]},
    }
    contract = contract_of(schema)
    observation = Observation()

    observe(contract, contract.operations[0], 200, members, observation)

    missing = [finding.location for finding in differences(contract, observation) if finding.level == "error"]
    expected = ["size" if members.get("kind") == "a" else "name"]
    assert ([] if accepts(contract, schema, members) else expected) == missing


@pytest.mark.parametrize(
    "others",
    [
        {},
        {"additionalProperties": False},
        {"additionalProperties": {"type": "object"}},
        {"properties": {"size": {}}},
        {"additionalProperties": True},
    ],
)
@pytest.mark.parametrize("members", [{}, {"name": {"a": 1}}, {"size": {}}, {"name": {}, "size": {}, "kind": {}}])
def test_a_required_property_without_a_schema_is_missing_exactly_if_the_object_lacks_it(
    others: dict[str, Any], members: dict[str, Any]
) -> None:
    """Whichever other properties the object may have."""
    contract = contract_of({"type": "object", "required": ["name"], **others})
    observation = Observation()

    observe(contract, contract.operations[0], 200, members, observation)

    missing = [finding.location for finding in differences(contract, observation) if finding.extra["kind"] == "missing"]
    assert ([] if "name" in members else ["name"]) == missing
