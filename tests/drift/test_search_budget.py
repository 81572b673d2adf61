"""The search for a counterexample among the recursive types of a table format ends, and takes steps of the budget."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest

from pytest_bctrl.drift import compare
from pytest_bctrl.drift.options import Options

Doc = dict[str, Any]
_MANY = 500
"""Number of schemas that the engine may be asked to expand; without a limit, it would expand them for hours."""


def to(name: str) -> Doc:
    """Return a reference to a component."""
    return {"$ref": f"#/components/schemas/{name}"}


def an_object(kind: str, **properties: Any) -> Doc:
    """Return the schema of an object of a kind, which requires its properties."""
    properties = {"type": {"type": "string", "const": kind}, **properties}
    return {"type": "object", "required": [*properties], "properties": properties}


def element(name: str, identity: str, *flags: str) -> Doc:
    """Return the schemas of the properties that describe an element of a list or map."""
    return {identity: {"type": "integer"}, name: to("Type"), **{flag: {"type": "boolean"} for flag in flags}}


def types(*alternatives: str) -> Doc:
    """Return a document whose only response is a struct, with fields of these types, structs included."""
    lengths = [{"type": "string", "minLength": length} for length in (8, 9, 10, 13, 15, 24, 30, 32, 33, 36)]
    scalars = [{"type": name} for name in ("boolean", "integer", "number", "string")]
    default = {"oneOf": [*scalars, *lengths, {"type": "string", "format": "date"}]}
    field = {
        "type": "object",
        "required": ["id", "name", "type", "required"],
        "properties": {
            "id": {"type": "integer"},
            "name": {"type": "string"},
            "type": to("Type"),
            "required": {"type": "boolean"},
            "doc": {"type": "string"},
            "initial": to("Default"),
            "default": to("Default"),
        },
    }
    schemas = {
        "Type": {"oneOf": [*map(to, alternatives)]},
        "Variant": {"type": "string", "const": "variant"},
        "Primitive": {"type": "string"},
        "Struct": an_object("struct", fields={"type": "array", "items": to("Field")}),
        "Field": field,
        "List": an_object("list", **element("element", "element-id", "element-required")),
        "Map": an_object("map", **element("key", "key-id"), **element("value", "value-id", "value-required")),
        "Default": default,
    }
    response = {"description": "x", "content": {"application/json": {"schema": to("Struct")}}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Tables", "version": "1"},
        "components": {"schemas": schemas},
        "paths": {"/tables": {"get": {"responses": {"200": response}}}},
    }


def test_the_search_for_a_counterexample_of_recursive_types_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """A new alternative is reported after the engine has expanded at most 500 schemas; with few steps, fewer."""
    old = types("Primitive", "Struct", "List", "Map")
    new = types("Variant", "Primitive", "Struct", "List", "Map")
    expanded = count_expanded(monkeypatch)
    rules = [finding.rule for finding in compare(old, new)]
    assert ["response-property-one-of-added"] == rules
    with_budget = len(expanded)
    assert rules == [finding.rule for finding in compare(old, new, Options(steps=200))]
    assert len(expanded) - with_budget < with_budget < _MANY


def count_expanded(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return a list that gets each schema that the engine expands; beyond `_MANY` the test fails."""
    expanded: list[Any] = []
    expand = jsonschema_rs.canonicalize

    def canonicalize(schema: Any, **options: Any) -> Any:
        """Note a schema and expand it."""
        expanded.append(schema)
        assert len(expanded) < 2 * _MANY, "the engine expands more and more schemas"
        return expand(schema, **options)

    monkeypatch.setattr(jsonschema_rs, "canonicalize", canonicalize)
    return expanded
