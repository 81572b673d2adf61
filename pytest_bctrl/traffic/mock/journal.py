"""The requests to the mock and their responses, with all credentials redacted."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from threading import Condition
from typing import Any, TypeAlias, overload
from urllib.parse import unquote_plus

from pytest_bctrl.checks.violation import merge
from pytest_bctrl.findings.finding import FailOn, Finding, at_or_above
from pytest_bctrl.http.message import Headers, MockResponse, Request
from pytest_bctrl.secrets.names import is_credential_name, plain_name
from pytest_bctrl.secrets.secret import MASK, Secret
from pytest_bctrl.traffic.clock import clock
from pytest_bctrl.traffic.mock.request_filter import ANY, RequestFilter

_SCHEME = re.compile(r"(basic|bearer|digest|negotiate|token) (?=.)", re.IGNORECASE)
_PAIR = re.compile(r"(?<=[?&;])([^=&;#\s]+)=([^&;#\s]+)")
_USER = re.compile(r"(?<=://)[^/?#@\s]+(?=@)")
_SHORTEST = 4
_MOST_BODY_BYTES = 64 * 1024 * 1024
_SHOWN = 30

_Exchange: TypeAlias = tuple[float, Request, MockResponse]


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One exchange: the request with redacted credentials, the response, and its time in seconds since the epoch.

    `path` is the target of the request line, `why` explains a response that is not a plain success, `faults` are the
    names of the faults that changed it. `findings` are those of `pytest_bctrl.check_request` about the request.
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
        """Return one line with the request, the status, and its reason."""
        line = f"{self.method} {self.path} -> {self.status}"
        notes = [note for note in (self.why, *(f"fault {name}" for name in self.faults)) if note]
        if notes:
            line += f" ({'; '.join(notes)})"
        return line


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


def _is_any(_request: Request) -> bool:
    """Return True for every request."""
    return True


class Journal(Sequence[JournalEntry]):
    """The exchanges since the last reset, oldest first.

    Beyond `most` exchanges, or 64 MiB of request bodies, the oldest are dropped. Redacted are `key`, and the values of
    header fields and query parameters that carry a key according to the contract (`names`) or by convention.
    """

    def __init__(self, key: Secret, most: int = 10_000, names: Iterable[str] = ()) -> None:
        self._key = key
        self._names = {plain_name(name) for name in names}
        self._record = _Record(most)
        self._includes: Callable[[Request], bool] = _is_any

    def of(self, includes: Callable[[Request], bool]) -> Journal:
        """Return the journal of the requests that `includes` accepts; it grows with this journal."""
        part = Journal(self._key)
        part._names, part._record, part._includes = self._names, self._record, includes
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
        parameters and fields. `json` is compared with the body as JSON data. Credentials are redacted, so they cannot
        be matched.
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
        """Return the filter for these criteria, with credentials in the path redacted as in the journal."""
        redacted_path = None if path is None else self._hide(path)
        return RequestFilter(
            method,
            redacted_path,
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
        """Return an exchange as a journal entry, with all credentials redacted."""
        credentials: tuple[str, ...] = ()
        if response.why or response.findings:
            credentials = tuple(self._credentials(request))
        return JournalEntry(
            method=request.method,
            path=self._hide(request.target),
            headers=tuple((name, self._hide_header(name, value)) for name, value in request.headers),
            body=request.body.replace(self._key.reveal().encode(), MASK.encode()) if self._key else request.body,
            time=time,
            status=response.status,
            response=response,
            why=self._hide(response.why, credentials),
            faults=response.faults,
            findings=tuple(self._without_credentials(finding, credentials) for finding in response.findings),
        )

    def _without_credentials(self, finding: Finding, credentials: Sequence[str]) -> Finding:
        """Return a finding whose texts contain no credential of the request."""

        def hidden(value: Any) -> Any:
            """Return JSON data with the credentials in all texts replaced by the mask."""
            if isinstance(value, str):
                return self._hide(value, credentials)
            if isinstance(value, list):
                return [hidden(item) for item in value]
            if isinstance(value, Mapping):
                return {hidden(key): hidden(inner) for key, inner in value.items()}
            return value

        names = ("location", "message", "expected", "observed", "sample", "extra")
        return replace(finding, **{name: hidden(getattr(finding, name)) for name in names})

    def _hide_header(self, name: str, value: str) -> str:
        """Return the value of a header field with credentials masked; of a credential field only the scheme stays."""
        if not self._is_credential(name):
            return self._hide(value)
        scheme = _SCHEME.match(value)
        if scheme is None:
            return MASK
        return f"{scheme[0]}{MASK}"

    def _is_credential(self, name: str) -> bool:
        """Return whether a header field or query parameter carries a credential, according to its name."""
        return plain_name(name) in self._names or is_credential_name(name)

    def _hide(self, text: str, values: Sequence[str] = ()) -> str:
        """Return a text with the mask for the key, `values`, and credentials in the user part and query of URLs."""
        secrets = list(values)
        if self._key:
            secrets.append(self._key.reveal())
        for secret in secrets:
            text = text.replace(secret, MASK)
        return _USER.sub(MASK, _PAIR.sub(self._hide_pair, text))

    def _hide_pair(self, pair: re.Match[str]) -> str:
        """Return a `name=value` pair of a query with its value masked if the name is that of a credential."""
        if self._is_credential(unquote_plus(pair[1])):
            return f"{pair[1]}={MASK}"
        return pair[0]

    def _credentials(self, request: Request) -> Iterator[str]:
        """Yield the credentials of a request, which a message might repeat."""
        pairs = ((unquote_plus(name), unquote_plus(value)) for name, value in _PAIR.findall(request.target))
        for name, value in (*request.headers, *pairs):
            if self._is_credential(name) and len(value) >= _SHORTEST:
                yield value
