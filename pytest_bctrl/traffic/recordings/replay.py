"""Replays recorded responses by method, path and query; the last response to a request repeats.

Clients get them from an httpx transport, or from a listener on a port, which works for any client in any language.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from threading import Lock
from types import MappingProxyType
from typing import TypeAlias
from urllib.parse import parse_qsl, unquote, urlsplit

import httpx

from pytest_bctrl.contract.model import Contract
from pytest_bctrl.errors import BctrlError
from pytest_bctrl.http.exchange import Exchange
from pytest_bctrl.http.message import MockResponse, Payload, Request, split_url
from pytest_bctrl.request_checks.run import request_checks
from pytest_bctrl.traffic.mock.scenarios import Scenario
from pytest_bctrl.traffic.recordings.guard import recorded_fields
from pytest_bctrl.traffic.recordings.har_write import BODILESS, replayed_headers, select_headers

Key: TypeAlias = tuple[str, tuple[str, ...], tuple[tuple[str, str], ...]]


def key_of(method: str, target: str) -> Key:
    """Return method, path segments and query of a request as a key; recorded exchanges are looked up by it.

    Segments and query are decoded. The order of different query names is ignored; that of the values of one name is
    not.
    """
    path, _, query = _path_and_query(target).partition("?")
    segments = tuple(unquote(segment) for segment in path.split("/"))
    pairs = sorted(parse_qsl(query, keep_blank_values=True), key=lambda pair: pair[0])
    return method.upper(), segments, tuple(pairs)


@dataclass(frozen=True, slots=True)
class Miss:
    """A request without a recorded response; the text lists the recorded requests and how to record this one."""

    text: str


class Player:
    """Replays the exchanges of one test; thread-safe.

    `hint` is the command that records them, `redact` removes secrets from a request that is shown, `aliases` maps path
    segments to the recorded ones that they stand for. `recorded_target` returns the target of a request, by its method,
    as recordings have it, without credentials.
    """

    def __init__(
        self,
        exchanges: Sequence[Exchange],
        *,
        name: str,
        hint: str,
        redact: Callable[[str], str] = str,
        aliases: Mapping[str, str] = MappingProxyType({}),
        recorded_target: Callable[[str, str], str] = lambda _method, target: target,
    ) -> None:
        self.exchanges = tuple(exchanges)
        self._name = name
        self._hint = hint
        self._redact = redact
        self._aliases = aliases
        self._recorded_target = recorded_target
        self._lock = Lock()
        self._queues: dict[Key, deque[Exchange]] = {}
        for exchange in exchanges:
            self._queues.setdefault(_recorded_key(exchange), deque()).append(exchange)
        base_paths = {urlsplit(exchange.request.base_url).path for exchange in exchanges}
        self._base_paths = sorted(base_paths - {""}, key=len, reverse=True)
        self._used: set[int] = set()
        self._misses: list[Miss] = []

    def response(self, method: str, target: str) -> Exchange | Miss:
        """Return the next exchange recorded for a request (the last repeats); a `Miss` if none or it lacks its body."""
        key = self._matching_key(method, target)
        with self._lock:
            queue = self._queues.get(key)
            if queue is not None:
                # The last exchange repeats.
                exchange = queue.popleft() if len(queue) > 1 else queue[0]
                self._used.add(id(exchange))
                if not exchange.response_unread:
                    return exchange
            miss = Miss(self._explain_miss(method, target, lacks_body=queue is not None))
            self._misses.append(miss)
            return miss

    def _matching_key(self, method: str, target: str) -> Key:
        """Return the recorded key that a request matches, also without a base path or by an alias; else its own key."""
        targets = [_path_and_query(target), self._recorded_target(method, _path_and_query(target))]
        without_base = [path.removeprefix(base_path) for path in targets for base_path in self._base_paths]
        targets += [path for path in without_base if path.startswith("/")]
        keys = [key_of(method, path) for path in targets]
        keys += [(verb, tuple(self._aliases.get(part, part) for part in path), query) for verb, path, query in keys]
        return next((key for key in keys if key in self._queues), keys[0])

    @property
    def misses(self) -> tuple[Miss, ...]:
        """The misses so far, one per request for which no complete response is recorded."""
        with self._lock:
            return tuple(self._misses)

    @property
    def unused(self) -> tuple[Exchange, ...]:
        """The exchanges that no request used."""
        with self._lock:
            return tuple(exchange for exchange in self.exchanges if id(exchange) not in self._used)

    def _explain_miss(self, method: str, target: str, *, lacks_body: bool) -> str:
        """Return the text of a miss: the request, the recorded ones, the nearest of them, and how to record it."""
        problem = "no response is recorded for this request"
        if lacks_body:
            problem = "the recorded response has no body: the tool that wrote the file did not save it"
        lines = [f"{self._name}: {problem}", f"  requested {self._redact(f'{method} {_path_and_query(target)}')}"]
        recorded = list(dict.fromkeys(_shown(exchange) for exchange in self.exchanges))
        shown = [self._redact(line) for line in recorded[:_SHOWN]] or ["nothing"]
        if len(recorded) > _SHOWN:
            shown.append(f"… and {len(recorded) - _SHOWN} more")
        lines.append(f"  recorded  {shown[0]}")
        lines += [f"            {line}" for line in shown[1:]]
        if recorded and not lacks_body:
            lines.append(f"  nearest   {self._redact(_nearest_request(method, target, self.exchanges))}")
        lines.append(f"  record it {self._hint}")
        lines.append("            without --bctrl-live it is recorded from the mock")
        return "\n".join(lines)


_SHOWN = 10


def _path_and_query(url: str) -> str:
    """Return path and query of a URL or request target; a target that begins with `//` names no host."""
    return url.partition("#")[0] if url.startswith("/") else split_url(url)[1]


def _shown(exchange: Exchange) -> str:
    """Return method and target of a recorded request."""
    return f"{exchange.request.method} {exchange.request.target}"


def _recorded_key(exchange: Exchange) -> Key:
    """Return the key of a recorded exchange."""
    return key_of(exchange.request.method, exchange.request.target)


def _nearest_request(method: str, target: str, exchanges: Sequence[Exchange]) -> str:
    """Return the recorded request that is most similar to a request, and what differs, as text."""
    requested = key_of(method, target)
    path = "/".join(requested[1])

    def similarity(exchange: Exchange) -> tuple[bool, float, bool]:
        """Return the similarity to the request as a sort key: same path; same query, else similar path; same method."""
        verb, segments, query = _recorded_key(exchange)
        if segments == requested[1]:
            return True, float(query == requested[2]), verb == requested[0]
        return False, SequenceMatcher(None, path, "/".join(segments)).ratio(), verb == requested[0]

    nearest = max(exchanges, key=similarity)
    return f"{_shown(nearest)}: {'; '.join(_differences(requested, nearest))}"


def _differences(requested: Key, exchange: Exchange) -> Iterator[str]:
    """Yield the differences between the key of a request and a recorded exchange."""
    recorded = _recorded_key(exchange)
    if recorded[0] != requested[0]:
        yield f"the method is {recorded[0]}, not {requested[0]}"
    if recorded[1] != requested[1]:
        differing = [pair for pair in zip(requested[1], recorded[1], strict=False) if pair[0] != pair[1]]
        if len(differing) == 1 and len(requested[1]) == len(recorded[1]):
            yield f"the segment is {differing[0][1]!r}, not {differing[0][0]!r}"
        else:
            yield "the path is different"
    if recorded[2] != requested[2]:
        yield f"the query is {_query_text(recorded[2])}, not {_query_text(requested[2])}"


def _query_text(pairs: tuple[tuple[str, str], ...]) -> str:
    """Return the query in a key as text, `empty` if it has no parameters."""
    return "&".join(f"{name}={value}" for name, value in pairs) or "empty"


class UnrecordedRequestError(httpx.TransportError):
    """A replayed test sent a request that is not recorded; to the code under test, the network failed."""


LastWord: TypeAlias = Callable[[Request, MockResponse], MockResponse]
"""Returns a response, possibly changed, before it is sent."""


def replay_transport(player: Player, last_word: LastWord = lambda _request, response: response) -> httpx.MockTransport:
    """Return a sync and async transport that replays `player`; a miss raises `UnrecordedRequestError`."""

    def replay(request: httpx.Request) -> httpx.Response:
        """Return the recorded response to a request; raises `UnrecordedRequestError` if there is none."""
        exchange = player.response(request.method, str(request.url))
        if isinstance(exchange, Miss):
            raise UnrecordedRequestError(exchange.text, request=request)
        response = last_word(
            Request(request.method, str(request.url)),
            MockResponse(exchange.status, replayed_headers(exchange.headers), Payload(exchange.body)),
        )
        body = b"" if request.method == "HEAD" else response.body
        fields = list(response.headers)
        if body and response.status not in BODILESS:
            fields.append(("Content-Length", str(len(body))))
        # As bytes, because httpx accepts only ASCII in text.
        headers = [(name.encode(), value.encode()) for name, value in fields]
        return httpx.Response(response.status, headers=headers, stream=httpx.ByteStream(body), request=request)

    return httpx.MockTransport(replay)


UNRECORDED = 421
"""Status of the response to an unrecorded request; clients do not retry it (RFC 9110, 15.5.20)."""

_NOT_FORWARDED = frozenset({
    "host", "authorization", "connection", "content-length", "transfer-encoding", "accept-encoding",
})  # fmt: skip


def scenario(player: Player) -> Scenario:
    """Return a scenario in which the mock server replays a recording, for any key and space."""
    return Scenario("recording", transform=lambda context: recorded_response(player, context.request))


def recorded_response(player: Player, request: Request) -> MockResponse:
    """Return the recorded response to a request, or a 421 with an explanation in plain text if none is recorded."""
    exchange = player.response(request.method, request.target)
    if isinstance(exchange, Miss):
        return _text_response(UNRECORDED, exchange.text)
    return as_response(exchange)


def as_response(exchange: Exchange) -> MockResponse:
    """Return the recorded response of an exchange as a response of the mock."""
    # The listener writes Latin-1; the recorded text is sent as UTF-8, in which it most likely was received.
    recorded = replayed_headers(exchange.headers)
    headers = tuple((name, value.encode().decode("latin-1")) for name, value in recorded)
    return MockResponse(exchange.status, headers, Payload(exchange.body))


def forward(client: httpx.Client, contract: Contract, request: Request) -> MockResponse:
    """Send a request with `client`; return the response with only the header fields that recordings keep, or a 502."""
    headers = [(name, value) for name, value in request.headers if name not in _NOT_FORWARDED]
    try:
        response = client.request(request.method, request.target, headers=headers, content=request.body)
    except (httpx.HTTPError, BctrlError) as error:
        return _text_response(502, str(error))
    fields = ((name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers.raw)
    operation, _ = request_checks(contract).routes.operation_and_values(request.method, request.target)
    _, kept = recorded_fields(operation, response.status_code)
    return MockResponse(response.status_code, select_headers(fields, kept), Payload(response.content))


def _text_response(status: int, text: str) -> MockResponse:
    """Return a response in plain text, with the text as its reason too."""
    return MockResponse(status, (("Content-Type", "text/plain; charset=utf-8"),), Payload(text.encode()), why=text)
