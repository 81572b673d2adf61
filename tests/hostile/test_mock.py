"""A mock with idle connections, in a forked child, and with keys in requests where none belongs."""

from __future__ import annotations

import os
import socket
import threading
import warnings
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from urllib.parse import quote

import pytest

from pytest_bctrl.cli.mock import log_line
from pytest_bctrl.cli.serving import LineLog
from pytest_bctrl.contract.read import from_document, load
from pytest_bctrl.secrets.secret import Secret
from pytest_bctrl.traffic.mock import MockServer
from pytest_bctrl.traffic.mock.parse import ServerLimits
from tests.contract.documents import contract_of, document
from tests.mock.asking import ask, connected, listed, raw, read_all, replies, request_bytes

CONTRACT = load()
FEW = replace(ServerLimits(), connections=8)
"""The idle time is six times as long as a client waits in these tests."""

IDLE: dict[str, Callable[[MockServer], bytes]] = {
    "silent": lambda _mock: b"",
    "answered": request_bytes,
    "half a request": lambda mock: request_bytes(mock)[:-20],
    "half a body": lambda mock: request_bytes(mock, "Content-Length: 9") + b"{",
}


@pytest.mark.parametrize("name", IDLE)
def test_a_new_client_is_served_despite_many_idle_connections(name: str) -> None:
    """20 connections that send nothing, half a request, or are idle, with a limit of a few."""
    with MockServer(CONTRACT, limits=FEW) as mock, ExitStack() as stack:
        for _ in range(20):
            stack.enter_context(connected(mock)).sendall(IDLE[name](mock))

        assert [200] * 3 == [listed(mock).status for _ in range(3)]


def test_stalled_readers_are_closed_for_a_new_client() -> None:
    """Eight clients that do not read large bodies, with a limit of a few connections."""
    with MockServer(CONTRACT, limits=FEW) as mock, ExitStack() as stack:
        mock.scenario("many", count=20_000)
        for _ in range(8):
            stack.enter_context(connected(mock)).sendall(request_bytes(mock))

        assert 200 == listed(mock).status


def test_no_request_in_progress_is_closed_for_a_new_client() -> None:
    """20 clients send their requests at once to a mock with two connections, and each gets its response."""
    busy, free = threading.Event(), threading.Event()

    def log(_entry: object) -> None:
        busy.set()
        assert free.wait(60)

    with MockServer(CONTRACT, limits=replace(FEW, connections=2), log=log) as mock, ExitStack() as stack:
        mock.fault("delay", 0.1)
        clients = [stack.enter_context(connected(mock)) for _ in range(20)]
        for client in clients:
            client.sendall(request_bytes(mock, close=True))
        assert busy.wait(60)
        free.set()

        assert [200] * 20 == [reply.status for client in clients for reply in replies(read_all(client))]


def test_connections_without_a_request_are_closed_first() -> None:
    """A client that sent a request keeps its connection while 40 others connect."""
    with MockServer(CONTRACT, limits=replace(FEW, connections=4)) as mock, ExitStack() as stack:
        earlier = stack.enter_context(connected(mock))
        earlier.sendall(request_bytes(mock))
        assert earlier.recv(65536).startswith(b"HTTP/1.1 200 ")
        for _ in range(40):
            stack.enter_context(connected(mock))
        assert 200 == listed(mock).status

        earlier.sendall(request_bytes(mock))
        assert earlier.recv(65536).startswith(b"HTTP/1.1 200 ")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.parametrize("end", [MockServer.stop, MockServer.reset, lambda mock: mock.__exit__(None, None, None)])
def test_a_forked_child_does_not_stop_the_mock_of_its_parent(end: Callable[[MockServer], object]) -> None:
    """The child calls `stop`, `reset` or ends the `with` block of its copy; after `stop`, it can start it again."""
    with MockServer(CONTRACT) as mock, connected(mock) as connection:
        connection.sendall(request_bytes(mock))
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            child = os.fork()
        if not child:
            end(mock)
            # And may have one of its own.
            os._exit(0 if end is MockServer.reset or listed(mock.start()).status == 200 else 1)
        assert 0 == os.waitpid(child, 0)[1]

        connection.sendall(request_bytes(mock))
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
        assert 200 == listed(mock).status
        assert 3 == len(mock.requests)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_child_that_stopped_its_copy_does_not_occupy_the_port() -> None:
    """After the parent stops the mock too, connections are refused although the forked child lives."""
    parent_end, child_end = socket.socketpair()
    with MockServer(CONTRACT) as mock:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            child = os.fork()
        if not child:
            mock.stop()
            child_end.send(b"stopped")
            os._exit(len(child_end.recv(1)) - 1)
        assert parent_end.recv(9)
    with pytest.raises(ConnectionRefusedError):
        connected(mock)
    parent_end.send(b"x")
    assert 0 == os.waitpid(child, 0)[1]
    parent_end.close()
    child_end.close()


KEYS = ["api_key", "apikey", "API-Key", "key", "access_token", "token", "%61pi_key", "password", "X-Amz-Signature"]


@pytest.mark.parametrize("name", [*KEYS, "zz"])
@pytest.mark.parametrize("key", ["sk-live-0123456789", "sk live/0123456789"])
def test_a_key_in_a_url_is_redacted_in_journal_and_log(name: str, key: str) -> None:
    """A real key, sent to the mock by mistake; `zz` is the contract's name for it."""
    reading, writing = os.pipe()
    log = LineLog(writing, str)
    guarded = document(security=[{"k": []}])
    guarded["components"]["securitySchemes"] = {"k": {"type": "apiKey", "in": "query", "name": "zz"}}
    with MockServer(from_document(guarded, "x.json"), log=lambda entry: log(log_line(entry))) as mock:
        spelled = quote(key)
        ask(mock, "GET", f"/things?limit=2&{name}={spelled}&pageToken=next-page", {"Referer": f"x?{name}={spelled}"})
        raw(
            mock,
            f"GET http://{key.replace('/', '').replace(' ', '')}@a/ HTTP/1.1\r\nHost: a\r\n\r\n".encode(),
            half_close=True,
        )
        log.close()
        os.close(writing)
        with os.fdopen(reading) as file:
            logged = file.read()
        with pytest.raises(AssertionError) as failed:
            mock.requests.assert_nothing_requested()
        shown = logged + repr(mock.requests) + repr(list(mock.requests)) + mock.requests.report() + str(failed.value)
        assert "0123456789" not in shown
        assert f"limit=2&{name}=[redacted]&pageToken=next-page" in logged
        assert 1 == len(mock.requests.matching(path=f"/things?limit=2&{name}={spelled}&pageToken=next-page"))


def test_a_key_is_redacted_in_the_reason_of_a_rejection() -> None:
    """The reason repeats the value that violates the contract."""
    parameter = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}, "example": "1"}
    short = {"name": "api_key", "in": "query", "schema": {"type": "string", "maxLength": 4}}
    limited = contract_of(parameters=[parameter, short], security=[])
    with MockServer(limited, api_key=Secret("mine")) as mock:
        assert 400 == ask(mock, "GET", "/v1/things/1?api_key=sk-live-0123456789", {}).status
        report = mock.requests.report()
        assert "-> 400 (query api_key: the value breaks 'maxLength' (expected 4))" in report
        assert "sk-live" not in report
        assert "sk-live" not in str(mock.requests[0].findings)
        assert "0123456789" not in repr(list(mock.requests))


def test_only_the_scheme_of_a_credential_is_shown() -> None:
    """A test reads the header fields as they were sent; when they are shown, `Bearer` and `Basic` remain."""
    with MockServer(CONTRACT) as mock:
        ask(mock, "GET", "/", {"Cookie": "sid=0123; other=4567", "Authorization": "Basic 0123", "X-Api-Key": "01 23"})
        ask(mock, "GET", "/", {"Authorization": "Bearer a-real-key"})
        entry, bearer = mock.requests
        names = ("Cookie", "Authorization", "X-Api-Key")
        assert ["sid=0123; other=4567", "Basic 0123", "01 23"] == [entry.header(name) for name in names]
        shown = entry.redacted()
        assert ["sid=[redacted]; other=4567", "Basic [redacted]", "[redacted]"] == list(map(shown.header, names))
        assert "Bearer [redacted]" == bearer.redacted().header("authorization")
