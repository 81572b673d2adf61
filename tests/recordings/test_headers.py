"""Header fields of recorded answers, which need not be ASCII."""

from __future__ import annotations

from http.client import HTTPConnection
from urllib.parse import urlsplit

import httpx
import pytest

from pytest_bctrl.contract.read import load
from pytest_bctrl.traffic.mock.refusal import Refusals
from pytest_bctrl.traffic.recordings.exchange import Exchange
from pytest_bctrl.traffic.recordings.port import Port, replayed
from pytest_bctrl.traffic.recordings.replay import Player
from pytest_bctrl.traffic.recordings.transport import ReplayTransport


@pytest.mark.parametrize("value", ["/\u00e9", "/\u4e16", "plain"])
def test_a_field_of_any_letters_is_replayed_in_process_and_over_the_port(value: str) -> None:
    exchange = Exchange("GET", "http://localhost:8787/v1/a", 302, (("Location", value),))
    player = Player([exchange], name="x.har", mend="")

    with httpx.Client(transport=ReplayTransport(player), base_url="http://a.test", trust_env=False) as client:
        assert value == client.get("/v1/a").headers["location"]
    assert value.encode() == location(player).encode("latin-1")


def location(player: Player) -> str:
    """The field as the standard library's client reads it: a letter for each byte."""
    port = Port(lambda request: replayed(player, request), Refusals(load()))
    try:
        connection = HTTPConnection(urlsplit(port.url).netloc, timeout=30)
        connection.request("GET", "/v1/a")
        answer = connection.getresponse()
        answer.read()
        connection.close()
    finally:
        port.stop()
    return answer.headers["Location"] or ""
