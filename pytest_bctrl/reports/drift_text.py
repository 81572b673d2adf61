"""Writes drift findings and their causes for a terminal or a CI log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_bctrl.contract.files import short_path
from pytest_bctrl.escaping import escape_line
from pytest_bctrl.reports.verdict import Title
from pytest_bctrl.reports.wording import (
    Group,
    accepted,
    accepted_where,
    counted,
    document_position,
    fingerprints_of,
    grouped,
    impact_of,
    in_places,
    one_line,
    short_pointer,
    shown_by,
    where,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_bctrl.findings.finding import Finding


def drift_text(findings: Sequence[Finding], title: Title) -> str:
    """Return the findings as text, worst first: the position in both documents, old and new value, and the reason.

    The findings of one component or operation have a common heading; those with a cause are grouped by it.
    """
    heading, summary = title.name, counted(findings)
    if title.base:
        heading = f"{title.name}: {short_path(title.base)} → {short_path(title.revision)}"
    if title.accepted:
        summary = f"{summary if findings else 'no new findings'}, {title.accepted} accepted"
    rows = [one_line(heading), summary]
    if title.version:
        rows.append(title.version.text)
        if title.version.evidence:
            rows.append(f"  {title.version.evidence}")
    rows += attribution_lines(findings)
    for group in grouped([finding for finding in findings if "moved" not in finding.extra]):
        rows += _group_rows(group)
    if title.not_checked:
        rows += ["", "not compared:", *(f"  {one_line(reason)}" for reason in title.not_checked)]
    if title.notes:
        rows += ["", *(f"note: {one_line(note)}" for note in title.notes)]
    return "\n".join(map(escape_line, rows)) + "\n"


def _group_rows(group: Group) -> Iterator[str]:
    """Yield the rows of a group: of its only finding, or a heading and the findings below it."""
    blocks = group.blocks
    if len(blocks) == 1:
        yield ""
        yield from _finding_rows(blocks[0], has_location=False)
        return
    yield ""
    yield group.heading
    for finding in blocks:
        yield ""
        for row in _finding_rows(finding, has_location=bool(group.location or in_places(finding))):
            yield f"  {row}"


def _finding_rows(finding: Finding, *, has_location: bool) -> list[str]:
    """Return the rows of one finding; with `has_location`, the heading shows its location already."""
    fingerprints = fingerprints_of(finding)
    rows = [f"{finding.level.upper()} {finding.rule}"]
    if len(fingerprints) > 1:
        rows[0] = f"{rows[0]} ({len(fingerprints)} findings)"
    if not has_location:
        rows.append(f"  {where(finding)}")
    rows.append(f"  {one_line(finding.message)}")
    for label, side, value in (("old", "base", finding.expected), ("new", "revision", finding.observed)):
        document, line, pointer = document_position(finding, side)
        row = f"  {label}  {one_line(f'{_line_text(document, line)} #{short_pointer(pointer)}')}"
        if value is not None:
            row = f"{row}  {_cut(one_line(value))}"
        rows.append(row)
    if impact_of(finding):
        rows.append(f"  you  {impact_of(finding)}")
    if finding.extra.get("why"):
        rows.append(f"  why  {one_line(finding.extra['why'])}")
    if in_places(finding) and not has_location:
        rows.append(f"  {in_places(finding)}")
    if shown_by(finding):
        rows.append(f"  {shown_by(finding)}")
    rows.append(f"  id   {', '.join(fingerprints)}")
    return rows


def _line_text(document: str, line: int | None) -> str:
    """Return a document and a line as text, `path:line`; the path alone if there is no line."""
    if not line:
        return short_path(document)
    return f"{short_path(document)}:{line}"


def _cut(text: str) -> str:
    """Return a text, cut to 120 characters."""
    if len(text) <= 120:
        return text
    return f"{text[:117]}..."


_MEANING = {
    "the API broke its contract": "its responses conform neither to the vendored spec nor to upstream",
    "the API is ahead of its documentation": "it sends more than the vendored spec and upstream document",
    "our copy is stale": "upstream documents the change, and the API follows upstream",
    "the documentation is ahead of the API": "upstream documents the change, but the API follows the vendored spec",
    "not enough traffic to tell": "the documents differ, and the traffic does not show which one the API follows",
}


def attribution_lines(findings: Sequence[Finding]) -> Iterator[str]:
    """Yield the lines about the findings that have a cause, grouped by cause."""
    groups: dict[str, list[Finding]] = {}
    for finding in findings:
        if "moved" in finding.extra:
            groups.setdefault(str(finding.extra["moved"]), []).append(finding)
    for name, group in groups.items():
        yield ""
        yield one_line(f"{name.upper()}: {len(group)} ({counted(group)})")
        yield f"  {_MEANING.get(name, '')}"
        for finding in group:
            yield from _attributed_rows(finding)
        for command in dict.fromkeys(str(finding.extra["next"]) for finding in group if finding.extra.get("next")):
            yield f"  next      {one_line(command)}"


def _attributed_rows(finding: Finding) -> Iterator[str]:
    """Yield the rows of a finding below the heading of its cause: what each document and the observation say."""
    yield ""
    yield f"  {finding.level} {finding.rule}"
    yield f"    {where(finding)}"
    yield f"    {one_line(finding.message)}"
    witnesses = finding.extra["witnesses"]
    for witness, side in (("vendored", "base"), ("upstream", "revision"), ("observed", "")):
        document, line, _ = document_position(finding, side)
        row = f"    {witness}  {one_line(witnesses[witness])}"
        position = one_line(_line_text(document, line))
        if position:
            row += f"  ({position})"
        yield row
    if accepted(finding):
        yield f"    accepted  {accepted_where(finding).removeprefix('accepted ')}"
    yield f"    id        {finding.fingerprint}"
