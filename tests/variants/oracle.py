"""A second opinion: what is wrong with a running server, found without the kit.

It shares nothing with the kit but the published spec, so that a variant which shows no fault here shows none.
"""

import base64
import contextlib
import gzip
import http.client
import json
import re
import select
import socket
import time
import zlib
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from .published import Published
from .server import Server

UNKNOWN_SPACES = (
    "deadbeef-0000-4000-8000-000000000001",
    "no-such-space",
    "%C3%BC%F0%9F%A6%89",
    "x" * 300,
    "y" * 2000,
    "a%2Fb",
    "%00",
    "%0A%1B%7F",
    "%FF",
    "it%27s",
)


class BrokenAnswerError(Exception):
    """No whole answer came."""


@dataclass(frozen=True)
class Answer:
    """A whole answer, its content coding undone."""

    status: int
    content_type: str
    body: bytes
    retry_after: str | None = None

    @property
    def is_json(self) -> bool:
        """Whether the content type is JSON's."""
        return self.content_type.partition(";")[0].strip().lower() == "application/json"


@dataclass(frozen=True)
class Client:
    """Asks a server over connections of its own; `patience` is for one answer, in seconds.

    It asks again after a 429, and after the first 503 that says when to come back; `pauses` names who met that one.
    """

    server: Server
    patience: float
    pauses: list[str | None] = field(default_factory=list)

    def connect(self) -> http.client.HTTPConnection:
        """A new connection, which the caller closes."""
        return http.client.HTTPConnection(urlsplit(self.server.url).netloc, timeout=self.patience)

    def ask(
        self,
        authorization: str | None = None,
        space: str | None = None,
        method: str = "GET",
        before: str | None = None,
    ) -> Answer:
        """Ask for a list; `before` is the authorization of a first request on the same connection.

        Raises `BrokenAnswerError`.
        """
        answer = self._once(authorization, space, method, before)
        is_pausing = not self.pauses
        for _ in range(2):
            asks_back = answer.status == 503 and answer.retry_after is not None and is_pausing
            if not asks_back and answer.status != 429:
                break
            if answer.status == 429 and method == "GET" and not is_documented_error(answer):
                raise BrokenAnswerError("a limit in another shape")
            self.pauses.extend([space] if asks_back else [])
            answer = self._once(authorization, space, method, before)
        return answer

    def _once(self, authorization: str | None, space: str | None, method: str, before: str | None) -> Answer:
        path = f"/v1/spaces/{space or self.server.space_id}/runtimes"
        connection = self.connect()
        try:
            if before:
                _exchange(connection, method, path, before, self.patience)
                if connection.sock and select.select([connection.sock], [], [], 0.01)[0]:
                    connection.close()
            return _exchange(connection, method, path, authorization, self.patience)
        except (OSError, http.client.HTTPException, zlib.error, EOFError, ValueError) as reason:
            raise BrokenAnswerError(f"{type(reason).__name__}: {reason}") from reason
        finally:
            connection.close()


def _exchange(
    connection: http.client.HTTPConnection, method: str, path: str, authorization: str | None, patience: float
) -> Answer:
    headers = {"Accept-Encoding": "gzip, deflate"} | ({"Authorization": authorization} if authorization else {})
    connection.request(method, path, headers=headers)
    with connection.getresponse() as response:
        lengths = response.headers.get_all("Content-Length") or []
        if len(lengths) > 1 or not all(length.isdecimal() for length in lengths):
            raise ValueError("contradictory lengths")
        if lengths and response.getheader("Transfer-Encoding"):
            raise ValueError("two lengths")
        if any(not name.isascii() or " " in name for name in response.headers):
            raise ValueError("bad header name")
        if response.headers.defects:
            raise ValueError("bad header line")
        body = _read(response, time.monotonic() + patience)
        for coding in reversed(response.getheader("Content-Encoding", "identity").split(", ")):
            body = _decoded(body, coding) if body else body
        return Answer(response.status, response.getheader("Content-Type", ""), body, response.getheader("Retry-After"))


def _read(response: http.client.HTTPResponse, deadline: float) -> bytes:
    parts = []
    while part := response.read1(1 << 16):
        parts.append(part)
        if time.monotonic() > deadline:
            raise TimeoutError("the body does not end")
    if response.length:
        raise EOFError("the body is cut")
    return b"".join(parts)


def _decoded(body: bytes, coding: str) -> bytes:
    match coding:
        case "identity":
            return body
        case "gzip":
            return _bounded(gzip.decompress(body))
        case "deflate":
            try:
                return _bounded(zlib.decompress(body))
            except zlib.error:
                return _bounded(zlib.decompress(body, -zlib.MAX_WBITS))
    raise ValueError(f"unknown coding {coding}")


def _bounded(body: bytes) -> bytes:
    """Refuse what grows beyond all measure as it is unpacked: no list of runtimes is that large."""
    if len(body) > 64 * 1024 * 1024:
        raise ValueError("a bomb")
    return body


def strict_json(body: bytes) -> Any:
    """The document, after RFC 8259 and with unique names; raises `ValueError`."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) != len(pairs):
            raise ValueError("a name twice")
        return dict(pairs)

    def constant(name: str) -> None:
        raise ValueError(name)

    def integer(digits: str) -> int:
        return int(digits[:100])

    return json.loads(body.decode("utf-8"), object_pairs_hook=unique, parse_constant=constant, parse_int=integer)


def is_documented_error(answer: Answer) -> bool:
    """Whether the answer's body is JSON in one of the two documented shapes of an error."""
    try:
        body = strict_json(answer.body)
    except ValueError:
        return False
    match body:
        case {"error": str(), "code": str(), "requestId": str()}:
            return answer.is_json
        case {"error": {"code": str(), "message": str(), "reasonClass": str(), "requestId": str()}}:
            return answer.is_json
    return False


def complaints(server: Server, published: Published, patience: float = 5.0) -> set[str]:
    """The kinds of fault that the server shows."""
    client = Client(server, patience)
    right = f"Bearer {server.api_key}"
    try:
        bodies = [_listed(client.ask(right)) for _ in range(6)]
        bodies += [_listed(client.ask(right)) for _ in range(5) if client.pauses]
        found = {kind for body in set(bodies) for kind in published.complaints(strict_json(body), server.space_id)}
        unknown = (*UNKNOWN_SPACES, *_almost(server.space_id))
        if not all(_refuses(client.ask(right, space), {400, 403, 404, 414}) for space in unknown):
            found.add("protocol")
        wrong, known, other = "Bearer wrong", server.space_id, UNKNOWN_SPACES[0]
        if any(_has_more(server, *asked, patience) for asked in ((right, known), (wrong, known), (right, other))):
            found.add("protocol")
        if client.ask(right, method="HEAD").status in {500, 502, 503, 504}:
            found.add("protocol")
    except (BrokenAnswerError, ValueError):
        return {"protocol"}
    return found if _keeps_out(client, right) else found | {"auth"}


def _has_more(server: Server, authorization: str, space: str, patience: float) -> bool:
    """Whether something comes after the end of the answer, where a length says where that is."""
    url = urlsplit(f"{server.url}/v1/spaces/{space}/runtimes")
    fields = f"Host: {url.netloc}\r\nAuthorization: {authorization}\r\nConnection: close\r\n"
    received, deadline = b"", time.monotonic() + patience
    with socket.create_connection((url.hostname, url.port), timeout=patience) as connection:
        connection.sendall(f"GET {url.path} HTTP/1.1\r\n{fields}\r\n".encode())
        with contextlib.suppress(TimeoutError, ConnectionError):
            while (data := connection.recv(1 << 16)) and time.monotonic() < deadline:
                received += data
    head, _, body = received.partition(b"\r\n\r\n")
    length = re.search(rb"\r\ncontent-length: *(\d+)(?:\r\n|$)", head, re.IGNORECASE)
    return head.startswith(b"HTTP/1.1 ") and length is not None and len(body) > int(length[1])


def _almost(space: str) -> tuple[str, ...]:
    other = "0" if space[-1] != "0" else "1"
    first = "0" if space[0] != "0" else "1"
    return space[:-1], f"{space[:-1]}{other}", f"{space}0", f"{first}{space[1:]}"


def _listed(answer: Answer) -> bytes:
    if answer.status != 200 or not answer.is_json:
        raise ValueError("no list")
    return answer.body


def _refuses(answer: Answer, statuses: set[int]) -> bool:
    return answer.status in statuses and is_documented_error(answer)


def _keeps_out(client: Client, right: str) -> bool:
    key = client.server.api_key
    same_length = f"Bearer {key.translate(str.maketrans('abcdefghijklm', 'nopqrstuvwxyz'))[:-1]}!"
    wrong: tuple[str | None, ...] = (
        *(
            None,
            "Bearer",
            "Bearer ",
            "Bearer wrong",
            same_length,
            key,
            f"Token {key}",
            f"Basic {key}",
            "Basic dTpw",
            f"Bearer {key[:10]}{'y' if key[10] == 'x' else 'x'}{key[11:]}",
            f"Basic {base64.b64encode(f'{key}:'.encode()).decode()}",
        ),
        *(f"Bearer {key[:length]}" for length in (1, 8, len(key) // 2, len(key) - 2, len(key) - 1)),
        *(f"Bearer {key}x", f"Bearer {key.swapcase()}", f"Bearer {key[:8]}{'x' * 20}", f"Bearer {key[:-1]}!"),
    )
    try:
        return (
            all(_refuses(client.ask(credentials), {401, 403}) for credentials in wrong)
            and _refuses(client.ask("Bearer wrong", before=right), {401, 403})
            and client.ask(None, method="HEAD").status in {401, 403, 404, 405, 501}
        )
    except BrokenAnswerError:
        return False
