"""Ways of putting a reply on the wire. Each answers whether the connection may stay open."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from .reply import Reply, with_length
from .wire import Wire

Delivery = Callable[[Wire, Reply], bool]

CHUNKED = ("Transfer-Encoding", "chunked")
_LAST_CHUNK = b"0\r\n\r\n"


def _pieces(body: bytes, size: int) -> Iterator[bytes]:
    return (body[start : start + size] for start in range(0, len(body), size))


def chunk(piece: bytes) -> bytes:
    """A piece of a body in the chunked coding."""
    return b"%x\r\n%b\r\n" % (len(piece), piece)


def chunked(size: int, each_alone: bool = False) -> Delivery:
    """Chunks of `size` bytes, gathered into one write or written each alone."""

    def deliver(wire: Wire, reply: Reply) -> bool:
        wire.write(reply.head(CHUNKED))
        if not wire.head_only:
            chunks = [*map(chunk, _pieces(reply.body, size)), _LAST_CHUNK]
            for data in chunks if each_alone else [b"".join(chunks)]:
                wire.write(data)
        return True

    return deliver


def chunked_with_trailers(wire: Wire, reply: Reply) -> bool:
    """Chunks with an extension each, and a trailer after the last."""
    wire.write(reply.head(CHUNKED, ("Trailer", "X-Checksum")))
    if not wire.head_only:
        for piece in _pieces(reply.body, 700):
            wire.write(b"%x;note=1\r\n%b\r\n" % (len(piece), piece))
        wire.write(b"0\r\nX-Checksum: none\r\n\r\n")
    return True


def with_body_always(then: Delivery) -> Delivery:
    """Send the body, to a HEAD too: it stays on the connection, before the next answer."""

    def deliver(wire: Wire, reply: Reply) -> bool:
        wire.head_only = False
        return then(wire, reply)

    return deliver


def then_closed(wire: Wire, reply: Reply) -> bool:
    """Send the reply in the ordinary way, and close the connection without having said so."""
    with_length(wire, reply)
    return False


def until_close(wire: Wire, reply: Reply) -> bool:
    """No length at all: the body ends where the connection does, as in HTTP/1.0."""
    wire.write(reply.adding(("Connection", "close")).head() + (b"" if wire.head_only else reply.body))
    return False


def as_http_1_0(wire: Wire, reply: Reply) -> bool:
    """The same under the older version's name."""
    wire.write(reply.head().replace(b"HTTP/1.1", b"HTTP/1.0", 1) + (b"" if wire.head_only else reply.body))
    return False


def later(seconds: float) -> Delivery:
    """Nothing for some seconds, then the ordinary way."""

    def deliver(wire: Wire, reply: Reply) -> bool:
        wire.pause(seconds)
        return with_length(wire, reply)

    return deliver


def in_slow_pieces(pieces: int, seconds: float) -> Delivery:
    """The body in a few pieces with a pause before each."""

    def deliver(wire: Wire, reply: Reply) -> bool:
        wire.write(reply.head(("Content-Length", str(len(reply.body)))))
        if not wire.head_only:
            for piece in _pieces(reply.body, len(reply.body) // pieces + 1):
                wire.pause(seconds)
                wire.write(piece)
        return True

    return deliver


def after_informational(status: int) -> Delivery:
    """An informational answer first, which a client passes over (RFC 9110, section 15.2)."""

    def deliver(wire: Wire, reply: Reply) -> bool:
        wire.write(Reply(status, headers=(("Link", "</style.css>; rel=preload"),)).head())
        return with_length(wire, reply)

    return deliver


def with_head(change: Callable[[bytes], bytes]) -> Delivery:
    """The ordinary way, with the bytes of the head rewritten."""

    def deliver(wire: Wire, reply: Reply) -> bool:
        head = change(reply.head(("Content-Length", str(len(reply.body)))))
        wire.write(head + (b"" if wire.head_only else reply.body))
        return True

    return deliver


def odd_case(head: bytes) -> bytes:
    """The head with the names of its headers in alternating case."""
    first, *lines = head.split(b"\r\n")
    return b"\r\n".join([first, *map(_alternating, lines)])


def _alternating(line: bytes) -> bytes:
    name, colon, value = line.partition(b":")
    return (
        bytes(byte ^ 32 if place % 2 and chr(byte).isalpha() else byte for place, byte in enumerate(name))
        + colon
        + value
    )


def delivered_by(delivery: Delivery) -> Callable[[object, Reply], Reply]:
    """The hook that hands a reply to another delivery."""
    return lambda _, reply: replace(reply, delivery=delivery)
