"""Which branch of a `oneOf` a value is intended for."""

from __future__ import annotations

from typing import Any

import pytest

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
