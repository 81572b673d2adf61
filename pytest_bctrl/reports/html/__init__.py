"""Writes findings as one HTML file that needs nothing else: no network, no server, no folder beside it."""

from __future__ import annotations

from pytest_bctrl.reports.html.write import findings_html

__all__ = ["findings_html"]
