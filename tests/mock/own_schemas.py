"""Schemas of one's own: keywords, and combinations of them, that the packaged contract does not have."""

from __future__ import annotations

from typing import Any

SCHEMAS: dict[str, dict[str, Any]] = {
    "limits": {"type": "integer", "minimum": 3, "maximum": 5},
    "exclusive": {"type": "integer", "exclusiveMinimum": 3, "exclusiveMaximum": 5},
    "steps": {"type": "number", "multipleOf": 0.25, "minimum": 1},
    "lengths": {"type": "string", "minLength": 40, "maxLength": 44},
    "short": {"type": "string", "maxLength": 3},
    "pattern": {"type": "string", "pattern": "^rt_[0-9]+$", "examples": ["rt_12"]},
    "items": {"type": "array", "minItems": 4, "maxItems": 4, "items": {"type": "string", "format": "date-time"}},
    "prefix": {"type": "array", "minItems": 2, "prefixItems": [{"const": 1}, {"enum": ["a"]}], "items": False},
    "all": {"allOf": [{"type": "object", "properties": {"a": {"const": 1}}, "required": ["a"]}, {"required": ["b"]}]},
    "map": {"type": "object", "minProperties": 1, "additionalProperties": {"type": "boolean"}},
    "any": {"anyOf": [{"type": "null"}, {"type": "string", "format": "uri"}]},
    "implied": {"properties": {"a": {"type": "string", "format": "email"}}, "required": ["a"]},
    "repeated": {"type": "string", "pattern": "^[0-9a-f]{8}$"},
    "anything but": {"type": "string", "pattern": "^[^a]+$"},
    "anything": {"type": "string", "pattern": ".*"},
    "format of one's own": {"type": "string", "format": "foo"},
    "few and distinct": {"type": "array", "maxItems": 2, "uniqueItems": True, "items": {"type": "integer"}},
    "distinct": {"type": "array", "uniqueItems": True, "items": {"type": "boolean"}, "minItems": 2},
    "more of a type": {
        "type": "object",
        "properties": {"a": {"type": "string"}},
        "additionalProperties": {"type": "integer"},
    },
    "patterns and closed": {
        "type": "object",
        "properties": {"a": {"type": "string"}},
        "patternProperties": {"^u": {"type": "integer"}},
        "additionalProperties": False,
    },
    "patterns of everything": {
        "type": "object",
        "patternProperties": {".*": {"type": "integer"}},
        "properties": {"a": {"type": "integer"}},
    },
    "null": {"const": None},
    "numbers": {"enum": [1, 2]},
    "true": {"const": True},
    "fixed object": {"const": {"a": 1}},
    "whole steps": {"type": "integer", "multipleOf": 5, "minimum": 10},
    "between": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
    "one number": {"type": "integer", "minimum": 1, "maximum": 1},
    "overlapping": {"anyOf": [{"type": "integer"}, {"type": "number"}]},
    "number branches": {"oneOf": [{"type": "integer", "maximum": 5}, {"type": "integer", "minimum": 6}]},
    "object branches": {
        "oneOf": [
            {"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}}},
            {"type": "object", "required": ["b"], "properties": {"b": {"type": "string"}}},
        ]
    },
    "fixed branches": {"oneOf": [{"const": "a"}, {"const": "b"}]},
    "empty branch": {"anyOf": [{}, {"type": "string"}]},
    "wide branches": {"oneOf": [{"type": "string"}, {"type": "number"}, {"type": "object"}]},
    "narrower limit": {"allOf": [{"type": "integer", "minimum": 3}, {"type": "integer", "minimum": 7}]},
    "property in parts": {
        "allOf": [
            {"properties": {"a": {"type": "string"}}},
            {"properties": {"a": {"minLength": 12}}, "required": ["a"]},
        ]
    },
    "many names": {"type": "object", "minProperties": 5},
    "undescribed names": {"type": "object", "required": ["x", "y"]},
    "closed and empty": {"type": "object", "additionalProperties": False},
    "not listed": {"type": "string", "not": {"enum": ["a"]}},
    "not that name": {"type": "object", "properties": {"a": {"type": "string"}}, "not": {"required": ["b"]}},
    "tuple and more": {
        "type": "array",
        "prefixItems": [{"type": "string"}],
        "items": {"type": "integer"},
        "minItems": 3,
    },
    "contains": {"type": "array", "contains": {"type": "integer"}, "minContains": 2, "maxContains": 3},
    "dependent": {
        "type": "object",
        "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
        "dependentRequired": {"a": ["b"]},
    },
    "empty text": {"type": "string", "minLength": 0, "maxLength": 0},
    "large": {"type": "integer", "minimum": 1000000000000000000},
    "listed uuid": {"type": "string", "format": "uuid", "enum": ["5b1e0c8e-0000-4000-8000-00000000bc71"]},
    "lists of lists": {
        "type": "array",
        "items": {"type": "array", "items": {"type": "array", "items": {"type": "integer"}}},
    },
    "no items": {"type": "array", "items": False},
    "below": {"type": "number", "maximum": -10},
    "format and pattern": {"type": "string", "format": "email", "pattern": "@corp\\.test$"},
    "short format": {"type": "string", "format": "uri", "maxLength": 20},
    "phone": {"type": "string", "pattern": "^\\d{3}-\\d{4}$", "maxLength": 8},
    "cases": {"enum": ["a", "A"]},
    "listed empty text": {"enum": [""]},
    "unevaluated": {"allOf": [{"properties": {"a": {"type": "string"}}}], "unevaluatedProperties": False},
    "unevaluated items": {"type": "array", "prefixItems": [{"type": "string"}], "unevaluatedItems": False},
    "short list": {"type": "array", "maxItems": 3, "items": {"enum": ["a", "b", "c", "d", "e"]}},
    "pattern of parts": {"type": "string", "pattern": "^(ab|cde)(?:xy)?.$"},
    "items in parts": {
        "allOf": [{"type": "array", "items": {"enum": ["a", "b"]}, "minItems": 1}, {"items": {"enum": ["b", "c"]}}]
    },
    "few names": {"type": "object", "maxProperties": 2, "additionalProperties": {"type": "integer"}},
    "closed branches": {
        "oneOf": [
            {"type": "object", "properties": {"a": True}, "required": ["a"], "additionalProperties": False},
            {
                "type": "object",
                "properties": {"a": True, "b": {"type": "integer"}},
                "required": ["a", "b"],
                "additionalProperties": False,
            },
        ]
    },
    "odd names": {
        "type": "object",
        "properties": {"a.b": {"type": "string"}, "c[0]": {"type": "integer"}, "x: y": {"type": "string"}},
        "required": ["a.b"],
    },
}
