"""The requests to the mock and their responses, with all credentials redacted."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any, overload
from urllib.parse import unquote_plus

from pytest_bctrl.checks.violation import merge
from pytest_bctrl.findings.finding import FailOn, Finding, at_or_above
from pytest_bctrl.http.message import Headers, MockResponse, Request
from pytest_bctrl.secrets.names import is_credential_name, plain_name
from pytest_bctrl.secrets.secret import MASK, Secret

_SCHEME = re.compile(r"(basic|bearer|digest|negotiate|token) (?=.)", re.IGNORECASE)
_PAIR = re.compile(r"(?<=[?&;])([^=&;#\s]+)=([^&;#\s]+)")
_USER = re.compile(r"(?<=://)[^/?#@\s]+(?=@)")
_SHORTEST = 4
_MOST_BODY_BYTES = 64 * 1024 * 1024
_SHOWN = 30


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
    def is_refused(self) -> bool:
        """Whether the mock rejected the request; the response of a fault is not a rejection."""
        return self.status >= 400 and not self.faults

    def header(self, name: str) -> str | None:
        """Return the value of a request header by its case-insensitive name; None if it was not sent."""
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


class Journal(Sequence[JournalEntry]):
    """The exchanges since the last reset, oldest first.

    Beyond `most` exchanges, or 64 MiB of request bodies, the oldest are dropped. Redacted are `key`, and the values of
    header fields and query parameters that carry a key according to the contract (`names`) or by convention.
    """

    def __init__(self, key: Secret, most: int = 10_000, names: Iterable[str] = ()) -> None:
        self._key = key
        self._names = {plain_name(name) for name in names}
        self._most = most
        self._exchanges: deque[tuple[float, Request, MockResponse]] = deque()
        self._body_bytes = 0
        self._lock = Lock()

    def add(self, time: float, request: Request, response: MockResponse) -> None:
        """Add one exchange."""
        with self._lock:
            self._exchanges.append((time, request, response))
            self._body_bytes += len(request.body)
            while len(self._exchanges) > self._most or self._body_bytes > _MOST_BODY_BYTES:
                self._body_bytes -= len(self._exchanges.popleft()[1].body)

    def clear(self) -> None:
        """Remove all exchanges."""
        with self._lock:
            self._exchanges.clear()
            self._body_bytes = 0

    def __len__(self) -> int:
        return len(self._exchanges)

    @overload
    def __getitem__(self, index: int) -> JournalEntry: ...
    @overload
    def __getitem__(self, index: slice) -> list[JournalEntry]: ...
    def __getitem__(self, index: int | slice) -> JournalEntry | list[JournalEntry]:
        with self._lock:
            exchanges = list(self._exchanges)
        if isinstance(index, slice):
            return [self.entry(*exchange) for exchange in exchanges[index]]
        return self.entry(*exchanges[index])

    def __iter__(self) -> Iterator[JournalEntry]:
        return iter(self[:])

    def __repr__(self) -> str:
        return f"<Journal: {'; '.join(str(entry) for entry in self[-20:]) or 'no requests'}>"

    def matching(
        self, method: str | None = None, path: str | None = None, *, status: int | None = None, **headers: str
    ) -> list[JournalEntry]:
        """Return the exchanges with this method, path (with or without its query), status and request header fields.

        Header fields are named with underscores (`content_type="application/json"`). Credentials are redacted, so they
        cannot be matched.
        """
        redacted_path = None if path is None else self._hide(path)
        return [
            entry
            for entry in self
            if method in (None, entry.method)
            and redacted_path in (None, entry.path, entry.path.partition("?")[0])
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
        """Return the exchanges that match, as `matching` does; raises `AssertionError` that lists all requests.

        At least one must match, or exactly `times`.
        """
        entries = self.matching(method, path, status=status, **headers)
        if (times is None and entries) or len(entries) == times:
            return entries
        expected = f"{method or 'any method'} {path or 'any path'}"
        if status is not None:
            expected += f" -> {status}"
        expected += "".join(f" [{name.replace('_', '-')}: {value}]" for name, value in headers.items())
        often = {None: "at least once", 0: "never"}.get(times, f"{times} times")
        raise AssertionError(
            f"expected {often}: {expected}\nmatched {len(entries)} of {len(self)} requests:\n{self._listed(entries)}"
        )

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
        return "\n".join(str(entry) for entry in self.refused)

    def _listed(self, matches: list[JournalEntry]) -> str:
        """Return the latest requests, one per line; the matches are marked with `=`."""
        matching_ids = {id(entry.response) for entry in matches}
        lines = [f"{'=' if id(entry.response) in matching_ids else ' '} {entry}" for entry in self[-_SHOWN:]]
        if len(self) > _SHOWN:
            lines.insert(0, f"  … {len(self) - _SHOWN} earlier")
        return "\n".join(lines) or "  (no requests)"

    @property
    def refused(self) -> list[JournalEntry]:
        """The requests that the mock rejected, with the reason in `why`."""
        return [entry for entry in self if entry.is_refused]

    def entry(self, time: float, request: Request, response: MockResponse) -> JournalEntry:
        """Return an exchange with redacted credentials."""
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
        if not self._is_credential(name):
            return self._hide(value)
        scheme = _SCHEME.match(value)
        if scheme is None:
            return MASK
        return f"{scheme[0]}{MASK}"

    def _is_credential(self, name: str) -> bool:
        return plain_name(name) in self._names or is_credential_name(name)

    def _hide(self, text: str, values: Sequence[str] = ()) -> str:
        secrets = list(values)
        if self._key:
            secrets.append(self._key.reveal())
        for secret in secrets:
            text = text.replace(secret, MASK)
        return _USER.sub(MASK, _PAIR.sub(self._hide_pair, text))

    def _hide_pair(self, pair: re.Match[str]) -> str:
        if self._is_credential(unquote_plus(pair[1])):
            return f"{pair[1]}={MASK}"
        return pair[0]

    def _credentials(self, request: Request) -> Iterator[str]:
        """Yield the credentials of a request, which a message might repeat."""
        pairs = ((unquote_plus(name), unquote_plus(value)) for name, value in _PAIR.findall(request.target))
        for name, value in (*request.headers, *pairs):
            if self._is_credential(name) and len(value) >= _SHORTEST:
                yield value
