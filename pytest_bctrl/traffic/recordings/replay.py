"""Records and replays: the recorded answer by method, path and query, the last one repeating; and what gives it.

That are httpx transports, and functions with which a listener answers on a port, for any client in any language.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from threading import Lock
from types import MappingProxyType
from typing import TypeAlias
from urllib.parse import parse_qsl, unquote, urlsplit

import httpx

from pytest_bctrl.errors import BctrlError
from pytest_bctrl.http.message import MockResponse, Payload, Request
from pytest_bctrl.traffic.mock.scenarios import Scenario
from pytest_bctrl.traffic.recordings.exchange import BODILESS, RESPONSE, Exchange, select_headers

Key: TypeAlias = tuple[str, tuple[str, ...], tuple[tuple[str, str], ...]]


def key_of(method: str, target: str) -> Key:
    """Return what two requests have in common that get the same answer.

    Segments and query are compared decoded; the order of different query names does not count, that of the values
    of one name does.
    """
    path, _, query = _target(target).partition("?")
    segments = tuple(unquote(segment) for segment in path.split("/"))
    pairs = sorted(parse_qsl(query, keep_blank_values=True), key=lambda pair: pair[0])
    return method.upper(), segments, tuple(pairs)


@dataclass(frozen=True, slots=True)
class Miss:
    """A request that nothing answers; its text tells what is recorded, what is nearest, and how to record it."""

    text: str


class Player:
    """Plays the exchanges of one test; safe to use from several threads.

    `hint` is the command that records them, `redact` masks what must not be shown of a request that nobody recorded,
    `same` has path segments that may stand for recorded ones.
    """

    def __init__(
        self,
        exchanges: Sequence[Exchange],
        *,
        name: str,
        hint: str,
        redact: Callable[[str], str] = str,
        same: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.exchanges = tuple(exchanges)
        self._name = name
        self._hint = hint
        self._redact = redact
        self._same = same
        self._lock = Lock()
        self._turns: dict[Key, deque[Exchange]] = {}
        for exchange in exchanges:
            self._turns.setdefault(key_of(exchange.method, exchange.target), deque()).append(exchange)
        self._bases = sorted({one.base_path for one in exchanges if one.base_path}, key=len, reverse=True)
        self._used: set[int] = set()
        self._misses: list[Miss] = []

    def response(self, method: str, target: str) -> Exchange | Miss:
        """Return the recorded exchange whose turn it is, or a `Miss`, which is remembered; never raises."""
        key = self._known(method, target)
        with self._lock:
            turns = self._turns.get(key)
            if turns is not None:
                found = turns.popleft() if len(turns) > 1 else turns[0]
                self._used.add(id(found))
                if found.is_complete:
                    return found
            miss = Miss(self._explained(method, target, known=turns is not None))
            self._misses.append(miss)
            return miss

    def _known(self, method: str, target: str) -> Key:
        """The key of a request, which may have the recorded base path or not, and the run's space for the recorded."""
        below = (_target(target).removeprefix(base) for base in self._bases)
        keys = [key_of(method, target), *(key_of(method, one) for one in below if one.startswith("/"))]
        keys += [(verb, tuple(self._same.get(one, one) for one in path), query) for verb, path, query in keys]
        return next((key for key in keys if key in self._turns), keys[0])

    @property
    def misses(self) -> tuple[Miss, ...]:
        """The requests that nothing answered."""
        with self._lock:
            return tuple(self._misses)

    @property
    def unused(self) -> tuple[Exchange, ...]:
        """The exchanges that no request asked for."""
        with self._lock:
            return tuple(one for one in self.exchanges if id(one) not in self._used)

    def _explained(self, method: str, target: str, *, known: bool) -> str:
        lost = "the recorded answer has no body: the tool that wrote the file did not save it"
        lines = [f"{self._name}: {lost if known else 'no answer is recorded for this request'}"]
        lines.append(f"  asked     {self._redact(f'{method} {_target(target)}')}")
        recorded = list(dict.fromkeys(f"{one.method} {one.target}" for one in self.exchanges))
        shown = [self._redact(line) for line in recorded[:_SHOWN]] or ["nothing"]
        shown += [f"… and {len(recorded) - _SHOWN} more"] if len(recorded) > _SHOWN else []
        lines += [f"  {'' if number else 'recorded':<8}  {line}" for number, line in enumerate(shown)]
        if recorded and not known:
            lines.append(f"  nearest   {self._redact(_nearest(method, target, self.exchanges))}")
        lines.append(f"  record it {self._hint}")
        lines.append("            without --bctrl-live it is recorded from the mock")
        return "\n".join(lines)


_SHOWN = 10


def _target(url: str) -> str:
    """Path and query of a URL or of a request line; two slashes at the start of the latter name no host."""
    if url.startswith("/"):
        return url.partition("#")[0]
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _nearest(method: str, target: str, exchanges: Sequence[Exchange]) -> str:
    """What differs between a request and the recorded one that is most like it, in words."""
    asked = key_of(method, target)
    path = "/".join(asked[1])

    def likeness(exchange: Exchange) -> tuple[bool, float, bool]:
        verb, segments, query = key_of(exchange.method, exchange.target)
        if segments == asked[1]:
            return True, float(query == asked[2]), verb == asked[0]
        return False, SequenceMatcher(None, path, "/".join(segments)).ratio(), verb == asked[0]

    best = max(exchanges, key=likeness)
    verb, segments, query = key_of(best.method, best.target)
    notes = []
    if verb != asked[0]:
        notes.append(f"the method is {verb}, not {asked[0]}")
    if segments != asked[1]:
        differing = [pair for pair in zip(asked[1], segments, strict=False) if pair[0] != pair[1]]
        is_one = len(differing) == 1 and len(asked[1]) == len(segments)
        segment = f"the segment is {differing[0][1]!r}, not {differing[0][0]!r}" if is_one else "the path is another"
        notes.append(segment)
    if query != asked[2]:
        notes.append(f"the query is {_query(query)}, not {_query(asked[2])}")
    return f"{best.method} {best.target}: {'; '.join(notes)}"


def _query(pairs: tuple[tuple[str, str], ...]) -> str:
    return "&".join(f"{name}={value}" for name, value in pairs) or "empty"


class UnrecordedRequestError(httpx.TransportError):
    """A replayed test asked for what is not recorded: to the code under test, the network failed."""


LastWord: TypeAlias = Callable[[Request, MockResponse], MockResponse]
"""What may change an answer before it is given."""


def replay_transport(player: Player, last_word: LastWord = lambda _request, response: response) -> httpx.MockTransport:
    """Return a transport, sync and async, that answers from `player`; it raises `UnrecordedRequestError` for a miss."""

    def answered(request: httpx.Request) -> httpx.Response:
        found = player.response(request.method, str(request.url))
        if isinstance(found, Miss):
            raise UnrecordedRequestError(found.text, request=request)
        response = last_word(
            Request(request.method, str(request.url)), MockResponse(found.status, found.headers, Payload(found.body))
        )
        body = b"" if found.method == "HEAD" else response.body
        length = [("Content-Length", str(len(body)))] if response.status not in BODILESS and body else []
        # As bytes: of text httpx takes ASCII alone.
        headers = [(name.encode(), value.encode()) for name, value in (*response.headers, *length)]
        return httpx.Response(response.status, headers=headers, stream=httpx.ByteStream(body), request=request)

    return httpx.MockTransport(answered)


UNRECORDED = 421
"""Status of the answer to a request that is not recorded: one that no client tries again (RFC 9110, 15.5.20)."""

_HOP = frozenset({"host", "authorization", "connection", "content-length", "transfer-encoding", "accept-encoding"})


def scenario(player: Player) -> Scenario:
    """Return a scenario in which the mock server answers from a recording, whatever the key and the space are."""
    return Scenario("recording", transform=lambda context: replayed(player, context.request))


def replayed(player: Player, request: Request) -> MockResponse:
    """Return the recorded answer to one request; a plain-text 421 that explains itself where there is none."""
    found = player.response(request.method, request.target)
    return _explained(UNRECORDED, found.text) if isinstance(found, Miss) else as_response(found)


def as_response(found: Exchange) -> MockResponse:
    """Return what was recorded as an answer."""
    # The listener writes Latin-1; what was recorded goes out as the UTF-8 that it most likely came in.
    headers = tuple((name, value.encode().decode("latin-1")) for name, value in found.headers)
    return MockResponse(found.status, headers, Payload(found.body))


def forwarded(client: httpx.Client, request: Request) -> MockResponse:
    """Return what `client`'s target answers to one request, sent with the client's key in place of the request's."""
    headers = [(name, value) for name, value in request.headers if name not in _HOP]
    try:
        response = client.request(request.method, request.target, headers=headers, content=request.body)
    except (httpx.HTTPError, BctrlError) as error:
        return _explained(502, str(error))
    fields = ((name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers.raw)
    return MockResponse(response.status_code, select_headers(fields, RESPONSE), Payload(response.content))


def _explained(status: int, text: str) -> MockResponse:
    return MockResponse(status, (("Content-Type", "text/plain; charset=utf-8"),), Payload(text.encode()), why=text)
