"""Overlay actions (OpenAPI Overlay 1.0 and 1.1) applied to small documents."""

from __future__ import annotations

import contextlib
import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_bctrl.contract.overlay import apply_overlay, merge_update
from pytest_bctrl.errors import DocumentError

DOCUMENT: dict[str, Any] = {"a": {"b": 1, "list": [1, 2, 3]}, "c": [{"n": 1}, {"n": 2}, {"n": 1}]}


def applied(*actions: Any, document: Any = None, version: str = "1.0.0") -> dict[str, Any]:
    """Return a document, by default `DOCUMENT`, with the actions of an overlay applied."""
    return apply_overlay(
        {"overlay": version, "actions": list(actions)}, DOCUMENT if document is None else document, "o.yaml"
    )


C = DOCUMENT["c"]


@pytest.mark.parametrize(
    ("actions", "expected"),
    [
        (
            [{"target": "$.a", "update": {"b": 2, "list": [4], "new": {}}}],
            {"a": {"b": 2, "list": [1, 2, 3, 4], "new": {}}},
        ),
        ([{"target": "$.a.list", "update": 4}], {"a": {"b": 1, "list": [1, 2, 3, 4]}}),
        ([{"target": "$.c[*]", "update": {"x": 1}}], {"c": [{**item, "x": 1} for item in C]}),
        ([{"target": "$.c[?@.n == 1]", "remove": True}], {"c": [{"n": 2}]}),
        ([{"target": "$", "update": {"new": {}}}, {"target": "$.new", "update": {"x": 1}}], {"new": {"x": 1}}),
        ([{"target": "$.a", "remove": False, "update": {"b": 2}}], {"a": {"b": 2, "list": [1, 2, 3]}}),
    ],
    ids=["merged", "appended", "at every match", "removed at every match", "visible to the next", "remove: false"],
)
def test_actions_update_and_remove_their_targets(actions: Any, expected: Any) -> None:
    assert {**DOCUMENT, **expected} == applied(*actions)


def test_remove_handles_nested_and_repeated_targets() -> None:
    """RFC 9535 allows a nodelist to contain a node more than once."""
    assert {"x": 1} == applied({"target": "$..a", "remove": True}, document={"a": {"a": 1}, "x": 1})
    document = {"x": {"x": {"x": {"a": 1, "b": 2}}}}
    assert {"x": {"x": {"x": {"b": 2}}}} == applied({"target": "$..x..a", "remove": True}, document=document)


@pytest.mark.parametrize("selectors", ["1,0", "0,1", "-3,0", "1::-1", "?@ == 'b',0"])
def test_remove_deletes_the_selected_items_whatever_their_order(selectors: str) -> None:
    document = {"tags": ["a", "b", "c", "d"]}
    assert {"tags": ["c", "d"]} == applied({"target": f"$.tags[{selectors}]", "remove": True}, document=document)


@pytest.mark.parametrize(
    ("action", "problem"),
    [
        ({"target": "$.gone", "update": {}}, "selects nothing"),
        ({"target": "$.gone", "remove": True}, "selects nothing"),
        ({"target": "$", "remove": True}, "cannot be removed"),
        ({"target": "$.a"}, "needs one of"),
        ({"target": "$.a", "copy": "$.c"}, "needs one of"),
        ({"target": "$.a.b", "update": {}}, "cannot be merged"),
        ({"target": "$.a", "update": 1}, "cannot be merged"),
        *(({"target": wrong, "update": 1}, "not understood") for wrong in ("", "a", "$.", "$ a", "$[", "$.c[?@.n ==]")),
        ({"update": 1}, "has no target"),
        ({"target": 1}, "has no target"),
        (1, "has no target"),
        (None, "has no target"),
    ],
)
def test_an_invalid_action_is_an_error(action: Any, problem: str) -> None:
    with pytest.raises(DocumentError, match=problem):
        applied(action)


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ({"target": "$.a.list", "update": [4, [5]]}, {"b": 1, "list": [1, 2, 3, 4, [5]]}),
        ({"target": "$.a.list", "update": 4}, {"b": 1, "list": [1, 2, 3, 4]}),
        ({"target": "$.a.b", "update": "x"}, {"b": "x", "list": [1, 2, 3]}),
        ({"target": "$.a", "copy": "$.c[1]"}, {"b": 1, "list": [1, 2, 3], "n": 2}),
        ({"target": "$.a.list", "copy": "$.a.list"}, {"b": 1, "list": [1, 2, 3, 1, 2, 3]}),
        ({"target": "$.a.b", "copy": "$.c[1].n"}, {"b": 2, "list": [1, 2, 3]}),
        ({"target": "$.a.b", "remove": True, "update": "x"}, {"list": [1, 2, 3]}),
        ({"target": "$.a", "update": {"b": [1]}}, "cannot be merged"),
        ({"target": "$.a.b", "update": [1]}, "cannot be merged"),
        ({"target": "$.a[*]", "update": 1}, "at once"),
        ({"target": "$.a", "copy": "$.c[*]"}, "'copy' selects 3 nodes"),
        ({"target": "$.a", "copy": "$.gone"}, "'copy' selects 0 nodes"),
        ({"target": "$.a", "copy": "$.c[0]", "update": {}}, "needs one of"),
    ],
)
def test_overlay_1_1_actions_copy_concatenate_and_replace(action: Any, expected: Any) -> None:
    """`expected` is the new value of `$.a`, or the problem of the error."""
    if isinstance(expected, str):
        with pytest.raises(DocumentError, match=expected):
            applied(action, version="1.1.0")
    else:
        assert expected == applied(action, version="1.1.0")["a"]


def test_the_error_names_the_overlay_the_action_and_its_target() -> None:
    with pytest.raises(DocumentError) as caught:
        applied({"target": "$.a", "update": {}}, {"target": "$.gone", "update": {}})
    assert "o.yaml, action 2 ($.gone)" == caught.value.where


@pytest.mark.parametrize(
    "overlay",
    [
        None,
        [],
        "x",
        {},
        *({"overlay": version, "actions": [{}]} for version in ("2.0.0", "1.2.0")),
        {"overlay": "1.0.0"},
    ],
)
def test_a_document_that_is_not_an_overlay_is_an_error(overlay: Any) -> None:
    with pytest.raises(DocumentError, match=r"o\.yaml"):
        apply_overlay(overlay, DOCUMENT, "o.yaml")


_KEYS = st.sampled_from("abc")
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=8,
)
_ACTIONS = st.lists(
    st.fixed_dictionaries(
        {"target": st.sampled_from(["$", "$.a", "$.*", "$..a", "$..*", "$.a[*]", "$..[?@.b]"])},
        optional={"remove": st.booleans(), "update": _JSON},
    ),
    min_size=1,
    max_size=3,
)


@given(st.dictionaries(_KEYS, _JSON), _ACTIONS)
def test_apply_changes_neither_the_document_nor_the_overlay(document: dict[str, Any], actions: list[Any]) -> None:
    before = copy.deepcopy((document, actions))
    with contextlib.suppress(DocumentError):
        applied(*actions, document=document)
    assert before == (document, actions)


@given(st.dictionaries(_KEYS, _JSON), st.dictionaries(_KEYS, _JSON))
def test_merge_copies_the_update(target: dict[str, Any], update: dict[str, Any]) -> None:
    before = copy.deepcopy(update)
    merge_update(target, update)
    merge_update(target, copy.deepcopy(target))
    assert before == update


@given(st.dictionaries(_KEYS, st.integers() | st.dictionaries(_KEYS, st.integers())))
def test_merging_an_update_is_idempotent(update: dict[str, Any]) -> None:
    """A second merge changes nothing, in objects of numbers; arrays would grow."""
    once: dict[str, Any] = {"a": {"b": 0}}
    merge_update(once, update)
    twice = copy.deepcopy(once)
    merge_update(twice, update)
    assert once == twice


def test_an_aliased_value_is_changed_only_at_the_target() -> None:
    """Of two members with the same object, as a YAML alias creates them, only the target changes."""
    shared = {"type": "string"}
    changed = applied({"target": "$.a", "update": {"type": "null"}}, document={"a": shared, "b": shared})
    assert {"a": {"type": "null"}, "b": {"type": "string"}} == changed
