"""An alternative added to `anyOf` is info, as in oasdiff; that must not hide further changes."""

from __future__ import annotations

import pytest

from pytest_bctrl.drift import compare

from .pairs import Doc, body

TEXT: Doc = {"type": "string"}


def thing(name: str) -> Doc:
    return {"type": "object", "properties": {name: TEXT}, "required": [name]}


def held(schema: Doc) -> Doc:
    return body({"type": "object", "properties": {"p": schema}})


@pytest.mark.parametrize("other", [thing("b"), {"type": "integer"}], ids=["object", "integer"])
def test_what_was_one_thing_and_may_be_another_is_an_error(other: Doc) -> None:
    findings = compare(held(thing("a")), held({"anyOf": [thing("a"), other]}))
    assert [(finding.rule, finding.level) for finding in findings] == [("response-property-type-generalized", "error")]


def test_one_of_that_became_any_of_and_grew_is_an_error() -> None:
    findings = compare(held({"oneOf": [thing("a"), thing("b")]}), held({"anyOf": [thing("a"), thing("b"), thing("c")]}))
    assert [(finding.rule, finding.level) for finding in findings] == [("response-property-one-of-added", "error")]


def test_an_alternative_that_became_another_is_an_error() -> None:
    findings = compare(held({"anyOf": [thing("a"), TEXT]}), held({"anyOf": [thing("a"), {"type": "number"}]}))
    assert [(finding.rule, finding.level) for finding in findings] == [("response-property-type-changed", "error")]


def test_alternatives_that_are_all_others_are_an_error() -> None:
    findings = compare(held({"anyOf": [thing("a"), thing("b")]}), held({"anyOf": [thing("c"), thing("d")]}))
    assert [(finding.rule, finding.level) for finding in findings] == [("response-property-type-changed", "error")]


def test_any_of_that_grew_is_info() -> None:
    findings = compare(held({"anyOf": [thing("a"), thing("b")]}), held({"anyOf": [thing("a"), thing("b"), thing("c")]}))
    assert [(finding.rule, finding.level) for finding in findings] == [("response-property-any-of-added", "info")]


def test_a_list_of_types_that_lost_one_and_gained_another_is_an_error() -> None:
    """In a response what counts is the one that is new."""
    findings = compare(held({"oneOf": [TEXT, {"type": "integer"}]}), held({"oneOf": [TEXT, {"type": "boolean"}]}))
    assert [finding.rule for finding in findings] == ["response-property-list-of-types-widened"]
    assert findings[0].level == "error"


EITHER: Doc = {"anyOf": [TEXT, {"type": "boolean"}]}
OR_NULL: Doc = {"anyOf": [TEXT, {"type": "null"}]}
ELSE: Doc = {"type": "integer", "minimum": 1}


@pytest.mark.parametrize(
    ("inner", "wrapped"),
    [
        (EITHER, {"allOf": [EITHER]}),
        (EITHER, {"allOf": [{"allOf": [{"anyOf": [{"allOf": [TEXT]}, {"type": "boolean"}]}]}]}),
        (OR_NULL, {"anyOf": [TEXT, {"allOf": [{"type": "null"}]}]}),
        (OR_NULL, {"allOf": [{"anyOf": [{"allOf": [TEXT]}, {"allOf": [{"type": "null"}]}]}]}),
    ],
    ids=["once", "twice", "null inside", "both"],
)
def test_alternatives_within_alternatives_mean_the_same_in_all_of_one(inner: Doc, wrapped: Doc) -> None:
    bare, other = held({"anyOf": [inner, ELSE]}), held({"anyOf": [wrapped, ELSE]})
    assert [] == compare(bare, other)
    assert [] == compare(other, bare)


@pytest.mark.parametrize(
    "null", [{"type": ["null"]}, {"const": None}, {"enum": [None]}, {"allOf": [{"const": None}]}], ids=str
)
def test_null_among_alternatives_may_be_written_in_any_way(null: Doc) -> None:
    plain = held({"anyOf": [thing("a"), thing("b"), {"type": "null"}]})
    other = held({"anyOf": [thing("a"), thing("b"), null]})
    assert [] == compare(plain, other)
    assert [] == compare(other, plain)


def test_a_value_beside_a_reference_is_one_of_the_values() -> None:
    """In OpenAPI 3.1 the siblings of a `$ref` apply as well; `A` is a string."""
    listed = held({"enum": ["a", "b"]})
    beside = held({"anyOf": [{"$ref": "#/components/schemas/A", "const": "a"}, {"const": "b"}]})
    assert [] == compare(listed, beside)
    assert [] == compare(beside, listed)
    findings = compare(listed, held({"anyOf": [{"$ref": "#/components/schemas/A", "const": "c"}, {"const": "b"}]}))
    assert [finding.rule for finding in findings] == [
        "response-property-enum-value-added", "response-property-enum-value-removed"
    ]  # fmt: skip


def test_what_is_matched_is_matched_alike_there_and_back() -> None:
    """No property discriminates the parts of `allOf`; exclusion is decided for the side that has `oneOf`."""
    one: Doc = {"enum": ["x", "y"]}
    first, second = {"a": TEXT, "shape": one}, {"b": TEXT, "c": TEXT}
    old = held({"allOf": [{"properties": {"size": one, **first}}, {"properties": second}]})
    new = held({"allOf": [{"properties": first}, {"properties": {**second, "size": one, "c": {"type": "number"}}}]})
    kinds = [{"type": "object", "properties": {"kind": {"const": name}}, "required": ["kind"]} for name in "ab"]
    exclusive, loose = held({"oneOf": kinds}), held({"anyOf": [kinds[0], {**kinds[1], "required": []}]})
    for pair in ((old, new), (new, old), (exclusive, loose), (loose, exclusive)):
        assert [finding.location[-5:] for finding in compare(*pair)] in (["p.c"], [".kind"])
