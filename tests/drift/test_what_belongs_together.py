"""Which operation, and which alternative, is compared with which of the other document."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_bctrl.drift import compare

from .pairs import Doc, body, document

TEXT: Doc = {"type": "string"}
Told = list[tuple[str, str, str]]


def thing(**properties: Any) -> Doc:
    """An object with these properties; a list is of the values that one may have."""
    return {
        "type": "object",
        "properties": {
            name: {"enum": value} if isinstance(value, list) else value for name, value in properties.items()
        },
    }


def found(old: list[Doc], new: list[Doc], kind: str = "oneOf") -> Told:
    findings = compare(body({kind: old}), body({kind: new}))
    values = [finding.message.rpartition(": ")[2] for finding in findings]
    return [(finding.rule, finding.location, value) for finding, value in zip(findings, values, strict=True)]


def paths(*names: str, method: str = "get") -> Doc:
    operation = document()["paths"]["/a"]["get"]
    return {**document(), "paths": {name: {method: {**operation, "operationId": name}} for name in names}}


def operations(old: Doc, new: Doc) -> list[tuple[str, str]]:
    return [(finding.rule, finding.operation) for finding in compare(old, new)]


REMOVED, ADDED, RENAMED = "api-path-removed-without-deprecation", "endpoint-added", "api-operation-id-removed"


def test_alternatives_are_told_apart_by_the_values_of_a_property() -> None:
    """In any order, however little else they share."""
    old = [thing(kind=["a"], x=TEXT, y=TEXT), thing(kind=["b", "c"], z=TEXT)]
    new = [thing(kind=["b", "c"], x=TEXT, y=TEXT), thing(kind=["a"], z={"type": "integer"})]
    assert {location.partition(">")[0] for _, location, _ in found(old, new)} == {"<kind=a", "<kind=b|c"}


def test_alternatives_that_say_the_same_are_told_apart_by_what_they_hold() -> None:
    """At any depth and in any order."""

    def lists(*types: str) -> Doc:
        held = {"anyOf": [{"type": "array", "items": {"type": name}} for name in types]}
        return {"type": "object", "required": ["p"], "properties": {"p": held}}

    old = [lists("string", "integer"), lists("number", "null")]
    assert [] == found(old, [lists("null", "number"), lists("integer", "string")])
    (changed,) = found(old, [lists("integer", "string"), lists("null", "boolean")])
    assert "response-property-type-changed" == changed[0]


def test_an_alternative_of_another_value_is_another_alternative() -> None:
    """Though it looks the same otherwise."""
    old = [thing(kind=["a"], x=TEXT), thing(kind=["b"], y=TEXT)]
    new = [thing(kind=["b"], y=TEXT), thing(kind=["c"], x=TEXT)]
    assert found(old, new) == [
        ("response-body-one-of-added", "", "kind=c"),
        ("response-body-one-of-removed", "", "kind=a"),
    ]


def test_values_that_two_alternatives_share_tell_nothing_apart() -> None:
    """What they have in common else does."""
    old = [thing(kind=["a"], x=TEXT), thing(kind=["a"], y=TEXT)]
    new = [thing(kind=["a"], y={"type": "integer"}), thing(kind=["a"], x={"type": "integer"})]
    assert [location for _, location, _ in found(old, new)] == ["<{kind, x}>.x", "<{kind, y}>.y"]


@pytest.mark.parametrize(
    "others", [(["a"], ["a"], ["a"], ["a"]), (["a"], ["b"], ["c"], ["d"])], ids=["shared", "all-new"]
)
def test_of_several_properties_the_one_counts_that_tells_apart_and_stays(others: tuple[list[str], ...]) -> None:
    one, two, three, four = others
    old = [thing(kind=one, name=["x"], p=TEXT), thing(kind=two, name=["y"], p=TEXT)]
    new = [thing(kind=three, name=["y"], p={"type": "integer"}), thing(kind=four, name=["x"], p={"type": "integer"})]
    assert [location for _, location, _ in found(old, new) if location.endswith(".p")] == ["<name=x>.p", "<name=y>.p"]


def test_an_alternative_without_such_a_property_is_matched_by_what_it_is_like() -> None:
    old = [thing(kind=["a"]), thing(kind=["b"]), thing(p=TEXT, q=TEXT)]
    new = [thing(p=TEXT, q={"type": "integer"}), thing(kind=["b"]), thing(kind=["a"])]
    assert [location for _, location, _ in found(old, new)] == ["<{p, q}>.q"]


def test_an_equal_alternative_comes_before_one_that_is_like_it() -> None:
    old = [thing(a=TEXT, b=TEXT), thing(a=TEXT, b=TEXT, c=TEXT)]
    new = [thing(a=TEXT, b=TEXT, c=TEXT), thing(a=TEXT, b=TEXT, d=TEXT)]
    assert found(old, new) == [("response-optional-property-added", "<{a, b}>.d", "d")]


def test_alternatives_that_share_two_of_five_properties_belong_together() -> None:
    old = [thing(a=TEXT, b=TEXT, c=TEXT), TEXT]
    new = [thing(a=TEXT, b=TEXT, d=TEXT, e=TEXT), TEXT]
    assert {rule for rule, _, _ in found(old, new)} == {
        "response-optional-property-removed",
        "response-optional-property-added",
    }


def test_alternatives_that_share_one_of_three_properties_do_not() -> None:
    old, new = [thing(a=TEXT, b=TEXT), TEXT], [thing(a=TEXT, d=TEXT), TEXT]
    assert found(old, new) == [
        ("response-body-one-of-added", "", "{a, d}"),
        ("response-body-one-of-removed", "", "{a, b}"),
    ]


def test_an_alternative_of_the_same_type_comes_before_one_of_any() -> None:
    old = [{**TEXT, "minLength": 3}, thing(a=TEXT)]
    new = [{"minLength": 4}, {**TEXT, "minLength": 2}, thing(a=TEXT)]
    assert found(old, new) == [
        ("response-body-one-of-added", "", "any"),
        ("response-body-became-nullable", "", "null"),
        ("response-property-min-length-decreased", "<string>", "3 → 2"),
    ]


def test_alternatives_of_types_that_exclude_each_other_do_not_belong_together() -> None:
    old = [{**TEXT, "minLength": 3}, thing(a=TEXT)]
    new = [{"type": "array", "minItems": 3}, thing(a=TEXT)]
    assert found(old, new) == [
        ("response-body-one-of-added", "", "array"),
        ("response-body-one-of-removed", "", "string"),
    ]


def test_an_alternative_is_called_by_four_of_its_properties_at_most() -> None:
    many = dict.fromkeys("edcba", TEXT)
    old, new = [thing(**many), TEXT], [thing(**many, f=TEXT), TEXT]
    assert found(old, new) == [("response-optional-property-added", "<{a, b, c, d}>.f", "f")]


def test_a_path_is_the_same_though_its_parameter_is_renamed() -> None:
    old, new = paths("/a/{id}/b"), paths("/a/{key}/b")
    assert operations(old, new) == [(RENAMED, "GET /a/{id}/b")]


def test_a_path_of_the_same_text_comes_before_one_of_the_same_shape() -> None:
    old, new = paths("/a/{x}"), paths("/a/{y}", "/a/{x}")
    assert operations(old, new) == [(ADDED, "GET /a/{y}")]


def test_a_path_that_goes_is_told_whatever_stays_before_it() -> None:
    assert operations(paths("/a", "/gone", "/b"), paths("/a", "/b")) == [(REMOVED, "GET /gone")]


def test_paths_of_one_shape_belong_together_in_their_order() -> None:
    old, new = paths("/a/{p}", "/a/{q}"), paths("/a/{r}", "/a/{s}", "/a/{t}")
    assert operations(old, new) == [(RENAMED, "GET /a/{p}"), (RENAMED, "GET /a/{q}"), (ADDED, "GET /a/{t}")]


@pytest.mark.parametrize("method", ["get", "put", "post", "delete", "options", "head", "patch", "trace"])
def test_an_operation_is_told_by_its_method_and_path(method: str) -> None:
    assert operations(paths(), paths("/b", method=method)) == [(ADDED, f"{method.upper()} /b")]
    assert operations(paths("/b", method=method), paths()) == [(REMOVED, f"{method.upper()} /b")]


def test_another_method_of_a_path_is_another_operation() -> None:
    old, new = paths("/b"), paths("/b", method="put")
    assert operations(old, new) == [("api-removed-without-deprecation", "GET /b"), (ADDED, "PUT /b")]


def test_an_extension_among_the_paths_is_none() -> None:
    assert compare(paths(), {**paths(), "paths": {"x-note": "text", **paths()["paths"]}}) == []


def test_paths_that_share_a_path_item_name_its_parameters_each_in_its_order() -> None:
    """Written out for each path, under other names, they are the same."""

    def item(number: str, text: str) -> Doc:
        kinds = ((number, "integer"), (text, "string"))
        said = [{"name": name, "in": "path", "required": True, "schema": {"type": kind}} for name, kind in kinds]
        return {"get": {"parameters": said, "responses": {}}}

    shared = {"$ref": "#/components/pathItems/P"}
    old = document(components={"pathItems": {"P": item("x", "y")}})
    old["paths"] = {"/a/{x}/{y}": shared, "/b/{y}/{x}": shared}
    new = {**document(), "paths": {"/a/{u}/{v}": item("u", "v"), "/b/{u}/{v}": item("v", "u")}}
    assert compare(old, new) == []
