"""Recording and replaying inside the process: httpx transports, sync and async; nothing is patched."""

from __future__ import annotations

from collections.abc import Callable

import httpx

from pytest_bctrl.traffic.recordings.exchange import BODILESS, REQUEST, RESPONSE, Exchange, kept
from pytest_bctrl.traffic.recordings.replay import Miss, Player


class UnrecordedRequestError(httpx.TransportError):
    """A replayed test asked for what is not recorded: to the code under test, the network failed."""


class ReplayTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Answers from a `Player`; raises `UnrecordedRequestError` where it has no answer."""

    def __init__(self, player: Player) -> None:
        self._player = player

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        request.read()
        return self._answered(request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        await request.aread()
        return self._answered(request)

    def _answered(self, request: httpx.Request) -> httpx.Response:
        found = self._player.answer(request.method, str(request.url))
        if isinstance(found, Miss):
            raise UnrecordedRequestError(found.text, request=request)
        body = b"" if found.method == "HEAD" else found.body
        length = [("Content-Length", str(len(body)))] if found.status not in BODILESS and body else []
        # As bytes: of text httpx takes ASCII alone.
        headers = [(name.encode(), value.encode()) for name, value in (*found.headers, *length)]
        return httpx.Response(found.status, headers=headers, stream=httpx.ByteStream(body), request=request)


Keep = Callable[[httpx.Request, httpx.Response, bytes], None]
"""Takes down a request, its answer, and the answer's body with every coding undone."""


class RecordingTransport(httpx.BaseTransport):
    """Hands on what `inner` answers, once it was taken down."""

    def __init__(self, inner: httpx.BaseTransport, keep: Keep) -> None:
        self._inner = inner
        self._keep = keep

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request."""
        request.read()
        response = self._inner.handle_request(request)
        wire = b"".join(response.stream)  # type: ignore[arg-type]
        response.close()
        self._keep(request, response, _content(response, wire))
        return _again(response, wire)

    def close(self) -> None:
        """Close `inner`."""
        self._inner.close()


class AsyncRecordingTransport(httpx.AsyncBaseTransport):
    """Hands on what `inner` answers, once it was taken down."""

    def __init__(self, inner: httpx.AsyncBaseTransport, keep: Keep) -> None:
        self._inner = inner
        self._keep = keep

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request."""
        await request.aread()
        response = await self._inner.handle_async_request(request)
        wire = b"".join([part async for part in response.stream])  # type: ignore[union-attr]
        await response.aclose()
        self._keep(request, response, _content(response, wire))
        return _again(response, wire)

    async def aclose(self) -> None:
        """Close `inner`."""
        await self._inner.aclose()


def exchange_of(request: httpx.Request, response: httpx.Response, body: bytes, started: str) -> Exchange:
    """Return one exchange, with the header fields that may be kept and no user name or password in its URL."""
    return Exchange(
        method=request.method,
        url=str(request.url.copy_with(username=None, password=None, fragment=None)),
        status=response.status_code,
        headers=kept(response.headers.multi_items(), RESPONSE),
        body=body,
        request_headers=kept(request.headers.multi_items(), REQUEST),
        request_body=request.content,
        reason=response.reason_phrase,
        started=started,
    )


def _content(response: httpx.Response, wire: bytes) -> bytes:
    """The body with its content coding undone; raises `httpx.DecodingError` where it is broken."""
    return httpx.Response(response.status_code, headers=response.headers, content=wire).content


def _again(response: httpx.Response, wire: bytes) -> httpx.Response:
    return httpx.Response(
        response.status_code,
        headers=response.headers,
        stream=httpx.ByteStream(wire),
        extensions=response.extensions,
    )
