"""The Chromium that the browser tests drive; `python -m tests.browser.chromium` gets one where there is none."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")

FLAGS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip

MISSING = "there is no Chromium: python -m tests.browser.chromium gets one"


class NoChromiumError(Exception):
    """Chromium is missing on this machine."""


@contextmanager
def launched() -> Iterator[Browser]:
    """Start the system's Chromium, or else Playwright's; raise `NoChromiumError` if neither is installed."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = _on_path() or playwright.chromium.executable_path
        if not Path(path).is_file():
            raise NoChromiumError(MISSING)
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS, timeout=180_000)
        try:
            yield browser
        finally:
            browser.close()


def main() -> None:
    """Install Chromium if it is missing: Debian's package where possible, else Playwright's build."""
    if _on_path() is not None:
        return
    if shutil.which("apt-get") and os.geteuid() == 0:
        subprocess.run(["apt-get", "update", "-q"], check=True)
        install = ["apt-get", "install", "-qy", "--no-install-recommends"]
        # The same browser in half of the time, where Debian has it: it draws no window.
        if subprocess.run([*install, NAMES[0]]).returncode != 0:
            subprocess.run([*install, "chromium"], check=True)
    else:
        browsers = ("chromium-headless-shell", "chromium")
        subprocess.run([sys.executable, "-m", "playwright", "install", *browsers], check=True)


def _on_path() -> str | None:
    """Return the path of an installed Chromium or Chrome that `PATH` finds; None if there is none."""
    return next(filter(None, map(shutil.which, NAMES)), None)


if __name__ == "__main__":
    main()
