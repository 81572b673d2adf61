"""The file names of recordings are valid and distinct on every file system."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_bctrl.recorded.recording_path import is_portable, recording_name

NAMES = st.lists(st.text(min_size=1), min_size=1, max_size=3)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["test_it"], "test_it"),
        (["TestListing", "test_it"], "TestListing.test_it"),
        (["test_it[asyncio-3]"], "test_it[asyncio-3]"),
        (["Aux", "test_it"], "_Aux.test_it"),
        (["com1"], "_com1"),
        (["console"], "console"),
    ],
)
def test_plain_test_names_are_kept(names: list[str], expected: str) -> None:
    """As the name of the recording; a name that Windows reserves, such as `com1`, gets an underscore in front."""
    assert expected == recording_name(names)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("test_it[a]", "test_it[A]"),
        ("test_it[a:b]", "test_it[a?b]"),
        ("test_it[\u00e9]", "test_it[e\u0301]"),
        (f"test_it[{'a' * 200}]", f"test_it[{'a' * 201}]"),
    ],
    ids=["case", "replaced characters", "normal forms", "length"],
)
def test_two_tests_have_file_names_that_differ_without_regard_to_letter_case(first: str, second: str) -> None:
    assert recording_name([first]).lower() != recording_name([second]).lower()


@given(NAMES)
def test_every_file_name_is_portable(names: list[str]) -> None:
    name = recording_name(names)

    assert re.fullmatch(r"[A-Za-z0-9_.,=+@\[\]-]+", name)
    assert is_portable(f"{name}.har")
    assert len(name) <= 110


NOT_PORTABLE = [
    "",
    "/listing",
    "../listing",
    "a//b",
    "C:listing",
    "a\\b",
    "what?",
    "nul",
    "NUL.har",
    "a/con",
    "listing.",
]
PORTABLE = ["listing", "spaces/listing", "listing.har", "r\u00e9gions", "with space", ".hidden"]


@pytest.mark.parametrize("name", [*NOT_PORTABLE, "list ", "a\nb", *PORTABLE])
def test_names_that_some_file_system_rejects_are_not_portable(name: str) -> None:
    """`is_portable` is false for these names, and true for ordinary ones."""
    assert is_portable(name) is (name in PORTABLE)
