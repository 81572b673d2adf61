"""A link with a delay: a TCP relay that holds back what goes through it, as a distance does."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def delayed(port: int, seconds: float) -> Iterator[int]:
    """Relay a port of loopback for the length of the block, each way delayed; gives the port of the near end.

    A new connection costs a round trip before its first byte leaves, as TCP's handshake does.
    """
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        opened = loop.time() + 2 * seconds
        await asyncio.gather(_carry(reader, far_writer, seconds, opened), _carry(far_reader, writer, seconds, opened))

    async def start() -> asyncio.Server:
        return await asyncio.start_server(serve, "127.0.0.1", 0)

    server = asyncio.run_coroutine_threadsafe(start(), loop).result()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


async def _carry(source: asyncio.StreamReader, to: asyncio.StreamWriter, seconds: float, opened: float) -> None:
    loop = asyncio.get_running_loop()
    data = b"."
    while data:
        try:
            data = await source.read(65536)
        except OSError:
            data = b""
        at = max(loop.time(), opened) + seconds
        loop.call_at(at, to.write if data else lambda _: to.close(), data)
