"""The expectations of oasdiff's own tests hold here."""

from __future__ import annotations

import pytest

from pytest_bctrl.drift import compare

from .peer_alternative_pairs import ALTERNATIVE_PAIRS
from .peer_pair import PeerPair
from .peer_pairs import PEER_PAIRS
from .peer_parameter_pairs import parameter_pairs

PAIRS = [*ALTERNATIVE_PAIRS, *PEER_PAIRS, *parameter_pairs()]


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: f"{pair.source}-{'+'.join(pair.ids)}")
def test_a_pair_from_the_tests_of_oasdiff_yields_its_rule_ids(pair: PeerPair) -> None:
    """Each id occurs as often as oasdiff expects it; the only other ids are those in `besides`."""
    ids = [finding.rule for finding in compare(pair.base, pair.revision)]
    assert sorted(ids) == sorted([*pair.ids, *pair.besides])
