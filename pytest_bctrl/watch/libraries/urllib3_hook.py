"""Observes urllib3 2, and records the bodies of its responses for requests too."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from io import BytesIO
from types import ModuleType
from typing import Any

from pytest_bctrl.checks.response import has_all_headers
from pytest_bctrl.http.message import MockResponse, with_headers
from pytest_bctrl.watch.exchange import WatchedBody, WatchedExchange, header_fields
from pytest_bctrl.watch.libraries.vcr_hook import is_recorded, recorded_body, substituted_recording
from pytest_bctrl.watch.patches import ObjectValues, Patches
from pytest_bctrl.watch.recorder import URLLIB3, Recorder
from pytest_bctrl.watch.streams import tee_request_body
from pytest_bctrl.watch.substitution import reason_phrase

# pytest leaves the functions of this module out of the tracebacks of tests.
__tracebackhide__ = True

_BODIES: ObjectValues[WatchedBody] = ObjectValues()
"""The bodies of responses."""


def install(module: ModuleType, recorder: Recorder, patches: Patches) -> None:
    """Observe the method of pools that sends a single request: redirects and retries call it once per request."""
    # The module has no attributes for its submodules if a test has imported it again without them.
    response_module = import_module(f"{module.__name__}.response")
    pool_class = import_module(f"{module.__name__}.connectionpool").HTTPConnectionPool
    response_class = response_module.HTTPResponse
    patches.require(response_class(), "_body", "_decoder", "_fp", "_pool")
    patches.wrap(response_class, "read", _wrap_read)
    # New in urllib3 2.3.
    patches.wrap(response_class, "read1", _wrap_read, is_required=False)
    patches.wrap(response_class, "read_chunked", _wrap_read_chunked)
    # Since urllib3 2.6, it discards bodies with this method instead of `read`.
    patches.wrap(response_class, "_raw_read", _wrap_raw_read, is_required=False)

    def wrap(make_request: Any) -> Any:
        """Return a `_make_request` that also records the exchange, or changes the response in an impact rerun."""

        def observed_make_request(self: Any, conn: Any, method: str, url: str, *arguments: Any, **named: Any) -> Any:
            """Send a request; record the exchange, or substitute the response while an impact run reruns the test."""
            if arguments or not hasattr(response_module, "BaseHTTPResponse"):
                # urllib3 1.26 returns a response of http.client, whose hook records the exchange.
                return make_request(self, conn, method, url, *arguments, **named)
            if not recorder.records(URLLIB3):
                return make_request(self, conn, method, url, *arguments, **named)
            exchange = WatchedExchange("urllib3", method, _request_url(self, url), _header_argument(named))
            exchange.sent_at = recorder.lines.calling_line()
            named["body"] = tee_request_body(named.get("body"), exchange.request_body)
            with recorder.sending(exchange, URLLIB3):
                response = make_request(self, conn, method, url, *arguments, **named)
            if not is_recorded(response) and exchange.has_fake_response(response, response_module.BaseHTTPResponse):
                recorder.add(exchange)
                return response
            exchange.receive(response.status, response.headers.items())
            exchange.has_all_headers = has_all_headers(response)
            if recorder.is_substituted(exchange):
                content = _read_body(response, exchange.response_body)
                return substituted_response(response, recorder.substitute(exchange, content), method)
            attach_body(response, exchange.response_body)
            recorder.add(exchange)
            return response

        return observed_make_request

    patches.wrap(pool_class, "_make_request", wrap)


def _request_url(pool: Any, target: str) -> str:
    """Return the URL of a request target: a pool of connections to a proxy sends whole URLs."""
    if target.startswith("/"):
        return f"{pool.scheme}://{_host_and_port(pool)}{target}"
    return target


def _host_and_port(pool: Any) -> str:
    """Return host and port of a pool, as a URL has them."""
    host = str(pool.host)
    if ":" in host:
        host = f"[{host.strip('[]')}]"
    if pool.port:
        host = f"{host}:{pool.port}"
    return host


def _header_argument(named: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return the header fields in the arguments of a request."""
    headers = named.get("headers") or {}
    return header_fields(headers.items())


def _read_body(response: Any, body: WatchedBody) -> bytes:
    """Return the body of a response, and set in `body` whether it has its content codings."""
    body.is_encoded = True
    if is_recorded(response):
        return recorded_body(response)
    content = vars(response).get("_body")
    if isinstance(content, bytes):
        body.is_encoded = not _is_decoded(response, (), {})
        return content
    content = response.read(decode_content=False)
    response.release_conn()
    return bytes(content)


def attach_body(response: Any, body: WatchedBody) -> bool:
    """Record the body of a response of urllib3 or vcrpy while it is read; return whether that is possible."""
    if is_recorded(response):
        body.is_encoded = True
        body.set(recorded_body(response))
        return True
    # A mock object has every attribute, but its class does not.
    if not hasattr(type(response), "read_chunked") or not hasattr(response, "__dict__"):
        return False
    content = vars(response).get("_body")
    if isinstance(content, bytes):
        body.is_encoded = not _is_decoded(response, (), {})
        body.set(content)
    else:
        _BODIES.set(response, body)
    return True


def _wrap_read(read: Any) -> Any:
    """Return a reading method of responses that records what it reads."""

    def observed_read(self: Any, amt: int | None = None, *arguments: Any, **named: Any) -> Any:
        """Return the data that was read, and record it."""
        body = _BODIES.get(self)
        if body is None or body.is_reading or body.is_complete:
            return read(self, amt, *arguments, **named)
        with body.reading():
            data = read(self, amt, *arguments, **named)
        body.is_encoded = not _is_decoded(self, arguments, named)
        body.add(data)
        if amt is None or _has_ended(self) or (not data and amt != 0):
            body.finish()
        return data

    return observed_read


def _wrap_raw_read(raw_read: Any) -> Any:
    """Return a method of responses that reads without decoding; it records what other methods do not read with it."""

    def observed_raw_read(self: Any, *arguments: Any, **named: Any) -> Any:
        """Return the data that was read, and record it."""
        data = raw_read(self, *arguments, **named)
        body = _BODIES.get(self)
        if body is None or body.is_reading or body.is_complete:
            return data
        if body.is_encoded or not body.content:
            body.is_encoded = True
            body.add(data)
            if not data:
                body.finish()
        return data

    return observed_raw_read


def _wrap_read_chunked(read_chunked: Any) -> Any:
    """Return `read_chunked` of responses, which records what it yields."""

    def observed_read_chunked(self: Any, amt: int | None = None, decode_content: bool | None = None) -> Iterator[Any]:
        """Yield the chunks of the body, and record them."""
        body = _BODIES.get(self)
        if body is None or body.is_reading:
            yield from read_chunked(self, amt, decode_content)
            return
        with body.decoding():
            for chunk in read_chunked(self, amt, decode_content):
                body.is_encoded = not _is_decoded(self, (decode_content,), {})
                body.add(chunk)
                yield chunk
        body.finish()

    return observed_read_chunked


def _is_decoded(response: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> bool:
    """Return whether a read returns data without content codings."""
    decode_content = arguments[0] if arguments else named.get("decode_content")
    if decode_content is None:
        decode_content = response.decode_content
    coding = response.headers.get("content-encoding", "").lower()
    # urllib3 leaves a content coding that it does not know as it is.
    is_known = not coding or coding in response.CONTENT_DECODERS or response._decoder is not None
    return bool(decode_content) and is_known


def _has_ended(response: Any) -> bool:
    """Return whether no data of a response are left to read."""
    # A file of responses says that it is closed only when it is asked again.
    is_closed = response.closed or getattr(getattr(response, "_fp", None), "closed", False)
    return bool(is_closed) and not len(getattr(response, "_decoded_buffer", ()))


def substituted_response(response: Any, substitute: MockResponse, method: str) -> Any:
    """Return a response of urllib3 with the substitute's contents, read if the observed one was."""
    if is_recorded(response):
        return substituted_recording(response, substitute)
    copy = type(response)(
        body=BytesIO(substitute.payload.content),
        headers=_header_dict(response, substitute),
        status=substitute.status,
        version=response.version,
        reason=reason_phrase(substitute.status, response.status, response.reason),
        preload_content=isinstance(vars(response).get("_body"), bytes),
        decode_content=response.decode_content,
        request_method=method,
        request_url=getattr(response, "_request_url", None),
        retries=response.retries,
    )
    copy._pool = response._pool
    copy.version_string = getattr(response, "version_string", "")
    return copy


def raw_response(observed: Any, substitute: MockResponse, method: str, reason: str | None) -> Any:
    """Return an unread response with the substitute's contents, for a response of requests, which wraps one."""
    from urllib3.response import HTTPResponse

    raw = HTTPResponse(
        body=BytesIO(substitute.payload.content),
        headers=_separate_fields(observed, substitute),
        status=substitute.status,
        version=getattr(observed, "version", None) or 11,
        reason=reason,
        preload_content=False,
        decode_content=False,
        request_method=method,
        request_url=getattr(observed, "_request_url", None),
    )
    # requests reads cookies from it.
    raw._original_response = getattr(observed, "_original_response", None)
    return raw


def _separate_fields(observed: Any, substitute: MockResponse) -> Any:
    """Return the header fields of a substitute; those that requests has joined are separate, as in the raw response."""
    from urllib3 import HTTPHeaderDict

    observed_headers = getattr(observed, "headers", None)
    headers = HTTPHeaderDict()
    for name, value in with_headers(substitute, {"Transfer-Encoding": None}).headers:
        values = [value]
        if isinstance(observed_headers, HTTPHeaderDict) and observed_headers.get(name) == value:
            values = observed_headers.getlist(name)
        for separate_value in values:
            headers.add(name, separate_value)
    return headers


def _header_dict(response: Any, substitute: MockResponse) -> Any:
    """Return the header fields for a response of urllib3, several of one name kept separate."""
    headers = type(response.headers)()
    for name, value in with_headers(substitute, {"Transfer-Encoding": None}).headers:
        headers.add(name, value)
    return headers
