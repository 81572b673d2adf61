"""What the page's scripts are given: the report, what many findings share said once, and the contract's outline."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pytest_bctrl.finding import LEVELS
from pytest_bctrl.reports.findings_json import report_data
from pytest_bctrl.reports.html.outline import outline

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_bctrl.finding import Finding
    from pytest_bctrl.reports.run_report import RunReport
    from pytest_bctrl.reports.title import Title


def page_data(findings: Sequence[Finding], title: Title, run: RunReport | None) -> dict[str, Any]:
    """Return the data: that of the JSON report, findings worst first, with `exchanges` and `outline` beside them."""
    ranked = sorted(findings, key=lambda finding: LEVELS.index(finding.level))
    data = report_data(ranked, title, run)
    data["exchanges"] = _intern(data["findings"])
    data["outline"] = outline(run.contract, ranked, run.coverage) if run else []
    # The page shows its points and has no use for what they were drawn from.
    data.pop("observation", None)
    return data


def _intern(findings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Take request and response out of the findings; equal ones are kept once, and findings name them by number."""
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
