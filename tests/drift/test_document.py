"""Reading YAML, JSON and pages: plain JSON data, and the line of every place."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pytest_bctrl.contract.document import load_document
from pytest_bctrl.contract.json_source import json_lines, read_json
from pytest_bctrl.contract.yaml_source import read_yaml
from pytest_bctrl.errors import DocumentError

from .published import SPEC, TEXT, page

TEXTS = st.text(st.characters(exclude_categories=("Cc", "Cn", "Co", "Cs", "Zl", "Zp"), exclude_characters="\ufeff"))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("on", "on"), ("yes", "yes"), ("no", "no"), ("true", True), ("True", True), ("null", None), ("~", None),
        ("", None),
        ("2026-11-24", "2026-11-24"), ("12:30:45", "12:30:45"), ("1_000", "1_000"), ("012", 12), ("0x1F", 31),
        ("0o17", 15),
        ("1.5", 1.5), ("1e3", 1000.0), (".5", 0.5), ("-7", -7), ("+7", 7), ("1.2.3", "1.2.3"), ("'1'", "1"),
        ('"true"', "true"),
        ("!!str 1", "1"), ("=", "="), ("<<", "<<"), ("-", None), (".", "."), ("|\n  a\n  b", "a\nb\n"),
    ],
)  # fmt: skip
def test_scalars_follow_yaml_1_2(written: str, read: Any) -> None:
    if written == "-":
        assert read_yaml("a: [-1]", "x") == {"a": [-1]}
    else:
        assert read_yaml(f"a: {written}\n", "x") == {"a": read}


def test_yaml_keys_are_strings_as_they_are_written() -> None:
    """Also those that YAML would read as numbers, booleans or null."""
    assert read_yaml("200: a\ntrue: b\nnull: c\n1.0: d\n", "x") == {"200": "a", "true": "b", "null": "c", "1.0": "d"}


def test_aliases_and_merge_keys_are_resolved() -> None:
    text = "base: &b {x: 1, y: 2}\none: *b\ntwo: {<<: *b, y: 3}\n"
    assert read_yaml(text, "x") == {"base": {"x": 1, "y": 2}, "one": {"x": 1, "y": 2}, "two": {"x": 1, "y": 3}}


@given(VALUES)
def test_the_yaml_reader_reads_json(value: Any) -> None:
    assert read_yaml(json.dumps({"a": value}, ensure_ascii=False), "x") == {"a": value}


@given(VALUES)
def test_json_values_are_read_unchanged(value: Any) -> None:
    assert read_json(json.dumps(value), "x") == value


@given(VALUES, st.sampled_from((None, 1, 3)))
def test_json_lines_returns_the_line_of_every_member(value: Any, indent: int | None) -> None:
    """The YAML parser, which reads JSON too, returns the same lines."""
    text = json.dumps({"a": value}, indent=indent, ensure_ascii=False)
    lines: dict[str, int] = {}
    read_yaml(text, "x", lines)
    assert json_lines(text) == lines


def test_both_yaml_parsers_return_the_same_data_and_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without libyaml, the parser written in Python is used."""
    with_c: dict[str, int] = {}
    without_c: dict[str, int] = {}
    first = read_yaml(TEXT, "x", with_c)
    monkeypatch.delattr(yaml, "CBaseLoader")
    assert read_yaml(TEXT, "x", without_c) == first == yaml.safe_load(TEXT)
    assert with_c == without_c


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: 1\nb:\n  c: 1\n  c: 2\n", "'c' appears twice in one mapping, at line 4"),
        ("a: [1\n", "not YAML"),
        ("a: &x 1\nb: *y\n", "*y"),
    ],
)
def test_a_yaml_error_contains_the_problem_and_the_document(text: str, says: str) -> None:
    with pytest.raises(DocumentError) as caught:
        read_yaml(text, "spec.yaml")
    assert says in str(caught.value)
    assert str(caught.value).startswith("spec.yaml: ")


def test_a_duplicate_json_key_is_an_error_with_the_line_number() -> None:
    with pytest.raises(DocumentError, match="'b' appears twice in one object, at line 3"):
        read_json('{"a": {"b": 1},\n "b": 1,\n "b": 2}', "x")


def test_a_page_is_read_as_the_spec_it_contains() -> None:
    document = load_document(page(), "page.md")
    assert (document.data, document.format, document.first_line) == (SPEC, "markdown", 8)


def test_line_numbers_refer_to_the_page() -> None:
    document = load_document(page(), "page.md")
    line = document.line("/paths/~1v1~1spaces~1{id}~1runtimes/get")
    assert line is not None
    assert page().splitlines()[line - 1].strip() == "get:"


def test_the_line_of_a_missing_pointer_is_that_of_its_nearest_parent() -> None:
    document = load_document("openapi: 3.1.0\npaths:\n  /a:\n    get: {}\n", "x.yaml")
    assert document.line("/paths/~1a/get/responses/200") == 4


@pytest.mark.parametrize(
    "name", ["spec", "https://example.invalid/spec?v=2", "standard input", "spec.yaml", "SPEC.YML"]
)
def test_a_fenced_block_in_a_description_does_not_make_yaml_a_page(name: str) -> None:
    description = "    Call it:\n    ```yaml\n    openapi: 3.0.0\n    ```\n"
    text = f"openapi: 3.1.0\ninfo:\n  title: t\n  version: '1'\n  description: |\n{description}paths: {{}}\n"
    assert load_document(text, name).data["openapi"] == "3.1.0"


def test_a_document_is_read_only() -> None:
    """An attribute of a loaded document cannot be set."""
    document = load_document(TEXT, "x.yaml")
    with pytest.raises(AttributeError, match="can't set attribute"):
        document.name = "y.yaml"  # type: ignore[misc]
