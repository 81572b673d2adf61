"""What GitHub Actions shows: annotations beside the lines of a file, and findings in Markdown for a job summary."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from pathlib import Path

from pytest_bctrl.escaping import (
    escape_annotation,
    escape_annotation_property,
    escape_markdown,
    escape_markdown_code,
)
from pytest_bctrl.findings.finding import LEVELS, Finding
from pytest_bctrl.reports.wording import (
    RunReport,
    Title,
    accepted,
    counted,
    grouped,
    is_change,
    one_line,
    repository_file,
    spot,
    told,
    verdict_of,
    where,
)

_COMMANDS = {"error": "error", "warning": "warning", "info": "notice"}


SHOWN = 10
"""Annotations of one level that GitHub shows of one step."""


def findings_github(findings: Sequence[Finding], title: Title) -> str:
    """Return one workflow command a finding; it annotates the vendored file, as the other is not in the repository."""
    rows = [_command(finding) for finding in findings]
    rows += [
        f"::warning title={escape_annotation_property(one_line(title.name))}::{escape_annotation(one_line(note))}"
        for note in dict.fromkeys((*title.notes, *title.not_checked))
    ]
    return "".join(f"{row}\n" for row in rows)


def shown_commands(findings: Sequence[Finding], title: Title) -> list[str]:
    """Return the workflow commands that GitHub would show, and a line of text on those that it would not."""
    by_level = ([finding for finding in findings if finding.level == level] for level in LEVELS)
    rows = [_command(finding) for chosen in by_level for finding in chosen[:SHOWN]]
    left = len(findings) - len(rows)
    rows += [f"::warning title=not checked::{escape_annotation(one_line(reason))}" for reason in title.not_checked]
    if left:
        rows.append(f"{left} more findings without an annotation: GitHub shows {SHOWN} of each level")
    return rows


def _command(finding: Finding) -> str:
    document, line, _ = spot(finding, "base")
    # That of an answer is the file that holds it, wherever it lies.
    file = str(finding.extra.get("file", "")) or repository_file(document)
    properties = [f"file={escape_annotation_property(file)}"] if file else []
    if properties and line:
        properties.append(f"line={line}")
    properties.append(f"title={escape_annotation_property(one_line(finding.rule))}")
    text = f"{told(finding)} ({where(finding)}) {finding.extra.get('why', '')} {accepted(finding)}".strip()
    command = "notice" if accepted(finding) else _COMMANDS[finding.level]
    return f"::{command} {','.join(properties)}::{escape_annotation(one_line(text))}"


LIMIT = 1024 * 1024
"""Bytes of one step's job summary, a mebibyte; of a larger one GitHub shows nothing."""

_HEADINGS = {"error": "Breaks a consumer", "warning": "May break a consumer", "info": "For your information"}
_MARKS = {"passed": "✅", "failed": "❌", "not checked": "⚠️"}
_CUT = "{left} of {all} findings are not shown here, for want of room."


def findings_markdown(
    findings: Sequence[Finding], title: Title, run: RunReport | None = None, limit: int | None = None
) -> str:
    """Return the findings as Markdown: the verdict, one table a level, what was not checked.

    Several on one component or operation have a table of their own, at the level of the worst. With a `limit`, in
    bytes, findings that do not fit are left out, lowest level first, and their number is reported.
    """
    head, tail = _head(findings, title, run), _tail(title)
    room = inf if limit is None else limit - _size([*head, "", _CUT.format(left=0, all=len(findings)), *tail]) - 40
    rows: list[str] = []
    shown = 0
    for level in LEVELS:
        groups = [group for group in grouped(findings) if group.findings[0].level == level]
        heading = ["", f"### {_HEADINGS[level]}"]
        alone = [group.findings[0] for group in groups if len(group.findings) == 1]
        tables = [("", alone), *((group.heading, group.findings) for group in groups if len(group.findings) > 1)]
        for said, chosen in tables:
            has_lines = any(map(is_change, chosen))
            columns = ["what", *([] if said else ["where"]), *(["lines"] if has_lines else []), "rule"]
            table = [*heading, *(["", f"#### {_plain(said)}"] if said else [])]
            table += ["", f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
            for number, finding in enumerate(chosen):
                added = [*([] if number else table), _row(finding, has_lines=has_lines, is_grouped=bool(said))]
                room -= _size(added)
                if room < 0:
                    break
                rows += added
                heading = []
                shown += 1
    if shown < len(findings):
        rows += ["", _CUT.format(left=len(findings) - shown, all=len(findings))]
    return "\n".join([*head, *rows, *tail]) + "\n"


def append_summary(path: Path, findings: Sequence[Finding], title: Title, run: RunReport | None = None) -> None:
    """Append the findings to a job summary, as many as there is room for. Raises `OSError` where it cannot be written.

    What does not fit is counted in the summary itself.
    """
    there = path.stat().st_size if path.exists() else 0
    text = findings_markdown(findings, title, run, limit=LIMIT - there - 1)
    with path.open("a", encoding="utf-8", newline="\n") as file:
        file.write(f"\n{text}" if there else text)


def _head(findings: Sequence[Finding], title: Title, run: RunReport | None) -> list[str]:
    verdict = verdict_of(findings, title, run)
    rows = [f"## {_plain(title.name)}: {counted(findings)}"]
    rows += ["", f"{_MARKS[verdict.status]} **{verdict.status.capitalize()}.** {_plain(verdict.sentence)}"]
    if title.base:
        rows += ["", f"{_code(title.base)} → {_code(title.revision)}"]
    return rows


def _tail(title: Title) -> list[str]:
    rows: list[str] = []
    if title.not_checked:
        rows += ["", "### Not checked", "", *(f"- {_plain(reason)}" for reason in title.not_checked)]
    remarks = [note for note in title.notes if note not in title.not_checked]
    if remarks:
        rows += ["", *(f"- {_plain(note)}" for note in remarks)]
    return rows


def _size(rows: Sequence[str]) -> int:
    return sum(len(row.encode()) + 1 for row in rows)


def _row(finding: Finding, *, has_lines: bool, is_grouped: bool) -> str:
    """One row; the heading of a group says where its changes show, and not how bad each is."""
    lines = " → ".join(str(spot(finding, side)[1] or "-") for side in ("base", "revision"))
    times = "" if finding.total is None else f" ({finding.count} of {finding.total})"
    suppressed = f" *{_plain(accepted(finding))}.*" if accepted(finding) else ""
    said = f"{finding.level}: {told(finding, times, is_placed=True)}" if is_grouped else told(finding, times)
    what = f"{_plain(said)}. {_plain(str(finding.extra.get('why', '')))}".strip() + suppressed
    prints = f" {_code(finding.fingerprint)}" if finding.fingerprint else ""
    cells = [what, *([] if is_grouped else [_code(where(finding))]), *([lines] if has_lines else [])]
    return f"| {' | '.join([*cells, f'{_code(finding.rule)}{prints}'])} |"


def _plain(text: str) -> str:
    return escape_markdown(one_line(text))


def _code(text: str) -> str:
    return escape_markdown_code(one_line(text))
