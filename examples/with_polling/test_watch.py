"""A service that polls, without threads, timers or sleeps: the mock has one state after the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from watch import Watcher


@pytest.fixture
def watcher(bctrl_mock: Any) -> Iterator[Watcher]:
    """By as much as the service pauses, the clock of the mock is turned."""
    headers = {"Authorization": f"Bearer {bctrl_mock.api_key.reveal()}"}
    with httpx.Client(base_url=bctrl_mock.url, headers=headers) as client:
        yield Watcher(client, bctrl_mock.space_id, interval=5, pause=bctrl_mock.advance)


@pytest.mark.parametrize("end", ["stopped", "failed"])
def test_it_waits_for_the_end(bctrl_mock: Any, watcher: Watcher, end: str) -> None:
    """Two minutes of the service are no time for the test."""
    runtime_id = bctrl_mock.runtimes[0]["id"]
    bctrl_mock.sequence(bctrl_mock.step({runtime_id: {"status": "active"}}, seconds=120), {runtime_id: {"status": end}})

    assert end == watcher.wait_until_ended(runtime_id)
    assert len(bctrl_mock.requests) > 20


def test_a_server_in_trouble_is_asked_again(bctrl_mock: Any, watcher: Watcher) -> None:
    runtime_id = bctrl_mock.runtimes[0]["id"]
    bctrl_mock.sequence({runtime_id: {"status": "active"}}, 503, 500, {runtime_id: {"status": "stopped"}})

    assert "stopped" == watcher.wait_until_ended(runtime_id)
    assert [200, 503, 500, 200] == [request.status for request in bctrl_mock.requests]


def test_patience_ends(bctrl_mock: Any, watcher: Watcher) -> None:
    runtime_id = bctrl_mock.runtimes[0]["id"]
    bctrl_mock.update(runtime_id, status="active")

    with pytest.raises(TimeoutError, match="is still active after 20 s"):
        watcher.wait_until_ended(runtime_id, patience=20)
    bctrl_mock.requests.assert_requested("GET", times=5)


def test_what_becomes_of_two_runtimes(bctrl_mock: Any, watcher: Watcher) -> None:
    """A step is a whole list, or changes of what there is; the last one stays."""
    bctrl_mock.runtimes = bctrl_mock.runtimes[:2]
    first, second = (runtime["id"] for runtime in bctrl_mock.runtimes)
    both = {first: {"status": "active"}, second: {"status": "active"}}
    bctrl_mock.sequence(both, {second: {"status": "failed"}}, None, [])

    changes = list(watcher.changes(4))

    assert [(first, "active"), (second, "active"), (second, "failed")] == changes[:3]
    assert {(first, "gone"), (second, "gone")} == set(changes[3:])


def test_a_refusal_is_an_error_at_once(bctrl_mock: Any, watcher: Watcher) -> None:
    bctrl_mock.sequence({}, 403)

    with pytest.raises(httpx.HTTPStatusError, match="403"):
        list(watcher.changes(3))
