"""Coverage and the outline of a contract whose alternatives combine in more ways than the budget allows."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_bctrl.contract import budget
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.contract.schema.node import LEVELS
from pytest_bctrl.observed.coverage import Coverage, coverage
from pytest_bctrl.observed.facts import Observation
from pytest_bctrl.reports.html.outline import outline
from tests.contract.documents import contract_of

BODY = "#/paths/~1v1~1things~1{id}/get/responses/200/content/application~1json/schema"


def choice(name: str) -> dict[str, Any]:
    """Return two alternatives, which the property `name` distinguishes."""
    return {"oneOf": [{"properties": {name: {"const": tag}, f"{name}{tag}": True}, "required": [name]} for tag in "xy"]}


def measured(contract: Contract) -> Coverage:
    """Return the coverage of a contract without any response."""
    return coverage(contract, Observation())


def choices(number: int) -> Contract:
    """Return a contract with this many pairs of alternatives, which combine."""
    return contract_of({"type": "object", "allOf": [choice(f"p{n}") for n in range(number)]})


def wide(**operation: Any) -> Contract:
    """Return a contract whose response has `small`, a text, and `large`, a component with 200 texts."""
    large = {"type": "object", "properties": {f"p{n}": {"type": "string"} for n in range(200)}}
    outer = {"type": "object", "properties": {"small": {"type": "string"}, "large": {"$ref": "#/components/schemas/L"}}}
    return contract_of({"$ref": "#/components/schemas/O"}, {"L": large, "O": outer}, **operation)


def response_nodes(contract: Contract) -> list[dict[str, Any]]:
    """Return the nodes of the responses in the outline of a contract."""
    (operation,) = outline(contract, [], measured(contract))
    return [node for node in operation["children"] if node["kind"] == "response"]


def test_alternatives_beyond_the_limit_are_not_distinguished(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`not_measured` names the schema; the branches below the limit still count."""
    monkeypatch.setattr("pytest_bctrl.contract.schema.node.COMBINATIONS", 4)
    assert () == measured(choices(2)).not_measured
    (line,) = measured(choices(3)).not_measured
    assert line.startswith("coverage of GET /v1/things/{id} 200, ")
    assert f"things.json: {BODY}/allOf/2: alternatives are not distinguished" in line
    branches = {point.location for point in measured(choices(3)).points if point.kind == "branch"}
    assert {"", "<p0=x>", "<p0=y>"} == branches


def test_a_body_with_more_points_than_the_budget_is_not_measured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`not_measured` names its schema; parameters and statuses are measured."""
    assert () == measured(wide()).not_measured
    monkeypatch.setattr(budget, "POINTS", 100)
    result = measured(wide())
    (line,) = result.not_measured
    assert line.startswith(
        "coverage of GET /v1/things/{id} 200: things.json: #/components/schemas/O/properties/large: "
    )
    assert {"parameter", "status"} == {point.kind for point in result.points}


@pytest.mark.parametrize(("further", "words"), [(1, "and 1 other response: "), (2, "and 2 other responses: ")])
def test_responses_with_the_same_unmeasured_schema_are_listed_once(
    monkeypatch: pytest.MonkeyPatch, further: int, words: str
) -> None:
    """The line names the first status and counts the others."""
    monkeypatch.setattr(budget, "POINTS", 100)
    large = {"description": "x", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/O"}}}}
    (line,) = measured(wide(responses={str(200 + n): large for n in range(further + 1)})).not_measured
    assert line.startswith(f"coverage of GET /v1/things/{{id}} 200 {words}")


def test_the_outline_of_a_body_beyond_the_budget_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no children, and its words say why."""
    (root,) = response_nodes(wide())
    assert ["small", "large"] == [node["name"] for node in root["children"]]
    monkeypatch.setattr(budget, "POINTS", 100)
    (cut,) = response_nodes(wide())
    assert [] == cut["children"]
    assert cut["words"].startswith("x (not shown: properties and alternatives combine in more than ")


def test_the_outline_ends_at_the_maximum_depth() -> None:
    """Of a schema nested three levels deeper, it has `LEVELS` levels."""
    levels = LEVELS + 3
    schemas = {f"S{n}": {"properties": {"a": {"$ref": f"#/components/schemas/S{n + 1}"}}} for n in range(levels)}
    contract = contract_of({"$ref": "#/components/schemas/S0"}, {**schemas, f"S{levels}": {"type": "string"}})
    (node,) = response_nodes(contract)
    depth = 0
    while node["children"]:
        (node,) = node["children"]
        depth += 1
    assert LEVELS == depth
