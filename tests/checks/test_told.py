"""What a check tells is told in full: rule, level, place, words, both sides, counts, evidence and fingerprint."""

from __future__ import annotations

import pytest

from .told import CASES, TOLD, line

KEPT = dict(kept.split(" => ", 1) for kept in TOLD.read_text("utf-8").splitlines())


def test_every_case_is_kept() -> None:
    assert list(CASES) == list(KEPT)


@pytest.mark.parametrize("name", KEPT)
def test_a_check_tells(name: str) -> None:
    """As in `told.txt`, which `python -m tests.checks.told` writes anew."""
    assert KEPT[name] == line(name)
