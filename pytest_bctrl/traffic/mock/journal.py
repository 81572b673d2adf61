"""The requests to the mock and their responses."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import Condition
from typing import Any, TypeAlias, overload

from pytest_bctrl.checks.violation import merge
from pytest_bctrl.findings.finding import FailOn, Finding, at_or_above
from pytest_bctrl.http.message import Headers, MockResponse, Request
from pytest_bctrl.request_checks.redact import redact_request
from pytest_bctrl.secrets.credentials import Credentials
from pytest_bctrl.secrets.echoes import Echoes
from pytest_bctrl.secrets.secret import REDACTED
from pytest_bctrl.traffic.clock import clock
from pytest_bctrl.traffic.mock.request_filter import ANY, RequestFilter

_MOST_BODY_BYTES = 64 * 1024 * 1024
_SHOWN = 30

_Exchange: TypeAlias = tuple[float, Request, MockResponse]


@dataclass(frozen=True, slots=True, repr=False)
class JournalEntry:
    """One exchange: the request as it was received, the response, and its time in seconds since the epoch.

    `path` is the target of the request line, `why` explains a response that is not a plain success, `faults` are the
    names of the faults that changed it. `findings` are those of `pytest_bctrl.check_request` about the request. The
    text of an entry has no credentials.
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
    findings: tuple[Finding, ...] = ()
    _redact: Callable[[JournalEntry], JournalEntry] | None = field(default=None, compare=False)

    @property
    def is_rejected(self) -> bool:
        """Whether the status is 400 or above and no fault changed the response."""
        return self.status >= 400 and not self.faults

    def header(self, name: str) -> str | None:
        """Return the first value of a request header by its case-insensitive name; None if it was not sent."""
        return next((value for key, value in self.headers if key == name.lower()), None)

    def json(self) -> Any:
        """Return the request's body as JSON data."""
        return json.loads(self.body)

    def __str__(self) -> str:
        """Return one line with the request, the status, and its reason, without credentials."""
        shown = self.redacted()
        line = f"{shown.method} {shown.path} -> {shown.status}"
        notes = [note for note in (shown.why, *(f"fault {name}" for name in shown.faults)) if note]
        if notes:
            line += f" ({'; '.join(notes)})"
        return line

    def __repr__(self) -> str:
        return f"<JournalEntry: {self}>"

    def redacted(self) -> JournalEntry:
        """Return the entry without the credentials of the request."""
        return self if self._redact is None else self._redact(self)


class _Record:
    """The exchanges of a space, shared by its journal and the journals of its operations."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._exchanges: deque[_Exchange] = deque()
        self._body_bytes = 0
        self.changed = Condition()
        self.waiting = 0

    def __len__(self) -> int:
        return len(self._exchanges)

    def add(self, exchange: _Exchange) -> None:
        """Add an exchange, drop the oldest beyond the limits of count and bytes, and wake waiting threads."""
        with self.changed:
            self._exchanges.append(exchange)
            self._body_bytes += len(exchange[1].body)
            while len(self._exchanges) > self._limit or (self._body_bytes > _MOST_BODY_BYTES and len(self) > 1):
                self._body_bytes -= len(self._exchanges.popleft()[1].body)
            if self.waiting:
                self.changed.notify_all()

    def remove(self, includes: Callable[[Request], bool]) -> None:
        """Remove the exchanges whose request `includes` accepts."""
        with self.changed:
            remaining = [exchange for exchange in self._exchanges if not includes(exchange[1])]
            self._exchanges.clear()
            self._exchanges.extend(remaining)
            self._body_bytes = sum(len(exchange[1].body) for exchange in remaining)

    def exchanges(self) -> list[_Exchange]:
        """Return a copy of the list of the exchanges that are still kept, oldest first."""
        with self.changed:
            return list(self._exchanges)


def _redact_conventional(request: Request) -> tuple[Request, frozenset[str]]:
    """Return a request without the credentials that conventional names have."""
    return redact_request(request, Credentials())


def _is_any(_request: Request) -> bool:
    """Return True for every request."""
    return True


class Journal(Sequence[JournalEntry]):
    """The exchanges since the last reset, oldest first.

    Beyond `most` exchanges, or 64 MiB of request bodies, the oldest are dropped. `redact` returns a request without its
    credentials, which texts of the journal have in its place; `key` is that of the mock.
    """

    def __init__(
        self, key: str, most: int = 10_000, redact: Callable[[Request], tuple[Request, frozenset[str]]] | None = None
    ) -> None:
        self._key = key
        self._redact = redact or _redact_conventional
        self._record = _Record(most)
        self._includes: Callable[[Request], bool] = _is_any

    def of(self, includes: Callable[[Request], bool]) -> Journal:
        """Return the journal of the requests that `includes` accepts; it grows with this journal."""
        part = Journal(self._key, redact=self._redact)
        part._record, part._includes = self._record, includes
        return part

    def add(self, time: float, request: Request, response: MockResponse) -> None:
        """Add one exchange."""
        self._record.add((time, request, response))

    def clear(self) -> None:
        """Remove all exchanges of this journal."""
        self._record.remove(self._includes)

    def _exchanges(self) -> list[_Exchange]:
        """Return the exchanges whose requests belong to this journal, oldest first."""
        exchanges = self._record.exchanges()
        if self._includes is _is_any:
            return exchanges
        return [exchange for exchange in exchanges if self._includes(exchange[1])]

    def __len__(self) -> int:
        return len(self._record) if self._includes is _is_any else len(self._exchanges())

    @overload
    def __getitem__(self, index: int) -> JournalEntry: ...
    @overload
    def __getitem__(self, index: slice) -> list[JournalEntry]: ...
    def __getitem__(self, index: int | slice) -> JournalEntry | list[JournalEntry]:
        exchanges = self._exchanges()
        if isinstance(index, slice):
            return [self.entry(*exchange) for exchange in exchanges[index]]
        return self.entry(*exchanges[index])

    def __iter__(self) -> Iterator[JournalEntry]:
        return iter(self[:])

    def __repr__(self) -> str:
        return f"<Journal: {'; '.join(str(entry) for entry in self[-20:]) or 'no requests'}>"

    def matching(
        self,
        method: str | None = None,
        path: str | None = None,
        *,
        status: int | None = None,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        body: str | bytes | None = None,
        json: Any = ANY,
    ) -> list[JournalEntry]:
        """Return the exchanges with this method, path (with or without its query), status, query, header fields, body.

        `query={"limit": 5}` and `headers={"Content-Type": "application/json"}` match requests that have further
        parameters and fields. `json` is compared with the body as JSON data.
        """
        return self._matching(self._request_filter(method, path, status, query, headers, body, json))

    def _request_filter(
        self,
        method: str | None,
        path: str | None,
        status: int | None,
        query: Mapping[str, Any] | None,
        headers: Mapping[str, str] | None,
        body: str | bytes | None,
        json: Any,
    ) -> RequestFilter:
        """Return the filter for these criteria."""
        return RequestFilter(
            method,
            path,
            status,
            {} if query is None else query,
            {} if headers is None else headers,
            body,
            json,
        )

    def _matching(self, request_filter: RequestFilter) -> list[JournalEntry]:
        """Return the entries that a filter matches, oldest first."""
        return [
            entry
            for entry in self
            if request_filter.matches(entry.method, entry.path, entry.status, entry.headers, entry.body)
        ]

    def assert_requested(
        self,
        method: str | None = None,
        path: str | None = None,
        *,
        status: int | None = None,
        times: int | None = None,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        body: str | bytes | None = None,
        json: Any = ANY,
    ) -> list[JournalEntry]:
        """Return the exchanges that match, as `matching` does; raises `AssertionError` that lists the latest requests.

        At least one must match, or exactly `times`.
        """
        request_filter = self._request_filter(method, path, status, query, headers, body, json)
        entries = self._matching(request_filter)
        if (times is None and entries) or len(entries) == times:
            return entries
        often = {None: "at least once", 0: "never"}.get(times, f"{times} times")
        raise AssertionError(self._mismatch_message(f"expected {often}: {request_filter}", entries))

    def wait_for(
        self,
        method: str | None = None,
        path: str | None = None,
        *,
        status: int | None = None,
        times: int = 1,
        timeout: float = 5.0,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        body: str | bytes | None = None,
        json: Any = ANY,
    ) -> list[JournalEntry]:
        """Wait until at least `times` exchanges match, as `matching` does, and return them.

        Raises `AssertionError` that lists the latest requests if they do not arrive within `timeout` seconds.
        """
        request_filter = self._request_filter(method, path, status, query, headers, body, json)
        deadline = clock.monotonic() + timeout
        changed = self._record.changed
        with changed:
            self._record.waiting += 1
            try:
                while len(entries := self._matching(request_filter)) < times:
                    if not changed.wait(max(0.0, deadline - clock.monotonic())) and clock.monotonic() >= deadline:
                        often = "once" if times == 1 else f"{times} times"
                        expected = f"expected {often} within {timeout:g} seconds: {request_filter}"
                        raise AssertionError(self._mismatch_message(expected, self._matching(request_filter)))
            finally:
                self._record.waiting -= 1
        return entries

    def _mismatch_message(self, expected: str, entries: list[JournalEntry]) -> str:
        """Return the message of a failed assertion: the latest requests, with a mark at those that matched."""
        expected = Credentials().text(expected)
        return f"{expected}\nmatched {len(entries)} of {len(self)} requests:\n{self._listed(entries)}"

    def assert_nothing_requested(self) -> None:
        """Raise `AssertionError` if there was any request."""
        self.assert_requested(times=0)

    def assert_conforming(self, *, fail_on: FailOn = "error") -> None:
        """Raise `AssertionError`, with the findings as its message, if a request violates the contract.

        `fail_on` is the lowest level that fails: `error`, `warning` (such as a read-only property) or `info` (such as
        an undocumented query parameter). The message shows findings of lower levels too.
        """
        __tracebackhide__ = True
        # Imported here, because a mock then starts faster.
        from pytest_bctrl.reports.terminal import breach

        entries = [entry for entry in self if entry.findings]
        findings = [finding for entry in entries for finding in entry.findings]
        if not at_or_above(findings, fail_on):
            return
        lines = [f"  {entry}" for entry in entries[:_SHOWN]]
        if len(entries) > _SHOWN:
            lines.append(f"  … {len(entries) - _SHOWN} more")
        raise AssertionError("\n".join([breach(merge(findings)).rstrip(), "", "requests:", *lines]))

    def report(self) -> str:
        """Return the rejected requests as lines for the report of a test; empty if there are none."""
        return "\n".join(str(entry) for entry in self.rejected)

    def _listed(self, matches: list[JournalEntry]) -> str:
        """Return the latest requests, one per line; the matches are marked with `=`."""
        matching_ids = {id(entry.response) for entry in matches}
        lines = [f"{'=' if id(entry.response) in matching_ids else ' '} {entry}" for entry in self[-_SHOWN:]]
        if len(self) > _SHOWN:
            lines.insert(0, f"  … {len(self) - _SHOWN} earlier")
        return "\n".join(lines) or "  (no requests)"

    @property
    def rejected(self) -> list[JournalEntry]:
        """The requests that the mock rejected, with the reason in `why`."""
        return [entry for entry in self if entry.is_rejected]

    def entry(self, time: float, request: Request, response: MockResponse) -> JournalEntry:
        """Return an exchange as a journal entry."""
        return JournalEntry(
            method=request.method,
            path=request.target,
            headers=request.headers,
            body=request.body,
            time=time,
            status=response.status,
            response=response,
            why=response.why,
            faults=response.faults,
            findings=response.findings,
            _redact=self._redact_entry,
        )

    def _redact_entry(self, entry: JournalEntry) -> JournalEntry:
        """Return an entry as it is shown: without the credentials of the request, and without the key of the mock."""
        request, credentials = self._redact(Request(entry.method, entry.path, entry.headers, entry.body))
        echoes = Echoes(credentials)

        def shown(text: str) -> str:
            """Return a text without the key of the mock."""
            return text.replace(self._key, REDACTED) if self._key else text

        return replace(
            entry,
            path=shown(request.target),
            headers=tuple((name, shown(value)) for name, value in request.headers),
            body=shown(request.body.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape"),
            why=shown(echoes.text(entry.why)),
        )
