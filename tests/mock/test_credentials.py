"""Credentials that the mock accepts, those that it cannot validate included."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path

import httpx
import pytest

from pytest_bctrl import MockServer
from pytest_bctrl.secrets.secret import Secret
from pytest_bctrl.traffic.mock.server import MOCK_KEY
from pytest_bctrl.traffic.mock.transport import MockTransport
from tests.mock.mock_command import MockCommand
from tests.request_checks.orders import contract_of_paths, operation

SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "digest": {"type": "http", "scheme": "digest"},
    "basic": {"type": "http", "scheme": "basic"},
    "authorization": {"type": "apiKey", "in": "header", "name": "Authorization"},
    "header": {"type": "apiKey", "in": "header", "name": "X-Key"},
    "certificate": {"type": "mutualTLS"},
}
TOKEN, WRONG = {"Authorization": f"Bearer {MOCK_KEY}"}, {"Authorization": "Bearer x"}


def secured(*requirements: str) -> MockServer:
    """Return a mock whose operation has these alternatives; the schemes of an alternative are separated by blanks."""
    security: list[dict[str, list[str]]] = [{name: [] for name in requirement.split()} for requirement in requirements]
    get = operation(security=security)
    return MockServer(contract_of_paths({"/orders": {"get": get}}, components={"securitySchemes": SCHEMES}))


def status(mock: MockServer, headers: dict[str, str]) -> int:
    """Return the status of a GET of the orders."""
    with httpx.Client(transport=MockTransport(mock), base_url="http://mock") as client:
        return client.get("/orders", headers=headers).status_code


@pytest.mark.parametrize(
    ("requirements", "headers", "expected"),
    [
        (["certificate"], {}, 200),
        (["certificate"], {"Authorization": "Bearer of another API"}, 200),
        (["certificate bearer"], TOKEN, 200),
        (["certificate bearer"], {}, 401),
        (["certificate bearer"], WRONG, 401),
        (["certificate", "bearer"], {}, 200),
        (["certificate", "bearer"], TOKEN, 200),
        (["certificate", "bearer"], WRONG, 401),
        (["digest"], {"Authorization": 'Digest username="u", response="0"'}, 200),
        (["digest"], {}, 401),
        (["digest"], TOKEN, 401),
        (["digest header"], {"Authorization": "Digest a=b", "X-Key": MOCK_KEY}, 200),
        (["digest header"], {"Authorization": "Digest a=b", "X-Key": "x"}, 401),
        (["authorization"], {"Authorization": MOCK_KEY}, 200),
        (["authorization"], {"Authorization": f"Token token={MOCK_KEY}"}, 200),
        (["authorization"], {"Authorization": f"ApiKey {MOCK_KEY}"}, 200),
        (["authorization"], {"Authorization": f"{MOCK_KEY} x"}, 401),
        (["authorization bearer"], TOKEN, 200),
        (["authorization bearer"], WRONG, 401),
        (["header"], {"X-Key": f"Token {MOCK_KEY}"}, 401),
    ],
)
def test_a_request_is_accepted_if_its_credentials_meet_the_security_requirements(
    requirements: list[str], headers: dict[str, str], expected: int
) -> None:
    """Certificates, bearer tokens, keys and others, alone or together: the status is 200 or 401."""
    assert expected == status(secured(*requirements), headers)


@pytest.mark.parametrize(("requirement", "headers"), [("certificate", {}), ("certificate bearer", TOKEN)])
def test_the_journal_says_that_a_certificate_is_not_checked(requirement: str, headers: dict[str, str]) -> None:
    """It is a finding of level warning, so `assert_conforming` passes."""
    mock = secured(requirement)
    assert 200 == status(mock, headers)
    assert [("request_not_checked", "warning")] == [
        (finding.rule, finding.level) for finding in mock.requests[0].findings
    ]
    mock.requests.assert_conforming()


def test_a_client_can_respond_to_the_challenge_of_a_digest() -> None:
    """`httpx.DigestAuth` gets 200."""
    transport = MockTransport(secured("digest"))
    with httpx.Client(transport=transport, base_url="http://mock", auth=httpx.DigestAuth("user", "password")) as client:
        assert 200 == client.get("/orders").status_code


def test_a_key_after_a_scheme_may_end_with_padding() -> None:
    """A base64 key with `=` is accepted in `Authorization: Token KEY`."""
    key = b64encode(b"ab").decode()
    contract = contract_of_paths(
        {"/orders": {"get": operation(security=[{"authorization": []}])}}, components={"securitySchemes": SCHEMES}
    )
    assert 200 == status(MockServer(contract, api_key=Secret(key)), {"Authorization": f"Token {key}"})


def test_the_command_lists_the_operations_whose_certificate_is_not_checked(tmp_path: Path, python: list[str]) -> None:
    file = tmp_path / "openapi.json"
    file.write_text(json.dumps(secured("certificate").contract.source))
    with MockCommand(python, tmp_path).running("--contract", str(file)) as mock:
        _, out, _ = mock.end()
    assert "not checked: client certificates, which a plain connection does not have (GET /orders)\n" in out
