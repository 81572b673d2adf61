"""Findings of several engines about the same value: the names of the engines, the tests, and their merger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pytest_bctrl.findings.finding import Finding

OWN_ENGINE = "pytest-bctrl"


def tests_of(finding: Finding) -> list[str]:
    """Return the node ids of the tests that found a finding; empty for one of no test."""
    watched = (origin["test"] for origin in finding.extra.get("watched", ()))
    return list(dict.fromkeys([*finding.extra.get("tests", ()), *watched]))


def engines_of(finding: Finding) -> list[str]:
    """Return the names of the engines that found a finding."""
    return list(finding.extra.get("engines", (_engine(finding),)))


def _engine(finding: Finding) -> str:
    """Return the name of the engine whose finding it is, also if others found it too."""
    return str(finding.extra.get("engine", OWN_ENGINE))


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
    ranked = sorted(findings, key=lambda finding: (_engine(finding) != OWN_ENGINE, _is_combining(finding)))
    same: dict[tuple[str, ...], int] = {}
    merged: list[Finding] = []
    for finding in ranked:
        key = _value_key(finding)
        index = same.get(key)
        if index is None and _is_combining(finding):
            index = next((at for at, inner in enumerate(merged) if _is_inside(inner, finding)), None)
        if index is None or _engine(finding) == OWN_ENGINE:
            same.setdefault(key, len(merged))
            merged.append(finding)
        else:
            merged[index] = with_engine(merged[index], finding)
    return merged


def _value_key(finding: Finding) -> tuple[str, ...]:
    """Return a key that is equal for findings of several engines about the same value."""
    accepted = str(finding.extra.get("accepted", ""))
    return finding.operation, finding.rule, finding.level, finding.location, accepted, finding.fingerprint


def _is_combining(finding: Finding) -> bool:
    """Return whether an engine reports a keyword whose cause may be inside the value."""
    return _engine(finding) != OWN_ENGINE and finding.extra.get("kind") in _COMBINING


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


def with_engine(finding: Finding, addition: Finding) -> Finding:
    """Return a finding with the engine and the tests of another one about the same value."""
    engines = dict.fromkeys([*engines_of(finding), *engines_of(addition)])
    extra: dict[str, Any] = {**finding.extra, "engines": list(engines)}
    tests = list(dict.fromkeys([*tests_of(finding), *tests_of(addition)]))
    if tests and "watched" not in extra:
        extra["tests"] = tests
    return replace(finding, extra=extra)
