"""Hundreds of hostile connections, and one ordinary client that is served meanwhile.

`BCTRL_HOSTILE_SECONDS` sets the duration (default: 2).
"""

from __future__ import annotations

import os
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pytest_bctrl.contract.model import Contract
from pytest_bctrl.traffic.mock import MockServer

from .asking import connected, listed, request_bytes, vanish

SECONDS = float(os.environ.get("BCTRL_HOSTILE_SECONDS", "2"))
CONNECTIONS = 256


def slow_reader(mock: MockServer, source: random.Random) -> socket.socket:
    """Request a large list and read only a little."""
    sock = connected(mock)
    sock.sendall(request_bytes(mock) * 4)
    sock.recv(source.randint(1, 100))
    return sock


def half_sent(mock: MockServer, source: random.Random) -> socket.socket:
    """Send a part of a request and nothing more."""
    sock = connected(mock)
    data = request_bytes(mock, "Content-Length: 100")
    sock.sendall(data[: source.randint(1, len(data))])
    return sock


def resetting(mock: MockServer, source: random.Random) -> socket.socket:
    """Send a request, and reset the connection before reading the response."""
    sock = connected(mock)
    sock.sendall(request_bytes(mock))
    vanish(sock)
    return sock


def garbage(mock: MockServer, source: random.Random) -> socket.socket:
    """Send bytes that are not HTTP, or a request with some bytes changed."""
    sock = connected(mock)
    data = bytearray(request_bytes(mock) if source.random() < 0.5 else source.randbytes(source.randint(1, 4000)))
    for _ in range(source.randint(1, 4)):
        data[source.randrange(len(data))] = source.randrange(256)
    sock.sendall(data)
    return sock


KINDS: list[Callable[[MockServer, random.Random], socket.socket]] = [slow_reader, half_sent, resetting, garbage]


@contextmanager
def hostility(mock: MockServer) -> Iterator[None]:
    """Keep `CONNECTIONS` hostile connections open in threads, replacing each from time to time."""
    ended = threading.Event()

    def open_connections(seed: int) -> None:
        """Open connections at random, and close one at random when there are enough, until the end."""
        source = random.Random(seed)
        sockets: list[socket.socket] = []
        while not ended.is_set():
            # The server may refuse or end any of them.
            with suppress(OSError):
                sockets.append(source.choice(KINDS)(mock, source))
            if len(sockets) >= CONNECTIONS // 8:
                sockets.pop(source.randrange(len(sockets))).close()
            ended.wait(0.002)
        for sock in sockets:
            sock.close()

    threads = [threading.Thread(target=open_connections, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def resident() -> int:
    """Return the resident memory of this process in bytes; 0 if unknown."""
    status = Path("/proc/self/status")
    if not status.exists():
        return 0
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024


def test_a_good_client_is_served_next_to_hundreds_of_hostile_ones(contract: Contract) -> None:
    """Each of its responses is the expected one, memory stays bounded, and the server stops within a minute."""
    with MockServer(contract) as mock:
        mock.scenario("many", count=2_000)
        expected = listed(mock).json()
        with hostility(mock):
            until = time.monotonic() + SECONDS
            served = 0
            early = late = 0
            while served < 3 * SECONDS or time.monotonic() < until:
                assert listed(mock).json() == expected
                served += 1
                late = resident()
                if time.monotonic() > until - SECONDS * 2 / 3 and not early:
                    early = late
        began = time.monotonic()
    assert late - early < 64 * 1024 * 1024
    assert time.monotonic() - began < SECONDS + 60
    print(f"served {served} beside them; memory {early / 1e6:.0f} MB, then {late / 1e6:.0f} MB")


def test_mutated_requests_get_no_5xx_and_affect_no_later_request(mock: MockServer) -> None:
    """Each of 300 gets another status, or its connection is closed."""
    source = random.Random(20)
    for _ in range(300):
        data = bytearray(request_bytes(mock, "Content-Length: 2") + b"{}")
        for _ in range(source.randint(1, 6)):
            data[source.randrange(len(data))] = source.randrange(256)
        with connected(mock) as sock:
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
            received = sock.recv(65536)
        assert received[:9] in (b"", b"HTTP/1.1 ")
        assert received[9:10] != b"5"
    assert listed(mock).status == 200


def test_a_reset_ends_while_clients_connect_again_at_once(contract: Contract) -> None:
    """Each of 200 clients connects again as soon as the reset has closed its connection."""
    is_over = threading.Event()

    def connect_again() -> None:
        """Send requests on one connection after another."""
        while not is_over.is_set():
            with suppress(OSError), connected(mock) as sock:
                sock.sendall(request_bytes(mock))
                while sock.recv(65536) and not is_over.is_set():
                    sock.sendall(request_bytes(mock))

    with MockServer(contract) as mock:
        clients = [threading.Thread(target=connect_again, daemon=True) for _ in range(200)]
        for client in clients:
            client.start()
        resetting = threading.Thread(target=mock.reset, daemon=True)
        resetting.start()
        resetting.join(30)
        has_ended = not resetting.is_alive()
        is_over.set()
        for client in clients:
            client.join(30)
    assert has_ended
