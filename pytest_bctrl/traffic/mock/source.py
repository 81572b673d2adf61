"""Sources of the bodies that the mock serves."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from pytest_bctrl.http.message import Payload
from pytest_bctrl.samples.text import encode
from pytest_bctrl.traffic.clock import clock


class BodySource:
    """The bodies of success responses, served in turn and then again from the first; generated at the first use."""

    def __init__(self, make: Callable[[], Iterable[bytes]], now: Callable[[], float] = clock.monotonic) -> None:
        self._make = make
        self._payloads: list[Payload] = []
        self.now = now
        """Returns the time in seconds, for states that change over time: the clock of the space."""
        self.is_generated = False
        """Whether the bodies are generated, so that values of a request's path may be set in them."""

    def body(self, number: int) -> Any:
        """Return the body of the response with this number, counted from 0, as JSON data."""
        return json.loads(self.payload(number).body)

    def payload(self, number: int) -> Payload:
        """Return the payload of the response with this number, counted from 0, generated at the first use."""
        if not self._payloads:
            self._payloads = [Payload(body) for body in self._make()]
        return self._payloads[number % len(self._payloads)]


def single_body_source(make: Callable[[], Any]) -> BodySource:
    """Return a source whose only body is encoded from the JSON data that `make` returns."""
    return BodySource(lambda: [encode(make())])
