"""What the doctor says of a target that does not answer as it should."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from pytest_bctrl.cli.probe import Line, probe
from pytest_bctrl.contract.read import load
from pytest_bctrl.secret import Secret
from tests.traffic.servers import Script, answer, serve


def asked(url: str, timeout: float = 10) -> Line:
    return probe(load(), url, Secret("pk_probe_0123456789"), {"space_id": "mine"}, timeout)


def told(*script: bytes | Script, timeout: float = 10) -> Line:
    with serve(*script) as server:
        return asked(server.url, timeout)


@pytest.mark.parametrize(
    ("status", "text", "mend"),
    [
        (503, "the server fails: 503", "try again later"),
        (302, "it redirects: 302, and the key follows no redirect", "set the base URL to the final address"),
        (418, "it answers 418", "see what it says with curl -i"),
    ],
)
def test_an_answer_that_is_no_success_is_wrong(status: int, text: str, mend: str) -> None:
    line = told(answer(status, Location="/elsewhere"))

    assert ("target", "wrong") == (line.topic, line.state)
    assert text in line.text
    assert mend in line.mend


def _silent(connection: socket.socket, _number: int) -> None:
    time.sleep(0.6)


def test_no_answer_in_time_is_unknown() -> None:
    line = told(_silent, timeout=0.1)

    assert "unknown" == line.state
    assert line.text.endswith(": no answer in time")
    assert "a firewall" in line.mend


def test_no_http_is_unknown() -> None:
    line = told(b"SSH-2.0-server\r\n\r\n")

    assert "unknown" == line.state
    assert ": no usable answer: " in line.text
    assert "curl -i" in line.mend


def _in_the_clear(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        connection.recv(65536)


def test_no_secure_connection_is_unknown() -> None:
    """A server of plain HTTP, asked by https."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_in_the_clear, args=(listener,), daemon=True)
        thread.start()
        line = asked(f"https://127.0.0.1:{listener.getsockname()[1]}")
        thread.join(10)

    assert "unknown" == line.state
    assert ": no secure connection (TLS): " in line.text
    assert "SSL_CERT_FILE" in line.mend
