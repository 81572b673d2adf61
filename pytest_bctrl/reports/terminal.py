"""Findings for a terminal or a log: one block per cause, with location, expected and observed value, and command."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_bctrl.escaping import escape_line
from pytest_bctrl.findings.finding import LEVELS, Finding
from pytest_bctrl.reports.causes import Cause, causes
from pytest_bctrl.reports.wording import (
    accepted,
    accepted_where,
    counted,
    is_change,
    location_of_sample,
    message_with_values,
    numbered,
    shown,
    shown_value,
)

if TYPE_CHECKING:
    import pytest


class Row(NamedTuple):
    """A label and its text."""

    label: str
    text: str

    def __str__(self) -> str:
        if self.label in LEVELS:
            return f"{self.label} {self.text}"
        return f"  {self.label:<9} {self.text}"


MARKUP: Mapping[str, Mapping[str, bool]] = {
    "error": {"red": True, "bold": True},
    "warning": {"yellow": True, "bold": True},
    "info": {"cyan": True},
    "expected": {"green": True},
    "observed": {"red": True},
    "reproduce": {"bold": True},
}
"""The markup of each label, as keyword arguments of pytest's `TerminalWriter`."""

SUMMARY_MARKUP: Mapping[str, Mapping[str, bool]] = {
    **MARKUP,
    "failed": {"red": True, "bold": True},
    "passed": {"green": True, "bold": True},
    "not checked": {"yellow": True},
    "unmatched": {"yellow": True},
    "baseline": {"yellow": True},
}
"""The markup of the labels in the summary of a run."""


def write_labelled(terminal: pytest.TerminalReporter, label: str, text: str) -> None:
    """Write a line of the summary of a run: a label in its markup, and a text."""
    terminal.write(f"{label:<12} ", **SUMMARY_MARKUP.get(label, {}))
    terminal.line(escape_line(text))


def headline(findings: Sequence[Finding]) -> str:
    """Return one line: the number of findings of each level, and the first finding."""
    first = findings[0]
    return escape_line(f"{counted(findings)}: {first.rule} at {first.location}, {first.message}")


def finding_line(finding: Finding, times: str = "", *, names_operation: bool = True) -> str:
    """Return a finding as one line: `GET /a: rule at location: message: observed, expected …`.

    `times` follows the message.
    """
    line = f"{finding.rule} at {finding.location}: {message_with_values(finding, times)}"
    if names_operation:
        line = f"{finding.operation}: {line}"
    return escape_line(line)


def breach(findings: Sequence[Finding]) -> str:
    """Return the text of an error about data that breaks the contract: the headline, and the findings below it."""
    blocks = [list(map(str, block(cause))) for cause in causes(findings)]
    rows = [row for block_rows in blocks for row in ("", *block_rows)]
    if len(blocks) == 1:
        # The headline includes the first row of the only block.
        rows = blocks[0][1:]
    return "\n".join([headline(findings), *rows, ""])


def describe(findings: Sequence[Finding]) -> Iterator[str]:
    """Yield the findings line by line, each cause once, worst level first."""
    for cause in causes(findings):
        yield ""
        yield from map(str, block(cause))


_MAX_LENGTH = 600
"""Maximum length of a value without `-vv`."""

_MAX_VARIANTS = 5
"""Maximum number of variants of a cause in a line; reports and `-v` have all."""


def block(cause: Cause, verbosity: int = 0, often: str = "") -> Iterator[Row]:
    """Yield the rows of one cause: its first finding, how far it reaches, and what to do.

    With `verbosity` 1 (`pytest -v`), each location and value in which another finding differs has a row; with 2, no
    value is cut. `often` is a note that the finding is intermittent.
    """
    first = cause.first
    max_length = 100_000 if verbosity > 1 else _MAX_LENGTH
    yield _escaped_row(first.level, f"{first.rule}: {first.message}")
    yield _escaped_row("where", where_found(first))
    if len(cause.operations) > 1:
        yield _escaped_row("in", listed(cause.operations, "operation", verbosity))
    for label in ("expected", "observed"):
        yield _escaped_row(label, _value_text(first, label, max_length))
    optional = {
        "reproduce": first.reproduce,
        "or": first.extra.get("rerun"),
        "engines": ", ".join(cause.engines),
        "often": often,
    }
    yield from (_escaped_row(label, text) for label, text in optional.items() if text)
    yield from _also_rows(cause, verbosity, max_length)
    yield from _response_rows(first)
    yield from _origin_rows(cause)
    if cause.recorded_in:
        yield _escaped_row("found in", listed(cause.recorded_in, "exchange", verbosity))
    if cause.tests:
        yield _escaped_row("tests", listed(cause.tests, "test", verbosity))
    if first.extra.get("fix"):
        yield _escaped_row("fix", first.extra["fix"])
    if accepted(first):
        yield _escaped_row("accepted", accepted_where(first).removeprefix("accepted "))


def cause_row(cause: Cause, *, names_operation: bool) -> tuple[str, str]:
    """Return label and text of a cause in one line, for findings that fail nothing."""
    first = cause.first
    times = f" ({first.count} of {first.total})" if first.total else ""
    text = finding_line(first, times, names_operation=names_operation)
    reason = accepted(first).removeprefix("accepted")
    if reason:
        return "accepted", f"{text},{reason}{_further(cause)}"
    return first.level, f"{text}{_further(cause)}"


def _further(cause: Cause) -> str:
    """Return the operations of a cause if it has several, and how many more findings it has; empty without either."""
    in_operations = f" in {listed(cause.operations, 'operation')}" if len(cause.operations) > 1 else ""
    further = len(_variants(cause, _MAX_LENGTH))
    return in_operations + (f"; and {further} more, -v shows all" if further else "")


def _also_rows(cause: Cause, verbosity: int, max_length: int) -> Iterator[Row]:
    """Yield the locations and values in which findings differ from the first: in one row, or with `-v` a row each."""
    variants = _variants(cause, max_length)
    if verbosity:
        yield from (_escaped_row("also", variant) for variant in variants)
    elif variants:
        parts = variants[:_MAX_VARIANTS]
        if len(variants) > _MAX_VARIANTS:
            parts.append(f"and {len(variants) - _MAX_VARIANTS} more: -v lists all")
        yield _escaped_row("also", "; ".join(parts))


def _variants(cause: Cause, max_length: int) -> list[str]:
    """Return the different locations and values in which findings differ from the first."""
    all_variants = (_variant(finding, cause.first, max_length) for finding in cause.findings[1:])
    return list(dict.fromkeys(filter(None, all_variants)))


_FEW = 3
"""Maximum number of operations or tests in a line without `-v`."""


def listed(texts: Sequence[str], noun: str, verbosity: int = 0) -> str:
    """Return the number of texts and the first few, or all with `-v`: `4 operations: GET /a, GET /b, GET /c, …`."""
    if len(texts) == 1:
        return texts[0]
    shown_texts = texts if verbosity else texts[:_FEW]
    marks = ["…"] if len(shown_texts) < len(texts) else []
    return f"{numbered(len(texts), noun)}: {', '.join([*shown_texts, *marks])}"


def _escaped_row(label: str, text: str) -> Row:
    """Return a row with its text escaped."""
    return Row(label, escape_line(text))


def _value_text(finding: Finding, side: str, max_length: int) -> str:
    """Return the `expected` or `observed` value as text; `nothing` if one of two documents has no value."""
    value = getattr(finding, side)
    # In a comparison of two specs, None means that one has no value; in a response, it is a JSON null.
    if is_change(finding):
        return "nothing" if value is None else shown(value, max_length)
    return shown_value(value, max_length) if side == "observed" else shown(value, max_length)


def where_found(finding: Finding) -> str:
    """Return the location, the count, and a sample: `…status, 1 of 5: runtimes[3], name 'agent', id 0b7c…`."""
    text = finding.location
    if finding.total is not None and finding.total > 1:
        text += f", {finding.count} of {finding.total}"
    if finding.sample is None and finding.operation and not is_change(finding):
        return f"{text}, {finding.operation}"
    item = finding.extra.get("item")
    if item:
        text += f": {item['location']}"
        # The observed value has a row of its own.
        names = {key: str(item[key]) for key in ("name", "id") if key in item and item[key] != finding.observed}
        if "name" in names:
            text += f", name '{names['name']}'"
        if "id" in names:
            text += f", id {names['id']}"
        return text
    sample_location = location_of_sample(finding)
    if sample_location and sample_location != finding.location:
        text += f": {sample_location}"
    return text


def _variant(finding: Finding, first: Finding, max_length: int) -> str:
    """Return the location, observed and expected value of a finding, as far as they differ from the first one.

    It is empty if nothing but the operation differs.
    """
    kind, colon, _ = first.location.partition(": ")
    location = finding.location
    if colon:
        location = location.removeprefix(f"{kind}: ")
    parts = []
    if finding.location != first.location:
        parts.append(location)
    # The operations with the same status document others.
    sides = ["observed"] if finding.location == "status" else ["observed", "expected"]
    different = [side for side in sides if getattr(finding, side) != getattr(first, side)]
    parts += [f"{side} {_value_text(finding, side, min(max_length, 80))}" for side in different]
    if parts and finding.location == first.location and finding.operation != first.operation:
        parts.insert(0, f"{finding.operation}: {location}")
    return ", ".join(parts)


def _response_rows(finding: Finding) -> Iterator[Row]:
    """Yield the evidence, and the rows of an error response: its sender, and the source of the rule that it breaks."""
    for line in finding.extra.get("evidence", ()):
        yield _escaped_row("evidence", line)
    response = finding.extra.get("response", {})
    if response.get("status", 0) < 300:
        return
    headers = {name.lower(): value for name, value in response["headers"]}
    senders = [f"{name} {headers[name.lower()]}" for name in ("Server", "Via") if name.lower() in headers]
    text = ", ".join([str(response["status"]), *senders])
    body = _body_text(response["body"])
    if body:
        text = f"{text}: {body}"
    yield _escaped_row("response", text)
    if finding.extra.get("answered_by"):
        yield _escaped_row("from", finding.extra["answered_by"])
    if finding.extra.get("source") == "overlay":
        yield _escaped_row("rule of", "the overlay, not the published spec")


_MAX_LINES = 5
"""Maximum number of lines of code in a row; reports have all."""


def _origin_rows(cause: Cause) -> Iterator[Row]:
    """Yield the lines that sent the requests and registered the responses of a watched exchange."""
    origins = [origin for finding in cause.findings for origin in finding.extra.get("watched", ())]
    labels = {"sent_at": "sent at", "called_at": "called at", "registered": "mocked by"}
    for name, label in labels.items():
        values = list(dict.fromkeys(origin[name] for origin in origins if origin.get(name)))
        shown_values = values[:_MAX_LINES]
        if len(values) > _MAX_LINES:
            shown_values.append(f"and {len(values) - _MAX_LINES} more")
        if values:
            yield _escaped_row(label, "; ".join(shown_values))


_MAX_BODY = 100
"""Maximum length of the body of an error response."""


def _body_text(body: Any) -> str:
    """Return a response body as one line, cut if it is long."""
    text = " ".join(body.split()) if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    if len(text) <= _MAX_BODY:
        return text
    # Cut between words, because redaction does not recognise half a credential.
    return f"{text[:_MAX_BODY].rpartition(' ')[0]} …"
