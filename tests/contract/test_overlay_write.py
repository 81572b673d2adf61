"""The overlay actions that turn one document into another."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_bctrl.contract.overlay import apply_overlay, is_same_json, overlay_actions

_SCALARS = (
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["a", "b", "it's", 'q"', "\\", "\n", "é", ""])
)
_KEYS = st.sampled_from(["a", "b", "b-c", "$ref", "/v1/{id}", "200", "it's", 'q"', "\\", "\n", "é", "", "*", "["])
_DATA = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3), max_leaves=8
)
_DOCUMENTS = st.dictionaries(_KEYS, _DATA, max_size=4)


def applied(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Return the old document with the actions applied that should turn it into the new one."""
    written = list(overlay_actions(old, new))
    return apply_overlay({"overlay": "1.0.0", "actions": written}, old, "made") if written else old


@given(_DOCUMENTS, _DOCUMENTS)
def test_the_actions_turn_one_document_into_the_other(old: dict[str, Any], new: dict[str, Any]) -> None:
    """`overlay_actions(old, new)`, applied to the old document, yield the new one."""
    assert is_same_json(new, applied(old, new))


@given(_DOCUMENTS)
def test_equal_documents_need_no_actions(document: dict[str, Any]) -> None:
    assert [] == list(overlay_actions(document, document))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"enum": ["a"]}, {"enum": ["a", "b"]}, [{"target": "$.enum", "update": "b"}]),
        ({"required": ["a", "b"]}, {"required": ["b"]}, [{"target": "$.required[?@ == 'a']", "remove": True}]),
        ({"a": {"b": 1}}, {"a": {"b": 1, "c": 2}}, [{"target": "$.a", "update": {"c": 2}}]),
        ({"a": {"format": "uuid"}}, {"a": {}}, [{"target": "$.a.format", "remove": True}]),
        ({"200": {"x": 1}}, {"200": {"x": 2}}, [{"target": "$['200']", "update": {"x": 2}}]),
        ({"type": "a"}, {"type": ["a", "null"]}, [{"target": "$", "update": {"type": ["a", "null"]}}]),
        ({"a": [1, 2]}, {"a": [1]}, [{"target": "$.a", "remove": True}, {"target": "$", "update": {"a": [1]}}]),
        ({"a": [1, 2]}, {"a": [1, 3]}, [{"target": "$.a", "remove": True}, {"target": "$", "update": {"a": [1, 3]}}]),
    ],
    ids=["appended", "taken out by value", "merged", "removed", "quoted", "replaced", "shorter list", "replaced list"],
)
def test_the_actions_have_the_narrowest_targets(old: Any, new: Any, expected: list[Any]) -> None:
    assert expected == list(overlay_actions(old, new))
