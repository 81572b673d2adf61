"""Faults: named, counted, combined, and removed by a reset."""

from __future__ import annotations

import json
import socket
import time
from http.client import HTTPException, IncompleteRead
from typing import Any

import pytest

from pytest_bctrl.contract.model import Contract
from pytest_bctrl.errors import SettingError
from pytest_bctrl.samples.mutants import rules
from pytest_bctrl.traffic.mock import MockServer
from pytest_bctrl.traffic.mock.faults import FAULTS, status
from tests.request_checks.orders import contract_of_paths, operation, response

from .asking import ask, connected, listed, request_bytes
from .conforming import violations_in


def statuses(mock: MockServer, number: int) -> list[int]:
    """Return the statuses of this number of requests for the list."""
    return [listed(mock).status for _ in range(number)]


def test_a_status_fault_returns_the_documented_error(mock: MockServer) -> None:
    mock.fault("status", 503, retry_after=2)
    reply = listed(mock)
    assert (reply.status, reply.headers["retry-after"], reply.headers["content-type"]) == (503, "2", "application/json")
    assert reply.json()["error"]["requestId"] == reply.headers["x-request-id"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"times": 2}, [503, 503, 200, 200, 200, 200]),
        ({"every": 3}, [200, 200, 503, 200, 200, 503]),
        ({"after": 4}, [200, 200, 200, 200, 503, 503]),
        ({"after": 1, "every": 2, "times": 1}, [200, 200, 503, 200, 200, 200]),
    ],
)
def test_a_fault_is_applied_as_its_options_say(
    mock: MockServer, arguments: dict[str, int], expected: list[int]
) -> None:
    """`times`, `every` and `after` decide which of six requests get the 503."""
    fault = mock.fault("status", 503, **arguments)
    assert statuses(mock, 6) == expected
    assert fault.count == expected.count(503)


def test_a_fault_can_be_given_as_text_name_or_object(mock: MockServer) -> None:
    """A text, a name with arguments, and an object with or without its options have the same effect."""
    specs: tuple[tuple[tuple[Any, ...], dict[str, Any]], ...] = (
        (("status(503, times=1)",), {}),
        (("status", 503), {"times": 1}),
        ((status(503).when(times=1),), {}),
        ((status(503),), {"times": 1}),
    )
    for spec, options in specs:
        fault = mock.fault(*spec, **options)
        assert statuses(mock, 2) == [503, 200]
        assert "<fault status(503), applied 1 times>" == repr(fault)
        mock.reset()


def test_a_fault_in_a_with_block_ends_with_the_block(mock: MockServer) -> None:
    with mock.fault("unauthorized") as fault:
        assert listed(mock).status == 401
        assert [fault.fault.name for fault in mock.faults] == ["unauthorized()"]
    assert (listed(mock).status, fault.count, mock.faults) == (200, 1, ())


def test_faults_are_applied_in_order(mock: MockServer) -> None:
    """Each fault gets the response that the previous fault left, and the journal lists both."""
    mock.fault("break_rule", "runtimes[*].status")
    mock.fault("wrong_content_type", "text/plain")
    reply = listed(mock)
    assert reply.headers["content-type"] == "text/plain"
    assert reply.json()["runtimes"][-1]["status"] not in ("active", "stopped", "failed")
    assert mock.requests[0].faults == ("break_rule('runtimes[*].status')", "wrong_content_type('text/plain')")


def test_faults_are_applied_to_the_response_of_the_scenario(mock: MockServer) -> None:
    mock.scenario("empty").fault("wrong_content_type", "text/plain")
    reply = listed(mock)
    assert (reply.headers["content-type"], reply.json()) == ("text/plain", {"runtimes": []})


def test_a_hang_sends_no_response(mock: MockServer) -> None:
    mock.fault("hang", times=1)
    with connected(mock, timeout=0.3) as sock:
        sock.sendall(request_bytes(mock))
        with pytest.raises(TimeoutError):
            sock.recv(1)
    assert listed(mock).status == 200


def test_a_hung_connection_is_closed_when_its_client_disconnects(mock: MockServer) -> None:
    """Also if it has sent more requests than the queue holds."""
    mock.fault("hang", times=1)
    with connected(mock) as sock:
        sock.sendall(request_bytes(mock) * 200)
        while not mock.requests:
            pass
        sock.shutdown(socket.SHUT_WR)
        assert _is_closed(sock)
    assert listed(mock).status == 200


def test_a_reset_fault_resets_the_connection(mock: MockServer) -> None:
    mock.fault("reset", times=1)
    with connected(mock) as sock:
        sock.sendall(request_bytes(mock))
        with pytest.raises(ConnectionResetError):
            sock.recv(1)
    assert listed(mock).status == 200


def test_a_truncated_body_is_shorter_than_its_content_length(mock: MockServer) -> None:
    mock.fault("truncate")
    with pytest.raises(IncompleteRead):
        listed(mock)


def test_a_delay_affects_only_one_client(mock: MockServer) -> None:
    """Another client is served while the first waits."""
    mock.fault("delay", 3600, times=1)
    with connected(mock) as sock:
        sock.sendall(request_bytes(mock))
        while not mock.requests:
            pass
        assert listed(mock).status == 200
        sock.settimeout(0)
        with pytest.raises(BlockingIOError):
            sock.recv(1)


def test_a_delayed_response_arrives_after_the_delay(mock: MockServer) -> None:
    mock.fault("delay", 0.1, times=1)
    began = time.monotonic()
    assert listed(mock).status == 200
    assert time.monotonic() - began >= 0.1


@pytest.mark.parametrize("name", ["malformed_json", "empty_body"])
def test_a_broken_body_is_not_valid_json(mock: MockServer, name: str) -> None:
    mock.fault(name)
    with pytest.raises(ValueError, match=r"."):
        json.loads(listed(mock).body.decode())


def test_a_body_fault_does_not_change_a_rejection(mock: MockServer, path: str) -> None:
    """A request without a key gets 401 and uses up no fault."""
    mock.fault("malformed_json", times=1)
    assert ask(mock, "GET", path, {}).json()["error"]["code"] == "unauthorized"
    with pytest.raises(json.JSONDecodeError):
        listed(mock).json()


def test_break_rule_does_not_apply_to_a_body_that_an_earlier_fault_has_made_unparsable(mock: MockServer) -> None:
    """Its rule cannot be broken in a body that is not JSON."""
    mock.fault("malformed_json")
    fault = mock.fault("break_rule", "runtimes[*].status")
    with pytest.raises(json.JSONDecodeError):
        listed(mock).json()
    assert (fault.count, mock.requests[0].faults) == (0, ("malformed_json()",))


def test_a_body_fault_applies_to_each_new_body(mock: MockServer) -> None:
    """`empty_body` empties each of 70 lists that are set in turn."""
    mock.fault("empty_body")
    for number in range(70):
        mock.runtimes = mock.samples.items(mock.samples.generated(1, number))
        assert listed(mock).body == b""


@pytest.mark.parametrize(
    ("fault", "space", "key", "name", "expected"),
    [
        ("rate_limited(retry_after=2)", "", "", "retry-after", (429, "2")),
        ("redirect('https://elsewhere.test/x', 307)", "", "", "location", (307, "https://elsewhere.test/x")),
        ("plain_errors", "", "wrong", "content-type", (401, "text/html")),
        ("plain_errors", "", "", "content-type", (200, "application/json")),
    ],
)
def test_a_fault_changes_status_and_header(
    mock: MockServer, fault: str, space: str, key: str, name: str, expected: tuple[int, str]
) -> None:
    """Of a single response; the next request gets 200. `plain_errors` changes a rejection only."""
    mock.fault(fault, times=1)
    headers = {"Authorization": f"Bearer {key or mock.api_key}"}
    reply = ask(mock, "GET", f"/v1/spaces/{space or mock.space_id}/runtimes", headers)
    assert expected == (reply.status, reply.headers.get(name))
    assert 200 == listed(mock).status


def test_any_key_accepts_every_credential(mock: MockServer, path: str) -> None:
    """With the fault `any_key`, a wrong key gets the list, and the fault counts the responses that it changed."""
    fault = mock.fault("any_key")
    assert ask(mock, "GET", path, {"Authorization": "garbage"}).json()["runtimes"]
    assert (listed(mock).status, fault.count) == (200, 1)


@pytest.mark.parametrize("rejected", ["401", "403", "404", "400", "422"])
def test_any_key_replaces_a_rejection_of_any_documented_status(rejected: str) -> None:
    """A contract may document one status for rejections; an invalid query parameter is rejected all the same."""
    order_id = {"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}, "example": 42}
    limit = {"name": "limit", "in": "query", "schema": {"type": "integer"}}
    order = operation(parameters=[order_id, limit], security=[{"key": []}])
    order["responses"][rejected] = response({"type": "object"})
    schemes = {"key": {"type": "http", "scheme": "bearer"}}
    contract = contract_of_paths({"/orders/{id}": {"get": order}}, components={"securitySchemes": schemes})
    with MockServer(contract, is_exhaustive=True) as mock:
        key = {"Authorization": f"Bearer {mock.api_key}"}
        requests: list[tuple[str, dict[str, str]]] = [
            ("/orders/42", {}),
            ("/orders/7", key),
            ("/orders/42?limit=x", key),
        ]
        before = [ask(mock, "GET", *request).status for request in requests]
        mock.fault("any_key")
        with_any_key = [ask(mock, "GET", *request).status for request in requests]
    assert with_any_key == [200, *before[1:]]
    assert min(before) >= 400


def test_break_rule_violates_every_rule_of_the_contract_by_its_name(mock: MockServer, contract: Contract) -> None:
    """The response is then invalid, except for undocumented properties and unusual time formats, which are valid."""
    silent = {"undocumented_property", "iso_8601_times"}
    for rule in rules(mock.samples):
        with mock.fault("break_rule", rule) as fault:
            body = listed(mock).json()
            assert fault.count == 1
            assert body != {"runtimes": mock.runtimes}, rule
            if rule not in silent:
                assert violations_in(contract, body), rule


def test_break_rule_changes_the_last_of_many_items(mock: MockServer) -> None:
    """A check that looks only at some of the items misses it."""
    mock.scenario("many", count=300).fault("break_rule", "runtimes[*].id: format")
    ids = [runtime["id"] for runtime in listed(mock).json()["runtimes"]]
    assert (len(ids), ids.count("no such value"), ids[-1]) == (300, 1, "no such value")


def test_a_break_rule_fault_names_the_check_that_detects_it(mock: MockServer) -> None:
    """With its level: for a schema rule, two invariants, and an undocumented property."""
    checks = {
        rule: mock.fault("break_rule", rule).fault
        for rule in ("runtimes[*].status", "unique_ids", "kind_equals_type", "undocumented_property")
    }
    assert {rule: (fault.check, fault.level) for rule, fault in checks.items()} == {
        "runtimes[*].status": ("response_schema_conformance", "error"),
        "unique_ids": ("unique_ids", "error"),
        "kind_equals_type": ("kind_equals_type", "warning"),
        "undocumented_property": ("undocumented_property", "warning"),
    }


@pytest.mark.parametrize(
    ("spec", "arguments", "message"),
    [
        ("nope", (), "unknown fault.*status, rate_limited"),
        ("status", (), "the arguments do not fit"),
        ("status", (99,), "from 200 to 599"),
        ("status(503, times=0)", (), "from 1 on"),
        ("break_rule", ("runtimes[*].colour",), "unknown rule"),
        ("delay", (-1,), "give seconds"),
        ("wrong_content_type", ("a\r\nX: y",), "single line"),
        ("status(", (), "not understood"),
        ("5", (), "not understood"),
        ("status(500 + x)", (), "not understood"),
        ("rate_limited(retry_after='x')", (), "is not a time"),
        ("status(503, retry_after='x')", (), "is not a time"),
        ("delay(1e400)", (), "is not a time"),
        ("redirect('http://a.test', code=700)", (), "is not a status"),
        ("wrong_content_type(5)", (), "is not a single line"),
        ("lost_item", (), "it has no pages"),
        ("status(503, **{'times': 2})", (), "the arguments do not fit"),
    ],
)
def test_an_invalid_fault_is_an_error_when_it_is_set(
    mock: MockServer, spec: str, arguments: tuple[Any, ...], message: str
) -> None:
    with pytest.raises(SettingError, match=message):
        mock.fault(spec, *arguments)


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_has_a_one_line_docstring(name: str) -> None:
    """The command's help and error messages show it."""
    assert (FAULTS[name].__doc__ or "").partition("\n")[0].endswith(".")


def test_reset_removes_faults_scenario_journal_and_connections(mock: MockServer) -> None:
    mock.scenario("empty").fault("hang")
    with connected(mock) as sock:
        sock.sendall(request_bytes(mock))
        while not mock.requests:
            pass
        mock.reset()
        assert _is_closed(sock)
    assert (len(mock.requests), mock.faults) == (0, ())
    assert listed(mock).json()["runtimes"]


def _is_closed(sock: socket.socket) -> bool:
    """Return whether the server closes a connection, or resets it, without sending a byte."""
    try:
        return sock.recv(1) == b""
    except (ConnectionResetError, HTTPException):
        return True
