"""Findings as plain text: grouped, and safe to print."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_bctrl.finding import LEVELS, Finding
from pytest_bctrl.reports.terminal import describe, headline
from pytest_bctrl.reports.wording import counted, printable, shown


def finding(level: Any = "error", rule: str = "r", **more: Any) -> Finding:
    return Finding(rule, level, **{"location": "a[*].b", "message": "it is wrong", **more})


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
def test_no_line_holds_what_a_terminal_obeys(findings: list[Finding]) -> None:
    """And each can be written as UTF-8, which holds no half of a letter."""
    lines = [headline(findings), *describe(findings)]
    assert [] == [line for line in lines if not (line.isprintable() and line == printable(line))]
    assert all(isinstance(line.encode(), bytes) for line in lines)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("prose", "prose"),
        (["a", "b"], "a | b"),
        ([401, 403], "[401, 403]"),
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


def test_a_huge_value_is_cut() -> None:
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


def test_the_headline_names_the_first() -> None:
    assert "1 error, 1 warning: r at a[*].b, it is wrong" == headline([finding(), finding("warning")])


def test_a_finding_is_described_with_a_sample_and_a_command() -> None:
    one = finding(count=2, total=5, expected=["x", "y"], observed=1, sample={"location": "a[3].b"}, reproduce="curl x")
    assert [
        "",
        "error r",
        "  a[*].b  (2 of 5)",
        "    it is wrong",
        "    expected  x | y",
        "    observed  1",
        "    sample    a[3].b",
        "  reproduce: curl x",
    ] == list(describe([one]))


def test_the_worst_come_first_and_each_rule_once() -> None:
    lines = list(
        describe([finding("info", "c"), finding("warning", "b"), finding("error", "a"), finding("warning", "b")])
    )
    assert ["error a", "warning b", "info c"] == [line for line in lines if line and not line.startswith(" ")]
