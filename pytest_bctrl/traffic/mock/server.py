"""The mock server as people use it: in a `with` block, from a fixture, or from the command line."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Any, Self

from pytest_bctrl.contract.model import Contract
from pytest_bctrl.samples.sample import SPACE_ID, Samples
from pytest_bctrl.secret import Secret
from pytest_bctrl.traffic.mock.journal import Journal
from pytest_bctrl.traffic.mock.limits import Limits
from pytest_bctrl.traffic.mock.listener import Listener
from pytest_bctrl.traffic.mock.message import Answer, Request
from pytest_bctrl.traffic.mock.parse import Problem
from pytest_bctrl.traffic.mock.responder import Responder
from pytest_bctrl.traffic.mock.source import Fixed, Source
from pytest_bctrl.traffic.mock.stage import Stage

MOCK_KEY = "bctrl-mock-key-that-opens-nothing"
"""The key where nobody gives one; fixed, because it protects nothing."""


class MockServer:
    """A stand-in for the API on a loopback port, that answers as its contract says.

    `with MockServer(contract) as mock:` starts it and stops it; `.start()` and `.stop()` do the same by hand.
    `port=0` takes a free one. Raises `SettingError` where the address cannot be had.
    """

    def __init__(
        self,
        contract: Contract,
        *,
        api_key: Secret | None = None,
        space_id: str | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        source: Source | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.contract = contract
        self.api_key = api_key or Secret(MOCK_KEY)
        self.space_id = space_id or SPACE_ID
        self.samples = Samples(contract, contract.operations[0])
        self.requests = Journal(self.api_key)
        self._host = host
        self._port = port
        self._stage = Stage(source or Fixed(lambda: self.samples.sample(self.space_id)))
        self._responder = Responder(contract, self.api_key, self.space_id, self._stage)
        self._listener = Listener(self, limits or Limits())
        self._url = ""

    def start(self) -> Self:
        """Listen; returns once the port is open."""
        host, port = self._listener.start(self._host, self._port)
        self._url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        return self

    def stop(self) -> None:
        """Close everything at once; a second call does nothing."""
        self._listener.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The base URL, without a slash at its end; empty before the first start."""
        return self._url

    @property
    def runtimes(self) -> list[dict[str, Any]]:
        """The runtimes that the mock serves next, as a fresh list."""
        return self.samples.items(self._stage.source.body(0))

    def reset(self) -> None:
        """Forget requests, scenario and faults, as between two tests."""
        self._stage.reset()
        self.requests.clear()

    def respond(self, request: Request) -> Answer:
        """Answer one request and write it down: the way in for the server and for the in-process transport."""
        answer = self._responder.respond(request)
        self.requests.add(time.time(), request, answer)
        return answer

    def refuse(self, problem: Problem) -> Answer:
        """Answer what is no proper request and write it down."""
        answer = self._responder.refuse(problem.status, problem.reason)
        self.requests.add(time.time(), problem.seen, answer)
        return answer
