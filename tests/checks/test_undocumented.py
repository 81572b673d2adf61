"""Properties that the API sends and the contract does not document."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pytest_bctrl.checks.run import check_response
from tests.contract.documents import contract_of

from .responses import response, runtime


def undocumented_locations(body: Any, schema: Any = None, schemas: Any = None) -> list[str]:
    """Return the sample location of each finding; the schema is that of the packaged contract if it is None."""
    checked = response(body) if schema is None else response(body, contract=contract_of(schema, schemas))
    return [finding.sample["location"] for finding in check_response(checked, aspects=["undocumented"])]


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"runtimes": [], "next": None}, "next"),
        (runtime(tags=[]), "runtimes[0].tags"),
        (runtime(connections={"ssh": {}}), "runtimes[0].connections.ssh"),
        (runtime(connections={"cdp": {"available": True, "url": ""}}), "runtimes[0].connections.cdp.url"),
        (runtime(summary={"cpu": 1}), "runtimes[0].summary.cpu"),
        (runtime(backing={"kind": "ephemeral", "profile": "x"}), "runtimes[0].backing.profile"),
        (runtime(backing={"kind": "profile", "profile": "x", "y": 1}), "runtimes[0].backing.y"),
    ],
)
def test_undocumented_properties_are_found_at_every_depth_and_in_branches(body: Any, place: str) -> None:
    assert [place] == undocumented_locations(body)


@pytest.mark.parametrize("metadata", [None, {}, {"a": {"b": [{"c": 1}]}}])
def test_free_form_metadata_is_never_searched(metadata: Any) -> None:
    assert [] == undocumented_locations(runtime(metadata=metadata))


@pytest.mark.parametrize("depth", [500, 5_000])
def test_deep_nesting_without_a_schema_is_ignored(depth: int) -> None:
    """Free-form metadata of 5,000 levels has no finding."""
    body = json.dumps(runtime(metadata="@")).replace('"@"', "[" * depth + "]" * depth).encode()
    assert [] == undocumented_locations(body)


@pytest.mark.parametrize("body", [b"", b"{", [], None, {"runtimes": None}, {"runtimes": [1, None, []]}])
def test_a_body_of_another_type_has_no_undocumented_properties(body: Any) -> None:
    assert [] == undocumented_locations(body)


OBJECT = {"type": "object", "properties": {"a": {"type": "object", "properties": {"b": {}}}}}


@pytest.mark.parametrize(
    ("schema", "body", "expected"),
    [
        (True, {"x": 1}, []),
        ({}, {"x": 1}, []),
        ({"type": "object"}, {"x": 1}, []),
        (OBJECT, {"x": 1}, ["x"]),
        (OBJECT, {"a": {"x": 1}}, ["a.x"]),
        ({**OBJECT, "required": ["x"]}, {"x": {"y": 1}, "z": 1}, ["z"]),
        ({"allOf": [OBJECT, {"required": ["x"]}]}, {"x": 1}, []),
        ({**OBJECT, "additionalProperties": True}, {"x": 1}, []),
        ({**OBJECT, "additionalProperties": {}}, {"x": 1}, []),
        ({"type": "object", "additionalProperties": OBJECT}, {"k": {"x": 1}}, ["k.x"]),
        ({**OBJECT, "patternProperties": {"^x": {}}}, {"x": 1}, []),
        ({"allOf": [OBJECT, {"properties": {"x": {}}}]}, {"x": 1, "y": 1}, ["y"]),
        ({"anyOf": [OBJECT, {"properties": {"x": {}}}]}, {"x": 1}, []),
        ({"type": "array", "items": OBJECT}, [{}, {"x": 1}], ["[1].x"]),
        ({"prefixItems": [OBJECT], "items": {"properties": {"x": {}}}}, [{"x": 1}, {"x": 1}], ["[0].x"]),
        ({"if": {"required": ["a"]}, "then": OBJECT, "else": {"properties": {"x": {}}}}, {"x": 1}, []),
        ({**OBJECT, "dependentSchemas": {"a": {"properties": {"x": {}}}}}, {"a": {}, "x": 1}, []),
        ({**OBJECT, "dependentSchemas": {"a": {"properties": {"x": {}}}}}, {"x": 1}, ["x"]),
    ],
)
def test_every_keyword_that_documents_properties_is_considered(schema: Any, body: Any, expected: Any) -> None:
    """The locations of the findings for a schema and a body."""
    assert expected == undocumented_locations(body, schema)


def test_undocumented_properties_are_found_in_recursive_schemas() -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#/components/schemas/Node"}}}
    body = {"next": {"next": {"x": 1}}}
    assert ["next.next.x"] == undocumented_locations(body, {"$ref": "#/components/schemas/Node"}, {"Node": node})
