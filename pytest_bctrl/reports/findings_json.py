"""Writes findings as JSON that conforms to `findings.schema.json`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_bctrl._version import __version__
from pytest_bctrl.escaping import escape_json
from pytest_bctrl.findings.finding import LEVELS, Finding
from pytest_bctrl.reports.causes import Cause, causes
from pytest_bctrl.reports.verdict import OperationOutcome, RunReport, Title, that_fail, verdict_of
from pytest_bctrl.reports.wording import accepted, grouped, is_change

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_bctrl.observed.coverage import Coverage


def findings_json(findings: Sequence[Finding], title: Title, run: RunReport | None = None) -> str:
    """Return the findings and the data of the run as a JSON document."""
    return escape_json(json.dumps(report_data(findings, title, run), indent=2, default=str)) + "\n"


def report_data(findings: Sequence[Finding], title: Title, run: RunReport | None = None) -> dict[str, Any]:
    """Return a report as plain JSON data, as `findings.schema.json` describes it."""
    return {
        "version": 1,
        "tool": {"name": "pytest-bctrl", "version": __version__},
        "report": title.name,
        "base": title.base,
        "revision": title.revision,
        "fail_on": title.fail_on,
        "verdict": verdict_of(findings, title, run)._asdict(),
        "summary": {
            **{level: sum(finding.level == level for finding in findings) for level in LEVELS},
            "accepted": sum(bool(accepted(finding)) for finding in findings) or title.accepted,
            "failing": len(that_fail(findings, title.fail_on)),
        },
        "notes": list(title.notes),
        "not_checked": list(title.not_checked),
        **({"exchanges": dict(title.exchanges)} if title.exchanges else {}),
        **({"version_bump": title.version._asdict()} if title.version else {}),
        **({"excluded": [dict(part) for part in title.excluded]} if title.excluded else {}),
        **(_run_data(run) if run else {}),
        **({"coverage": _coverage_data(title.coverage)} if run or title.coverage else {}),
        **_groups_data(findings),
        **_findings_data(findings),
    }


def _findings_data(findings: Sequence[Finding]) -> dict[str, Any]:
    """Return the findings, each with the number of its `cause`, and the causes; a change of a document has none."""
    all_causes = causes(finding for finding in findings if not is_change(finding))
    numbers = {id(finding): number for number, cause in enumerate(all_causes) for finding in cause.findings}
    return {
        **({"causes": [_cause_data(cause) for cause in all_causes]} if all_causes else {}),
        "findings": [
            {**finding.as_dict(), **({"cause": numbers[id(finding)]} if id(finding) in numbers else {})}
            for finding in findings
        ],
    }


def _cause_data(cause: Cause) -> dict[str, Any]:
    """Return a cause as plain JSON data, with all its locations, operations and tests."""
    first = cause.first
    return {
        "rule": first.rule,
        "level": first.level,
        "message": first.message,
        "accepted": bool(accepted(first)),
        "fix": first.extra.get("fix", ""),
        "locations": list(dict.fromkeys(finding.location for finding in cause.findings)),
        "operations": cause.operations,
        "tests": cause.tests,
        "engines": cause.engines,
    }


def _groups_data(findings: Sequence[Finding]) -> dict[str, Any]:
    """Return the key `groups` with what changed, the operations and fingerprints of each; empty without changes."""
    groups = [group for group in grouped(findings) if "changed" in group.findings[0].extra]
    data = [
        {
            "changed": group.changed,
            "operations": group.operations,
            "changes": [finding.fingerprint for finding in group.findings],
        }
        for group in groups
    ]
    return {"groups": data} if data else {}


def _run_data(run: RunReport) -> dict[str, Any]:
    """Return the details of a run as plain JSON data."""
    contract = run.contract
    return {
        "target": run.target,
        "base_url": run.base_url,
        "upstream": run.upstream,
        "contract": {
            "title": contract.title,
            "version": contract.version,
            "digest": contract.digest,
            "source": contract.described,
        },
        "started": run.started,
        "seconds": round(run.seconds, 3),
        "complete": run.is_complete,
        "counts": dict(run.counts),
        "tests": [
            {"id": test.id, "outcome": test.outcome, "seconds": round(test.seconds, 3), "reason": test.reason}
            for test in run.tests
        ],
        "operations": [_operation_data(operation) for operation in run.operations],
        "shortfall": run.shortfall,
        "observation": run.observation,
    }


def _operation_data(operation: OperationOutcome) -> dict[str, Any]:
    """Return the outcome of an operation as plain JSON data."""
    return {
        "operation": operation.operation,
        "operation_id": operation.operation_id,
        "outcome": operation.outcome,
        "reason": operation.reason,
        "required": operation.is_required,
        "values": dict(operation.values),
    }


def _coverage_data(coverage: Coverage | None) -> dict[str, Any] | None:
    """Return the coverage as plain JSON data; None if it was not measured."""
    if coverage is None:
        return None
    return {
        "seen": coverage.seen,
        "total": len(coverage.points),
        "percent": round(coverage.percent, 1),
        "points": [
            {name: getattr(point, name) for name in ("operation", "status", "location", "kind", "label", "seen")}
            for point in coverage.points
        ],
    }


def findings_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of the report."""
    schema: dict[str, Any] = json.loads(Path(__file__).with_name("findings.schema.json").read_text("utf-8"))
    return schema
