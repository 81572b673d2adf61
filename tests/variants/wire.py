"""The server's end of one connection."""

import contextlib
import socket
import struct
import threading


class HungUpError(Exception):
    """The connection ended: the server is closing, or a delivery closed it."""


class Wire:
    """Writes to one connection; every pause ends at once when the server closes."""

    def __init__(self, connection: socket.socket, closing: threading.Event) -> None:
        self._connection = connection
        self._closing = closing
        self.head_only = False

    def write(self, data: bytes) -> None:
        """Send all of the data, and wait until the system has accepted it."""
        self._connection.sendall(data)

    def pause(self, seconds: float) -> None:
        """Wait for some seconds; raises `HungUpError` if the server closes meanwhile."""
        if self._closing.wait(seconds):
            raise HungUpError

    def reset(self) -> None:
        """Let the connection end with a RST in place of a FIN; raises `HungUpError`, after which it is closed."""
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise HungUpError

    def finish(self) -> None:
        """Signal the end of the stream, unless the connection is already gone."""
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_WR)
