"""Coverage: the points that a contract has, and those that responses exercised."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_bctrl.contract.model import Contract
from pytest_bctrl.contract.read import from_document
from pytest_bctrl.contract.schema.applicators import branch_name
from pytest_bctrl.observed.coverage import Coverage, coverage, unexercised_lines
from pytest_bctrl.observed.observe import NO_BODY
from tests.contract.documents import contract_of, document
from tests.observed.bodies import CONTRACT, observation_of, sample


def measured(contract: Contract, *bodies: Any, status: int = 200) -> Coverage:
    """Return the coverage of a contract by bodies of one status."""
    return coverage(contract, observation_of(*bodies, contract=contract, status=status))


def points(schema: Any, *bodies: Any) -> dict[tuple[str, str, str], int]:
    """Return how often bodies exercised each point of a schema, by location, kind and label."""
    measured_points = measured(contract_of(schema), *bodies).points
    return {
        (point.location, point.kind, point.label): point.seen
        for point in measured_points
        if point.status == "200" and point.kind not in ("status", "parameter")
    }


@pytest.mark.parametrize(
    ("schema", "bodies", "expected"),
    [
        ({"type": "string"}, ["a"], {}),
        ({"type": ["string", "null"]}, ["a", "b"], {("", "null", "null"): 0, ("", "type", "string"): 2}),
        ({"enum": ["a", 1]}, ["a", "x"], {("", "enum", '"a"'): 1, ("", "enum", "1"): 0}),
        ({"const": True}, [True, 1], {("", "enum", "true"): 1}),
        (
            {"type": ["string", "null"], "enum": ["a", None, 3]},
            ["a", None],
            {("", "enum", '"a"'): 1, ("", "null", "null"): 1},
        ),
        (
            {"type": "string", "format": "uuid"},
            ["x", "5b1e0c8e-0000-4000-8000-00000000bc71"],
            {("", "format", "uuid"): 1},
        ),
        (
            {"type": "object", "properties": {"a": {}, "b": {}}, "required": ["a"]},
            [{"a": 1}, {"a": 1, "b": 1}],
            {("a", "property", "a"): 2, ("b", "property", "b"): 1, ("b", "absent", "absent"): 1},
        ),
        (
            {"type": "array", "items": {"type": "integer"}},
            [[], [1, 2]],
            {("", "items", "with items"): 1, ("", "empty", "empty list"): 1},
        ),
        (
            {"anyOf": [{"type": "object", "properties": {"a": {}}, "required": ["a"]}, {"type": "null"}]},
            [None],
            {("", "null", "null"): 1, ("", "type", "object"): 0, ("a", "property", "a"): 0},
        ),
        ({"type": "object", "additionalProperties": True}, [{"x": 1}], {}),
        ({"type": "object", "additionalProperties": {"enum": ["a"]}}, [{"x": "a"}], {("*", "enum", '"a"'): 1}),
        (
            {"if": {"type": "object", "required": ["a"]}, "then": {"properties": {"a": {}}}, "type": "object"},
            [{"a": 1}, {}, {}],
            {("", "branch", "then"): 1, ("", "branch", "else"): 2, ("<then>.a", "property", "a"): 1},
        ),
        (
            {"type": "object", "properties": {"a": {}}, "dependentSchemas": {"a": {"properties": {"b": {}}}}},
            [{"a": 1}, {"b": 1}],
            {("", "branch", "with=a"): 1, ("<with=a>.b", "property", "b"): 0, ("<with=a>.b", "absent", "absent"): 1},
        ),
        (
            {"anyOf": [{"type": "array", "items": {"type": "integer"}}, {"type": "array", "maxItems": 1}]},
            [["x"], [1, 2], [1]],
            {("", "items", "with items"): 3, ("", "empty", "empty list"): 0}
            | {("", "branch", "anyOf:0"): 2, ("", "branch", "anyOf:1"): 2},
        ),
        (
            {"type": "array", "if": {"minItems": 2}, "then": {"items": {"enum": ["a"]}}},
            [[], ["a", "a"]],
            {("", "items", "with items"): 1, ("", "empty", "empty list"): 1}
            | {("", "branch", "then"): 1, ("", "branch", "else"): 1, ("<then>[*]", "enum", '"a"'): 2},
        ),
    ],
)
def test_the_coverage_points_of_a_schema_count_the_bodies_that_exercise_them(
    schema: Any, bodies: list[Any], expected: dict[tuple[str, str, str], int]
) -> None:
    """All points of the schema by location, kind and label; some schemas have none."""
    assert expected == points(schema, *bodies)


def test_branches_are_distinguished_by_their_discriminator() -> None:
    def branch(kind: str) -> dict[str, Any]:
        return {"type": "object", "properties": {"kind": {"const": kind}, kind: {}}, "required": ["kind"]}

    counts = points({"oneOf": [branch("x"), branch("y")]}, {"kind": "x", "x": 1}, {"kind": "z"})
    assert {("", "branch", "kind=x"): 1, ("", "branch", "kind=y"): 0} == {
        point: seen for point, seen in counts.items() if point[1] == "branch"
    }
    assert (1, 0) == (counts["<kind=x>.x", "property", "x"], counts["<kind=y>.y", "property", "y"])


def test_a_recursive_schema_is_counted_once() -> None:
    """The points of its first level are the only ones."""
    node = {"type": "object", "properties": {"next": {"$ref": "#/components/schemas/Node"}}}
    contract = contract_of({"$ref": "#/components/schemas/Node"}, {"Node": node})
    listed = [
        (point.location, point.kind) for point in measured(contract, {"next": {"next": {}}}).points if point.location
    ]
    assert [("path", "parameter"), ("next", "property"), ("next", "absent")] == listed


def test_a_schema_that_applies_twice_is_counted_once() -> None:
    """`allOf` with the same reference twice: one point, counted once."""
    part = {"$ref": "#/components/schemas/Part"}
    contract = contract_of({"allOf": [part, part]}, {"Part": {"type": "object", "properties": {"a": {}}}})
    properties = [point for point in measured(contract, {"a": 1}).points if point.kind == "property"]
    assert [("a", 1)] == [(point.location, point.seen) for point in properties]


def test_more_responses_cover_more_points() -> None:
    """The number of points stays; a response without a body covers only its status."""
    nothing, once, twice = (
        measured(CONTRACT),
        measured(CONTRACT, sample()),
        measured(CONTRACT, sample(), {"runtimes": []}),
    )
    assert (0, 0.0) == (nothing.seen, nothing.percent)
    assert once.seen < twice.seen
    assert len(nothing.points) == len(once.points) == len(twice.points) > 100
    assert 1 == measured(CONTRACT, NO_BODY, status=404).seen


def test_unexercised_lines_omit_points_below_an_unexercised_one() -> None:
    """For an empty list: "with items", but nothing of the items."""
    lines = unexercised_lines(measured(CONTRACT, {"runtimes": []}))
    assert ["status 400, 401, 403, 404, 429", "path parameter: id", "200 runtimes: with items"] == lines


def test_a_branch_is_named_after_its_schema() -> None:
    """By its title, its component, its discriminating value, or its position and type."""
    schemas = {"A": {"type": "array", "items": {"type": "string"}}, "B": {"title": "a number", "type": "number"}}
    variants = [{"properties": {"kind": {"const": kind}}, "required": ["kind"]} for kind in "xy"]
    untagged = [{"$ref": "#/components/schemas/A"}, {"type": "array", "minItems": 3}]
    objects = [{"title": "flat error shape", "required": ["a"]}, {"required": ["b", "c"]}]

    def named(*branches: Any) -> list[str]:
        """Return the names of the branches of an `anyOf`."""
        points = measured(contract_of({"anyOf": list(branches)}, schemas)).points
        return [point.name for point in points if point.kind == "branch"]

    assert ["A", "alternative 2: array"] == named(*untagged)
    assert ["flat error shape", "alternative 2: a value {b, c}"] == named(*objects)[:2]
    assert ["kind=x", "kind=y"] == named(*({"type": "object", **branch} for branch in variants))
    assert ["a number", "number"] == [branch_name(contract_of(True, schemas), schema) or "number" for schema in NUMBERS]


NUMBERS: list[Any] = [{"$ref": "#/components/schemas/B"}, {"type": "number"}]


def post_contract() -> Contract:
    """Return a contract whose only operation is a POST."""
    spec = document({"properties": {"a": {}}})
    (item,) = spec["paths"].values()
    item["post"] = item.pop("get")
    return from_document(spec, "things.json")


def test_an_unsafe_operation_that_was_not_exercised_has_no_points() -> None:
    """The suite does not send its requests: 0 %."""
    result = measured(post_contract())
    assert ((), 0, 0.0) == (result.points, result.seen, result.percent)


@pytest.mark.parametrize(("status", "percent"), [(200, 50.0), (404, 0.0)])
def test_an_unsafe_operation_counts_once_it_was_exercised(status: int, percent: float) -> None:
    """By a response of any status."""
    contract = post_contract()
    result = measured(contract, {"a": 1}, status=status)
    as_get = measured(contract_of({"properties": {"a": {}}}), {"a": 1}, status=status)
    assert [(point.kind, point.label, point.seen) for point in as_get.points] == [
        (point.kind, point.label, point.seen) for point in result.points
    ]
    assert percent == result.percent


@pytest.mark.parametrize("body", [{"itemSchema": {"type": "object"}}, {"schema": {"type": "object"}}])
def test_a_body_that_is_not_validated_is_not_covered(body: Any) -> None:
    """Its status is, and `not_measured` has the reason."""
    contract = contract_of(responses={"200": {"description": "x", "content": {"text/event-stream": body}}})
    result = measured(contract, NO_BODY)
    assert ("coverage of GET /v1/things/{id} 200: its text/event-stream body is not validated",) == result.not_measured
    assert {"status": 1, "body": 0} == {
        point.kind: point.seen for point in result.points if point.kind in ("status", "body")
    }
