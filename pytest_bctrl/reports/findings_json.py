"""Writes findings as JSON, of the shape that `findings.schema.json` describes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_bctrl._version import __version__
from pytest_bctrl.finding import LEVELS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_bctrl.finding import Finding
    from pytest_bctrl.reports.title import Title


def findings_json(findings: Sequence[Finding], title: Title) -> str:
    """Return the findings as a JSON document."""
    report = {
        "version": 1,
        "tool": {"name": "pytest-bctrl", "version": __version__},
        "report": title.name,
        "base": title.base,
        "revision": title.revision,
        "fail_on": title.fail_on,
        "summary": {level: sum(finding.level == level for finding in findings) for level in LEVELS},
        "notes": list(title.notes),
        "findings": [finding.as_dict() for finding in findings],
    }
    return json.dumps(report, indent=2, default=str) + "\n"


def findings_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of the report."""
    schema: dict[str, Any] = json.loads(Path(__file__).with_name("findings.schema.json").read_text("utf-8"))
    return schema
