"""Certificates of client, target and proxy: each failure is named, and not mistaken for another."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
import trustme

from pytest_bctrl.traffic.client import client
from pytest_bctrl.traffic.flow import ATTEMPTS
from pytest_bctrl.traffic.origin import Connection
from pytest_bctrl.traffic.retry import RetryPolicy
from pytest_bctrl.traffic.transport_findings import describe_error
from tests.traffic.servers import response, serve


class Ok(BaseHTTPRequestHandler):
    """Responds to each GET with 200."""

    def do_GET(self) -> None:
        """Send 200 without a body."""
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@contextmanager
def strict(authority: trustme.CA) -> Iterator[str]:
    """Run a server that requires a client certificate of the authority; yield its URL."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.verify_mode = ssl.CERT_REQUIRED
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.configure_trust(context)
    with ThreadingHTTPServer(("127.0.0.1", 0), Ok) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"https://127.0.0.1:{server.server_port}"
        server.shutdown()


def status_or_error(url: str, certificate: str = "") -> str:
    """Return the status of a GET without a key as text, or the message that describes its error."""
    settings = Connection(certificate=certificate, http_hosts=frozenset({"api.test"}))
    with client(url, None, live=True, retry=RetryPolicy(attempts=1), connection=settings) as http:
        try:
            return str(http.get("/").status_code)
        except httpx.TransportError as error:
            last = error.request.extensions[ATTEMPTS][-1]
            return describe_error(str(last.error), last.detail, last.begun).message


def test_client_and_server_certificates_are_verified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """200 with both; the errors for an unknown authority and for a missing client certificate differ."""
    authority, certificate = trustme.CA(), tmp_path / "own.pem"
    authority.issue_cert("me@example.org").private_key_and_cert_chain_pem.write_to_path(str(certificate))
    with strict(authority) as url:
        untrusted = status_or_error(url)
        authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        assert "200" == status_or_error(url, certificate=str(certificate))
        nameless = status_or_error(url)
    assert "the connection to the target is not secure (TLS): " in untrusted
    assert "the target requires a client certificate (TLS): " in nameless


@pytest.mark.parametrize("url", ["https://api.test", "http://api.test"])
def test_the_error_distinguishes_a_proxy_rejection_from_a_target_rejection(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    """A proxy that rejects a tunnel is named; its 403 to a plain request is the response."""
    monkeypatch.setenv("NO_PROXY", "")
    with serve(response(403)) as proxy:
        monkeypatch.setenv("ALL_PROXY", proxy.url)
        message = status_or_error(url)
    tunnel = f"no request was sent: the proxy (ALL_PROXY, {proxy.url[7:]}) rejects the request: 403 Said"
    assert message == (tunnel if url.startswith("https") else "403")


def test_a_folder_of_certificate_authorities_is_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Creating a client with `SSL_CERT_DIR` raises nothing."""
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    client("https://api.test", None, live=True).close()
