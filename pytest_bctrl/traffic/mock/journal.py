"""What the mock was asked and what it answered, with every credential hidden."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any, overload
from urllib.parse import unquote_plus

from pytest_bctrl.http.message import Headers, MockResponse, Request
from pytest_bctrl.secrets.secret import MASK, Secret

_CREDENTIAL = re.compile(
    "(x|proxy|xamz)?(auth(orization)?|cookie|credentials?|(api|access|private|secret)?key|(api|client)?secret|jwt|bearer"
    "|(access|api|auth|bearer|id|refresh|session)?token|pass(phrase|wd|word)?|pwd|session(id)?|sig(nature)?)"
)
"""Names of header fields and of query parameters whose value is hidden, whatever it is; in lower case, without - and _.
Not `pageToken` and the like, which tests assert on."""
_SCHEME = re.compile(r"(basic|bearer|digest|negotiate|token) (?=.)", re.IGNORECASE)
_PAIR = re.compile(r"(?<=[?&;])([^=&;#\s]+)=([^&;#\s]+)")
_USER = re.compile(r"(?<=://)[^/?#@\s]+(?=@)")
_SHORTEST = 4
_MOST_BODY_BYTES = 64 * 1024 * 1024
_SHOWN = 30


@dataclass(frozen=True, slots=True)
class JournalEntry:
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
    response: MockResponse
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


class Journal(Sequence[JournalEntry]):
    """The exchanges since the last reset, oldest first.

    Of more than `most`, or of more than 64 MiB of request bodies, the oldest are dropped. What is hidden are `key`, and
    the values of header fields and query parameters that carry one, by the contract (`names`) or as a custom.
    """

    def __init__(self, key: Secret, most: int = 10_000, names: Iterable[str] = ()) -> None:
        self._key = key
        self._names = {_plain(name) for name in names}
        self._most = most
        self._kept: deque[tuple[float, Request, MockResponse]] = deque()
        self._body_bytes = 0
        self._lock = Lock()

    def add(self, time: float, request: Request, response: MockResponse) -> None:
        """Write down one exchange."""
        with self._lock:
            self._kept.append((time, request, response))
            self._body_bytes += len(request.body)
            while len(self._kept) > self._most or self._body_bytes > _MOST_BODY_BYTES:
                self._body_bytes -= len(self._kept.popleft()[1].body)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._kept.clear()
            self._body_bytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    @overload
    def __getitem__(self, index: int) -> JournalEntry: ...
    @overload
    def __getitem__(self, index: slice) -> list[JournalEntry]: ...
    def __getitem__(self, index: int | slice) -> JournalEntry | list[JournalEntry]:
        with self._lock:
            kept = list(self._kept)
        if isinstance(index, slice):
            return [self.entry(*one) for one in kept[index]]
        return self.entry(*kept[index])

    def __iter__(self) -> Iterator[JournalEntry]:
        return iter(self[:])

    def __repr__(self) -> str:
        return f"<Journal: {'; '.join(str(entry) for entry in self[-20:]) or 'no requests'}>"

    def matching(
        self, method: str | None = None, path: str | None = None, *, status: int | None = None, **headers: str
    ) -> list[JournalEntry]:
        """Return the exchanges with this method, path (with or without its query), status and request header fields.

        A header field is named with underscores (`content_type="application/json"`). A credential is hidden, so it
        cannot be asked for.
        """
        shown = None if path is None else self._hide(path)
        return [
            entry
            for entry in self
            if method in (None, entry.method)
            and shown in (None, entry.path, entry.path.partition("?")[0])
            and status in (None, entry.status)
            and all(entry.header(name.replace("_", "-")) == value for name, value in headers.items())
        ]

    def assert_requested(
        self,
        method: str | None = None,
        path: str | None = None,
        *,
        status: int | None = None,
        times: int | None = None,
        **headers: str,
    ) -> list[JournalEntry]:
        """Return the exchanges that match, as `matching` does; raises `AssertionError` with what was asked instead.

        There has to be one at least, or exactly `times`.
        """
        found = self.matching(method, path, status=status, **headers)
        if (times is None and found) or len(found) == times:
            return found
        wanted = f"{method or 'any method'} {path or 'any path'}" + ("" if status is None else f" -> {status}")
        wanted += "".join(f" [{name.replace('_', '-')}: {value}]" for name, value in headers.items())
        often = "at least once" if times is None else "never" if times == 0 else f"{times} times"
        raise AssertionError(
            f"expected {often}: {wanted}\nmatched {len(found)} of {len(self)} requests:\n{self._listed(found)}"
        )

    def assert_nothing_requested(self) -> None:
        """Raise `AssertionError` where anything was asked."""
        self.assert_requested(times=0)

    def report(self) -> str:
        """Return the refused requests as lines for a test's report; empty where nothing was refused."""
        return "\n".join(str(entry) for entry in self.refused)

    def _listed(self, found: list[JournalEntry]) -> str:
        same = {id(entry.response) for entry in found}
        lines = [f"{'=' if id(entry.response) in same else ' '} {entry}" for entry in self[-_SHOWN:]]
        if len(self) > _SHOWN:
            lines.insert(0, f"  … {len(self) - _SHOWN} earlier")
        return "\n".join(lines) or "  (no requests)"

    @property
    def refused(self) -> list[JournalEntry]:
        """The requests that the mock refused, with the reason in `why`."""
        return [entry for entry in self if entry.is_refused]

    def entry(self, time: float, request: Request, response: MockResponse) -> JournalEntry:
        """Return one exchange as it is shown: credentials hidden."""
        return JournalEntry(
            method=request.method,
            path=self._hide(request.target),
            headers=tuple((name, self._hide_header(name, value)) for name, value in request.headers),
            body=request.body.replace(self._key.reveal().encode(), MASK.encode()) if self._key else request.body,
            time=time,
            status=response.status,
            response=response,
            why=self._hide(response.why, tuple(self._credentials(request)) if response.why else ()),
            faults=response.faults,
        )

    def _hide_header(self, name: str, value: str) -> str:
        if not self._is_credential(name):
            return self._hide(value)
        scheme = _SCHEME.match(value)
        return f"{scheme[0] if scheme else ''}{MASK}"

    def _is_credential(self, name: str) -> bool:
        plain = _plain(name)
        return plain in self._names or _CREDENTIAL.fullmatch(plain) is not None

    def _hide(self, text: str, values: Sequence[str] = ()) -> str:
        for value in (*values, *([self._key.reveal()] if self._key else [])):
            text = text.replace(value, MASK)
        return _USER.sub(MASK, _PAIR.sub(self._hide_pair, text))

    def _hide_pair(self, pair: re.Match[str]) -> str:
        return f"{pair[1]}={MASK}" if self._is_credential(unquote_plus(pair[1])) else pair[0]

    def _credentials(self, request: Request) -> Iterator[str]:
        """Yield the values that a reason might repeat."""
        pairs = ((unquote_plus(name), unquote_plus(value)) for name, value in _PAIR.findall(request.target))
        for name, value in (*request.headers, *pairs):
            if self._is_credential(name) and len(value) >= _SHORTEST:
                yield value


def _plain(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "")
