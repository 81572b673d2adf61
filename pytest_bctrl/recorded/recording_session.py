"""The recording of one running test: it replays, or records under a record mode."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx

from pytest_bctrl.checks.response import Response
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.errors import BctrlError, DocumentError
from pytest_bctrl.files.limits import RECORDED, size
from pytest_bctrl.http.message import Request
from pytest_bctrl.http.routes import fields_for
from pytest_bctrl.recorded.conform import Checked, base_path, listing, require_conforming, response_from, space_of
from pytest_bctrl.recorded.place import Place
from pytest_bctrl.samples.inputs import Inputs, inputs, main_operation
from pytest_bctrl.samples.sample import SPACE_ID, Samples
from pytest_bctrl.secrets.redaction import Redaction
from pytest_bctrl.secrets.secret import Secret
from pytest_bctrl.traffic.client import async_client, client
from pytest_bctrl.traffic.mock.listener import Listener
from pytest_bctrl.traffic.mock.refusal import Refusals
from pytest_bctrl.traffic.mock.server import MOCK_KEY, MockServer
from pytest_bctrl.traffic.origin import Connection
from pytest_bctrl.traffic.recordings.exchange import REQUEST, RESPONSE, Exchange, Recording, select_headers
from pytest_bctrl.traffic.recordings.guard import require_absent, scrub
from pytest_bctrl.traffic.recordings.har_file import load, save
from pytest_bctrl.traffic.recordings.replay import (
    LastWord,
    Player,
    as_response,
    forward,
    recorded_response,
    replay_transport,
    scenario,
)


@dataclass(frozen=True, slots=True)
class Aim:
    """What is recorded: the target, the key that goes there, and the space that is asked for."""

    base_url: str
    key: Secret | str = field(repr=False)
    space_id: str
    live: bool
    connection: Connection | None = None


class RecordedTest:
    """What the fixture `bctrl_recording` gives.

    `path` is the file; `is_recording` says whether the test talks to the target and is written down, or is answered
    from the file; there a request for `usual_space`, which `bctrl_space_id` gives, is one for the recorded space. What
    `redaction` knows must not reach the file, nor identifiers with `scrub_ids`. Raises `DocumentError` where the file
    is broken, was edited or conforms no longer. `last_word` may change each answer that is replayed.
    """

    def __init__(
        self,
        place: Place,
        contract: Contract,
        mode: str,
        redaction: Redaction,
        checked: Checked,
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
        self._checked = checked
        self._last_word: LastWord = last_word or (lambda _request, response: response)
        self._kept: list[Exchange] = []
        self._saved = -1
        self._open = ExitStack()
        self.aim: Aim | None = None
        """What is to be recorded; to be said before the first client is made."""
        # Also when it is to be replaced: a damaged file is an error before anything is sent.
        loaded = load(place.path, self._damaged_hint, place.shown)
        found = None if mode == "rewrite" else loaded
        recording = found or Recording()
        # Those of this test, and nobody's.
        own = tuple(one for one in recording.exchanges if one.test in (place.test, ""))
        self.is_recording = mode == "rewrite" or (mode == "once" and not own)
        # A test that is new or was renamed replays the exchanges of all tests.
        played = () if self.is_recording else own or recording.exchanges
        if not self.is_recording:
            self._require_conforming(played)
        aliases = {usual_space: space_of(played, contract) or usual_space}
        self.player = Player(played, name=place.shown, hint=place.hint, redact=redaction, aliases=aliases)

    @property
    def _damaged_hint(self) -> str:
        return f"restore it, or delete it and record again: {self._place.hint}"

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """What is replayed, or what was recorded so far."""
        return tuple(self._kept) if self.is_recording else self.player.exchanges

    @property
    def is_stale(self) -> bool:
        """Whether what conforms to this contract was recorded under another."""
        return self._place.conforming and any(one.contract not in ("", self._contract.digest) for one in self.exchanges)

    @property
    def space_id(self) -> str:
        """The space that the recording is about."""
        if self.aim is not None:
            return self.aim.space_id
        return space_of(self.player.exchanges, self._contract) or SPACE_ID

    @property
    def api_key(self) -> Secret:
        """A key for clients that insist on one: it opens nothing, and the target's own is put in its place."""
        return Secret(MOCK_KEY)

    @property
    def base_url(self) -> str:
        """The base URL of what is replayed or recorded."""
        if self.aim is not None:
            return self.aim.base_url
        # A browser's file holds its page and pictures too, and `data:` has no host.
        recorded = (
            urlunsplit((parts.scheme, parts.netloc, base_path(exchange, match), "", ""))
            for exchange, match in listing(self.player.exchanges, self._contract)
            if (parts := urlsplit(exchange.url)).netloc
        )
        return next(recorded, self._contract.servers[0] if self._contract.servers else "http://localhost:8787")

    @cached_property
    def url(self) -> str:
        """A base URL on loopback that replays, or records what it passes on, for any client in any language."""
        refusals = Refusals(self._contract)
        port = Listener(self._responder(), lambda problem: refusals.response(problem.status, problem.reason, ""))
        self._open.callback(port.stop)
        return port.start("127.0.0.1", 0)

    @property
    def transport(self) -> httpx.MockTransport:
        """An httpx transport, sync and async, that replays; for clients of one's own."""
        if self.is_recording:
            raise BctrlError("there is nothing to replay yet", where=self._place.shown, hint="use bctrl_recording.url")
        return replay_transport(self.player, self._last_word)

    def responses(self) -> Iterator[Response]:
        """Yield each recorded or replayed response once, except those that break the contract on purpose.

        Responses of the bundled mock are omitted, because they show nothing about the API.
        """
        if not self._place.conforming or (self.aim is not None and not self.aim.live):
            return
        unused = {id(one) for one in self.player.unused}
        for exchange in self.exchanges:
            response = None if id(exchange) in unused else response_from(exchange, self._contract)
            if response is not None:
                yield response

    def client(self) -> httpx.Client:
        """Return a client that replays, or records what it gets."""
        return httpx.Client(**self._replaying) if self.aim is None else client(**self._recorded_from(self.aim))

    def async_client(self) -> httpx.AsyncClient:
        """Return an async client that replays, or records what it gets."""
        if self.aim is None:
            return httpx.AsyncClient(**self._replaying)
        return async_client(**self._recorded_from(self.aim))

    @property
    def _replaying(self) -> dict[str, Any]:
        return {"base_url": self.base_url, "transport": self.transport, "trust_env": False}

    def _recorded_from(self, aim: Aim) -> dict[str, Any]:
        target = {"base_url": aim.base_url, "key": aim.key, "live": aim.live, "connection": aim.connection}
        return {**target, "fields": fields_for(self._contract), "see": partial(self._keep, aim)}

    def runtimes(self) -> list[dict[str, Any]]:
        """Return the runtimes of the first recorded success, or ask for them while recording."""
        operation = main_operation(self._contract)
        samples = Samples(self._contract, operation)
        if self.is_recording:
            asked = inputs(self._contract, operation, {"space_id": self.space_id}) or Inputs()
            with self.client() as made:
                response = made.get(asked.target(operation), headers=dict(asked.headers))
                return samples.items(response.raise_for_status().json())
        for exchange, match in listing(self.player.exchanges, self._contract):
            if match.operations.get(exchange.method) is operation and 200 <= exchange.status < 300:
                self.player.response(exchange.method, exchange.target)
                played = self._last_word(Request(exchange.method, exchange.target), as_response(exchange))
                return samples.items(httpx.Response(200, content=played.body).json())
        if not self.player.exchanges:
            raise DocumentError("there is no recording of this test", where=self._place.shown, hint=self._place.hint)
        raise DocumentError("it holds no runtimes", where=self._place.shown, hint=self._place.hint)

    @contextmanager
    def played_by(self, server: MockServer) -> Iterator[None]:
        """Have the mock server answer from the recording, in the recorded space, within the block."""
        space_id, server.space_id = server.space_id, self.space_id
        server.play(scenario(self.player))
        try:
            yield
        finally:
            server.space_id = space_id

    def finish(self) -> None:
        """Write what was recorded since the last call; raises `BctrlError` where it must not be written."""
        if not self.is_recording or self.aim is None or self._saved == len(self._kept):
            return
        self._saved = len(self._kept)
        made: Sequence[Exchange] = [
            replace(one, test=self._place.test, contract=self._contract.digest) for one in self._kept
        ]
        if self._scrub_ids:
            made = scrub(made, self._place.shown, self.aim.space_id)
        # Before the check, whose findings show what they find.
        # The key of the mock is published, and needs no note.
        self._redaction.add(self.aim.key, name="bctrl_api_key" if self.aim.live else "")
        require_absent(made, self._place.shown, self._redaction.find, "a secret")
        self._require_conforming(made)
        target = self.aim.base_url if self.aim.live else "mock"
        self.was_written = save(self.path, self._place.test, made, target, _now(), self._damaged_hint)

    def close(self) -> None:
        """Close the port, where one was opened."""
        self._open.close()

    def _responder(self) -> Callable[[Request], Any]:
        if not self.is_recording:
            return lambda request: self._last_word(request, recorded_response(self.player, request))
        passing_on = self._open.enter_context(self.client())
        return lambda request: forward(passing_on, request)

    def _keep(self, aim: Aim, request: httpx.Request, response: httpx.Response) -> None:
        wire = b"".join(response.stream)  # type: ignore[arg-type]
        body = httpx.Response(response.status_code, headers=response.headers, content=wire).content
        if sum(len(one.body) + len(one.request_body) for one in self._kept) + len(body) > RECORDED:
            raise DocumentError(
                f"its answers are larger than {size(RECORDED)} in all, and are not recorded",
                where=self._place.shown,
                hint="ask for less in one test",
            )
        url = str(request.url.copy_with(username=None, password=None, fragment=None))
        parts, base = urlsplit(url), urlsplit(aim.base_url).path.rstrip("/")
        if not aim.live:
            # The mock's port is another with every run.
            local = next((one for one in self._contract.servers if one.startswith("http://")), "http://localhost:8787")
            url = urlunsplit((*urlsplit(local)[:2], parts.path, parts.query, ""))
        self._kept.append(
            Exchange(
                method=request.method,
                url=url,
                status=response.status_code,
                headers=select_headers(response.headers.multi_items(), RESPONSE),
                body=body,
                request_headers=select_headers(request.headers.multi_items(), REQUEST),
                request_body=request.content,
                reason=response.reason_phrase,
                started=_now(),
                base_path=base if parts.path.startswith(f"{base}/") else "",
            )
        )

    def _require_conforming(self, exchanges: Sequence[Exchange]) -> None:
        if not self._place.conforming:
            return
        hint = f"{self._place.hint}; to keep it on purpose: bctrl_recording(name, conforming=False)"
        require_conforming(exchanges, self._contract, self._checked, self._place.shown, hint)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
