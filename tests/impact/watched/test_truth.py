"""Every claim about a project with mocks of its own is what a server shows that has really made the change."""

from __future__ import annotations

import os
from importlib.util import find_spec

import pytest

from tests.impact.truth.changes import CHANGES
from tests.impact.truth.compare import compare_all, documents
from tests.impact.watched.responders import RESPONDERS, Responder

_IS_COMPLETE = os.environ.get("BCTRL_IMPACT_TRUTH") == "all"
_PARAMETERS = [
    pytest.param(
        responder,
        7 + number,
        id=responder.name,
        marks=pytest.mark.skipif(find_spec(responder.needs) is None, reason=f"needs {responder.needs}: tox -e watch"),
    )
    for number, responder in enumerate(RESPONDERS)
]


@pytest.mark.parametrize(("responder", "seed"), _PARAMETERS)
def test_claims_are_true(pytester: pytest.Pytester, responder: Responder, seed: int) -> None:
    """Two changes, alone and together; all changes, alone and up to 20 at once, if BCTRL_IMPACT_TRUTH is `all`."""
    numbered = documents([2], seed)
    if _IS_COMPLETE:
        numbered = [(number,) for number in range(len(CHANGES))] + documents([2, 3, 5, 8, 12, 20], seed)

    comparison = compare_all(pytester, numbered, responder.project)

    assert comparison.wrong_tests == []
    assert comparison.wrong_suites == []
    assert comparison.tests >= 100
    assert comparison.not_run_tests == 0
