"""Watches the runtimes of a space: what becomes of them, and when one has stopped."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx

Runtime = dict[str, Any]


class Watcher:
    """Asks every `interval` seconds; `pause` lets them go by, and is handed in so that a test need not wait."""

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
        """Yield the id and the state of each runtime that is new, has another state, or is gone, for so many rounds."""
        known: dict[str, str] = {}
        for listed in self._rounds(rounds):
            now = {runtime["id"]: runtime["status"] for runtime in listed}
            yield from ((one, status) for one, status in now.items() if known.get(one) != status)
            yield from ((one, "gone") for one in known.keys() - now.keys())
            known = now

    def wait_until_ended(self, runtime_id: str, *, patience: float = 300) -> str:
        """Return `stopped`, `failed` or `gone`, as a runtime ends; raises `TimeoutError` after `patience` seconds."""
        for listed in self._rounds(1 + int(patience / self._interval)):
            found = next((runtime for runtime in listed if runtime["id"] == runtime_id), None)
            if found is None or found["status"] != "active":
                return "gone" if found is None else str(found["status"])
        raise TimeoutError(f"{runtime_id} is still active after {patience} s")

    def _rounds(self, rounds: int) -> Iterator[list[Runtime]]:
        for number in range(rounds):
            if number:
                self._pause(self._interval)
            response = self._client.get(self._path)
            if response.status_code < 500:
                # A server in trouble is asked again in the next round; a refusal is an error at once.
                yield response.raise_for_status().json()["runtimes"]
