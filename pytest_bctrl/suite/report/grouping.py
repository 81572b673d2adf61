"""Groups reasons that apply to several operations, so that a large contract has one line per reason."""

from __future__ import annotations

from collections.abc import Iterable

from pytest_bctrl.reports.terminal import listed
from pytest_bctrl.suite.operations import LINES_TO_ADD

_FEW = 3
"""Maximum number of lines of a setting that a reason suggests."""


def grouped_reasons(reasons: Iterable[tuple[str, str]]) -> list[str]:
    """Return one sentence per reason, with its operations: `GET /a: REASON`, or `3 operations: …: REASON`.

    The pairs have the label of an operation, and the reason. Reasons that only differ in the lines to add to a setting
    are one reason, with the first few lines.
    """
    labels: dict[str, list[str]] = {}
    lines: dict[str, dict[str, None]] = {}
    for label, text in reasons:
        reason, _, line = text.partition(LINES_TO_ADD)
        labels.setdefault(reason, []).append(label)
        lines.setdefault(reason, {}).update({line: None} if line else {})
    return [f"{listed(labels[reason], 'operation')}: {reason}{_suggestion(list(lines[reason]))}" for reason in labels]


def _suggestion(lines: list[str]) -> str:
    """Return the lines to add to the configuration, as the end of a sentence."""
    if not lines:
        return ""
    further = [f"and {len(lines) - _FEW} more lines"] if len(lines) > _FEW else []
    return LINES_TO_ADD + ", ".join([*lines[:_FEW], *further])
