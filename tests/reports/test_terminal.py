"""Findings as plain text: grouped, and safe to print."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_bctrl.escaping import escape_line
from pytest_bctrl.findings.finding import LEVELS, Finding
from pytest_bctrl.reports.causes import Cause, causes
from pytest_bctrl.reports.terminal import block, describe, headline
from pytest_bctrl.reports.wording import counted, shown


def finding(level: Any = "error", rule: str = "r", **fields: Any) -> Finding:
    """Return a finding with a location and a message, unless `fields` has others."""
    return Finding(rule, level, **{"location": "a[*].b", "message": "it is wrong", **fields})


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
_FINDINGS = st.lists(
    st.builds(
        Finding,
        rule=st.text(),
        level=st.sampled_from(LEVELS),
        location=st.text(),
        message=st.text(),
        expected=_JSON,
        observed=_JSON,
        total=st.none() | st.integers(1),
        sample=st.none() | st.fixed_dictionaries({"location": st.text()}),
        reproduce=st.text(),
    ),
    min_size=1,
    max_size=3,
)


@given(_FINDINGS)
def test_no_line_contains_control_characters(findings: list[Finding]) -> None:
    """Each line can be encoded as UTF-8."""
    lines = [headline(findings), *describe(findings)]
    assert [] == [line for line in lines if not (line.isprintable() and line == escape_line(line))]
    assert all(isinstance(line.encode(), bytes) for line in lines)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("prose", "prose"),
        (["a", "b"], "a | b"),
        ([401, 403], "401 | 403"),
        (["a", None], '["a", null]'),
        ({"a": "ü"}, '{"a": "ü"}'),
        (None, "null"),
        (True, "true"),
        ([], ""),
        ("a\x1b[31mb\n", r"a\x1b[31mb\n"),
        ("\u202e", r"\u202e"),
        ("\ud800", r"\ud800"),
    ],
)
def test_a_value_is_shown_on_one_line(value: Any, text: str) -> None:
    assert text == shown(value)


def test_a_huge_value_is_shortened() -> None:
    assert len(shown({str(number): "x" * 100 for number in range(1_000)})) < 1_000


@pytest.mark.parametrize(
    ("levels", "text"),
    [
        ([], "no findings"),
        (["error"], "1 error"),
        (["error", "error"], "2 errors"),
        (["info", "info", "warning", "error"], "1 error, 1 warning, 2 info"),
    ],
)
def test_findings_are_counted_by_level(levels: list[Any], text: str) -> None:
    assert text == counted([finding(level) for level in levels])


def test_the_headline_has_the_counts_and_the_first_finding() -> None:
    assert "1 error, 1 warning: r at a[*].b, it is wrong" == headline([finding(), finding("warning")])


def test_a_finding_is_described_with_a_sample_and_a_command() -> None:
    described = finding(
        count=2, total=5, expected=["x", "y"], observed=1, sample={"location": "a[3].b"}, reproduce="curl x"
    )
    rows = ["error r: it is wrong", "  where     a[*].b, 2 of 5: a[3].b", "  expected  x | y", "  observed  1"]
    assert ["", *rows, "  reproduce curl x"] == list(describe([described]))


@pytest.mark.parametrize(
    ("item", "shown_as"),
    [
        ({"name": "agent", "id": "0b7c"}, "a[3], name 'agent', id 0b7c"),
        ({"id": 7}, "a[3], id 7"),
        ({"name": "\x1b[31m"}, "a[3], name '\\x1b[31m'"),
        ({"name": "the observed value", "id": 7}, "a[3], id 7"),
        ({}, "a[3]"),
    ],
)
def test_an_item_is_named_by_its_name_and_id(item: dict[str, Any], shown_as: str) -> None:
    described = finding(total=5, observed="the observed value", extra={"item": {"location": "a[3]", **item}})
    assert f"  where     a[*].b, 1 of 5: {shown_as}" in list(describe([described]))


def _many() -> list[Finding]:
    """Return one cause at 25 locations, one of them with another value, and a second cause."""
    same = [finding(location=f"kind: {number}", observed=1) for number in range(24)]
    return [*same, finding(location="kind: 24", observed=2), finding(message="something else")]


def test_findings_of_one_cause_are_one_block() -> None:
    """Its other variants are one line, which lists 5 of 24."""
    rows = list(describe(_many()))
    assert 2 == sum(row.startswith("error") for row in rows)
    (also,) = (row for row in rows if row.startswith("  also"))
    assert f"  also      {'; '.join(map(str, range(1, 6)))}; and 19 more: -v lists all" == also


def test_a_block_shows_a_request_that_changes_nothing_if_there_is_one() -> None:
    labels = ["DELETE /a", "POST /a", "GET /a"]
    cause, *others = causes(finding(operation=label) for label in labels)
    assert [] == others
    assert ["GET /a", "DELETE /a", "POST /a"] == cause.operations


def test_a_wrong_type_has_one_cause_whether_the_property_may_be_null_or_not() -> None:
    expected_types = [["string"], ["string", "null"], ["integer"]]
    wrong = [finding(expected=types, extra={"kind": "type"}) for types in expected_types]
    assert [2, 1] == sorted((len(cause.findings) for cause in causes(wrong)), reverse=True)


@pytest.mark.parametrize(
    ("expected", "observed", "rows"),
    [
        (["a", "b"], ["a", "b"], ["  expected  a | b", '  observed  ["a", "b"]']),
        ("text", "", ["  expected  text", '  observed  ""']),
        (200, [], ["  expected  200", "  observed  []"]),
    ],
    ids=["alternatives and a list", "an empty text", "an empty list"],
)
def test_an_observed_list_or_empty_text_is_shown_as_json(expected: Any, observed: Any, rows: list[str]) -> None:
    assert rows == list(map(str, block(Cause((finding(expected=expected, observed=observed),)))))[2:]


@pytest.mark.parametrize("verbosity", [1, 2])
def test_v_lists_each_variant_and_vv_shortens_no_value(verbosity: int) -> None:
    """A block of 25 findings of one cause, with verbosity 1 and 2."""
    findings = [finding(observed="x" * 900), *(finding(location=f"b{number}", observed=number) for number in range(24))]
    rows = list(map(str, block(Cause(tuple(findings)), verbosity)))
    assert [f"  also      b{number}, observed {number}" for number in range(24)] == rows[4:]
    assert (verbosity > 1) == (rows[3] == f"  observed  {'x' * 900}")


def test_findings_are_sorted_by_level_and_grouped_by_rule() -> None:
    """Four findings of three rules have three headings."""
    lines = list(
        describe([finding("info", "c"), finding("warning", "b"), finding("error", "a"), finding("warning", "b")])
    )
    assert ["error a: it is wrong", "warning b: it is wrong", "info c: it is wrong"] == [
        line for line in lines if line and not line.startswith(" ")
    ]
