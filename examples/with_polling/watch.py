"""Watches the runtimes of a space: their changes, and the end of a runtime."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx

Runtime = dict[str, Any]


class Watcher:
    """Polls every `interval` seconds; `pause` waits between two requests, and a test can replace it."""

    def __init__(
        self,
        client: httpx.Client,
        space_id: str,
        *,
        interval: float = 5,
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        self._client = client
        self._path = f"/v1/spaces/{space_id}/runtimes"
        self._interval = interval
        self._pause = pause

    def changes(self, rounds: int) -> Iterator[tuple[str, str]]:
        """Poll `rounds` times, and yield id and status of each runtime that is new, changed, or `gone`."""
        previous: dict[str, str] = {}
        for runtimes in self._poll(rounds):
            current = {runtime["id"]: runtime["status"] for runtime in runtimes}
            yield from ((name, status) for name, status in current.items() if previous.get(name) != status)
            yield from ((name, "gone") for name in previous.keys() - current.keys())
            previous = current

    def wait_until_ended(self, runtime_id: str, *, timeout: float = 300) -> str:
        """Wait for the end of a runtime, and return its status, or `gone` if it is no longer listed.

        Raises `TimeoutError` if it is still active after `timeout` seconds.
        """
        for runtimes in self._poll(1 + int(timeout / self._interval)):
            statuses = {runtime["id"]: str(runtime["status"]) for runtime in runtimes}
            status = statuses.get(runtime_id, "gone")
            if status != "active":
                return status
        raise TimeoutError(f"{runtime_id} is still active after {timeout} s")

    def _poll(self, rounds: int) -> Iterator[list[Runtime]]:
        """Yield the list of each round; a round with a server error yields none. Raises `httpx.HTTPStatusError`."""
        for number in range(rounds):
            if number:
                self._pause(self._interval)
            response = self._client.get(self._path)
            if response.status_code < 500:
                # Server errors are retried in the next round; client errors raise an exception.
                yield response.raise_for_status().json()["runtimes"]
