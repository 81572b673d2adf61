"""The answer, change by change: whether it breaks the project's own code, for people and as findings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Literal, TypeAlias, get_args

from pytest_bctrl.finding import Finding, Level
from pytest_bctrl.impact.change import Change
from pytest_bctrl.impact.run import Played
from pytest_bctrl.reports.wording import one_line

Verdict: TypeAlias = Literal["breaks you", "not noticed", "no test of yours looks", "not played", "you cope", "noticed"]

ORDER: tuple[Verdict, ...] = get_args(Verdict)
"""From what needs work to what does not."""

_LEVELS: Mapping[Verdict, Level] = {
    "breaks you": "error",
    "not noticed": "warning",
    "no test of yours looks": "warning",
}
_FEW, _PLACES = 5, 10


class Judged:
    """One change with its verdict, and why."""

    def __init__(self, change: Change, played: Played | None, missing: str) -> None:
        self.change = change
        self.tests = sorted(played.failed, key=lambda one: one["test"]) if played else []
        self.verdict: Verdict
        self.verdict, self.why = self._verdict(played, missing)

    def _verdict(self, played: Played | None, missing: str) -> tuple[Verdict, str]:
        is_break = self.change.kind == "break"
        if self.tests:
            return "noticed" if is_break else "breaks you", ""
        if self.change.play is None or played is None:
            return "not played", self.change.why_not or missing
        if played.looked:
            return "not noticed" if is_break else "you cope", ""
        if played.notes:
            return "not played", min(played.notes)
        return "no test of yours looks", "" if played.reached else "no answer that a test got has this place"

    @property
    def finding(self) -> Finding:
        """The change as a finding, at the level of its verdict; `impact` holds verdict, tests and reason."""
        given = self.change.finding
        impact = {"verdict": self.verdict, "why": self.why, "tests": self.tests}
        return replace(given, level=_LEVELS.get(self.verdict, "info"), extra={**given.extra, "impact": impact})

    @property
    def place(self) -> str:
        """What the change is about, where its message does not say it."""
        location = one_line(self.change.finding.location)
        return "" if location in self.change.finding.message else location

    @property
    def line(self) -> str:
        """The change in a line, and why it has its verdict, where that needs a word."""
        said = f"{one_line(self.change.finding.message)}{f' ({one_line(self.why)})' if self.why else ''}"
        return f"{self.place}: {said}" if self.place else said


def listed(judged: Sequence[Judged], *, is_long: bool) -> Iterator[tuple[str, dict[str, bool]]]:
    """Yield the lines that name each change, with their markup; what is well is left out, unless `is_long`."""
    for verdict in dict.fromkeys(one.verdict for one in judged):
        own = [one for one in judged if one.verdict == verdict]
        is_bad = verdict == "breaks you"
        if verdict in ("you cope", "noticed") and not is_long:
            continue
        yield verdict, {"bold": True, "red" if is_bad else "yellow": True}
        if is_bad or is_long:
            for one in own:
                yield f"  {one.line}", {}
                yield from ((f"    {line}", {}) for line in failures(one.tests))
        else:
            lines = list(_by_place(own))
            yield from ((f"  {line}", {}) for line in lines[:_PLACES])
            if len(lines) > _PLACES:
                yield f"  … and {len(lines) - _PLACES} more places (-v)", {}


def failures(tests: Sequence[Mapping[str, str]]) -> Iterator[str]:
    """Yield the first line of each failure, where it is, and which tests fail so."""
    alike: dict[tuple[str, str], list[str]] = {}
    for one in tests:
        alike.setdefault((one["line"], one["where"]), []).append(one["test"])
    for (line, where), names in list(alike.items())[:_FEW]:
        more = f" and {len(names) - 1} more tests" if len(names) > 1 else ""
        yield f"{one_line(names[0])}{more}: {one_line(line)}{f' ({where})' if where else ''}"
    if len(alike) > _FEW:
        yield f"… and {len(alike) - _FEW} other failures"


def _by_place(judged: Sequence[Judged]) -> Iterator[str]:
    """Yield a line for each place: its change, or how many there are."""
    places: dict[str, list[Judged]] = {}
    for one in judged:
        places.setdefault(one.place or one.line, []).append(one)
    for place, own in places.items():
        yield own[0].line if len(own) == 1 else f"{place}: {len(own)} changes, such as: {own[0].change.finding.message}"


def judge(changes: Sequence[Change], played: Mapping[str, Played], missing: str) -> list[Judged]:
    """Return each change with its verdict, worst first; `missing` says why one was not played at all."""
    found = [Judged(change, played.get(change.key), missing) for change in changes]
    return sorted(found, key=lambda one: ORDER.index(one.verdict))


def noticed_percent(judged: Sequence[Judged]) -> float | None:
    """How many of the breaks that were played a test noticed, in percent; None where none was played."""
    breaks = [one for one in judged if one.change.kind == "break" and one.verdict != "not played"]
    return 100 * sum(one.verdict == "noticed" for one in breaks) / len(breaks) if breaks else None


def counts(judged: Sequence[Judged], source: str) -> Iterator[str]:
    """Yield a sentence for each kind of change: `of 7 changes upstream: 2 break you, 4 you cope with, …`."""
    words = {
        "breaks you": ("breaks you", "break you"),
        "noticed": ("is noticed", "are noticed"),
        "not noticed": ("passes unnoticed", "pass unnoticed"),
        "you cope": ("you cope with", "you cope with"),
        "no test of yours looks": ("no test of yours looks at", "no test of yours looks at"),
        "not played": ("not played", "not played"),
    }
    names = {
        "drift": (f"change in {source}", f"changes in {source}"),
        "break": ("break of the contract", "breaks of the contract"),
        "extreme": ("unusual answer that keeps it", "unusual answers that keep it"),
    }
    for kind, (name, plural) in names.items():
        own = [one.verdict for one in judged if one.change.kind == kind]
        parts = [f"{own.count(one)} {words[one][own.count(one) > 1]}" for one in ORDER if one in own]
        if own:
            yield f"of {len(own)} {plural if len(own) > 1 else name}: {', '.join(parts)}"
