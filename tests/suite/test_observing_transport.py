"""What passes through an httpx client is seen, and nothing is taken from it."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator

import httpx
import pytest

from pytest_bctrl.contract.read import load
from pytest_bctrl.suite.observing import Observer, ObservingTransport

URL = "https://api.bctrl.ai/v1/spaces/1/runtimes"
BODY = b'{"runtimes": []}'


def seen(response: httpx.Response, url: str = URL) -> tuple[httpx.Response, int]:
    """The response that a client gets, and how many answers were seen."""
    observer = Observer(load())
    inner = httpx.MockTransport(lambda _request: response)
    with httpx.Client(transport=ObservingTransport(inner, observer, judged=False)) as client:
        got = client.get(url)
    return got, observer.everything.statuses.total()


def test_a_body_in_memory_is_seen_and_read_again() -> None:
    packed = httpx.Response(200, headers={"Content-Encoding": "gzip"}, content=gzip.compress(BODY))
    got, count = seen(packed)
    assert (BODY, 1) == (got.content, count)


def test_an_answer_of_another_api_is_not_taken_down() -> None:
    got, count = seen(httpx.Response(200, content=BODY), "https://api.bctrl.ai/v1/elsewhere")
    assert (BODY, 0) == (got.content, count)


def test_a_body_that_cannot_be_decoded_is_the_clients_to_tell() -> None:
    observer = Observer(load())
    broken = httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=httpx.ByteStream(b"no gzip"))
    inner = httpx.MockTransport(lambda _request: broken)
    with (
        httpx.Client(transport=ObservingTransport(inner, observer, judged=False)) as client,
        pytest.raises(httpx.DecodingError),
    ):
        client.get(URL)
    assert 0 == observer.everything.statuses.total()


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_stream_is_left_alone_and_the_inner_transport_closed() -> None:
    closed: list[bool] = []

    class Inner(httpx.MockTransport):
        async def aclose(self) -> None:
            closed.append(True)

    async def parts() -> AsyncIterator[bytes]:
        yield BODY

    observer = Observer(load())
    inner = Inner(lambda _request: httpx.Response(200, content=parts()))
    async with httpx.AsyncClient(transport=ObservingTransport(inner, observer, judged=False)) as client:
        assert BODY == (await client.get(URL)).content
    assert (0, [True]) == (observer.everything.statuses.total(), closed)
