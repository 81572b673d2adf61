"""What the mock was asked and what it answered, with every credential hidden."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, overload

from pytest_bctrl.secret import Secret
from pytest_bctrl.traffic.mock.message import Answer, Headers, Request

MASK = "**********"

_CREDENTIALS = frozenset({"authorization", "proxy-authorization", "cookie", "x-api-key", "api-key"})
_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One exchange: the request with credentials hidden, when it was answered, and the answer.

    `time` is in seconds since the epoch. `path` is the target as it stood in the request line, `why` says in words
    why the answer is no plain success, `faults` names the faults that took part in it.
    """

    method: str
    path: str
    headers: Headers
    body: bytes
    time: float
    status: int
    answer: Answer
    why: str = ""
    faults: tuple[str, ...] = ()

    @property
    def is_refused(self) -> bool:
        """Whether the mock itself refused the request; an answer that a fault made is no refusal."""
        return self.status >= 400 and not self.faults

    def header(self, name: str) -> str | None:
        """Return a request header's value by its name in any case; None where it was not sent."""
        return next((value for key, value in self.headers if key == name.lower()), None)

    def json(self) -> Any:
        """Return the request's body as JSON data."""
        return json.loads(self.body)

    def __str__(self) -> str:
        """One line: what was asked, what came back, and why."""
        line = f"{self.method} {self.path} -> {self.status}"
        notes = [note for note in (self.why, *(f"fault {name}" for name in self.faults)) if note]
        return f"{line} ({'; '.join(notes)})" if notes else line


class Journal(Sequence[Entry]):
    """The exchanges since the last reset, oldest first; of more than 10,000 the oldest are dropped."""

    def __init__(self, key: Secret) -> None:
        self._key = key
        self._kept: deque[tuple[float, Request, Answer]] = deque(maxlen=_REMEMBERED)

    def add(self, time: float, request: Request, answer: Answer) -> None:
        """Write down one exchange."""
        self._kept.append((time, request, answer))

    def clear(self) -> None:
        """Forget everything."""
        self._kept.clear()

    def __len__(self) -> int:
        return len(self._kept)

    @overload
    def __getitem__(self, index: int) -> Entry: ...
    @overload
    def __getitem__(self, index: slice) -> list[Entry]: ...
    def __getitem__(self, index: int | slice) -> Entry | list[Entry]:
        kept = list(self._kept.copy())
        if isinstance(index, slice):
            return [self._entry(*one) for one in kept[index]]
        return self._entry(*kept[index])

    def __repr__(self) -> str:
        return f"<Journal: {'; '.join(str(entry) for entry in self[-20:]) or 'no requests'}>"

    @property
    def refused(self) -> list[Entry]:
        """The requests that the mock refused, with the reason in `why`."""
        return [entry for entry in self if entry.is_refused]

    def _entry(self, time: float, request: Request, answer: Answer) -> Entry:
        return Entry(
            method=request.method,
            path=self._hide(request.target),
            headers=tuple((name, self._hide_header(name, value)) for name, value in request.headers),
            body=self._hide_bytes(request.body),
            time=time,
            status=answer.status,
            answer=answer,
            why=answer.why,
            faults=answer.faults,
        )

    def _hide_header(self, name: str, value: str) -> str:
        if name not in _CREDENTIALS:
            return self._hide(value)
        scheme, space, token = value.partition(" ")
        return f"{scheme}{space}{MASK}" if token else MASK

    def _hide(self, text: str) -> str:
        return text.replace(self._key.reveal(), MASK) if self._key else text

    def _hide_bytes(self, data: bytes) -> bytes:
        return data.replace(self._key.reveal().encode(), MASK.encode()) if self._key else data
