"""How findings are put into words, the same in every format."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_bctrl.finding import Finding

# Control and bidirectional characters: upstream text may not steer a terminal, nor break XML.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


def safe(text: str) -> str:
    """The text with what would steer a terminal or break XML written out as an escape."""
    return _UNSAFE.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def one_line(value: Any) -> str:
    """A value as one line of text."""
    text = value
    if not isinstance(text, str):
        import json

        text = json.dumps(value, ensure_ascii=False, default=str)
    return safe(" ".join(text.split()))


def counted(findings: Sequence[Finding]) -> str:
    """How many findings there are of each level: `2 errors, 1 warning`."""
    if not findings:
        return "no findings"
    from pytest_bctrl.finding import LEVELS

    numbers = [(sum(finding.level == level for finding in findings), level) for level in LEVELS]
    return ", ".join(
        f"{number} {level}{'s' if number > 1 and level != 'info' else ''}" for number, level in numbers if number
    )


def where(finding: Finding) -> str:
    """Operation, answer and place, as far as they are known."""
    return _place(finding.operation, finding.location, finding.extra)


def _place(operation: str, location: str, extra: Mapping[str, Any]) -> str:
    answer = " ".join(str(extra[key]) for key in ("status", "media_type") if key in extra)
    if answer and location.startswith(answer):
        answer = ""
    return one_line(" · ".join(filter(None, (operation, answer, location))) or "the document")


_VALUE = 80
"""Characters of a value in a line of text; the finding's own data holds more of it."""

_SAID = frozenset({"missing", "null", "undocumented-property"})
"""Kinds of which the message, or the place, says what was seen or expected."""


def is_change(finding: Finding) -> bool:
    """Whether it is about two documents, rather than about what was seen of an answer."""
    return bool(finding.extra.get("revision"))


def told(finding: Finding, times: str = "") -> str:
    """The message, and what a check saw: `…: archived, expected active | stopped, as at runtimes[3].status`.

    `times` is put behind the message itself. A change of a document says all in its message.
    """
    said = f"{one_line(finding.message)}{times}"
    if is_change(finding):
        said = f"{said} ({in_places(finding)})" if in_places(finding) else said
        return f"{said}; {shown_by(finding)}" if shown_by(finding) else said
    if finding.extra.get("kind") not in _SAID and finding.observed is not None:
        owed = "" if finding.expected is None else f", expected {_value(finding.expected)}"
        said = f"{said}: {_value(finding.observed)}{owed}"
    sample = finding.sample.get("location") if isinstance(finding.sample, dict) else None
    return f"{said}, as at {one_line(sample)}" if sample else said


_FEW = 3
"""Places of a change that are written out in a line of text; its data holds all."""


def in_places(finding: Finding) -> str:
    """Where a change shows, if that is in several places: `in 5 places of 2 operations: GET /a · 200 · id; …`."""
    places = finding.extra.get("places", ())
    if len(places) < 2:
        return ""
    names = [_place(place["operation"], place["location"], place) for place in places[:_FEW]]
    left = f"; and {len(places) - _FEW} more" if len(places) > _FEW else ""
    operations = len({place["operation"] for place in places})
    of = f"{operations} operation{'s' if operations > 1 else ''}"
    return f"in {len(places)} places of {of}: {'; '.join(names)}{left}"


_PROVEN = "proven: every answer that the new spec allows keeps the old one"
_PROVEN_OF_REQUESTS = "proven: every request that the old spec allows keeps the new one"


def shown_by(finding: Finding) -> str:
    """What shows a change: an example that one document allows and the other forbids, or a proof that there is none."""
    given, is_request = finding.extra.get("shown") or {}, finding.direction == "request"
    if given.get("by") == "counterexample":
        sides = "allowed before and not now" if is_request else "allowed now and not before"
        value = given["value"]
        for token in given["at"].split("/")[1:]:
            value = value[int(token) if isinstance(value, list) else token.replace("~1", "/").replace("~0", "~")]
        whole = f" at {one_line(given['at'])} of {_value(given['value'])}" if given["at"] else ""
        part = f" as {one_line(given['of'])}" if given["of"] else ""
        return f"{sides}: {_value(value)}{whole}{part}"
    if given.get("by") == "proof":
        return _PROVEN_OF_REQUESTS if is_request else _PROVEN
    return "by rule" if given and finding.level == "error" else ""


def repository_file(document: str) -> str:
    """The file of the repository that a document is, also as of a revision; empty for one outside of it."""
    if document.startswith("git:"):
        return document.split(":", 2)[2]
    return "" if "://" in document or "\n" in document or Path(document).is_absolute() else document


def _value(value: Any) -> str:
    is_list = isinstance(value, list) and all(isinstance(item, str) for item in value)
    text = one_line(" | ".join(value) if is_list else "null" if value is None else value)
    return text if len(text) <= _VALUE else f"{text[:_VALUE]}…"


def spot(finding: Finding, side: str) -> tuple[str, int | None, str]:
    """The document, line and pointer of the finding on one side: `base` or `revision`."""
    found = finding.extra.get(side) or {}
    return str(found.get("document", "")), found.get("line"), str(found.get("pointer", ""))


def accepted(finding: Finding) -> str:
    """Why, and until when, the finding is borne: `accepted until 2027-01-31: the reason`; empty where it is not."""
    said = finding.extra.get("accepted")
    return one_line(f"accepted until {said['expires']}: {said['reason']}") if said else ""
