"""The answer, change by change: whether it breaks the project's own code, for people and as findings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Literal, TypeAlias

from pytest_bctrl.finding import Finding, Level
from pytest_bctrl.impact.change import Change
from pytest_bctrl.impact.run import Played
from pytest_bctrl.reports.wording import one_line

Verdict: TypeAlias = Literal["breaks you", "noticed", "not noticed", "you cope", "no test of yours looks", "not played"]

ORDER: tuple[Verdict, ...] = (
    "breaks you",
    "not noticed",
    "no test of yours looks",
    "not played",
    "you cope",
    "noticed",
)
"""From what needs work to what does not."""

_LEVELS: Mapping[Verdict, Level] = {
    "breaks you": "error",
    "not noticed": "warning",
    "no test of yours looks": "warning",
}
_FEW, _SHOWN = 5, 20


class Judged:
    """One change with its verdict, and why."""

    def __init__(self, change: Change, played: Played | None, missing: str) -> None:
        self.change = change
        self.tests = sorted(played.failed, key=lambda one: one["test"]) if played else []
        self.notes = sorted(set(played.notes)) if played else []
        self.why = ""
        self.verdict: Verdict = self._verdict(played, missing)

    def _verdict(self, played: Played | None, missing: str) -> Verdict:
        is_break = self.change.kind == "break"
        if self.tests:
            return "noticed" if is_break else "breaks you"
        if self.change.play is None or played is None:
            self.why = self.change.why_not or missing
            return "not played"
        if played.looked:
            return "not noticed" if is_break else "you cope"
        if self.notes:
            self.why = self.notes[0]
            return "not played"
        self.why = "no answer that a test got has this place" if not played.reached else ""
        return "no test of yours looks"

    @property
    def finding(self) -> Finding:
        """The change as a finding, at the level of its verdict; `impact` holds verdict, tests and reason."""
        given = self.change.finding
        tests = [f"{one['test']}: {one['line']}{_at(one)}" for one in self.tests]
        impact = {"verdict": self.verdict, "why": self.why, "tests": self.tests}
        said = "; ".join([f"{self.verdict}: {given.message}", *([self.why] if self.why else []), *tests[:_FEW]])
        level = _LEVELS.get(self.verdict, "info")
        return replace(given, level=level, message=said, extra={**given.extra, "impact": impact})

    def lines(self) -> Iterator[str]:
        """What a reader is shown: the change, then each test that fails, with the first line of its failure."""
        given = self.change.finding
        place = f"{one_line(given.location)}: " if given.location else ""
        yield f"{place}{one_line(given.message)}{f' ({one_line(self.why)})' if self.why else ''}"
        for one in self.tests[:_FEW] if self.verdict == "breaks you" else ():
            yield f"  {one_line(one['test'])}: {one_line(one['line'])}{_at(one)}"
        if self.verdict == "breaks you" and len(self.tests) > _FEW:
            yield f"  … and {len(self.tests) - _FEW} more tests"


def _at(test: Mapping[str, str]) -> str:
    return f" ({test['where']})" if test["where"] else ""


def listed(judged: Sequence[Judged], *, is_long: bool) -> Iterator[tuple[str, dict[str, bool]]]:
    """Yield the lines that name each change, with their markup; what is well is left out, unless `is_long`."""
    for verdict in dict.fromkeys(one.verdict for one in judged):
        own = [one for one in judged if one.verdict == verdict]
        is_bad = verdict == "breaks you"
        if verdict in ("you cope", "noticed") and not is_long:
            continue
        yield verdict, {"bold": True, "red" if is_bad else "yellow": True}
        most = len(own) if is_long or is_bad else _SHOWN
        for one in own[:most]:
            for line in one.lines():
                yield f"  {line}", {}
        if len(own) > most:
            yield f"  … and {len(own) - most} more (-v)", {}


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
