"""Records the bodies of requests while a client library reads them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pytest_bctrl.watch.exchange import WatchedBody


def tee_request_body(content: Any, body: WatchedBody) -> Any:
    """Record `content` in `body` and return it; a file or iterable is returned as one that records what is read."""
    body.problem = "it was not sent completely"
    if content is None:
        body.set(b"")
    elif isinstance(content, bytes | bytearray | memoryview | str):
        body.set(_chunk_bytes(content))
    elif hasattr(content, "read"):
        return _FileTee(content, body)
    elif hasattr(content, "__iter__"):
        return _IteratorTee(content, body)
    return content


def _chunk_bytes(chunk: Any) -> bytes:
    """Return a chunk of a body as bytes."""
    if isinstance(chunk, str):
        return chunk.encode("utf-8", "surrogatepass")
    return bytes(chunk)


class _FileTee:
    """A file that records what is read from it, since a client library has last set its position to send it again."""

    def __init__(self, file: Any, body: WatchedBody) -> None:
        self._file, self._body = file, body

    def read(self, size: int = -1) -> Any:
        """Return the next data of the file, and record them."""
        chunk = self._file.read(size)
        self._body.add(_chunk_bytes(chunk))
        if not chunk or size is None or size < 0:
            self._body.finish()
        return chunk

    def __iter__(self) -> Iterator[Any]:
        """Yield the lines of the file, and record them."""
        for line in self._file:
            self._body.add(_chunk_bytes(line))
            yield line
        self._body.finish()

    def __getattr__(self, name: str) -> Any:
        """Return an attribute of the file."""
        value = getattr(self._file, name)
        if name == "seek":
            return self._restarting(value)
        return value

    def _restarting(self, seek: Any) -> Any:
        """Return a `seek` that forgets what was read before."""

        def observed_seek(*arguments: Any) -> Any:
            """Set the position of the file."""
            self._body.restart()
            return seek(*arguments)

        return observed_seek


class _IteratorTee:
    """An iterable that records what it yields."""

    def __init__(self, chunks: Any, body: WatchedBody) -> None:
        self._chunks, self._body = chunks, body

    def __iter__(self) -> Iterator[Any]:
        """Yield the chunks, and record them."""
        for chunk in self._chunks:
            self._body.add(_chunk_bytes(chunk))
            yield chunk
        self._body.finish()

    def __getattr__(self, name: str) -> Any:
        """Return an attribute of the iterable."""
        return getattr(self._chunks, name)
