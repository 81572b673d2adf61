"""Pairs that differ in more than one thing, or otherwise than a rule's smallest change, are told of in full."""

from __future__ import annotations

import pytest

from pytest_bctrl.drift import compare

from .told_further import FURTHER, TOLD_FURTHER, told_further

LINES = TOLD_FURTHER.read_text("utf-8").splitlines()


@pytest.mark.parametrize("name", FURTHER)
def test_the_pair_is_told_as_it_was(name: str) -> None:
    """There and back, as `data/told-further.tsv` has it: rule, place, message, both sides and where they stand."""
    assert told_further(name) == [line for line in LINES if line.startswith(f"{name}\t")]


def test_no_line_is_of_a_pair_that_is_gone() -> None:
    assert {line.partition("\t")[0] for line in LINES} <= FURTHER.keys()


@pytest.mark.parametrize("name", FURTHER)
def test_neither_side_of_the_pair_differs_from_itself(name: str) -> None:
    base, revision, options = FURTHER[name]
    assert compare(base, base, options) == []
    assert compare(revision, revision, options) == []
