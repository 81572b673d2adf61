"""What a fetch sends and takes, and what it leaves behind."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler

import pytest

from pytest_bctrl import __version__
from pytest_bctrl.drift.sources import fetch, read_text, require_fetchable
from pytest_bctrl.errors import UnreachableError
from pytest_bctrl.files.limits import DOCUMENT

from .upstream import Upstream, text

NAME = "pytest-bctrl fetch"


def fetching() -> list[threading.Thread]:
    """Return the threads that fetch a document."""
    return [thread for thread in threading.enumerate() if thread.name == NAME]


@pytest.mark.parametrize(
    "url", ["https://example.invalid/", "http://localhost/", "http://127.0.0.1:80/", "http://[::1]:8000/"]
)
def test_https_and_loopback_urls_are_accepted(url: str) -> None:
    """`require_fetchable` raises no error for them."""
    require_fetchable(url)


def test_a_fetch_sends_only_the_expected_headers(upstream: Upstream) -> None:
    upstream.responses["/"] = text("x")
    fetch(f"{upstream.url}/")
    (sent,) = upstream.headers
    assert sent == {
        "Host": upstream.url.removeprefix("http://"),
        "Connection": "close",
        "User-Agent": f"pytest-bctrl/{__version__}",
        "Accept": "text/markdown, application/yaml, application/json, text/plain;q=0.9, */*;q=0.1",
        "Accept-Encoding": "identity",
    }


def test_loopback_is_fetched_without_the_proxy(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    upstream.responses["/"] = text("x")
    assert fetch(f"{upstream.url}/") == b"x"


def test_the_fragment_of_a_url_is_not_sent(upstream: Upstream) -> None:
    upstream.responses["/"] = text("x")
    assert fetch(f"{upstream.url}/#openapi-specification") == b"x"


def test_a_response_of_10_mb_is_accepted(upstream: Upstream) -> None:
    upstream.responses["/"] = text("#" * DOCUMENT)
    assert len(read_text(f"{upstream.url}/")) == DOCUMENT


def test_a_fetch_reads_at_most_one_byte_more_than_the_limit(upstream: Upstream) -> None:
    upstream.responses["/"] = text("#" * (DOCUMENT + 200_000))
    assert len(fetch(f"{upstream.url}/")) == DOCUMENT + 1


def test_fetch_uses_a_daemon_thread(upstream: Upstream) -> None:
    daemons: list[bool] = []
    others = set(fetching())

    def record_daemons(request: BaseHTTPRequestHandler) -> None:
        """Note whether the thread that fetches is a daemon, and respond."""
        daemons.extend(thread.daemon for thread in fetching() if thread not in others)
        text("x")(request)

    upstream.responses["/"] = record_daemons
    fetch(f"{upstream.url}/")
    assert daemons == [True]


def test_no_thread_remains_after_a_time_out(upstream: Upstream) -> None:
    hold = threading.Event()
    others = set(fetching())
    upstream.responses["/"] = lambda _: hold.wait(60)
    with pytest.raises(UnreachableError):
        fetch(f"{upstream.url}/", seconds=0.1)
    ours = [thread for thread in fetching() if thread not in others]
    for thread in ours:
        thread.join(30)
    still_there = [thread for thread in ours if thread.is_alive()]
    hold.set()
    assert still_there == []


def test_headers_sent_byte_by_byte_time_out(upstream: Upstream) -> None:
    def drip(request: BaseHTTPRequestHandler) -> None:
        with suppress(OSError):
            request.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            while True:
                request.wfile.write(b"a")
                request.wfile.flush()
                time.sleep(0.05)

    upstream.responses["/"] = drip
    with pytest.raises(UnreachableError) as caught:
        fetch(f"{upstream.url}/", seconds=0.3)
    assert str(caught.value) == f"{upstream.url}/: no response within 0.3 s (try again, or give a local copy)"
