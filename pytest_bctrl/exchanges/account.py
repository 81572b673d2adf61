"""Counts what became of each exchange of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, get_args

from pytest_bctrl.reports.wording import numbered

Outcome: TypeAlias = Literal["checked", "not checked", "unmatched", "unanswered", "foreign"]
"""What became of an exchange.

It was checked as a whole; a part of it was not checked; its server is one of the contract, and its operation is not; it
has no response; or its server is not one of the contract.
"""

OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)

_MAX_NOTES = 1_000
"""Maximum number of different notes per outcome; others are counted as one."""
_MAX_EXAMPLES = 100
"""Maximum number of examples per note."""


@dataclass(slots=True)
class Note:
    """A text about exchanges of one outcome: how many have it, and different examples, such as lines of tests."""

    count: int = 0
    examples: list[tuple[str, ...]] = field(default_factory=list)


class Account:
    """How many exchanges of a run have each outcome, with notes on them.

    Each exchange has one outcome, so the numbers add up to those that were sent. `operations` counts the exchanges of
    each operation that were checked, in whole or in part.
    """

    def __init__(self) -> None:
        self.counts: Counter[Outcome] = Counter()
        self.operations: Counter[str] = Counter()
        self._notes: dict[Outcome, dict[str, Note]] = {outcome: {} for outcome in OUTCOMES}

    def add(
        self, outcome: Outcome, notes: Iterable[str] = (), example: tuple[str, ...] = (), *, count: int = 1
    ) -> None:
        """Count exchanges, and notes on them, such as the reasons why parts of them were not checked."""
        self.counts[outcome] += count
        for text in notes:
            self._add_note(outcome, text, count, [example] if example else [])

    def _add_note(self, outcome: Outcome, text: str, count: int, examples: Iterable[tuple[str, ...]]) -> None:
        """Count a note; beyond the limit of different notes, count it as `others`."""
        notes = self._notes[outcome]
        if text not in notes and len(notes) >= _MAX_NOTES:
            text = "others"
        note = notes.setdefault(text, Note())
        note.count += count
        for example in examples:
            if example not in note.examples and len(note.examples) < _MAX_EXAMPLES:
                note.examples.append(example)

    def notes(self, outcome: Outcome) -> Mapping[str, Note]:
        """Return the notes on the exchanges of an outcome, by their text."""
        return self._notes[outcome]

    def replace_texts(self, redact: Callable[[str], str]) -> None:
        """Replace the texts of all notes."""
        for outcome, notes in self._notes.items():
            self._notes[outcome] = {}
            for text, note in notes.items():
                self._add_note(outcome, redact(text), note.count, note.examples)

    @property
    def sent(self) -> int:
        """The number of exchanges."""
        return self.counts.total()

    def __str__(self) -> str:
        """Return the account as part of a sentence: `3 exchanges: 2 checked, 1 unmatched`."""
        parts = [f"{self.counts[outcome]} {outcome}" for outcome in OUTCOMES if self.counts[outcome]]
        exchanges = numbered(self.sent, "exchange")
        return f"{exchanges}: {', '.join(parts)}" if parts else exchanges

    def as_data(self) -> dict[str, Any]:
        """Return the account as plain data, for `update`."""
        notes = {
            outcome: {text: [note.count, note.examples] for text, note in notes.items()}
            for outcome, notes in self._notes.items()
        }
        return {"counts": dict(self.counts), "operations": dict(self.operations), "notes": notes}

    def update(self, data: Mapping[str, Any]) -> None:
        """Add an account of other exchanges, as `as_data` returns it."""
        self.counts.update(data["counts"])
        self.operations.update(data["operations"])
        for outcome, notes in data["notes"].items():
            for text, (count, examples) in notes.items():
                self._add_note(outcome, text, count, map(tuple, examples))

    def numbers(self) -> dict[str, int]:
        """Return the number of exchanges that were sent, and of each outcome, as reports have them."""
        return {"sent": self.sent, **{outcome: self.counts[outcome] for outcome in OUTCOMES}}
