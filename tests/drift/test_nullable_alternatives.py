"""An alternative `{"nullable": true}` is null: it does not hide changes of the alternatives beside it."""

from __future__ import annotations

import pytest

from pytest_bctrl.drift import compare

from .pairs import Doc
from .positions import POSITIONS

TEXT: Doc = {"type": "string"}
OBJECT: Doc = {"type": "object", "properties": {"kind": {"enum": ["a", "b"]}}, "required": ["kind"]}
NARROW: Doc = {"type": "object", "properties": {"kind": {"enum": ["a"]}}, "required": ["kind"]}
KEYWORDS = ("anyOf", "oneOf")


def findings(
    position: str, old: Doc, new: Doc, versions: tuple[str, str] = ("3.0.3", "3.0.3")
) -> list[tuple[str, str]]:
    """Return rule and level of each finding between two documents with a schema at a position."""
    before, after = POSITIONS[position].document(old), POSITIONS[position].document(new)
    before["openapi"], after["openapi"] = versions
    return [(finding.rule, finding.level) for finding in compare(before, after)]


@pytest.mark.parametrize("more", [{}, {"description": "no object"}, {"default": None}, {"x-internal": True}], ids=str)
@pytest.mark.parametrize("keyword", KEYWORDS)
def test_a_change_beside_a_nullable_alternative_is_reported(keyword: str, more: Doc) -> None:
    wide, narrow = ({keyword: [schema, {"nullable": True, **more}]} for schema in (OBJECT, NARROW))
    assert findings("request body", wide, narrow) == [("request-property-enum-value-removed", "error")]
    assert findings("response body", narrow, wide) == [("response-property-enum-value-added", "error")]


@pytest.mark.parametrize("keyword", KEYWORDS)
def test_a_nullable_alternative_means_the_same_as_null(keyword: str) -> None:
    """Neither a migration to OpenAPI 3.1 nor `nullable` beside the alternatives is a change."""
    old = {keyword: [OBJECT, {"nullable": True}]}
    assert findings("request body", old, {keyword: [OBJECT, {"type": "null"}]}, ("3.0.3", "3.1.0")) == []
    assert findings("request body", old, {**OBJECT, "nullable": True}) == []


@pytest.mark.parametrize("keyword", KEYWORDS)
def test_a_removed_nullable_alternative_is_reported(keyword: str) -> None:
    old, new = {keyword: [OBJECT, TEXT, {"nullable": True}]}, {keyword: [OBJECT, TEXT]}
    assert findings("request body", old, new) == [("request-body-became-not-nullable", "error")]


@pytest.mark.parametrize("keyword", KEYWORDS)
def test_a_nullable_alternative_alone_allows_any_value(keyword: str) -> None:
    assert findings("request body", {}, {keyword: [{"nullable": True}]}) == []


def test_a_nullable_alternative_with_another_default_is_no_null() -> None:
    assert findings("request body", {}, {"anyOf": [OBJECT, {"nullable": True, "default": "a"}]}) == []


@pytest.mark.parametrize("null", [{"type": "null"}, {"nullable": True}], ids=str)
@pytest.mark.parametrize("keyword", KEYWORDS)
def test_a_schema_or_null_is_verified_by_the_schemas_inside_it(keyword: str, null: Doc) -> None:
    """They are too many for the engine, because the component leads to itself."""
    tree: Doc = {f"p{index}": {"enum": [index]} for index in range(200)}
    tree["inner"] = {keyword: [{"$ref": "#/components/schemas/Tree"}, null]}
    reference: Doc = {"$ref": "#/components/schemas/Tree"}
    old, new = POSITIONS["response body"].document(reference), POSITIONS["response body"].document(reference)
    for document, values in ((old, ["a", "b"]), (new, ["a"])):
        kind = {"kind": {"enum": values}}
        document["components"] = {"schemas": {"Tree": {"type": "object", "properties": tree | kind}}}
    (finding,) = compare(old, new)
    assert (finding.rule, finding.level) == ("response-property-enum-value-removed", "info")


@pytest.mark.parametrize("keyword", KEYWORDS)
def test_null_that_two_alternatives_allow_is_valid_only_with_any_of(keyword: str) -> None:
    nullable = {**OBJECT, "type": ["object", "null"]}
    rules = [rule for rule, _ in findings("response body", {keyword: [nullable, {"type": "null"}]}, nullable)]
    assert rules == {"anyOf": [], "oneOf": ["response-body-widened"]}[keyword]


BESIDE: Doc = {"type": "object", "additionalProperties": False}
INTEGER, NULL, ONLY_NULL = {"type": "integer"}, {"type": "null"}, {"enum": [None]}


@pytest.mark.parametrize("once", [[NULL], [NULL, INTEGER], [{"type": ["integer", "null"]}]], ids=str)
@pytest.mark.parametrize("again", [NULL, ONLY_NULL], ids=str)
@pytest.mark.parametrize("beside", [[], [TEXT], [BESIDE], [{"type": ["integer", "string"]}], [BESIDE, TEXT, INTEGER]])
def test_null_that_meets_two_alternatives_of_one_of_is_invalid(once: list[Doc], again: Doc, beside: list[Doc]) -> None:
    old, new = ({"anyOf": [{"oneOf": alternatives}, *beside]} for alternatives in (once, [*once, again]))
    before, after = (POSITIONS["request body"].document(schema) for schema in (old, new))
    errors = [finding for finding in compare(before, after) if finding.level == "error"]
    assert {"value": None, "allowed": "before"}.items() <= errors[0].extra["shown"].items()
