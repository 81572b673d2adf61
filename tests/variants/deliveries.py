"""Deliveries write a reply to a connection, and return whether it stays open; some functions return a delivery."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from .reply import Reply, with_length
from .wire import Wire

Delivery = Callable[[Wire, Reply], bool]

CHUNKED = ("Transfer-Encoding", "chunked")
_LAST_CHUNK = b"0\r\n\r\n"


def _pieces(body: bytes, size: int) -> Iterator[bytes]:
    """Yield a body in pieces of `size` bytes; the last one may be shorter."""
    return (body[start : start + size] for start in range(0, len(body), size))


def chunk(piece: bytes) -> bytes:
    """Return a piece of a body in the chunked coding."""
    return b"%x\r\n%b\r\n" % (len(piece), piece)


def chunked(size: int, each_alone: bool = False) -> Delivery:
    """Return a delivery that sends head and chunks of `size` bytes in one write or, with `each_alone`, in several."""

    def deliver(wire: Wire, reply: Reply) -> bool:
        parts = [reply.head(CHUNKED)]
        if not wire.head_only:
            parts += [*map(chunk, _pieces(reply.body, size)), _LAST_CHUNK]
        for data in parts if each_alone else [b"".join(parts)]:
            wire.write(data)
        return True

    return deliver


def chunked_with_trailers(wire: Wire, reply: Reply) -> bool:
    """Send chunks, each with an extension, and a trailer after the last one."""
    wire.write(reply.head(CHUNKED, ("Trailer", "X-Checksum")))
    if not wire.head_only:
        for piece in _pieces(reply.body, 700):
            wire.write(b"%x;note=1\r\n%b\r\n" % (len(piece), piece))
        wire.write(b"0\r\nX-Checksum: none\r\n\r\n")
    return True


def with_body_always(then: Delivery) -> Delivery:
    """Return a delivery that sends the body even to HEAD, so that it precedes the next response."""

    def deliver(wire: Wire, reply: Reply) -> bool:
        wire.head_only = False
        return then(wire, reply)

    return deliver


def then_closed(wire: Wire, reply: Reply) -> bool:
    """Send the reply normally, and close the connection without announcing it."""
    with_length(wire, reply)
    return False


def until_close(wire: Wire, reply: Reply) -> bool:
    """Send no length: the body ends when the connection is closed, as in HTTP/1.0."""
    wire.write(reply.adding(("Connection", "close")).head() + (b"" if wire.head_only else reply.body))
    return False


def as_http_1_0(wire: Wire, reply: Reply) -> bool:
    """Send the reply as HTTP/1.0."""
    wire.write(reply.head().replace(b"HTTP/1.1", b"HTTP/1.0", 1) + (b"" if wire.head_only else reply.body))
    return False


def later(seconds: float) -> Delivery:
    """Return a delivery that sends the reply after some seconds."""

    def deliver(wire: Wire, reply: Reply) -> bool:
        wire.pause(seconds)
        return with_length(wire, reply)

    return deliver


def in_slow_pieces(pieces: int, seconds: float) -> Delivery:
    """Return a delivery that sends the body in `pieces` pieces, each after a pause."""

    def deliver(wire: Wire, reply: Reply) -> bool:
        wire.write(reply.head(("Content-Length", str(len(reply.body)))))
        if not wire.head_only:
            for piece in _pieces(reply.body, len(reply.body) // pieces + 1):
                wire.pause(seconds)
                wire.write(piece)
        return True

    return deliver


def after_informational(status: int) -> Delivery:
    """Return a delivery that sends a response of this status 1xx before, which a client ignores (RFC 9110, 15.2)."""

    def deliver(wire: Wire, reply: Reply) -> bool:
        wire.write(Reply(status, headers=(("Link", "</style.css>; rel=preload"),)).head())
        return with_length(wire, reply)

    return deliver


def with_head(change: Callable[[bytes], bytes]) -> Delivery:
    """Return a delivery that sends the reply with its head changed, which has the length of the body."""

    def deliver(wire: Wire, reply: Reply) -> bool:
        head = change(reply.head(("Content-Length", str(len(reply.body)))))
        wire.write(head + (b"" if wire.head_only else reply.body))
        return True

    return deliver


def odd_case(head: bytes) -> bytes:
    """Return the head with header names in alternating case."""
    first, *lines = head.split(b"\r\n")
    return b"\r\n".join([first, *map(_alternating, lines)])


def _alternating(line: bytes) -> bytes:
    """Return a header line with every second letter of its name in the other case."""
    name, colon, value = line.partition(b":")
    return (
        bytes(byte ^ 32 if index % 2 and chr(byte).isalpha() else byte for index, byte in enumerate(name))
        + colon
        + value
    )


def delivered_by(delivery: Delivery) -> Callable[[object, Reply], Reply]:
    """Return the hook that sends a reply with another delivery."""
    return lambda _, reply: replace(reply, delivery=delivery)
