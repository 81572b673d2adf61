"""The part of JSONPath (RFC 9535) that overlays need."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_bctrl.contract.jsonpath import find
from pytest_bctrl.errors import DocumentError

DOCUMENT: dict[str, Any] = {
    "a": {"b": 1, "c-d": 2, "e f": 3, "it's": 4, 'say "x"': 5},
    "list": [{"name": "id", "in": "path", "n": 1}, {"name": "Authorization", "in": "header", "n": True}, {"n": None}],
    "texts": ["a", "b"],
}


@pytest.mark.parametrize(
    ("expression", "locations"),
    [
        ("$", [()]),
        ("$.a.b", [("a", "b")]),
        ("$.a.c-d", [("a", "c-d")]),
        ("$['a']['e f']", [("a", "e f")]),
        ('$["a"]["e f"]', [("a", "e f")]),
        (r"$.a['it\'s']", [("a", "it's")]),
        (r'$.a["say \"x\""]', [("a", 'say "x"')]),
        ("$.a['say \"x\"']", [("a", 'say "x"')]),
        (r"$.a['\u0062']", [("a", "b")]),
        ("$.list[0]", [("list", 0)]),
        ("$.list[-1]", [("list", 2)]),
        ("$.list[3]", []),
        ("$.list[-4]", []),
        ("$.list.name", []),
        ("$.a[0]", []),
        ("$.list[*].name", [("list", 0, "name"), ("list", 1, "name")]),
        ("$.list.*.in", [("list", 0, "in"), ("list", 1, "in")]),
        ("$..name", [("list", 0, "name"), ("list", 1, "name")]),
        ("$..['name']", [("list", 0, "name"), ("list", 1, "name")]),
        ("$..[0]", [("list", 0), ("texts", 0)]),
        ("$.list[?@.name == 'id']", [("list", 0)]),
        ("$.list[?@['name'] == 'id']", [("list", 0)]),
        ("$.list[?@.name]", [("list", 0), ("list", 1)]),
        ("$.list[?@.name != 'id']", [("list", 1), ("list", 2)]),
        ("$.list[?@.in == 'header' && @.name == 'Authorization']", [("list", 1)]),
        ("$.list[?@.in == 'header' && @.name == 'id']", []),
        ("$.list[?@.name == 'id' || @.in == 'header']", [("list", 0), ("list", 1)]),
        ("$.list[?@.n == 1]", [("list", 0)]),
        ("$.list[?@.n == true]", [("list", 1)]),
        ("$.list[?@.n == null]", [("list", 2)]),
        ("$.list[?@.name == ' && ']", []),
        ("$[?@.b]", [("a",)]),
        ("$.texts[?@ == 'b']", [("texts", 1)]),
    ],
)
def test_an_expression_selects(expression: str, locations: list[Any]) -> None:
    assert locations == [location for location, _ in find(expression, DOCUMENT)]


def test_a_match_holds_the_value_itself() -> None:
    assert find("$.a", DOCUMENT)[0][1] is DOCUMENT["a"]


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "a",
        "@.a",
        "$a",
        "$.",
        "$..",
        "$.a.",
        "$ .a",
        "$.a b",
        "$[",
        "$[]",
        "$[a]",
        "$[1:2]",
        "$['a','b']",
        "$['a'",
        r"$['\x']",
        "$.list[?]",
        "$.list[?@]",
        "$.list[?@.n > 1]",
        "$.list[?length(@.n) == 1]",
        "$.list[?!@.n]",
        "$.list[?@.n == 1.5]",
        "$.list[?@.a &&]",
    ],
)
def test_what_is_not_supported_is_refused_and_not_misread(expression: str) -> None:
    with pytest.raises(DocumentError, match="not understood"):
        find(expression, DOCUMENT)


@given(st.text(st.sampled_from("$.[]*?@'\"a0-=&|! \\")))
def test_any_text_selects_or_is_refused(expression: str) -> None:
    try:
        found = find(expression, DOCUMENT)
    except DocumentError:
        return
    assert isinstance(found, list)


@given(st.text(min_size=1))
def test_every_key_can_be_named_in_quotes(key: str) -> None:
    quoted = "".join(f"\\u{ord(char):04x}" if ord(char) < 0x10000 else char for char in key)
    assert [((key,), 1)] == find(f"$['{quoted}']", {key: 1})
