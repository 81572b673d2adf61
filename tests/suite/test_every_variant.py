"""The verdict on every variant of an independent server: conforming ones pass, faulty ones fail, by their own kind."""

from __future__ import annotations

# Imported here once: pytester forgets what a run in this process imported, and a second copy of a class is another.
# httpx imports httpcore late, and would take no error of a second copy for one of its own.
import httpcore  # noqa: F401
import pytest

import pytest_bctrl.suite.start
import pytest_bctrl.suite.tests  # noqa: F401
from tests.variants import CATALOGUE, serve
from tests.variants.variant import Variant

LEVELS = {"pass": [("info", 0)], "error": [("error", 1)], "warning": [("error", 0), ("warning", 1)]}
"""For each expectation, the failing level to run with and the exit code that is right."""

WAITING = ("drip", "hang", "silent")
"""Parts of the names of variants that keep a client waiting until it gives up."""

CASES = [(variant, level, code) for variant in CATALOGUE for level, code in LEVELS[variant.expect]]


@pytest.mark.parametrize(
    ("variant", "level", "code"), CASES, ids=[f"{variant.kind}-{variant.name}-{level}" for variant, level, _ in CASES]
)
def test_verdict(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, variant: Variant, level: str, code: int
) -> None:
    with serve(variant) as server:
        monkeypatch.setenv("BCTRL_API_KEY", server.api_key)
        monkeypatch.setenv("BCTRL_SPACE_ID", server.space_id)
        # A process of its own costs a second; one in which a time-out is waited for is worth it, and keeps its threads.
        waits = any(word in variant.name for word in WAITING)
        run = pytester.runpytest_subprocess if waits else pytester.runpytest_inprocess
        result = run("--bctrl-live", f"--bctrl-base-url={server.url}", f"--bctrl-fail-on={level}", "-p", "no:randomly")
        assert code == result.ret
        assert {"GET", "HEAD"} >= {request.method for request in server.log}
        assert len(server.log) <= 40
        assert not server.key_reached_elsewhere
        assert server.api_key not in result.stdout.str() + result.stderr.str()
