"""A server that returns the credential of each request, in every encoding, at the location `place`."""

from __future__ import annotations

import base64
import html
import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import quote

from tests.traffic.servers import CLOSE, serve


def _base64(before: int, text: str) -> str:
    """Return a text in base64, after `before` other characters and before two others."""
    return base64.b64encode(b"x" * before + text.encode() + b"yz").decode()


ENCODINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "url": lambda text: quote(text, safe=""),
    "base64-0": lambda text: _base64(0, text),
    "base64-1": lambda text: _base64(1, text),
    "base64-2": lambda text: _base64(2, text),
    "json": lambda text: json.dumps(text)[1:-1],
    "html": html.escape,
    "hex": lambda text: text.encode().hex(),
    "HEX": lambda text: text.encode().hex().upper(),
    "upper": str.upper,
    "lower": str.lower,
}


def all_encodings(secret: str) -> list[str]:
    """Return a secret in every encoding of `ENCODINGS`."""
    return [encode(secret) for encode in ENCODINGS.values()]


def hits(secret: str, text: str) -> list[str]:
    """Return the names of the encodings in which a secret occurs in a text; empty if it does not."""
    size = len(secret)
    encoded_secrets = {name: encode(secret) for name, encode in ENCODINGS.items()}
    encoded_secrets |= {
        f"base64-{at}": encoded_secrets[f"base64-{at}"][(0, 2, 3)[at] : (at + size) * 8 // 6] for at in range(3)
    }
    return [name for name, encoded in encoded_secrets.items() if encoded in text]


PLACES: dict[str, Callable[[str], bytes]] = {
    "status line": lambda echoed: f"HTTP/1.1 {echoed}\r\n\r\n".encode(),
    "reason": lambda echoed: f"HTTP/1.1 418 {echoed}\r\nContent-Length: 0\r\n\r\n".encode(),
    "header line": lambda echoed: f"HTTP/1.1 200 OK\r\nAuthorization {echoed}\r\nContent-Length: 0\r\n\r\n".encode(),
    "header": lambda echoed: f"HTTP/1.1 302 Found\r\nLocation: /{echoed}\r\nContent-Length: 0\r\n\r\n".encode(),
    "chunk size": lambda echoed: f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{echoed}\r\n".encode(),
    "length": lambda echoed: f"HTTP/1.1 200 OK\r\nContent-Length: {echoed}\r\n\r\n".encode(),
    "body": lambda echoed: f"HTTP/1.1 500 Oh\r\nContent-Length: {len(echoed)}\r\n\r\n{echoed}".encode(),
    "chunks": lambda echoed: (
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        + "".join(f"5\r\n{echoed[at : at + 5]:<5}\r\n" for at in range(0, len(echoed), 5))
        + "0\r\n\r\n"
    ).encode(),
}


@contextmanager
def echo(place: str, encode: Callable[[str], str] = lambda secret: json.dumps(all_encodings(secret))) -> Iterator[str]:
    """Serve on loopback a response that has the encoded credential of the request at `place`; yield the base URL."""

    def step(connection: socket.socket, _number: int) -> object:
        connection.sendall(PLACES[place](encode(server.authorizations()[-1].removeprefix("Bearer "))))
        return CLOSE

    with serve(step) as server:
        yield server.url
