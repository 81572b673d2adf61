"""Whether each text that one pattern matches also matches another one, checked with Python's `re`."""

from __future__ import annotations

import re
from itertools import product

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_bctrl.drift.patterns import contains

TEXTS = ["".join(characters) for length in range(5) for characters in product("ab0", repeat=length)]
"""All short texts over the characters of the drawn patterns."""

ATOMS = st.sampled_from(["a", "b", "0", ".", "[ab]", "[^a]", "[a-b0]", r"\d", r"\D", r"\w", r"[^\d]"])
QUANTIFIERS = st.sampled_from(["", "", "", "*", "+", "?", "{2}", "{1,}", "{0,2}", "+?"])


def _larger(patterns: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Return a strategy for sequences, alternatives and repeated groups of patterns."""
    repeated = st.builds("({}){}".format, patterns, QUANTIFIERS)
    return (
        st.lists(patterns, min_size=2, max_size=3).map("".join)
        | st.lists(patterns, min_size=2, max_size=3).map("|".join)
        | repeated
        | repeated.map("(?:{})".format)
    )


PATTERNS = st.builds(
    "{}{}{}".format,
    st.sampled_from(["", "^"]),
    st.recursive(st.builds("{}{}".format, ATOMS, QUANTIFIERS), _larger, max_leaves=5),
    st.sampled_from(["", "$"]),
)


def _matches(pattern: str, text: str) -> bool:
    """Return whether Python finds a pattern of ECMA-262, where `$` matches at the end only, and `\\d` ten digits."""
    return re.search(pattern.replace("$", r"\Z"), text, re.ASCII) is not None


@given(PATTERNS, PATTERNS)
@example("^a|b$", "^b$")
@example("^(a|b)+$", "^[ab]{2}$")
@example("a*.$", "a")
def test_a_decision_agrees_with_every_short_text(wide: str, narrow: str) -> None:
    result = contains(wide, narrow)

    lost = [text for text in TEXTS if _matches(narrow, text) and not _matches(wide, text)]
    if result.is_contained:
        assert [] == lost
    elif result.is_contained is False:
        assert _matches(narrow, result.text)
        assert not _matches(wide, result.text)


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        ("^a", "^ab"),
        ("^a{2,}$", "^aaa$"),
        ("^a??b$", "^b$"),
        ("^(?:a|b)*$", "^[ab]{2,3}$"),
        ("^a|^b", "^b"),
        ("(^a|^b)c", "^ac"),
        (r"^\d+$", "^[0-9]{2}$"),
        (r"^\D$", "^[^0-9]$"),
        (r"^[\d-]+$", "^0-9$"),
        (r"^\u0061\x62$", "^ab$"),
        (r"^\t5\/$", "^\t5/$"),
        (r"^[^\u0000-a]$", "^b$"),
        ("^[^b-\U0010ffff]$", "^a$"),
    ],
)
def test_a_wider_pattern_contains_a_narrower_one(wide: str, narrow: str) -> None:
    """Whether the narrower one contains the wider one is decided too."""
    assert (True, "") == contains(wide, narrow)
    assert contains(narrow, wide).is_contained is not None


def test_patterns_of_990_characters_are_decided() -> None:
    """A text that matches the longer one also matches the shorter one, but not the other way round."""
    longer, shorter = "a" * 990, "a" * 989
    assert contains(shorter, longer).is_contained
    assert contains(longer, shorter) == (False, shorter)


@pytest.mark.parametrize(
    "pattern",
    [
        "(",
        "(?=a)b",
        r"(a)\1",
        r"\bx",
        "a$$",
        "(a$)b",
        "(^a)*",
        "(^a?){2}",
        "(^a)^b",
        "a{2}{3}",
        "[a[]",
        "[a&&b]",
        r"[\d-z]",
        r"\uZ",
        r"\u{61}",
        "^*a",
        "$+",
        "a{,2}",
        "a{x",
        "(?:a{50}){50}",
        "[ab]*a[ab]{12}$",
    ],
)
def test_a_pattern_that_is_not_supported_or_takes_many_steps_is_undecided(pattern: str) -> None:
    assert (None, "") == contains("^x", pattern)


def test_a_text_on_which_the_engine_disagrees_decides_nothing() -> None:
    """The engine lets a dot match a carriage return, which a dot of ECMA-262 does not match."""
    assert (None, "") == contains("^.$", r"^[^\n]$")
