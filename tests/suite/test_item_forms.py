"""Two items have the same form only if the schema treats them alike, so that validating one is enough."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_bctrl.suite.plan.item_forms import ItemForms
from tests.contract.documents import document

_TEXT = {"type": "string", "pattern": "^a$"}
CASES: dict[str, tuple[dict[str, Any], Any, Any]] = {
    "listed numbers": ({"properties": {"n": {"enum": [1, 2]}}}, {"n": 1}, {"n": 3}),
    "a constant number": ({"properties": {"n": {"const": 1}}}, {"n": 1}, {"n": 3}),
    "whole numbers": ({"properties": {"n": {"type": "integer"}}}, {"n": 1.0}, {"n": 1.5}),
    "types of further members": (
        {"properties": {"m": {"type": "object", "additionalProperties": {"type": "string"}}}},
        {"m": {"a": "x"}},
        {"m": {"a": 1}},
    ),
    "no further members": (
        {"properties": {"m": {"type": "object", "additionalProperties": False}}},
        {"m": {}},
        {"m": {"a": 1}},
    ),
    "referenced further members": (
        {"additionalProperties": {"$ref": "#/components/schemas/T"}},
        {"m": "a"},
        {"m": "b"},
    ),
    "unique items": (
        {"properties": {"m": {"type": "array", "uniqueItems": True}}},
        {"m": ["a", "b"]},
        {"m": ["a", "a"]},
    ),
    "items by position": (
        {"properties": {"m": {"type": "array", "prefixItems": [{"type": "string"}, {"type": "null"}]}}},
        {"m": ["a", None]},
        {"m": [None, "a"]},
    ),
    "members by pattern": (
        {"properties": {"m": {"type": "object", "patternProperties": {"^n": _TEXT}}}},
        {"m": {"n": "a"}},
        {"m": {"n": "b"}},
    ),
    "names of members": (
        {"properties": {"m": {"type": "object", "propertyNames": _TEXT}}},
        {"m": {"a": 1}},
        {"m": {"b": 1}},
    ),
    "a schema of another document": (
        {"properties": {"m": {"$ref": "https://example.org/schemas/text"}}},
        {"m": "a"},
        {"m": "b"},
    ),
    "texts without a name": (_TEXT, "a", "b"),
}


@pytest.mark.parametrize("name", CASES)
def test_a_valid_and_an_invalid_item_have_different_forms(name: str) -> None:
    schema, valid, invalid = CASES[name]
    spec = document({"type": "array", "items": schema})
    spec["components"] = {**spec.get("components", {}), "schemas": {"T": _TEXT}}
    forms = ItemForms(spec)
    assert forms.form(valid) != forms.form(invalid)


def test_items_that_differ_in_free_text_have_the_same_form() -> None:
    forms = ItemForms(document({"type": "array", "items": {"properties": {"name": {"type": "string"}}}}))
    assert forms.form({"name": "a"}) == forms.form({"name": "b"})


def test_items_that_differ_in_an_object_that_may_have_any_members_have_the_same_form() -> None:
    forms = ItemForms(document({"type": "array", "items": {"properties": {"labels": {"type": "object"}}}}))
    assert forms.form({"labels": {"a": 1}}) == forms.form({"labels": {"b": ["c"]}})
    assert forms.form({"labels": {}}) != forms.form({"labels": []})
