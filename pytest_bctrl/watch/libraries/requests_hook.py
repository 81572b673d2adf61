"""Observes requests, and the mocks that respond in place of its adapters: responses, requests-mock, vcrpy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any

from pytest_bctrl.checks.response import has_all_headers
from pytest_bctrl.http.message import Headers, MockResponse
from pytest_bctrl.watch.exchange import WatchedBody, WatchedExchange, header_fields
from pytest_bctrl.watch.libraries.urllib3_hook import attach_body, raw_response
from pytest_bctrl.watch.patches import ObjectValues, Patches
from pytest_bctrl.watch.recorder import CLIENT, Recorder
from pytest_bctrl.watch.streams import chunk_bytes, tee_request_body
from pytest_bctrl.watch.substitution import reason_phrase, shallow_copy

# pytest leaves the functions of this module out of the tracebacks of tests.
__tracebackhide__ = True

_CHUNK = 65_536


def install(module: ModuleType, recorder: Recorder, patches: Patches) -> None:
    """Observe the method of sessions that sends a single request: a redirect calls it again.

    An adapter is observed when something else calls it, as authentication does to send a request again.
    """
    # The module has no attributes for its submodules if a test has imported it again without them.
    models = import_module(f"{module.__name__}.models")
    hook = RequestsHook(models, recorder)
    patches.require(models.Response(), "_content", "_content_consumed")
    patches.wrap(import_module(f"{module.__name__}.sessions").Session, "send", hook.wrap_session)
    patches.wrap(import_module(f"{module.__name__}.adapters").HTTPAdapter, "send", hook.wrap_adapter)
    patches.wrap(models.Response, "iter_content", hook.wrap_iter_content)


class RequestsHook:
    """Records the exchanges of requests; `models` is its module `requests.models`."""

    def __init__(self, models: Any, recorder: Recorder) -> None:
        self._request_class, self._response_class = models.PreparedRequest, models.Response
        self._recorder = recorder
        self._bodies: ObjectValues[WatchedBody] = ObjectValues()

    def wrap_session(self, send: Any) -> Any:
        """Return a `Session.send` that also records the exchange, or changes the response in an impact rerun."""

        def observed_send(session: Any, request: Any, **named: Any) -> Any:
            """Send a request, and observe the response in its first response hook, which comes before redirects."""
            if not self._recorder.records(CLIENT) or not issubclass(type(request), self._request_class):
                return send(session, request, **named)
            exchange = self._begin_exchange(request)
            hooks = request.hooks
            with ExitStack() as sending:

                def receive(response: Any, *_: Any, **__: Any) -> Any:
                    """Return the response, or its substitute, unless an adapter sends a copy of the request."""
                    if self._recorder.current("requests") is not exchange:
                        return response
                    request.hooks = hooks
                    sending.close()
                    return self._receive(exchange, request, response)

                sending.enter_context(self._recorder.sending(exchange, CLIENT))
                sending.enter_context(_teed(request, exchange.request_body))
                request.hooks = {**(hooks or {}), "response": [receive, *_response_hooks(hooks)]}
                try:
                    return send(session, request, **named)
                finally:
                    request.hooks = hooks

        return observed_send

    def wrap_adapter(self, send: Any) -> Any:
        """Return a `send` of an adapter that does the same as that of a session, unless a session calls it."""

        def observed_send(adapter: Any, request: Any, *arguments: Any, **named: Any) -> Any:
            """Send a request; record the exchange, or substitute the response while an impact run reruns the test."""
            if self._recorder.current("requests") is not None or not self._recorder.records(CLIENT):
                return send(adapter, request, *arguments, **named)
            exchange = self._begin_exchange(request)
            with self._recorder.sending(exchange, CLIENT), _teed(request, exchange.request_body):
                response = send(adapter, request, *arguments, **named)
            return self._receive(exchange, request, response)

        return observed_send

    def _begin_exchange(self, request: Any) -> WatchedExchange:
        """Return the exchange of a prepared request."""
        fields = header_fields((request.headers or {}).items())
        exchange = WatchedExchange("requests", str(request.method), str(request.url), fields)
        exchange.sent_at = self._recorder.lines.calling_line()
        return exchange

    def _receive(self, exchange: WatchedExchange, request: Any, response: Any) -> Any:
        """Record an exchange and return its response, or the substitute in an impact rerun."""
        if exchange.has_fake_response(response, self._response_class):
            self._recorder.add(exchange)
            return response
        exchange.request_headers = _sent_fields(request, response)
        exchange.receive(response.status_code, response.headers.items())
        exchange.has_all_headers = has_all_headers(response)
        if self._recorder.is_substituted(exchange):
            substitute = self._recorder.substitute(exchange, _decoded_body(response))
            return substituted_response(response, substitute, exchange.method)
        self._observe_body(response, exchange.response_body)
        self._recorder.add(exchange)
        return response

    def _observe_body(self, response: Any, body: WatchedBody) -> None:
        """Record the body of a response, now if it was read, else while it is read."""
        if isinstance(response._content, bytes):
            body.set(response._content)
        elif not attach_body(response.raw, body):
            # The raw response is none of urllib3.
            self._bodies.set(response, body)

    def wrap_iter_content(self, iter_content: Any) -> Any:
        """Return `Response.iter_content`, which records the body that it yields."""

        def observed_iter_content(response: Any, *arguments: Any, **named: Any) -> Any:
            """Return the chunks of the body, which are recorded."""
            chunks = iter_content(response, *arguments, **named)
            body = self._bodies.pop(response)
            if body is None:
                return chunks
            return _recorded(chunks, body, response.encoding)

        return observed_iter_content


def _response_hooks(hooks: Any) -> list[Any]:
    """Return the response hooks among the hooks of a request, which may have none or a single function."""
    response_hooks = (hooks or {}).get("response") or ()
    if callable(response_hooks):
        return [response_hooks]
    return list(response_hooks)


@contextmanager
def _teed(request: Any, body: WatchedBody) -> Iterator[None]:
    """Record the body of a prepared request, a stream while the block sends it."""
    content = request.body
    tee = request.body = tee_request_body(content, body)
    try:
        yield
    finally:
        if request.body is tee:
            request.body = content
        elif isinstance(request.body, bytes | str):
            # An adapter has signed or compressed it.
            body.restart()
            body.set(chunk_bytes(request.body))


def _sent_fields(request: Any, response: Any) -> Headers:
    """Return the header fields of a request as they were sent: an adapter may add some, to the request or to a copy."""
    sent: Any = getattr(response, "request", None)
    if (getattr(sent, "method", None), getattr(sent, "url", None)) != (request.method, request.url):
        sent = request
    return header_fields((sent.headers or {}).items())


def _decoded_body(response: Any) -> bytes:
    """Return the body of a response without its content codings."""
    if isinstance(response._content, bytes):
        # The response of a mock may have nothing else.
        return response._content
    return b"".join(response.iter_content(_CHUNK))


def _recorded(chunks: Any, body: WatchedBody, encoding: str | None) -> Iterator[Any]:
    """Yield the chunks of a body, and record them."""
    for chunk in chunks:
        if isinstance(chunk, str):
            body.add(chunk.encode(encoding or "utf-8"))
        else:
            body.add(chunk)
        yield chunk
    body.finish()


def substituted_response(response: Any, substitute: MockResponse, method: str) -> Any:
    """Return a response of requests with the substitute's contents, whose body is not read yet."""
    from requests.structures import CaseInsensitiveDict
    from requests.utils import get_encoding_from_headers

    reason = reason_phrase(substitute.status, response.status_code, response.reason)
    raw = raw_response(response.raw, substitute, method, reason)
    headers = CaseInsensitiveDict(raw.headers)
    encoding = response.encoding
    if headers.get("content-type") != response.headers.get("content-type"):
        encoding = get_encoding_from_headers(headers)
    return shallow_copy(
        response,
        status_code=substitute.status,
        reason=reason,
        headers=headers,
        encoding=encoding,
        raw=raw,
        _content=False,
        _content_consumed=False,
    )
