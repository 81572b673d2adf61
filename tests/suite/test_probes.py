"""The suite's probes, each sent to a mock in this process: their findings, and when they stop."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain, count
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_bctrl.contract.model import Contract
from pytest_bctrl.contract.read import from_document, load
from pytest_bctrl.errors import SettingError
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.secrets.secret import Secret
from pytest_bctrl.suite.operations import require_operations
from pytest_bctrl.suite.plan import probes
from pytest_bctrl.suite.plan.catalogue import omitted_request_count, plan
from pytest_bctrl.suite.plan.parameter_values import (
    ODD,
    UNKNOWN,
    allowed_values,
    is_random,
    near_miss_paths,
    unknown_value,
)
from pytest_bctrl.suite.report.results import RunResults
from pytest_bctrl.suite.run import ContractRun
from pytest_bctrl.suite.sending.requests import PlannedRequest, TargetExchange, plain
from pytest_bctrl.suite.sending.target import Target
from pytest_bctrl.suite.sending.transport_errors import NotCheckedError
from pytest_bctrl.traffic.mock import MockServer, change
from pytest_bctrl.traffic.mock.change import Fault
from pytest_bctrl.traffic.mock.parse import ServerLimits
from pytest_bctrl.traffic.retry import RetryPolicy
from tests.contract.documents import document
from tests.local_server import Handler, serving
from tests.run_probes import run_probes

CONTRACT = load()
LISTED = CONTRACT.operations[0]


NUMBERS = count(1_000)
"""Makes equal requests differ, which would otherwise share a response."""


def run_of(mock: MockServer, contract: Contract = CONTRACT) -> ContractRun:
    """Return a run of a contract on a mock, which may serve another contract."""
    values = {"space_id": mock.space_id}
    return ContractRun("mock", contract, "", Secret(mock.api_key), values, "error", 5, mock=mock)


@contextmanager
def target(mock: MockServer, contract: Contract = CONTRACT, **settings: Any) -> Iterator[Target]:
    """Yield a target for the mock, and close it at the end."""
    checked_target = Target(run_of(mock, contract), **settings)
    try:
        yield checked_target
    finally:
        checked_target.close()


def repeated_request_findings(api: Target) -> list[Finding]:
    """Return the findings of the probe that repeats the plain request."""
    (probe,) = plan(api.run, "test_conformance_is_kept")
    return list(chain.from_iterable(api.findings(probe)))


def plain_request(api: Target) -> PlannedRequest:
    """Return the plain request of the first operation with its first check."""
    return PlannedRequest(
        api.run.contract.operations[0], probes.check_first, plain(api.run, api.run.contract.operations[0])
    )


def send_again(api: Target, request: PlannedRequest) -> TargetExchange:
    """Send a request, even if an equal one was sent before, and return its exchange."""
    return api.sender.exchange(replace(request, number=next(NUMBERS)))


def rules_and_messages(findings: list[Finding]) -> set[tuple[str, str]]:
    """Return the rule and message of each finding."""
    return {(finding.rule, finding.message) for finding in findings}


def contract_of(schema: Any = True, security: str = "", **operation: Any) -> Contract:
    """Return a contract whose operation responds with the schema; with a name of HTTP `security`, it needs a key."""
    spec = document(schema, **operation)
    spec["paths"]["/v1/things/{id}"]["get"]["parameters"][0]["example"] = "1"
    if security:
        spec["security"] = [{"own": []}]
        spec["components"]["securitySchemes"] = {"own": {"type": "http", "scheme": security}}
    return from_document(spec, "things.json")


def test_a_single_503_with_retry_after_is_retried() -> None:
    """The repeated requests of a probe have no finding, and one more is sent."""
    mock = MockServer(CONTRACT)
    mock.fault("status", 503, retry_after=0, after=2, times=1)
    with target(mock, max_parallel=1) as api:
        assert [] == repeated_request_findings(api)
    # Two before it, itself and what it asked for, and then as many as there are usually.
    assert len(mock.requests) == 4 + probes.REPEATS - 1


def test_a_repeated_503_is_found() -> None:
    """`not_a_server_error` for every third response: `503, 2 times`."""
    mock = MockServer(CONTRACT)
    mock.fault("status", 503, retry_after=0, after=1, every=3)
    with target(mock) as api:
        findings = repeated_request_findings(api)
    again = [finding for finding in findings if finding.rule == "not_a_server_error"]
    assert "503, 2 times" == again[0].observed
    assert "the server is unavailable again and again" == again[0].message


def test_a_body_that_does_not_match_content_encoding_is_found() -> None:
    """`check_first` reports `complete_answer` for plain JSON named deflate."""
    mock = MockServer(CONTRACT)
    mock.fault(Fault("coded", change.headers({"Content-Encoding": "deflate"})))
    with target(mock) as api:
        findings = rules_and_messages(probes.check_first(api.plain_exchange(LISTED)))
    assert ("complete_answer", "the body is not in the coding that Content-Encoding names") in findings


def test_a_too_long_path_may_be_rejected() -> None:
    """The probe with a long path value has no finding if the server limits the target to 1,000 bytes."""
    (long,) = [value for value in ODD if value.name == "long"]
    with target(MockServer(CONTRACT, limits=ServerLimits(target_bytes=1000))) as api:
        (request,) = probes.path_value_requests(api.run, LISTED, long)
        assert [] == request.check(send_again(api, request))


def test_a_generated_request_may_be_rejected_with_a_documented_status() -> None:
    """`check_generated`: 404 has no finding, and 418 has one."""
    mock = MockServer(CONTRACT)
    with target(mock) as api:
        mock.fault("status", 404, times=1)
        refused = send_again(api, plain_request(api)).response
        mock.fault("status", 418, times=1)
        undocumented = send_again(api, plain_request(api)).response
    assert (404, []) == (refused.status, probes.check_generated(refused))
    assert {"status_code_conformance"} == {finding.rule for finding in probes.check_generated(undocumented)}


def test_a_probe_without_a_generated_case_is_not_checked() -> None:
    """A path parameter that no value fits: `NotCheckedError` says that no case is generated."""
    impossible = {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "not": {}}}
    contract = contract_of(parameters=[impossible])
    with target(MockServer(CONTRACT), contract) as api:
        (probe,) = plan(api.run, "test_generated_path_values_are_refused")
        with pytest.raises(NotCheckedError, match="it generates no positive case"):
            list(api.findings(probe))


def test_a_probe_without_a_response_does_not_stop_the_others() -> None:
    mock = MockServer(CONTRACT)
    mock.fault("reset", after=1)
    with target(mock, retry=RetryPolicy(attempts=1)) as api:
        findings = run_probes(api, only=LISTED)
    assert {"complete_answer"} == {finding.rule for finding in findings}
    assert len(mock.requests) > 1


def test_a_target_that_drops_idle_connections_causes_one_round_of_retries() -> None:
    """The server ends a connection at its second request: five requests are six, each of which counts."""
    paths: list[str] = []

    class Dropping(Handler):
        request_count = 0

        def do_GET(self) -> None:
            paths.append(self.path)
            self.request_count += 1
            self.close_connection = self.request_count > 1
            if not self.close_connection:
                self.respond(200, b"{}", {})

    with serving(Dropping) as url:
        mock = MockServer(CONTRACT)
        run = replace(run_of(mock), target="live", base_url=url, mock=None)
        api = Target(run)
        for _ in range(5):
            send_again(api, plain_request(api))
        assert 5 + 1 == len(paths) == api.sender.sent_count[LISTED.label]
        api.close()


def test_a_head_operation_is_requested_only_with_head() -> None:
    """All probes of an operation whose method is HEAD have no findings, and the mock received only HEAD."""
    spec = document()
    item = spec["paths"]["/v1/things/{id}"]
    item["get"]["parameters"][0]["example"] = "1"
    responses = {status: {"description": "x"} for status in ("200", "401", "404")}
    item["head"] = {**item["get"], "operationId": "look", "responses": responses, "security": [{"own": []}]}
    spec["components"]["securitySchemes"] = {"own": {"type": "http", "scheme": "bearer"}}
    contract = from_document(spec, "things.json")
    mock = MockServer(contract, is_exhaustive=True)
    with target(mock, contract) as api:
        assert [] == run_probes(api, only=contract.operation("look"))
    assert {"HEAD"} == {request.method for request in mock.requests}


def test_an_operation_with_unsupported_security_is_an_error() -> None:
    contract = contract_of(security="digest")
    mock = MockServer(contract)
    with pytest.raises(
        SettingError, match="the suite can test no operation of the contract: its security is not a bearer token"
    ):
        require_operations(ContractRun("mock", contract, "", Secret(mock.api_key), {}, "error", 5, mock=mock))


@pytest.mark.parametrize("schema", [{"type": "string", "pattern": "^(?=A)B$"}, {"type": "string", "enum": ["a"]}])
def test_unknown_value_returns_the_default_if_it_can_generate_none(schema: Mapping[str, Any]) -> None:
    """For a pattern that nothing matches, or an enum, whose values may all exist."""
    parameter = {"name": "id", "in": "path", "required": True, "schema": schema}
    contract = contract_of(parameters=[parameter])
    assert UNKNOWN.value == unknown_value(contract, contract.operations[0].path_parameters[0])


def test_near_miss_paths_are_built_from_real_string_values() -> None:
    """A changed last, an added, and a changed first character of `id`; the number `page` stays."""
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": kind}}
        for name, kind in (("id", "string"), ("page", "integer"))
    ]
    contract = contract_of(parameters=parameters)
    real = {"id": "a0c1d2e3f4a5b6c0", "page": "7"}
    almost = [{"id": text, "page": "7"} for text in ("a0c1d2e3f4a5b6c1", "a0c1d2e3f4a5b6c00", "00c1d2e3f4a5b6c0")]
    assert almost == near_miss_paths(contract, contract.operations[0], real)


@given(st.one_of(st.uuids().map(str), st.uuids(version=4).map(lambda value: value.hex)))
@example("11111111-1111-1111-1111-111111111111")
@example("5932b247056940699688867975502818")
@example("01ARZ3NDEKTSV4RRFFQ69G5FAV")
@example("V1StGXR8_Z5jdHi6B-myT")
def test_uuids_and_random_tokens_look_random(value: str) -> None:
    assert is_random(value)


@given(st.from_regex(r"[a-z]{0,12}-?(20[0-9]{2}-)?[0-9]{1,9}", fullmatch=True))
def test_numbered_ids_do_not_look_random(value: str) -> None:
    assert not is_random(value)


@pytest.mark.parametrize(
    "value", ["", "12", "alice", "release-notes-of-spring", "20261128120000000", "invoice-2026-00012"]
)
def test_near_misses_of_ids_that_may_have_neighbours_are_not_sent(value: str) -> None:
    """`near_miss_paths` is empty for short, numbered and worded ids."""
    contract = contract_of(parameters=[{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}])
    assert [] == near_miss_paths(contract, contract.operations[0], {"id": value})


def test_a_value_that_serializes_to_nothing_is_not_sent() -> None:
    """`allowed_values` omits an empty list, which adds no pair to the query."""
    tags = {"name": "tag", "in": "query", "schema": {"enum": [[], ["a"]]}}
    identity = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
    contract = contract_of(parameters=[identity, tags])
    assert ["tag=a"] == [variation.name for variation in allowed_values(contract, contract.operations[0], {})]


def contract_beyond_the_budget() -> Contract:
    """Return a contract with more possible requests than allowed, and a cursor that only the server knows."""
    listed = [{"name": f"p{number}", "in": "query", "schema": {"enum": [*"abcdef"]}} for number in range(9)]
    cursor = {"name": "cursor", "in": "query", "schema": {"type": "string"}}
    identity = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
    content = {"application/json": {"schema": {"type": "object"}}}
    responses = {status: {"description": "x", "content": content} for status in ("200", "400", "401", "404")}
    return contract_of(security="bearer", parameters=[identity, cursor, *listed], responses=responses)


def test_no_operation_gets_more_than_40_requests() -> None:
    """Omitted values are counted and reported; after 40 requests, a further one raises `NotCheckedError`."""
    contract = contract_beyond_the_budget()
    mock = MockServer(contract)
    run = replace(run_of(mock, contract), max_examples=20)
    api = Target(run)
    run_probes(api)
    names = [probe.name for probe in plan(run) if "generated" not in probe.name]
    assert 36 < len(mock.requests) <= 40
    assert any("p0=a" in name for name in names)
    assert omitted_request_count(run, contract.operations[0]) > 40
    assert any(
        "values of its parameters, since a run sends at most 40 requests" in line
        for line in RunResults(run).not_checked()
    )
    assert 0 == omitted_request_count(replace(run, contract=CONTRACT), LISTED)
    api.sender.sent_count[contract.operations[0].label] = 40
    with pytest.raises(NotCheckedError, match="a run sends at most 40 requests per operation"):
        send_again(api, plain_request(api))
    api.close()


def test_a_rejected_generated_cursor_is_info() -> None:
    """The mock rejects a generated cursor with 400, and the message suggests `bctrl_values`."""
    contract = contract_beyond_the_budget()
    mock = MockServer(contract)
    mock.fault("status", 400)
    with target(mock, contract) as api:
        trial = next(iter(allowed_values(contract, contract.operations[0], {})))
        (request,) = probes.allowed_value_requests(api.run, contract.operations[0], trial)
        findings = request.check(send_again(api, request))
    assert ["info"] == [finding.level for finding in findings]
    assert "set one with bctrl_values" in findings[0].message


NARROW = contract_of({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]})
WIDE = contract_of({"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]})
