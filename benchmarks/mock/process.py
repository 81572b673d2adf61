"""The process of a server: the time to its first response, the time to its end, and its memory."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.mock.servers import REQUEST, Server, free_port

_START_TIMEOUT = 60.0


@dataclass
class Started:
    """A running server: the seconds to its first response, `start`, and the size of the body of that response."""

    process: subprocess.Popen[bytes]
    port: int
    start: float
    body: int

    def memory(self) -> int:
        """Return the resident memory of the process and its descendants in bytes."""
        return sum(_resident(pid) for pid in _with_descendants(self.process.pid))

    def stop(self) -> float:
        """End the process with SIGTERM, and return how many seconds that took."""
        start_time = time.perf_counter()
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        return time.perf_counter() - start_time


def start(server: Server) -> Started:
    """Start a server, and return it after its first response of 200. Raises `RuntimeError` if none arrives in time."""
    port = free_port()
    # Compiled modules are reused, as for anyone who starts a program twice.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    start_time = time.perf_counter()
    process = subprocess.Popen(
        server.command(port), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
    )
    while time.perf_counter() - start_time < _START_TIMEOUT and process.poll() is None:
        response = _exchange(port)
        if response.startswith((b"HTTP/1.1 200", b"HTTP/1.0 200")):
            return Started(process, port, time.perf_counter() - start_time, len(response.partition(b"\r\n\r\n")[2]))
        time.sleep(0.002)
    process.kill()
    process.wait()
    raise RuntimeError(f"{server.name} sends no response of 200: {server.command(port)}")


def _exchange(port: int) -> bytes:
    """Send one request and return the complete response; empty if the server does not accept connections yet."""
    request = REQUEST.replace(b"User-Agent", b"Connection: close\r\nUser-Agent")
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
            sock.sendall(request)
            received = b""
            while part := sock.recv(65536):
                received += part
            return received
    except OSError:
        return b""


def _with_descendants(pid: int) -> list[int]:
    """Return the ids of a process and of its descendants."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    pids = [int(child) for child in children.read_text().split()] if children.exists() else []
    return [pid, *(descendant for child in pids for descendant in _with_descendants(child))]


def _resident(pid: int) -> int:
    """Return the resident memory of a process in bytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0
