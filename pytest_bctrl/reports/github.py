"""Writes findings for GitHub Actions: annotations of the lines of a file, and Markdown for a job summary."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import inf
from pathlib import Path

from pytest_bctrl.escaping import (
    escape_annotation,
    escape_annotation_property,
    escape_markdown,
    escape_markdown_code,
)
from pytest_bctrl.findings.finding import LEVELS, Finding
from pytest_bctrl.reports.verdict import RunReport, Title, verdict_of
from pytest_bctrl.reports.wording import (
    accepted,
    counted,
    document_position,
    fingerprints_of,
    grouped,
    in_blocks,
    is_change,
    message_with_values,
    one_line,
    relative_file,
    sentence,
    where,
)

_COMMANDS = {"error": "error", "warning": "warning", "info": "notice"}


SHOWN = 10
"""Maximum number of annotations of one level that GitHub shows for one step."""


def findings_github(findings: Sequence[Finding], title: Title) -> str:
    """Return a workflow command per block of findings, which annotates the file of `title.side`, and per note."""
    rows = [_annotation_command(finding, title) for finding in in_blocks(findings)]
    rows += [
        f"::warning title={escape_annotation_property(one_line(title.name))}::{escape_annotation(one_line(note))}"
        for note in dict.fromkeys((*title.notes, *title.not_checked))
    ]
    return "".join(f"{row}\n" for row in rows)


def shown_commands(findings: Sequence[Finding], title: Title) -> list[str]:
    """Return the workflow commands that GitHub shows, and a line with the number of those that it does not."""
    rows: list[str] = []
    blocks = in_blocks(findings)
    for level in LEVELS:
        same_level = [finding for finding in blocks if finding.level == level]
        rows += [_annotation_command(finding, title) for finding in same_level[:SHOWN]]
    omitted = len(blocks) - len(rows)
    rows += [f"::warning title=not checked::{escape_annotation(one_line(reason))}" for reason in title.not_checked]
    if omitted:
        rows.append(f"{omitted} more findings without an annotation: GitHub shows {SHOWN} of each level")
    return rows


def _annotation_command(finding: Finding, title: Title) -> str:
    """Return the workflow command that annotates a line with a finding."""
    document, line, _ = document_position(finding, title.side)
    # A finding in a response names the file that contains the response.
    file = str(finding.extra.get("file", "")) or relative_file(document)
    properties = []
    if file:
        properties.append(f"file={escape_annotation_property(file)}")
        if line:
            properties.append(f"line={line}")
    properties.append(f"title={escape_annotation_property(one_line(finding.rule))}")
    text = (
        f"{message_with_values(finding)} ({where(finding)}) {finding.extra.get('why', '')} {accepted(finding)}".strip()
    )
    command = "notice" if accepted(finding) else _COMMANDS[finding.level]
    return f"::{command} {','.join(properties)}::{escape_annotation(one_line(text))}"


LIMIT = 1024 * 1024
"""Maximum size of one step's job summary in bytes; GitHub does not show a larger one."""

_HEADINGS = {"error": "Breaks a consumer", "warning": "May break a consumer", "info": "For your information"}
_MARKS = {"passed": "✅", "failed": "❌", "not checked": "⚠️"}
_CUT = "{omitted} of {all} findings are not shown, because of the size limit of a job summary."


def findings_markdown(
    findings: Sequence[Finding], title: Title, run: RunReport | None = None, limit: int | None = None
) -> str:
    """Return the findings as Markdown: the verdict, one table per level, and what was not checked.

    The findings of one component or operation have a separate table, under the level of the worst. With a `limit` in
    bytes, findings that do not fit are omitted, lowest level first, and their number is reported.
    """
    head, tail = _head_lines(findings, title, run), _tail_lines(title)
    room = inf
    if limit is not None:
        room = limit - _byte_count([*head, "", _CUT.format(omitted=0, all=len(findings)), *tail]) - 40
    rows: list[str] = []
    shown = 0
    for level in LEVELS:
        groups = [group for group in grouped(findings) if group.findings[0].level == level]
        heading = ["", f"### {_HEADINGS[level]}"]
        ungrouped = [group.blocks[0] for group in groups if len(group.blocks) == 1]
        tables = [("", ungrouped), *((group.heading, group.blocks) for group in groups if len(group.blocks) > 1)]
        for group_heading, members in tables:
            has_lines = any(map(is_change, members))
            table_head = [*heading, *_table_head(group_heading, has_lines=has_lines)]
            for finding in members:
                added = [*table_head, _table_row(finding, has_lines=has_lines, is_grouped=bool(group_heading))]
                room -= _byte_count(added)
                if room < 0:
                    break
                rows += added
                heading, table_head = [], []
                shown += len(fingerprints_of(finding))
    if shown < len(findings):
        rows += ["", _CUT.format(omitted=len(findings) - shown, all=len(findings))]
    return "\n".join([*head, *rows, *tail]) + "\n"


def _table_head(group_heading: str, *, has_lines: bool) -> Iterator[str]:
    """Yield the heading of a table, if it has one, and its first two rows."""
    if group_heading:
        yield ""
        yield f"#### {_markdown_text(group_heading)}"
    columns = ["what"]
    if not group_heading:
        columns.append("where")
    if has_lines:
        columns.append("lines")
    columns.append("rule")
    yield ""
    yield f"| {' | '.join(columns)} |"
    yield f"|{'---|' * len(columns)}"


def append_summary(path: Path, findings: Sequence[Finding], title: Title, run: RunReport | None = None) -> None:
    """Append the findings to a job summary, up to its size limit. Raises `OSError` if it cannot be written.

    The summary itself says how many findings were omitted.
    """
    size = path.stat().st_size if path.exists() else 0
    text = findings_markdown(findings, title, run, limit=LIMIT - size - 1)
    if size:
        text = f"\n{text}"
    with path.open("a", encoding="utf-8", newline="\n") as file:
        file.write(text)


def _head_lines(findings: Sequence[Finding], title: Title, run: RunReport | None) -> list[str]:
    """Return the lines before the tables: heading, verdict, documents and version."""
    verdict = verdict_of(findings, title, run)
    rows = [f"## {_markdown_text(title.name)}: {counted(findings)}"]
    rows += ["", f"{_MARKS[verdict.status]} **{verdict.status.capitalize()}.** {_markdown_text(verdict.sentence)}"]
    if title.base:
        rows += ["", f"{_markdown_code(title.base)} → {_markdown_code(title.revision)}"]
    if title.version:
        rows += ["", f"{_markdown_text(sentence(filter(None, [title.version.text, title.version.evidence])))}"]
    return rows


def _tail_lines(title: Title) -> list[str]:
    """Return the lines after the tables: what was not checked, and notes."""
    rows: list[str] = []
    if title.not_checked:
        rows += ["", "### Not checked", "", *(f"- {_markdown_text(reason)}" for reason in title.not_checked)]
    remarks = [note for note in title.notes if note not in title.not_checked]
    if remarks:
        rows += ["", *(f"- {_markdown_text(note)}" for note in remarks)]
    return rows


def _byte_count(rows: Sequence[str]) -> int:
    """Return the size of rows in bytes, line ends included."""
    return sum(len(row.encode()) + 1 for row in rows)


def _table_row(finding: Finding, *, has_lines: bool, is_grouped: bool) -> str:
    """Return the row of a finding; in a group, the heading has the location but not the level of each finding."""
    times = "" if finding.total is None else f" ({finding.count} of {finding.total})"
    text = message_with_values(finding, times, has_location=is_grouped)
    if is_grouped:
        text = f"{finding.level}: {text}"
    text = f"{_markdown_text(text)}. {_markdown_text(str(finding.extra.get('why', '')))}".strip()
    if accepted(finding):
        text += f" *{_markdown_text(accepted(finding))}.*"
    cells = [text]
    if not is_grouped:
        cells.append(_markdown_code(where(finding)))
    if has_lines:
        cells.append(" → ".join(str(document_position(finding, side)[1] or "-") for side in ("base", "revision")))
    rule = " ".join(map(_markdown_code, [finding.rule, *fingerprints_of(finding)]))
    return f"| {' | '.join([*cells, rule])} |"


def _markdown_text(text: str) -> str:
    """Return a text as one escaped line of Markdown."""
    return escape_markdown(one_line(text))


def _markdown_code(text: str) -> str:
    """Return a text as inline code of Markdown."""
    return escape_markdown_code(one_line(text))
