"""Builds responses of httpx and httpx2."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

from pytest_bctrl.http.message import MockResponse
from pytest_bctrl.watch.substitutes.copying import shallow_copy

_CACHED = ("_text", "_decoder", "_encoding")
"""The attributes in which a response remembers what it has derived from its body or its header fields."""


def httpx_response(module: Any, response: Any, substitute: MockResponse) -> Any:
    """Return a response of httpx with the substitute's contents; closing it closes the observed response."""
    extensions = dict(response.extensions)
    if substitute.status != response.status_code:
        extensions.pop("reason_phrase", None)
    fields = [(name.encode(), value.encode()) for name, value in substitute.headers]
    copy = shallow_copy(response, status_code=substitute.status, headers=module.Headers(fields), extensions=extensions)
    for name in _CACHED:
        vars(copy).pop(name, None)
    if hasattr(response, "_content"):
        copy._content = substitute.body
        return copy
    copy.is_stream_consumed = copy.is_closed = False
    is_async = isinstance(response.stream, module.AsyncByteStream)
    base = module.AsyncByteStream if is_async else module.SyncByteStream
    copy.stream = _stream_class(base)(substitute.payload.content, response, copy)
    return copy


def _stream_class(base: Any) -> Any:
    """Return a class of streams, derived from that of the library, with the substitute's content."""

    class SubstitutedStream(base):  # type: ignore[misc]
        """The body of a response; closing it closes the stream of the observed response."""

        def __init__(self, content: bytes, observed: Any, response: Any) -> None:
            self._content, self._observed, self._response = content, observed, response

        def __iter__(self) -> Iterator[bytes]:
            """Yield the content."""
            if self._content:
                yield self._content

        async def __aiter__(self) -> AsyncIterator[bytes]:
            """Yield the content."""
            if self._content:
                yield self._content

        def close(self) -> None:
            """Close the observed stream, by which httpx measures the time."""
            self._observed.stream.close()
            self._copy_elapsed()

        async def aclose(self) -> None:
            """Close the observed stream, by which httpx measures the time."""
            await self._observed.stream.aclose()
            self._copy_elapsed()

        def _copy_elapsed(self) -> None:
            """Copy the measured time of the observed response."""
            elapsed = getattr(self._observed, "_elapsed", None)
            if elapsed is not None:
                self._response.elapsed = elapsed

    return SubstitutedStream
