"""The mock without a socket: an httpx transport, sync and async, for tests that stay in their process."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator

import anyio
import httpx

from pytest_bctrl.http.message import BODILESS, MockResponse, Request, coded
from pytest_bctrl.traffic.mock.server import MockServer


class MockTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Answers as `mock` does, with the same scenario, faults and journal; the mock need not be started.

    `httpx.Client(transport=MockTransport(mock), base_url=…)`, and the same with `httpx.AsyncClient`. A delay is slept
    through up to the read timeout; a hang is a read timeout at once, since nothing would ever come.
    """

    def __init__(self, mock: MockServer) -> None:
        self._mock = mock

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request; raises what httpx raises on a socket: `ReadTimeout`, `ReadError`."""
        asked = _plain(request, request.read())
        response = self._mock.respond(asked)
        time.sleep(_patience(request, response))
        return _response(request, asked, response)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request; raises what httpx raises on a socket: `ReadTimeout`, `ReadError`."""
        asked = _plain(request, await request.aread())
        response = self._mock.respond(asked)
        await anyio.sleep(_patience(request, response))
        return _response(request, asked, response)


def _response(request: httpx.Request, asked: Request, response: MockResponse) -> httpx.Response:
    if response.ending == "hang" or _patience(request, response) < response.delay:
        raise httpx.ReadTimeout("the mock does not answer", request=request)
    if response.ending == "reset":
        raise httpx.ReadError("the mock reset the connection", request=request)
    headers, body = coded(asked, response)
    sent = b"" if request.method == "HEAD" else body
    fields = [*headers] if response.status in BODILESS else [*headers, ("Content-Length", str(len(body)))]
    stream = _Broken(sent[: len(sent) // 2]) if response.ending == "truncate" else httpx.ByteStream(sent)
    return httpx.Response(response.status, headers=fields, stream=stream, request=request)


class _Broken(httpx.ByteStream):
    """A body that breaks off at its end."""

    def __iter__(self) -> Iterator[bytes]:
        yield from super().__iter__()
        raise httpx.RemoteProtocolError("peer closed connection without sending complete message body")

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self:
            yield part


def _plain(request: httpx.Request, body: bytes) -> Request:
    headers = tuple((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in request.headers.raw)
    return Request(request.method, request.url.raw_path.decode("ascii"), headers, body)


def _patience(request: httpx.Request, response: MockResponse) -> float:
    """Seconds to wait for the answer: its delay, or the read timeout where that is shorter."""
    limit = request.extensions.get("timeout", {}).get("read")
    return response.delay if limit is None else min(response.delay, float(limit))
