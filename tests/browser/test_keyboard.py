"""Everything in the HTML report can be done from the keyboard."""

from __future__ import annotations

from dataclasses import replace

from playwright.sync_api import expect

from tests.browser.conftest import Show, expect_value
from tests.reports.examples import failed, of_one_cause

FOCUSED = """(element => element.id || element.getAttribute('aria-label') || element.value
  || element.textContent.trim().slice(0, 40))(document.activeElement)"""
"""A short description of the focused element."""


def test_the_first_tab_stop_skips_to_the_findings(show: Show) -> None:
    page = show(failed())
    page.keyboard.press("Tab")
    expect_value(page, FOCUSED, "Skip to the findings")
    page.keyboard.press("Enter")
    expect_value(page, FOCUSED, "findings")


def test_tab_visits_the_filter_in_reading_order(show: Show) -> None:
    page = show(failed())
    for stop in ("Skip to the findings", "theme", "text", "rule", "error", "warning", "info"):
        page.keyboard.press("Tab")
        expect_value(page, FOCUSED, stop)


def test_a_slash_focuses_the_filter_so_that_typing_filters(show: Show) -> None:
    page = show(failed())
    page.keyboard.press("/")
    expect_value(page, FOCUSED, "text")
    page.keyboard.type("archived")
    expect(page.locator("details.finding")).to_have_count(1)


def test_levels_rules_findings_and_the_tree_support_the_keyboard(show: Show) -> None:
    """Space switches off a level, and Enter opens a finding and closes a part of the tree."""
    page = show(failed())
    page.get_by_label("error", exact=False).first.focus()
    page.keyboard.press("Space")
    levels = "[...new Set([...document.querySelectorAll('details.finding')].map(one => one.dataset.level))].sort()"
    expect_value(page, levels, ["info", "warning"])
    page.locator("details.finding > summary").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("details.finding .body").first).to_be_visible()
    page.locator(".tree summary").first.focus()
    page.keyboard.press("Enter")
    expect_value(page, "document.querySelector('.tree > li > details').open", False)


def test_a_location_in_the_contract_tree_filters_its_findings(show: Show) -> None:
    """Enter on its button moves the focus to the findings, and only those of the location are shown."""
    page = show(failed())
    page.get_by_role("button", name="at labels").focus()
    page.keyboard.press("Enter")
    expect_value(page, FOCUSED, "findings")
    # The row may still be closed: the event that opens it fires when the row is drawn.
    expect(page.locator("details.finding .place code:first-child")).to_have_text(["runtimes[*].labels"])


def test_focus_continues_after_loading_more_of_a_long_list(show: Show) -> None:
    """After Enter on `Show more`, the first new finding has the focus."""
    page = show(of_one_cause(200))
    # As soon as the button is focused, nothing is added without a request.
    page.get_by_role("button", name="Show more").focus()
    before = page.locator("details.finding").count()
    page.keyboard.press("Enter")
    expect(page.locator("details.finding").nth(before)).to_be_attached()
    summaries = "[...document.querySelectorAll('details.finding > summary')]"
    expect_value(page, f"{summaries}.indexOf(document.activeElement)", before)


def test_the_row_of_a_cause_expands_to_its_findings(show: Show) -> None:
    example = failed()
    page = show(replace(example, findings=(*of_one_cause(4).findings, *example.findings)), folded=True)
    row = page.locator("details.group > summary").first
    expect(row).to_contain_text("the value is wrong")
    expect(row).to_contain_text("4 findings")
    expect(page.locator("details.group .finding").first).to_be_hidden()
    row.focus()
    page.keyboard.press("Enter")
    expect(page.locator("details.group .finding").first).to_be_visible()
    expect(page.locator("details.group >> nth=0 >> .finding")).to_have_count(4)


def test_the_focused_element_has_an_outline(show: Show) -> None:
    page = show(failed())
    for _ in range(12):
        page.keyboard.press("Tab")
        expect_value(page, "getComputedStyle(document.activeElement).outlineStyle !== 'none'", True)
