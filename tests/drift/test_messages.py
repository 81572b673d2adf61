"""The text of a finding: both values, shortened, the count, and the location."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from pytest_bctrl.contract.document import load_document
from pytest_bctrl.drift import compare
from pytest_bctrl.drift.options import Options
from pytest_bctrl.findings.finding import Finding

from .pairs import Doc, body, document, parameter
from .positions import POSITIONS
from .published import SPEC, TEXT, page

CHANGED = "The default of the response body was changed"


def only_finding(old: Any, new: Any) -> Finding:
    """Return the only finding for two schemas of a response body, descriptions included."""
    (finding,) = compare(body(old), body(new), Options(descriptions=True))
    return finding


@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [
        (["é"], ["è"], '["é"] → ["è"]'),
        (1, "1", "1 → 1"),
        ({"a": 1}, False, '{"a": 1} → false'),
        (date(2026, 1, 1), date(2026, 1, 2), '"2026-01-01" → "2026-01-02"'),
    ],
)
def test_values_are_formatted_as_json(old: Any, new: Any, shown: str) -> None:
    """Strings have no quotes, and a date that a YAML reader parsed looks as it did in the document."""
    assert only_finding({"default": old}, {"default": new}).message == f"{CHANGED}: {shown}"


@pytest.mark.parametrize(
    ("value", "shown"), [("a" * 80, "a" * 80), ("a" * 81, "a" * 77 + "..."), (["b" * 80], '["' + "b" * 75 + "...")]
)
def test_values_longer_than_80_characters_are_shortened(value: Any, shown: str) -> None:
    """In the message, to 80 characters; `observed` has the complete value."""
    finding = only_finding({"default": 1}, {"default": value})
    assert finding.message == f"{CHANGED}: 1 → {shown}"
    assert finding.observed == value


def test_several_constraints_are_sorted_by_their_text() -> None:
    """`observed` lists the values 9 and 10 of a repeated keyword as `[10, 9]`."""
    finding = only_finding(
        {"type": "integer", "multipleOf": 2}, {"type": "integer", "allOf": [{"multipleOf": 9}, {"multipleOf": 10}]}
    )
    assert (finding.expected, finding.observed) == (2, [10, 9])


@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_same_change_in_several_paths_is_one_finding_with_a_count(count: int) -> None:
    """Paths that differ only in the names of their parameters are one location."""

    def of_type(kind: str) -> Doc:
        """Return a document with this many paths, whose operations have a parameter of a type."""
        operation = parameter(schema={"type": kind})["paths"]["/a"]
        return {**document(), "paths": {f"/a/{{p{number}}}": operation for number in range(count)}}

    findings = compare(of_type("string"), of_type("integer"))
    assert [(finding.rule, finding.count) for finding in findings] == [("request-parameter-type-changed", count)]


def test_a_finding_has_the_line_and_pointer_in_both_documents() -> None:
    text = TEXT.replace("- failed", "- failed\n        - paused")
    (finding,) = compare(load_document(TEXT, "old.yaml"), load_document(page(text), "new.md"))
    positions = finding.extra["base"], finding.extra["revision"]
    pointer = positions[0]["pointer"]
    lines = TEXT.splitlines()
    failed = lines.index("        - failed") + 1
    enum = max(number for number, written in enumerate(lines[:failed], 1) if written.endswith(" enum:"))
    # The page has seven lines before the document.
    assert positions == (
        {"document": "old.yaml", "pointer": pointer, "line": enum},
        {"document": "new.md", "pointer": pointer, "line": enum + 7},
    )
    assert pointer.endswith("/enum")


A, B = {"a": {"type": "string"}}, {"b": {"type": "string"}}


@pytest.mark.parametrize(
    ("old", "new", "base", "revision"),
    [
        ({"properties": {**A, **B}}, {"properties": A}, "/properties/b", "/properties"),
        ({"properties": A}, {"properties": {**A, **B}}, "/properties", "/properties/b"),
        (
            {"additionalProperties": False},
            {"additionalProperties": False, "patternProperties": {"^x": {"type": "string"}}},
            "",
            "/patternProperties",
        ),
        (
            {"anyOf": [{"const": "a"}, {"const": "b"}]},
            {"anyOf": [{"const": "a"}, {"const": "b"}, {"const": "c"}]},
            "/anyOf",
            "/anyOf",
        ),
    ],
    ids=["a property that goes", "one that comes", "a pattern that comes", "a third value"],
)
def test_a_finding_points_at_the_keyword_or_its_nearest_parent(old: Doc, new: Doc, base: str, revision: str) -> None:
    """The side without the changed value has the pointer of the nearest parent."""
    (finding,) = compare(body(old), body(new))
    schema = "/paths/~1a/get/responses/200/content/application~1json/schema"
    places = [finding.extra[side]["pointer"].removeprefix(schema) for side in ("base", "revision")]
    assert [base, revision] == places


def test_a_base_given_as_data_has_no_line_numbers() -> None:
    (finding,) = compare(SPEC, load_document(TEXT.replace("- failed", "- failed\n        - paused"), "new.yaml"))
    assert (finding.extra["base"]["document"], finding.extra["base"]["line"]) == ("base", None)


def test_findings_are_sorted_by_level() -> None:
    old = {"type": "object", "default": 1, "properties": {"a": {"type": "string"}, "b": {"type": "string"}}}
    new = {"type": "object", "default": 2, "properties": {"b": {"type": "integer"}}}
    assert [finding.level for finding in compare(body(old), body(new))] == ["error", "warning", "info"]


@pytest.mark.parametrize(
    ("position", "part"), [("webhook", "request body"), ("response to a webhook", "response body")]
)
def test_a_message_about_a_webhook_names_the_part_that_was_changed(position: str, part: str) -> None:
    """The rule is that of the opposite direction, because the consumer receives the request."""
    build = POSITIONS[position].document
    (finding,) = compare(build({"type": "string"}), build({"type": "integer"}))
    assert finding.message.startswith(f"The type or format of the {part} was changed")
