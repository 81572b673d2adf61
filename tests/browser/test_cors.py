"""A page in a real browser sends requests to the mock, which is of another origin, and reads the responses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_bctrl.contract.read import load
from pytest_bctrl.traffic.mock import MockServer

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SEND_REQUEST = """async ([url, key]) => {
  const response = await fetch(url, { headers: { Authorization: `Bearer ${key}` }, credentials: "include" });
  const length = (await response.json()).runtimes?.length ?? null;
  return [response.status, length, response.headers.get("x-request-id") !== null];
}"""


def test_a_loopback_page_can_read_responses_and_errors(chromium: Browser) -> None:
    """In Chromium, a page of another port gets 200 with the list, and 401 for a wrong key."""
    context = chromium.new_context()
    with MockServer(load()) as mock, MockServer(load()) as page_server:
        page = context.new_page()
        page.goto(f"{page_server.url}/a-page-of-another-origin")
        url = f"{mock.url}/v1/spaces/{mock.space_id}/runtimes"
        statuses = [page.evaluate(SEND_REQUEST, [url, key]) for key in (mock.api_key, "wrong")]
        assert [[200, len(mock.runtimes), True], [401, None, True]] == statuses
    context.close()
