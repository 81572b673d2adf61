"""`contract show`: the contract as a tree."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_bctrl.contract.read import from_document, load
from pytest_bctrl.contract.show import contract_lines

from .documents import contract_of, document


def members(schema: Any, schemas: dict[str, Any] | None = None) -> list[str]:
    """Return the lines of the tree from the media type on, for a contract of one response with this schema."""
    shown = list(contract_lines(contract_of(schema, schemas)))
    return shown[next(i for i, line in enumerate(shown) if "application/json" in line) :]


def test_the_packaged_contract_is_shown() -> None:
    """The lines of the tree name the operation, its parameter, security, responses, headers and invariants."""
    contract = load()
    first, *shown = contract_lines(contract)
    assert f"bctrl API 1.0.0  (sha256 {contract.digest})" == first
    assert {
        "GET /v1/spaces/{id}/runtimes  runtimes-list",
        "  parameter   id*  in path, string, from the setting space_id",
        "  security    bearerAuth (http bearer)",
        "  response    429  Too many requests; Retry-After says when to come back.",
        "    header Retry-After: string",
        "  invariant   unique_ids (error): two runtimes never share an id",
    } <= {*shown}


def test_an_api_key_is_shown_with_its_header() -> None:
    spec = document()
    spec["components"]["securitySchemes"] = {"key": {"type": "apiKey", "in": "header", "name": "X-Key"}}
    spec["security"] = [{"key": []}]
    assert "  security    key (apiKey X-Key in header)" in list(contract_lines(from_document(spec, "things")))


def test_a_required_property_is_marked_with_a_star() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "integer"}}, "required": ["a"]}
    assert ["    application/json: object", "    ├─ a*  string", "    └─ b  integer"] == members(schema)


def test_all_of_is_shown_as_one_schema() -> None:
    """The tree lists the properties of all branches, those of a referenced schema included."""
    base = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
    more = {"allOf": [{"$ref": "#/components/schemas/A"}, {"properties": {"b": {"type": ["null", "integer"]}}}]}
    expected = ["    application/json: object", "    ├─ a*  string", "    └─ b  null | integer"]
    assert expected == members(more, {"A": base})


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        (True, "anything"),
        (False, "nothing"),
        ({"const": "a"}, '"a"'),
        ({"enum": ["a", None]}, '"a" | null'),
        ({"type": ["string", "null"], "format": "uuid"}, "string | null (uuid)"),
        ({"type": "array", "items": {"type": "string"}}, "array of string"),
        ({"type": "object", "additionalProperties": {}}, "object, free-form"),
    ],
)
def test_a_schema_is_described_in_words(schema: Any, words: str) -> None:
    assert [f"    application/json: {words}"] == members(schema)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array", "items": {"$ref": "#/components/schemas/A"}},
        {"type": "object", "properties": {"a": {"$ref": "#/components/schemas/A"}}},
        {"oneOf": [{"type": "null"}, {"type": "array", "items": {"$ref": "#/components/schemas/A"}}]},
        {"properties": {"x": {"$ref": "#/components/schemas/A"}}, "allOf": [{"properties": {"x": {"minimum": 1}}}]},
    ],
    ids=["items", "properties", "oneOf", "allOf"],
)
def test_the_tree_of_a_recursive_schema_is_limited(schema: Any) -> None:
    """It has fewer than 200 lines."""
    assert len(members({"$ref": "#/components/schemas/A"}, {"A": schema})) < 200
