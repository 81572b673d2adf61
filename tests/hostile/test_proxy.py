"""The proxy under load: many connections, large bodies at once, and clients beside them."""

from __future__ import annotations

import os
import re
import socket
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from tests.hostile.child import MEMORY
from tests.proxy.proxy_command import ProxyCommand, Running
from tests.proxy.targets import raw, target
from tests.traffic.servers import listening

pytestmark = pytest.mark.skipif(os.name != "posix", reason="limits and signals as on POSIX")

DESCRIPTORS = 200
LIMITED = """
import os, resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[1]), int(sys.argv[1])))
os.execv(sys.executable, [sys.executable, *sys.argv[2:]])
"""
PATH = "/v1/spaces/5b1e0c8e-0000-4000-8000-00000000bc71/runtimes"
GET = f"GET {PATH} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
HEAD = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n"
SMALL = HEAD.format(15).encode() + b'{"runtimes":[]}'

UNUSED = {
    "silent": b"",
    "half a head": GET[:-2],
    "used once": GET,
}


def connect(url: str) -> socket.socket:
    """Return a connection to a proxy."""
    host, _, port = url.removeprefix("http://").rpartition(":")
    return socket.create_connection((host, int(port)), timeout=60)


@pytest.mark.parametrize("sent", UNUSED.values(), ids=UNUSED)
def test_idle_connections_beyond_the_descriptors_are_replaced(tmp_path: Path, sent: bytes) -> None:
    """260 of them, in a process with 200 descriptors; one line says so, and the other clients get their responses."""
    command = ProxyCommand([sys.executable, "-c", LIMITED, str(DESCRIPTORS)], tmp_path)
    with target(lambda number: SMALL) as server, command.running(server.url) as proxy, ExitStack() as stack:
        for _ in range(260):
            client = stack.enter_context(connect(proxy.url))
            client.sendall(sent)
            if sent == GET:
                assert client.recv(12)
        assert [SMALL] * 3 == [raw(proxy.url, GET, reads=len(SMALL)) for _ in range(3)]
        _, out, err = proxy.end()
    assert "3 exchanges: 3 checked" in out or sent == GET
    assert "\nnot checked: " not in out
    (line,) = err.splitlines()
    assert line.endswith(" connections are open, the maximum: new ones replace those that are idle")


JSON = (b'{"runtimes":[],"x":"', b'"}')


@contextmanager
def large_target(size: int, media_type: str = "application/json", ends: tuple[bytes, bytes] = JSON) -> Iterator[str]:
    """Run a server whose responses have `size` MB between the `ends` of their bodies; yield its URL."""
    block = b"x" * 1_000_000
    head = HEAD.replace("application/json", media_type).format(size * len(block) + sum(map(len, ends)))

    def talk(connection: socket.socket) -> None:
        """Respond to the requests on a connection."""
        with connection, suppress(OSError):
            while connection.recv(65536):
                connection.sendall(head.encode() + ends[0])
                for _ in range(size):
                    connection.sendall(block)
                connection.sendall(ends[1])

    with listening(talk) as port:
        yield f"http://127.0.0.1:{port}"


def received_size(url: str, count: int = 1) -> int:
    """Send requests one after the other on one connection, and return the size of the bodies."""
    size = 0
    with connect(url) as client, client.makefile("rb") as file:
        for _ in range(count):
            client.sendall(GET)
            length = 0
            while (line := file.readline()) != b"\r\n":
                name, _, value = line.partition(b":")
                length = int(value) if name == b"Content-Length" else length
            while length:
                read = len(file.read(min(length, 1_000_000)))
                size, length = size + read, length - read
    return size


def peak_memory(proxy: Running) -> float:
    """Return the peak memory of a proxy in MB."""
    status = Path(f"/proc/{proxy.process.pid}/status").read_text("utf-8")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the peak memory from /proc")
def test_concurrent_large_bodies_are_forwarded_with_little_memory(tmp_path: Path) -> None:
    """A client receives three of 31 MB one after the other, which are checked, then 30 clients receive one each."""
    with large_target(31) as url, ProxyCommand([sys.executable], tmp_path).running(url) as proxy:
        assert 3 * 31_000_022 == received_size(proxy.url, 3)
        with ThreadPoolExecutor(30) as pool:
            assert [31_000_022] * 30 == list(pool.map(received_size, [proxy.url] * 30))
        peak = peak_memory(proxy)
        _, out, _ = proxy.end()
    omitted = re.search(r"did not fit into memory next to other bodies \((\d+) times\)", out)
    checked = re.search(r"33 exchanges: (\d+) checked", out)
    assert omitted is not None
    assert checked is not None
    assert 33 == int(omitted[1]) + int(checked[1])
    assert 3 <= int(checked[1])
    assert peak < MEMORY
