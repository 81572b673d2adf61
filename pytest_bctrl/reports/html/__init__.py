"""Writes findings as one self-contained HTML file, which needs no network and no server.

It consists of the template, style sheet and scripts in `page/`, and the report as data.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from itertools import filterfalse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_bctrl.escaping import escape_html, escape_html_json
from pytest_bctrl.findings.finding import LEVELS
from pytest_bctrl.reports.causes import causes
from pytest_bctrl.reports.findings_json import report_data
from pytest_bctrl.reports.html.outline import outline
from pytest_bctrl.reports.verdict import verdict_of
from pytest_bctrl.reports.wording import is_change, one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_bctrl.findings.finding import Finding
    from pytest_bctrl.reports.verdict import RunReport, Title

_FOLDER = Path(__file__).with_name("page")
_SCRIPTS = ("dom", "theme", "copy", "values", "gist", "finding", "findings", "filter", "outline", "rest", "print",
            "start")  # fmt: skip
"""The scripts in the order of their dependencies."""

_ICONS = {
    "passed": '<path d="m5 12.5 4.5 4.5L19 7.5"/>',
    "failed": '<path d="M6.5 6.5l11 11m0-11l-11 11"/>',
    "not checked": '<path d="M12 5.5v8.5m0 4v.5"/>',
}
_COLOURS = {"passed": "#1a7f4b", "failed": "#c0271b", "not checked": "#8a5a00"}
_SVG = '<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2.6" stroke-linecap="round"'
_PLACEHOLDER = re.compile(r"\{\{([a-z_]+)\}\}")


def findings_html(findings: Sequence[Finding], title: Title, run: RunReport | None = None) -> str:
    """Return the report as one HTML document."""
    verdict = verdict_of(findings, title, run)
    style = (_FOLDER / "style.css").read_text("utf-8")
    script = "'use strict';\n(() => {\n%s})();\n"
    script %= "\n".join((_FOLDER / f"{name}.js").read_text("utf-8") for name in _SCRIPTS)
    parts = {
        "policy": _security_policy(style, script),
        "icon_href": _icon_href(verdict.status),
        "name": escape_html(one_line(title.name)),
        "status": verdict.status.replace(" ", "-"),
        "word": verdict.status.capitalize(),
        "sentence": escape_html(one_line(verdict.sentence)),
        "icon": f'{_SVG} aria-hidden="true">{_ICONS[verdict.status]}</svg>',
        "style": style,
        "script": script,
        "data": embedded(page_data(findings, title, run)),
    }
    template = (_FOLDER / "page.html").read_text("utf-8")
    return _PLACEHOLDER.sub(lambda match: parts[match[1]], template)


def page_data(findings: Sequence[Finding], title: Title, run: RunReport | None) -> dict[str, Any]:
    """Return the data of the JSON report, findings worst first, with `exchanges` and `outline`."""
    by_cause = [finding for cause in causes(filterfalse(is_change, findings)) for finding in cause.findings]
    ranked = sorted([*by_cause, *filter(is_change, findings)], key=lambda finding: LEVELS.index(finding.level))
    data = report_data(ranked, title, run)
    data["exchanges"] = _take_out_exchanges(data["findings"])
    data["outline"] = outline(run.contract, ranked, title.coverage) if run else []
    # The page shows the points of the coverage, which were derived from the observation.
    data.pop("observation", None)
    return data


def _take_out_exchanges(findings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Move requests and responses from the findings to a list without duplicates; findings refer to it by index."""
    numbers: dict[str, int] = {}
    exchanges: list[dict[str, Any]] = []
    for finding in findings:
        exchange: dict[str, Any] = {name: finding.pop(name) for name in ("request", "response") if name in finding}
        if exchange:
            key = json.dumps(exchange, sort_keys=True, default=str)
            if key not in numbers:
                numbers[key] = len(exchanges)
                exchanges.append(exchange)
            finding["exchange"] = numbers[key]
    return exchanges


def embedded(data: object) -> str:
    """Return data as JSON for a `script` element."""
    return escape_html_json(json.dumps(data, separators=(",", ":"), default=str))


def _security_policy(style: str, script: str) -> str:
    """Return a content security policy that loads nothing, and runs only the scripts of this file."""
    return (
        f"default-src 'none'; script-src {_policy_hash(script)}; style-src {_policy_hash(style)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _policy_hash(text: str) -> str:
    """Return the hash of a script or style for the content security policy."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _icon_href(status: str) -> str:
    """Return the icon of a status as a data URL."""
    icon = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke="#fff" stroke-width="3" '
        f'stroke-linecap="round"><circle cx="12" cy="12" r="12" fill="{_COLOURS[status]}" stroke="none"/>'
        f"{_ICONS[status]}</svg>"
    )
    return f"data:image/svg+xml;base64,{base64.b64encode(icon.encode()).decode()}"
