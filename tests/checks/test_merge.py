"""Findings of many answers, folded into one for each way in which a rule is broken."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_bctrl.checks.run import check_answer
from pytest_bctrl.checks.violation import merge

from .answers import answer, runtime


@pytest.mark.parametrize(("one", "other", "total"), [(8, 3, 11), (None, 3, None), (8, None, None), (None, None, None)])
def test_counts_are_added_and_totals_where_both_are_known(
    one: int | None, other: int | None, total: int | None
) -> None:
    (found,) = check_answer(answer(runtime(name=7)))
    (merged,) = merge([replace(found, count=2, total=one), replace(found, count=3, total=other)])
    assert (5, total) == (merged.count, merged.total)
