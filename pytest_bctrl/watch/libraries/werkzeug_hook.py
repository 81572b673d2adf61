"""Observes the test clients of werkzeug and Flask."""

from __future__ import annotations

from io import BytesIO
from types import ModuleType
from typing import Any, Self
from urllib.parse import quote

from pytest_bctrl.watch.exchange import WatchedBody, WatchedExchange, header_fields
from pytest_bctrl.watch.patches import Patches
from pytest_bctrl.watch.recorder import APPLICATION, CLIENT, Recorder
from pytest_bctrl.watch.substitution import reason_phrase

# pytest leaves the functions of this module out of the tracebacks of tests.
__tracebackhide__ = True


def install(module: ModuleType, recorder: Recorder, patches: Patches) -> None:
    """Observe the method of clients that runs the application for a single request."""

    def wrap(run_wsgi_app: Any) -> Any:
        """Return a `run_wsgi_app` that also records the exchange, or changes the response in an impact rerun."""

        def observed_run(self: Any, environ: dict[str, Any], *arguments: Any, **named: Any) -> Any:
            """Run the application; record the exchange, or substitute the response in an impact rerun of the test."""
            if not recorder.records(CLIENT):
                return run_wsgi_app(self, environ, *arguments, **named)
            exchange = exchange_of_environ("werkzeug", environ)
            exchange.sent_at = recorder.lines.calling_line()
            with recorder.sending(exchange, APPLICATION):
                content, status, headers = run_wsgi_app(self, environ, *arguments, **named)
            exchange.receive(int(str(status).partition(" ")[0]), headers.items())
            exchange.has_all_headers = True
            exchange.response_body.is_encoded = True
            if recorder.is_substituted(exchange):
                substitute = recorder.substitute(exchange, _read_content(content))
                reason = reason_phrase(substitute.status, exchange.status, str(status).partition(" ")[2]) or ""
                if str(status).isupper():
                    reason = reason.upper()
                fields = type(headers)(list(substitute.headers))
                return [substitute.payload.content], f"{substitute.status} {reason}", fields
            recorder.add(exchange)
            return _observe_content(content, exchange.response_body), status, headers

        return observed_run

    patches.wrap(module.Client, "run_wsgi_app", wrap)


def exchange_of_environ(library: str, environ: dict[str, Any]) -> WatchedExchange:
    """Return the exchange of a request that a WSGI environment (PEP 3333) describes."""
    fields = [(name[5:].replace("_", "-"), value) for name, value in environ.items() if name.startswith("HTTP_")]
    unprefixed = ("CONTENT_TYPE", "CONTENT_LENGTH")
    fields += [(name.replace("_", "-"), environ[name]) for name in unprefixed if environ.get(name)]
    path = quote(f"{environ.get('SCRIPT_NAME', '')}{environ.get('PATH_INFO', '')}".encode("latin-1", "replace"))
    query = environ.get("QUERY_STRING", "")
    if query:
        path = f"{path}?{query}"
    url = f"{environ.get('wsgi.url_scheme', 'http')}://{environ.get('HTTP_HOST') or 'testserver'}{path}"
    exchange = WatchedExchange(library, environ["REQUEST_METHOD"], url, header_fields(fields), is_in_process=True)
    _record_input(environ.get("wsgi.input"), exchange.request_body)
    return exchange


def _record_input(stream: Any, body: WatchedBody) -> None:
    """Record the body of a request if it is in memory; otherwise, say why it is not known."""
    payload = getattr(stream, "_FakePayload__content", None)
    if payload is not None:
        # The stream of Django's test client.
        body.set(payload.getvalue())
    elif isinstance(stream, BytesIO):
        body.set(stream.getvalue()[stream.tell() :])
    elif stream is None:
        body.set(b"")
    else:
        body.problem = "the application reads it from a stream"


def _read_content(content: Any) -> bytes:
    """Return the whole content of a response, and close it."""
    try:
        return b"".join(content)
    finally:
        if hasattr(content, "close"):
            content.close()


def _observe_content(content: Any, body: WatchedBody) -> Any:
    """Return the content of a response, which is recorded now or while it is read."""
    if isinstance(content, list | tuple):
        body.set(b"".join(content))
        return content
    return _ContentTee(content, body)


class _ContentTee:
    """The content of a response, which is recorded while it is read."""

    def __init__(self, content: Any, body: WatchedBody) -> None:
        self._content, self._chunks, self._body = content, iter(content), body

    def __iter__(self) -> Self:
        """Return the content itself."""
        return self

    def __next__(self) -> bytes:
        """Return the next chunk of the content, and record it."""
        try:
            chunk: bytes = next(self._chunks)
        except StopIteration:
            self._body.finish()
            raise
        self._body.add(chunk)
        return chunk

    def close(self) -> None:
        """Close the content of the response."""
        close = getattr(self._content, "close", None)
        if close is not None:
            close()
