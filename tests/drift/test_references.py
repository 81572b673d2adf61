"""Targets of a reference: a pointer, an anchor, a list element; and its siblings."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_bctrl.drift import compare

from .pairs import Doc, body, document

OBJECT: Doc = {"type": "object", "properties": {"a": {"type": "string"}}}


def rules(base: Doc, revision: Doc) -> list[str]:
    """Return the rule of each finding."""
    return [finding.rule for finding in compare(base, revision)]


def with_components(schema: Any, **schemas: Any) -> Doc:
    """Return a document whose response has a schema, with these component schemas."""
    return {**body(schema), "components": {"schemas": schemas}}


@pytest.mark.parametrize(
    "ref",
    ["#/components/schemas/A~1~0b~1", "#/components/schemas/A~1%7E0b%7E1", "#/components/schemas/Whole/allOf/1",
        "#named", "#in-a-list", "#na%6Ded"],
)  # fmt: skip
def test_references_resolve_to_pointers_list_elements_and_anchors(ref: str) -> None:
    """A key with `/` and `~`, a percent-encoded key, an element of a list, an anchor."""
    schemas: Doc = {
        "A/~b/": {"type": "integer", "$anchor": "named"},
        "Whole": {"allOf": [{}, {"type": "integer", "$anchor": "in-a-list"}]},
        "Wrong": {"type": "string"},
    }
    assert compare(with_components({"type": "integer"}, **schemas), with_components({"$ref": ref}, **schemas)) == []
    assert rules(with_components({"type": "string"}, **schemas), with_components({"$ref": ref}, **schemas)) == [
        "response-body-type-changed"
    ]


@pytest.mark.parametrize("keyword", ["$anchor", "$dynamicAnchor"])
def test_an_anchor_inside_an_operation_is_resolved(keyword: str) -> None:
    query = {"name": "q", "in": "query", "schema": {"type": "string", keyword: "here"}}

    def responding_with(schema: Doc) -> Doc:
        """Return a document whose response has a schema, and whose parameter has the anchor `here`."""
        content = {"application/json": {"schema": schema}}
        return document({"parameters": [query], "responses": {"200": {"description": "ok", "content": content}}})

    assert compare(responding_with({"type": "string"}), responding_with({"$ref": "#here"})) == []


def test_a_duplicate_anchor_resolves_to_the_component() -> None:
    parameter = {"name": "q", "in": "query", "schema": {"type": "string", "$anchor": "here"}}
    referring = with_components({"$ref": "#here"}, A={"type": "integer", "$anchor": "here"})
    referring["paths"]["/a"]["get"]["parameters"] = [parameter]
    plain = with_components({"type": "integer"}, A={"type": "integer"})
    plain["paths"]["/a"]["get"]["parameters"] = [parameter]
    assert compare(plain, referring) == []


@pytest.mark.parametrize(
    "beside",
    [{"title": "t"}, {"description": "d"}, {"$comment": "c"}, {"x-order": 1}, {"nullable": False}, {"examples": ["a"]},
        {"$dynamicRef": "#/components/schemas/Z"}],
    ids=lambda beside: next(iter(beside)),
)  # fmt: skip
def test_keywords_without_effect_next_to_a_reference_are_no_change(beside: Doc) -> None:
    """Of a `$ref` and a `$dynamicRef` the first is used."""
    plain = with_components({"$ref": "#/components/schemas/A"}, A=OBJECT, Z={"type": "string"})
    assert (
        compare(plain, with_components({"$ref": "#/components/schemas/A", **beside}, A=OBJECT, Z={"type": "string"}))
        == []
    )


@pytest.mark.parametrize(
    ("beside", "rule"),
    [
        ({"minProperties": 1}, "response-body-min-properties-set"),
        ({"required": ["a"]}, "response-property-became-required"),
        ({"default": {}}, "response-body-default-value-added"),
    ],
    ids=lambda value: value if isinstance(value, str) else next(iter(value)),
)
def test_keywords_next_to_a_reference_apply_from_openapi_31_on(beside: Doc, rule: str) -> None:
    """OpenAPI 3.0 ignores them."""
    plain = with_components({"$ref": "#/components/schemas/A"}, A=OBJECT)
    extended = with_components({"$ref": "#/components/schemas/A", **beside}, A=OBJECT)
    assert rules(plain, extended) == [rule]
    through = with_components(
        {"$ref": "#/components/schemas/B"}, A=OBJECT, B={"$ref": "#/components/schemas/A", **beside}
    )
    assert rules(plain, through) == [rule]
    assert rules({**plain, "openapi": "3.0.3"}, {**extended, "openapi": "3.0.3"}) == []


def test_nullable_next_to_a_reference_accepts_null() -> None:
    plain = with_components({"$ref": "#/components/schemas/A"}, A=OBJECT)
    extended = with_components({"$ref": "#/components/schemas/A", "nullable": True}, A=OBJECT)
    assert rules(plain, extended) == ["response-body-became-nullable"]
    # Wherever the same is referred to without.
    reference = {"$ref": "#/components/schemas/A"}
    mixed, spelled = (
        with_components({"properties": {"p": p, "q": q}}, A=OBJECT)
        for p, q in ((reference, {**reference, "nullable": True}), (OBJECT, {**OBJECT, "type": ["object", "null"]}))
    )
    assert compare(mixed, spelled) == compare(spelled, mixed) == []


def test_a_condition_may_refer_to_a_schema_that_contains_itself() -> None:
    """The change beside it is reported."""

    def with_condition(type_: str) -> Doc:
        """Return a document whose response has a property of a type, and a condition."""
        schema = {"if": True, "then": {"$ref": "#/components/schemas/Tree"}, "properties": {"a": {"type": type_}}}
        return with_components(schema, Tree={"items": {"$ref": "#/components/schemas/Tree"}})

    assert ["response-property-type-changed"] == rules(with_condition("string"), with_condition("integer"))
