"""Every rule is triggered by its pair, and by nothing else in it."""

from __future__ import annotations

import pytest

from pytest_bctrl.drift import compare
from pytest_bctrl.drift.rules import rules

from .document_pairs import document_pairs
from .pairs import schema_pairs

PAIRS = {**schema_pairs(), **document_pairs()}


def test_every_rule_has_a_pair() -> None:
    """The table and the pairs name the same rules."""
    assert sorted(rules()) == sorted(PAIRS)


@pytest.mark.parametrize("rule", sorted(PAIRS))
def test_the_pair_triggers_the_rule_alone(rule: str) -> None:
    """A smallest pair yields its rule once, and no other."""
    pair = PAIRS[rule]
    found = [finding.rule for finding in compare(pair.base, pair.revision, pair.options)]
    assert found == [rule]


@pytest.mark.parametrize("rule", sorted(PAIRS))
def test_neither_side_of_a_pair_differs_from_itself(rule: str) -> None:
    """Comparing a document with itself finds nothing."""
    pair = PAIRS[rule]
    assert not compare(pair.base, pair.base, pair.options)
    assert not compare(pair.revision, pair.revision, pair.options)
