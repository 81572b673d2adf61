"""The two drivers of the guarded flow: an httpx transport for sync clients and one for async clients."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from threading import Timer
from typing import Any, Self
from weakref import WeakSet

import anyio
import httpx

from pytest_bctrl.incoming import MOST, size
from pytest_bctrl.traffic.flow import Attempt, Flow, Rules, Send, TooMuchError, flow


class GuardedTransport(httpx.BaseTransport):
    """Sends requests by `Rules` over `inner`, an ordinary httpx transport."""

    def __init__(self, rules: Rules, inner: httpx.BaseTransport) -> None:
        self._rules = rules
        self._inner = inner
        self._streams: WeakSet[Any] = WeakSet()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; raises httpx's own errors, and `UnsafeRequestError` before anything is sent."""
        request.read()
        running = flow(request, self._rules)
        outcome: Attempt | None = None
        while True:
            step = running.send(outcome)
            if isinstance(step, httpx.Response):
                return step
            if isinstance(step, Send):
                outcome = self._send(step)
            else:
                outcome = None
                time.sleep(step)

    def _send(self, step: Send) -> Attempt:
        with _Watch(step, self._streams) as watch:
            step.request.extensions["trace"] = watch.trace
            begun = False
            try:
                response = self._inner.handle_request(step.request)
                begun = True
                body = bytearray()
                try:
                    for chunk in response.stream:  # type: ignore[union-attr]
                        body += chunk
                        if len(body) > MOST:
                            raise _too_large()
                        if time.monotonic() > step.deadline:
                            raise _late()
                finally:
                    response.close()
            except httpx.TransportError as error:
                return _failed(_late() if watch.fired else error, watch.events, self._rules, begun)
        return _answered(response, body)

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()


class AsyncGuardedTransport(httpx.AsyncBaseTransport):
    """Sends requests by `Rules` over `inner`, an ordinary async httpx transport, under asyncio or trio."""

    def __init__(self, rules: Rules, inner: httpx.AsyncBaseTransport) -> None:
        self._rules = rules
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; raises httpx's own errors, and `UnsafeRequestError` before anything is sent."""
        await request.aread()
        running: Flow = flow(request, self._rules)
        outcome: Attempt | None = None
        while True:
            step = running.send(outcome)
            if isinstance(step, httpx.Response):
                return step
            if isinstance(step, Send):
                outcome = await self._send(step)
            else:
                outcome = None
                await anyio.sleep(step)

    async def _send(self, step: Send) -> Attempt:
        events: list[str] = []

        async def trace(name: str, info: object) -> None:
            events.append(name)

        step.request.extensions["trace"] = trace
        body = bytearray()
        response: httpx.Response | None = None
        try:
            with anyio.move_on_after(step.deadline - time.monotonic()) as scope:
                response = await self._inner.handle_async_request(step.request)
                try:
                    async for chunk in response.stream:  # type: ignore[union-attr]
                        body += chunk
                        if len(body) > MOST:
                            # Cancelled where they wait, the generators under it end; left amid the loop, they do not.
                            scope.cancel()
                finally:
                    await response.aclose()
        except httpx.TransportError as error:
            return _failed(error, events, self._rules, begun=response is not None)
        if len(body) > MOST:
            return _failed(_too_large(), events, self._rules)
        if scope.cancelled_caught or response is None:
            return _failed(_late(), events, self._rules)
        return _answered(response, body)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()


def _too_large() -> httpx.ReadError:
    return TooMuchError(f"the answer is larger than {size(MOST)}")


def _late() -> httpx.ReadTimeout:
    return httpx.ReadTimeout("the answer was still being sent when the time was up")


def _answered(response: httpx.Response, body: bytearray) -> Attempt:
    # Of the extensions, those that still mean something once the connection was given back.
    names = ("http_version", "reason_phrase")
    kept = {name: response.extensions[name] for name in names if name in response.extensions}
    return Attempt(status=response.status_code, headers=response.headers.raw, body=bytes(body), extensions=kept)


def _failed(error: httpx.TransportError, events: Sequence[str], rules: Rules, begun: bool = True) -> Attempt:
    detail = _DETAILS.get(type(error)) or _in_words(str(error)) or type(error).__name__
    started, connected, secured = (any(name.endswith(end) for name in events) for end in _STEPS)
    if rules.proxy is None or not started or (connected and (secured or rules.origin.scheme == "http")):
        return Attempt(error=type(error).__name__, detail=detail, reused=not started, begun=begun)
    # What the request goes through is not there, or does not let it pass: nothing is known of the target.
    words = "does not let the request pass" if connected else "cannot be reached"
    detail = f"the proxy ({rules.proxy.shown}) {words}: {detail}"
    return Attempt(error="ProxyError", detail=detail, begun=False)


def _in_words(text: str) -> str:
    """What h11 says, without Python's notation of bytes, and with the right name for the first line of an answer."""
    said = _BYTES.sub(r"\1", text).replace("illegal request line", "illegal status line")
    return said.replace("Receive buffer too long", "the head of the answer does not end")


_BYTES = re.compile(r"bytearray\(b(.*)\)")


_DETAILS: dict[type[httpx.TransportError], str] = {
    httpx.ConnectTimeout: "no connection in time",
    httpx.PoolTimeout: "no free connection in time",
    httpx.WriteTimeout: "the request could not be sent in time",
    # Its own words repeat the header that is wrong, and that may be the one with the key.
    httpx.LocalProtocolError: "the request cannot be written as HTTP/1.1: is there a line end in a header?",
}


_STEPS = ("connect_tcp.started", "connect_tcp.complete", "start_tls.started")
"""How the names of httpcore's trace events end that tell of a new connection."""


class _Watch:
    """One blocking request: what happens on the wire, and an end at its deadline, also while headers drip in.

    httpx's time-outs start again with every byte, so none of them bounds an answer as a whole. A deadline that passes
    ends the connection that the request opened, else all of the transport (`streams`): which one it is on cannot be
    told from outside, and a request that loses its connection to another's deadline is safe, so it is tried again.
    """

    def __init__(self, step: Send, streams: WeakSet[Any]) -> None:
        self.events: list[str] = []
        self.fired = False
        self._streams = streams
        self._own: list[Any] = []
        self._timer = Timer(max(0.0, step.deadline - time.monotonic()), self._fire)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def trace(self, name: str, info: dict[str, Any]) -> None:
        """Take httpcore's word for what happens on the wire (its trace extension)."""
        self.events.append(name)
        if name.endswith(("connect_tcp.complete", "start_tls.complete")):
            self._streams.add(info["return_value"])
            self._own.append(info["return_value"])

    def _fire(self) -> None:
        """Shut the connections down, which wakes the thread that waits on one."""
        self.fired = True
        for stream in self._own or list(self._streams):
            with suppress(OSError, AttributeError):
                stream.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
