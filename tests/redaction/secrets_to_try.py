"""Values that may be somebody's secret, most of which pytest, the plugin or the project prints as well."""

from __future__ import annotations

import string
from pathlib import Path

from hypothesis import strategies as st

PROJECT_WORDS = (
    "test_",
    "test_outcomes",
    "test_outcomes.py",
    ".py",
    "::",
    "/",
    "[",
    "]",
    "[other]",
    "other",
    "value",
    "LoginTest",
    "test_login",
    "test_fails",
    "test_fails[other]",
    "test_outcomes.py::test_fails[other]",
    "test_outcomes.py::LoginTest::test_login",
    "conftest",
    "project",
    "all.note",
    "out/junit.xml",
    "SEEN",
    "-",
    "=",
    '"',
    "\\",
    "\n",
    "<",
    "&amp;",
    "0",
    "1.0",
)
COMMON_WORDS = tuple(Path(__file__).with_name("words.txt").read_text().split())
"""What pytest and the tool print, and words of a dictionary."""
WORDS = COMMON_WORDS + PROJECT_WORDS + tuple(string.ascii_letters + string.digits)

_ENCODABLE = st.characters(codec="utf-8", exclude_characters="\0")


def secrets() -> st.SearchStrategy[str]:
    """Return a strategy for texts that an environment variable may hold, most often one that a run prints as well."""
    words = st.sampled_from(WORDS)
    random_keys = st.text(string.ascii_letters + string.digits + "-_.", min_size=1, max_size=40)
    random_texts = st.text(_ENCODABLE, min_size=1, max_size=12).filter(lambda text: bool(text.strip()))
    return st.one_of(words, words.map(str.upper), st.builds("{}{}".format, words, words), random_keys, random_texts)
