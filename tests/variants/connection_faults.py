"""Variants that break below the message: framing, silence, resets, endless answers."""

from dataclasses import replace

from .deliveries import Delivery, delivered_by, with_head
from .reply import Reply
from .service import Service
from .variant import Variant, faulty
from .wire import Wire

_FOREVER = 600.0


def _lied_length(factor: float, more: int = 0) -> Delivery:
    def deliver(wire: Wire, reply: Reply) -> bool:
        wire.write(reply.head(("Content-Length", str(int(len(reply.body) * factor) + more))) + reply.body)
        return False

    return deliver


def _and_more(wire: Wire, reply: Reply) -> bool:
    wire.write(reply.head(("Content-Length", str(len(reply.body)))) + reply.body + b"and more\r\n")
    return True


def _two_lengths(wire: Wire, reply: Reply) -> bool:
    head = reply.head(("Content-Length", str(len(reply.body))), ("Transfer-Encoding", "chunked"))
    wire.write(head + b"%x\r\n%b\r\n0\r\n\r\n" % (len(reply.body), reply.body))
    return True


def _cut(wire: Wire, reply: Reply) -> bool:
    wire.write(reply.head(("Content-Length", str(len(reply.body)))) + reply.body[: len(reply.body) // 2])
    return False


def _chunked_head(reply: Reply) -> bytes:
    return reply.head(("Transfer-Encoding", "chunked"))


def _cut_between_chunks(wire: Wire, reply: Reply) -> bool:
    half = reply.body[: len(reply.body) // 2]
    wire.write(_chunked_head(reply) + b"%x\r\n%b\r\n" % (len(half), half))
    return False


def _cut_inside_chunk(wire: Wire, reply: Reply) -> bool:
    wire.write(_chunked_head(reply) + b"%x\r\n%b" % (len(reply.body), reply.body[:200]))
    return False


def _without_last_chunk(wire: Wire, reply: Reply) -> bool:
    wire.write(_chunked_head(reply) + b"%x\r\n%b\r\n" % (len(reply.body), reply.body))
    return False


def _bad_chunk_size(wire: Wire, reply: Reply) -> bool:
    wire.write(_chunked_head(reply) + b"zz\r\n%b\r\n0\r\n\r\n" % reply.body)
    return False


def _cut_until_close(wire: Wire, reply: Reply) -> bool:
    wire.write(reply.adding(("Connection", "close")).head() + reply.body[: len(reply.body) // 2])
    return False


def _silent(wire: Wire, _: Reply) -> bool:
    wire.pause(_FOREVER)
    return False


def _silent_after_head(wire: Wire, reply: Reply) -> bool:
    wire.write(reply.head(("Content-Length", str(len(reply.body)))))
    return _silent(wire, reply)


def _silent_in_body(wire: Wire, reply: Reply) -> bool:
    wire.write(reply.head(("Content-Length", str(len(reply.body)))) + reply.body[:100])
    return _silent(wire, reply)


def _reset(wire: Wire, _: Reply) -> bool:
    wire.reset()
    return False


def _reset_in_body(wire: Wire, reply: Reply) -> bool:
    wire.write(reply.head(("Content-Length", str(len(reply.body)))) + reply.body[:100])
    # Long enough for the client to read what came before the reset discards it.
    wire.pause(0.05)
    wire.reset()
    return False


def _closed(_wire: Wire, _reply: Reply) -> bool:
    return False


def _dripping(data_before: bool) -> Delivery:
    def deliver(wire: Wire, reply: Reply) -> bool:
        head = reply.head(("Content-Length", str(len(reply.body))))
        if data_before:
            wire.write(head)
        for byte in reply.body if data_before else head + reply.body:
            wire.write(bytes([byte]))
            wire.pause(1.0)
        return False

    return deliver


def _endless(start: bytes, piece: bytes) -> Delivery:
    def deliver(wire: Wire, reply: Reply) -> bool:
        wire.write(start or _chunked_head(reply))
        while True:
            wire.write(piece)
            wire.pause(0.02)

    return deliver


def _saying(data: bytes) -> Delivery:
    def deliver(wire: Wire, _: Reply) -> bool:
        wire.write(data)
        return False

    return deliver


_DELIVERIES: tuple[tuple[str, str, Delivery], ...] = (
    ("body-cut", "complete body", _cut),
    ("content-length-too-great", "complete body", _lied_length(1, 10)),
    ("content-length-too-small", "complete body", _lied_length(0.5)),
    ("content-length-negative", "framing", _lied_length(-1)),
    (
        "content-length-word",
        "framing",
        with_head(lambda head: head.replace(b"Content-Length: ", b"Content-Length: about ")),
    ),
    ("content-length-twice", "framing", with_head(lambda head: head[:-2] + b"Content-Length: 7\r\n\r\n")),
    ("content-length-and-chunks", "framing", _two_lengths),
    ("bytes-after-the-list", "framing", _and_more),
    ("chunks-cut-between", "complete body", _cut_between_chunks),
    ("chunks-cut-inside", "complete body", _cut_inside_chunk),
    ("chunks-without-the-last", "complete body", _without_last_chunk),
    ("chunk-size-nonsense", "framing", _bad_chunk_size),
    ("close-delimited-cut", "complete body", _cut_until_close),
    ("silent", "hang", _silent),
    ("silent-after-head", "hang", _silent_after_head),
    ("silent-in-body", "hang", _silent_in_body),
    ("reset", "connection", _reset),
    ("reset-in-body", "connection", _reset_in_body),
    ("closed-without-answer", "connection", _closed),
    ("drip-of-body", "time", _dripping(data_before=True)),
    ("drip-of-everything", "time", _dripping(data_before=False)),
    ("endless-body", "size", _endless(b"", b"400\r\n%b\r\n" % (b" " * 1024))),
    ("endless-headers", "size", _endless(b"HTTP/1.1 200 OK\r\n", b"X-More: %b\r\n" % (b"m" * 900))),
    ("not-http", "framing", _saying(b"SSH-2.0-OpenSSH_9.9\r\n")),
    ("status-line-nonsense", "framing", _saying(b"HTTP/1.1 OK fine\r\nContent-Length: 0\r\n\r\n")),
    ("header-without-colon", "framing", with_head(lambda head: head[:-2] + b"just words\r\n\r\n")),
)

_HTTP_0_9 = faulty(
    "protocol",
    "body-without-head",
    "framing",
    Service(listed=delivered_by(lambda wire, reply: _saying(reply.body)(wire, reply))),
)


def _every_fifth(delivery: Delivery) -> Service:
    return Service(listed=lambda visit, reply: replace(reply, delivery=delivery) if visit.listing % 5 == 0 else reply)


VARIANTS: tuple[Variant, ...] = (
    faulty("protocol", "fifth-answer-is-reset", "repetition", _every_fifth(_reset)),
    faulty("protocol", "fifth-answer-is-a-closed-connection", "repetition", _every_fifth(_closed)),
    *(faulty("protocol", name, hint, Service(listed=delivered_by(delivery))) for name, hint, delivery in _DELIVERIES),
    _HTTP_0_9,
    faulty("protocol", "bytes-after-a-refusal", "framing", Service(refused=delivered_by(_and_more))),
    faulty("protocol", "bytes-after-an-unknown-space", "framing", Service(unknown=delivered_by(_and_more))),
    faulty(
        "protocol", "content-length-and-chunks-in-a-refusal", "framing", Service(refused=delivered_by(_two_lengths))
    ),
    faulty("protocol", "silent-always", "hang", Service(always=delivered_by(_silent))),
    faulty("protocol", "reset-always", "connection", Service(always=delivered_by(_reset))),
    faulty("protocol", "closed-always", "connection", Service(always=delivered_by(_closed))),
)
