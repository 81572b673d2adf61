"""Which header field takes the key: the first way in that one key can open."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_bctrl.contract.key_fields import BEARER, KeyField, key_fields
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.contract.read import from_document
from pytest_bctrl.traffic.mock import MockServer
from tests.contract.documents import document
from tests.mock.asking import ask

SCHEMES = {
    "bearer": {"type": "http", "scheme": "Bearer"},
    "login": {"type": "openIdConnect"},
    "header": {"type": "apiKey", "in": "header", "name": "X-Key"},
    "cookie": {"type": "apiKey", "in": "cookie", "name": "session"},
    "query": {"type": "apiKey", "in": "query", "name": "key"},
    "password": {"type": "http", "scheme": "basic"},
    "certificate": {"type": "mutualTLS"},
}
SESSION = KeyField("Cookie", "session=")


def secured(*names: str) -> Contract:
    """A contract whose operation takes any of these schemes."""
    made = document({"const": "here"}, security=[{name: []} for name in names])
    made["components"]["securitySchemes"] = SCHEMES
    return from_document(made, "things.json")


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["bearer"], BEARER),
        (["login"], BEARER),
        (["header"], KeyField("X-Key")),
        (["cookie"], SESSION),
        (["password", "cookie"], SESSION),
        (["query", "header"], KeyField("X-Key")),
    ],
)
def test_the_first_that_a_header_field_can_carry_takes_the_key(names: list[str], expected: KeyField) -> None:
    contract = secured(*names)
    assert (expected,) == key_fields(contract, contract.operations[0])


@pytest.mark.parametrize("name", ["query", "password", "certificate"])
def test_what_no_header_field_carries_is_not_known(name: str) -> None:
    contract = secured(name)
    assert key_fields(contract, contract.operations[0]) is None


def test_a_key_in_a_cookie_opens_the_mock() -> None:
    with MockServer(secured("cookie")) as mock:
        headers: list[dict[str, Any]] = [{}, {SESSION.name: f"a=b; {SESSION.prefix}{mock.api_key.reveal()}"}]
        assert [401, 200] == [ask(mock, "GET", "/v1/things/7", one).status for one in headers]
