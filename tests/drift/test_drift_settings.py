"""The settings of the drift gate: an error names the file, the line, the mistake and what would be right."""

from __future__ import annotations

import pytest

from pytest_bctrl.drift.settings import read_levels
from pytest_bctrl.errors import DocumentError

_RULES = "pytest-bctrl explain lists the rules"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\n\nlevels: []\n", "f:3: 'levels' is not a mapping (write rule: level)"),
        ("\n\nlevels:\n  nope: info\n", f"f:4: there is no rule 'nope' ({_RULES})"),
        (
            "levels:\n\n  endpoint-added: fatal\n",
            "f:3: 'fatal' is not a level (the levels are error, warning, info)",
        ),
        ("\nlevel: {}\n", "f:2: 'level' is not known (its key is levels)"),
    ],
)
def test_invalid_settings_are_an_error_with_line_and_hint(text: str, message: str) -> None:
    with pytest.raises(DocumentError) as caught:
        read_levels(text, "f")
    assert str(caught.value) == message


@pytest.mark.parametrize("entries", ["", " []", "\n  - {fingerprint: a, reason: r, until: 2027-01-01}"])
def test_allow_in_the_settings_is_an_error_that_names_the_baseline_file(entries: str) -> None:
    with pytest.raises(DocumentError) as caught:
        read_levels(f"levels:\nallow:{entries}\n", "bctrl-drift.yaml")
    assert str(caught.value) == (
        "bctrl-drift.yaml:2: accepted findings belong in bctrl-baseline.yaml "
        "(move 'allow' and its entries to bctrl-baseline.yaml)"
    )


@pytest.mark.parametrize("text", ["", "levels:\n", "levels: {}\n"])
def test_settings_without_levels_have_none(text: str) -> None:
    assert read_levels(text, "f") == {}


def test_levels_are_read_by_rule() -> None:
    text = "levels:\n  endpoint-added: warning\n  api-removed-without-deprecation: info\n"
    levels = {"endpoint-added": "warning", "api-removed-without-deprecation": "info"}
    assert read_levels(text, "f") == levels
