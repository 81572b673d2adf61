"""Sources of the bodies that the mock serves."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from typing import Any

from pytest_bctrl.http.message import Payload
from pytest_bctrl.samples.text import encode


class BodySource:
    """Bodies of successful answers, one after the other and then from the start, made when the first is asked for."""

    def __init__(self, make: Callable[[], Iterable[bytes]], now: Callable[[], float] = time.monotonic) -> None:
        self._make = make
        self._payloads: list[Payload] = []
        self.now = now
        """The time in seconds, for states that follow one another: the clock of the space that plays them."""

    def body(self, number: int) -> Any:
        """Return the body of the `number`th answer, counted from zero, as JSON data."""
        return json.loads(self.payload(number).body)

    def payload(self, number: int) -> Payload:
        """Return the bytes of that body, made once for each body."""
        if not self._payloads:
            self._payloads = [Payload(body) for body in self._make()]
        return self._payloads[number % len(self._payloads)]


def fixed(make: Callable[[], Any]) -> BodySource:
    """Return a source of one body, given as JSON data."""
    return BodySource(lambda: [encode(make())])
