"""Writes who moved: differences by the name of what happened, with what each witness says and the command to type."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_bctrl.reports.wording import counted, one_line, spot, where

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_bctrl.finding import Finding

_MEANING = {
    "the API broke its contract": "it answers what neither the vendored spec nor upstream lets a consumer expect",
    "the API is ahead of its documentation": "it sends more than the vendored spec and upstream say",
    "our copy is stale": "upstream says it, and what was seen agrees or does not contradict",
    "the documentation is ahead of the API": "upstream says it, and the API still does what the vendored spec says",
    "no witness": "the documents differ, and what was seen cannot tell who is right",
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
            yield from _one(finding)
        for command in dict.fromkeys(str(finding.extra["next"]) for finding in group if finding.extra.get("next")):
            yield f"  next      {one_line(command)}"


def _one(finding: Finding) -> Iterator[str]:
    yield ""
    yield f"  {finding.level} {finding.rule}"
    yield f"    {where(finding)}"
    yield f"    {one_line(finding.message)}"
    witnesses = finding.extra["witnesses"]
    for witness, side in (("vendored", "base"), ("upstream", "revision"), ("observed", "")):
        document, line, _ = spot(finding, side)
        place = one_line(f"{document}:{line}" if line else document)
        yield f"    {witness}  {one_line(witnesses[witness])}{f'  ({place})' if place else ''}"
    if finding.extra.get("accepted"):
        accepted = finding.extra["accepted"]
        yield f"    accepted  {one_line('until {expires}: {reason} ({where})'.format(**accepted))}"
    yield f"    id        {finding.fingerprint}"
