"""The parts that the commands `mock` and `proxy` share: serving until a signal, byte sizes, and a log."""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Protocol

from pytest_bctrl.escaping import escape_line
from pytest_bctrl.traffic.origin import is_loopback

_GRACE_SECONDS = 5.0
"""Seconds for which requests in progress are completed after a signal."""

_SIGNAL_INTERVAL = 0.5
"""Seconds after which the main thread checks for a signal, on systems where a signal does not end the wait."""


class Server(Protocol):
    """A server that listens while its context is entered."""

    def __enter__(self) -> object: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /
    ) -> None: ...

    def stop(self, grace: float) -> None:
        """Stop the server, after completing the requests in progress for at most `grace` seconds."""


def serve_until_signal(server: Server, ready_file: Path | None, announce: Callable[[], Mapping[str, object]]) -> None:
    """Start a server, write the ready file, and stop the server when a signal arrives.

    After the start, `announce` prints what users need and returns the data of the ready file, which exists while the
    server accepts requests.
    """
    if ready_file is not None:
        # A client would trust the file of a server that was killed.
        ready_file.unlink(missing_ok=True)
    # Set the handlers before the start, so that an early signal ends the server cleanly too.
    signals = receive_signals()
    with server:
        ready_data = announce()
        try:
            if ready_file is not None:
                from pytest_bctrl.contract.build import write_files

                # Atomically, so that no reader sees half of it; readable only by this user, because it may hold a key.
                write_files({ready_file: json.dumps(ready_data) + "\n"}, rights=0o600)
            _wait_for_signal(signals)
        finally:
            if ready_file is not None:
                ready_file.unlink(missing_ok=True)
            server.stop(_GRACE_SECONDS)


def warn_of_other_machines(host: str) -> None:
    """Print a warning if other machines can reach a server that listens on `host`."""
    if not is_loopback(host):
        print(escape_line(f"warning: other machines can reach {host}"), file=sys.stderr)


def receive_signals() -> SimpleQueue[int]:
    """Install handlers for Ctrl-C, SIGTERM and, unless `nohup` ignores it, SIGHUP; returns the queue that gets them.

    A handler runs between any two instructions of the main thread, which may be about to wait. An event has a lock that
    the main thread would then wait for itself; this queue has none.
    """
    signals: SimpleQueue[int] = SimpleQueue()

    def end(number: int, _frame: object) -> None:
        """Add the signal to the queue."""
        signals.put(number)

    hangup = getattr(signal, "SIGHUP", signal.SIGTERM)
    for number in {signal.SIGINT, signal.SIGTERM, hangup}:
        # `nohup` starts the command with SIGHUP ignored, and it stays ignored.
        if number != hangup or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, end)
    return signals


def _wait_for_signal(signals: SimpleQueue[int]) -> None:
    """Return when a queue has received a signal."""
    while True:
        # On Windows, Ctrl-C does not end a wait without a time-out.
        with suppress(Empty):
            signals.get(timeout=_SIGNAL_INTERVAL)
            return


_UNITS = {"B": 1, "KB": 1024, "MB": 1024**2, "GB": 1024**3}
_SIZE = re.compile(r"(\d+) *([KMG]?)I?(B?)", re.IGNORECASE)


def byte_count(text: str) -> int:
    """Return the number of bytes that a text describes, with or without a unit: 1 KB is 1,024 bytes.

    Raises `argparse.ArgumentTypeError` for another text.
    """
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
        """Queue a line, which ends with a line feed; drops it if too many are waiting."""
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
        """Write queued lines, with secrets removed, until the log is closed or a write fails."""
        while (line := self._lines.get()) is not None:
            data = self._redact(line).encode("utf-8", "backslashreplace")
            try:
                while data:
                    data = data[os.write(self._descriptor, data) :]
            except OSError:
                return
