"""A schema that was added to `allOf` is reported once, at the `allOf` that contains it."""

from __future__ import annotations

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
    assert all_of_findings(old, new) == [("response-property-all-of-added", at, f"{at}/2", ["x", "y"])]
    assert all_of_findings(new, old) == [("response-property-all-of-removed", f"{at}/2", at, ["x", "y"])]


def test_the_all_of_of_a_schema_added_to_all_of_is_not_reported_separately() -> None:
    old, new = base(), base()
    new["components"]["schemas"]["Nested"] = {"allOf": [ADDED, {"required": ["id"]}]}
    new["components"]["schemas"]["Extended"]["allOf"].append({"$ref": "#/components/schemas/Nested"})
    at = "/components/schemas/Extended/allOf"
    assert all_of_findings(old, new) == [("response-property-all-of-added", at, f"{at}/2", ["x", "y"])]
    assert all_of_findings(new, old) == [("response-property-all-of-removed", f"{at}/2", at, ["x", "y"])]


def test_an_all_of_added_to_an_extended_component_is_reported_at_each_property_that_extends_it() -> None:
    """In the old document, where the component has none, a finding points at the `allOf` of the property."""
    old, new = base(), base()
    new["components"]["schemas"]["Base"]["allOf"] = [ADDED]
    at = "/components/schemas/Base/allOf/0"
    findings = all_of_findings(old, new)
    assert [(rule, pointer) for rule, _, pointer, _ in findings] == [("response-property-all-of-added", at)] * 2
    first = "/paths/~1a/get/responses/200/content/application~1json/schema/properties/{}/allOf"
    assert [pointer for _, pointer, _, _ in findings] == [first.format("x"), first.format("y")]
