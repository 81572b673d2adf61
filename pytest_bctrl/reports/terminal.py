"""Findings for a terminal or a log: a block a cause, which says what, where, expected, observed, and what to type."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pytest_bctrl.escaping import escape_line
from pytest_bctrl.findings.finding import LEVELS, Finding
from pytest_bctrl.reports.wording import accepted, accepted_where, counted, is_change, shown


class Row(NamedTuple):
    """A label, and what it labels."""

    label: str
    text: str

    def __str__(self) -> str:
        return f"{self.label} {self.text}" if self.label in LEVELS else f"  {self.label:<9} {self.text}"


MARKUP: Mapping[str, Mapping[str, bool]] = {
    "error": {"red": True, "bold": True},
    "warning": {"yellow": True, "bold": True},
    "info": {"cyan": True},
    "expected": {"green": True},
    "observed": {"red": True},
    "reproduce": {"bold": True},
}
"""Markup by label, in the words of pytest's `TerminalWriter`."""


def headline(findings: Sequence[Finding]) -> str:
    """One line: how many findings of which level, and the first of them."""
    first = findings[0]
    return escape_line(f"{counted(findings)}: {first.rule} at {first.location}, {first.message}")


def breach(findings: Sequence[Finding]) -> str:
    """What an error says of data that breaks the contract: the headline, and all of them below it."""
    blocks = [list(map(str, block(cause))) for cause in causes(findings).values()]
    # The headline says what the first line of a single block says.
    rows = blocks[0][1:] if len(blocks) == 1 else [row for one in blocks for row in ("", *one)]
    return "\n".join([headline(findings), *rows, ""])


def describe(findings: Sequence[Finding]) -> Iterator[str]:
    """The findings line by line, each cause once, worst level first."""
    for cause in causes(findings).values():
        yield ""
        yield from map(str, block(cause))


def causes(findings: Iterable[Finding]) -> dict[tuple[str, ...], list[Finding]]:
    """Findings by their cause, worst level first: the same rule is broken in the same way."""
    groups: dict[tuple[str, ...], list[Finding]] = {}
    for finding in sorted(findings, key=lambda finding: LEVELS.index(finding.level)):
        groups.setdefault(cause_of(finding), []).append(finding)
    return groups


def cause_of(finding: Finding) -> tuple[str, ...]:
    """What findings of one cause have in common."""
    return finding.operation, finding.level, finding.rule, finding.message, accepted(finding)


_LISTED = 20
"""Variants of a cause that are listed in a line; the reports, and -v, have all."""


def block(cause: Sequence[Finding], verbosity: int = 0, often: str = "") -> Iterator[Row]:
    """One cause in rows: its first finding, and the places and values in which the others differ from that.

    With `verbosity` 1, as of `pytest -v`, each variant has a line, with 2 no value is cut. `often` says that it comes
    and goes.
    """
    first, *others = cause
    most = 100_000 if verbosity > 1 else 600
    yield _row(first.level, f"{first.rule}: {first.message}")
    yield _row("where", where_found(first))
    for label, value in (("expected", first.expected), ("observed", first.observed)):
        yield _row(label, _value(first, value, most))
    if first.reproduce:
        yield _row("reproduce", first.reproduce)
    if first.extra.get("rerun"):
        yield _row("or", first.extra["rerun"])
    if often:
        yield _row("often", often)
    variants = list(dict.fromkeys(_variant(finding, first, most) for finding in others))
    if verbosity:
        yield from (_row("also", variant) for variant in variants)
    elif variants:
        left = len(variants) - _LISTED
        yield _row("also", "; ".join([*variants[:_LISTED], *([f"and {left} more: -v lists all"] if left > 0 else [])]))
    yield from _response(first)
    if accepted(first):
        yield _row("accepted", accepted_where(first).removeprefix("accepted "))


def _row(label: str, text: str) -> Row:
    return Row(label, escape_line(text))


def _value(finding: Finding, value: Any, most: int = 600) -> str:
    # In a comparison of two specs, nothing stands where one of them says nothing; in an answer, null is a value.
    return "nothing" if value is None and is_change(finding) else shown(value, most)


def where_found(finding: Finding) -> str:
    """The place, how many of those like it, and one of them: `…status, 1 of 5: runtimes[3] 'agent' (0b7c…)`."""
    place = finding.location
    if finding.total is not None and finding.total > 1:
        place += f", {finding.count} of {finding.total}"
    if finding.sample is None and finding.operation and not is_change(finding):
        return f"{place}, {finding.operation}"
    sample = finding.sample.get("location") if isinstance(finding.sample, dict) else None
    if item := finding.extra.get("item"):
        names = (form.format(item[key]) for key, form in (("name", "'{}'"), ("id", "({})")) if key in item)
        return " ".join([f"{place}: {item['location']}", *names])
    return f"{place}: {sample}" if sample and sample != finding.location else place


def _variant(finding: Finding, first: Finding, most: int) -> str:
    """Where else the cause shows, and what is expected or observed there, as far as that differs."""
    kind, colon, _ = first.location.partition(": ")
    place = finding.location.removeprefix(f"{kind}: ") if colon else finding.location
    parts = [] if finding.location == first.location else [place]
    for label, value, known in (
        ("observed", finding.observed, first.observed),
        ("expected", finding.expected, first.expected),
    ):
        if value != known:
            parts.append(f"{label} {_value(finding, value, min(most, 80))}")
    return ", ".join(parts) or place


def _response(finding: Finding) -> Iterator[Row]:
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
    yield _row("response", f"{text}{f': {first}' if first else ''}")
    if finding.extra.get("answered_by"):
        yield _row("from", finding.extra["answered_by"])
    if finding.extra.get("source") == "overlay":
        yield _row("rule of", "the overlay, not the published spec")


_FIRST = 100
