"""Slow bodies, dates in `Retry-After`, large bodies, health, a graceful stop, `wait_for`, misspelt names."""

from __future__ import annotations

import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from pytest_bctrl.contract.model import Contract
from pytest_bctrl.contract.read import from_document
from pytest_bctrl.errors import SettingError
from pytest_bctrl.secrets.secret import Secret
from pytest_bctrl.traffic.mock import MockServer
from pytest_bctrl.traffic.mock.parse import ServerLimits
from pytest_bctrl.traffic.mock.transport import MockTransport
from tests.mock.asking import ask, connected, listed, raw, read_all, replies, request_bytes
from tests.mock.mock_command import MockCommand
from tests.mock.test_operations import shop


def test_a_slow_body_arrives_at_its_speed(mock: MockServer) -> None:
    """It takes the time and arrives complete; others are served meanwhile, and the connection stays open."""
    size = len(listed(mock).body)
    mock.fault("slow_body", size / 0.4, times=1)
    with connected(mock) as slow:
        begun = time.monotonic()
        slow.sendall(request_bytes(mock) + request_bytes(mock, close=True))
        head = slow.recv(65536)
        assert b"HTTP/1.1 200" in head
        assert 200 == listed(mock).status
        data = head + read_all(slow)
    assert 0.3 < time.monotonic() - begun
    first, second = replies(data)
    assert (size, first.body) == (len(first.body), second.body)


def test_a_slow_body_may_have_less_than_a_byte_per_part(mock: MockServer) -> None:
    """A body of a few bytes at 60 bytes per second arrives complete; HEAD has no body."""
    mock.runtimes = []
    mock.fault("slow_body(bytes_per_second=60)")
    begun = time.monotonic()
    assert {"runtimes": []} == listed(mock).json()
    assert 0.2 < time.monotonic() - begun
    assert b"" == ask(mock, "HEAD", f"/v1/spaces/{mock.space_id}/runtimes", {}).body


def test_a_client_that_leaves_during_a_slow_body_affects_no_other(mock: MockServer) -> None:
    """A further request gets 200."""
    with mock.fault("slow_body", 100):
        with connected(mock) as slow:
            slow.sendall(request_bytes(mock))
            assert slow.recv(100)
        assert 200 == ask(mock, "GET", "/__bctrl__/health", {}).status


@pytest.mark.anyio
async def test_a_slow_body_is_slow_in_process_too(contract: Contract) -> None:
    """Through `MockTransport`, sync and async: both take the time and return the same body."""
    mock = MockServer(contract)
    mock.fault("slow_body", 20_000)
    headers = {"Authorization": f"Bearer {mock.api_key}", "Accept-Encoding": "identity"}
    path, begun = f"/v1/spaces/{mock.space_id}/runtimes", time.monotonic()
    with httpx.Client(transport=MockTransport(mock), base_url="http://mock.test", headers=headers) as client:
        body = client.get(path).content
    async with httpx.AsyncClient(transport=MockTransport(mock), base_url="http://mock.test", headers=headers) as other:
        assert body == (await other.get(path)).content
    assert 2 * len(body) / 20_000 * 0.9 < time.monotonic() - begun


@pytest.mark.parametrize(
    ("fault", "status"), [("status(503, retry_after=90, as_date=True)", 503), ("rate_limited(90, as_date=true)", 429)]
)
def test_retry_after_may_be_a_date(mock: MockServer, fault: str, status: int) -> None:
    """With `as_date`, the date in the header is the given seconds from now."""
    mock.fault(fault)
    reply = listed(mock)
    wait = parsedate_to_datetime(reply.headers["retry-after"]).timestamp() - time.time()
    assert (status, True) == (reply.status, 60 < wait <= 90)
    assert 503 == status or "rate_limited(retry_after=90, as_date=True)" == mock.faults[0].fault.name


def test_a_body_of_many_megabytes_is_accepted_and_the_limit_can_be_set() -> None:
    """5 MB get 201 by default, and 413 with `body_bytes=1024`."""
    for limit, expected in ((None, 201), (1024, 413)):
        limits = None if limit is None else ServerLimits(body_bytes=limit)
        with MockServer(shop(), limits=limits) as mock:
            reply = ask(mock, "POST", "/v1/orders", {}, "x" * 5_000_000)
        assert expected == reply.status
    assert b"the body is longer than 1024 bytes; --max-body raises this limit of the mock" in reply.body


def test_the_command_sets_the_largest_body(tmp_path: Path, python: list[str]) -> None:
    """`--max-body 2KB`: 2,049 bytes get 413; `--max-body lots` is an error."""
    with MockCommand(python, tmp_path).running("--max-body", "2KB", "--quiet") as mock:
        path = f"{mock.url}/v1/spaces/{mock.space_id}/runtimes"
        statuses = [httpx.request("GET", path, content=b"x" * size).status_code for size in (2048, 2049)]
    assert [401, 413] == statuses
    assert "lots is not a size: give bytes, or a number with KB, MB or GB" in MockCommand(python, tmp_path).error_of(
        "--max-body", "lots"
    )


def test_health_needs_no_control_and_no_key(mock: MockServer) -> None:
    """`/__bctrl__/health` returns 200 despite a fault, allows only GET and HEAD, and is not in the journal."""
    mock.fault("status", 503)
    reply = ask(mock, "GET", "/__bctrl__/health?probe=1", {})
    assert (200, {"status": "ok"}) == (reply.status, reply.json())
    assert (405, "GET, HEAD") == ((other := ask(mock, "POST", "/__bctrl__/health", {})).status, other.headers["allow"])
    assert 0 == len(mock.requests)


def test_health_needs_no_token_and_yields_to_an_operation_at_its_path() -> None:
    """It is served without the control token; a contract's own operation of that path takes precedence."""
    with MockServer(shop(), control=Secret("t")) as mock:
        assert [200, 401] == [ask(mock, "GET", f"/__bctrl__/{name}", {}).status for name in ("health", "spaces")]
    paths = {"/__bctrl__/health": {"get": {"responses": {"204": {"description": "x"}}}}}
    own = from_document({"openapi": "3.1.0", "info": {"title": "x", "version": "1"}, "paths": paths}, "x")
    with MockServer(own) as mock:
        assert 204 == ask(mock, "GET", "/__bctrl__/health", {}).status


def test_stop_with_grace_completes_requests_in_progress(contract: Contract) -> None:
    """A delayed response, a slow body and a request that still arrives; idle and hung connections are closed."""
    with MockServer(contract) as mock:
        size = len(listed(mock).body)
        mock.fault("hang", times=1)
        hung = connected(mock)
        hung.sendall(request_bytes(mock))
        mock.requests.wait_for(times=2)
        mock.fault("delay", 0.3, times=1)
        delayed, slow, arriving, idle = (connected(mock) for _ in range(4))
        delayed.sendall(request_bytes(mock))
        mock.requests.wait_for(times=3)
        mock.fault("slow_body", size / 0.3, times=1)
        slow.sendall(request_bytes(mock))
        mock.requests.wait_for(times=4)
        arriving.sendall(request_bytes(mock)[:-2])
        listed(mock)
        with ThreadPoolExecutor(1) as pool:
            stopping = pool.submit(mock.stop, 30)
            assert (b"", b"") == (read_all(idle), read_all(hung))
            arriving.sendall(request_bytes(mock)[-2:])
            received = [read_all(sock) for sock in (delayed, slow, arriving)]
            stopping.result(timeout=60)
        for sock in (hung, delayed, slow, arriving, idle):
            sock.close()
    assert [(200, size)] * 3 == [(reply.status, len(reply.body)) for data in received for reply in replies(data)]


def test_stop_waits_no_longer_than_its_grace(mock: MockServer) -> None:
    """`stop(0.2)` closes a delayed request after that time; the mock can be started again."""
    mock.fault("delay", 600)
    with connected(mock) as delayed:
        delayed.sendall(request_bytes(mock))
        mock.requests.wait_for()
        begun = time.monotonic()
        mock.stop(0.2)
        assert 0.2 <= time.monotonic() - begun < 60
        assert b"" == read_all(delayed)
    with pytest.raises(OSError, match=r"(?i)refused"):
        connected(mock)
    mock.start()
    assert 200 == ask(mock, "GET", "/__bctrl__/health", {}).status


def test_a_signal_lets_the_command_complete_a_request(tmp_path: Path, python: list[str]) -> None:
    with (
        MockCommand(python, tmp_path).running("--fault", "delay(0.5)", "--quiet") as mock,
        ThreadPoolExecutor(1) as pool,
    ):
        host, _, port = mock.url.removeprefix("http://").rpartition(":")
        response = pool.submit(mock.ask)
        with socket.create_connection((host, int(port))):
            time.sleep(0.2)
        code, _, err = mock.end()
        assert (0, "", 200) == (code, err, response.result(timeout=60)[0])


def test_wait_for_returns_a_request_that_arrives_later(mock: MockServer) -> None:
    """`wait_for` of the mock waits for it; that of its operation then returns it at once."""
    later = threading.Timer(0.1, listed, (mock,))
    later.start()
    (entry,) = mock.requests.wait_for("GET", status=200)
    assert 200 == entry.status
    later.join()
    assert 1 == len(mock.operation("GET /v1/spaces/{id}/runtimes").requests.wait_for(timeout=0))


def test_wait_for_lists_the_received_requests_when_time_is_up(mock: MockServer) -> None:
    """It raises an `AssertionError` that begins with the expectation."""
    listed(mock)
    with pytest.raises(AssertionError) as failure:
        mock.requests.wait_for("GET", status=503, times=2, timeout=0.05)
    assert str(failure.value).splitlines()[:3] == [
        "expected 2 times within 0.05 seconds: GET any path -> 503",
        "matched 0 of 1 requests:",
        f"  GET /v1/spaces/{mock.space_id}/runtimes -> 200",
    ]


def test_requests_are_matched_by_query_header_and_body() -> None:
    """`assert_requested` with `query`, `headers`, `body` and `json`; the failure repeats them."""
    with MockServer(shop()) as mock:
        ask(mock, "GET", "/v1/orders?limit=5&tag=a&tag=b%20c&all=true", {"X-Trace": "7"})
        ask(mock, "POST", "/v1/orders", {"Content-Type": "application/json"}, json.dumps({"id": "1", "qty": 2}))
        ask(mock, "POST", "/v1/orders", {}, "plain")
        requests = mock.requests
        for query in ({"limit": 5}, {"limit": "5", "tag": ["a", "b c"]}, {"all": True}):
            requests.assert_requested(query=query, times=1)
        requests.assert_requested(headers={"x-trace": "7"}, times=1)
        requests.assert_requested(json={"qty": 2, "id": "1"}, times=1)
        requests.assert_requested(body="plain", times=1)
        requests.assert_requested(body=b"plain", times=1)
        requests.assert_requested(times=0, query={"tag": "a"})
        requests.assert_requested(times=0, headers={"x-trace": "8"})
        requests.assert_requested(times=0, json={})
        requests.assert_requested(times=0, body="plai")
        with pytest.raises(AssertionError) as failure:
            requests.assert_requested("PUT", query={"a": 1}, headers={"b": "c"}, body="d", json={"e": None})
    expected = """expected at least once: PUT any path [query a=1] [b: c] [body 'd'] [JSON {"e": null}]"""
    assert expected == str(failure.value).splitlines()[0]


@pytest.mark.parametrize("misspelt", [{"stauts": 503}, {"x_mine": "yes"}, {"header": {}}])
def test_a_misspelt_filter_is_an_error(mock: MockServer, misspelt: dict[str, Any]) -> None:
    for method in (mock.requests.matching, mock.requests.assert_requested, mock.requests.wait_for):
        with pytest.raises(TypeError, match="unexpected keyword argument"):
            method("GET", **misspelt)


@pytest.mark.parametrize("name", ["query", "headers"])
def test_a_filter_that_is_not_a_dictionary_is_an_error(mock: MockServer, name: str) -> None:
    """`assert_requested` with `query` or `headers` as text."""
    with pytest.raises(SettingError, match=f"{name}='limit=5' is not a dictionary"):
        mock.requests.assert_requested(times=0, **{name: "limit=5"})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("runtime", r"mock\.runtime: unknown attribute \(did you mean runtimes\?\)"),
        ("requets", "did you mean requests"),
        ("qqq", "it can be set: last_word, runtimes, space_id"),
        ("requests", "this attribute cannot be set"),
    ],
)
def test_setting_an_unknown_attribute_is_an_error(mock: MockServer, name: str, message: str) -> None:
    """Of a mock, a space or an operation; the message suggests the right name."""
    for error in (SettingError, AttributeError):
        with pytest.raises(error, match=message):
            setattr(mock, name, [])
    with mock.space() as space, pytest.raises(AttributeError, match=r"unknown attribute|cannot be set"):
        setattr(space, name, [])
    operation = mock.operation("GET /v1/spaces/{id}/runtimes")
    with pytest.raises(AttributeError, match=r"call one of its methods|did you mean"):
        setattr(operation, name, [])


def test_a_mock_that_received_garbage_can_be_stopped_twice(mock: MockServer) -> None:
    """With a grace period; no error is raised."""
    raw(mock, b"garbage\r\n\r\n", half_close=True)
    mock.stop(5)
    mock.stop(5)
