"""Everything in the HTML report can be done from the keyboard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.browser.conftest import Show
from tests.reports.examples import failed, of_one_rule

if TYPE_CHECKING:
    from playwright.sync_api import Page


def focused(page: Page) -> str:
    """What is focused, in a few words."""
    found: str = page.evaluate(
        "(e => e.id || e.getAttribute('aria-label') || e.value || e.textContent.trim().slice(0, 40))"
        "(document.activeElement)"
    )
    return found


def test_the_first_stop_leads_past_the_head(show: Show) -> None:
    page = show(failed())
    page.keyboard.press("Tab")
    assert "Skip to the findings" == focused(page)
    page.keyboard.press("Enter")
    assert "findings" == focused(page)


def test_tab_reaches_the_whole_filter_in_the_order_it_is_read(show: Show) -> None:
    page = show(failed())
    stops = []
    for _ in range(7):
        page.keyboard.press("Tab")
        stops.append(focused(page))
    assert ["Skip to the findings", "theme", "text", "rule", "error", "warning", "info"] == stops


def test_a_slash_leads_to_the_filter(show: Show) -> None:
    page = show(failed())
    page.keyboard.press("/")
    page.keyboard.type("archived")
    assert "text" == focused(page)
    assert 1 == page.locator("details.finding").count()


def test_levels_rules_findings_and_the_tree_answer_to_keys(show: Show) -> None:
    page = show(failed())
    page.get_by_label("error", exact=False).first.focus()
    page.keyboard.press("Space")
    levels = page.locator("details.finding").evaluate_all("all => [...new Set(all.map(one => one.dataset.level))]")
    assert {"info", "warning"} == set(levels)
    page.locator("details.finding > summary").first.focus()
    page.keyboard.press("Enter")
    page.locator("details.finding .body").first.wait_for()
    page.locator(".tree summary").first.focus()
    page.keyboard.press("Enter")
    assert not page.locator(".tree > li > details").evaluate("tree => tree.open")


def test_a_place_of_the_contract_leads_to_its_findings(show: Show) -> None:
    page = show(failed())
    page.get_by_role("button", name="at labels").focus()
    page.keyboard.press("Enter")
    assert "findings" == focused(page)
    # The row may still be closed: what opens it is told when it is drawn.
    expect(page.locator("details.finding .place code:first-child")).to_have_text(["runtimes[*].labels"])


def test_a_long_list_goes_on_where_it_ended(show: Show) -> None:
    page = show(of_one_rule(200))
    before = page.locator("details.finding").count()
    page.get_by_role("button", name="Show more").focus()
    page.keyboard.press("Enter")
    assert page.locator("details.finding").count() > before
    summaries = "[...document.querySelectorAll('details.finding > summary')]"
    assert before == page.evaluate(f"{summaries}.indexOf(document.activeElement)")


def test_the_row_of_a_rule_opens_to_its_findings(show: Show) -> None:
    page = show(failed(), folded=True)
    row = page.locator("details.group > summary").first
    assert "response_schema_conformance" in row.inner_text()
    assert "4 findings" in row.inner_text()
    assert not page.locator("details.group .finding").first.is_visible()
    row.focus()
    page.keyboard.press("Enter")
    page.locator("details.group .finding").first.wait_for()
    assert 4 == page.locator("details.group >> nth=0 >> .finding").count()


def test_what_is_focused_is_seen_to_be(show: Show) -> None:
    page = show(failed())
    for _ in range(12):
        page.keyboard.press("Tab")
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", focused(page)
