"""The causes of findings: what a maintainer corrects once, however many operations, tests and engines show it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from pytest_bctrl.contract.model import SAFE_METHODS
from pytest_bctrl.findings.engines import OWN_ENGINE, engines_of, tests_of
from pytest_bctrl.findings.finding import LEVELS, NOT_REJECTED, UNEXPECTED_STATUS, UNSENDABLE_VALUE, Finding
from pytest_bctrl.reports.wording import accepted, is_change, shown

_SCHEMA = "response_schema_conformance"
_STATUS = "status_code_conformance"
_SERVER_ERROR = "not_a_server_error"
_MEDIA_TYPE = "content_type_conformance"
_ERROR_CLASSES = ("4", "5")
MOCKED = "mocked"
"""The kind of findings about mocks, which are shown in one line for all statuses and operations."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Findings of one rule, at one place of the contract, with one kind of observed value or one status.

    There is at least one; the first is the one that is shown.
    """

    findings: tuple[Finding, ...]

    @property
    def first(self) -> Finding:
        """The finding that stands for all."""
        return self.findings[0]

    @property
    def operations(self) -> list[str]:
        """The labels of the operations that it concerns."""
        return list(dict.fromkeys(finding.operation for finding in self.findings if finding.operation))

    @property
    def tests(self) -> list[str]:
        """The node ids of the tests that found it."""
        return list(dict.fromkeys(test for finding in self.findings for test in tests_of(finding)))

    @property
    def recorded_in(self) -> list[str]:
        """The recordings that have it, each with the entry: `recordings/a.har: entry 2`."""
        sources = [finding.extra for finding in self.findings if "file" in finding.extra]
        return list(dict.fromkeys(": ".join(filter(None, (one["file"], one["entry"]))) for one in sources))

    @property
    def engines(self) -> list[str]:
        """The names of the engines that found it, ours first; empty if only ours did."""
        names = list(dict.fromkeys(name for finding in self.findings for name in engines_of(finding)))
        return [] if names == [OWN_ENGINE] else sorted(names, key=lambda name: name != OWN_ENGINE)


def causes(findings: Iterable[Finding]) -> list[Cause]:
    """Return the findings grouped by cause: by level, and then by the number of operations and tests, the most first.

    A server error is one cause whichever request and rule show it, an undocumented status whichever statuses the
    operation documents, and error responses of one status that have another schema are one cause, whichever properties
    they lack. Otherwise findings have one cause in all operations that have a property of the same name with the same
    schema, and in all error responses.
    """
    groups: dict[tuple[str, ...], list[Finding]] = {}
    for finding in findings:
        groups.setdefault(_key(finding), []).append(finding)
    return sorted((Cause(tuple(sorted(members, key=_is_unsafe))) for members in groups.values()), key=_rank)


def _is_unsafe(finding: Finding) -> bool:
    """Return whether the request of a finding may change something; a block shows another one if there is any."""
    return bool(finding.operation) and finding.operation.partition(" ")[0] not in SAFE_METHODS


def _rank(cause: Cause) -> tuple[int, int, int]:
    """Return the rank of a cause: by level, operations and tests."""
    return LEVELS.index(cause.first.level), -len(cause.operations), -len(cause.tests)


def _key(finding: Finding) -> tuple[str, ...]:
    """Return a key that is equal for findings with the same cause."""
    if is_change(finding):
        return finding.operation, finding.level, finding.rule, finding.message, accepted(finding)
    if finding.extra.get("kind") == MOCKED:
        return finding.level, finding.rule, accepted(finding)
    if finding.level == "info" and finding.extra.get("source") == "overlay":
        return finding.level, "overlay", accepted(finding)
    if finding.message == UNSENDABLE_VALUE:
        return finding.level, finding.message, accepted(finding)
    status, kind, rule = str(finding.extra.get("status", "")), str(finding.extra.get("kind", "")), _main_rule(finding)
    key = (finding.level, rule, accepted(finding))
    if rule == _SERVER_ERROR or (rule == _SCHEMA and status[:1] in _ERROR_CLASSES):
        return (*key, status)
    if rule == _STATUS:
        is_documented = finding.message.startswith((NOT_REJECTED, UNEXPECTED_STATUS))
        return (*key, status, finding.message if is_documented else "")
    status_class = "error" if status[:1] in _ERROR_CLASSES else status[:1]
    if kind == "undocumented-property":
        return (*key, status_class, kind)
    if rule == _MEDIA_TYPE:
        kind = f"{kind} {finding.observed}"
    expected = finding.expected
    if kind == "type" and isinstance(expected, list):
        expected = [name for name in expected if name != "null"]
    return (*key, status_class, kind or finding.message, _last_step(finding.location), shown(expected))


def _main_rule(finding: Finding) -> str:
    """Return the rule of a finding, or the one that stands for all rules of the engines that report the same."""
    rule = finding.rule
    if rule == _STATUS and str(finding.extra.get("status", "")).startswith("5"):
        return _SERVER_ERROR
    if rule in ("complete_body", _SCHEMA) and finding.location == "body":
        return "strict_json"
    return rule


_LAST_STEP = re.compile(r"(?:\.|^)(?P<step>[^\s.\[\]]+(?:\[\*\])*)$")


def _last_step(location: str) -> str:
    """Return the name of the property at a location, `id` of `data[*].id`; of `credential: empty`, the first part."""
    location = location.partition(": ")[0]
    match = _LAST_STEP.search(location)
    return match["step"] if match else location
