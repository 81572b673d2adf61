"""Every claim about a project with mocks of its own is what a server shows that has really made the change."""

from __future__ import annotations

from importlib.util import find_spec

import aiohttp  # noqa: F401 - its C extension keeps the classes of its first import
import pytest

from tests import IMPACT_TRUTH
from tests.impact.truth.changes import CHANGES
from tests.impact.truth.compare import Project, compare_all, documents
from tests.impact.truth.suites import SUITES
from tests.impact.watched.responders import RESPONDERS, Responder

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
    """The outcomes that an impact run claims for tests and suites are those against a changed server."""
    numbered = documents([2], seed)
    if IMPACT_TRUTH:
        numbered = [(number,) for number in range(len(CHANGES))] + documents([2, 3, 5, 8, 12, 20], seed)

    comparison = compare_all(pytester, numbered, responder.project)

    assert comparison.wrong_tests == []
    assert comparison.wrong_suites == []
    assert comparison.tests >= 100
    assert comparison.not_run_tests == 0


_PAGING = next(number for number, change in enumerate(CHANGES) if change.name == "introduced paging")
_PAGED = {name: SUITES[name] for name in ("pages", "keys", "own_data")}


@pytest.mark.parametrize(
    "project",
    [
        pytest.param(Project(_PAGED, options=("--bctrl-watch",)), id="the mock of the kit"),
        pytest.param(RESPONDERS[3].project._replace(suites=_PAGED), id=RESPONDERS[3].name),
    ],
)
def test_a_response_is_changed_once(pytester: pytest.Pytester, project: Project) -> None:
    """With introduced paging, all nine outcomes are those of a server: half of a half would be too short a page."""
    comparison = compare_all(pytester, [(_PAGING,)], project)

    assert comparison.wrong_tests == []
    assert comparison.not_run_tests == 0
    assert comparison.tests == 9
