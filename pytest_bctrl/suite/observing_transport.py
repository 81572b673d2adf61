"""Lets an observer see what passes through an httpx client, and takes nothing from it."""

from __future__ import annotations

import httpx

from pytest_bctrl.suite.observer import Observer, Seen


class ObservingTransport(httpx.BaseTransport):
    """Hands on what `inner` answers, and lets an observer see it; a body that is a stream is left alone."""

    def __init__(self, inner: httpx.BaseTransport, observer: Observer, *, judged: bool) -> None:
        self._inner = inner
        self._observer = observer
        self._judged = judged

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request."""
        response = self._inner.handle_request(request)
        see(self._observer, request, response, judged=self._judged)
        return response

    def close(self) -> None:
        """Close `inner`."""
        self._inner.close()


class AsyncObservingTransport(httpx.AsyncBaseTransport):
    """Hands on what `inner` answers, and lets an observer see it; a body that is a stream is left alone."""

    def __init__(self, inner: httpx.AsyncBaseTransport, observer: Observer, *, judged: bool) -> None:
        self._inner = inner
        self._observer = observer
        self._judged = judged

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request."""
        response = await self._inner.handle_async_request(request)
        see(self._observer, request, response, judged=self._judged)
        return response

    async def aclose(self) -> None:
        """Close `inner`."""
        await self._inner.aclose()


def see(observer: Observer, request: httpx.Request, response: httpx.Response, *, judged: bool) -> None:
    """Take down an answer whose body is in memory, reading it without using it up."""
    if not isinstance(response.stream, httpx.ByteStream):
        return
    wire = b"".join(response.stream)
    try:
        body = httpx.Response(response.status_code, headers=response.headers, content=wire).content
    except httpx.DecodingError:
        # The client of the test meets the same, and says so.
        return
    observer.see(
        Seen(
            request.method,
            str(request.url),
            response.status_code,
            tuple(response.headers.multi_items()),
            body,
            tuple(request.headers.multi_items()),
        ),
        judged=judged,
    )
