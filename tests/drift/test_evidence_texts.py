"""What a finding says agrees with its evidence."""

from __future__ import annotations

import re

import pytest

from pytest_bctrl.drift import compare
from pytest_bctrl.drift.rules import rules
from pytest_bctrl.reports.wording import shown_by

from .expected import findings_of_example
from .pairs import body

_REJECTS = re.compile(r"refuse|reject|no longer (?:accept|allow|take)", re.IGNORECASE)


@pytest.mark.parametrize("rule", rules())
def test_no_finding_says_both_that_requests_are_rejected_and_that_none_is(rule: str) -> None:
    """In each rule's example, a change proven compatible is not an error, and its message rejects no request."""
    for finding in findings_of_example(rule):
        is_proven = shown_by(finding).startswith("proven: ")
        is_rejecting = finding.direction == "request" and _REJECTS.search(finding.message)
        assert not (is_proven and (finding.level == "error" or is_rejecting))


def test_an_example_that_is_an_empty_list_is_shown_as_brackets() -> None:
    (finding,) = compare(body({"type": "object"}), body({"type": "array"}))
    assert shown_by(finding) == "example: the new spec allows [], which the old one rejects"
