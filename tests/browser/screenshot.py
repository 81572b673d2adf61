"""Takes the picture of the HTML report that the documentation shows: `python -m tests.browser.screenshot`."""

from __future__ import annotations

import tempfile
from pathlib import Path

from pytest_bctrl.reports.html import findings_html
from tests.browser.chromium import launched
from tests.reports.examples import failed

PICTURE = Path(__file__).resolve().parent.parent.parent / "docs" / "how-to" / "report.png"


def main() -> None:
    """Write the picture."""
    example = failed()
    with tempfile.TemporaryDirectory() as folder, launched() as browser:
        path = Path(folder) / "report.html"
        path.write_text(findings_html(example.findings, example.title, example.run), "utf-8")
        page = browser.new_page(viewport={"width": 1280, "height": 1300}, color_scheme="light")
        page.goto(path.as_uri())
        page.locator("details.finding > summary").first.click()
        page.mouse.move(0, 0)
        page.screenshot(path=PICTURE)


if __name__ == "__main__":
    main()
