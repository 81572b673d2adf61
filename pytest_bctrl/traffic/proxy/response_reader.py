"""Follows the bytes of a server with h11, and assigns the responses in them to the requests that await them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import h11

from pytest_bctrl.traffic.proxy.exchange import ProxiedExchange, TransportError
from pytest_bctrl.traffic.proxy.request_reader import MAX_HEAD


class ResponseReader:
    """Fills in the responses of the requests of one connection, in their order.

    `finished` is called with each exchange that has ended, `surplus` with an exchange and bytes that belong to no
    response after it. After a malformed response or surplus bytes, the further bytes on the connection cannot be
    assigned to requests, and the remaining exchanges end without a response.
    """

    def __init__(
        self,
        finished: Callable[[ProxiedExchange], None],
        surplus: Callable[[ProxiedExchange, bytes], None],
    ) -> None:
        self._finished = finished
        self._surplus = surplus
        self._pending: deque[ProxiedExchange] = deque()
        self._last: ProxiedExchange | None = None
        self._parser: h11.Connection | None = None
        self._is_lost = False

    @property
    def is_idle(self) -> bool:
        """Whether no response is pending."""
        return not self._pending

    @property
    def pending(self) -> int:
        """The number of responses that are pending."""
        return len(self._pending)

    @property
    def has_begun(self) -> bool:
        """Whether a part of the pending response has arrived."""
        return self._parser is not None

    def expect(self, exchange: ProxiedExchange) -> None:
        """Queue an exchange whose response is awaited; cancel it if the responses can no longer be assigned."""
        self._pending.append(exchange)
        if self._is_lost:
            self.cancel(_NOT_ASSIGNED)

    def feed(self, data: bytes) -> None:
        """Parse bytes of the server: fill in the responses of the awaited exchanges, or report the bytes as surplus."""
        while not self._is_lost:
            if self._parser is None and self._last is not None:
                # Empty lines between responses are harmless; h11 would take them for a response.
                data = data.lstrip(b"\r\n")
            if not data:
                return
            if not self._pending:
                self._is_lost = True
                if self._last is not None:
                    self._surplus(self._last, data)
                return
            exchange = self._pending[0]
            if self._parser is None:
                self._parser = _parser_for(exchange.method)
            try:
                data = self._read_response(self._parser, exchange, data)
            except h11.RemoteProtocolError as error:
                self._is_lost = True
                self._fail(TransportError("RemoteProtocolError", str(error)))
                self.cancel(_NOT_ASSIGNED)

    def end(self, reset: OSError | None = None) -> None:
        """Handle the end of the connection: complete or fail the response that has begun, and cancel the others."""
        if self._pending and (self.has_begun or self._last is None):
            self._end_response(self._pending[0], reset)
        # A server may close an idle connection, and after any response, while the next request is on its way
        # (RFC 9112, 9.5 and 9.6).
        self.cancel("the server closed the connection before it read the request")

    def cancel(self, reason: str) -> None:
        """End all pending exchanges without a response, for a reason that is not the fault of the server."""
        while self._pending:
            exchange = self._pending.popleft()
            exchange.cancelled = reason
            self._finished(exchange)

    def _end_response(self, exchange: ProxiedExchange, reset: OSError | None) -> None:
        """End the response of an exchange: as the connection was reset or closed, it is complete or an error."""
        if reset is not None:
            self._fail(TransportError("ReadError", reset.strerror or type(reset).__name__))
        elif self._parser is None:
            self._fail(_CLOSED)
        else:
            try:
                self._read_response(self._parser, exchange, b"")
            except h11.RemoteProtocolError as error:
                self._fail(TransportError("RemoteProtocolError", str(error)))

    def _fail(self, error: TransportError) -> None:
        """Set the error of the first pending exchange, and report the exchange as finished."""
        exchange = self._pending.popleft()
        exchange.error = error
        self._finished(exchange)

    def _read_response(self, parser: h11.Connection, exchange: ProxiedExchange, data: bytes) -> bytes:
        """Parse bytes of a response (none: its end), fill in the exchange, and return the bytes after it."""
        parser.receive_data(data)
        while True:
            event = parser.next_event()
            if isinstance(event, h11.Response):
                exchange.status = event.status_code
                exchange.reason = event.reason.decode("latin-1")
                exchange.headers = tuple(
                    (name.decode("latin-1"), value.decode("latin-1")) for name, value in event.headers.raw_items()
                )
            elif isinstance(event, h11.Data):
                exchange.response_body.add(event.data)
            elif isinstance(event, h11.EndOfMessage):
                exchange.response_body.finish()
                self._pending.popleft()
                self._last, self._parser = exchange, None
                self._finished(exchange)
                return parser.trailing_data[0]
            elif not isinstance(event, h11.InformationalResponse):
                return b""


_CLOSED = TransportError("RemoteProtocolError", "Server disconnected without sending a response.")
"""The detail is that of httpcore, by which the error is described."""
_NOT_ASSIGNED = "the response cannot be distinguished from the bytes before it, which belong to no response"


def _parser_for(method: str) -> h11.Connection:
    """Return a parser for the response to a request with this method; the method determines whether it has a body."""
    parser = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD)
    parser.send(h11.Request(method=method, target="/", headers=[("Host", "-")]))
    parser.send(h11.EndOfMessage())
    return parser
