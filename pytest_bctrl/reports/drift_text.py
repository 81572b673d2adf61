"""Writes drift findings, and who moved, for a terminal or a CI log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_bctrl.contract.files import short_path
from pytest_bctrl.escaping import escape_line
from pytest_bctrl.reports.wording import (
    Title,
    accepted,
    accepted_where,
    counted,
    grouped,
    impact_of,
    in_places,
    one_line,
    short_pointer,
    shown_by,
    spot,
    where,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_bctrl.findings.finding import Finding


def drift_text(findings: Sequence[Finding], title: Title) -> str:
    """Return the findings as text, worst first: where in both documents, old against new, and why it matters.

    Several on one component or operation stand below what it is; those that say who moved are grouped by that.
    """
    sides = " → ".join(map(short_path, (title.base, title.revision)))
    none = "no new findings" if title.accepted and not findings else counted(findings)
    rows = [one_line(f"{title.name}: {sides}" if title.base else title.name)]
    rows.append(f"{none}, {title.accepted} accepted" if title.accepted else none)
    rows += moved_text(findings)
    for group in grouped([finding for finding in findings if "moved" not in finding.extra]):
        is_one = len(group.findings) == 1
        rows += [] if is_one else ["", group.heading]
        for finding in group.findings:
            said = _finding(finding, is_placed=not is_one and bool(group.place or in_places(finding)))
            rows += ["", *(f"{'' if is_one else '  '}{row}" for row in said)]
    if title.notes:
        rows += ["", *(f"note: {one_line(note)}" for note in title.notes)]
    return "\n".join(map(escape_line, rows)) + "\n"


def _finding(finding: Finding, *, is_placed: bool) -> list[str]:
    """One finding; `is_placed`: its heading says where it shows."""
    rows = [f"{finding.level.upper()} {finding.rule}"]
    rows += [] if is_placed else [f"  {where(finding)}"]
    rows.append(f"  {one_line(finding.message)}")
    for word, side, value in (("old", "base", finding.expected), ("new", "revision", finding.observed)):
        document, line, pointer = spot(finding, side)
        shown = "" if value is None else f"  {_cut(one_line(value))}"
        rows.append(one_line(f"{_place(document, line)} #{short_pointer(pointer)}").join((f"  {word}  ", shown)))
    if impact_of(finding):
        rows.append(f"  you  {impact_of(finding)}")
    if finding.extra.get("why"):
        rows.append(f"  why  {one_line(finding.extra['why'])}")
    rows += [f"  {in_places(finding)}"] if in_places(finding) and not is_placed else []
    rows += [f"  {shown_by(finding)}"] if shown_by(finding) else []
    rows.append(f"  id   {finding.fingerprint}")
    return rows


def _place(document: str, line: int | None) -> str:
    return f"{short_path(document)}:{line}" if line else short_path(document)


def _cut(text: str) -> str:
    return text if len(text) <= 120 else f"{text[:117]}..."


_MEANING = {
    "the API broke its contract": "it answers what neither the vendored spec nor upstream lets a consumer expect",
    "the API is ahead of its documentation": "it sends more than the vendored spec and upstream say",
    "our copy is stale": "upstream says it, and what was seen is as it says and not as the vendored spec does",
    "the documentation is ahead of the API": "upstream says it, and the API still does what the vendored spec says",
    "not enough traffic to tell": "the documents differ, and what was seen cannot tell who is right",
}


def moved_text(findings: Sequence[Finding]) -> Iterator[str]:
    """Yield the findings that say who moved, line by line, grouped by the name, in their order."""
    groups: dict[str, list[Finding]] = {}
    for finding in findings:
        if "moved" in finding.extra:
            groups.setdefault(str(finding.extra["moved"]), []).append(finding)
    for name, group in groups.items():
        yield ""
        yield one_line(f"{name.upper()}: {len(group)} ({counted(group)})")
        yield f"  {_MEANING.get(name, '')}"
        for finding in group:
            yield from _moved(finding)
        for command in dict.fromkeys(str(finding.extra["next"]) for finding in group if finding.extra.get("next")):
            yield f"  next      {one_line(command)}"


def _moved(finding: Finding) -> Iterator[str]:
    yield ""
    yield f"  {finding.level} {finding.rule}"
    yield f"    {where(finding)}"
    yield f"    {one_line(finding.message)}"
    witnesses = finding.extra["witnesses"]
    for witness, side in (("vendored", "base"), ("upstream", "revision"), ("observed", "")):
        document, line, _ = spot(finding, side)
        place = one_line(_place(document, line))
        yield f"    {witness}  {one_line(witnesses[witness])}{f'  ({place})' if place else ''}"
    if accepted(finding):
        yield f"    accepted  {accepted_where(finding).removeprefix('accepted ')}"
    yield f"    id        {finding.fingerprint}"
