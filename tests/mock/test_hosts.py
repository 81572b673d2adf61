"""Under which host names a mock serves data that was set, and other requests of browsers and old clients."""

from __future__ import annotations

import json
import re
import socket

import httpx
import pytest

from pytest_bctrl.contract.model import Contract
from pytest_bctrl.secrets.secret import Secret
from pytest_bctrl.traffic.hosts import name_of
from pytest_bctrl.traffic.mock import MockServer
from pytest_bctrl.traffic.mock.server import HEALTH
from tests.mock.asking import Reply, raw, replies, request_bytes

TOKEN = "a-control-token-for-these-tests"

MAY = [
    "127.0.0.1:8787",
    "localhost",
    "LocalHost.:80",
    "app.localhost:3000",
    "[::1]:8787",
    "192.168.0.7:8787",
    "[2001:db8::7]",
    "mock:8787",
    "host.docker.internal:8787",
]
MAY_NOT = [
    "evil.example",
    "evil.example:8787",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "evil-localhost.example.",
    "internal.evil.example",
    "127.1.evil.example:80",
]


def fetch_as(mock: MockServer, host: str, path: str = "") -> Reply:
    """Return the response to a GET of the list, or of another path, with this `Host`."""
    data = request_bytes(mock, close=True).replace(b"Host: mock.test", f"Host: {host}".encode())
    if path:
        _line, _, remainder = data.partition(b"\r\n")
        data = f"GET {path} HTTP/1.1\r\n".encode() + remainder
    (reply,) = replies(raw(mock, data))
    return reply


@pytest.mark.parametrize(("host", "status"), [*((host, 200) for host in MAY), *((host, 421) for host in MAY_NOT)])
def test_private_data_is_served_only_under_local_host_names(contract: Contract, host: str, status: int) -> None:
    """Others get 421 that names `--allow-host`: the name may resolve to this machine (DNS rebinding)."""
    with MockServer(contract, is_private=True) as mock:
        reply = fetch_as(mock, host)
    assert status == reply.status
    if status == 421:
        text = json.dumps(reply.json())
        assert f"--allow-host {name_of(host)}" in text
        assert "runtimes" not in reply.json()


@pytest.mark.parametrize("hosts", [["evil.example"], ["other", "EVIL.example:80"], ["*"]])
def test_further_host_names_can_be_allowed(contract: Contract, hosts: list[str]) -> None:
    with MockServer(contract, is_private=True, hosts=hosts) as mock:
        assert 200 == fetch_as(mock, "evil.example:8787").status


def test_generated_data_is_served_under_any_host_name_but_the_control_path_is_not(contract: Contract) -> None:
    """The control path gets 421 for a foreign `Host`."""
    with MockServer(contract, control=Secret(TOKEN)) as mock:
        assert 200 == fetch_as(mock, "evil.example").status
        control = "/__bctrl__/spaces"
        assert [421, 401] == [fetch_as(mock, host, control).status for host in ("evil.example", "localhost")]


def test_an_http_1_0_request_without_host_is_served(contract: Contract) -> None:
    with MockServer(contract, is_private=True) as mock:
        old = request_bytes(mock).replace(b"HTTP/1.1", b"HTTP/1.0").replace(b"Host: mock.test\r\n", b"")
        assert [200] == [reply.status for reply in replies(raw(mock, old))]


@pytest.mark.parametrize("coding", ["chunked", "Chunked"])
def test_the_connection_closes_after_http_1_0_with_a_transfer_coding(contract: Contract, coding: str) -> None:
    """The next request on it gets no response: its begin is uncertain (RFC 9112, 6.1)."""
    with MockServer(contract) as mock:
        first = request_bytes(mock, f"Transfer-Encoding: {coding}", "Connection: keep-alive")
        old = first.replace(b"HTTP/1.1", b"HTTP/1.0") + b"0\r\n\r\n"
        # The connection ends: `raw` reads to its end.
        assert ["close"] == [reply.headers["connection"] for reply in replies(raw(mock, old + request_bytes(mock)))]


def test_a_mock_on_an_ipv6_address_has_its_url_in_brackets(contract: Contract) -> None:
    """Its health check responds at that URL."""
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            pass
    except OSError:
        pytest.skip("this machine has no IPv6")
    with MockServer(contract, host="::1") as mock:
        assert re.fullmatch(r"http://\[::1\]:\d+", mock.url)
        assert httpx.get(f"{mock.url}{HEALTH}").is_success
