"""Every rule is triggered by its pair, and by nothing else in it."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from pytest_bctrl.drift import compare
from pytest_bctrl.drift.rules import rules
from pytest_bctrl.finding import Direction, Level

from .told import PAIRS, TOLD, found, line

LINES = {told.partition("\t")[0]: told for told in TOLD.read_text("utf-8").splitlines()}
STRICTER = {
    "api-global-security-added": "error",
    "api-security-added": "error",
    "response-property-enum-value-added": "error",
}
"""Where a consumer that validates would break, and oasdiff does not say so. The other two such changes, a server URL
that goes and an enum that is dropped from a response, have no id there."""
_OASDIFF = (Path(__file__).parent / "data" / "oasdiff-levels.tsv").read_text("utf-8")
OASDIFF = dict(line.split("\t") for line in _OASDIFF.splitlines()[1:])


def test_every_rule_has_a_pair() -> None:
    """The table and the pairs name the same rules."""
    assert sorted(rules()) == sorted(PAIRS)


def test_every_rule_has_a_level_and_a_direction_that_there_are() -> None:
    assert {rule.level for rule in rules().values()} <= set(get_args(Level))
    assert {rule.direction for rule in rules().values()} <= set(get_args(Direction))


def test_levels_are_oasdiffs() -> None:
    """Every id of oasdiff's is known, at its level, but for the changes that are stricter on purpose."""
    known = {rule.id: rule.level for rule in rules().values() if rule.id in OASDIFF}
    assert known == {**OASDIFF, **STRICTER}


def test_the_table_states_oasdiffs_levels() -> None:
    """What the documentation shows as oasdiff's level is oasdiff's level, and `-` stands where it has no such id."""
    assert {rule.id: rule.oasdiff for rule in rules().values() if rule.oasdiff != "-"} == OASDIFF


@pytest.mark.parametrize(
    "rule", ["api-server-removed", "response-property-became-not-enum", "response-body-became-not-enum"]
)
def test_what_oasdiff_has_no_id_for_and_breaks_a_consumer_is_an_error(rule: str) -> None:
    assert rules()[rule].level == "error"


@pytest.mark.parametrize("rule", sorted(PAIRS))
def test_the_pair_triggers_the_rule_alone(rule: str) -> None:
    """A smallest pair yields its rule once, and no other, and tells it as `data/told.tsv` has it.

    `python -m tests.drift.told` writes the file anew. A fingerprint that changes there is one that no allow-list
    knows any more.
    """
    assert [f"{finding.rule}\t{line(finding)}" for finding in found(PAIRS[rule])] == [LINES[rule]]


@pytest.mark.parametrize("rule", sorted(PAIRS))
def test_neither_side_of_a_pair_differs_from_itself(rule: str) -> None:
    """Comparing a document with itself finds nothing."""
    pair = PAIRS[rule]
    assert not compare(pair.base, pair.base, pair.options)
    assert not compare(pair.revision, pair.revision, pair.options)
