"""Takes the pictures of the HTML report in the documentation: `python -m tests.browser.screenshot`; needs pngquant."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from pytest_bctrl.reports.html import findings_html
from tests.browser.chromium import launched
from tests.reports.examples import failed

FOLDER = Path(__file__).resolve().parent.parent.parent / "docs" / "how-to"
PICTURES = {
    "report.png": ({"width": 1180, "height": 860}, "light"),
    "report-dark.png": ({"width": 1180, "height": 860}, "dark"),
    "report-phone.png": ({"width": 390, "height": 844}, "light"),
    "report-phone-dark.png": ({"width": 390, "height": 844}, "dark"),
}


def main(folder: Path = FOLDER) -> None:
    """Write the screenshots, at desktop and phone size, light and dark."""
    example = failed()
    with tempfile.TemporaryDirectory() as temporary, launched() as browser:
        path = Path(temporary) / "report.html"
        path.write_text(findings_html(example.findings, example.title, example.run), "utf-8")
        for name, (viewport, scheme) in PICTURES.items():
            page = browser.new_page(viewport=viewport, color_scheme=scheme)  # type: ignore[arg-type]
            page.goto(path.as_uri())
            page.locator("details.group > summary").first.click()
            page.locator("details.finding > summary").first.click()
            if viewport["width"] < 600:
                page.locator("#findings").scroll_into_view_if_needed()
                page.evaluate("document.querySelector('#findings').scrollIntoView()")
            page.mouse.move(0, 0)
            page.screenshot(path=folder / name)
            page.close()
            # Of few colours; the same to the eye at a third of the size.
            subprocess.run(["pngquant", "--force", "--output", folder / name, "48", folder / name], check=True)


if __name__ == "__main__":
    main()
