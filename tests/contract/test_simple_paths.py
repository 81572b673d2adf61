"""Simple JSONPaths, which are evaluated without the library: they select what the library selects."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import event, example, given
from hypothesis import strategies as st
from jsonpath import JSONPathEnvironment

from pytest_bctrl.contract.overlay import select_nodes
from pytest_bctrl.contract.simple_paths import parse_simple_path, select_simple
from pytest_bctrl.contract.yaml_source import read_yaml

OVERLAYS = sorted((Path(__file__).parents[2] / "contracts").rglob("*.overlay.yaml"))

_KEYS = st.sampled_from(["in", "name", "paths", "get", "/v1/x", "it's", 'say "x"', "", "1"])
_TEXTS = st.sampled_from(["path", "header", "", "a == b", "it's", "é"])
_LEAVES = st.none() | st.booleans() | st.integers(0, 2) | _TEXTS
_DOCUMENTS = st.recursive(
    _LEAVES, lambda values: st.lists(values, max_size=4) | st.dictionaries(_KEYS, values, max_size=4), max_leaves=25
)
_MEMBERS = st.sampled_from(["in", "name", "x1"])
_BLANKS = st.sampled_from(["", " ", "\t", "\n "])


@st.composite
def comparisons(draw: st.DrawFn, key: str) -> str:
    """Return a drawn comparison of a member with a string, as in a filter."""
    quote = draw(st.sampled_from("'\""))
    text = draw(_TEXTS).replace(quote, "")
    return f"@.{key}{draw(_BLANKS)}=={draw(_BLANKS)}{quote}{text}{quote}"


@st.composite
def filters(draw: st.DrawFn) -> str:
    """Return a drawn filter of one comparison per member."""
    conditions = [draw(comparisons(key)) for key in draw(st.lists(_MEMBERS, min_size=1, unique=True))]
    return f"[?{draw(_BLANKS)}{' && '.join(conditions)}{draw(_BLANKS)}]"


_SEGMENTS = st.one_of(
    st.sampled_from([".*", "[*]", ".in", ".paths", ".get", "['get']", '["/v1/x"]', "['']", '["it\'s"]']),
    st.integers(0, 4).map(lambda position: f"[{position}]"),
    filters(),
)
_PATHS = st.lists(_SEGMENTS, max_size=5).map(lambda segments: "".join(["$", *segments]))


@given(_PATHS, _DOCUMENTS)
@example("$.paths.*.*.parameters[?@.in == 'header' && @.name == 'x']", {"paths": {"a": {"get": {"parameters": [{}]}}}})
@example("$[?@.in=='path'].name", [{"in": "path", "name": 1}, {"in": "query"}, "path", {"name": "path"}])
@example("$[?@.in == '']", {"x": {"in": None}, "y": {"in": ""}, "z": {}})
@example("$[1]", {"1": 2})
def test_a_simple_path_selects_what_the_library_selects(expression: str, document: Any) -> None:
    segments = parse_simple_path(expression)
    assert segments is not None
    matches = JSONPathEnvironment(strict=True).finditer(expression, document)
    expected = [(match.parts, match.obj) for match in matches]
    event(f"selects {min(len(expected), 2)}")
    assert expected == list(select_simple(segments, document).items())


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "paths",
        "$..paths",
        "$.a-b",
        "$[-1]",
        "$[0, 1]",
        "$[0:2]",
        "$[01]",
        r"$['it\'s']",
        "$[?@.in]",
        "$[?@.in == 1]",
        "$[?@.in == 'a' || @.in == 'b']",
        "$[?@['in'] == 'a']",
        "$[?@.in != 'a']",
        "$ .a",
        "$.1",
        "$['a]']",
        "$[?@.in == 'a]']",
        "$[?@.in == 'a && b']",
        "$[?@.1 == 'a']",
        "$[?@.in == 'a' && @.in == 'b']",
        "$['a\"]",
    ],
)
def test_any_other_expression_is_not_simple(expression: str) -> None:
    assert parse_simple_path(expression) is None


@pytest.mark.parametrize("overlay", OVERLAYS, ids=lambda path: path.name)
def test_every_target_of_the_packaged_overlays_is_simple(overlay: Path) -> None:
    actions = read_yaml(overlay.read_text("utf-8"), overlay.name)["actions"]
    assert [] == [action["target"] for action in actions if parse_simple_path(action["target"]) is None]


def test_a_simple_path_does_not_import_the_library() -> None:
    code = "import sys; from pytest_bctrl.contract.overlay import select_nodes\n"
    code += "assert select_nodes(\"$.a[?@.in == 'x']\", {'a': [{'in': 'x'}]}) == {('a', 0): {'in': 'x'}}\n"
    code += "assert 'jsonpath' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_library_evaluates_other_paths() -> None:
    """`select_nodes` returns both matches of `$..b`, which is not simple."""
    assert {("a", "b"): 1, ("b",): 2} == select_nodes("$..b", {"a": {"b": 1}, "b": 2})
