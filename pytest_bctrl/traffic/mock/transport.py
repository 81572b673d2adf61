"""The mock without a socket: an httpx transport, sync and async, for tests that stay in their process."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator

import anyio
import httpx

from pytest_bctrl.contract.model import BODILESS
from pytest_bctrl.http.message import MockResponse, Request, compressed_if_accepted
from pytest_bctrl.traffic.mock.server import MockServer


class MockTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Sends requests to `mock` in the same process, with its scenario, faults and journal; it need not be started.

    Use it as `httpx.Client(transport=MockTransport(mock), base_url=…)`, or with `httpx.AsyncClient`. A delay is waited
    for, up to the read timeout; a hang raises the read timeout at once.
    """

    def __init__(self, mock: MockServer) -> None:
        self._mock = mock

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Return the mock's response to a request; raises `ReadTimeout` or `ReadError` where a socket would."""
        mock_request = _mock_request(request, request.read())
        response = self._mock.respond(mock_request)
        time.sleep(_seconds_to_wait(request, response))
        return _httpx_response(request, mock_request, response)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Return the mock's response to a request; raises `ReadTimeout` or `ReadError` where a socket would."""
        mock_request = _mock_request(request, await request.aread())
        response = self._mock.respond(mock_request)
        await anyio.sleep(_seconds_to_wait(request, response))
        return _httpx_response(request, mock_request, response)


def _httpx_response(request: httpx.Request, mock_request: Request, response: MockResponse) -> httpx.Response:
    """Return a response of the mock as httpx's, or raise the error of its ending or delay."""
    if response.ending == "hang" or _seconds_to_wait(request, response) < response.delay:
        raise httpx.ReadTimeout("the mock does not answer", request=request)
    if response.ending == "reset":
        raise httpx.ReadError("the mock reset the connection", request=request)
    headers, body = compressed_if_accepted(mock_request, response)
    fields = list(headers)
    if response.status not in BODILESS:
        fields.append(("Content-Length", str(len(body))))
    if request.method == "HEAD":
        body = b""
    stream = httpx.ByteStream(body)
    if response.bytes_per_second is not None and body:
        stream = _SlowStream(body, len(body) / response.bytes_per_second)
    if response.ending == "truncate":
        stream = _TruncatedStream(body[: len(body) // 2])
    return httpx.Response(response.status, headers=fields, stream=stream, request=request)


class _SlowStream(httpx.ByteStream):
    """A body that takes a number of seconds."""

    def __init__(self, body: bytes, seconds: float) -> None:
        super().__init__(body)
        self._seconds = seconds

    def __iter__(self) -> Iterator[bytes]:
        """Yield the body after the delay."""
        time.sleep(self._seconds)
        yield from super().__iter__()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the parts of the body after the delay."""
        await anyio.sleep(self._seconds)
        for part in super().__iter__():
            yield part


class _TruncatedStream(httpx.ByteStream):
    """A body after which the connection is closed too early."""

    def __iter__(self) -> Iterator[bytes]:
        """Yield the body, then raise `RemoteProtocolError`, as for a connection that was closed too early."""
        yield from super().__iter__()
        raise httpx.RemoteProtocolError("peer closed connection without sending complete message body")

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the parts of the body, then raise `RemoteProtocolError`."""
        for part in self:
            yield part


def _mock_request(request: httpx.Request, body: bytes) -> Request:
    """Return a request of httpx as the mock's own `Request`."""
    headers = tuple((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in request.headers.raw)
    return Request(request.method, request.url.raw_path.decode("ascii"), headers, body)


def _seconds_to_wait(request: httpx.Request, response: MockResponse) -> float:
    """Return the seconds to wait for the response: its delay, or the read timeout if that is shorter."""
    limit = request.extensions.get("timeout", {}).get("read")
    if limit is None:
        return response.delay
    return min(response.delay, float(limit))
