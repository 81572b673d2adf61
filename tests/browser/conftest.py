"""A real Chromium, headless, with a profile of its own; the tests are collected where Playwright is installed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_bctrl.reports.html import findings_html
from tests.browser.chromium import NoChromiumError, launched
from tests.reports.examples import Example

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

collect_ignore_glob = [] if find_spec("playwright") else ["test_*.py"]

DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}

TIMEOUT = 60_000
"""The milliseconds that a test waits for a page; a busy machine needs more than Playwright's five seconds."""

Show = Callable[..., "Page"]


def expect_value(page: Page, expression: str, expected: Any) -> None:
    """Wait until a JavaScript expression has a value; fail with its current value after the time limit.

    Playwright's `expect` waits for visible content; this waits for everything else: focus, colours, sizes, the
    clipboard.
    """
    from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

    with suppress(PlaywrightTimeoutError):
        same = "JSON.stringify(await value()) === JSON.stringify(expected)"
        page.wait_for_function(
            f"async expected => {{ const value = async () => {expression}; return {same}; }}", arg=expected
        )
    assert expected == page.evaluate(expression)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Yield a browser for all tests of a process; without an installed one, the tests fail."""
    from playwright.sync_api import expect

    expect.set_options(timeout=TIMEOUT)
    try:
        with launched() as browser:
            yield browser
    except NoChromiumError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture
def show(chromium: Browser, tmp_path: Path) -> Iterator[Show]:
    """Return a function that opens a report as a file; at the end, check for console messages and foreign requests."""
    problems: list[str] = []
    contexts = []

    def opened(example: Example | Path, *, folded: bool = False, **options: Any) -> Page:
        """Return the page of a report; all groups of findings are open unless `folded`."""
        path = example if isinstance(example, Path) else tmp_path / "report.html"
        if isinstance(example, Example):
            path.write_text(findings_html(example.findings, example.title, example.run), "utf-8")
        # What moves has another colour and size until it has arrived.
        context = chromium.new_context(**{"viewport": DESKTOP, "reduced_motion": "reduce", **options})
        context.set_default_timeout(TIMEOUT)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: problems.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: problems.append(f"error: {error}"))
        page.on("request", lambda request: _note(problems, request.url, path))
        page.on("dialog", lambda dialog: problems.append(f"dialog: {dialog.message}"))
        page.goto(path.as_uri())
        if not folded:
            page.evaluate("document.querySelectorAll('details.group').forEach(group => { group.open = true; })")
            page.wait_for_function(
                "[...document.querySelectorAll('ol.rows-of-rule')].every(rows => rows.children.length)"
            )
        return page

    yield opened
    for context in contexts:
        context.close()
    assert [] == problems


def _note(problems: list[str], url: str, path: Path) -> None:
    """Add a problem for a request that is not for the report itself."""
    if url != path.as_uri():
        problems.append(f"request: {url}")
