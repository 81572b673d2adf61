"""Two ways of writing a schema that mean the same are no drift; what looks like it and means another thing is."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_bctrl.drift import compare

from .pairs import Doc, body

TEXT: Doc = {"type": "string"}
WHOLE: Doc = {"type": "integer"}


def prop(schema: Any) -> Doc:
    """Return a document whose response has a property `p` with a schema."""
    return body({"type": "object", "properties": {"p": schema}})


def rules(old: Any, new: Any) -> set[str]:
    """Return the rules of the findings for a property, without the prefix `response-property-`."""
    return {finding.rule.removeprefix("response-property-") for finding in compare(prop(old), prop(new))}


SAME: list[tuple[Any, Any]] = [
    ({"type": "integer", "enum": [1, 2.5]}, {"type": "integer", "const": 1}),
    ({"type": "number", "enum": [1, 2.5, "a"]}, {"enum": [1, 2.5]}),
    ({"type": "boolean", "enum": [True, "a"]}, {"const": True}),
    ({"type": "array", "enum": [[1], "a"]}, {"const": [1]}),
    ({"type": "object", "enum": [{}, 1]}, {"const": {}}),
    ({"allOf": [{"type": ["string", "integer"]}, TEXT]}, TEXT),
    ({"allOf": [TEXT, {"type": ["string", "integer"]}]}, TEXT),
    ({"allOf": [{"type": ["string", "number"]}, TEXT]}, TEXT),
    ({"allOf": [{"type": ["string", "integer"]}, {"type": ["string", "number"]}]}, {"type": ["string", "integer"]}),
    ({"allOf": [{"type": "number"}, {"type": ["integer", "number"]}]}, {"type": "number"}),
    (True, {}),
    ({"oneOf": []}, {}),
    ({"anyOf": [False, False]}, False),
    ({"anyOf": [TEXT, {"enum": ["a"]}, {"type": "string", "maxLength": 3}]}, TEXT),
    ({"anyOf": [{"type": ["string", "integer"]}, {"type": "boolean"}]}, {"type": ["string", "integer", "boolean"]}),
    ({"type": "integer", "format": "int32", "minimum": 1, "exclusiveMaximum": 9},
        {"type": "integer", "minimum": 1, "exclusiveMaximum": 9}),
    ({"enum": ["a", "abc", 1], "minLength": 1, "maxLength": 2}, {"enum": ["a", 1]}),
    ({"enum": [1, 5, "a"], "minimum": 2, "maximum": 9}, {"enum": [5, "a"]}),
    ({"enum": [1, 5, 9, "a"], "exclusiveMinimum": 1, "exclusiveMaximum": 9}, {"enum": [5, "a"]}),
    ({"enum": ["a", "b"], "const": "a"}, {"const": "a"}),
    ({"anyOf": [{"type": "boolean", "enum": [True, False]}, TEXT]}, {"type": ["boolean", "string"]}),
    ({"anyOf": [{"anyOf": [{}, WHOLE]}, TEXT]}, {}),
    ({"anyOf": [{"oneOf": [TEXT, False]}, {"allOf": [WHOLE, {}]}]}, {"type": ["string", "integer"]}),
    ({"anyOf": [{"oneOf": [WHOLE, WHOLE]}, TEXT]}, {"anyOf": [{"oneOf": [WHOLE, WHOLE]}, TEXT, TEXT]}),
    ({"type": "array", "items": True, "unevaluatedItems": False}, {"type": "array"}),
    ({"type": "object", "additionalProperties": {}, "unevaluatedProperties": False}, {"type": "object"}),
    ({"type": ["array", "boolean", "null", "number", "object", "string"]}, {}),
    ({"type": "object", "oneOf": [{"required": ["a"]}, {"type": "object", "required": ["b"]}]},
        {"oneOf": [{"type": "object", "required": ["a"]}, {"type": "object", "required": ["b"]}]}),
    ({"allOf": [{"enum": ["a", "b"]}, {"enum": ["b", "c"]}]}, {"const": "b"}),
    ({"enum": [1, "a", None], "type": ["string", "null"]}, {"enum": ["a", None]}),
    ({"enum": ["a"], "type": "string", "nullable": True}, {"enum": ["a", None]}),
    ({"type": ["string", "null"], "allOf": [TEXT]}, TEXT),
    ({"type": "string", "nullable": True}, {"type": ["string", "null"]}),
    ({"nullable": True, "allOf": [TEXT]}, {"type": ["string", "null"]}),
    ({"nullable": True, "oneOf": [TEXT, WHOLE]}, {"type": ["integer", "string", "null"]}),
    ({"anyOf": [TEXT, {"type": "null"}]}, {"type": ["string", "null"]}),
    ({"anyOf": [TEXT, {"const": None}]}, {"type": ["string", "null"]}),
    ({"oneOf": [{"type": "null"}]}, {"type": "null"}),
    ({"type": ["integer", "number"]}, {"type": "number"}),
    ({"allOf": [{"type": "number"}, WHOLE]}, WHOLE),
    ({"allOf": [WHOLE, {"type": "number"}]}, WHOLE),
    ({"oneOf": [TEXT, WHOLE]}, {"type": ["string", "integer"]}),
    ({"oneOf": [{"const": "a"}, {"const": "b"}]}, {"enum": ["a", "b"]}),
    ({"oneOf": [{"const": "a"}, {"const": "b"}], "enum": ["a", "c"]}, {"enum": ["a"]}),
    ({"type": "integer", "multipleOf": 1}, WHOLE),
    ({"type": "string", "multipleOf": 2, "maximum": 3, "minItems": 1, "minProperties": 1, "uniqueItems": True}, TEXT),
    ({"type": "string", "items": TEXT, "contains": TEXT, "unevaluatedItems": False}, TEXT),
    ({"type": "string", "required": ["a"], "properties": {"a": TEXT}, "additionalProperties": False,
        "propertyNames": TEXT, "unevaluatedProperties": False}, TEXT),
    ({"type": "object", "propertyNames": TEXT}, {"type": "object"}),
    ({"type": "object", "propertyNames": True}, {"type": "object"}),
    ({"type": "object", "propertyNames": {"type": ["string", "null"], "minimum": 5}}, {"type": "object"}),
    ({"type": "object", "propertyNames": {"anyOf": [TEXT, {"type": "null"}]}}, {"type": "object"}),
    ({"type": "object", "propertyNames": {"if": TEXT}}, {"type": "object"}),
    ({"anyOf": [{"type": "object", "propertyNames": {"minimum": 5}},
        {"type": "object", "propertyNames": {"items": False, "required": ["a"], "dependentSchemas": {"a": False}}}]},
        {"anyOf": [{"type": "object"}, {"type": "object"}]}),
    ({"type": "object", "propertyNames": {**TEXT, "maxLength": 3}},
        {"type": "object", "propertyNames": {"maxLength": 3}}),
    ({"type": "object", "if": {"required": ["a"]}}, {"type": "object"}),
    ({"type": "object", "then": {"required": ["a"]}, "else": False}, {"type": "object"}),
    ({"type": "object", "if": {"required": ["a"]}, "then": True, "else": {}}, {"type": "object", "if": False}),
    ({"type": "object", "anyOf": [{"if": {"required": ["a"]}}, {"required": ["b"]}]}, {"type": "object"}),
    ({"allOf": [{"if": {"required": ["a"]}, "then": {"required": ["b"]}}, {"then": False}]},
        {"if": {"required": ["a"]}, "then": {"required": ["b"]}}),
    ({"type": "object", "if": {"required": ["a"]}, "then": {"dependentSchemas": {"a": {}}}}, {"type": "object"}),
    ({"type": "array", "minContains": 2, "maxContains": 3}, {"type": "array"}),
    ({"type": "object", "required": True}, {"type": "object"}),
    ({"type": "object", "required": ["b"], "dependentRequired": {"a": ["b"]}}, {"type": "object", "required": ["b"]}),
    ({"type": "array", "allOf": [{"prefixItems": [TEXT]}, {"prefixItems": [{"maxLength": 3}, WHOLE]}]},
        {"type": "array", "prefixItems": [{**TEXT, "maxLength": 3}, WHOLE]}),
    ({"type": "array", "allOf": [{"items": TEXT}, {"items": {"maxLength": 3}}]},
        {"type": "array", "items": {**TEXT, "maxLength": 3}}),
    ({"type": "object", "allOf": [{"properties": {"a": TEXT}}, {"properties": {"a": {"maxLength": 3}}}]},
        {"type": "object", "properties": {"a": {**TEXT, "maxLength": 3}}}),
    ({"allOf": [{"readOnly": True}, {"readOnly": False}]}, {"readOnly": True}),
    ({"allOf": [{"readOnly": False}, {"readOnly": True}]}, {"readOnly": True}),
    ({"allOf": [{"default": 1}, {"default": 2}]}, {"default": 1}),
    ({"type": "string", "allOf": [{"minLength": 2}, {"minLength": 3}]}, {**TEXT, "minLength": 3}),
    ({"type": "string", "allOf": [{"maxLength": 2}, {"maxLength": 3}]}, {**TEXT, "maxLength": 2}),
]  # fmt: skip

KEYWORD_CHANGED = {"response-keyword-changed"}
OTHER: list[tuple[Any, Any, set[str]]] = [
    (True, TEXT, {"type-specialized"}),
    ({"type": "string", "maxLength": 5}, {"enum": ["a"]}, {"became-enum"}),
    ({"enum": ["a"], "type": "string"}, {"type": "string", "maxLength": 1}, {"became-not-enum"}),
    ({"type": "integer", "format": "int32", "minimum": 1}, {"type": "integer", "minimum": 1}, {"type-changed"}),
    (False, TEXT, {"type-generalized"}),
    # A property that only `if` evaluates is invalid without it.
    ({"type": "object", "if": {"properties": {"a": True}}, "unevaluatedProperties": False},
        {"type": "object", "unevaluatedProperties": False}, KEYWORD_CHANGED),
    (TEXT, {"type": "string", "nullable": True}, {"became-nullable"}),
    ({"type": "string", "nullable": False}, {"type": ["string", "null"]}, {"became-nullable"}),
    ({"nullable": True, "allOf": [TEXT]}, TEXT, {"became-not-nullable"}),
    ({"enum": ["a"]}, {"enum": ["a", None]}, {"became-nullable"}),
    ({"enum": [1]}, {"enum": [True]}, {"type-changed"}),
    (WHOLE, {"type": ["integer", "number"]}, {"type-generalized"}),
    ({"oneOf": [TEXT, WHOLE]}, {"oneOf": [TEXT, WHOLE, {"type": "null"}]}, {"became-nullable"}),
    ({"oneOf": [{"const": "a"}, {"const": "b"}]}, {"enum": ["a", "b", None]}, {"became-nullable"}),
    ({"oneOf": [{"const": "a"}, {"const": "b"}]}, {"enum": ["a"]}, {"enum-value-removed"}),
    ({"oneOf": [{**TEXT, "default": "a"}, WHOLE]}, {"type": ["string", "integer"]}, {"default-value-removed"}),
    ({"type": "integer", "multipleOf": 2}, {"type": "integer", "multipleOf": 1}, {"multiple-of-unset"}),
    ({"type": "number", "multipleOf": 1}, {"type": "number"}, {"multiple-of-unset"}),
    ({"type": "array", "contains": TEXT, "maxContains": 3}, {"type": "array", "contains": TEXT},
        KEYWORD_CHANGED),
    ({"type": "object", "dependentRequired": {"a": ["b", "c"]}, "required": ["b"]},
        {"type": "object", "required": ["b"]}, KEYWORD_CHANGED),
    ({"allOf": [{"default": 1}, {"default": 2}]}, {"default": 2}, {"default-value-changed"}),
    ({"type": "object", "propertyNames": {"type": "integer"}}, {"type": "object"}, {"property-names-removed"}),
    ({"if": {"required": ["a"]}, "then": {"required": ["b"]}}, {"if": {"required": ["a"]}}, KEYWORD_CHANGED),
    ({"if": {"required": ["a"]}}, {"if": {"required": ["a"]}, "else": {"required": ["b"]}}, KEYWORD_CHANGED),
    ({"if": {"required": ["a"]}, "then": {"required": ["b"]}}, {"then": {"required": ["b"]}}, KEYWORD_CHANGED),
    ({"type": ["string", "null"], "readOnly": True}, {"type": ["string", "null"]},
        {"response-optional-property-became-not-read-only"}),
]  # fmt: skip


@pytest.mark.parametrize(("first", "second"), SAME, ids=str)
def test_equivalent_schemas_have_no_findings(first: Any, second: Any) -> None:
    assert rules(first, second) == rules(second, first) == set()


@pytest.mark.parametrize(("old", "new", "expected"), OTHER, ids=str)
def test_schemas_that_differ_in_meaning_have_findings(old: Any, new: Any, expected: set[str]) -> None:
    """The rules of the findings are exactly those that the list states for the pair."""
    assert rules(old, new) == expected


@pytest.mark.parametrize("is_request", [False, True])
def test_a_recursive_schema_is_no_drift_if_a_schema_around_it_is_proven(*, is_request: bool) -> None:
    """The engine decides about the list, not about its items alone."""
    item = {"$ref": "#/components/schemas/Item"}
    schemas = {
        "Item": {"oneOf": [{"$ref": "#/components/schemas/Node"}]},
        "Node": {"properties": {"child": {"allOf": [item]}}},
    }

    def items(schema: Doc) -> Doc:
        """Return a document whose body has a list of items of a schema."""
        document = prop({"type": "array", "items": schema})
        if is_request:
            operation = document["paths"]["/a"]["get"]
            operation["requestBody"] = {"content": operation["responses"]["200"].pop("content")}
        return {**document, "components": {"schemas": schemas}}

    old, new = items(item), items({"allOf": [item]})
    assert [] == compare(old, new) == compare(new, old)
