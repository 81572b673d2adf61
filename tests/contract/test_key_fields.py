"""The header fields that carry the key, by the first security requirement that a single key satisfies."""

from __future__ import annotations

import subprocess
from base64 import b64encode
from collections.abc import Sequence
from itertools import combinations
from subprocess import PIPE

import pytest

from pytest_bctrl.contract.key_fields import BASIC, BEARER, KeyField, key_fields
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.contract.read import from_document
from pytest_bctrl.http.message import Request
from pytest_bctrl.secrets.secret import Secret
from pytest_bctrl.suite.run import ContractRun
from pytest_bctrl.suite.sending.target import Target
from pytest_bctrl.traffic.mock import MockServer
from tests.contract.documents import document
from tests.run_probes import run_probes

SCHEMES = {
    "bearer": {"type": "http", "scheme": "Bearer"},
    "login": {"type": "openIdConnect"},
    "header": {"type": "apiKey", "in": "header", "name": "X-Key"},
    "cookie": {"type": "apiKey", "in": "cookie", "name": "session"},
    "query": {"type": "apiKey", "in": "query", "name": "key"},
    "password": {"type": "http", "scheme": "basic"},
    "certificate": {"type": "mutualTLS"},
    "digest": {"type": "http", "scheme": "digest"},
}
SESSION = KeyField("Cookie", "session=")


def secured_by(security: list[dict[str, list[str]]]) -> Contract:
    """Return a contract with this security, whose operation returns `here`."""
    identity = {"name": "id", "in": "path", "required": True, "schema": {"const": "7"}}
    spec = document({"const": "here"}, security=security, parameters=[identity])
    spec["components"]["securitySchemes"] = SCHEMES
    return from_document(spec, "things.json")


def secured(*names: str) -> Contract:
    """Return a contract whose operation accepts any of these schemes."""
    return secured_by([{name: []} for name in names])


def open_to(*names: str) -> Contract:
    """Return a contract whose operation accepts any of these schemes, and requests without a credential."""
    nothing: dict[str, list[str]] = {}
    return secured_by([nothing, *[{name: list[str]()} for name in names]])


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["bearer"], BEARER),
        (["login"], BEARER),
        (["header"], KeyField("X-Key")),
        (["cookie"], SESSION),
        (["password", "cookie"], BASIC),
        (["query", "certificate", "header"], KeyField("X-Key")),
        (["certificate", "query"], KeyField("key", in_query=True)),
    ],
)
def test_key_fields_returns_the_first_scheme_of_a_header_else_of_the_query(
    names: list[str], expected: KeyField
) -> None:
    contract = secured(*names)
    assert (expected,) == key_fields(contract.operations[0])


@pytest.mark.parametrize("name", ["certificate", "digest"])
def test_key_fields_returns_none_for_schemes_without_a_key(name: str) -> None:
    contract = secured(name)
    assert key_fields(contract.operations[0]) is None


KEY = "a-key"


def _basic(text: str) -> str:
    """Return a text as the value of an `Authorization` field with Basic credentials."""
    return f"Basic {b64encode(text.encode()).decode()}"


SENT: dict[str, tuple[str, dict[str, str]]] = {
    "nothing": ("", {}),
    "bearer": ("", {"authorization": f"bearer {KEY}"}),
    "another bearer": ("", {"authorization": f"Bearer {KEY}x"}),
    "user": ("", {"authorization": _basic(f"{KEY}:")}),
    "password": ("", {"authorization": _basic(f"me:{KEY}")}),
    "another password": ("", {"authorization": _basic("me:too")}),
    "no base64": ("", {"authorization": f"Basic {KEY}"}),
    "header": ("", {"x-key": KEY}),
    "cookie": ("", {"cookie": f"a=b; session={KEY}"}),
    "query": (f"?key={KEY}", {}),
    "header and cookie": ("", {"x-key": KEY, "cookie": f"session={KEY}"}),
}
ACCEPTED = {
    "bearer": {"bearer"},
    "login": {"bearer"},
    "password": {"user", "password"},
    "header": {"header", "header and cookie"},
    "cookie": {"cookie", "header and cookie"},
    "query": {"query"},
    "digest": set[str](),
}
WRONG = {"bearer": {"another bearer"}, "login": {"another bearer"}, "password": {"another password"}}
"""Requests with a credential of the scheme that is not the key."""


@pytest.mark.parametrize("names", [[], *([name] for name in SCHEMES), *combinations(SCHEMES, 2)], ids=str)
def test_the_mock_accepts_only_credentials_of_a_documented_scheme(names: Sequence[str]) -> None:
    """Of two schemes, either any, both or none is required; other requests are rejected with 401.

    A certificate is not checked, but a wrong credential beside it is rejected.
    """
    either, both = secured(*names), secured_by([{name: [] for name in names}])
    checked = [name for name in names if name != "certificate"]
    accepted = set().union(*(ACCEPTED[name] for name in checked))
    if checked != list(names):
        accepted = set(SENT).difference(*(WRONG.get(name, ()) for name in checked))
    of_all = set(SENT).intersection(*(ACCEPTED[name] for name in checked))

    for contract, expected in ((either, accepted if names else {*SENT}), (both, of_all), (open_to(*names), {*SENT})):
        mock = MockServer(contract, api_key=Secret(KEY))
        responses = {
            name: mock.respond(Request("GET", f"/v1/things/7{query}", tuple(sent.items())))
            for name, (query, sent) in SENT.items()
        }
        assert expected == {name for name, response in responses.items() if response.status == 200}
        rejected = [response for response in responses.values() if response.status != 200]
        assert {(401, True)} >= {
            (response.status, response.header("www-authenticate") is not None) for response in rejected
        }


@pytest.mark.parametrize("key", ["a-key", "me:too"])
@pytest.mark.parametrize(
    "names", [["password"], ["bearer", "password"], ["password", "bearer"], ["header", "password"]]
)
def test_the_suite_sends_a_documented_credential_and_finds_no_fault(names: list[str], key: str) -> None:
    """It sends a request that is accepted, and reports no error; the shell command has the same value."""
    contract = secured(*names)
    mock = MockServer(contract, api_key=Secret(key))
    target = Target(ContractRun("mock", contract, "", Secret(key), {}, "error", 20, mock=mock))
    findings = run_probes(target)
    target.close()

    assert [] == [finding for finding in findings if finding.level == "error"]
    assert any(entry.status == 200 for entry in mock.requests)
    (field,) = key_fields(contract.operations[0]) or ()
    command = ["bash", "-c", f'printf %s "{field.shell("$KEY")}"']
    assert field.value(key) == subprocess.run(command, env={"KEY": key}, stdout=PIPE, check=True, text=True).stdout
