"""Writes findings as workflow commands of GitHub Actions: annotations on the right line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_bctrl.finding import LEVELS
from pytest_bctrl.reports.wording import accepted, one_line, repository_file, safe, spot, told, where

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_bctrl.finding import Finding
    from pytest_bctrl.reports.wording import Title

_COMMANDS = {"error": "error", "warning": "warning", "info": "notice"}


SHOWN = 10
"""Annotations of one level that GitHub shows of one step."""


def findings_github(findings: Sequence[Finding], title: Title) -> str:
    """Return one workflow command a finding; it annotates the vendored file, as the other is not in the repository."""
    rows = [_command(finding) for finding in findings]
    rows += [
        f"::warning title={_property(title.name)}::{_data(note)}"
        for note in dict.fromkeys((*title.notes, *title.not_checked))
    ]
    return "".join(f"{row}\n" for row in rows)


def shown_commands(findings: Sequence[Finding], title: Title) -> list[str]:
    """Return the workflow commands that GitHub would show, and a line of text on those that it would not."""
    rows = []
    left = 0
    for level in LEVELS:
        chosen = [finding for finding in findings if finding.level == level]
        rows += [_command(finding) for finding in chosen[:SHOWN]]
        left += len(chosen[SHOWN:])
    rows += [f"::warning title={_property('not checked')}::{_data(reason)}" for reason in title.not_checked]
    if left:
        rows.append(f"{left} more findings without an annotation: GitHub shows {SHOWN} of each level")
    return rows


def _command(finding: Finding) -> str:
    document, line, _ = spot(finding, "base")
    file = repository_file(document)
    properties = [f"file={escaped_property(file)}"] if file else []
    if properties and line:
        properties.append(f"line={line}")
    properties.append(f"title={_property(finding.rule)}")
    text = f"{told(finding)} ({where(finding)}) {finding.extra.get('why', '')} {accepted(finding)}".strip()
    command = "notice" if accepted(finding) else _COMMANDS[finding.level]
    return f"::{command} {','.join(properties)}::{_data(text)}"


def _data(text: str) -> str:
    return one_line(text).replace("%", "%25")


def escaped_property(text: str) -> str:
    """A name as it stands, in the one line of a command: a path keeps each of its characters, line ends too."""
    coded = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return safe(coded).replace(":", "%3A").replace(",", "%2C")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
