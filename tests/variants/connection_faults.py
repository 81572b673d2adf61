"""Variants with faults below the message: framing, silence, resets, endless responses."""

from collections.abc import Callable
from dataclasses import replace

from .deliveries import CHUNKED, Delivery, chunk, chunked, delivered_by, with_body_always, with_head
from .reply import Reply, with_length
from .service import Service
from .variant import Variant, faulty, variants
from .wire import Wire


def _raw(
    data: Callable[[Reply], bytes], then: Callable[[Wire], object] = lambda wire: None, stays: bool = False
) -> Delivery:
    """Return a delivery that sends these bytes, runs an action, and closes the connection unless it stays open."""

    def deliver(wire: Wire, reply: Reply) -> bool:
        wire.write(data(reply))
        then(wire)
        return stays

    return deliver


def _nothing(_: Reply) -> bytes:
    """Return no bytes."""
    return b""


def _head(reply: Reply, factor: float = 1, more: int = 0) -> bytes:
    """Return the head with the length of the body, times `factor` plus `more`."""
    return reply.head(("Content-Length", str(int(len(reply.body) * factor) + more)))


def _half(reply: Reply) -> bytes:
    """Return the first half of the body."""
    return reply.body[: len(reply.body) // 2]


def _silence(wire: Wire) -> None:
    """Wait for ten minutes."""
    wire.pause(600)


def _late_reset(wire: Wire) -> None:
    """Wait briefly, then reset the connection."""
    # Long enough for the client to read what was sent before the reset discards it.
    wire.pause(0.05)
    wire.reset()


def _dripping(data_before: bool) -> Delivery:
    """Return a delivery that sends one byte per second: of the body if the head is sent before at once, or of both."""

    def deliver(wire: Wire, reply: Reply) -> bool:
        head = _head(reply)
        if data_before:
            wire.write(head)
        for byte in reply.body if data_before else head + reply.body:
            wire.write(bytes([byte]))
            wire.pause(1.0)
        return False

    return deliver


def _endless(start: bytes, piece: bytes) -> Delivery:
    """Return a delivery that sends `start`, or else a head for chunks, and then a piece again and again."""

    def deliver(wire: Wire, reply: Reply) -> bool:
        wire.write(start or reply.head(CHUNKED))
        while True:
            wire.write(piece)
            wire.pause(0.02)

    return deliver


_AND_MORE = _raw(lambda reply: _head(reply) + reply.body + b"and more\r\n", stays=True)
_TWO_LENGTHS = _raw(
    lambda reply: reply.head(("Content-Length", str(len(reply.body))), CHUNKED) + chunk(reply.body) + b"0\r\n\r\n",
    stays=True,
)
_SILENT = _raw(_nothing, _silence)
_RESET = _raw(_nothing, Wire.reset)
_CLOSED = _raw(_nothing)

_LISTED: dict[str, dict[str, Delivery]] = {
    "complete body": {
        "body-cut": _raw(lambda reply: _head(reply) + _half(reply)),
        "content-length-too-great": _raw(lambda reply: _head(reply, more=10) + reply.body),
        "content-length-too-small": _raw(lambda reply: _head(reply, 0.5) + reply.body),
        "chunks-cut-between": _raw(lambda reply: reply.head(CHUNKED) + chunk(_half(reply))),
        "chunks-cut-inside": _raw(lambda reply: reply.head(CHUNKED) + chunk(reply.body)[:200]),
        "chunks-without-the-last": _raw(lambda reply: reply.head(CHUNKED) + chunk(reply.body)),
        "close-delimited-cut": _raw(lambda reply: reply.adding(("Connection", "close")).head() + _half(reply)),
    },
    "framing": {
        "content-length-negative": _raw(lambda reply: _head(reply, -1) + reply.body),
        "content-length-word": with_head(lambda head: head.replace(b"Content-Length: ", b"Content-Length: about ")),
        "content-length-twice": with_head(lambda head: head[:-2] + b"Content-Length: 7\r\n\r\n"),
        "content-length-and-chunks": _TWO_LENGTHS,
        "bytes-after-the-list": _AND_MORE,
        "chunk-size-nonsense": _raw(lambda reply: reply.head(CHUNKED) + b"zz\r\n%b\r\n0\r\n\r\n" % reply.body),
        "not-http": _raw(lambda _: b"SSH-2.0-OpenSSH_9.9\r\n"),
        "status-line-nonsense": _raw(lambda _: b"HTTP/1.1 OK fine\r\nContent-Length: 0\r\n\r\n"),
        "header-without-colon": with_head(lambda head: head[:-2] + b"just words\r\n\r\n"),
        "body-without-head": _raw(lambda reply: reply.body),
    },
    "hang": {
        "silent": _SILENT,
        "silent-after-head": _raw(_head, _silence),
        "silent-in-body": _raw(lambda reply: _head(reply) + reply.body[:100], _silence),
    },
    "connection": {
        "reset": _RESET,
        "reset-in-body": _raw(lambda reply: _head(reply) + reply.body[:100], _late_reset),
        "closed-without-answer": _CLOSED,
    },
    "time": {"drip-of-body": _dripping(data_before=True), "drip-of-everything": _dripping(data_before=False)},
    "size": {
        "endless-body": _endless(b"", chunk(b" " * 1024)),
        "endless-headers": _endless(b"HTTP/1.1 200 OK\r\n", b"X-More: %b\r\n" % (b"m" * 900)),
    },
}


def _every_fifth(delivery: Delivery) -> Service:
    """Return the service that sends every fifth list by another delivery."""
    return Service(listed=lambda visit, reply: replace(reply, delivery=delivery) if visit.listing % 5 == 0 else reply)


_ELSEWHERE = {
    "repetition": {
        "fifth-answer-is-reset": _every_fifth(_RESET),
        "fifth-answer-is-a-closed-connection": _every_fifth(_CLOSED),
    },
    "framing": {
        "bytes-after-a-refusal": Service(refused=delivered_by(_AND_MORE)),
        "bytes-after-an-unknown-space": Service(unknown=delivered_by(_AND_MORE)),
        "content-length-and-chunks-in-a-refusal": Service(refused=delivered_by(_TWO_LENGTHS)),
    },
    "hang": {"silent-always": Service(always=delivered_by(_SILENT))},
    "connection": {
        "reset-always": Service(always=delivered_by(_RESET)),
        "closed-always": Service(always=delivered_by(_CLOSED)),
    },
}

_HEAD_WITH_A_BODY = {
    "framing": {
        "head-with-a-body": Service(always=delivered_by(with_body_always(with_length))),
        "head-with-a-chunked-body": Service(always=delivered_by(with_body_always(chunked(500)))),
    }
}
_DOUBTS = dict.fromkeys(
    _HEAD_WITH_A_BODY["framing"], "against RFC 9110, section 9.3.2; the contract documents GET only"
)

VARIANTS: tuple[Variant, ...] = (
    *(
        faulty("protocol", name, rule_hint, Service(listed=delivered_by(delivery)))
        for rule_hint, family in _LISTED.items()
        for name, delivery in family.items()
    ),
    *variants("protocol", "error", _ELSEWHERE),
    *variants("protocol", "warning", _HEAD_WITH_A_BODY, _DOUBTS),
)
