"""What the commands that serve until a signal share: signals, sizes on the command line, and a log."""

from __future__ import annotations

import argparse
import os
import re
import signal
import threading
from collections.abc import Callable
from queue import SimpleQueue

SIGNAL_INTERVAL = 0.5
"""Seconds after which the main thread checks for a signal, on systems where a signal does not end the wait."""


def end_on_signals() -> threading.Event:
    """Return an event that is set by Ctrl-C, SIGTERM or SIGHUP (a closed terminal)."""
    ended = threading.Event()

    def end(_number: int, _frame: object) -> None:
        ended.set()

    hangup = getattr(signal, "SIGHUP", signal.SIGTERM)
    for number in {signal.SIGINT, signal.SIGTERM, hangup}:
        # `nohup` starts the command with SIGHUP ignored, and it stays ignored.
        if number != hangup or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, end)
    return ended


_UNITS = {"B": 1, "KB": 1024, "MB": 1024**2, "GB": 1024**3}
_SIZE = re.compile(r"(\d+) *([KMG]?)I?(B?)", re.IGNORECASE)


def byte_count(text: str) -> int:
    """Return a number of bytes, which may have the unit KB, MB or GB."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise argparse.ArgumentTypeError(f"{text} is not a size: give bytes, or a number with KB, MB or GB")
    unit = match[2].upper()
    return int(match[1]) * _UNITS[f"{unit}B"]


_MAX_WAITING_LINES = 10_000
_CLOSE_SECONDS = 1.0


class LineLog:
    """Writes lines to a file descriptor; `redact` removes secrets from them.

    A separate thread writes, so that a slow reader does not block the server. If more than 10,000 lines are waiting,
    further ones are dropped and counted. If the reader closes the pipe, only the log ends.
    """

    def __init__(self, descriptor: int, redact: Callable[[str], str]) -> None:
        self._descriptor = descriptor
        self._redact = redact
        self._lines: SimpleQueue[str | None] = SimpleQueue()
        self._dropped = 0
        # A daemon that writes unbuffered: if it is blocked in a write, the process can still end.
        self._thread = threading.Thread(target=self._run, name="bctrl-log", daemon=True)
        self._thread.start()

    def __call__(self, line: str) -> None:
        """Add one line, which ends with a line feed, without waiting."""
        if self._lines.qsize() >= _MAX_WAITING_LINES:
            self._dropped += 1
        else:
            self._lines.put(line)

    def close(self) -> None:
        """Write the waiting lines, for at most a second."""
        if self._dropped:
            self._lines.put(f"({self._dropped:,} more lines were not written: the reader was too slow)\n")
        self._lines.put(None)
        self._thread.join(_CLOSE_SECONDS)

    def _run(self) -> None:
        while (line := self._lines.get()) is not None:
            data = self._redact(line).encode("utf-8", "backslashreplace")
            try:
                while data:
                    data = data[os.write(self._descriptor, data) :]
            except OSError:
                return
