"""Values and locations in findings: short values that are JSON, and locations without control characters."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_bctrl.contract.schema.locations import exact_location, general_location
from pytest_bctrl.contract.schema.ref import TYPES, type_name
from pytest_bctrl.contract.short_values import shorten

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=40,
)


@given(_JSON)
def test_a_shortened_value_is_json_and_can_be_shortened_again(value: Any) -> None:
    """`shorten` of any JSON value, once or twice, can be serialized."""
    assert isinstance(json.dumps([shorten(value), shorten(shorten(value))], allow_nan=False), str)


def deep(depth: int) -> Any:
    """Return the number 1 in this number of nested lists."""
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


def test_deeply_nested_values_are_summarised() -> None:
    """`shorten` replaces a list or object by the number of its items or properties."""
    assert "[… 1 items]" in json.dumps(shorten(deep(20)), ensure_ascii=False)
    value: Any = {"a": 1, "b": 2}
    for _ in range(20):
        value = {"next": value, "more": []}
    assert "{… 2 properties}" in json.dumps(shorten(value), ensure_ascii=False)


@pytest.mark.parametrize(
    "value",
    [
        "x" * 10**6,
        {"k" * 10**6: 1},
        {str(number): "x" * 1_000 for number in range(10_000)},
        [["x" * 1_000] * 1_000] * 1_000,
        deep(50_000),
        10**100_000,
        -(10**100_000),
        float("inf"),
    ],
    ids=["text", "key", "properties", "items", "depth", "number", "negative", "infinity"],
)
def test_huge_values_are_shortened(value: Any) -> None:
    assert len(json.dumps(shorten(value), allow_nan=False)) < 20_000


@pytest.mark.parametrize("value", [None, True, 1, 1.5, "x", [1, "a"], {"a": {"b": [None]}}, "x" * 120, 2**256 - 1])
def test_small_values_are_unchanged(value: Any) -> None:
    assert value == shorten(value)


def test_omitted_items_are_counted() -> None:
    """`shorten` of a list of ten returns eight items and `… 2 more`."""
    assert [0, 1, 2, 3, 4, 5, 6, 7, "… 2 more"] == shorten(list(range(10)))


def test_shortening_does_not_change_the_value() -> None:
    value = {"a": list(range(20))}
    shorten(value)
    assert {"a": list(range(20))} == value


@pytest.mark.parametrize(
    ("path", "exact", "general"),
    [
        ((), "$", "$"),
        (("runtimes", 299, "status"), "runtimes[299].status", "runtimes[*].status"),
        ((0, 1), "[0][1]", "[*][*]"),
        (("a b", "c"), "['a b'].c", "['a b'].c"),
        (("a", "0"), "a['0']", "a['0']"),
        (("a", ""), "a['']", "a['']"),
        (("a", "b.c"), "a['b.c']", "a['b.c']"),
        (("a", "x\x1b[31m\n"), "a['x\\x1b[31m\\n']", "a['x\\x1b[31m\\n']"),
    ],
)
def test_a_location_is_formatted_exactly_and_for_all_items(path: Any, exact: str, general: str) -> None:
    assert (exact, general) == (exact_location(path), general_location(path))


@given(st.lists(st.text() | st.integers(0, 10**6)))
def test_a_location_never_contains_control_characters(path: list[str | int]) -> None:
    assert exact_location(path).isprintable()


def test_type_names_are_those_of_json_schema() -> None:
    values: list[Any] = [None, True, 1, 1.0, "", [], {}]
    assert [*TYPES] == [type_name(value) for value in values]
