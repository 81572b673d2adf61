"""Records the bodies of requests while a client library reads them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

from pytest_bctrl.watch.exchange import WatchedBody

# pytest leaves the functions of this module out of the tracebacks of tests.
__tracebackhide__ = True


def tee_request_body(content: Any, body: WatchedBody) -> Any:
    """Record `content` in `body` and return it; a file or iterable is returned as one that records what is read."""
    body.problem = "it was not sent completely"
    if content is None:
        body.set(b"")
    elif isinstance(content, bytes | bytearray | memoryview | str):
        body.set(chunk_bytes(content))
    elif hasattr(content, "read"):
        return _FileTee(content, body)
    elif _is_buffer(content):
        body.set(bytes(memoryview(content)))
    elif hasattr(content, "__next__"):
        return _IteratorTee(content, body)
    elif hasattr(content, "__iter__"):
        return _IterableTee(content, body)
    return content


def _is_buffer(content: Any) -> bool:
    """Return whether an object has its bytes in memory, such as an array."""
    try:
        memoryview(content)
    except TypeError:
        return False
    return True


def chunk_bytes(chunk: Any) -> bytes:
    """Return a chunk of a body as bytes."""
    if isinstance(chunk, str):
        return chunk.encode("utf-8", "surrogatepass")
    return bytes(chunk)


class _Tee:
    """Stands for the body of a request, and has its class and its attributes: libraries and mocks test for both."""

    def __init__(self, content: Any, body: WatchedBody) -> None:
        self._content, self._body = content, body

    @property  # type: ignore[misc]
    def __class__(self) -> type:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The class of the body."""
        return type(self._content)

    def __getattr__(self, name: str) -> Any:
        """Return an attribute of the body."""
        return getattr(self._content, name)


class _FileTee(_Tee):
    """A file that records what is read from it, since a client library has last set its position to send it again."""

    def read(self, size: int = -1) -> Any:
        """Return the next data of the file, and record them."""
        chunk = self._content.read(size)
        self._body.add(chunk_bytes(chunk))
        if not chunk or size is None or size < 0:
            self._body.finish()
        return chunk

    def __iter__(self) -> Iterator[Any]:
        """Yield the lines of the file, and record them."""
        for line in self._content:
            self._body.add(chunk_bytes(line))
            yield line
        self._body.finish()

    def __getattr__(self, name: str) -> Any:
        """Return an attribute of the file."""
        value = super().__getattr__(name)
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


class _IterableTee(_Tee):
    """An iterable that records what it yields."""

    def __iter__(self) -> Iterator[Any]:
        """Yield the chunks, and record them."""
        for chunk in self._content:
            self._body.add(chunk_bytes(chunk))
            yield chunk
        self._body.finish()


class _IteratorTee(_Tee):
    """An iterator, such as a generator, that records what it yields."""

    def __iter__(self) -> Self:
        """Return the iterator itself."""
        return self

    def __next__(self) -> Any:
        """Return the next chunk, and record it."""
        try:
            chunk = next(self._content)
        except StopIteration:
            self._body.finish()
            raise
        self._body.add(chunk_bytes(chunk))
        return chunk
