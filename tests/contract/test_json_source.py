"""The limits of nesting, which a fast test of the text decides for nearly all JSON."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_bctrl.checks.strict_json import parse
from pytest_bctrl.contract.json_source import is_deep, may_be_deep, read_json
from pytest_bctrl.errors import DocumentError

_SCALARS = st.sampled_from(["1", '""', '"]"', '"["', '"}"', '"{"', '"[]"', '"\\"]"', '"[\\""', '"\\\\"', '"]\\\\"'])
_CONTAINERS = st.tuples(st.sampled_from(["[{}, {}, {}]", '{{"a": {}, "[": {}, "c": {}}}']), _SCALARS, _SCALARS)


@given(st.lists(_CONTAINERS, min_size=1, max_size=4), st.integers(1, 30), st.integers(1, 60), st.integers(0, 8))
@example([("[{}, {}, {}]", '"]"', '"["')], 60, 40, 8)
@example([("[{}, {}, {}]", "1", "1"), ('{{"a": {}, "[": {}, "c": {}}}', "1", "1")], 15, 28, 8)
def test_text_whose_value_is_too_deep_may_be_deep(
    containers: list[tuple[str, str, str]], repetitions: int, levels: int, usual: int
) -> None:
    """It does so for mixed containers, and for strings that contain brackets, quotes and backslashes."""
    text = "1"
    for container, before, after in containers * repetitions:
        text = container.format(before, text, after)
    assert may_be_deep(text.encode(), levels, usual) or not is_deep(json.loads(text), levels)


def test_text_of_usual_depth_is_not_deep() -> None:
    """A list of many shallow values needs no second look, not even if its strings have pairs of brackets."""
    item = {"a": [{"b": ["[]", 'a "quoted [text]"', "\\", "[link](url)"]}]}
    assert not may_be_deep(json.dumps([item] * 100, indent=2).encode())


_MIXED = '[{"a": ' * 51 + "1" + "}]" * 51
_BRACKETS_IN_STRINGS = '["]", ' * 101 + "1" + ', "["]' * 101


@pytest.mark.parametrize("text", [_MIXED, _BRACKETS_IN_STRINGS], ids=["mixed containers", "brackets in strings"])
def test_document_beyond_the_limit_is_rejected(text: str) -> None:
    with pytest.raises(DocumentError, match="nested deeper than 100 levels"):
        read_json(text, "api.json")


def test_body_beyond_the_limit_is_rejected_whatever_its_strings_contain() -> None:
    assert not parse(b'["]", ' * 700 + b"1" + b', "["]' * 700).problems
    assert ("the body is nested deeper than 700 levels",) == parse(b'["]", ' * 701 + b"1" + b', "["]' * 701).problems
