"""A target that limits the rate of requests gets them more slowly, and the verdict stays the same."""

from __future__ import annotations

import threading

import pytest

from tests.variants import serve
from tests.variants.reply import Reply
from tests.variants.service import LIMIT, Service, Visit
from tests.variants.variant import harmless


class Limit:
    """Allows `count` requests per second, and rejects further ones with 429 and `Retry-After: 1`."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.taken: list[float] = []
        self._lock = threading.Lock()

    def __call__(self, visit: Visit) -> Reply | None:
        """Return None for an allowed request, and a 429 for any other."""
        with self._lock:
            now = visit.request.time
            if sum(now - 1 < time for time in self.taken) < self.count:
                self.taken.append(now)
                return None
        return Service().problem(429, "rate.limited", "Slow down.", ("Retry-After", "1"))


def test_a_target_limited_to_four_requests_per_second_passes(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    limited = harmless("four-a-second", "rate limit", Service(early=Limit(4)))
    with serve(limited) as server:
        monkeypatch.setenv("BCTRL_API_KEY", server.api_key)
        monkeypatch.setenv("BCTRL_SPACE_ID", server.space_id)
        result = pytester.runpytest("--bctrl-live", f"--bctrl-base-url={server.url}")

        assert result.ret == 0
        assert server.rate_limited
        assert len(server.log) - server.rate_limited <= 40
        result.stdout.fnmatch_lines([f"checked *, {server.rate_limited} rejected by a rate limit, 429, and sent again"])


def test_rate_limit_without_retry_after_does_not_change_the_verdict(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server rejects every tenth request and does not say for how long; all tests pass."""
    rejects = Service(early=_every_tenth)
    with serve(harmless("every-tenth", "rate limit", rejects)) as server:
        monkeypatch.setenv("BCTRL_API_KEY", server.api_key)
        monkeypatch.setenv("BCTRL_SPACE_ID", server.space_id)
        result = pytester.runpytest("--bctrl-live", f"--bctrl-base-url={server.url}")
        assert result.ret == 0
        assert server.rate_limited
        assert len(server.log) - server.rate_limited <= 40
    assert {"passed"} == set(result.parseoutcomes())


def _every_tenth(visit: Visit) -> Reply | None:
    """Return a 429 for every tenth request, and None for any other."""
    return LIMIT if visit.number % 10 == 0 else None
