"""The error of a failed fetch: the whole line, with its hint."""

from __future__ import annotations

import errno
import gc
import socket
import struct
import threading
import warnings
from http.client import HTTPResponse
from http.server import BaseHTTPRequestHandler
from typing import NoReturn

import pytest

from pytest_bctrl.drift.sources import fetch, read_source, require_fetchable
from pytest_bctrl.errors import BctrlError, DocumentError, UnreachableError

from .upstream import Upstream, redirect_to, text

HINT = "(give a URL that begins with https://, a path, or - for standard input)"
CHECK = "(check the URL, or give a local copy)"
AGAIN = "(try again, or give a local copy)"
LOCAL = "http://127.0.0.1:9/"


def failing(error: OSError) -> object:
    """Return a function that raises this error, in place of a system call."""

    def fail(*_: object, **__: object) -> NoReturn:
        raise error

    return fail


def error_message(url: str, *, error: type[BctrlError] = UnreachableError, **more: float) -> str:
    """Return the message of the error that a fetch raises."""
    with pytest.raises(error) as caught:
        fetch(url, **more)
    return str(caught.value)


def document_error_message(url: str) -> str:
    """Return the message of the `DocumentError` for a URL that is not fetched."""
    return error_message(url, error=DocumentError)


def test_the_proxy_of_the_environment_is_used_for_other_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    """It gets a CONNECT request, and the error has the reason with which it rejected that."""
    request_lines = []
    with socket.create_server(("127.0.0.1", 0)) as proxy:

        def reject_one_request() -> None:
            """Reject one CONNECT request with status 403."""
            connection, _ = proxy.accept()
            with connection:
                request_lines.append(connection.recv(65536).partition(b" HTTP/")[0])
                connection.sendall(b"HTTP/1.1 403 Not Through Here\r\nContent-Length: 0\r\n\r\n")

        thread = threading.Thread(target=reject_one_request)
        thread.start()
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy.getsockname()[1]}")
        message = error_message("https://spec.example/page.md")
        thread.join()
    with warnings.catch_warnings():
        # Before Python 3.11.4, http.client does not close the response to a rejected CONNECT request.
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
    assert [b"CONNECT spec.example:443"] == request_lines
    reason = "Tunnel connection failed: 403 Not Through Here"
    assert message == f"https://spec.example/page.md: it cannot be fetched: {reason} {CHECK}"


@pytest.mark.parametrize(
    ("url", "where", "problem"),
    [
        ("http://example.invalid/", "http://example.invalid/", f"only https URLs are fetched {HINT}"),
        ("ftp://127.0.0.1/", "ftp://127.0.0.1/", f"only https URLs are fetched {HINT}"),
        ("https://", "https://", f"only https URLs are fetched {HINT}"),
        (
            "https://example.invalid:port/",
            "https://example.invalid:port/",
            f"not a URL: Port could not be cast to integer value as 'port' {HINT}",
        ),
    ],
)
def test_the_error_for_an_unsupported_url_lists_supported_urls(url: str, where: str, problem: str) -> None:
    assert document_error_message(url) == f"{where}: {problem}"


@pytest.mark.parametrize("user", ["user", "user:secret", ":secret"])
def test_a_credential_in_a_url_is_an_error_that_does_not_show_it(user: str) -> None:
    hint = "(leave it out: no credential is sent)"
    assert (
        document_error_message(f"https://{user}@example.invalid/")
        == f"https://example.invalid: the URL contains a credential {hint}"
    )


def test_the_error_for_a_rejected_redirect_shows_both_urls(upstream: Upstream) -> None:
    upstream.responses["/"] = redirect_to("http://example.invalid/x")
    assert (
        document_error_message(f"{upstream.url}/")
        == f"{upstream.url}/ → http://example.invalid/x: only https URLs are fetched {HINT}"
    )


def test_the_error_for_a_redirect_to_an_invalid_url_shows_both_urls() -> None:
    with pytest.raises(DocumentError) as caught:
        require_fetchable("https://[::1", via="https://example.invalid/")
    assert caught.value.where == "https://example.invalid/ → https://[::1"


def test_the_error_for_an_unexpected_status_shows_it(upstream: Upstream) -> None:
    upstream.responses["/"] = text("", 503)
    assert error_message(f"{upstream.url}/") == f"{upstream.url}/: the response has status 503 {CHECK}"


def test_the_error_for_an_unrequested_content_encoding_shows_it(upstream: Upstream) -> None:
    upstream.responses["/"] = text("x", Content_Encoding="GZip")
    message = "the response is encoded with gzip, which was not requested (give a local copy)"
    assert error_message(f"{upstream.url}/") == f"{upstream.url}/: {message}"


def test_a_response_with_identity_encoding_is_accepted(upstream: Upstream) -> None:
    upstream.responses["/"] = text("x", Content_Encoding="Identity")
    assert fetch(f"{upstream.url}/") == b"x"


def test_the_error_for_a_truncated_response_shows_the_received_length(upstream: Upstream) -> None:
    def cut_off(request: BaseHTTPRequestHandler) -> None:
        """Respond with fewer bytes than the length says."""
        request.send_response(200)
        request.send_header("Content-Length", "9999")
        request.end_headers()
        request.wfile.write(b"openapi: 3.1.0\n")

    upstream.responses["/"] = cut_off
    assert error_message(f"{upstream.url}/") == f"{upstream.url}/: the response is truncated: 15 of 9999 bytes {AGAIN}"


def test_a_response_that_is_not_http_is_an_error(upstream: Upstream) -> None:
    upstream.responses["/"] = lambda request: request.wfile.write(b"SSH-2.0\r\n")
    problem = "the response is not valid HTTP: BadStatusLine('SSH-2.0\\r\\n')"
    assert error_message(f"{upstream.url}/") == f"{upstream.url}/: {problem} {AGAIN}"


def test_a_refused_connection_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "create_connection", failing(ConnectionRefusedError(111, "Connection\n refused")))
    assert error_message(LOCAL) == f"{LOCAL}: it cannot be fetched: [Errno 111] Connection refused {CHECK}"


def test_an_exception_without_a_message_is_shown_by_its_class_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "create_connection", failing(ConnectionAbortedError()))
    assert error_message(LOCAL) == f"{LOCAL}: it cannot be fetched: ConnectionAbortedError {CHECK}"


def test_a_reset_connection_is_an_error(upstream: Upstream) -> None:
    def reset(request: BaseHTTPRequestHandler) -> None:
        """Reset the connection after the header fields."""
        request.send_response(200)
        request.end_headers()
        request.wfile.flush()
        request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        request.connection.close()

    upstream.responses["/"] = reset
    assert f"{upstream.url}/: it cannot be fetched: [" in error_message(f"{upstream.url}/")


def test_a_connection_timeout_of_the_system_shows_the_given_time_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "create_connection", failing(TimeoutError(errno.ETIMEDOUT, "Connection timed out")))
    with pytest.raises(UnreachableError) as caught:
        read_source(LOCAL, seconds=7)
    assert str(caught.value) == f"{LOCAL}: no response within 7 s {AGAIN}"


def test_a_read_timeout_of_the_system_shows_the_default_time_out(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HTTPResponse, "read1", failing(TimeoutError()))
    upstream.responses["/"] = text("x")
    assert error_message(f"{upstream.url}/") == f"{upstream.url}/: no response within 20 s {AGAIN}"
