"""Where the mock's successful bodies come from."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Protocol

from pytest_bctrl.traffic.mock.message import Payload


class Source(Protocol):
    """Gives the body of the `number`th successful answer, counted from zero."""

    def body(self, number: int) -> Any:
        """Return the body as JSON data; the caller does not change it."""

    def payload(self, number: int) -> Payload:
        """Return the body's bytes, made once for each body."""


class Fixed:
    """One body for every answer, made when first asked for."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._payload: Payload | None = None

    def body(self, number: int) -> Any:
        """Return the one body."""
        return json.loads(self.payload(number).body)

    def payload(self, number: int) -> Payload:
        """Return the one body's bytes."""
        if self._payload is None:
            self._payload = Payload(encode(self._make()))
        return self._payload


class Rolling:
    """The bodies of a run, one after the other and then from the start, so that each is made once."""

    def __init__(self, make: Callable[[], list[Any]]) -> None:
        self._make = make
        self._payloads: list[Payload] = []

    def body(self, number: int) -> Any:
        """Return the body whose turn it is."""
        return json.loads(self.payload(number).body)

    def payload(self, number: int) -> Payload:
        """Return the bytes of the body whose turn it is."""
        if not self._payloads:
            self._payloads = [Payload(encode(body)) for body in self._make()]
        return self._payloads[number % len(self._payloads)]


def encode(body: Any) -> bytes:
    """Return JSON data as UTF-8; raises `ValueError` for what JSON cannot hold, such as NaN (RFC 8259, 6)."""
    return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
