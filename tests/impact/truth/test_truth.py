"""Every claim of an impact run is what a server shows that has really made the change."""

from __future__ import annotations

import pytest

from tests import IMPACT_TRUTH
from tests.impact.truth.changes import CHANGES
from tests.impact.truth.compare import compare_all, documents
from tests.impact.truth.suites import SUITES


def test_claims_about_tests_and_suites_are_true(pytester: pytest.Pytester) -> None:
    """Compare a few changes; all of them, alone and up to 20 in a document, if BCTRL_IMPACT_TRUTH is `all`."""
    paging = [change.name for change in CHANGES].index("introduced paging")
    numbered = [(paging,), *documents([3, 2])]
    if IMPACT_TRUTH:
        numbered = [(number,) for number in range(len(CHANGES))] + documents([2, 3, 5, 8, 12, 20])

    comparison = compare_all(pytester, numbered)

    assert len(SUITES) == 20
    assert len(CHANGES) == 40
    assert comparison.wrong_tests == []
    assert comparison.wrong_suites == []
    assert comparison.tests > (2000 if IMPACT_TRUTH else 300)
    assert comparison.suites > (800 if IMPACT_TRUTH else 100)
    assert comparison.not_run <= comparison.changes * 0.05
    assert comparison.not_run_tests <= comparison.tests * 0.05
