"""The HTML report in a real browser: it says what the run found, and can be searched, unfolded and printed."""

from __future__ import annotations

import io
import json
import re
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect
from pypdf import PdfReader

from pytest_bctrl.escaping import escape_line
from tests.browser.conftest import PHONE, TIMEOUT, Show, expect_value
from tests.reports.examples import (
    HOSTILE,
    Example,
    attributed,
    drift,
    failed,
    hostile,
    many,
    of_one_cause,
    passed,
    unchecked,
)

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

FINDINGS = "details.finding"
MESSAGES = f"{FINDINGS} .what"

RED = "Number(getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0])"
"""The red part of the background, from 0 to 255."""


def opened(page: Page, index: int) -> Locator:
    """Open a finding and return what it shows."""
    finding = page.locator(FINDINGS).nth(index)
    finding.locator("summary").click()
    expect(finding.locator(".body")).to_be_visible()
    return finding.locator(".body")


@pytest.mark.parametrize(
    ("example", "word", "sentence"),
    [
        (failed, "Failed", "6 errors fail the run"),
        (passed, "Passed", "No findings"),
        (unchecked, "Not checked", "Nothing was checked"),
        (drift, "Failed", "2 errors fail the run"),
    ],
)
def test_the_verdict_is_on_top(show: Show, example: Callable[[], Example], word: str, sentence: str) -> None:
    page = show(example())
    expect(page.locator("h1")).to_have_text(word)
    expect(page.locator(".sentence")).to_contain_text(sentence)
    expect(page.locator(".verdict svg")).to_be_visible()


def test_the_colour_of_the_verdict_differs_between_outcomes(show: Show) -> None:
    pages = [show(example()) for example in (failed, passed, unchecked)]
    colours = {page.evaluate("getComputedStyle(document.querySelector('h1')).color") for page in pages}
    assert 3 == len(colours)


def test_every_finding_is_listed_with_its_count(show: Show) -> None:
    page = show(failed())
    expect(page.locator(FINDINGS)).to_have_count(len(failed().findings))
    expect(page.get_by_text("43 of 300", exact=True)).to_be_visible()


def test_a_single_finding_is_open_and_names_its_item(show: Show) -> None:
    """A report with a single finding has no group around it."""
    example = failed()
    page = show(replace(example, findings=example.findings[:1]), folded=True)
    expect(page.locator(f"{FINDINGS}[open] .body")).to_be_visible()
    expect(page.locator(".item")).to_have_text("runtimes[0] 'runtime 0' (6f6d9a0c-9c1d-4f0e-8d5e-000000000000)")
    expect(page.locator("details.group")).to_have_count(0)


def test_tests_without_findings_are_listed(show: Show) -> None:
    """A skipped test of a failed run is in a block of its own."""
    page = show(failed())
    expect(page.locator("details.tests > summary")).to_have_text(["1 skipped"])


def test_findings_of_a_response_are_next_to_its_status(show: Show) -> None:
    """The button of the finding is above the name of the last property."""
    example = failed()
    renamed = replace(
        example.findings[0], location="status", sample=None, extra={**example.findings[0].extra, "status": "200"}
    )
    page = show(replace(example, findings=(renamed,)))
    button = page.locator("#outline button.at")
    expect(button).to_have_attribute("aria-label", "1 finding at 200: show only these")
    above = """((button, names) => button.getBoundingClientRect().top
      <= names.find(name => name.textContent === 'updatedAt').getBoundingClientRect().top)(
      document.querySelector('#outline button.at'), [...document.querySelectorAll('#outline .name')])"""
    expect_value(page, above, True)


class TestFinding:
    def test_an_open_finding_shows_both_sides_the_exchange_and_a_command(self, show: Show) -> None:
        """The expected and observed value, the request, the marked part of the body, and curl."""
        page = show(failed())
        body = opened(page, 0)
        expect(body.locator(".side.expected code")).to_have_text(["active", "stopped", "failed"])
        expect(body.locator(".side.observed pre")).to_have_text("archived")
        expect(body.get_by_text("GET /v1/spaces/", exact=False).first).to_be_visible()
        expect(body.locator("mark")).to_have_text('"status": "archived",')
        expect(body.locator("[aria-label=Command]")).to_contain_text("curl -sS -i")

    def test_a_finding_shows_no_secret_headers_and_no_unrelated_text(self, show: Show) -> None:
        """A session cookie and the values of other properties are not in the page."""
        page = show(failed())
        assert "session=secret" not in page.content()
        assert '"region"' in page.content()
        assert "eu-" not in page.content()

    def test_the_command_of_a_finding_is_copied(self, show: Show) -> None:
        page = show(failed(), permissions=["clipboard-read", "clipboard-write"])
        opened(page, 0)
        page.get_by_role("button", name="Copy the command").click()
        expect(page.get_by_text("The command is copied.")).to_be_visible()
        expect_value(page, "navigator.clipboard.readText()", failed().findings[0].reproduce)

    def test_the_command_is_selected_if_the_clipboard_is_not_available(self, show: Show) -> None:
        page = show(failed())
        page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
        opened(page, 0)
        page.get_by_role("button", name="Copy the command").click()
        expect(page.get_by_text("The command is selected")).to_be_visible()
        expect_value(page, "getSelection().toString()", failed().findings[0].reproduce)

    def test_a_drift_finding_shows_both_documents_and_lines(self, show: Show) -> None:
        page = show(drift())
        opened(page, 1)
        heads = [re.compile(r"^Was\s+contracts/runtimes\.openapi\.yaml:"), re.compile(r"^Is now\s+https:")]
        expect(page.locator(f"{FINDINGS} >> nth=1 >> h4")).to_have_text(heads, use_inner_text=True)

    def test_an_attributed_finding_shows_three_sources_and_the_next_command(self, show: Show) -> None:
        page = show(attributed())
        moved_by = page.locator(FINDINGS).first.locator(".moved")
        expect(moved_by).to_have_text("our copy is stale", ignore_case=True)
        body = opened(page, 0)
        expect(body.locator(".side pre")).to_have_text(["string", "integer", "integer, 300 of 300"])
        expect(body.locator("[aria-label=Command]")).to_have_text("pytest-bctrl contract update")

    def test_a_closed_finding_shows_observed_and_expected(self, show: Show) -> None:
        line = show(failed()).locator(f"{FINDINGS} .gist").first
        expect(line).to_have_text("archived expected active | stopped | failed", use_inner_text=True)

    def test_an_accepted_finding_shows_its_expiry_and_reason(self, show: Show) -> None:
        page = show(attributed())
        line = page.locator(FINDINGS).nth(1)
        expect(line.locator(".accepted")).to_have_text("accepted until 2027-01-31")
        expect(opened(page, 1).locator(".rows")).to_contain_text("the consumer is fixed next week")


class TestFilter:
    def test_filter_by_text_matches_all_words(self, show: Show) -> None:
        page = show(failed())
        page.get_by_role("searchbox").fill("REQUIRED region")
        expect(page.locator(MESSAGES)).to_have_text(["The required property is missing"], ignore_case=True)
        expect(page.get_by_role("status").first).to_have_text(f"1 of {len(failed().findings)} findings")

    def test_filter_by_rule(self, show: Show) -> None:
        page = show(failed())
        page.get_by_label("Rule").select_option("undocumented_property")
        expect(page.locator(f"{FINDINGS} .rule")).to_have_text(["undocumented_property"])

    def test_filter_without_matches_offers_to_show_all(self, show: Show) -> None:
        page = show(failed())
        page.get_by_role("searchbox").fill("no such words")
        expect(page.get_by_text("No finding matches the filter.")).to_be_visible()
        page.get_by_role("button", name="Show all").click()
        expect(page.get_by_role("status").first).to_have_text("10 findings")


def test_the_contract_tree_shows_coverage_and_findings(show: Show) -> None:
    """Each node has its state, also in words; the tree is hidden if no tests ran."""
    page = show(failed())
    states = """(nodes => ['status', 'profile', 'labels', 'name', 'kind', '429'].map(
      name => nodes.findLast(node => node.querySelector('.name').textContent === name).dataset.state))(
      [...document.querySelectorAll('.tree li:not([data-kind=operation])')])"""
    expect_value(page, states, ["error", "error", "warning", "seen", "partly", "never"])
    expect(page.locator(".tree")).to_contain_text("broken: status")
    line = page.locator(".tree li[data-kind=property]", has=page.get_by_text("kind", exact=True)).last
    expect(line).to_contain_text("not covered:", use_inner_text=True)
    expect(show(drift()).locator("#contract")).to_be_hidden()


def test_hostile_text_is_shown_as_text(show: Show) -> None:
    """Its markup creates no element, and its script does not run."""
    page = show(hostile())
    for index in range(page.locator(FINDINGS).count()):
        opened(page, index)
    expect_value(
        page, f"document.querySelector('.what').textContent.includes({json.dumps(escape_line(HOSTILE))})", True
    )
    expect(page.locator("img")).to_have_count(0)
    expect_value(page, "window.broken === undefined", True)


def test_the_content_security_policy_allows_no_foreign_scripts(show: Show) -> None:
    page = show(passed())
    policy = re.compile("^default-src 'none';(?!.*unsafe)")
    expect(page.locator("meta[http-equiv=Content-Security-Policy]")).to_have_attribute("content", policy)


@pytest.mark.parametrize(("example", "width"), [(failed, 360), (failed, 320), (hostile, 360)])
def test_the_page_fits_the_width_of_a_phone(show: Show, example: Callable[[], Example], width: int) -> None:
    """With all findings open, nothing is wider than the screen."""
    page = show(example(), viewport={**PHONE, "width": width})
    for index in range(page.locator(FINDINGS).count()):
        opened(page, index)
    expect_value(page, "document.documentElement.scrollWidth", width)


class TestTheme:
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_theme_follows_the_system(self, show: Show, scheme: str) -> None:
        page = show(passed(), color_scheme=scheme)
        expect_value(page, f"{RED} > 128", scheme == "light")

    def test_theme_can_be_changed_and_is_remembered(self, show: Show) -> None:
        page = show(passed(), color_scheme="light")
        page.get_by_role("button", name="Use the dark theme").click()
        expect_value(page, f"{RED} > 128", False)
        expect(page.get_by_role("button", name="Use the light theme")).to_be_visible()
        # A browser writes down what it is to remember when it gets to it, which may be after the page is asked again.
        deadline = time.monotonic() + TIMEOUT / 1000
        page.reload()
        while page.evaluate(f"{RED} > 128"):
            assert time.monotonic() < deadline, "the dark theme is not remembered"
            page.wait_for_timeout(100)
            page.reload()
        expect(page.get_by_role("button", name="Use the light theme")).to_be_visible()


class TestPrinting:
    def test_printing_expands_all_findings_temporarily(self, show: Show) -> None:
        """In print, all findings are open and the filter is hidden; on the screen they are closed again."""
        page = show(of_one_cause(200))
        page.emulate_media(media="print")
        expect(page.locator("details.finding[open] .body")).to_have_count(200)
        expect(page.locator("details:not([open])")).to_have_count(0)
        expect(page.locator("#filter")).to_be_hidden()
        page.emulate_media(media="screen")
        expect(page.locator("details.finding[open]")).to_have_count(0)

    def test_printing_includes_every_finding(self, show: Show) -> None:
        """The PDF of the page has the curl command of each finding."""
        page = show(failed())
        text = "\n".join(sheet.extract_text() for sheet in PdfReader(io.BytesIO(page.pdf())).pages)
        assert len([finding for finding in failed().findings if finding.reproduce]) == text.count("curl -sS -i")
        assert "Failed" in text


def test_the_filter_searches_all_of_10000_findings(show: Show) -> None:
    page = show(many(10_000))
    expect(page.get_by_role("status").first).to_have_text("10,000 findings")
    page.get_by_role("searchbox").fill("case 9876")
    message = "The value is not the one that was agreed on, case 9876"
    expect(page.locator(MESSAGES)).to_have_text([message], ignore_case=True)


def test_scrolling_loads_more_of_a_long_list(show: Show) -> None:
    page = show(of_one_cause(500))
    first = page.locator(FINDINGS).count()
    assert first < 500
    page.mouse.wheel(0, 100_000)
    expect(page.locator(FINDINGS).nth(first)).to_be_visible()
