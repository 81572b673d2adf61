"""Labelled changes of the published spec: each is judged breaking, not breaking, or no change in meaning."""

from __future__ import annotations

import copy

import pytest

from pytest_bctrl.drift import compare

from .labelled import BREAKING, HARMLESS, NO_CHANGE, Case, cases
from .labelled.schemas import type_obj
from .published import SPEC


@pytest.mark.parametrize("case", cases, ids=lambda case: case.change.__name__)
def test_the_verdict_on_a_change_matches_its_label(case: Case) -> None:
    """The rules that the case lists are among the findings."""
    changed = copy.deepcopy(SPEC)
    case.change(changed)
    findings = compare(SPEC, changed)
    levels = {finding.level for finding in findings}
    verdict = BREAKING if "error" in levels else HARMLESS if levels else NO_CHANGE
    assert verdict == case.label
    assert set(case.rules) <= {finding.rule for finding in findings}


@pytest.mark.parametrize("case", cases, ids=lambda case: case.change.__name__)
def test_the_inverse_of_a_change_yields_findings_if_the_change_does(case: Case) -> None:
    changed = copy.deepcopy(SPEC)
    case.change(changed)
    forward, back = compare(SPEC, changed), compare(changed, SPEC)
    assert bool(forward) == bool(back)


def test_a_changed_type_is_the_only_finding() -> None:
    """The properties of a string that became an object are not reported separately."""
    changed = copy.deepcopy(SPEC)
    type_obj(changed)
    assert [finding.rule for finding in compare(SPEC, changed)] == ["response-property-type-changed"]
