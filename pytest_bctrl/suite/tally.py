"""What a contract run sent and saw, for its summary."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Tally:
    """What was sent and seen, for the summary."""

    requests: int = 0
    answers: int = 0
    bodies: int = 0

    def as_dict(self) -> dict[str, int]:
        """The tally as plain data."""
        return {"requests": self.requests, "answers": self.answers, "bodies": self.bodies}
