"""Each fine point is told as it was, and what only says the same is no change."""

from __future__ import annotations

import pytest

from .fine_points import FINE_POINTS, TOLD, lines

KNOWN = TOLD.read_text("utf-8").splitlines()


@pytest.mark.parametrize("name", FINE_POINTS)
def test_a_fine_point_is_told_as_it_was(name: str) -> None:
    assert [told for told in KNOWN if told.partition("\t")[0] == name] == list(lines(name))


def test_each_line_is_of_a_fine_point() -> None:
    assert FINE_POINTS.keys() == {told.partition("\t")[0] for told in KNOWN}
