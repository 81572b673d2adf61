"""Locations are written and read back with any names in them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_bctrl.contract.schema.locations import (
    ITEMS,
    Step,
    display_location,
    exact_location,
    member_location,
    other_members,
    parse_steps,
    position_location,
    select_values,
    split_location,
    tag_value,
    value_tag,
    with_tag,
    without_tags,
)

NAMES = st.text() | st.sampled_from(["a", "kind", "a.b", "[*]", "<x>", "'", '"', "\\", "*", "\ud800", "]", "$"])
STEPS = st.lists(
    st.tuples(st.just("member"), NAMES)
    | st.tuples(st.just("items"), st.just("*"))
    | st.tuples(st.just("position"), st.integers(0, 20).map(str))
    | st.tuples(st.just("others"), st.just("*"))
    | st.tuples(st.just("tag"), st.tuples(st.just("kind"), NAMES).map(lambda pair: value_tag(*pair)))
)


def written(parts: list[tuple[Any, str]]) -> str:
    """Return the location that consists of these steps."""
    text = ""
    for kind, name in parts:
        if kind == "member":
            text = member_location(text, name)
        elif kind == "position":
            text = position_location(text, int(name))
        elif kind == "others":
            text = other_members(text)
        else:
            text = text + ITEMS if kind == "items" else with_tag(text, name)
    return text


@given(STEPS)
def test_a_written_location_is_parsed_into_its_steps(parts: list[tuple[Any, str]]) -> None:
    steps = list(parse_steps(written(parts)))
    assert [kind for kind, _ in parts] == [step.kind for step in steps]
    texts = [(step.kind, step.text) for step in steps if step.kind in ("member", "position", "tag")]
    assert [part for part in parts if part[0] in ("member", "position", "tag")] == texts


@given(STEPS)
def test_split_location_splits_at_the_last_step(parts: list[tuple[Any, str]]) -> None:
    above, last = split_location(written(parts))
    assert written(parts[:-1]) == above
    assert (last is None) == (not parts)
    if isinstance(last, Step):
        assert parts[-1][0] == last.kind


@given(STEPS)
def test_without_tags_removes_all_tags(parts: list[tuple[Any, str]]) -> None:
    assert [part[0] for part in parts if part[0] != "tag"] == [
        step.kind for step in parse_steps(without_tags(written(parts)))
    ]


@given(st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(max_size=100))
def test_tag_value_reads_name_and_value(value: Any) -> None:
    """What `value_tag` wrote."""
    assert ("kind", value) == tag_value(value_tag("kind", value))


@pytest.mark.parametrize(
    ("location", "text"),
    [
        ("", "$"),
        ("runtimes[*].backing<kind=profile>.profile", "runtimes[*].backing.profile"),
        ("<oneOf:1>.error.code", "error.code"),
        ("[0].x", "[*].x"),
        ("labels.*", "labels.*"),
        ("['<b>']", "['<b>']"),
    ],
)
def test_display_location_shows_neither_tags_nor_positions(location: str, text: str) -> None:
    assert text == display_location(location)


BODY = {"a": [{"odd.name": 1, "kind": "x"}, {"kind": "y", "é": 2}], "n" * 130: 3}


@pytest.mark.parametrize(
    ("place", "values"),
    [
        ("$", [BODY]),
        ("", [BODY]),
        ("a[*]['odd.name']", [1]),
        ("$.a[1].é", [2]),
        ("a[7].kind", []),
        ("a[*]<kind=x>.kind", ["x"]),
        ("a[*]<with=kind>.kind", ["x", "y"]),
        ("a[*]<oneOf:1>['odd.name']", [1]),
        ("a<kind=x>[*].kind", []),
        ("a[*].*", [1, "x", "y", 2]),
        (exact_location(("n" * 130,)), [3]),
        ("kind.a", []),
        ("a.*", []),
        ("$[0]", []),
    ],
)
def test_select_values_returns_the_values_at_a_location(place: str, values: list[Any]) -> None:
    assert values == [value for _, value in select_values(BODY, place)]


def test_an_invalid_location_raises_value_error() -> None:
    with pytest.raises(ValueError, match="is not a location"):
        list(parse_steps("runtimes[*"))
