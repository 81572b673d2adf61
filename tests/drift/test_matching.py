"""Which operation, and which alternative, is compared with which of the other document."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_bctrl.drift import compare

from .pairs import Doc, body, document

TEXT: Doc = {"type": "string"}
Changes = list[tuple[str, str, str]]


def thing(**properties: Any) -> Doc:
    """Return an object schema with these properties; a list stands for an enum."""
    return {
        "type": "object",
        "properties": {
            name: {"enum": value} if isinstance(value, list) else value for name, value in properties.items()
        },
    }


def changes_of(old: list[Doc], new: list[Doc], kind: str = "oneOf") -> Changes:
    """Return rule, location and value of each finding for alternatives under the keyword `kind`."""
    findings = compare(body({kind: old}), body({kind: new}))
    values = [finding.message.rpartition(": ")[2] for finding in findings]
    return [(finding.rule, finding.location, value) for finding, value in zip(findings, values, strict=True)]


def paths(*names: str, method: str = "get") -> Doc:
    """Return a document with an operation at each path, whose id is the path."""
    operation = document()["paths"]["/a"]["get"]
    return {**document(), "paths": {name: {method: {**operation, "operationId": name}} for name in names}}


def operations(old: Doc, new: Doc) -> list[tuple[str, str]]:
    """Return the rule and operation of each finding."""
    return [(finding.rule, finding.operation) for finding in compare(old, new)]


REMOVED, ADDED, RENAMED = "api-path-removed-without-deprecation", "endpoint-added", "api-operation-id-removed"


def test_alternatives_are_matched_by_the_values_of_a_property() -> None:
    """In any order, even if they have little else in common; the value of `kind` is part of the location."""
    old = [thing(kind=["a"], x=TEXT, y=TEXT), thing(kind=["b", "c"], z=TEXT)]
    new = [thing(kind=["b", "c"], x=TEXT, y=TEXT), thing(kind=["a"], z={"type": "integer"})]
    assert {location.partition(">")[0] for _, location, _ in changes_of(old, new)} == {"<kind=a", "<kind=b|c"}


def test_alternatives_with_equal_keywords_are_matched_by_their_nested_schemas() -> None:
    """At any depth and in any order."""

    def lists(*types: str) -> Doc:
        """Return an object schema with a property that is a list of items of one of these types."""
        alternatives = {"anyOf": [{"type": "array", "items": {"type": name}} for name in types]}
        return {"type": "object", "required": ["p"], "properties": {"p": alternatives}}

    old = [lists("string", "integer"), lists("number", "null")]
    assert [] == changes_of(old, [lists("null", "number"), lists("integer", "string")])
    (changed,) = changes_of(old, [lists("integer", "string"), lists("null", "boolean")])
    assert "response-property-type-changed" == changed[0]


def test_an_alternative_with_a_new_discriminating_value_is_not_matched() -> None:
    """Even if everything else is equal."""
    old = [thing(kind=["a"], x=TEXT), thing(kind=["b"], y=TEXT)]
    new = [thing(kind=["b"], y=TEXT), thing(kind=["c"], x=TEXT)]
    assert changes_of(old, new) == [
        ("response-body-one-of-added", "", "kind=c"),
        ("response-body-one-of-removed", "", "kind=a"),
    ]


def test_values_shared_by_two_alternatives_do_not_discriminate() -> None:
    """The other properties are used instead."""
    old = [thing(kind=["a"], x=TEXT), thing(kind=["a"], y=TEXT)]
    new = [thing(kind=["a"], y={"type": "integer"}), thing(kind=["a"], x={"type": "integer"})]
    assert [location for _, location, _ in changes_of(old, new)] == ["<{kind, x}>.x", "<{kind, y}>.y"]


@pytest.mark.parametrize(
    "kinds", [(["a"], ["a"], ["a"], ["a"]), (["a"], ["b"], ["c"], ["d"])], ids=["shared", "all-new"]
)
def test_the_discriminating_property_must_have_unchanged_values(kinds: tuple[list[str], ...]) -> None:
    """If all values of `kind` are shared or new, the alternatives are matched by `name`."""
    first, two, three, four = kinds
    old = [thing(kind=first, name=["x"], p=TEXT), thing(kind=two, name=["y"], p=TEXT)]
    new = [thing(kind=three, name=["y"], p={"type": "integer"}), thing(kind=four, name=["x"], p={"type": "integer"})]
    assert [location for _, location, _ in changes_of(old, new) if location.endswith(".p")] == [
        "<name=x>.p",
        "<name=y>.p",
    ]


def test_an_alternative_without_a_discriminating_property_is_matched_by_similarity() -> None:
    old = [thing(kind=["a"]), thing(kind=["b"]), thing(p=TEXT, q=TEXT)]
    new = [thing(p=TEXT, q={"type": "integer"}), thing(kind=["b"]), thing(kind=["a"])]
    assert [location for _, location, _ in changes_of(old, new)] == ["<{p, q}>.q"]


def test_an_equal_alternative_is_preferred_to_a_similar_one() -> None:
    old = [thing(a=TEXT, b=TEXT), thing(a=TEXT, b=TEXT, c=TEXT)]
    new = [thing(a=TEXT, b=TEXT, c=TEXT), thing(a=TEXT, b=TEXT, d=TEXT)]
    assert changes_of(old, new) == [("response-optional-property-added", "<{a, b}>.d", "d")]


def test_alternatives_that_share_two_of_five_properties_are_matched() -> None:
    """The findings are about properties, not about an added and a removed alternative."""
    old = [thing(a=TEXT, b=TEXT, c=TEXT), TEXT]
    new = [thing(a=TEXT, b=TEXT, d=TEXT, e=TEXT), TEXT]
    assert {rule for rule, _, _ in changes_of(old, new)} == {
        "response-optional-property-removed",
        "response-optional-property-added",
    }


def test_alternatives_that_share_one_of_three_properties_are_not_matched() -> None:
    old, new = [thing(a=TEXT, b=TEXT), TEXT], [thing(a=TEXT, d=TEXT), TEXT]
    assert changes_of(old, new) == [
        ("response-body-one-of-added", "", "{a, d}"),
        ("response-body-one-of-removed", "", "{a, b}"),
    ]


def test_an_alternative_of_the_same_type_is_preferred_to_one_without_a_type() -> None:
    old = [{**TEXT, "minLength": 3}, thing(a=TEXT)]
    new = [{"minLength": 4}, {**TEXT, "minLength": 2}, thing(a=TEXT)]
    assert changes_of(old, new) == [
        ("response-body-one-of-added", "", "any"),
        ("response-body-became-nullable", "", "null"),
        ("response-property-min-length-decreased", "<string>", "3 → 2"),
    ]


def test_alternatives_of_different_types_are_not_matched() -> None:
    old = [{**TEXT, "minLength": 3}, thing(a=TEXT)]
    new = [{"type": "array", "minItems": 3}, thing(a=TEXT)]
    assert changes_of(old, new) == [
        ("response-body-one-of-added", "", "array"),
        ("response-body-one-of-removed", "", "string"),
    ]


def test_the_name_of_an_alternative_has_at_most_four_properties() -> None:
    many = dict.fromkeys("edcba", TEXT)
    old, new = [thing(**many), TEXT], [thing(**many, f=TEXT), TEXT]
    assert changes_of(old, new) == [("response-optional-property-added", "<{a, b, c, d}>.f", "f")]


def test_a_path_with_a_renamed_parameter_is_matched() -> None:
    old, new = paths("/a/{id}/b"), paths("/a/{key}/b")
    assert operations(old, new) == [(RENAMED, "GET /a/{id}/b")]


def test_an_identical_path_is_preferred_to_one_with_a_renamed_parameter() -> None:
    old, new = paths("/a/{x}"), paths("/a/{y}", "/a/{x}")
    assert operations(old, new) == [(ADDED, "GET /a/{y}")]


def test_a_removed_path_between_unchanged_paths_is_reported() -> None:
    assert operations(paths("/a", "/gone", "/b"), paths("/a", "/b")) == [(REMOVED, "GET /gone")]


def test_paths_that_differ_only_in_parameter_names_are_matched_in_order() -> None:
    old, new = paths("/a/{p}", "/a/{q}"), paths("/a/{r}", "/a/{s}", "/a/{t}")
    assert operations(old, new) == [(RENAMED, "GET /a/{p}"), (RENAMED, "GET /a/{q}"), (ADDED, "GET /a/{t}")]


@pytest.mark.parametrize("method", ["get", "put", "post", "delete", "options", "head", "patch", "trace"])
def test_an_added_or_removed_operation_is_named_by_method_and_path(method: str) -> None:
    assert operations(paths(), paths("/b", method=method)) == [(ADDED, f"{method.upper()} /b")]
    assert operations(paths("/b", method=method), paths()) == [(REMOVED, f"{method.upper()} /b")]


def test_a_changed_method_is_a_removed_and_an_added_operation() -> None:
    old, new = paths("/b"), paths("/b", method="put")
    assert operations(old, new) == [("api-removed-without-deprecation", "GET /b"), (ADDED, "PUT /b")]


def test_an_extension_among_the_paths_is_not_a_path() -> None:
    """Adding `x-note` to the paths is not a change."""
    assert compare(paths(), {**paths(), "paths": {"x-note": "text", **paths()["paths"]}}) == []


def test_paths_sharing_a_path_item_map_its_parameters_by_name() -> None:
    """Written out per path with other parameter names, they are the same."""

    def item(number: str, text: str) -> Doc:
        """Return a path item with a parameter that is a number and one that is a text."""
        kinds = ((number, "integer"), (text, "string"))
        parameters = [{"name": name, "in": "path", "required": True, "schema": {"type": kind}} for name, kind in kinds]
        return {"get": {"parameters": parameters, "responses": {}}}

    shared = {"$ref": "#/components/pathItems/P"}
    old = document(components={"pathItems": {"P": item("x", "y")}})
    old["paths"] = {"/a/{x}/{y}": shared, "/b/{y}/{x}": shared}
    new = {**document(), "paths": {"/a/{u}/{v}": item("u", "v"), "/b/{u}/{v}": item("v", "u")}}
    assert compare(old, new) == []


def tagged(**values: str) -> Doc:
    """Return an object whose properties have these values."""
    properties = {name: {"const": value} for name, value in values.items()}
    return {"type": "object", "properties": properties, "required": [*values]}


FLAT = [tagged(kind="s3", key="a"), tagged(kind="s3", key="b"), tagged(kind="gcs", key="a")]


def grouped(beside: Any) -> list[Doc]:
    """Return the same alternatives, grouped by their kind, with a schema beside each group."""
    keys = [{"oneOf": [tagged(key="a"), tagged(key="b")]}, {"oneOf": [tagged(key="a"), tagged(key="c")]}]
    return [{"allOf": [beside, group, tagged(kind=kind)]} for group, kind in zip(keys, ("s3", "gcs"), strict=True)]


@pytest.mark.parametrize("beside", [{}, True, {"required": ["kind"]}])
def test_alternatives_that_a_document_groups_are_matched_by_content(beside: Any) -> None:
    (added,) = [
        finding
        for finding in compare(body({"oneOf": FLAT}), body({"oneOf": grouped(beside)}))
        if finding.level == "error"
    ]
    assert ("response-body-one-of-added", "key=c, kind=gcs") == (added.rule, added.observed)


def test_alternatives_stay_grouped_if_a_keyword_depends_on_the_group() -> None:
    findings = compare(body({"oneOf": FLAT}), body({"oneOf": grouped({"unevaluatedProperties": False})}))
    assert "key=c, kind=gcs" not in [finding.observed for finding in findings]


def test_alternatives_that_lead_to_too_many_are_compared_in_groups() -> None:
    """Each of 20 schemas has the next one in two alternatives."""
    documents = []
    for kind in ("integer", "string"):
        document = body({"$ref": "#/components/schemas/S0"})
        schemas: Doc = {"S20": {"type": "object", "properties": {"a": {"type": kind}}, "required": ["a"]}}
        for n in range(20):
            following = {"$ref": f"#/components/schemas/S{n + 1}"}
            schemas[f"S{n}"] = {"anyOf": [{"allOf": [following], "maxProperties": m} for m in (n + 1, n + 2)]}
        document["components"] = {"schemas": schemas}
        documents.append(document)
    assert "error" in {finding.level for finding in compare(documents[0], documents[1])}
