"""How findings are put into words, and what heads a report, the same in every format."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from pytest_bctrl.escaping import escape_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_bctrl.contract.model import Contract
    from pytest_bctrl.findings.finding import FailOn, Finding
    from pytest_bctrl.observed.coverage import Coverage


def shown(value: Any, most: int = 600) -> str:
    """Return a value as one escaped line: prose as it is, data as JSON, so many characters at most."""
    is_list = isinstance(value, list) and all(isinstance(item, str) for item in value)
    text = " | ".join(value) if is_list else _text(value)
    return escape_line(text if len(text) <= most else f"{text[:most]}… ({len(text)} characters)")


def one_line(value: Any) -> str:
    """Return a value as one escaped line, with a blank for each run of white space."""
    return escape_line(" ".join(_text(value).split()))


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    import json

    return json.dumps(value, ensure_ascii=False, default=str)


def counted(findings: Sequence[Finding]) -> str:
    """How many findings there are of each level: `2 errors, 1 warning`."""
    if not findings:
        return "no findings"
    from pytest_bctrl.findings.finding import LEVELS

    numbers = [(sum(finding.level == level for finding in findings), level) for level in LEVELS]
    return ", ".join(
        f"{number} {level}{'s' if number > 1 and level != 'info' else ''}" for number, level in numbers if number
    )


def numbered(number: int, what: str) -> str:
    """So many of what has a plural in s: `1 response`, `2 responses`."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def where(finding: Finding) -> str:
    """Operation, answer and place, as far as they are known."""
    return _place(finding.operation, finding.location, finding.extra)


def _place(operation: str, location: str, extra: Mapping[str, Any]) -> str:
    response = " ".join(str(extra[key]) for key in ("status", "media_type") if key in extra)
    if response and location.startswith(response):
        response = ""
    return one_line(" · ".join(filter(None, (operation, response, location))) or "the document")


_VALUE = 80
"""Characters of a value in a line of text."""

_SAID = frozenset({"missing", "null", "undocumented-property"})
"""Kinds of which the message, or the place, says what was seen or expected."""


def is_change(finding: Finding) -> bool:
    """Whether it is about two documents, rather than about what was seen of an answer."""
    return bool(finding.extra.get("revision"))


def told(finding: Finding, times: str = "", *, is_placed: bool = False) -> str:
    """The message, and what a check saw: `…: archived, expected active | stopped, as at runtimes[3].status`.

    `times` is put behind the message itself. A change of a document says all in its message; `is_placed`: where it
    shows is said already.
    """
    said = f"{one_line(finding.message)}{times}"
    said = f"{impact_of(finding)}: {said}" if impact_of(finding) else said
    if is_change(finding):
        said = f"{said} ({in_places(finding)})" if in_places(finding) and not is_placed else said
        return f"{said}; {shown_by(finding)}" if shown_by(finding) else said
    if finding.extra.get("kind") not in _SAID and finding.observed is not None:
        owed = "" if finding.expected is None else f", expected {shown(finding.expected, _VALUE)}"
        said = f"{said}: {shown(finding.observed, _VALUE)}{owed}"
    sample = finding.sample.get("location") if isinstance(finding.sample, dict) else None
    return f"{said}, as at {one_line(sample)}" if sample else said


def impact_of(finding: Finding) -> str:
    """What an impact run says of a change: `breaks you (tests/test_app.py::test_label: KeyError: 'paused')`."""
    impact = finding.extra.get("impact")
    if not impact:
        return ""
    tests = [f"{one['test']}: {one['line']}" for one in impact["tests"][:_FEW]]
    more = f"; and {len(impact['tests']) - _FEW} more" if len(impact["tests"]) > _FEW else ""
    said = f" ({'; '.join(tests)}{more})" if tests else ""
    return one_line(f"{impact['verdict']}{said}")


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
    return f"in {len(places)} places of {numbered(operations, 'operation')}: {'; '.join(names)}{left}"


_LONG = 30
"""Characters of a step of a pointer; the names of components are made from paths, and may have a hundred."""


def short_pointer(pointer: str) -> str:
    """A pointer whose long names are cut in their middle."""
    half = _LONG // 2 - 1
    steps = pointer.split("/")
    return "/".join(step if len(step) <= _LONG else f"{step[:half]}…{step[-half:]}" for step in steps)


class Group(NamedTuple):
    """The findings on one thing that changed: a component (by its pointer), an operation, or the document."""

    changed: str
    findings: list[Finding]

    @property
    def heading(self) -> str:
        """What changed, how badly, and once for all where it shows: `Charge: 2 errors, in 5 operations: GET /a; …`."""
        said = f"{short_pointer(self.changed) or 'the document'}: {counted(self.findings)}"
        names = self.operations
        left = f"; and {len(names) - _FEW} more" if len(names) > _FEW else ""
        if self.place:
            said += f", at {self.place}"
        elif names and names != [self.changed]:
            said += f", in {numbered(len(names), 'operation')}: {'; '.join(names[:_FEW])}{left}"
        return one_line(said)

    @property
    def place(self) -> str:
        """The one place where all of its changes show; empty where there are more."""
        places = {in_places(finding) or where(finding) for finding in self.findings}
        return where(self.findings[0]) if places == {where(self.findings[0])} else ""

    @property
    def operations(self) -> list[str]:
        """Where it shows."""
        places = [place for finding in self.findings for place in finding.extra["places"]]
        return list(dict.fromkeys(str(place["operation"]) for place in places if place["operation"]))


def grouped(findings: Sequence[Finding]) -> list[Group]:
    """Return findings by what changed, worst first; what is no change stands alone."""
    groups: dict[Any, Group] = {}
    # Not `finding.LEVELS`: that module brings dataclasses, and the gate starts without them.
    for finding in sorted(findings, key=lambda finding: ("error", "warning", "info").index(finding.level)):
        changed = finding.extra.get("changed")
        key = id(finding) if changed is None else changed
        groups.setdefault(key, Group(changed or "", [])).findings.append(finding)
    return list(groups.values())


def shown_by(finding: Finding) -> str:
    """What shows a change: an example that one document allows and the other forbids, or a proof that there is none."""
    from pytest_bctrl.contract.document import value_at

    given, is_request = finding.extra.get("shown") or {}, finding.direction == "request"
    if given.get("by") == "counterexample":
        sides = f"allowed {given['allowed']} and not {'now' if given['allowed'] == 'before' else 'before'}"
        value = value_at(given["value"], given["at"])
        whole = f" at {one_line(given['at'])} of {shown(given['value'], _VALUE)}" if given["at"] else ""
        part = f" as {one_line(given['of'])}" if given["of"] else ""
        return f"{sides}: {shown(value, _VALUE)}{whole}{part}"
    if given.get("by") == "proof":
        what, one, other = ("request", "old", "new") if is_request else ("answer", "new", "old")
        return f"proven: every {what} that the {one} spec allows keeps the {other} one"
    return "by rule" if given and finding.level == "error" else ""


def repository_file(document: str) -> str:
    """The file of the repository that a document is, also as of a revision; empty for one outside of it."""
    if document.startswith("git:"):
        return document.split(":", 2)[2]
    return "" if "://" in document or "\n" in document or Path(document).is_absolute() else document


def spot(finding: Finding, side: str) -> tuple[str, int | None, str]:
    """The document, line and pointer of the finding on one side: `base` or `revision`."""
    found = finding.extra.get(side) or {}
    return str(found.get("document", "")), found.get("line"), str(found.get("pointer", ""))


def accepted(finding: Finding) -> str:
    """Why, and until when, the finding is accepted: `accepted until 2027-01-31: the reason`; empty where it is not."""
    said = finding.extra.get("accepted")
    return one_line(f"accepted until {said['expires']}: {said['reason']}") if said else ""


def accepted_where(finding: Finding) -> str:
    """The same of a finding that is accepted, with the entry that says so: `… the reason (bctrl-baseline.yaml:2)`."""
    return one_line(f"{accepted(finding)} ({finding.extra['accepted']['where']})")


Status = Literal["passed", "failed", "not checked"]


class Title(NamedTuple):
    """The name of the report, what was held against what, what fails, and remarks of the run.

    `not_checked` says, one reason a line, what was meant to be looked at and was not; `accepted` is how many findings
    are left out of a comparison because a list accepts them.
    """

    name: str
    base: str = ""
    revision: str = ""
    fail_on: FailOn = "error"
    notes: tuple[str, ...] = ()
    not_checked: tuple[str, ...] = ()
    accepted: int = 0


Outcome = Literal["passed", "failed", "accepted", "skipped", "error", "not checked"]
"""How a test ended; `accepted`: it would have failed, and all that it found is accepted."""


class RanTest(NamedTuple):
    """One test of the run: its id, how it ended, its duration in seconds and, where it did not pass, why."""

    id: str
    outcome: Outcome
    seconds: float
    reason: str = ""


class RunReport(NamedTuple):
    """Everything that a writer is told about a run, beside findings and title.

    `target` is `mock`, `live` or empty where nothing was asked, `base_url` where that is; `started` is a time in
    ISO 8601 with its offset; `counts` has `requests`, `responses` and `bodies`. `is_complete` is false where the run
    ended before all of its tests had run, of which there are `planned`, where that is known. `shortfall` says that less
    of the contract was covered than was asked for, `undecided` that this cannot be said.
    `observation` is what was seen, as plain data.
    """

    contract: Contract
    target: str = ""
    base_url: str = ""
    upstream: str = ""
    started: str = ""
    seconds: float = 0.0
    is_complete: bool = True
    planned: int = 0
    tests: tuple[RanTest, ...] = ()
    counts: Mapping[str, int] = MappingProxyType({})
    coverage: Coverage | None = None
    shortfall: str = ""
    undecided: str = ""
    observation: Mapping[str, Any] | None = None

    def number_of(self, outcome: Outcome) -> int:
        """How many tests ended like this."""
        return sum(1 for test in self.tests if test.outcome == outcome)


class Verdict(NamedTuple):
    """The status of what was looked at, and what it rests on."""

    status: Status
    sentence: str


def verdict_of(findings: Sequence[Finding], title: Title, run: RunReport | None = None) -> Verdict:
    """Return the verdict: `failed` over `not checked` over `passed`."""
    bad, basis = that_fail(findings, title.fail_on), _basis(run)
    failed = [f"{counted(bad)} fail{'s' if len(bad) == 1 else ''} the run"] if bad else []
    if run and (number := run.number_of("failed") + run.number_of("error")):
        failed.append(f"{number} of {numbered(len(run.tests), 'test')} failed")
    short = [run.shortfall] if run and run.shortfall else []
    if failed or short:
        return Verdict("failed", sentence([*failed, *_left(run), *_skipped(run), *short]))
    if run is None:
        if title.not_checked:
            return Verdict("not checked", sentence([f"not everything could be checked: {title.not_checked[0]}"]))
    elif not run.number_of("passed") + run.number_of("accepted"):
        return Verdict("not checked", sentence(["nothing was checked", *title.not_checked[:1]]))
    elif not run.is_complete:
        why = "the run ended before everything was checked"
        return Verdict("not checked", sentence([why, *_left(run), *title.not_checked[:1], *basis]))
    elif run.number_of("not checked"):
        return Verdict("not checked", sentence([*title.not_checked[:1], *basis]))
    elif run.undecided:
        return Verdict("not checked", sentence([run.undecided, *basis]))
    found = f"{counted(findings)}, at which the run does not fail" if findings else "no findings"
    return Verdict("passed", sentence([found, *basis]))


def that_fail(findings: Sequence[Finding], fail_on: FailOn) -> list[Finding]:
    """The findings at or above a level; where nothing is found, their module is not imported either."""
    if not findings:
        return []
    from pytest_bctrl.findings.finding import at_or_above

    return at_or_above(findings, fail_on)


def _basis(run: RunReport | None) -> list[str]:
    """What a verdict of a run rests on."""
    if run is None:
        return []
    parts = [f"{run.number_of('passed')} of {numbered(len(run.tests), 'test')} passed"]
    accepted = run.number_of("accepted")
    if accepted:
        parts.append(f"what {numbered(accepted, 'test')} found is accepted")
    parts += _skipped(run)
    if run.coverage is not None and run.coverage.points:
        parts.append(f"{run.coverage.percent:.0f}% of the contract was covered")
    return parts


def _skipped(run: RunReport | None) -> list[str]:
    skipped = run.number_of("skipped") if run else 0
    return [f"{skipped} skipped"] if skipped else []


def _left(run: RunReport | None) -> list[str]:
    """How many tests did not run."""
    left = run.planned - len(run.tests) if run else 0
    return [f"{numbered(left, 'test')} did not run"] if left > 0 else []


def sentence(parts: Sequence[str]) -> str:
    """Parts as one sentence: `No findings; 2 tests passed.`"""
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}."
