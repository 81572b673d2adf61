"""Parsing a body as strict JSON (RFC 8259)."""

from __future__ import annotations

import codecs
import json
import sys
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_bctrl.checks.strict_json import parse
from pytest_bctrl.contract.json_source import read_quickly

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(_JSON, st.booleans())
def test_parse_equals_json_loads_for_output_of_json_dumps(value: Any, ascii_only: bool) -> None:
    """It reads any value that `json.dumps` wrote, without a problem."""
    text = json.dumps(value, ensure_ascii=ascii_only)
    assert (True, json.loads(text), ()) == (lambda read: (read.ok, read.value, read.problems))(parse(text.encode()))


_NUMBERS = st.builds(
    "{}{}{}".format,
    st.integers() | st.sampled_from(["-0", "01", 10**20, "9" * 309, "9" * 4_300, "9" * 4_301]),
    st.sampled_from(["", ".0", ".125", ".1000000000000000055511151231257827021181583404541015625"]),
    st.sampled_from(["", "e0", "E+5", "e-324", "e308", "e400", "e999999"]),
).map(str.encode)
_PIECES = ["", "a", "\x00", "\x7f", "é", "😀", "\\n", "\\x", "\\u0000", "\\ud83d", "\\uDE00", "\\ud83"]
_TEXTS = st.lists(st.sampled_from(_PIECES)).map(lambda pieces: f'"{"".join(pieces)}"'.encode())
_KEYS = st.sampled_from([b'"a"', b'"\\u0061"', b'""', b'"b"'])


def _lists_and_objects(inner: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """Return a strategy for lists and objects, which may repeat keys, with these texts inside."""
    members = st.tuples(_KEYS, inner).map(b" : ".join)
    lists = st.lists(inner, max_size=4).map(b", ".join).map(b"[%b]".__mod__)
    return lists | st.lists(members, max_size=4).map(b",".join).map(b"{%b}".__mod__)


@given(
    st.recursive(
        _NUMBERS | _TEXTS | st.sampled_from([b"NaN", b"null", b"", b'"\xff"']), _lists_and_objects, max_leaves=8
    )
)
@example(b"[" * 300 + b"]" * 300)
def test_large_and_small_bodies_are_parsed_alike(body: bytes) -> None:
    """Two parsers, of which one rejects more: both return equal values, including the type and sign of a number."""
    small, large = parse(body), parse(body + _PADDING)
    assert (small.ok, repr(small.value), len(small.problems)) == (large.ok, repr(large.value), len(large.problems))


_PADDING = b" " * 70_000


def test_a_large_body_is_parsed_without_jiter(monkeypatch: pytest.MonkeyPatch) -> None:
    """The parser of the standard library reads it if jiter cannot be imported."""
    monkeypatch.setitem(sys.modules, "jiter", None)
    read = parse(b'{"a": [1.0, "\xc3\xa9", null]}' + _PADDING)
    assert (True, {"a": [1.0, "\u00e9", None]}) == (read.ok, read.value)


def test_the_fast_parser_rejects_unusual_json() -> None:
    """It raises for duplicate keys, lone surrogates, NaN, numbers beyond a double, and deep nesting."""
    assert {"a": [1.0, "\u00e9", None]} == read_quickly(b'{"a": [1.0, "\xc3\xa9", null]}' + _PADDING)
    for odd in (b'{"a": 1, "a": 2}', b'["\\ud800"]', b"[NaN]", b"[1e400]", b"[-1e400]", b"9" * 5_000, b"[" * 300):
        with pytest.raises(ValueError, match=r"^"):
            read_quickly(odd + _PADDING)


@given(st.binary())
def test_any_bytes_are_parsed_or_a_problem(body: bytes) -> None:
    read = parse(body)
    assert read.ok or 1 == len(read.problems)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "is empty"),
        (b" \r\n\t", "is empty"),
        (b"[NaN]", "contains NaN"),
        (b"[Infinity]", "contains Infinity"),
        (b'{"a": -Infinity}', "contains -Infinity"),
        (codecs.BOM_UTF8 + b"{}", "the body begins with a byte order mark, which JSON texts must not have"),
        ("{}".encode("utf-16"), "byte order mark"),
        (b'{"a": 1}'.decode().encode("utf-16-le"), "not JSON"),
        (b'"\xff"', "not UTF-8: byte 1 is 0xff"),
        (b'"\xed\xa0\x80"', "not UTF-8"),
        (b"{} {}", "not JSON"),
        (b"{}\x00", "not JSON"),
        (b"{'a': 1}", "not JSON"),
        (b"[1,]", "not JSON"),
        (b"[01]", "not JSON"),
        (b"[.5]", "not JSON"),
        (b"[+1]", "not JSON"),
        (b'"\n"', "not JSON"),
        (b"\x0c{}", "not JSON"),
        (b"{", "line 1, column 2"),
        (b"<html>", "not JSON"),
        (b"[" * 200_000 + b"]" * 200_000, "nested deeper"),
        (b"[%b]" % (b"9" * 5_000), "more than 4300 digits"),
        (b"-" + b"1" * 100_001, "more than 4300 digits"),
    ],
)
def test_invalid_json_is_a_problem(body: bytes, problem: str) -> None:
    read = parse(body)
    assert (False, None, True) == (read.ok, read.value, problem in read.problems[0])


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b" 1 ", 1),
        (b"null", None),
        (b'"\\ud800"', "\ud800"),
        (b'"\\u0000"', "\x00"),
        (b"1e2", 100.0),
        (b"[-0]", [0]),
        (b"9" * 4_300, 10**4_300 - 1),
        (b"[1e400, -1e99999999999999999999]", [10**309, -(10**309)]),
    ],
    ids=[
        "number",
        "null",
        "lone surrogate",
        "nul",
        "exponent",
        "minus zero",
        "many digits",
        "beyond a double",
    ],
)
def test_unusual_but_valid_json_is_parsed(body: bytes, value: Any) -> None:
    assert (True, value) == (lambda read: (read.ok, read.value))(parse(body))


@pytest.mark.parametrize(("depth", "ok"), [(700, True), (701, False), (9_000, False)])
@pytest.mark.parametrize(("inside", "levels"), [(b"", 0), (b"1", 0), (b'"[[[[{{{{"', 0), (b"{}, [[]]", 2)])
def test_nesting_is_limited(depth: int, ok: bool, inside: bytes, levels: int) -> None:
    """A body may have 700 levels."""
    assert ok is parse(b"[" * (depth - levels) + inside + b"]" * (depth - levels)).ok


@pytest.mark.parametrize(
    ("body", "names"),
    [
        (b'{"a": 1, "a": 1}', ["a"]),
        (b'[{"x": {"b": 1, "b": 2, "b": 3}}]', ["b"]),
        (b'{"a": {"c": 1, "c": 2}, "a": 1}', ["c", "a"]),
        (b'{"a": 1, "\\u0061": 2}', ["a"]),
        (b'{"a": {"a": 1}}', []),
        (b'[{"a": 1}, {"a": 1}]', []),
    ],
)
def test_a_duplicate_key_is_a_problem_and_the_value_is_kept(body: bytes, names: list[str]) -> None:
    read = parse(body)
    assert (True, tuple(f"the key {name!r} appears twice in one object" for name in names)) == (
        read.ok,
        read.problems,
    )
    assert json.loads(body) == read.value


@pytest.mark.parametrize(
    "body", [b"", codecs.BOM_UTF8 + b"{}", b"[" * 1_000 + b"]" * 1_000], ids=["empty", "mark", "deep"]
)
def test_a_problem_without_a_position_is_at_the_beginning(body: bytes) -> None:
    """The parser does not say where; the excerpt of a report starts with the body."""
    parsed = parse(body)
    assert (False, 0) == (parsed.ok, parsed.at)
