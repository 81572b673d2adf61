"""Writes findings as SARIF 2.1.0 (OASIS), for code scanning."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pytest_bctrl._version import __version__
from pytest_bctrl.escaping import escape_json, escape_sarif
from pytest_bctrl.reports.verdict import RunReport, Side, Title, verdict_of
from pytest_bctrl.reports.wording import (
    Group,
    accepted,
    document_position,
    grouped,
    message_with_values,
    one_line,
    relative_file,
    where,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_bctrl.findings.finding import Finding

_LEVELS = {"error": "error", "warning": "warning", "info": "note"}


def findings_sarif(findings: Sequence[Finding], title: Title, run: RunReport | None = None) -> str:
    """Return the findings as a SARIF log of one run; each check that did not run is a notification of the tool."""
    names = list(dict.fromkeys(finding.rule for finding in findings))
    first_by_rule = {finding.rule: finding for finding in reversed(findings)}
    log_run: dict[str, Any] = {
        "tool": {
            "driver": {
                "name": "pytest-bctrl",
                "semanticVersion": __version__,
                "rules": [_rule_data(first_by_rule[name]) for name in names],
            }
        },
        "automationDetails": {"id": f"pytest-bctrl/{one_line(title.name)}"},
        "results": [_result_data(finding, names.index(finding.rule), title.side) for finding in findings],
        "columnKind": "unicodeCodePoints",
    }
    groups = [group for group in grouped(findings) if "changed" in group.findings[0].extra]
    if groups:
        log_run["logicalLocations"] = [_group_location(group) for group in groups]
        indices = {group.changed: index for index, group in enumerate(groups)}
        for result, finding in zip(log_run["results"], findings, strict=True):
            if "changed" in finding.extra:
                for location in result["locations"]:
                    location["logicalLocations"][0]["parentIndex"] = indices[finding.extra["changed"]]
    remarks = list(dict.fromkeys([*title.notes, *title.not_checked]))
    if remarks or run is not None:
        verdict = verdict_of(findings, title, run)
        notifications = [{"level": "warning", "message": {"text": _escaped_message(note)}} for note in remarks]
        invocation: dict[str, Any] = {"executionSuccessful": verdict.status != "not checked"}
        if run is not None:
            invocation["startTimeUtc"] = run.started
            notifications.insert(0, {"level": "note", "message": {"text": _escaped_message(verdict.sentence)}})
        log_run["invocations"] = [{**invocation, "toolExecutionNotifications": notifications}]
    log = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [log_run]}
    return escape_json(json.dumps(log, indent=2)) + "\n"


def _escaped_message(text: str) -> str:
    """Return a text as one line, escaped for SARIF."""
    return escape_sarif(one_line(text))


def _group_location(group: Group) -> dict[str, Any]:
    """Return the logical location of a group: the parent of the locations of its changes."""
    kind = "module"
    if group.changed:
        kind = "type" if "#" in group.changed else "member"
    properties = {"operations": group.operations, "changes": len(group.findings)}
    return {"fullyQualifiedName": one_line(group.changed or "the document"), "kind": kind, "properties": properties}


def _rule_data(finding: Finding) -> dict[str, Any]:
    """Return a rule as SARIF describes it, from a finding under this rule."""
    meaning = _escaped_message(finding.extra.get("meaning") or finding.rule)
    rule: dict[str, Any] = {
        "id": finding.rule,
        "shortDescription": {"text": meaning},
        "defaultConfiguration": {"level": _LEVELS[finding.level]},
        "properties": {"direction": finding.direction},
    }
    if finding.extra.get("why"):
        rule["fullDescription"] = {"text": f"{meaning} {_escaped_message(finding.extra['why'])}"}
    return rule


def _result_data(finding: Finding, index: int, side: Side) -> dict[str, Any]:
    """Return a finding as a SARIF result."""
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": index,
        "level": _LEVELS[finding.level],
        "message": {"text": _escaped_message(message_with_values(finding))},
        "properties": {
            "expected": finding.expected,
            "observed": finding.observed,
            "count": finding.count,
            "total": finding.total,
            **{key: finding.extra[key] for key in ("places", "shown") if key in finding.extra},
        },
    }
    if finding.fingerprint:
        result["partialFingerprints"] = {"bctrl/v1": finding.fingerprint}
    if accepted(finding):
        result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": accepted(finding)}]
    other_side: Side = "revision"
    text = "in the new document"
    if side == "revision":
        other_side, text = "base", "in the old document"
    related = {"id": 1, **_location_data(finding, other_side), "message": {"text": text}}
    return {**result, "locations": [_location_data(finding, side)], "relatedLocations": [related]}


def _location_data(finding: Finding, side: Side) -> dict[str, Any]:
    """Return the location of a finding in a document, as SARIF describes it."""
    document, line, pointer = document_position(finding, side)
    location: dict[str, Any] = {
        "logicalLocations": [{"fullyQualifiedName": where(finding), "name": one_line(pointer) or "/", "kind": "member"}]
    }
    file = relative_file(document)
    if "://" in document and "\n" not in document:
        file = document
    if file:
        location["physicalLocation"] = {
            "artifactLocation": {"uri": quote(file.replace("\\", "/"), safe="/:@?&=%~+,;")},
            "region": {"startLine": line or 1},
        }
    return location
