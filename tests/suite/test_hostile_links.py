"""Links to the next page that lead to another host, or nowhere: no request is sent there, and the run continues."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.contract.test_paging import LIST, MAYBE, TEXT, WHOLE, body, contract
from tests.local_server import Handler, serving
from tests.suite.test_pages import NAMES, follow_pages, live_run, serve_api

ELSEWHERE = [
    "http://127.0.0.1:{port}/v1/things/1?page=2",
    "//127.0.0.1:{port}/v1/things/1?page=2",
    "http://me:secret@127.0.0.1:{port}/v1/things/1?page=2",
    "http:127.0.0.1:{port}/v1/things/1?page=2",
    "\\\\127.0.0.1:{port}\\v1\\things\\1?page=2",
    "http://127.0.0.1@127.0.0.1:{port}/v1/things/1?page=2",
    "javascript:alert(1)?page=2",
    "file:///etc/passwd?page=2",
    "?page=2#@127.0.0.1:{port}",
]
UNUSABLE = [
    "http://[?page=2",
    "http://[::1?page=2",
    "http://a\uff1ab.example/?page=2",
    "?page=" + "9" * 70_000,
    "?" + "&".join(f"a{number}=1" for number in range(20_000)),
    "?page=\ud800",
]
NOWHERE = [
    "http://x.example:port/v1/things/1?page=2",
    "?page=%00%0d%0aX-Evil:%20yes",
    "?page",
    "?",
    "",
]


@contextmanager
def listening() -> Iterator[tuple[int, list[str]]]:
    """Run a server of another origin; yield its port and the list of its request lines with their credentials."""
    request_lines: list[str] = []

    class Recorder(Handler):
        def do_GET(self) -> None:
            request_lines.append(f"{self.path} {self.headers['Authorization']}")
            self.send_error(404)

    with serving(Recorder) as url:
        yield int(url.rpartition(":")[2]), request_lines


def paged(link: str, page: list[Any]) -> tuple[dict[str, str], Any]:
    """Return the headers and the body of a page that links to the next one."""
    return {}, {"items": page, "next": link}


@pytest.mark.parametrize("link", [*ELSEWHERE, *UNUSABLE, *NOWHERE])
def test_only_the_query_of_a_next_link_is_used(link: str) -> None:
    """A link to another host or path sends no request there; if it is unusable, the pages are not checked."""
    of = contract(body(items=LIST, next=MAYBE), {"per_page": WHOLE, "page": WHOLE, "tag": TEXT})
    with listening() as (port, request_lines):
        target = link.replace("{port}", str(port))

        def respond(_path: str, query: list[tuple[str, str]], fields: dict[str, str]) -> tuple[dict[str, str], Any]:
            assert "x-evil" not in fields
            size = int(dict(query).get("per_page", "7"))
            return paged(target, NAMES[:size])

        with serve_api(respond) as (url, own_request_lines):
            findings, reason = follow_pages(live_run(of, url))
        assert [] == request_lines
        if link in UNUSABLE:
            assert (set(), "no request can carry what the server names as the next page") == (findings, reason)
        assert 1 <= len(own_request_lines) <= 40
        assert {"/v1/things/1"} == {line.split()[1].partition("?")[0] for line in own_request_lines}
