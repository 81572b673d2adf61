"""Takes the picture of the HTML report that the documentation shows: `python -m tests.browser.screenshot`."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from pytest_bctrl.reports.html import findings_html
from tests.browser.conftest import FLAGS
from tests.reports.examples import failed

PICTURE = Path(__file__).resolve().parent.parent.parent / "docs" / "report.png"


def main() -> None:
    """Write the picture."""
    example = failed()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        path = Path(folder) / "report.html"
        path.write_text(findings_html(example.findings, example.title, example.run), "utf-8")
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 1300}, color_scheme="light")
        page.goto(path.as_uri())
        page.locator("details.finding > summary").first.click()
        page.mouse.move(0, 0)
        page.screenshot(path=PICTURE)
        browser.close()


if __name__ == "__main__":
    main()
