"""Alternatives of `oneOf` that a value may meet at once: a change is reported unless no value can break a consumer."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_bctrl.drift import compare

from .pairs import Doc
from .positions import POSITIONS

TEXT: Doc = {"type": "string"}
WHOLE: Doc = {"type": "integer"}
BOTH = ("request body", "response body")


def model(kind: str, required: tuple[str, ...] = ("id",), **properties: Any) -> Doc:
    """Return an object whose `kind` has a default and is not required, as generators of documents write it."""
    declared = {"id": TEXT, "kind": {"const": kind, "default": kind}, **properties}
    return {"type": "object", "properties": declared, "required": [*required]}


def one_of(*schemas: Doc) -> Doc:
    """Return the `oneOf` of schemas."""
    return {"oneOf": [*schemas]}


def narrowings_and_widenings(position: str, old: Doc, new: Doc) -> list[tuple[str, str]]:
    """Return rule and level of the findings that something was, or may have been, narrowed or widened."""
    findings = compare(POSITIONS[position].document(old), POSITIONS[position].document(new))
    names = ("narrowed", "widened")
    return [(finding.rule, finding.level) for finding in findings if finding.rule.endswith(names)]


def family(tag: str, **more: Any) -> Doc:
    """Return alternatives that each require the same tag and a property of their own."""
    members = [{"tag": {"const": tag}, f"p{count}": TEXT, **more} for count in range(2)]
    return one_of(*({"type": "object", "properties": member, "required": [*member][:2]} for member in members))


def result(**properties: Any) -> Doc:
    """Return an object schema with an id and these properties, none of which is required."""
    return {"type": "object", "properties": {"id": TEXT, **properties}}


LISTING: Doc = {"type": "object", "properties": {"list": {"type": "array", "items": TEXT}}}
NULL: Doc = {"type": "null"}
TUNED = ("id", "job")
NOTHING_BREAKS: dict[str, tuple[Doc, Doc]] = {
    "an optional property in each": (
        one_of(model("base"), model("tuned", TUNED, job=TEXT)),
        one_of(model("base", size=WHOLE), model("tuned", TUNED, job=TEXT, size=WHOLE)),
    ),
    "in another order": (
        one_of(model("base"), model("tuned", TUNED, job=TEXT)),
        one_of(model("tuned", TUNED, job=TEXT, size=WHOLE), model("base", size=WHOLE)),
    ),
    "beside an alternative of another type": (
        one_of(model("base"), model("tuned", TUNED, job=TEXT), {"type": "array", "maxItems": 5}),
        one_of(
            model("base", size=WHOLE), model("tuned", TUNED, job=TEXT, size=WHOLE), {"type": "array", "maxItems": 5}
        ),
    ),
    "access in each": (
        one_of(model("base", size=WHOLE), model("tuned", size=WHOLE)),
        one_of(
            model("base", size={**WHOLE, "readOnly": True}),
            model("tuned", size={**WHOLE, "readOnly": True}),
        ),
    ),
    "an optional property in one of three without required properties": (
        one_of(result(price=TEXT, state={"enum": ["a", "b"]}), result(error=TEXT, state={"const": "x"}), LISTING),
        one_of(
            result(price=TEXT, more=TEXT, state={"enum": ["a", "b"]}), result(error=TEXT, state={"const": "x"}), LISTING
        ),
    ),
    "inside alternatives that a property of their alternatives tells apart": (
        one_of(family("a"), family("b")),
        one_of(family("a"), family("b", size=WHOLE)),
    ),
    "values of a map that may be null": (
        {"anyOf": [{"type": "object", "propertyNames": {"enum": ["a", "b"]}, "additionalProperties": TEXT}, NULL]},
        {"anyOf": [{"type": "object", "propertyNames": {"enum": ["b", "a"]}, "additionalProperties": TEXT}, NULL]},
    ),
}


def beside(schema: Doc, **keywords: Any) -> Doc:
    """Return a schema of objects with further keywords."""
    return {"type": "object", **keywords, **schema}


SHARED: dict[str, Doc] = {
    "declared beside the alternatives": {"properties": {"size": {}}},
    "declared under a condition": {"if": {"required": ["more"]}, "then": {"properties": {"size": {}}}},
    "undeclared in a map": {"additionalProperties": {"type": ["string", "integer"]}},
    "declared by other alternatives": {"anyOf": [{"properties": {"size": {}}}, {"required": ["more"]}]},
}


@pytest.mark.parametrize("name", SHARED)
def test_loosening_a_property_of_an_alternative_is_an_error_if_a_value_meets_both_then(name: str) -> None:
    """An object with a size of 5 met the first alternative of `oneOf` alone, and meets both now."""
    old, new = one_of(model("base"), model("tuned", size=TEXT)), one_of(model("base"), model("tuned", size={}))
    old, new = (beside(schema, **SHARED[name]) for schema in (old, new))
    assert [("request-body-narrowed", "error")] == narrowings_and_widenings("request body", old, new)
    assert [("response-body-widened", "error")] == narrowings_and_widenings("response body", new, old)


@pytest.mark.parametrize("position", BOTH)
def test_adding_an_alternative_that_excludes_the_others_does_not_narrow_the_body(position: str) -> None:
    """In a request; in a response, an alternative was removed, which does not widen the body."""
    two, three = models(2), models(3)
    if position == "response body":
        two, three = three, two
    assert [] == narrowings_and_widenings(position, two, three)


@pytest.mark.parametrize("position", BOTH)
@pytest.mark.parametrize("name", NOTHING_BREAKS)
def test_no_narrowing_is_reported_if_no_value_meets_a_second_alternative_now(name: str, position: str) -> None:
    """No widening is reported either, and neither is reported as undecided."""
    old, new = NOTHING_BREAKS[name]
    assert [] == narrowings_and_widenings(position, old, new)


def test_changing_an_alternative_is_an_error_if_a_value_meets_a_second_one_then() -> None:
    """A text of three characters met the first alternative of `oneOf` alone."""
    short, long = {**TEXT, "maxLength": 5}, {**TEXT, "minLength": 5}
    old, new = one_of(short, long), one_of(short, {**TEXT, "minLength": 3})
    assert [("request-body-narrowed", "error")] == narrowings_and_widenings("request body", old, new)
    assert [("response-body-widened", "error")] == narrowings_and_widenings("response body", new, old)


def models(count: int, **more: Any) -> Doc:
    """Return alternatives that each require a property of their own."""
    return one_of(*(model(f"k{index}", ("id", f"p{index}"), **{f"p{index}": TEXT}, **more) for index in range(count)))


@pytest.mark.parametrize("position", BOTH)
def test_overlaps_of_many_alternatives_are_undecided(position: str) -> None:
    """More than 20 yield a warning. There are as many as pairs of alternatives, so their number is limited."""
    assert [] == narrowings_and_widenings(position, models(20), models(20, size=WHOLE))
    ((rule, level),) = narrowings_and_widenings(position, models(21), models(21, size=WHOLE))
    assert ("warning", True) == (level, "-may-be-" in rule)


@pytest.mark.parametrize("position", BOTH)
def test_overlaps_with_properties_that_are_in_no_value_are_a_question_for_the_engine(position: str) -> None:
    """Properties both `readOnly` and `writeOnly`: the engine proves that nothing was narrowed or widened."""
    hidden = {**WHOLE, "readOnly": True, "writeOnly": True}
    assert [] == narrowings_and_widenings(position, models(2, size=hidden), models(2, size=hidden, more=TEXT))


@pytest.mark.parametrize(
    ("position", "access", "other_access"),
    [("request body", "readOnly", "writeOnly"), ("response body", "writeOnly", "readOnly")],
)
def test_overlaps_of_many_alternatives_with_properties_that_are_in_no_value_are_undecided(
    position: str, access: str, other_access: str
) -> None:
    """The engine decides for two alternatives, but not for 20. Properties with the other flag are in values."""
    hidden, visible = {**WHOLE, access: True}, {**WHOLE, other_access: True}
    assert [] == narrowings_and_widenings(position, models(20, size=visible), models(20, size=visible, more=TEXT))
    ((rule, level),) = narrowings_and_widenings(position, models(20, size=hidden), models(20, size=hidden, more=TEXT))
    assert ("warning", True) == (level, "-may-be-" in rule)


@pytest.mark.parametrize("position", BOTH)
def test_null_that_meets_a_single_alternative_of_many_is_no_overlap(position: str) -> None:
    """Null is an alternative of its own, or the first alternative may be null."""
    old, new = models(20)["oneOf"], models(20, size=WHOLE)["oneOf"]
    assert [] == narrowings_and_widenings(position, one_of(*old, NULL), one_of(*new, NULL))
    first_old, first_new = ({**alternatives[0], "type": ["object", "null"]} for alternatives in (old, new))
    assert [] == narrowings_and_widenings(position, one_of(first_old, *old[1:]), one_of(first_new, *new[1:]))


@pytest.mark.parametrize("position", BOTH)
def test_overlaps_are_undecided_beyond_the_budget_of_combinations(position: str) -> None:
    """The finding is a warning that the body may have been narrowed or widened."""
    choices = [{"anyOf": [{"minProperties": count + 1}, {"maxProperties": count}]} for count in range(12)]

    def combined(**more: Any) -> Doc:
        """Return two alternatives that each have 12 choices of two, and these properties."""
        return one_of(*({**schema, "allOf": choices} for schema in models(2, **more)["oneOf"]))

    ((rule, level),) = narrowings_and_widenings(position, combined(), combined(size=WHOLE))
    assert ("warning", True) == (level, "-may-be-" in rule)


def test_changing_any_of_to_one_of_is_an_error_if_a_value_meets_two_alternatives() -> None:
    """An alternative is added at the same time, so that no rule names the change from `anyOf` to `oneOf`."""
    texts = [{**TEXT, "maxLength": 5}, {**TEXT, "minLength": 5}]
    old, new = {"anyOf": texts}, one_of(*texts, {"type": "array"})
    assert [("request-body-narrowed", "error")] == narrowings_and_widenings("request body", old, new)


def tagged(tag: str, *types: str) -> Doc:
    """Return a schema of closed objects with a required tag, and of all values of these types."""
    properties = {"tag": {"const": tag}}
    return {"type": ["object", *types], "properties": properties, "required": ["tag"], "additionalProperties": False}


@pytest.mark.parametrize("types", [("array", "array"), ("integer", "number")])
def test_a_required_property_tells_objects_apart_but_no_other_values(types: tuple[str, str]) -> None:
    """An array, or an integer, met the first alternative of `oneOf` alone and meets both now: an error."""
    old = one_of(tagged("a", types[0]), tagged("b"))
    new = one_of(tagged("a", types[0]), tagged("b", types[1]))
    assert [("request-body-narrowed", "error")] == narrowings_and_widenings("request body", old, new)
    assert [("response-body-widened", "error")] == narrowings_and_widenings("response body", new, old)


def test_one_of_that_arrays_meet_twice_differs_from_any_of() -> None:
    """Replacing `anyOf` by `oneOf` is a finding if both branches allow arrays."""
    branches = [tagged("a", "array"), tagged("b", "array")]
    document = POSITIONS["request body"].document
    findings = compare(document({"anyOf": branches}), document({"oneOf": branches}))
    assert ["request-body-any-of-became-one-of"] == [finding.rule for finding in findings]


UNTYPED: Doc = {key: value for key, value in tagged("a").items() if key != "type"}
NULLABLE: dict[str, tuple[Doc, Doc]] = {"listed": (tagged("a", "null"), tagged("c", "null")), "untyped": (UNTYPED, {})}


@pytest.mark.parametrize("name", NULLABLE)
def test_adding_an_alternative_that_null_meets_too_is_an_error(name: str) -> None:
    """`null` met exactly one alternative of `oneOf` and meets two now, so that it became invalid."""
    first, further = NULLABLE[name]
    further = {**UNTYPED, "properties": {"tag": {"const": "c"}}, **further}
    old, new = one_of(first, tagged("b")), one_of(first, tagged("b"), further)
    assert [("request-body-narrowed", "error")] == narrowings_and_widenings("request body", old, new)
    assert [("response-body-widened", "error")] == narrowings_and_widenings("response body", new, old)


def closed(*required: str, **properties: Any) -> Doc:
    """Return a schema of closed objects with these properties."""
    return {"type": "object", "properties": properties, "required": [*required], "additionalProperties": False}


def test_widening_an_alternative_is_an_error_if_its_values_meet_another_one() -> None:
    """The first alternative of `oneOf` had no values; now it has those of the second, which are therefore invalid."""
    other = closed(tag={"const": "y"})
    old, new = one_of(closed("b"), other), one_of(one_of(other, closed()), other)
    for position, before, after in (("request body", old, new), ("response body", new, old)):
        document = POSITIONS[position].document
        assert "error" in {finding.level for finding in compare(document(before), document(after))}


LISTED: Doc = {"enum": [None, "a"]}
NULLABLE_TEXT: Doc = {"type": ["string", "null"]}
NULLABLE_WHOLE: Doc = {"type": ["integer", "null"]}
ONE_BECOMES_SEVERAL: dict[str, tuple[Doc, Doc]] = {
    "a plain schema": (TEXT, one_of(TEXT, LISTED)),
    "a list of types": (one_of(NULLABLE_TEXT, NULLABLE_WHOLE, NULLABLE_WHOLE), one_of(TEXT, NULL, LISTED)),
    "an alternative beside its double": (
        one_of(TEXT, NULLABLE_WHOLE, NULLABLE_WHOLE),
        one_of(NULLABLE_TEXT, LISTED, {"type": "boolean"}),
    ),
}


@pytest.mark.parametrize("name", ONE_BECOMES_SEVERAL)
def test_a_proof_about_one_alternative_is_none_about_a_value_that_meets_two(name: str) -> None:
    """The text "a" met one alternative of `oneOf` and meets two now, which the finding shows as a counterexample."""
    old, new = ONE_BECOMES_SEVERAL[name]
    for position, before, after in (("request body", old, new), ("response body", new, old)):
        findings = compare(POSITIONS[position].document(before), POSITIONS[position].document(after))
        errors = [finding for finding in findings if finding.level == "error"]
        assert errors
        assert "a" in [finding.extra["shown"].get("value") for finding in errors]


def test_a_proof_about_one_alternative_holds_for_any_of() -> None:
    """A text becomes one of two alternatives, of which the first takes every text: nothing breaks."""
    document = POSITIONS["request body"].document
    findings = compare(document(TEXT), document({"anyOf": [TEXT, {"type": "integer", "minimum": 1}]}))
    assert [] == [finding.rule for finding in findings if finding.level == "error"]


@pytest.mark.parametrize("schema", [{}, {"type": "array"}])
def test_null_that_met_two_alternatives_and_meets_one_now_is_an_error(schema: Doc) -> None:
    """The alternative that is null alone was removed, so that null is valid."""
    twice, once = one_of(NULLABLE_TEXT, NULL, WHOLE), one_of(NULLABLE_TEXT, WHOLE)
    if schema:
        twice, once = {**schema, "items": twice}, {**schema, "items": once}
    for position, old, new in (("response body", twice, once), ("request body", once, twice)):
        findings = compare(POSITIONS[position].document(old), POSITIONS[position].document(new))
        assert ["error"] == [finding.level for finding in findings]


@pytest.mark.parametrize("doubled", [True, False])
def test_changing_one_of_to_any_of_is_an_error_if_null_meets_two_alternatives(doubled: bool) -> None:
    """Null meets an alternative of its own and a text that may be null; without the latter, nothing breaks."""
    alternatives = [NULLABLE_TEXT if doubled else TEXT, model("base"), NULL]
    exclusive, inclusive = one_of(*alternatives), {"anyOf": alternatives}
    expected = [[("request-body-narrowed", "error")], [("response-body-widened", "error")]] if doubled else [[], []]
    assert expected == [
        narrowings_and_widenings("request body", inclusive, exclusive),
        narrowings_and_widenings("response body", exclusive, inclusive),
    ]


def with_null(schema: Doc) -> Doc:
    """Return the `oneOf` of the alternatives of a schema and null."""
    return one_of(*schema["oneOf"], NULL)


CHANNEL: Doc = {"type": "number", "minimum": 0, "maximum": 1}
COLOUR: Doc = {"type": "object", "properties": dict.fromkeys("rgb", CHANNEL), "required": [*"rgb"]}
TRANSPARENT: Doc = {**COLOUR, "properties": {**COLOUR["properties"], "a": CHANNEL}, "required": [*"rgba"]}


def test_null_beside_alternatives_that_a_value_may_meet_at_once_narrows_nothing() -> None:
    """No other alternative allows null, so it takes no value from them, whatever else a value meets."""
    old = one_of(TEXT, COLOUR, TRANSPARENT, result(price=TEXT))
    assert narrowings_and_widenings("request body", old, with_null(old)) == []
    assert narrowings_and_widenings("response body", with_null(old), old) == []


def test_null_beside_an_alternative_that_allows_null_is_an_error() -> None:
    """Null met one alternative, and meets two now."""
    old = one_of(TEXT, COLOUR, {**TRANSPARENT, "type": ["object", "null"]})
    assert narrowings_and_widenings("request body", old, with_null(old)) == [("request-body-narrowed", "error")]
