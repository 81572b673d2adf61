"""A TCP relay that delays the bytes in both directions, like the distance to a remote server."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def delayed(port: int, seconds: float) -> Iterator[int]:
    """Relay connections to a port of loopback, delayed by `seconds` in each direction, and yield the relay's port.

    The first byte of a new connection is delayed by a further round trip, like that of the TCP handshake.
    """
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", port)
        opened = loop.time() + 2 * seconds
        await asyncio.gather(
            _relay(reader, server_writer, seconds, opened), _relay(server_reader, writer, seconds, opened)
        )

    async def start() -> asyncio.Server:
        return await asyncio.start_server(serve, "127.0.0.1", 0)

    server = asyncio.run_coroutine_threadsafe(start(), loop).result()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


async def _relay(source: asyncio.StreamReader, target: asyncio.StreamWriter, seconds: float, opened: float) -> None:
    """Write each chunk of the source to the target after the delay, and close the target after the last one."""
    loop = asyncio.get_running_loop()
    data = b"."
    while data:
        try:
            data = await source.read(65536)
        except OSError:
            data = b""
        due = max(loop.time(), opened) + seconds
        if data:
            loop.call_at(due, target.write, data)
        else:
            loop.call_at(due, target.close)
