"""Connections: requests too large or without end, clients that stall or disconnect, and too many of them."""

from __future__ import annotations

import os
import select
import socket
import sys
import threading
import time
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest

from pytest_bctrl.contract.model import Contract
from pytest_bctrl.http.message import MockResponse, Request
from pytest_bctrl.traffic.mock import MockServer
from pytest_bctrl.traffic.mock.parse import ServerLimits

from .asking import connected, listed, raw, read_all, replies, request_bytes, vanish

LIMITS = ServerLimits(target_bytes=1000, header_bytes=2000, body_bytes=500, incomplete=0.3, idle=0.6)


@pytest.fixture
def strict(contract: Contract) -> Any:
    """Return a running mock with the low limits of `LIMITS`."""
    with MockServer(contract, limits=LIMITS) as server:
        yield server


TOO_MUCH: dict[str, tuple[int, list[str], bytes]] = {
    "body": (413, ["Content-Length: 501"], b"x" * 501),
    "chunked body": (413, ["Transfer-Encoding: chunked"], b"1ff\r\n" + b"x" * 511 + b"\r\n0\r\n\r\n"),
    "header": (431, ["X: " + "x" * 3000], b""),
    "headers": (431, [f"X-{number}: 1" for number in range(400)], b""),
}


@pytest.mark.parametrize("name", TOO_MUCH)
def test_a_request_over_a_limit_is_rejected(strict: MockServer, name: str) -> None:
    """With 413 or 431, and the connection is closed (RFC 9110, 15.5.14; RFC 6585, 5); a new one is served."""
    status, extra, body = TOO_MUCH[name]
    (reply,) = replies(raw(strict, request_bytes(strict, *extra) + body))
    assert (reply.status, reply.headers["connection"]) == (status, "close")
    assert listed(strict).status == 200


def test_a_too_long_request_target_is_rejected_with_414(strict: MockServer) -> None:
    """RFC 9110, 15.5.15."""
    (reply,) = replies(raw(strict, b"GET /" + b"x" * 1500 + b" HTTP/1.1\r\nHost: a\r\n\r\n"))
    assert reply.status == 414


def test_an_endless_header_is_rejected_with_431(strict: MockServer) -> None:
    """Bytes are counted even before the parser has read a complete field."""
    with connected(strict) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nX: ")
        for _ in range(8):
            sock.sendall(b"x" * 500)
        (reply,) = replies(read_all(sock))
    assert reply.status == 431


def test_an_incomplete_request_times_out_with_408(contract: Contract) -> None:
    """RFC 9110, 15.5.9."""
    with MockServer(contract, limits=replace(LIMITS, idle=60)) as mock, connected(mock) as sock:
        sock.sendall(request_bytes(mock)[:-10])
        (reply,) = replies(read_all(sock))
    assert reply.status == 408


def test_an_idle_connection_is_closed_without_a_response(strict: MockServer) -> None:
    with connected(strict) as sock:
        assert read_all(sock) == b""


def test_a_stalled_reader_is_reset_and_does_not_delay_other_clients(contract: Contract) -> None:
    """Its connection is reset after the idle time-out; meanwhile others get their responses."""
    with MockServer(contract, limits=LIMITS) as mock:
        mock.scenario("many", count=20_000)
        with connected(mock) as slow:
            slow.sendall(request_bytes(mock) * 3)
            assert [listed(mock).status for _ in range(3)] == [200] * 3
            assert _is_reset(slow)


def _is_reset(sock: socket.socket) -> bool:
    """Wait, without reading, until the server has reset the connection."""
    poll = select.poll()
    poll.register(sock, select.POLLHUP | select.POLLERR)
    return bool(poll.poll(10_000))


def test_a_client_reset_does_not_affect_other_clients(mock: MockServer) -> None:
    """One client resets after half a request, another after half a response."""
    mock.scenario("many", count=5_000)
    for data in (request_bytes(mock)[:40], request_bytes(mock)):
        sock = connected(mock)
        sock.sendall(data)
        vanish(sock)
    assert len(listed(mock).json()["runtimes"]) == 5_000


def test_clients_that_connect_during_a_response_are_all_served(contract: Contract) -> None:
    """70 of them connect while the server is busy with the first."""
    busy, free = threading.Event(), threading.Event()

    def log(_entry: object) -> None:
        """Keep the server busy until the test allows it to continue."""
        busy.set()
        assert free.wait(60)

    with MockServer(contract, log=log) as mock, ExitStack() as open_:
        clients = [open_.enter_context(connected(mock))]
        clients[0].sendall(request_bytes(mock))
        assert busy.wait(60)
        clients += [open_.enter_context(connected(mock)) for _ in range(70)]
        free.set()
        for client in clients[1:]:
            client.sendall(request_bytes(mock, close=True))
        assert [200] * 70 == [reply.status for client in clients[1:] for reply in replies(read_all(client))]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
@pytest.mark.parametrize("others", [0, 1])
def test_a_client_is_served_once_file_descriptors_are_available_again(mock: MockServer, others: int) -> None:
    """A client waits while the process has none: until its limit is raised, or another client has its response."""
    import resource

    mock.fault("delay", 3, times=others or None)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with ExitStack() as stack, socket.socket() as client:
        client.settimeout(60)
        for _ in range(others):
            stack.enter_context(connected(mock)).sendall(request_bytes(mock))
            while not mock.requests:
                time.sleep(0.01)
        lowest_free = os.dup(client.fileno())
        os.close(lowest_free)
        host, _, port = mock.url.removeprefix("http://").rpartition(":")
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, hard))
            client.connect((host, int(port)))
            client.sendall(request_bytes(mock, close=True))
            client.settimeout(0.2)
            with pytest.raises(TimeoutError):
                client.recv(1)
            client.settimeout(60)
            if others:
                assert client.recv(15) == b"HTTP/1.1 200 OK"
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        if not others:
            assert [200] == [reply.status for reply in replies(read_all(client))]


def test_resetting_the_mock_frees_its_connections(contract: Contract) -> None:
    """With a limit of one connection, a fourth client is served after a reset that ends three delayed ones."""
    with MockServer(contract, limits=replace(ServerLimits(), connections=1)) as mock, ExitStack() as stack:
        mock.fault("delay", 3600)
        for _ in range(3):
            stack.enter_context(connected(mock)).sendall(request_bytes(mock))
            time.sleep(0.1)
        mock.reset()
        assert listed(mock).status == 200


@pytest.mark.parametrize("waiting", [0, 1])
def test_a_request_in_progress_is_completed_if_the_mock_stops_at_its_limit_of_connections(
    contract: Contract, waiting: int
) -> None:
    """With a limit of one connection, which a delayed response uses, while another client waits or none does."""
    with MockServer(contract, limits=replace(ServerLimits(), connections=1)) as mock, ExitStack() as stack:
        mock.fault("delay", 0.5)
        client = stack.enter_context(connected(mock))
        client.sendall(request_bytes(mock))
        while not mock.requests:
            time.sleep(0.01)
        for _ in range(waiting):
            stack.enter_context(connected(mock))
            time.sleep(0.1)
        mock.stop(grace=60.0)
        assert [200] == [reply.status for reply in replies(read_all(client))]


def test_a_client_may_connect_at_the_moment_when_the_mock_stops_at_its_limit_of_connections(
    contract: Contract,
) -> None:
    """The requests in progress are completed: the mock closes its port before it handles the new connection."""
    is_responding, is_connected = threading.Event(), threading.Event()

    with MockServer(contract, limits=replace(ServerLimits(), connections=1)) as mock, ExitStack() as stack:

        def wait_for_client(_request: Request, response: MockResponse) -> MockResponse:
            """Return the response after another client has connected; the mock handles nothing else until then."""
            is_responding.set()
            is_connected.wait(60)
            return response

        mock.last_word = wait_for_client
        client = stack.enter_context(connected(mock))
        # Linux lists the sockets in the order in which they became ready: here the client's, the one that stops the
        # mock, and the port.
        time.sleep(0.2)
        # While the second request is delayed, its connection is in use.
        client.sendall(request_bytes(mock, close=False) * 2)
        assert is_responding.wait(60)
        mock.fault("delay", 0.5)
        stopping = threading.Thread(target=mock.stop, kwargs={"grace": 60.0})
        stopping.start()
        time.sleep(0.2)
        stack.enter_context(connected(mock))
        is_connected.set()
        stopping.join()
        assert [200] * 2 == [reply.status for reply in replies(read_all(client))]


def test_pipelined_requests_over_the_limit_all_get_a_response(contract: Contract) -> None:
    """Six requests on one connection, with a limit of two and a delay for the first."""
    with MockServer(contract, limits=replace(ServerLimits(), pipelined=2)) as mock:
        mock.fault("delay", 0.2, times=1)
        with connected(mock) as sock:
            for number in range(6):
                sock.sendall(request_bytes(mock, close=number == 5))
                time.sleep(0.01)
            assert [200] * 6 == [reply.status for reply in replies(read_all(sock))]


def test_further_requests_on_a_hung_connection_get_no_response(mock: MockServer) -> None:
    mock.fault("hang", times=1)
    with connected(mock) as sock:
        sock.sendall(request_bytes(mock))
        assert listed(mock).status == 200
        sock.sendall(request_bytes(mock))
        assert listed(mock).status == 200
        sock.settimeout(0.1)
        with pytest.raises(TimeoutError):
            sock.recv(1)


@pytest.mark.parametrize("ending", ["hang", "reset"])
def test_a_half_closed_connection_ends_with_a_hang_or_reset_after_a_delay(mock: MockServer, ending: str) -> None:
    """The client receives nothing."""
    mock.fault("delay", 0.1)
    mock.fault(ending)
    assert raw(mock, request_bytes(mock), half_close=True) == b""


def test_a_disconnect_during_a_delay_does_not_affect_other_clients(mock: MockServer) -> None:
    mock.fault("delay", 0.2, times=1)
    sock = connected(mock)
    sock.sendall(request_bytes(mock))
    time.sleep(0.05)
    vanish(sock)
    time.sleep(0.25)
    assert listed(mock).status == 200


def test_a_client_that_is_reset_during_a_slow_body_after_a_half_close_affects_no_other(mock: MockServer) -> None:
    """The mock, which no longer reads from it, notices the reset when it sends the next part."""
    with mock.fault("slow_body", 200, times=1):
        sock = connected(mock)
        sock.sendall(request_bytes(mock))
        assert sock.recv(100)
        sock.shutdown(socket.SHUT_WR)
        time.sleep(0.1)
        vanish(sock)
        time.sleep(0.2)
        assert listed(mock).status == 200
