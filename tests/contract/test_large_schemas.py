"""Schemas with hundreds of parts: the work of loading, sampling and checking grows with their number, not its square.

Work is counted in lines of Python that run, so that the result does not depend on the machine.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Any

import pytest

from pytest_bctrl import check
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.contract.schema.ref import flatten
from pytest_bctrl.observed.coverage import coverage
from pytest_bctrl.observed.facts import Observation
from pytest_bctrl.samples.sample import Samples

from .documents import contract_of

FEW, MANY = 100, 400


def names(number: int) -> list[str]:
    """Return this number of property names."""
    return [f"p{index:04}" for index in range(number)]


def strings(number: int) -> dict[str, Any]:
    """Return the schemas of this number of properties, which are strings."""
    return {name: {"type": "string"} for name in names(number)}


def one_property(name: str, **keywords: Any) -> dict[str, Any]:
    """Return the schema of an object that requires one property."""
    return {"type": "object", "required": [name], "properties": {name: {"type": "string"}}, **keywords}


SHAPES: dict[str, Callable[[int], Any]] = {
    "one schema": lambda number: {"type": "object", "required": names(number), "properties": strings(number)},
    "undeclared": lambda number: {"type": "object", "required": names(number)},
    "allOf": lambda number: {"allOf": [one_property(name) for name in names(number)]},
    "allOf with additional properties": lambda number: {
        "allOf": [one_property(name, additionalProperties={"type": ["string", "null"]}) for name in names(number)]
    },
    "enum": lambda number: {"type": "object", "properties": {"kind": {"enum": names(number)}}},
    "objects": lambda number: {"type": "object", "properties": {name: one_property("a") for name in names(number)}},
}


def lines_run(function: Callable[[], Any]) -> int:
    """Return how many lines of Python a function runs."""
    count = 0

    def trace(_frame: FrameType, event: str, _argument: Any) -> Any:
        """Count a line; trace the frames that it calls, too."""
        nonlocal count
        count += event == "line"
        return trace

    previous = sys.gettrace()
    sys.settrace(trace)
    try:
        function()
    finally:
        sys.settrace(previous)
    return count


def sample(contract: Contract) -> Any:
    """Return the sample of the only operation."""
    return Samples(contract, contract.operations[0]).sample()


STAGES: dict[str, Callable[[Contract], Any]] = {
    "check": lambda contract: check(sample(contract), contract=contract),
    "coverage": lambda contract: coverage(contract, Observation()),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_the_work_of_loading_grows_with_the_number_of_properties(shape: str) -> None:
    """Four times as many run at most six times as many lines of Python."""
    few, many = (lines_run(partial(contract_of, SHAPES[shape](number))) for number in (FEW, MANY))
    assert 6 * few > many


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("shape", SHAPES)
def test_the_work_with_a_body_grows_with_the_number_of_properties(shape: str, stage: str) -> None:
    """Four times as many run at most six times as many lines of Python."""
    contracts = [contract_of(SHAPES[shape](number)) for number in (FEW, MANY)]
    few, many = (lines_run(partial(STAGES[stage], contract)) for contract in contracts)
    assert 6 * few > many


TEXT, WHOLE = {"type": "string"}, {"type": "integer"}
MERGED: dict[str, tuple[list[Any], Any]] = {
    "items true": ([{"items": True}, {"items": TEXT}], {"items": TEXT}),
    "items false": ([{"items": TEXT}, {"items": False}, {"items": WHOLE}], {"items": False}),
    "items": ([{"items": TEXT}, {"items": WHOLE}, {"items": True}], {"items": {"allOf": [TEXT, WHOLE]}}),
    "type": ([{"type": "number"}, {"type": ["integer", "null"]}, {"type": "integer"}], {"type": ["integer"]}),
    "no type": ([TEXT, WHOLE, TEXT], {"not": {}}),
    "enum": ([{"enum": [1, 2, 3]}, {"enum": [3, 2]}, {"enum": [5, 3]}], {"enum": [3]}),
    "required": ([{"required": ["a"]}, {"required": ["b", "a"]}, {"required": ["c"]}], {"required": ["a", "b", "c"]}),
    "limits": ([{"maxLength": 5}, {"maxLength": 3}, {"maxLength": 4}], {"maxLength": 3}),
    "properties": (
        [{"properties": {"a": TEXT, "b": TEXT}}, {"properties": {"b": WHOLE, "c": TEXT}}, {"properties": {"b": TEXT}}],
        {"properties": {"a": TEXT, "b": {"allOf": [TEXT, WHOLE]}, "c": TEXT}},
    ),
    "unmerged": ([{"pattern": "a"}, {"pattern": "b"}], {"pattern": "a", "allOf": [{"pattern": "b"}]}),
}


@pytest.mark.parametrize("name", MERGED)
def test_the_keywords_of_several_schemas_are_merged(name: str) -> None:
    """`flatten` returns a schema that demands what all parts of an `allOf` demand."""
    parts, expected = MERGED[name]
    assert expected == flatten(contract_of(), {"allOf": parts})
