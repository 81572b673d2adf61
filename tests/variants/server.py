"""The server: sockets, threads and the log. `service.respond` returns its replies."""

import contextlib
import itertools
import selectors
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace

from .reply import Reply
from .request import MalformedRequestError, Request, read_request
from .runtimes import API_KEY
from .service import Service, Visit, is_listing, respond
from .variant import Variant
from .wire import HungUpError, Wire


class Server:
    """A variant on a free loopback port, and a second origin as a target of redirects.

    `log` holds every request in the order of arrival, of both origins. The second origin lists runtimes to
    anyone, so that a client that follows a redirect receives one; `requests_elsewhere` are the requests to it.
    `listings` counts the admitted GETs of the list.
    """

    def __init__(self, variant: Variant, port: int = 0) -> None:
        self.variant = variant
        self.api_key = API_KEY
        self.space_id = variant.service.space_id
        self.log: list[Request] = []
        self._memory: set[str] = set()
        self.listings = 0
        self.rate_limited = 0
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        self._closing = threading.Event()
        self._connections: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._numbers = itertools.count(1)
        self._main = _listener("127.0.0.1", port)
        try:
            self._second = _listener("127.0.0.3", 0)
        except OSError:
            # Some systems have only one loopback address: another port is another origin too.
            self._second = _listener("127.0.0.1", 0)
        self.url = _origin(self._main)
        self.elsewhere = _origin(self._second)
        self._waker, self._wake = socket.socketpair()
        self._acceptor = threading.Thread(target=self._accept, name=f"variant {variant.name}", daemon=True)
        self._acceptor.start()

    @property
    def requests_elsewhere(self) -> list[Request]:
        """The requests that the second origin received."""
        return [request for request in self.log if request.origin == self.elsewhere]

    def close(self) -> None:
        """Stop listening, close all connections and wait for the threads."""
        self._closing.set()
        self._waker.sendall(b".")
        self._acceptor.join()
        with self._lock:
            for connection in self._connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for resource in (self._main, self._second, self._waker, self._wake):
            resource.close()

    def _accept(self) -> None:
        """Accept connections until the server closes."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._main, selectors.EVENT_READ, self.url)
            selector.register(self._second, selectors.EVENT_READ, self.elsewhere)
            selector.register(self._wake, selectors.EVENT_READ, "")
            while not self._closing.is_set():
                for key, _ in selector.select():
                    if isinstance(key.fileobj, socket.socket) and key.data:
                        self._welcome(key.fileobj, key.data)

    def _welcome(self, listener: socket.socket, origin: str) -> None:
        """Accept a connection and start a thread for it."""
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        connection.setblocking(True)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        thread = threading.Thread(target=self._talk, args=(connection, origin), daemon=True)
        with self._lock:
            self._connections.add(connection)
            self._threads = [thread for thread in self._threads if thread.is_alive()]
            # Started under the lock: a thread in the list can always be joined.
            thread.start()
            self._threads.append(thread)

    def _talk(self, connection: socket.socket, origin: str) -> None:
        """Respond to the requests of a connection, and close it at the end."""
        wire = Wire(connection, self._closing)
        number = next(self._numbers)
        turn = self._turn if self.variant.service.is_serial else contextlib.nullcontext()
        try:
            with turn, connection.makefile("rb") as stream, contextlib.suppress(OSError, HungUpError):
                wire.write(self.variant.service.greeting)
                while (request := read_request(stream, origin, number)) and self._respond(wire, request):
                    pass
                wire.finish()
        except (MalformedRequestError, ValueError):
            refusal = self.variant.service.problem(400, "request.malformed", "This is not HTTP.")
            with contextlib.suppress(OSError):
                refusal.delivery(wire, refusal)
        finally:
            with self._lock:
                self._connections.discard(connection)
            connection.close()

    def _respond(self, wire: Wire, request: Request) -> bool:
        """Send the reply to a request, and return whether the connection stays open."""
        wire.head_only = request.method == "HEAD"
        reply = self._reply(request)
        if request.wants_close and ("Connection", "close") not in reply.headers:
            reply = reply.adding(("Connection", "close"))
        stays = reply.delivery(wire, reply)
        return stays and ("Connection", "close") not in reply.headers

    def _reply(self, request: Request) -> Reply:
        """Return the reply to a request, and add the request to the log and the counts."""
        service = self.variant.service
        with self._lock:
            self.log.append(request)
            visit = Visit(request, len(self.log), 0, self.url, self.elsewhere, self._memory)
            if request.origin == self.elsewhere:
                service = Service(document=service.document, space_id=service.space_id, admits=lambda _: True)
            elif is_listing(service, visit):
                self.listings += 1
                visit = replace(visit, listing=self.listings)
        reply = respond(service, visit)
        with self._lock:
            self.rate_limited += reply.status == 429
        return reply


def _listener(host: str, port: int) -> socket.socket:
    """Return a listening socket that does not block."""
    listener = socket.create_server((host, port), backlog=128)
    listener.setblocking(False)
    return listener


def _origin(listener: socket.socket) -> str:
    """Return the origin of a listening socket, such as `http://127.0.0.1:8000`."""
    host, port = listener.getsockname()[:2]
    return f"http://{host}:{port}"


@contextlib.contextmanager
def serve(variant: Variant, port: int = 0) -> Iterator[Server]:
    """Serve a variant on loopback for the length of the block; port 0 is a free one."""
    server = Server(variant, port)
    try:
        yield server
    finally:
        server.close()
