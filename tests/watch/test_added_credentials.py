"""Credentials that a transport or an adapter adds while a request is sent."""

from __future__ import annotations

import json

import pytest

from tests.exchanges.catalogue import ORDERS_CONTRACT
from tests.watch.conftest import Run
from tests.watch.ways_to_send import CODE

AUTHORIZED = {
    "a transport adds it to the request": """
class Authorizing(httpx.BaseTransport):
    def handle_request(self, request):
        request.headers["Authorization"] = "Bearer key"
        return httpx.MockTransport(respond).handle_request(request)

def test_it():
    with httpx.Client(transport=Authorizing()) as client:
        client.get(URL)
""",
    "a transport adds it to a copy": """
class Authorizing(httpx.MockTransport):
    def handle_request(self, request):
        return super().handle_request(httpx.Request("GET", request.url, headers={"Authorization": "Bearer key"}))

def test_it():
    with httpx.Client(transport=Authorizing(respond)) as client:
        client.get(URL)
""",
    "an asynchronous transport adds it to a copy": """
class Authorizing(httpx.MockTransport):
    async def handle_async_request(self, request):
        copy = httpx.Request("GET", request.url, headers={"Authorization": "Bearer key"})
        return await super().handle_async_request(copy)

async def get():
    async with httpx.AsyncClient(transport=Authorizing(respond)) as client:
        await client.get(URL)

def test_it():
    asyncio.run(get())
""",
    "an adapter adds it to the request": """
class Authorizing(requests.adapters.HTTPAdapter):
    def add_headers(self, request, **named):
        request.headers["Authorization"] = "Bearer key"

def test_it(url):
    with requests.Session() as session:
        session.mount("http://", Authorizing())
        session.get(url)
""",
    "an adapter adds it to a copy": """
class Authorizing(requests.adapters.HTTPAdapter):
    def send(self, request, **named):
        copy = request.copy()
        copy.headers["Authorization"] = "Bearer key"
        return super().send(copy, **named)

def test_it(url):
    with requests.Session() as session:
        session.mount("http://", Authorizing())
        session.get(url)
""",
}


@pytest.mark.parametrize("test", AUTHORIZED.values(), ids=AUTHORIZED)
def test_a_credential_that_is_added_while_a_request_is_sent_is_known(
    pytester: pytest.Pytester, watch: Run, test: str
) -> None:
    """The contract requires a bearer token: the request has one when it is sent, so there is no finding."""
    schemes = {"bearer": {"type": "http", "scheme": "bearer"}}
    document = {**ORDERS_CONTRACT.source, "components": {"securitySchemes": schemes}, "security": [{"bearer": []}]}
    pytester.path.joinpath("orders.json").write_text(json.dumps(document), "utf-8")

    result = watch(f"{CODE}{test}\ndef test_none():\n    list_orders()\n", "--bctrl-fail-on=info")
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["ERROR test_orders.py::test_none - *"])
