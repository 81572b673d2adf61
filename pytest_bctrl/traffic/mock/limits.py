"""How much a client may ask of the mock."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes and seconds: what goes beyond is refused with 408, 413, 414 or 431, or the connection is closed.

    `idle` is how long a connection may stand still, either way; `incomplete` how long a request may take to arrive.
    Beyond `connections` a new one takes the place of one that is idle, and waits in the backlog where all are in use.
    """

    target_bytes: int = 64 * 1024
    header_bytes: int = 64 * 1024
    body_bytes: int = 1024 * 1024
    connections: int = 1024
    pipelined: int = 64
    idle: float = 60.0
    incomplete: float = 20.0
