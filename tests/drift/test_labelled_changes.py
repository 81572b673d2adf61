"""Labelled changes of the published spec: each is judged breaking, not breaking, or no change in meaning."""

from __future__ import annotations

import copy

import pytest

from pytest_bctrl.drift import compare

from .labelled import BREAKING, HARMLESS, NO_CHANGE, Case, cases
from .labelled.schemas import change_string_to_object
from .published import SPEC


@pytest.mark.parametrize("labelled", cases, ids=lambda labelled: labelled.change.__name__)
def test_the_verdict_on_a_change_matches_its_label(labelled: Case) -> None:
    """Breaking, harmless or no change; the rules listed with the change are among the findings."""
    changed = copy.deepcopy(SPEC)
    labelled.change(changed)
    findings = compare(SPEC, changed)
    levels = {finding.level for finding in findings}
    verdict = BREAKING if "error" in levels else HARMLESS if levels else NO_CHANGE
    assert verdict == labelled.label
    assert set(labelled.rules) <= {finding.rule for finding in findings}


@pytest.mark.parametrize("labelled", cases, ids=lambda labelled: labelled.change.__name__)
def test_the_inverse_of_a_change_yields_findings_if_the_change_does(labelled: Case) -> None:
    changed = copy.deepcopy(SPEC)
    labelled.change(changed)
    forward, back = compare(SPEC, changed), compare(changed, SPEC)
    assert bool(forward) == bool(back)


def test_a_changed_type_is_the_only_finding() -> None:
    """The properties of a string that became an object are not reported separately."""
    changed = copy.deepcopy(SPEC)
    change_string_to_object(changed)
    assert [finding.rule for finding in compare(SPEC, changed)] == ["response-property-type-changed"]
