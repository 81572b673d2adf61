"""The HTML report in a real browser: it says what the run found, and can be searched, unfolded and printed."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect
from pypdf import PdfReader

from pytest_bctrl.escaping import escape_line
from tests.browser.conftest import PHONE, Show
from tests.reports.examples import HOSTILE, Example, drift, failed, hostile, many, moved, of_one_rule, passed, unchecked

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

FINDINGS = "details.finding"


def shown(page: Page) -> list[str]:
    """The messages of the findings that are in the list, those too that are not drawn yet."""
    return page.locator(f"{FINDINGS} .what").all_text_contents()


def opened(page: Page, index: int) -> Locator:
    """Open a finding and return what it shows."""
    finding = page.locator(FINDINGS).nth(index)
    finding.locator("summary").click()
    finding.locator(".body").wait_for()
    return finding.locator(".body")


@pytest.mark.parametrize(
    ("example", "word", "sentence"),
    [
        (failed, "Failed", "6 errors fail the run"),
        (passed, "Passed", "Nothing was found"),
        (unchecked, "Not checked", "Nothing was checked"),
        (drift, "Failed", "2 errors fail the run"),
    ],
)
def test_the_verdict_is_on_top(show: Show, example: Callable[[], Example], word: str, sentence: str) -> None:
    page = show(example())
    assert word == page.locator("h1").inner_text()
    assert sentence in page.locator(".sentence").inner_text()
    assert page.locator(".verdict svg").is_visible()


def test_the_verdict_and_its_colour_differ_between_outcomes(show: Show) -> None:
    colours = {
        show(example()).locator("h1").evaluate("element => getComputedStyle(element).color")
        for example in (failed, passed, unchecked)
    }
    assert 3 == len(colours)


def test_every_finding_is_there_with_its_count(show: Show) -> None:
    page = show(failed())
    assert len(failed().findings) == page.locator(FINDINGS).count()
    assert page.get_by_text("43 of 300", exact=True).is_visible()


def test_a_finding_names_the_item_and_a_lone_one_is_open(show: Show) -> None:
    example = failed()
    page = show(replace(example, findings=example.findings[:1]), folded=True)
    page.locator(f"{FINDINGS}[open] .body").wait_for()
    assert "runtimes[0] 'runtime 0' (6f6d9a0c-9c1d-4f0e-8d5e-000000000000)" == page.locator(".item").inner_text()
    assert 0 == page.locator("details.group").count()


def test_a_test_is_listed_where_no_finding_tells_of_it(show: Show) -> None:
    page = show(failed())
    assert ["1 skipped"] == [text.strip() for text in page.locator("details.tests > summary").all_inner_texts()]


def test_what_is_found_of_an_answer_stands_beside_its_status(show: Show) -> None:
    """And not below the last of its properties."""
    example = failed()
    found = replace(
        example.findings[0], location="status", sample=None, extra={**example.findings[0].extra, "status": "200"}
    )
    page = show(replace(example, findings=(found,)))
    button = page.locator("#outline button.at")
    assert "1 finding at 200: show only these" == button.get_attribute("aria-label")
    updated = page.locator("#outline .name", has_text="updatedAt")
    tops = [one.evaluate("element => element.getBoundingClientRect().top") for one in (button, updated)]
    assert sorted(tops) == tops


class TestOneFinding:
    def test_opens_on_both_sides_its_exchange_and_a_command(self, show: Show) -> None:
        page = show(failed())
        body = opened(page, 0)
        assert ["active", "stopped", "failed"] == body.locator(".side.expected code").all_inner_texts()
        assert "archived" == body.locator(".side.observed pre").inner_text()
        assert body.get_by_text("GET /v1/spaces/", exact=False).first.is_visible()
        assert '"status": "archived",' == body.locator("mark").inner_text()
        assert "curl -sS -i" in body.locator("[aria-label=Command]").inner_text()

    def test_shows_no_header_that_may_hold_a_secret_and_no_text_that_is_not_at_fault(self, show: Show) -> None:
        page = show(failed())
        assert "session=secret" not in page.content()
        assert '"region"' in page.content()
        assert "eu-" not in page.content()

    def test_copies_its_command(self, show: Show) -> None:
        page = show(failed(), permissions=["clipboard-read", "clipboard-write"])
        opened(page, 0)
        page.get_by_role("button", name="Copy the command").click()
        page.get_by_text("The command is copied.").wait_for()
        assert failed().findings[0].reproduce == page.evaluate("navigator.clipboard.readText()")

    def test_selects_its_command_where_the_clipboard_is_closed(self, show: Show) -> None:
        page = show(failed())
        page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
        opened(page, 0)
        page.get_by_role("button", name="Copy the command").click()
        page.get_by_text("The command is selected").wait_for()
        assert failed().findings[0].reproduce == page.evaluate("getSelection().toString()")

    def test_of_drift_names_both_documents_and_lines(self, show: Show) -> None:
        page = show(drift())
        opened(page, 1)
        heads = page.locator(f"{FINDINGS} >> nth=1 >> h4").all_inner_texts()
        assert ["Was contracts/runtimes.openapi.yaml", "Is now https"] == [
            head.replace("\n", " ").split(":")[0] for head in heads
        ]

    def test_that_says_who_moved_has_three_witnesses_and_the_next_command(self, show: Show) -> None:
        page = show(moved())
        assert "our copy is stale" == page.locator(FINDINGS).first.locator(".moved").inner_text().lower()
        body = opened(page, 0)
        assert ["string", "integer", "integer, 300 of 300"] == body.locator(".side pre").all_inner_texts()
        assert "pytest-bctrl contract update" == body.locator("[aria-label=Command]").inner_text()

    def test_that_is_closed_shows_what_was_seen_and_what_was_owed(self, show: Show) -> None:
        lines = show(failed()).locator(f"{FINDINGS} .gist").all_inner_texts()
        assert "archived expected active | stopped | failed" == " ".join(lines[0].split())

    def test_that_is_accepted_says_so_and_why(self, show: Show) -> None:
        page = show(moved())
        line = page.locator(FINDINGS).nth(1)
        assert "accepted until 2027-01-31" == line.locator(".accepted").inner_text()
        assert "the consumer is fixed next week" in opened(page, 1).locator(".rows").inner_text()


class TestTheFilter:
    def test_by_text_wants_every_word(self, show: Show) -> None:
        page = show(failed())
        page.get_by_role("searchbox").fill("REQUIRED region")
        assert ["The required property is missing"] == [text.capitalize() for text in shown(page)]
        assert f"1 of {len(failed().findings)} findings" == page.get_by_role("status").first.inner_text()

    def test_by_rule(self, show: Show) -> None:
        page = show(failed())
        page.get_by_label("Rule").select_option("undocumented_property")
        assert ["undocumented_property"] == page.locator(f"{FINDINGS} .rule").all_inner_texts()

    def test_says_when_nothing_matches_and_shows_all_again(self, show: Show) -> None:
        page = show(failed())
        page.get_by_role("searchbox").fill("no such words")
        assert page.get_by_text("No finding matches the filter.").is_visible()
        page.get_by_role("button", name="Show all").click()
        assert "10 findings" == page.get_by_role("status").first.inner_text()


def test_the_contract_is_a_tree_that_says_what_was_seen_and_what_broke(show: Show) -> None:
    """In words too; where nothing ran there is none."""
    page = show(failed())
    states = page.locator(".tree li:not([data-kind=operation])").evaluate_all(
        "all => Object.fromEntries(all.map(one => [one.querySelector('.name').textContent, one.dataset.state]))"
    )
    assert ("error", "error", "warning") == (states["status"], states["profile"], states["labels"])
    assert ("seen", "partly", "never") == (states["name"], states["kind"], states["429"])
    assert "broken: status" in page.locator(".tree").evaluate("tree => tree.textContent")
    line = page.locator(".tree li[data-kind=property]", has=page.get_by_text("kind", exact=True)).last
    assert "never seen:" in line.inner_text()
    assert not show(drift()).locator("#contract").is_visible()


def test_hostile_text_is_text(show: Show) -> None:
    page = show(hostile())
    for index in range(page.locator(FINDINGS).count()):
        opened(page, index)
    assert page.evaluate("window.broken === undefined")
    assert 0 == page.locator("img").count()
    visible = page.locator("body").evaluate("body => body.textContent")
    assert escape_line(HOSTILE) in visible
    assert escape_line(HOSTILE) in page.locator(".what").first.evaluate("what => what.textContent")


def test_a_script_that_is_not_the_reports_own_does_not_run(show: Show) -> None:
    page = show(passed())
    policy = page.locator("meta[http-equiv=Content-Security-Policy]").get_attribute("content") or ""
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy


@pytest.mark.parametrize(("example", "width"), [(failed, 360), (failed, 320), (hostile, 360)])
def test_a_phone_need_not_scroll_sideways(show: Show, example: Callable[[], Example], width: int) -> None:
    page = show(example(), viewport={**PHONE, "width": width})
    for index in range(page.locator(FINDINGS).count()):
        opened(page, index)
    assert width == page.evaluate("document.documentElement.scrollWidth")


class TestTheTheme:
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_is_the_systems(self, show: Show, scheme: str) -> None:
        page = show(passed(), color_scheme=scheme)
        red = page.evaluate("Number(getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0])")
        assert ("light" if red > 128 else "dark") == scheme

    def test_can_be_changed_and_is_remembered(self, show: Show) -> None:
        page = show(passed(), color_scheme="light")
        page.get_by_role("button", name="Use the dark theme").click()
        dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
        # A browser writes down what it is to remember when it gets to it, which may be after the page is asked again.
        background = ""
        for _ in range(10):
            page.reload()
            background = page.evaluate("getComputedStyle(document.body).backgroundColor")
            if background == dark:
                break
        assert dark == background
        assert page.get_by_role("button", name="Use the light theme").is_visible()


class TestPrinting:
    def test_opens_everything_and_closes_it_again(self, show: Show) -> None:
        page = show(of_one_rule(200))
        page.emulate_media(media="print")
        expect(page.locator("details.finding[open] .body")).to_have_count(200)
        assert 0 == page.locator("details:not([open])").count()
        assert not page.locator("#filter").is_visible()
        page.emulate_media(media="screen")
        expect(page.locator("details.finding[open]")).to_have_count(0)

    def test_puts_every_finding_on_paper(self, show: Show) -> None:
        page = show(failed())
        text = "\n".join(sheet.extract_text() for sheet in PdfReader(io.BytesIO(page.pdf())).pages)
        assert len([finding for finding in failed().findings if finding.reproduce]) == text.count("curl -sS -i")
        assert "Failed" in text


def test_ten_thousand_findings_are_searched_whole(show: Show) -> None:
    page = show(many(10_000))
    assert "10,000 findings" == page.get_by_role("status").first.inner_text()
    page.get_by_role("searchbox").fill("case 9876")
    assert ["The value is not the one that was agreed on, case 9876"] == [text.capitalize() for text in shown(page)]


def test_a_long_list_grows_as_it_is_scrolled(show: Show) -> None:
    page = show(of_one_rule(500))
    first = page.locator(FINDINGS).count()
    assert first < 500
    page.mouse.wheel(0, 100_000)
    page.locator(FINDINGS).nth(first).wait_for()
