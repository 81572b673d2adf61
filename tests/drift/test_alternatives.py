"""An alternative added to `anyOf` is info, as in oasdiff; that must not hide further changes."""

from __future__ import annotations

import pytest

from pytest_bctrl.drift import compare

from .pairs import Doc, body

TEXT: Doc = {"type": "string"}


def thing(name: str) -> Doc:
    """Return an object schema with one required property."""
    return {"type": "object", "properties": {name: TEXT}, "required": [name]}


def property_of(schema: Doc) -> Doc:
    """Return a document whose response has a property `p` with a schema."""
    return body({"type": "object", "properties": {"p": schema}})


@pytest.mark.parametrize("alternative", [thing("b"), {"type": "integer"}], ids=["object", "integer"])
def test_wrapping_a_schema_in_any_of_is_an_error(alternative: Doc) -> None:
    """The response property may have a second kind of value now: the only finding is that its type is generalized."""
    findings = compare(property_of(thing("a")), property_of({"anyOf": [thing("a"), alternative]}))
    assert [(finding.rule, finding.level) for finding in findings] == [("response-property-type-generalized", "error")]


def test_an_alternative_added_while_one_of_becomes_any_of_is_an_error() -> None:
    findings = compare(
        property_of({"oneOf": [thing("a"), thing("b")]}), property_of({"anyOf": [thing("a"), thing("b"), thing("c")]})
    )
    assert [(finding.rule, finding.level) for finding in findings] == [("response-property-one-of-added", "error")]


def test_a_changed_alternative_of_any_of_is_an_error() -> None:
    findings = compare(
        property_of({"anyOf": [thing("a"), TEXT]}), property_of({"anyOf": [thing("a"), {"type": "number"}]})
    )
    assert [(finding.rule, finding.level) for finding in findings] == [("response-property-type-changed", "error")]


def test_replacing_all_alternatives_of_any_of_is_an_error() -> None:
    """It is a single finding: the type of the property was changed."""
    findings = compare(
        property_of({"anyOf": [thing("a"), thing("b")]}), property_of({"anyOf": [thing("c"), thing("d")]})
    )
    assert [(finding.rule, finding.level) for finding in findings] == [("response-property-type-changed", "error")]


def test_an_alternative_added_to_any_of_is_info() -> None:
    """That a consumer may receive a new value is a separate finding, an error."""
    findings = compare(
        property_of({"anyOf": [thing("a"), thing("b")]}), property_of({"anyOf": [thing("a"), thing("b"), thing("c")]})
    )
    assert [(finding.rule, finding.level) for finding in findings] == [
        ("response-property-widened", "error"),
        ("response-property-any-of-added", "info"),
    ]


def test_replacing_a_type_in_a_list_of_types_is_an_error() -> None:
    """The list is a `oneOf` in a response: the new type is what breaks a consumer."""
    findings = compare(
        property_of({"oneOf": [TEXT, {"type": "integer"}]}), property_of({"oneOf": [TEXT, {"type": "boolean"}]})
    )
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
def test_nested_alternatives_in_all_of_with_a_single_branch_are_no_change(inner: Doc, wrapped: Doc) -> None:
    bare, nested = property_of({"anyOf": [inner, ELSE]}), property_of({"anyOf": [wrapped, ELSE]})
    assert [] == compare(bare, nested)
    assert [] == compare(nested, bare)


@pytest.mark.parametrize(
    "null", [{"type": ["null"]}, {"const": None}, {"enum": [None]}, {"allOf": [{"const": None}]}], ids=str
)
def test_equivalent_spellings_of_a_null_alternative_are_no_change(null: Doc) -> None:
    plain = property_of({"anyOf": [thing("a"), thing("b"), {"type": "null"}]})
    equivalent = property_of({"anyOf": [thing("a"), thing("b"), null]})
    assert [] == compare(plain, equivalent)
    assert [] == compare(equivalent, plain)


def test_const_next_to_a_reference_equals_an_enum_value() -> None:
    """In OpenAPI 3.1 keywords next to a `$ref` apply as well; `A` is a string."""
    listed = property_of({"enum": ["a", "b"]})
    beside = property_of({"anyOf": [{"$ref": "#/components/schemas/A", "const": "a"}, {"const": "b"}]})
    assert [] == compare(listed, beside)
    assert [] == compare(beside, listed)
    findings = compare(
        listed, property_of({"anyOf": [{"$ref": "#/components/schemas/A", "const": "c"}, {"const": "b"}]})
    )
    assert [finding.rule for finding in findings] == [
        "response-property-enum-value-added", "response-property-enum-value-removed"
    ]  # fmt: skip


def test_alternatives_are_matched_the_same_way_in_both_directions() -> None:
    """Parts of `allOf`, and `oneOf` with `anyOf`: the only finding is at the same property either way."""
    choice: Doc = {"enum": ["x", "y"]}
    first, second = {"a": TEXT, "shape": choice}, {"b": TEXT, "c": TEXT}
    old = property_of({"allOf": [{"properties": {"size": choice, **first}}, {"properties": second}]})
    new = property_of(
        {"allOf": [{"properties": first}, {"properties": {**second, "size": choice, "c": {"type": "number"}}}]}
    )
    kinds = [{"type": "object", "properties": {"kind": {"const": name}}, "required": ["kind"]} for name in "ab"]
    exclusive, loose = property_of({"oneOf": kinds}), property_of({"anyOf": [kinds[0], {**kinds[1], "required": []}]})
    for pair in ((old, new), (new, old), (exclusive, loose), (loose, exclusive)):
        assert [finding.location[-5:] for finding in compare(*pair)] in (["p.c"], [".kind"])


WHOLE: Doc = {"type": "integer"}
UUID: Doc = {**TEXT, "format": "uuid"}
LISTS: dict[str, Doc] = {
    "a list": {"type": ["string", "integer"]}, "anyOf": {"anyOf": [TEXT, WHOLE]}, "oneOf": {"oneOf": [TEXT, WHOLE]},
}  # fmt: skip


@pytest.mark.parametrize("keyword", ["anyOf", "oneOf"])
@pytest.mark.parametrize("listed", LISTS.values(), ids=LISTS)
def test_types_are_alternatives_beside_those_of_the_other_side(listed: Doc, keyword: str) -> None:
    """A type that both sides allow is not reported as removed because one side allows more than types."""
    old, added = property_of(listed), property_of({keyword: [TEXT, WHOLE, thing("a")]})
    ends = {"anyOf": ("type-generalized", "any-of-removed"), "oneOf": ("one-of-added", "one-of-removed")}[keyword]
    rules = [[(finding.rule, finding.observed or finding.expected) for finding in compare(*pair)]
             for pair in ((old, added), (added, old))]  # fmt: skip
    assert rules == [[(f"response-property-{end}", "{a}")] for end in ends]


@pytest.mark.parametrize("keyword", ["anyOf", "oneOf"])
@pytest.mark.parametrize("listed", LISTS.values(), ids=LISTS)
def test_a_type_that_is_limited_in_alternatives_is_compared(listed: Doc, keyword: str) -> None:
    old, new = property_of(listed), property_of({keyword: [UUID, WHOLE]})
    findings = [(finding.rule, finding.location, finding.level) for pair in ((old, new), (new, old))
                for finding in compare(*pair)]  # fmt: skip
    assert findings == [
        ("response-property-type-specialized", "p<string>", "info"),
        ("response-property-type-changed", "p<string>", "error"),
    ]


@pytest.mark.parametrize("listed", LISTS.values(), ids=LISTS)
def test_a_type_that_another_kind_of_value_replaces_is_reported(listed: Doc) -> None:
    findings = compare(property_of(listed), property_of({"oneOf": [TEXT, thing("a")]}))
    assert [(finding.rule, finding.observed or finding.expected) for finding in findings] == [
        ("response-property-one-of-added", "{a}"), ("response-property-one-of-removed", "integer"),
    ]  # fmt: skip
