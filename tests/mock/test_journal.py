"""The journal: requests with the key redacted, assertions with readable messages, and the log."""

from __future__ import annotations

import os
import pickle
import threading
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest

from pytest_bctrl.cli.mock import log_line
from pytest_bctrl.cli.serving import LineLog
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.http.message import MockResponse, Request
from pytest_bctrl.secrets.secret import REDACTED
from pytest_bctrl.traffic.mock import MockServer, space
from pytest_bctrl.traffic.mock.journal import Journal, JournalEntry

from .asking import ask, listed, raw


def test_an_entry_contains_the_request_and_the_response(
    mock: MockServer, path: str, bearer: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Method, target, header fields, body, status and time."""
    monkeypatch.setattr(space, "time", SimpleNamespace(time=lambda: 1_790_000_000.5, monotonic=time.monotonic))
    ask(mock, "GET", f"{path}?limit=2", {**bearer, "X-Mine": "yes"}, "{}")
    (entry,) = mock.requests
    assert (entry.method, entry.path, entry.status) == ("GET", f"{path}?limit=2", 200)
    assert (entry.header("X-Mine"), entry.json(), entry.response.status) == ("yes", {}, 200)
    assert 1_790_000_000.5 == entry.time
    # As xdist's reports cross to another process.
    assert pickle.loads(pickle.dumps(entry.headers)) == entry.headers


@pytest.mark.parametrize("key", ["bctrl_live_0123456789", "short"])
def test_the_journal_never_contains_the_key(contract: Contract, key: str) -> None:
    """Wherever the request has it: neither entries, messages and `repr` show it, nor the response to a stray key."""
    with MockServer(contract, api_key=key) as mock:
        path = f"/v1/spaces/{mock.space_id}/runtimes"
        for name in ("Authorization", "X-Api-Key", "Cookie", "X-Other"):
            ask(mock, "GET", f"{path}?key={key}", {name: f"Bearer {key}"}, f'{{"key": "{key}"}}')
        strayed = ask(mock, "GET", path, {"X-Request-Id": key})
        assert key not in repr(strayed.headers) + strayed.body.decode()
        shown = repr(mock.requests) + str([str(entry) for entry in mock.requests]) + repr(list(mock.requests))
        with pytest.raises(AssertionError) as failure:
            mock.requests.assert_requested("POST")
        assert key not in shown + str(failure.value) + mock.requests.report() + repr(mock)


def test_rejected_requests_are_listed_with_the_reason(mock: MockServer, path: str) -> None:
    """Malformed requests are included, responses of faults are not."""
    listed(mock)
    ask(mock, "GET", path, {})
    raw(mock, b"garbage\r\n\r\n", half_close=True)
    with mock.fault("status", 503):
        listed(mock)
    assert [entry.status for entry in mock.requests.rejected] == [401, 400]
    assert mock.requests.report().splitlines()[0] == f"GET {path} -> 401 (the bearer token is missing)"


def test_assert_requested_returns_the_matching_requests(mock: MockServer, path: str, bearer: dict[str, str]) -> None:
    ask(mock, "GET", f"{path}?limit=2", {**bearer, "X-Mine": "yes"})
    listed(mock)
    assert len(mock.requests.assert_requested("GET", path)) == 2
    assert (
        len(mock.requests.assert_requested(path=f"{path}?limit=2", status=200, times=1, headers={"X-Mine": "yes"})) == 1
    )
    assert mock.requests.assert_requested("POST", times=0) == []


def test_a_failed_assertion_lists_and_marks_the_received_requests(mock: MockServer, path: str) -> None:
    """A `=` marks those that match."""
    listed(mock)
    ask(mock, "GET", path, {})
    with pytest.raises(AssertionError) as failure:
        mock.requests.assert_requested("GET", path, status=200, times=2)
    assert str(failure.value).splitlines() == [
        f"expected 2 times: GET {path} -> 200",
        "matched 1 of 2 requests:",
        f"= GET {path} -> 200",
        f"  GET {path} -> 401 (the bearer token is missing)",
    ]


def test_a_failed_assert_nothing_requested_shows_the_latest_requests(mock: MockServer) -> None:
    mock.requests.assert_nothing_requested()
    for _ in range(33):
        listed(mock)
    with pytest.raises(AssertionError) as failure:
        mock.requests.assert_nothing_requested()
    assert str(failure.value).startswith("expected never: ")
    assert "matched 33 of 33 requests:\n  … 3 earlier\n=" in str(failure.value)


def test_the_journal_keeps_only_the_latest_requests(mock: MockServer) -> None:
    """At most 10,000, and at most 64 MiB of bodies, of which the oldest are dropped."""
    small, large = Request("GET", "/small"), Request("GET", "/large", body=b"x" * 1024 * 1024)
    for _ in range(10_500):
        mock.requests.add(0.0, small, MockResponse(200))
    assert len(mock.requests) == 10_000
    for _ in range(100):
        mock.requests.add(0.0, large, MockResponse(200))
    assert sum(len(entry.body) for entry in mock.requests) == 64 * 1024 * 1024
    mock.requests.add(0.0, small, MockResponse(200))
    assert mock.requests[-1].path == "/small"
    assert ["/large", "/small"] == [entry.path for entry in mock.requests[-2:]]


@pytest.mark.skipif(os.name != "posix", reason="pipes as on POSIX")
def test_the_log_counts_lines_dropped_for_a_slow_reader() -> None:
    """The pipe is full, 10,000 lines wait, and the rest is dropped; the last line has the number."""
    entry = JournalEntry("GET", "/v1/" + "x" * 100, (), b"", 0.0, 200, MockResponse(200))
    reading, writing = os.pipe()
    log = LineLog(writing, lambda line: line.replace("secret", "[hidden]"))
    log(log_line(replace(entry, path="/v1/secret")))
    for _ in range(12_000):
        log(log_line(entry))
    with os.fdopen(reading, encoding="utf-8") as file:
        lines: list[str] = []
        reader = threading.Thread(target=lambda: lines.extend(file))
        reader.start()
        log.close()
        os.close(writing)
        reader.join(10)

    first, *logged, last = lines
    assert first.endswith("GET /v1/[hidden] -> 200\n")
    assert 10_000 <= len(logged) < 12_000
    assert f"({12_000 - len(logged):,} more lines were not written: the reader was too slow)\n" == last


def test_a_journal_without_a_key_masks_credentials_by_name() -> None:
    """The other parts of a request are shown as they are."""
    journal = Journal("")
    journal.add(0.0, Request("GET", "/things?api_key=abc&page=2", (), b""), MockResponse(200))
    (entry,) = journal
    assert f"GET /things?api_key={REDACTED}&page=2 -> 200" == str(entry)
