"""The mock's request log: written on a thread of its own, so that a reader that stands still holds up nobody."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue

from pytest_bctrl.traffic.mock.journal import Entry

_WAITING = 10_000
_PATIENCE = 1.0


class RequestLog:
    """Writes one line for each exchange to a file descriptor.

    `hide` takes secrets out of them.

    Lines that wait beyond 10,000 are dropped and counted. Where the reader has gone, the log ends and nothing else
    does.
    """

    def __init__(self, descriptor: int, hide: Callable[[str], str]) -> None:
        self._descriptor = descriptor
        self._hide = hide
        self._lines: SimpleQueue[str | None] = SimpleQueue()
        self._dropped = 0
        # Unbuffered and a daemon: blocked within the write, it must not hold up the end of the process either.
        self._thread = threading.Thread(target=self._run, name="bctrl-mock-log", daemon=True)
        self._thread.start()

    def __call__(self, entry: Entry) -> None:
        """Take one exchange; returns at once."""
        if self._lines.qsize() >= _WAITING:
            self._dropped += 1
        else:
            self._lines.put(_line(entry))

    def close(self) -> None:
        """Write what waits, for a second at most."""
        if self._dropped:
            self._lines.put(f"({self._dropped:,} more requests, which the reader was too slow for)\n")
        self._lines.put(None)
        self._thread.join(_PATIENCE)

    def _run(self) -> None:
        while (line := self._lines.get()) is not None:
            data = self._hide(line).encode("utf-8", "backslashreplace")
            try:
                while data:
                    data = data[os.write(self._descriptor, data) :]
            except OSError:
                return


def _line(entry: Entry) -> str:
    size = len(entry.answer.body)
    at = time.strftime("%H:%M:%S", time.localtime(entry.time))
    return f"{at} {entry}, {size:,} bytes\n" if size else f"{at} {entry}\n"
