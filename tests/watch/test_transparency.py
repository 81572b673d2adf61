"""Tests that pass without the watch pass with it too, and each exchange is counted once."""

from __future__ import annotations

import re

import pytest

from tests.watch.conftest import Run
from tests.watch.ways_to_send import CALLS, CODE


def run(watch: Run, body: str) -> str:
    """Run one test, which must pass and have no error, and return the output of the run."""
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    result = watch(f"{CODE}def test_it(url):\n{lines}\n", "-o", "bctrl_levels=status_code_conformance = off")
    result.assert_outcomes(passed=1)
    text = result.stdout.str()
    assert "the watch does not observe this version" not in text
    return text


@pytest.mark.parametrize(("body", "count"), CALLS.values(), ids=CALLS)
def test_a_test_passes_and_each_exchange_is_counted_once(watch: Run, body: str, count: int) -> None:
    """Each test passes without the watch, and its requests and responses conform."""
    account = re.search("^checked .*; 1 test,", run(watch, body), re.MULTILINE)
    assert account is not None
    assert count == sum(map(int, re.findall(r"(\d+) (?:not )?checked", account[0])))


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("assert requests.get(url, headers={'X-Coding': 'compress'}).content == b'?'", id="requests"),
        pytest.param("assert urllib3.request('GET', url, headers={'X-Coding': 'compress'}).data == b'?'", id="urllib3"),
        pytest.param(
            "with pytest.raises(ValueError):\n"
            "    asyncio.run(with_aiohttp(url, headers={'X-Coding': 'gzip, compress'}))",
            id="aiohttp",
        ),
    ],
)
def test_a_body_in_a_content_coding_that_the_client_does_not_know_is_not_checked(watch: Run, body: str) -> None:
    """The client leaves the body as it is, so it is not that of the contract."""
    assert "a response to GET /orders: the content coding 'compress' is not supported" in run(watch, body)
