"""A server's process: how soon it answers, how soon it ends, and how much memory it takes."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.mock.servers import REQUEST, Server, free_port

_PATIENCE = 60.0


@dataclass
class Started:
    """A server that answers. Times are in seconds, `body` is the size of its first answer's body in bytes."""

    process: subprocess.Popen[bytes]
    port: int
    start: float
    body: int

    def memory(self) -> int:
        """Return resident memory in bytes, of the process and all it started."""
        return sum(_resident(pid) for pid in _family(self.process.pid))

    def stop(self) -> float:
        """End it with SIGTERM and return how long that took."""
        began = time.perf_counter()
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        return time.perf_counter() - began


def start(server: Server) -> Started:
    """Start a server and return once it has answered with 200; raises `RuntimeError` where it does not."""
    port = free_port()
    # Compiled modules are kept, as they are wherever people start a program twice.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    began = time.perf_counter()
    process = subprocess.Popen(
        server.command(port), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
    )
    while time.perf_counter() - began < _PATIENCE and process.poll() is None:
        response = _ask(port)
        if response.startswith((b"HTTP/1.1 200", b"HTTP/1.0 200")):
            return Started(process, port, time.perf_counter() - began, len(response.partition(b"\r\n\r\n")[2]))
        time.sleep(0.002)
    process.kill()
    process.wait()
    raise RuntimeError(f"{server.name} does not answer: {server.command(port)}")


def _ask(port: int) -> bytes:
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


def _family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children")
    found = [int(child) for child in children.read_text().split()] if children.exists() else []
    return [pid, *(one for child in found for one in _family(child))]


def _resident(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0
