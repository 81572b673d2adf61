"""Texts that all report formats share: findings in words."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_bctrl.escaping import escape_line
from pytest_bctrl.files.limits import STANDARD_INPUT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pytest_bctrl.findings.finding import Finding


def shown(value: Any, max_length: int = 600) -> str:
    """Return a value as one escaped line, cut after `max_length`.

    A string is shown as it is, strings and integers in a list are joined by `|`, and anything else is JSON.
    """
    if isinstance(value, list) and {type(item) for item in value} in (set(), {str}, {int}):
        text = " | ".join(map(str, value))
    else:
        text = _as_text(value)
    if len(text) > max_length:
        text = f"{text[:max_length]}… ({len(text)} characters)"
    return escape_line(text)


def shown_value(value: Any, max_length: int = 600) -> str:
    """Return an observed value as `shown` does, but a list and an empty string as JSON."""
    if isinstance(value, list) or value == "":
        import json

        value = json.dumps(value, ensure_ascii=False, default=str)
    return shown(value, max_length)


def one_line(value: Any) -> str:
    """Return a value as one escaped line, with a single space for each run of white space."""
    return escape_line(" ".join(_as_text(value).split()))


def _as_text(value: Any) -> str:
    """Return a string as it is, and other data as JSON."""
    if isinstance(value, str):
        return value
    import json

    return json.dumps(value, ensure_ascii=False, default=str)


def counted(findings: Sequence[Finding]) -> str:
    """Return the number of findings of each level: `2 errors, 1 warning`."""
    if not findings:
        return "no findings"
    from pytest_bctrl.findings.finding import LEVELS

    parts = []
    for level in LEVELS:
        number = sum(finding.level == level for finding in findings)
        if number:
            parts.append(f"{number} info" if level == "info" else numbered(number, level))
    return ", ".join(parts)


def numbered(number: int, what: str) -> str:
    """Return a number with a noun, whose plural ends in s: `1 response`, `2 responses`."""
    if number == 1:
        return f"1 {what}"
    return f"{number} {what}s"


def duration(seconds: float) -> str:
    """Return a duration in seconds, minutes or hours: `0.4 s`, `40 s`, `3 min`, `2.5 h`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def where(finding: Finding) -> str:
    """Return the operation, response and location of a finding, as far as it has them; else `the document`."""
    return _location_text(finding.operation, finding.location, finding.extra)


def _location_text(operation: str, location: str, extra: Mapping[str, Any]) -> str:
    """Return operation, response and location as one line; `the document` if there are none."""
    response = " ".join(str(extra[key]) for key in ("status", "media_type") if key in extra)
    if response and location.startswith(response):
        response = ""
    return one_line(" · ".join(filter(None, (operation, response, location))) or "the document")


_VALUE = 80
"""Maximum length of a value in a line of text."""

_SELF_EXPLANATORY = frozenset({"missing", "null", "undocumented-property"})
"""Kinds of findings whose message or location includes the observed or expected value."""


def is_change(finding: Finding) -> bool:
    """Return whether the finding is a difference between two documents, not an observation in a response."""
    return bool(finding.extra.get("revision"))


def message_with_values(finding: Finding, times: str = "", *, has_location: bool = False) -> str:
    """Return the message and the values: `…: archived, expected active | stopped, as at runtimes[3].status`.

    `times` follows the message. The message of a change of a document has its values already. With `has_location`, the
    locations of a change are omitted, because a heading shows them.
    """
    text = f"{one_line(finding.message)}{times}"
    if impact_of(finding):
        text = f"{impact_of(finding)}: {text}"
    if is_change(finding):
        if in_places(finding) and not has_location:
            text = f"{text} ({in_places(finding)})"
        if shown_by(finding):
            text = f"{text}; {shown_by(finding)}"
        return text
    if finding.extra.get("kind") not in _SELF_EXPLANATORY and finding.observed is not None:
        text = f"{text}: {shown_value(finding.observed, _VALUE)}"
        if finding.expected is not None:
            text = f"{text}, expected {shown(finding.expected, _VALUE)}"
    sample_location = location_of_sample(finding)
    if sample_location:
        text = f"{text}, as at {one_line(sample_location)}"
    return text


def location_of_sample(finding: Finding) -> str | None:
    """Return the location of the finding's sample; None if it has no sample or the sample has no location."""
    if not isinstance(finding.sample, dict):
        return None
    location: str | None = finding.sample.get("location")
    return location


def impact_of(finding: Finding) -> str:
    """Return what an impact run found for a change, such as `fails (test_app.py::test_label: KeyError: 'paused')`.

    Empty if no impact run tried the change.
    """
    impact = finding.extra.get("impact")
    if not impact:
        return ""
    tests = [f"{test['test']}: {test['line']}" for test in impact["tests"]]
    if not tests:
        return one_line(impact["verdict"])
    return one_line(f"{impact['verdict']} ({_first_few(tests, len(tests))})")


_FEW = 3
"""Maximum number of locations or tests in a line of text; the data of the finding has all."""


def _first_few(texts: Sequence[str], number: int) -> str:
    """Return the first three of `number` texts, and how many more there are: `a; b; c; and 2 more`."""
    parts = [*texts[:_FEW]]
    if number > _FEW:
        parts.append(f"and {number - _FEW} more")
    return "; ".join(parts)


def in_places(finding: Finding) -> str:
    """Return the locations of a change with several, `in 5 places of 2 operations: GET /a · 200 · id; …`, or empty."""
    places = finding.extra.get("places", ())
    if len(places) < 2:
        return ""
    names = [_location_text(place["operation"], place["location"], place) for place in places[:_FEW]]
    operations = len({place["operation"] for place in places})
    return f"in {len(places)} places of {numbered(operations, 'operation')}: {_first_few(names, len(places))}"


_MAX_STEP = 30
"""Maximum length of a step of a pointer; names of components that are derived from paths may have a hundred."""


def short_pointer(pointer: str) -> str:
    """Return a pointer whose long steps are shortened in the middle."""
    return "/".join(map(_short_step, pointer.split("/")))


def _short_step(step: str) -> str:
    """Return a step of a pointer, shortened in the middle if it is long."""
    if len(step) <= _MAX_STEP:
        return step
    half = _MAX_STEP // 2 - 1
    return f"{step[:half]}…{step[-half:]}"


class Group(NamedTuple):
    """The findings of one component (by its pointer), one operation, or the whole document."""

    changed: str
    findings: list[Finding]

    @property
    def heading(self) -> str:
        """What changed, the levels, and the operations: `Charge: 2 errors, in 5 operations: GET /a; …`."""
        text = f"{short_pointer(self.changed) or 'the document'}: {counted(self.findings)}"
        names = self.operations
        if self.location:
            text += f", at {self.location}"
        elif names and names != [self.changed]:
            text += f", in {numbered(len(names), 'operation')}: {_first_few(names, len(names))}"
        return one_line(text)

    @property
    def location(self) -> str:
        """The location of all its changes; empty if they have several."""
        first_location = where(self.findings[0])
        if any((in_places(finding) or where(finding)) != first_location for finding in self.findings):
            return ""
        return first_location

    @property
    def blocks(self) -> list[Finding]:
        """Its findings, those that differ only in an added or removed value as one; see `in_blocks`."""
        return in_blocks(self.findings)

    @property
    def operations(self) -> list[str]:
        """The labels of the operations that its changes affect."""
        places = [place for finding in self.findings for place in finding.extra["places"]]
        return list(dict.fromkeys(str(place["operation"]) for place in places if place["operation"]))


def grouped(findings: Sequence[Finding]) -> list[Group]:
    """Return the findings grouped by what changed, worst first; a finding without that has a group of its own."""
    groups: dict[Any, Group] = {}
    # Not `finding.LEVELS`: its module imports dataclasses, which the drift gate does not need to start.
    for finding in sorted(findings, key=lambda finding: ("error", "warning", "info").index(finding.level)):
        changed = finding.extra.get("changed")
        key = changed
        if changed is None:
            key = id(finding)
        groups.setdefault(key, Group(changed or "", [])).findings.append(finding)
    return list(groups.values())


def in_blocks(findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings, those of one change at one location that differ only in a value as one.

    Twenty new values of an enum are one block, whose message has the values and whose `fingerprints` are those of all.
    """
    blocks: dict[Any, list[Finding]] = {}
    for finding in findings:
        blocks.setdefault(_block_key(finding), []).append(finding)
    return [_merged_block(members) for members in blocks.values()]


def _block_key(finding: Finding) -> Any:
    """Return what the findings of a block have in common."""
    extra = finding.extra
    value = _changed_value(finding)
    if not value or not finding.message.endswith(value):
        return id(finding)
    places = [(place["operation"], place["location"], place.get("status")) for place in extra.get("places", ())]
    positions = [_document_and_container(finding, side) for side in ("base", "revision")]
    context = [extra.get(name) for name in ("status", "media_type", "accepted", "impact", "changed", "moved")]
    head = finding.message.removesuffix(value), finding.observed is None
    return repr((finding.rule, finding.level, finding.operation, finding.location, head, places, positions, context))


def _document_and_container(finding: Finding, side: str) -> tuple[str, str]:
    """Return the document of one side, and the pointer of what contains the changed value there."""
    document, _, pointer = document_position(finding, side)
    return document, pointer.rpartition("/")[0]


def _changed_value(finding: Finding) -> str:
    """Return, as text, the value that a change adds or removes; empty if it replaces a value, or is not a change."""
    values = [value for value in (finding.expected, finding.observed) if value is not None]
    if len(values) != 1 or not is_change(finding):
        return ""
    return str(finding.extra.get("detail") or _as_text(values[0]))


_VALUES = 10
"""Maximum number of values in the message of a block."""


def _merged_block(members: Sequence[Finding]) -> Finding:
    """Return the findings of a block as one."""
    from dataclasses import replace

    first = members[0]
    if len(members) == 1:
        return first
    values = [_changed_value(member) for member in members]
    text = ", ".join(values[:_VALUES])
    if len(values) > _VALUES:
        text += f" and {len(values) - _VALUES} more"
    message = f"{first.message.removesuffix(values[0])}{text}"
    extra = {**first.extra, "fingerprints": [member.fingerprint for member in members]}
    if first.observed is None:
        return replace(first, message=message, expected=text, extra=extra)
    return replace(first, message=message, observed=text, extra=extra)


def fingerprints_of(finding: Finding) -> list[str]:
    """Return the fingerprint of a finding, or those of the findings of a block."""
    return list(finding.extra.get("fingerprints") or [finding.fingerprint])


def shown_by(finding: Finding) -> str:
    """Return the evidence for a change: an example, that there is a proof, or `by rule` for an error; else empty."""
    evidence = finding.extra.get("shown") or {}
    if evidence.get("by") == "counterexample":
        text = example_of(finding)
        if evidence["at"].count("/") > 1 or (evidence["at"] and len(evidence["value"]) > 1):
            text += f"; it is at {one_line(evidence['at'])} of {shown(evidence['value'], _VALUE)}"
        return text
    if evidence.get("by") == "proof":
        if finding.direction == "request":
            return "proven: the new spec allows every value here that the old spec allows"
        return "proven: the old spec allows every value here that the new spec allows"
    if evidence and finding.level == "error":
        return "by rule"
    return ""


def example_of(finding: Finding) -> str:
    """Return the counterexample of a change: `example: the new spec allows status "paused", which the old one rejects`.

    It is empty if the finding has none.
    """
    evidence = finding.extra.get("shown") or {}
    if evidence.get("by") != "counterexample":
        return ""
    from pytest_bctrl.contract.document import value_at

    allowing, rejecting = "new", "old"
    if evidence["allowed"] == "before":
        allowing, rejecting = rejecting, allowing
    value, pointer = evidence["value"], evidence["at"]
    name = _last_name(pointer) or one_line(evidence["of"].removeprefix("."))
    if name:
        name += " "
    text = f"example: the {allowing} spec allows {name}{_quoted_value(value_at(value, pointer))}"
    return f"{text}, which the {rejecting} one rejects"


def _last_name(pointer: str) -> str:
    """Return the last property that a pointer names, or `an item of` it; empty if there is none."""
    tokens = pointer.split("/")[1:]
    names = [token for token in tokens if not token.isdecimal()]
    if not names:
        return ""
    if names[-1] == tokens[-1]:
        return one_line(names[-1])
    return one_line(f"an item of {names[-1]}")


def _quoted_value(value: Any) -> str:
    """Return a value as one line, a string in quotes; the number of its characters if it consists of blanks."""
    if not isinstance(value, str):
        # A list of texts is shown without brackets, so that nothing would be left of an empty one.
        return shown(value, _VALUE) or "[]"
    import json

    text = json.dumps(value, ensure_ascii=False)
    if len(text) > _VALUE:
        text = f"{text[:_VALUE]}… ({len(value)} characters)"
    if value and not value.strip():
        text = f"{text} ({numbered(len(value), 'blank')})"
    return escape_line(text)


def relative_file(document: str) -> str:
    """Return the relative path in a document's name; empty for a URL, an absolute path, or standard input."""
    if document.startswith("git:"):
        return document.split(":", 2)[2]
    if document == STANDARD_INPUT or "://" in document or "\n" in document or Path(document).is_absolute():
        return ""
    return document


def document_position(finding: Finding, side: str) -> tuple[str, int | None, str]:
    """Return the document, line and pointer of the finding on one side: `base` or `revision`."""
    position = finding.extra.get(side) or {}
    return str(position.get("document", "")), position.get("line"), str(position.get("pointer", ""))


def accepted(finding: Finding) -> str:
    """Return the expiry and reason of an accepted finding, `accepted until 2027-01-31: the reason`; else empty."""
    entry = finding.extra.get("accepted")
    if not entry:
        return ""
    return one_line(f"accepted until {entry['expires']}: {entry['reason']}")


def accepted_where(finding: Finding) -> str:
    """Return expiry, reason and baseline entry of an accepted finding: `… the reason (bctrl-baseline.yaml:2)`."""
    return one_line(f"{accepted(finding)} ({finding.extra['accepted']['where']})")


def sentence(parts: Iterable[str]) -> str:
    """Return the parts as one sentence: `No findings; 2 tests passed.`"""
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}."
