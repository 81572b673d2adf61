"""YAML is read as JSON data; other data are rejected."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_bctrl.contract.yaml_source import read_yaml
from pytest_bctrl.errors import DocumentError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-01", "2026-01-01"),
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
        ("yes", "yes"),
        ("off", "off"),
        ("12:30:45", "12:30:45"),
        ("1_000", "1_000"),
        ("012", 12),
        ("true", True),
        ("null", None),
        ("-3", -3),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("'1'", "1"),
        ("!!int '7'", 7),
        ("!!null ''", None),
        ("!!str 7", "7"),
        ("", None),
    ],
)
def test_plain_scalars_follow_yaml_1_2(text: str, expected: Any) -> None:
    assert {"a": expected} == read_yaml(f"a: {text}", "x")


def test_keys_of_a_yaml_mapping_are_strings() -> None:
    """So are statuses, `true` and `null`."""
    assert {"200": 1, "default": 2, "true": 3, "null": 4} == read_yaml("{200: 1, default: 2, true: 3, null: 4}", "x")


def test_merge_keys_and_aliases_are_resolved() -> None:
    assert {"a": {"b": 1}, "c": {"b": 1, "d": 2}} == read_yaml("a: &a {b: 1}\nc:\n  <<: *a\n  d: 2\n", "x")
    merged = read_yaml("a: &a {x: 1}\nb: &b {x: 2, y: 3}\nc:\n  <<: [*a, *b]\n", "x")["c"]
    assert {"x": 1, "y": 3} == merged
    assert {"k": 1, "b": "k"} == read_yaml("&a k: 1\nb: *a\n", "x")


@pytest.mark.parametrize(
    "text",
    [
        "a: [",
        "a: b: c",
        "\x00",
        "&a [*a]",
        "a: &a {b: *a}",
        "? [1]\n: 2",
        "!!set {a}",
        "!x y",
        "!!binary aGk=",
        "a: 1e999",
        "a: {<<: 5}",
        "a: {<<: [5]}",
    ],
)
def test_unsupported_yaml_is_a_one_line_error(text: str) -> None:
    with pytest.raises(DocumentError) as caught:
        read_yaml(text, "x.yaml")
    assert ("x.yaml", 1) == (caught.value.where, len(str(caught.value).splitlines()))


def test_deep_nesting_is_an_error() -> None:
    with pytest.raises(DocumentError):
        read_yaml("- " * 100_000 + "x", "x")


_TEXT = st.text(st.characters(codec="ascii", min_codepoint=32, max_codepoint=126))
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=10,
)


@given(_JSON)
def test_the_yaml_reader_reads_json(value: Any) -> None:
    assert value == read_yaml(json.dumps(value), "x")
