"""Recording and replaying over a port, for any client in any language: the mock's listener, with other answers."""

from __future__ import annotations

from collections.abc import Callable

import httpx

from pytest_bctrl.errors import BctrlError
from pytest_bctrl.traffic.mock.change import Scene
from pytest_bctrl.traffic.mock.limits import Limits
from pytest_bctrl.traffic.mock.listener import Listener
from pytest_bctrl.traffic.mock.message import Answer, Payload, Request
from pytest_bctrl.traffic.mock.parse import Problem
from pytest_bctrl.traffic.mock.refusal import Refusals
from pytest_bctrl.traffic.mock.scenarios import Scenario
from pytest_bctrl.traffic.recordings.exchange import RESPONSE, kept
from pytest_bctrl.traffic.recordings.replay import Miss, Player

UNRECORDED = 421
"""Status of the answer to a request that is not recorded: one that no client tries again (RFC 9110, 15.5.20)."""

_HOP = frozenset({"host", "authorization", "connection", "content-length", "transfer-encoding", "accept-encoding"})


def scenario(player: Player) -> Scenario:
    """Return a scenario in which the mock server answers from a recording, whatever the key and the space are."""

    def dress(scene: Scene) -> Answer:
        return replayed(player, scene.request)

    return Scenario("recording", dress=dress)


def replayed(player: Player, request: Request) -> Answer:
    """Return the recorded answer to one request; a plain-text 421 that explains itself where there is none."""
    found = player.answer(request.method, request.target)
    if isinstance(found, Miss):
        return _explained(UNRECORDED, found.text)
    # The listener writes Latin-1; what was recorded goes out as the UTF-8 that it most likely came in.
    headers = tuple((name, value.encode().decode("latin-1")) for name, value in found.headers)
    return Answer(found.status, headers, Payload(found.body))


def forwarded(client: httpx.Client, request: Request) -> Answer:
    """Return what `client`'s target answers to one request, sent with the client's key in place of the request's."""
    headers = [(name, value) for name, value in request.headers if name not in _HOP]
    try:
        response = client.request(request.method, request.target, headers=headers, content=request.body)
    except (httpx.HTTPError, BctrlError) as error:
        return _explained(502, str(error))
    fields = ((name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers.raw)
    return Answer(response.status_code, kept(fields, RESPONSE), Payload(response.content))


def _explained(status: int, text: str) -> Answer:
    return Answer(status, (("Content-Type", "text/plain; charset=utf-8"),), Payload(text.encode()), why=text)


class Port:
    """A loopback port that answers with `respond`; raises `SettingError` where no port can be had."""

    def __init__(self, respond: Callable[[Request], Answer], refusals: Refusals) -> None:
        self._respond = respond
        self._refusals = refusals
        self._listener = Listener(self, Limits())
        host, port = self._listener.start("127.0.0.1", 0)
        self.url = f"http://{host}:{port}"

    def respond(self, request: Request) -> Answer:
        """Answer a whole request."""
        return self._respond(request)

    def refuse(self, problem: Problem) -> Answer:
        """Answer what is no request."""
        return self._refusals.answer(problem.status, problem.reason, "")

    def stop(self) -> None:
        """Close everything."""
        self._listener.stop()
