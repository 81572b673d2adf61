"""The causes of findings: what a maintainer corrects once, however many operations, tests and engines show it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pytest_bctrl.findings.finding import LEVELS, Finding
from pytest_bctrl.reports.wording import accepted, is_change, shown

_SCHEMA = "response_schema_conformance"
_STATUS = "status_code_conformance"
_SERVER_ERROR = "not_a_server_error"
_OWN_ENGINE = "pytest-bctrl"
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
    def engines(self) -> list[str]:
        """The names of the engines that found it, ours first; empty if only ours did."""
        named = [name for finding in self.findings for name in finding.extra.get("engines", (_engine(finding),))]
        names = list(dict.fromkeys(named))
        return [] if names == [_OWN_ENGINE] else sorted(names, key=lambda name: name != _OWN_ENGINE)


def causes(findings: Iterable[Finding]) -> list[Cause]:
    """Return the findings grouped by cause: by level, and then by the number of operations and tests, the most first.

    A server error is one cause whichever request shows it, an undocumented status whichever statuses the operation
    documents, and error responses of one status that have another schema are one cause, whichever properties they lack.
    Otherwise findings have one cause in all operations that have a property of the same name with the same schema.
    """
    groups: dict[tuple[str, ...], list[Finding]] = {}
    for finding in findings:
        groups.setdefault(_key(finding), []).append(finding)
    return sorted((Cause(tuple(members)) for members in groups.values()), key=_rank)


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
    status, kind = str(finding.extra.get("status", "")), str(finding.extra.get("kind", ""))
    has_success = status.startswith("2") and finding.rule != _STATUS
    key = (finding.level, finding.rule, accepted(finding), "2XX" if has_success else status)
    if finding.rule == _SERVER_ERROR or (finding.rule == _SCHEMA and status[:1] in ("4", "5")):
        return key
    if finding.rule == _STATUS:
        return (*key, "instead" if kind.startswith("instead") else "")
    if kind == "undocumented-property":
        return (*key, kind)
    return (*key, kind or finding.message, _last_step(finding.location), shown(finding.expected))


_LAST_STEP = re.compile(r"(?:\.|^)(?P<step>[^\s.\[\]]+(?:\[\*\])*)$")


def _last_step(location: str) -> str:
    """Return the name of the property at a location, `id` of `data[*].id`; of `credential: empty`, the first part."""
    location = location.partition(": ")[0]
    match = _LAST_STEP.search(location)
    return match["step"] if match else location


def tests_of(finding: Finding) -> list[str]:
    """Return the node ids of the tests that found a finding; empty for one of no test."""
    watched = (origin["test"] for origin in finding.extra.get("watched", ()))
    return list(dict.fromkeys([*finding.extra.get("tests", ()), *watched]))


def _engine(finding: Finding) -> str:
    """Return the name of the engine that found a finding."""
    return str(finding.extra.get("engine", _OWN_ENGINE))


_COMBINING = frozenset(
    {
        *("allOf", "anyOf", "oneOf", "not", "if", "contains", "propertyNames", "dependentSchemas"),
        *("additionalProperties", "unevaluatedProperties", "unevaluatedItems"),
    }
)
"""Keywords that one engine reports itself, and another at the invalid values inside."""


def merge_engines(findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings, merged if several engines report the same value; ours stands for them if it is among them.

    `extra` of a finding of several engines has their names, as `engines`, and the `tests` of all.
    """
    ranked = sorted(findings, key=lambda finding: (_engine(finding) != _OWN_ENGINE, _is_combining(finding)))
    same: dict[tuple[str, ...], int] = {}
    merged: list[Finding] = []
    for finding in ranked:
        key = _value_key(finding)
        index = same.get(key)
        if index is None and _is_combining(finding):
            index = next((at for at, inner in enumerate(merged) if _is_inside(inner, finding)), None)
        if index is None or _engine(finding) == _OWN_ENGINE:
            same.setdefault(key, len(merged))
            merged.append(finding)
        else:
            merged[index] = _with_engine(merged[index], finding)
    return merged


def _value_key(finding: Finding) -> tuple[str, ...]:
    """Return a key that is equal for findings of several engines about the same value."""
    return finding.operation, finding.rule, finding.level, finding.location, accepted(finding), finding.fingerprint


def _is_combining(finding: Finding) -> bool:
    """Return whether an engine reports a keyword whose cause may be inside the value."""
    return _engine(finding) != _OWN_ENGINE and finding.extra.get("kind") in _COMBINING


def _is_inside(finding: Finding, outer: Finding) -> bool:
    """Return whether a finding of the same operation, rule and status is about the same value, or one inside it."""
    is_same = (finding.operation, finding.rule, finding.level, finding.extra.get("status")) == (
        outer.operation,
        outer.rule,
        outer.level,
        outer.extra.get("status"),
    )
    is_root = outer.location in ("", "$")
    starts = finding.location.startswith((f"{outer.location}.", f"{outer.location}["))
    return is_same and (is_root or starts or finding.location == outer.location)


def _with_engine(finding: Finding, addition: Finding) -> Finding:
    """Return a finding with the engine and the tests of another one about the same value."""
    engines = [*finding.extra.get("engines", (_engine(finding),)), _engine(addition)]
    extra: dict[str, Any] = {**finding.extra, "engines": list(dict.fromkeys(engines))}
    tests = list(dict.fromkeys([*tests_of(finding), *tests_of(addition)]))
    if tests and "watched" not in extra:
        extra["tests"] = tests
    return replace(finding, extra=extra)
