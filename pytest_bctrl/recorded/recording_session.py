"""The recording of one running test, which replays or records depending on the record mode."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit, urlunsplit

import httpx

from pytest_bctrl.checks.response import Response
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.errors import BctrlError, DocumentError
from pytest_bctrl.files.limits import RECORDED, size
from pytest_bctrl.http.exchange import Exchange
from pytest_bctrl.http.message import Request, split_url
from pytest_bctrl.recorded.conform import (
    base_path_of,
    exchanges_with_route,
    recorded_space_id,
    require_conforming,
    response_from,
)
from pytest_bctrl.recorded.recording_path import RecordingPath
from pytest_bctrl.samples.inputs import Inputs, inputs, main_operation
from pytest_bctrl.samples.sample import Samples
from pytest_bctrl.samples.space_id import SPACE_ID
from pytest_bctrl.secrets.redaction import Redaction
from pytest_bctrl.traffic.auth import ContractAuth
from pytest_bctrl.traffic.client import async_client, client
from pytest_bctrl.traffic.mock.error_responses import ErrorResponses
from pytest_bctrl.traffic.mock.listener import Listener
from pytest_bctrl.traffic.mock.server import MOCK_KEY, MockServer
from pytest_bctrl.traffic.recordings.guard import recordable, recorded_target, require_absent, scrub
from pytest_bctrl.traffic.recordings.har_file import load, save
from pytest_bctrl.traffic.recordings.har_write import CODINGS, Recording
from pytest_bctrl.traffic.recordings.replay import (
    LastWord,
    Player,
    as_response,
    forward,
    recorded_response,
    replay_transport,
    scenario,
)

_LOCAL = "http://localhost:8787"
"""The base URL of a recording if the contract has no server on this machine."""


@dataclass(frozen=True, slots=True)
class RecordingTarget:
    """The target that is recorded: base URL, auth and further options of its clients, and the space id of requests."""

    base_url: str
    auth: httpx.Auth | None
    space_id: str
    live: bool
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)


class RecordedTest:
    """The value of the fixture `bctrl_recording`.

    `path` is the file. `is_recording` is whether requests go to the target and are recorded, or are replayed from the
    file; in a replay, a request for `usual_space`, the value of `bctrl_space_id`, counts as one for the recorded space.
    Secrets that `redaction` knows must not reach the file, nor identifiers with `scrub_ids`. `last_word` may change
    each replayed response. Raises `DocumentError` if the file is broken, was edited or no longer conforms.
    """

    def __init__(
        self,
        place: RecordingPath,
        contract: Contract,
        mode: str,
        redaction: Redaction,
        *,
        usual_space: str = "",
        scrub_ids: bool = False,
        last_word: LastWord | None = None,
    ) -> None:
        self.path: Path = place.path
        self.was_written = False
        self._place = place
        self._contract = contract
        self._redaction = redaction
        self._scrub_ids = scrub_ids
        self._last_word: LastWord = last_word or _unchanged
        self._kept: list[Exchange] = []
        self._saved = -1
        self._open = ExitStack()
        self.aim: RecordingTarget | None = None
        """The recording target. Set it before creating the first client."""
        # The file is read even if it will be replaced: a damaged file is an error before any request is sent.
        loaded = load(place.path, self._damaged_hint, place.shown)
        recording = Recording()
        if loaded is not None and mode != "rewrite":
            recording = loaded
        # The exchanges of this test, and those of no particular test.
        test_exchanges = tuple(exchange for exchange in recording.exchanges if exchange.test in (place.test, ""))
        self.is_recording = mode == "rewrite" or (mode == "once" and not test_exchanges)
        replayed: tuple[Exchange, ...] = ()
        if not self.is_recording:
            # A new or renamed test replays the exchanges of all tests.
            replayed = test_exchanges or recording.exchanges
            self._require_conforming(replayed)
        aliases = {usual_space: recorded_space_id(replayed, contract) or usual_space}
        self.player = Player(
            replayed,
            name=place.shown,
            hint=place.hint,
            redact=redaction.value,
            aliases=aliases,
            recorded_target=partial(recorded_target, contract),
        )

    @property
    def _damaged_hint(self) -> str:
        """The hint of errors about a damaged recording."""
        return f"restore it, or delete it and record again: {self._place.hint}"

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """The exchanges that are replayed or, while recording, that were recorded so far."""
        if self.is_recording:
            return tuple(self._kept)
        return self.player.exchanges

    @property
    def is_stale(self) -> bool:
        """Whether the exchanges conform to this contract, but were recorded under another."""
        return self._place.conforming and any(
            exchange.contract not in ("", self._contract.digest) for exchange in self.exchanges
        )

    @property
    def space_id(self) -> str:
        """The space id of the requests: that of the target while recording, else that in the recorded requests."""
        if self.aim is not None:
            return self.aim.space_id
        return recorded_space_id(self.player.exchanges, self._contract) or SPACE_ID

    @property
    def api_key(self) -> str:
        """A placeholder for clients that require a key; requests to the target carry the target's key instead."""
        return MOCK_KEY

    @property
    def base_url(self) -> str:
        """The base URL of the requests: that of the target while recording, else that in the recorded requests."""
        if self.aim is not None:
            return self.aim.base_url
        # A file saved by a browser contains pages and images too, and a `data:` URL has no host.
        recorded = (
            urlunsplit((parts.scheme, parts.netloc, base_path_of(exchange, match), "", ""))
            for exchange, match in exchanges_with_route(self.player.exchanges, self._contract)
            if (parts := urlsplit(exchange.request.base_url)).netloc
        )
        server = urljoin(_LOCAL, next(iter(self._contract.servers), ""))
        return next(recorded, server.rstrip("/"))

    @cached_property
    def url(self) -> str:
        """The base URL of a port, opened at first use, that replays, or forwards and records, for any client."""
        error_responses = ErrorResponses(self._contract)
        port = Listener(self._responder(), lambda problem: error_responses.response(problem.status, problem.reason, ""))
        self._open.callback(port.stop)
        return port.start("127.0.0.1", 0)

    @property
    def transport(self) -> httpx.MockTransport:
        """An httpx transport, sync and async, that replays; raises `BctrlError` while recording."""
        if self.is_recording:
            raise BctrlError("there is nothing to replay yet", where=self._place.shown, hint="use bctrl_recording.url")
        return replay_transport(self.player, self._last_word)

    def responses(self) -> Iterator[Response]:
        """Yield each recorded or replayed response once, except those that break the contract on purpose.

        Responses of the bundled mock are omitted, because they show nothing about the API.
        """
        if not self._place.conforming or (self.aim is not None and not self.aim.live):
            return
        unused = {id(exchange) for exchange in self.player.unused}
        for exchange in self.exchanges:
            if id(exchange) in unused:
                continue
            response = response_from(exchange, self._contract)
            if response is not None:
                yield response

    def client(self) -> httpx.Client:
        """Return a client that replays responses, or records those that it receives."""
        if self.aim is None:
            return httpx.Client(**self._replay_arguments)
        return client(**self._record_arguments(self.aim))

    def async_client(self) -> httpx.AsyncClient:
        """Return an async client that replays responses, or records those that it receives."""
        if self.aim is None:
            return httpx.AsyncClient(**self._replay_arguments)
        return async_client(**self._record_arguments(self.aim))

    @property
    def _replay_arguments(self) -> dict[str, Any]:
        """The arguments of a client whose requests are replayed."""
        return {"base_url": self.base_url, "transport": self.transport, "trust_env": False}

    def _record_arguments(self, aim: RecordingTarget) -> dict[str, Any]:
        """Return the arguments of a client that sends requests to the target and records them."""
        target = {"base_url": aim.base_url, "auth": aim.auth, "live": aim.live}
        return {**target, **aim.options, "see": partial(self._record_exchange, aim)}

    def runtimes(self) -> list[dict[str, Any]]:
        """Return the runtimes of the first recorded success, or raise `DocumentError`; while recording, fetch them."""
        operation = main_operation(self._contract)
        samples = Samples(self._contract, operation)
        if self.is_recording:
            request_inputs = inputs(self._contract, operation, {"space_id": self.space_id}) or Inputs()
            with self.client() as http:
                response = http.get(request_inputs.target(operation), headers=dict(request_inputs.headers))
                return samples.items(response.raise_for_status().json())
        for exchange, match in exchanges_with_route(self.player.exchanges, self._contract):
            request = exchange.request
            if match.operations.get(request.method) is operation and 200 <= exchange.status < 300:
                self.player.response(request.method, request.target)
                replayed_response = self._last_word(request, as_response(exchange))
                return samples.items(httpx.Response(200, content=replayed_response.body).json())
        if not self.player.exchanges:
            raise DocumentError("there is no recording of this test", where=self._place.shown, hint=self._place.hint)
        raise DocumentError("it contains no runtimes", where=self._place.shown, hint=self._place.hint)

    @contextmanager
    def played_by(self, server: MockServer) -> Iterator[None]:
        """Let the mock server replay the recording and have its space id, which alone is reset after the block."""
        space_id, server.space_id = server.space_id, self.space_id
        server.play(scenario(self.player))
        try:
            yield
        finally:
            server.space_id = space_id

    def finish(self) -> None:
        """Write all exchanges recorded so far if any is new; raises `BctrlError` for a secret or a breach."""
        if not self.is_recording or self.aim is None or self._saved == len(self._kept):
            return
        self._saved = len(self._kept)
        exchanges: Sequence[Exchange] = [
            replace(exchange, test=self._place.test, contract=self._contract.digest) for exchange in self._kept
        ]
        if self._scrub_ids:
            exchanges = scrub(exchanges, self._place.shown, self.aim.space_id)
        exchanges = recordable(exchanges, self._contract)
        target = self.aim.base_url if self.aim.live else "mock"
        if isinstance(self.aim.auth, ContractAuth):
            for value in self.aim.auth.values.values():
                # The key of the mock is public, so it needs no name.
                self._redaction.add(value.secret, name=value.source if self.aim.live else "")
        # Secrets are searched for before the check, because its findings quote values.
        require_absent(exchanges, self._place.shown, self._redaction.find, "a secret")
        self._require_conforming(exchanges)
        self.was_written = save(self.path, self._place.test, exchanges, target, _now_as_text(), self._damaged_hint)

    def close(self) -> None:
        """Close the port and the clients behind it, if one was opened."""
        self._open.close()

    def _responder(self) -> Callable[[Request], Any]:
        """Return the function that responds to a request: from the recording, or from the target."""
        if not self.is_recording:
            return self._replay_response
        return partial(forward, self._open.enter_context(self.client()), self._contract)

    def _replay_response(self, request: Request) -> Any:
        """Return the recorded response to a request, after the substitution of an impact run."""
        return self._last_word(request, recorded_response(self.player, request))

    def _record_exchange(self, aim: RecordingTarget, request: httpx.Request, response: httpx.Response) -> None:
        """Keep an exchange for the recording. Raises `DocumentError` if the recording becomes too large."""
        wire = b"".join(response.stream)  # type: ignore[arg-type]
        body = httpx.Response(response.status_code, headers=response.headers, content=wire).content
        if sum(len(exchange.body) + len(exchange.request.body) for exchange in self._kept) + len(body) > RECORDED:
            raise DocumentError(
                f"its responses are larger than {size(RECORDED)} in all, and are not recorded",
                where=self._place.shown,
                hint="request less in one test",
            )
        url = str(request.url.copy_with(username=None, password=None, fragment=None))
        base_url, target = split_url(url, urlsplit(aim.base_url).path.rstrip("/"))
        if not aim.live:
            # The mock's port differs in every run.
            local_servers = (server for server in self._contract.servers if server.startswith("http://"))
            local, _ = split_url(next(local_servers, _LOCAL))
            base_url = local + urlsplit(base_url).path
        self._kept.append(
            Exchange(
                Request(request.method, target, tuple(request.headers.multi_items()), request.content, base_url),
                response.status_code,
                tuple(field for field in response.headers.multi_items() if field[0] not in CODINGS),
                body,
                reason=response.reason_phrase,
                started=_now_as_text(),
            )
        )

    def _require_conforming(self, exchanges: Sequence[Exchange]) -> None:
        """Raise `DocumentError` for an exchange that breaks the contract, unless the marker allows that."""
        if not self._place.conforming:
            return
        hint = f"{self._place.hint}; to keep it on purpose: bctrl_recording(name, conforming=False)"
        require_conforming(exchanges, self._contract, self._place.shown, hint)


def _unchanged(_request: Request, response: Any) -> Any:
    """Return the response as it is."""
    return response


def _now_as_text() -> str:
    """Return the time as text: ISO 8601 in UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
