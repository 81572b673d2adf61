"""The schemas in JSON Schema 2020-12 that mean the same as schemas in OpenAPI."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_bctrl.drift.engine_schemas import engine_schema

REF = {"$ref": "#/components/schemas/A"}
HIGHEST, LOWEST = 2**31 - 1, -(2**31)


def converted(schema: Any, *, is_30: bool = False) -> Any:
    """Return a schema as the engine reads it; references get the prefix `urn:spec`."""
    return engine_schema(schema, lambda reference: f"urn:spec{reference['$ref']}", is_30=is_30)


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({}, {"minimum": LOWEST, "maximum": HIGHEST}),
        ({"minimum": 1, "maximum": 9}, {"minimum": 1, "maximum": 9}),
        ({"minimum": -(2**40), "maximum": 2**40}, {"minimum": LOWEST, "maximum": HIGHEST}),
        ({"exclusiveMaximum": 5}, {"minimum": LOWEST, "maximum": HIGHEST, "exclusiveMaximum": 5}),
    ],
    ids=str,
)
def test_the_bits_of_a_format_limit_the_number(limits: dict[str, int], expected: dict[str, int]) -> None:
    """The engine does not know the format."""
    assert {"type": "integer", **expected} == converted({"type": "integer", "format": "int32", **limits})


def test_int64_has_64_bits() -> None:
    assert {"minimum": -(2**63), "maximum": 2**63 - 1} == converted({"format": "int64"})


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (True, True),
        ({"type": "string", "format": "date"}, {"type": "string", "format": "date"}),
        ({"type": "string", "format": "password"}, {"type": "string"}),
        ({"type": "string", "pattern": "["}, {"type": "string"}),
        ({"type": "string", "pattern": "^a$"}, {"type": "string", "pattern": "^a$"}),
        ({"type": "string", "required": True}, {"type": "string"}),
        ({"required": ["a"]}, {"required": ["a"]}),
        ({"$id": "urn:a", "$schema": "urn:b", "description": "c", "allOf": []}, {}),
        ({"properties": {"$id": {"$id": "urn:a"}}}, {"properties": {"$id": {}}}),
        ({"maximum": None, "const": None}, {"const": None}),
        ({"type": "string", "nullable": True}, {"type": ["string", "null"]}),
        ({"anyOf": [{"type": "string"}, {"nullable": True}]}, {"anyOf": [{"type": "string"}, {"type": "null"}]}),
        ({"oneOf": [{"type": "string"}, {"nullable": True}]}, {"oneOf": [{"type": "string"}, {"type": "null"}]}),
        ({"items": {"nullable": True, "type": "array"}}, {"items": {"type": ["array", "null"]}}),
    ],
    ids=str,
)
def test_keywords_without_meaning_for_the_engine_are_left_out(schema: Any, expected: Any) -> None:
    assert expected == converted(schema)


def test_keywords_beside_a_reference_count_since_openapi_3_1() -> None:
    schema = {**REF, "minLength": 3}
    assert {"$ref": "urn:spec#/components/schemas/A", "minLength": 3} == converted(schema)
    assert {"$ref": "urn:spec#/components/schemas/A"} == converted(schema, is_30=True)


def test_a_discriminator_maps_each_value_to_a_reference() -> None:
    other = {"$ref": "#/components/schemas/B"}
    schema = {"oneOf": [REF, other], "discriminator": {"propertyName": "kind", "mapping": {"b": other["$ref"]}}}
    mapping = {"A": "urn:spec#/components/schemas/A", "b": "urn:spec#/components/schemas/B"}
    assert {"propertyName": "kind", "mapping": mapping} == converted(schema)["discriminator"]
