"""The error for a mistake in the gate's file: file, line, problem and expected value."""

from __future__ import annotations

import pytest

from pytest_bctrl.drift.gate_file import read_gate_file
from pytest_bctrl.errors import DocumentError

_RULES = "pytest-bctrl explain lists the rules"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("allow:\n\nsunset-days: -1\n", "f:3: sunset-days is -1 (give a number of days, 0 for none)"),
        ("allow:\n\nsunset-days: soon\n", "f:3: sunset-days is 'soon' (give a number of days, 0 for none)"),
        ("allow:\n\nlevels: []\n", "f:3: 'levels' is not a mapping (write rule: level)"),
        ("allow:\n\nlevels:\n  nope: info\n", f"f:4: there is no rule 'nope' ({_RULES})"),
        (
            "levels:\n\n  endpoint-added: fatal\n",
            "f:3: 'fatal' is not a level (the levels are error, warning, info)",
        ),
        (
            "allow:\n\n  - {rule: nope, location: a, reason: r, until: 2027-01-01}\n",
            f"f:3: there is no rule 'nope' ({_RULES})",
        ),
        ("\nlevel: {}\n", "f:2: 'level' is not known (its keys are levels, sunset-days and allow)"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_its_mend(text: str, says: str) -> None:
    with pytest.raises(DocumentError) as caught:
        read_gate_file(text, "f")
    assert str(caught.value) == says


@pytest.mark.parametrize(
    ("text", "days"), [("", 0), ("allow: []\n", 0), ("sunset-days: 0\n", 0), ("sunset-days: 30\n", 30)]
)
def test_there_is_no_policy_for_deprecations_but_the_one_that_is_written(text: str, days: int) -> None:
    assert read_gate_file(text, "f").sunset_days == days


def test_levels_are_read_by_rule() -> None:
    text = "levels:\n  endpoint-added: warning\n  api-removed-without-deprecation: info\n"
    assert read_gate_file(text, "f").levels == {"endpoint-added": "warning", "api-removed-without-deprecation": "info"}
