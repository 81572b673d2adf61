"""What a client asks is seen, and nothing is taken from it."""

from __future__ import annotations

import gzip

import httpx
import pytest

from pytest_bctrl.contract.read import load
from pytest_bctrl.suite.observing import Observer

URL = "https://api.bctrl.ai/v1/spaces/1/runtimes"
BODY = b'{"runtimes": []}'
PACKED = {"Content-Encoding": "gzip"}


@pytest.mark.parametrize(
    ("response", "url", "count"),
    [
        (httpx.Response(200, headers=PACKED, content=gzip.compress(BODY)), URL, 1),
        (httpx.Response(200, content=BODY), "https://api.bctrl.ai/v1/elsewhere", 0),
        (httpx.Response(200, headers=PACKED, stream=httpx.ByteStream(b"no gzip")), URL, 0),
    ],
    ids=["body in memory", "another API", "broken coding, of which the client tells"],
)
def test_an_answer_of_the_contract_is_seen_and_read_again(response: httpx.Response, url: str, count: int) -> None:
    observer = Observer(load())
    observer.see(httpx.Request("GET", url), response, judged=False)
    assert count == observer.everything.statuses.total()
    if count:
        assert BODY == response.read()
