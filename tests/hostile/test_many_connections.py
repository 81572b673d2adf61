"""A mock with far more connections than its limit serves new clients."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest

from pytest_bctrl.contract.read import load
from pytest_bctrl.traffic.mock import MockServer
from pytest_bctrl.traffic.mock.parse import ServerLimits
from tests import EVERYTHING
from tests.mock.asking import connected, listed, request_bytes

resource = pytest.importorskip("resource", reason="the system does not bound the files of a process")

CONNECTIONS = 10_000 if EVERYTHING else 1_500


@contextmanager
def open_files(number: int) -> Iterator[None]:
    """Raise the limit of open files for this process; skip the test if that is not allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard not in (resource.RLIM_INFINITY, -1) and hard < number:
        pytest.skip(f"this system lets a process open {hard} files, and {number} are needed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, number), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("kind", ["silent", "slow"])
def test_a_new_client_is_served_despite_thousands_of_idle_connections(kind: str) -> None:
    """They send nothing, or a head that never ends.

    In the environment `attacks` there are 10,000.
    """
    limits = ServerLimits()
    with open_files(CONNECTIONS + limits.connections + 200), MockServer(load()) as mock, ExitStack() as stack:
        part = request_bytes(mock)[:-2]
        for number in range(CONNECTIONS):
            sock = stack.enter_context(connected(mock, 60))
            if kind == "slow":
                # The mock may have let it go already.
                with suppress(OSError):
                    sock.sendall(part)
            if number % 500 == 499:
                assert 200 == listed(mock).status
        assert [200] * 3 == [listed(mock).status for _ in range(3)]
        # It holds no more of them than it may.
        assert _open_in(mock) <= limits.connections


def _open_in(mock: MockServer) -> int:
    """Return the number of connections that a mock has open."""
    return len(mock._listener._connections)


def test_more_clients_than_the_limit_are_served_one_after_the_other() -> None:
    """Each keeps its connection open, and the mock closes idle ones for new clients."""
    with open_files(2 * ServerLimits().connections + 200), MockServer(load()) as mock, ExitStack() as stack:
        for _ in range(ServerLimits().connections + 100):
            sock = stack.enter_context(socket.create_connection(("127.0.0.1", int(mock.url.rpartition(":")[2])), 60))
            sock.sendall(request_bytes(mock))
            assert sock.recv(12) == b"HTTP/1.1 200"
