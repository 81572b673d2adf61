"""Writers of findings, one per format; the suffix of a report file selects one."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

FORMATS = {
    "text": ("pytest_bctrl.reports.drift_text", "drift_text"),
    "json": ("pytest_bctrl.reports.findings_json", "findings_json"),
    "markdown": ("pytest_bctrl.reports.github", "findings_markdown"),
    "junit": ("pytest_bctrl.reports.junit", "findings_junit"),
    "sarif": ("pytest_bctrl.reports.sarif", "findings_sarif"),
    "github": ("pytest_bctrl.reports.github", "findings_github"),
    "html": ("pytest_bctrl.reports.html", "findings_html"),
}
"""The module and function that write each format, imported when needed."""

SUFFIXES = {".html": "html", ".json": "json", ".md": "markdown", ".sarif": "sarif", ".xml": "junit"}
"""The format for each file suffix, in lower case."""


def writer(name: str) -> Callable[..., str]:
    """Return the function that writes a format; it takes findings and title, and for some formats also a run."""
    module, function = FORMATS[name]
    write: Callable[..., Any] = getattr(import_module(module), function)
    return write
