"""Findings as plain text for a terminal or a log."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from pytest_bctrl.finding import LEVELS, Finding
from pytest_bctrl.reports.wording import counted, is_change, printable, shown


def headline(findings: Sequence[Finding]) -> str:
    """One line: how many findings of which level, and the first of them."""
    first = findings[0]
    return printable(f"{counted(findings)}: {first.rule} at {first.location}, {first.message}")


def breach(findings: Sequence[Finding]) -> str:
    """What an error says of data that breaks the contract: the headline, and all of them below it."""
    return "\n".join([headline(findings), *describe(findings), ""])


def describe(findings: Sequence[Finding]) -> Iterator[str]:
    """The findings line by line, grouped by rule, worst level first; one reproduction command a group."""
    groups: dict[tuple[str, str], list[Finding]] = {}
    for finding in sorted(findings, key=lambda finding: LEVELS.index(finding.level)):
        groups.setdefault((finding.level, finding.rule), []).append(finding)
    for (level, rule), group in groups.items():
        yield ""
        yield printable(f"{level} {rule}")
        for before, finding in zip([None, *group], group, strict=False):
            yield from _one(finding, before)
        commands = [finding.reproduce for finding in group if finding.reproduce]
        if commands:
            yield printable(f"  reproduce: {commands[0]}")


def _one(finding: Finding, before: Finding | None) -> Iterator[str]:
    # What the finding above has said of the same place, of another value, is not said again.
    is_said = before is not None and _says(before) == _says(finding)
    total = "" if finding.total is None else f"  ({finding.count} of {finding.total})"
    yield printable(f"  {finding.location}{total}")
    if not is_said:
        yield printable(f"    {finding.message}")
    # In a comparison of two specs, nothing stands where one of them says nothing; in an answer, null is a value.
    for word, value in (("expected", finding.expected), ("observed", finding.observed)):
        if is_said and word == "expected":
            continue
        yield f"    {word}  {'nothing' if value is None and is_change(finding) else shown(value)}"
    if isinstance(finding.sample, dict) and "location" in finding.sample:
        yield printable(f"    sample    {finding.sample['location']}")
    if not is_said:
        yield from _answer(finding)
    accepted = finding.extra.get("accepted")
    if accepted:
        yield printable(f"    accepted  until {accepted['expires']}: {accepted['reason']} ({accepted['where']})")


def _answer(finding: Finding) -> Iterator[str]:
    """What refused, and by whose rule that is wrong: the application, a proxy and the contract are told apart."""
    response = finding.extra.get("response", {})
    if response.get("status", 0) < 300:
        return
    headers = {name.lower(): value for name, value in response["headers"]}
    named = [f"{name} {headers[name.lower()]}" for name in ("Server", "Via") if name.lower() in headers]
    body = response["body"]
    first = " ".join(body.split()) if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    # Cut between words: half a credential is still one.
    first = first if len(first) <= _FIRST else f"{first[:_FIRST].rpartition(' ')[0]} …"
    text = ", ".join([str(response["status"]), *named])
    yield printable(f"    answer    {text}{f': {first}' if first else ''}")
    if finding.extra.get("answered_by"):
        yield printable(f"    from      {finding.extra['answered_by']}")
    if finding.extra.get("source") == "overlay":
        yield "    rule of   the overlay, not the published spec"


_FIRST = 100


def _says(finding: Finding) -> tuple[Any, ...]:
    return finding.operation, finding.location, finding.message, shown(finding.expected), finding.extra.get("file")
