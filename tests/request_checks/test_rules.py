"""The rules about requests, each of which has an example that breaks it."""

from __future__ import annotations

import pytest

from pytest_bctrl.cli import main
from pytest_bctrl.request_checks.violation import request_rules

from .orders import ORDER, contract_of_paths, lines, operation

BODY = {
    "required": True,
    "content": {"application/json": {"schema": ORDER}, "application/xml": {"schema": {"type": "object"}}},
}
ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}
CONTRACT = contract_of_paths(
    {
        "/orders": {"post": operation(requestBody=BODY, security=[{"key": []}])},
        "/orders/{id}": {"parameters": [ID], "get": operation(), "delete": operation()},
    },
    components={"securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}},
)


@pytest.mark.parametrize("name", request_rules())
def test_the_example_breaks_the_rule(name: str) -> None:
    """`check_request` of the rule's example request reports the rule at its level."""
    rule = request_rules()[name]
    head, _, content = rule.request.strip().partition("\n\n")
    (method, target), *fields = [line.split(" ", 1) for line in head.splitlines()]
    headers = {field.rstrip(":"): value for field, value in fields}
    found = lines(CONTRACT, method, target, headers, content or None)
    assert name in {line.split()[1] for line in found}
    assert rule.level in {line.split()[0] for line in found if line.split()[1] == name}


def test_a_rule_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    """`explain request_body` prints the request that breaks it, and what reports it."""
    assert 0 == main(["explain", "request_body"])
    assert "broken by this request:\n\n  POST /orders\n" in (text := capsys.readouterr().out)
    assert text.rstrip().endswith("by bctrl_mock.requests.assert_conforming()")
