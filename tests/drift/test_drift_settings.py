"""The settings of the drift gate: an error names the file, the line, the mistake and what would be right."""

from __future__ import annotations

import pytest

from pytest_bctrl.drift.settings import read_drift_settings
from pytest_bctrl.errors import DocumentError

_RULES = "pytest-bctrl explain lists the rules"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("levels:\n\nsunset-days: -1\n", "f:3: sunset-days is -1 (give a number of days, 0 for none)"),
        ("levels:\n\nsunset-days: soon\n", "f:3: sunset-days is 'soon' (give a number of days, 0 for none)"),
        ("sunset-days: true\n", "f:1: sunset-days is True (give a number of days, 0 for none)"),
        ("sunset-days: 1\n\nlevels: []\n", "f:3: 'levels' is not a mapping (write rule: level)"),
        ("sunset-days: 1\n\nlevels:\n  nope: info\n", f"f:4: there is no rule 'nope' ({_RULES})"),
        (
            "levels:\n\n  endpoint-added: fatal\n",
            "f:3: 'fatal' is not a level (the levels are error, warning, info)",
        ),
        ("\nlevel: {}\n", "f:2: 'level' is not known (its keys are levels and sunset-days)"),
    ],
)
def test_invalid_settings_are_an_error_with_line_and_hint(text: str, message: str) -> None:
    with pytest.raises(DocumentError) as caught:
        read_drift_settings(text, "f")
    assert str(caught.value) == message


@pytest.mark.parametrize("entries", ["", " []", "\n  - {fingerprint: a, reason: r, until: 2027-01-01}"])
def test_allow_in_the_settings_is_an_error_that_names_the_baseline_file(entries: str) -> None:
    with pytest.raises(DocumentError) as caught:
        read_drift_settings(f"sunset-days: 3\nallow:{entries}\n", "bctrl-drift.yaml")
    assert str(caught.value) == (
        "bctrl-drift.yaml:2: accepted findings belong in bctrl-baseline.yaml "
        "(move 'allow' and its entries to bctrl-baseline.yaml)"
    )


@pytest.mark.parametrize(
    ("text", "days"), [("", 0), ("levels: {}\n", 0), ("sunset-days: 0\n", 0), ("sunset-days: 30\n", 30)]
)
def test_sunset_days_are_0_unless_set(text: str, days: int) -> None:
    assert read_drift_settings(text, "f").sunset_days == days


def test_levels_are_read_by_rule() -> None:
    """`read_drift_settings` returns the mapping of rules to levels."""
    text = "levels:\n  endpoint-added: warning\n  api-removed-without-deprecation: info\n"
    levels = {"endpoint-added": "warning", "api-removed-without-deprecation": "info"}
    assert read_drift_settings(text, "f").levels == levels
