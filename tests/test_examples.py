"""How many examples a property tries: each profile multiplies the number that the documented run has."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROPERTIES = """
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis.strategies import integers

TRIED = Counter()


@pytest.mark.parametrize("case", ["first", "second"])
@settings(max_examples=20)
@given(integers())
def test_of_two_cases(case, number):
    TRIED[case] += 1


class TestProperty:
    @given(integers())
    def test_it(self, number):
        TRIED["default"] += 1


def test_examples():
    assert {"first": EXPLICIT, "second": EXPLICIT, "default": DEFAULT} == TRIED
"""


@pytest.mark.parametrize(
    ("profile", "explicit", "default"), [("repeatable", 20, 100), ("fewer", 4, 20), ("search", 40, 200)]
)
def test_a_profile_multiplies_the_examples_of_each_property(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, profile: str, explicit: int, default: int
) -> None:
    # In a process of its own: the profile would stay in force for the tests that follow.
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:schemathesis -p no:randomly")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makeconftest("from tests.conftest import pytest_collection_modifyitems\n")
    pytester.makepyfile(PROPERTIES.replace("EXPLICIT", str(explicit)).replace("DEFAULT", str(default)))
    result = pytester.runpytest_subprocess(f"--hypothesis-profile={profile}")
    result.assert_outcomes(passed=4)
