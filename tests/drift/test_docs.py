"""The documentation says what the code does."""

from __future__ import annotations

from .rules_page import PAGE, rules_page


def test_the_rules_page_is_up_to_date() -> None:
    """Regenerate it with: python -m tests.drift.rules_page."""
    assert PAGE.read_text("utf-8") == rules_page()
