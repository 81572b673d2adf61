"""The documentation says what the code does."""

from __future__ import annotations

from pytest_bctrl.drift.rules import rules

from .rules_page import PAGE, rules_page


def test_the_page_of_rules_is_current() -> None:
    """Write it again with: python -m tests.drift.rules_page."""
    assert PAGE.read_text("utf-8") == rules_page()


def test_the_page_names_every_rule() -> None:
    text = PAGE.read_text("utf-8")
    assert [rule for rule in rules() if f"| `{rule}` |" not in text] == []
