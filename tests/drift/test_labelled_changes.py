"""Labelled changes of the published spec: each is judged breaking, not breaking, or no change in meaning."""

from __future__ import annotations

import copy

import pytest

from pytest_bctrl.drift import compare

from .labelled import BREAKING, HARMLESS, NO_CHANGE, Case, cases
from .labelled.schemas import type_obj
from .published import SPEC


@pytest.mark.parametrize("case", cases, ids=lambda case: case.change.__name__)
def test_a_labelled_change_is_judged_right(case: Case) -> None:
    """The verdict is the label, and the rules that say so are among the findings."""
    changed = copy.deepcopy(SPEC)
    case.change(changed)
    findings = compare(SPEC, changed)
    levels = {finding.level for finding in findings}
    verdict = BREAKING if "error" in levels else HARMLESS if levels else NO_CHANGE
    assert verdict == case.label
    assert set(case.rules) <= {finding.rule for finding in findings}


@pytest.mark.parametrize("case", cases, ids=lambda case: case.change.__name__)
def test_the_inverse_of_a_change_is_found_where_the_change_was(case: Case) -> None:
    """Taking a change back is a change exactly where making it was."""
    changed = copy.deepcopy(SPEC)
    case.change(changed)
    there, back = compare(SPEC, changed), compare(changed, SPEC)
    assert bool(there) == bool(back)


def test_a_change_of_type_tells_of_the_type_alone() -> None:
    """The properties of a string that became an object are not reported one by one."""
    changed = copy.deepcopy(SPEC)
    type_obj(changed)
    assert [finding.rule for finding in compare(SPEC, changed)] == ["response-property-type-changed"]
