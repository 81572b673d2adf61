"""A schema that was added to `allOf` is reported once, at the `allOf` that contains it."""

from __future__ import annotations

import pytest

from pytest_bctrl.drift import compare

from .pairs import Doc, body

TEXT: Doc = {"type": "string"}
ADDED: Doc = {"type": "object", "properties": {"later": TEXT}}


def base() -> Doc:
    """Return a document in which two properties extend the component Extended, which extends Base."""
    properties = {
        name: {"allOf": [{"$ref": "#/components/schemas/Extended"}, {"properties": {name: TEXT}}]}
        for name in ("x", "y")
    }
    document = body({"type": "object", "properties": properties})
    document["components"] = {
        "schemas": {
            "Base": {"type": "object", "properties": {"id": TEXT}},
            "Extended": {
                "allOf": [{"$ref": "#/components/schemas/Base"}, {"properties": {"more": {"type": "string"}}}]
            },
        }
    }
    return document


def all_of_findings(old: Doc, new: Doc) -> list[tuple[str, str, str, list[str]]]:
    """Return rule, both pointers and locations of each finding about `allOf`."""
    return [
        (
            finding.rule,
            finding.extra["base"]["pointer"],
            finding.extra["revision"]["pointer"],
            [place["location"] for place in finding.extra["places"]],
        )
        for finding in compare(old, new)
        if "all-of" in finding.rule
    ]


def test_a_schema_added_to_the_all_of_of_a_component_is_reported_at_the_component() -> None:
    old, new = base(), base()
    new["components"]["schemas"]["Extended"]["allOf"].append(ADDED)
    at = "/components/schemas/Extended/allOf"
    assert all_of_findings(old, new) == [("response-property-all-of-added", at, at, ["x", "y"])]
    assert all_of_findings(new, old) == [("response-property-all-of-removed", at, at, ["x", "y"])]


def test_the_all_of_of_a_schema_added_to_all_of_is_not_reported_separately() -> None:
    old, new = base(), base()
    new["components"]["schemas"]["Nested"] = {"allOf": [ADDED, {"required": ["id"]}]}
    new["components"]["schemas"]["Extended"]["allOf"].append({"$ref": "#/components/schemas/Nested"})
    at = "/components/schemas/Extended/allOf"
    assert all_of_findings(old, new) == [("response-property-all-of-added", at, at, ["x", "y"])]
    assert all_of_findings(new, old) == [("response-property-all-of-removed", at, at, ["x", "y"])]


ID: Doc = {"properties": {"id": TEXT}}
CHANGES: dict[str, tuple[Doc, Doc, str, str]] = {
    "an optional property": (ID, {"properties": {"id": TEXT, "later": TEXT}}, "/properties", "/properties/later"),
    "the first property": ({}, ID, "", "/properties/id"),
    "a required property": ({}, {**ID, "required": ["id"]}, "", "/properties/id"),
    "no other properties": ({}, {"additionalProperties": False}, "", "/additionalProperties"),
    "a number of properties": ({}, {"minProperties": 9}, "", "/minProperties"),
    "an allOf": (ID, {**ID, "allOf": [ADDED]}, "", "/allOf/0/properties/later"),
    "alternatives": ({}, {"oneOf": [{"required": ["a"]}, {"required": ["b"]}]}, "", "/oneOf"),
    "an excluded value": ({}, {"not": {"required": ["a"]}}, "", "/not"),
    "a pattern of names": ({}, {"patternProperties": {"^p": {"type": "integer"}}}, "", "/patternProperties"),
    "dependent properties": ({}, {"dependentRequired": {"a": ["b"]}}, "", "/dependentRequired"),
    "a discriminator": ({}, {"discriminator": {"propertyName": "id"}}, "", "/discriminator"),
}


@pytest.mark.parametrize(("without", "with_it", "pointer", "pointer_with_it"), CHANGES.values(), ids=CHANGES)
def test_a_change_of_an_extended_component_is_one_finding(
    without: Doc, with_it: Doc, pointer: str, pointer_with_it: str
) -> None:
    """It points at the component in both documents, although what extends it has the same keywords."""
    old, new = base(), base()
    for document, schema in ((old, without), (new, with_it)):
        (response,) = document["paths"]["/a"]["get"]["responses"].values()
        for property_schema in response["content"]["application/json"]["schema"]["properties"].values():
            property_schema["allOf"][1]["maxProperties"] = 20
        document["components"]["schemas"]["Base"] = {"type": "object", **schema}
    pointers = [f"/components/schemas/Base{end}" for end in (pointer, pointer_with_it)]
    for before, after, expected in ((old, new, pointers), (new, old, pointers[::-1])):
        findings = compare(before, after)
        assert expected in [[finding.extra[side]["pointer"] for side in ("base", "revision")] for finding in findings]
        assert {finding.count for finding in findings} == {2}


def test_a_schema_of_all_of_with_other_properties_is_not_reported_as_replaced() -> None:
    """Its properties are reported, whether it is a component or not."""
    old, new = base(), base()
    old["components"]["schemas"]["Base"] = {"properties": {"id": TEXT}}
    new["components"]["schemas"]["Base"] = {"properties": {"other": TEXT}}
    new["components"]["schemas"]["Extended"]["allOf"][1] = {"properties": {"elsewhere": TEXT}}
    assert all_of_findings(old, new) == all_of_findings(new, old) == []
    assert {finding.expected or finding.observed for finding in compare(old, new)} == {
        "id", "other", "more", "elsewhere",
    }  # fmt: skip


@pytest.mark.parametrize("beside", [{}, {"description": "a group"}, {"title": "Group", "x-note": 1}])
def test_an_all_of_that_only_groups_schemas_is_no_change(beside: Doc) -> None:
    """Not even in a schema that a discriminator selects, and that is compared on its own."""

    def selecting(branches: list[Doc]) -> Doc:
        """Return a document in which a discriminator selects a schema with these branches of `allOf`."""
        mapping = {"a": "#/components/schemas/Selected"}
        document = body({"discriminator": {"propertyName": "kind", "mapping": mapping}})
        return {**document, "components": {"schemas": {"Selected": {"allOf": branches}, "Added": ADDED}}}

    added = {"$ref": "#/components/schemas/Added"}
    documents = [
        selecting(branches)
        for branches in (
            [added, TEXT],
            [{"allOf": [added], **beside}, TEXT],
            [{"allOf": [added, TEXT], **beside}],
            [{"allOf": [{"allOf": [added]}, {"allOf": [TEXT], **beside}]}],
        )
    ]
    assert [] == [finding for old in documents for new in documents for finding in compare(old, new)]


def test_a_schema_added_to_a_group_in_all_of_is_reported_once() -> None:
    old, new = base(), base()
    for document, group in ((old, []), (new, [ADDED])):
        schema = document["components"]["schemas"]["Extended"]
        schema["allOf"] = [{"allOf": [*schema["allOf"], *group]}]
    at = "/components/schemas/Extended/allOf/0/allOf"
    assert all_of_findings(old, new) == [("response-property-all-of-added", at, at, ["x", "y"])]
