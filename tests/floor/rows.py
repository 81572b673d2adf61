"""A detection as a row, and the comparison of the rows of two revisions."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple


class Detection(NamedTuple):
    """One detection in one input. For a fact such as an exit code, `rule` is its name and `level` its value."""

    section: str
    input: str
    rule: str
    level: str
    location: str


class DetectionChanges(NamedTuple):
    """The rows that are only in the base, only in the new revision, and those whose level differs, as (old, new)."""

    lost: list[Detection]
    gained: list[Detection]
    changed: list[tuple[Detection, Detection]]

    @property
    def holds(self) -> bool:
        """Whether nothing is lost and nothing is changed."""
        return not self.lost and not self.changed


def write(path: Path, rows: Iterable[Detection]) -> None:
    """Write rows to a file, one line of JSON each, sorted."""
    path.write_text("".join(f"{json.dumps(row)}\n" for row in sorted(rows)), "utf-8")


def read(path: Path) -> list[Detection]:
    """Return the rows of a file."""
    return [Detection(*json.loads(line)) for line in path.read_text("utf-8").splitlines()]


def compare(base: Iterable[Detection], new: Iterable[Detection]) -> DetectionChanges:
    """Compare the rows of two revisions; equal rows count as often as they occur."""
    before, after = Counter(base), Counter(new)
    lost, gained = sorted((before - after).elements()), sorted((after - before).elements())
    unpaired: dict[Detection, list[Detection]] = {}
    for row in gained:
        unpaired.setdefault(row._replace(level=""), []).append(row)
    changed = []
    for row in list(lost):
        if candidates := unpaired.get(row._replace(level="")):
            replacement = candidates.pop(0)
            changed.append((row, replacement))
            lost.remove(row)
            gained.remove(replacement)
    return DetectionChanges(lost, gained, changed)


def report(base: list[Detection], new: list[Detection], details: Path, shown: int = 20) -> tuple[str, bool]:
    """Return the comparison as text, and whether it holds; all differences are written to the file `details`."""
    comparison = compare(base, new)
    heads = f"{'section':<12}{'inputs':>8}{'base':>9}{'new':>9}{'lost':>8}{'gained':>8}{'changed':>8}"
    lines = [heads, *(_counts(section, base, new, comparison) for section in _sections(base, new))]
    kinds = {
        "lost": [_shown(row) for row in comparison.lost],
        "changed": [f"{_shown(old)} -> {new.level}" for old, new in comparison.changed],
        "gained": [_shown(row) for row in comparison.gained],
    }
    details.write_text("".join(f"{kind}\t{line}\n" for kind, texts in kinds.items() for line in texts), "utf-8")
    for kind, texts in kinds.items():
        lines += [f"{kind}: {text}" for text in texts[:shown]]
        if len(texts) > shown:
            lines.append(f"{kind}: … {len(texts) - shown} more in {details}")
    return "\n".join(lines), comparison.holds


def _sections(*of_revisions: list[Detection]) -> list[str]:
    """Return the sections of all rows in alphabetical order."""
    return sorted({row.section for rows in of_revisions for row in rows})


def _counts(section: str, base: list[Detection], new: list[Detection], comparison: DetectionChanges) -> str:
    """Return the line of a section in the table."""
    of_base = [row for row in base if row.section == section]
    of_new = [row for row in new if row.section == section]
    inputs = len({row.input for row in [*of_base, *of_new]})
    lost = sum(row.section == section for row in comparison.lost)
    gained = sum(row.section == section for row in comparison.gained)
    changed = sum(old.section == section for old, _ in comparison.changed)
    return f"{section:<12}{inputs:>8}{len(of_base):>9}{len(of_new):>9}{lost:>8}{gained:>8}{changed:>8}"


def _shown(row: Detection) -> str:
    """Return a row as one line."""
    return f"{row.section} | {row.input} | {row.level} {row.rule} at {row.location or '-'}"
