"""Tests of a service that polls, without threads, timers or sleeps: the mock responds with a sequence of states."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from watch import Watcher


@pytest.fixture
def watcher(bctrl_mock: Any) -> Iterator[Watcher]:
    """Return a watcher whose pauses advance the clock of the mock instead of waiting."""
    headers = {"Authorization": f"Bearer {bctrl_mock.api_key}"}
    with httpx.Client(base_url=bctrl_mock.url, headers=headers) as client:
        yield Watcher(client, bctrl_mock.space_id, interval=5, pause=bctrl_mock.advance)


@pytest.mark.parametrize("end", ["stopped", "failed"])
def test_it_waits_for_the_end(bctrl_mock: Any, watcher: Watcher, end: str) -> None:
    """The service waits for two minutes, the test does not."""
    runtime_id = bctrl_mock.runtimes[0]["id"]
    bctrl_mock.sequence(bctrl_mock.step({runtime_id: {"status": "active"}}, seconds=120), {runtime_id: {"status": end}})

    assert end == watcher.wait_until_ended(runtime_id)
    assert len(bctrl_mock.requests) > 20


def test_server_errors_are_retried(bctrl_mock: Any, watcher: Watcher) -> None:
    runtime_id = bctrl_mock.runtimes[0]["id"]
    bctrl_mock.sequence({runtime_id: {"status": "active"}}, 503, 500, {runtime_id: {"status": "stopped"}})

    assert "stopped" == watcher.wait_until_ended(runtime_id)
    assert [200, 503, 500, 200] == [request.status for request in bctrl_mock.requests]


def test_waiting_times_out(bctrl_mock: Any, watcher: Watcher) -> None:
    runtime_id = bctrl_mock.runtimes[0]["id"]
    bctrl_mock.update(runtime_id, status="active")

    with pytest.raises(TimeoutError, match="is still active after 20 s"):
        watcher.wait_until_ended(runtime_id, timeout=20)
    bctrl_mock.requests.assert_requested("GET", times=5)


def test_changes_of_two_runtimes(bctrl_mock: Any, watcher: Watcher) -> None:
    """A step of a sequence is a complete list or changes of the current one; the last step remains."""
    bctrl_mock.runtimes = bctrl_mock.runtimes[:2]
    first, second = (runtime["id"] for runtime in bctrl_mock.runtimes)
    both = {first: {"status": "active"}, second: {"status": "active"}}
    bctrl_mock.sequence(both, {second: {"status": "failed"}}, None, [])

    changes = list(watcher.changes(4))

    assert [(first, "active"), (second, "active"), (second, "failed")] == changes[:3]
    assert {(first, "gone"), (second, "gone")} == set(changes[3:])


def test_a_client_error_is_raised_at_once(bctrl_mock: Any, watcher: Watcher) -> None:
    bctrl_mock.sequence({}, 403)

    with pytest.raises(httpx.HTTPStatusError, match="403"):
        list(watcher.changes(3))
