"""The header of a live run announces its requests; `bctrl_probes = contract` omits those that violate the contract."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

import pytest

from pytest_bctrl.secrets.secret import Secret
from pytest_bctrl.suite.plan.catalogue import planned_requests
from pytest_bctrl.suite.run import ContractRun
from tests.suite.conftest import LiveRun
from tests.suite.test_probes import contract_of
from tests.variants import Server, named, serve
from tests.variants.request import Request
from tests.variants.runtimes import API_KEY, SPACE_ID

HEADER = re.compile(r"^bctrl: sends (\d+) requests: (.*)$")
ONLY_CONTRACT = "-o", "bctrl_probes=contract"


def kinds_of(requests: Iterable[Request]) -> Counter[str]:
    """Return the number of requests by kind, as their server distinguishes them."""
    kinds = Counter[str]()
    for request in requests:
        if request.authorization != ("bearer", API_KEY):
            kinds["with an invalid credential"] += 1
        else:
            kinds["plain" if request.space == SPACE_ID else "with unusual ids"] += 1
    return kinds


def header_of(result: pytest.RunResult) -> str:
    """Return the line of the output that announces the requests, of which there is one."""
    (line,) = [line for line in result.outlines if HEADER.match(line)]
    return line


def kinds_text(server: Server) -> str:
    """Return the requests that a server received as the header lists them: number and kind."""
    kinds = kinds_of(server.log)
    return ", ".join(f"{count} {kind}" for kind, count in kinds.items())


def test_the_header_lists_the_number_of_requests_by_kind(live: LiveRun) -> None:
    """Total and kinds equal those of the requests that the server received, at most 40."""
    with serve(named("plain")) as server:
        header = HEADER.match(header_of(live(server, "bctrl")))
        assert header is not None
        assert (str(len(server.log)), kinds_text(server)) == header.groups()
        assert len(server.log) <= 40


def test_the_header_gives_a_maximum_if_tests_may_be_deselected(live: LiveRun) -> None:
    """With `-k test_invariant`, a single request is sent and the header says `sends up to N requests`."""
    with serve(named("plain")) as server:
        result = live(server, "bctrl", "-k", "test_invariant")
        assert 1 == len(server.log)
    result.stdout.fnmatch_lines(["bctrl: sends up to * requests: *"])


def test_bctrl_probes_contract_sends_only_conforming_requests(live: LiveRun) -> None:
    """With `bctrl_probes=contract`, the header has the number of requests that the server received, all plain GETs."""
    with serve(named("plain")) as server:
        result = live(server, "bctrl", *ONLY_CONTRACT)
        assert {"plain": len(server.log)} == kinds_of(server.log)
        assert header_of(result).startswith(
            f"bctrl: sends {len(server.log)} requests: {kinds_text(server)} (bctrl_probes"
        )
        assert {"GET"} == {request.method for request in server.log}
    result.assert_outcomes(passed=14)


def test_a_schema_fault_fails_the_test_of_each_engine_although_all_requests_conform(live: LiveRun) -> None:
    """`bctrl_probes=contract`: the tests of the kit, of jsonschema and of Schemathesis fail for a missing property."""
    with serve(named("name-missing")) as server:
        result = live(server, "bctrl", "-v", *ONLY_CONTRACT)
    failed = {line.partition("[")[0] for line in result.outlines if " FAILED" in line}
    assert failed >= {"bctrl::test_answer_conforms", "bctrl::test_jsonschema", "bctrl::test_schemathesis"}


def test_an_unknown_value_of_bctrl_probes_is_a_usage_error(live: LiveRun) -> None:
    with serve(named("plain")) as server:
        result = live(server, "-o", "bctrl_probes=some")
    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stderr.fnmatch_lines(
        ["ERROR: bctrl: bctrl_probes (ini): unknown kind of probes 'some' (choose one of: derived, all, contract)"]
    )


def test_the_header_lists_no_requests_for_the_mock(pytester: pytest.Pytester) -> None:
    """The line "bctrl: sends", which announces requests to a live target, is missing."""
    result = pytester.runpytest("--bctrl-mock", "--collect-only")
    result.stdout.no_fnmatch_line("*bctrl: sends*")


def test_planned_requests_include_invalid_values_and_are_limited() -> None:
    """For a paged list with numeric parameters and a documented 400; the total is at most `most_requests`."""
    contract = contract_of(
        {"type": "object", "properties": {"items": {"type": "array", "items": {"properties": {"id": {}}}}}},
        parameters=[
            {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}, "example": "1"},
            {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1}},
            {"name": "page", "in": "query", "schema": {"type": "integer", "minimum": 1}},
        ],
        responses={
            "200": {"description": "x", "content": {"application/json": {"schema": {"type": "object"}}}},
            "400": {"description": "x"},
        },
    )
    run = ContractRun("live", contract, "http://localhost", Secret("key_0123456789abcdef"))
    kinds = planned_requests(run, run.operations)
    assert kinds["with values that are not allowed"] > 0
    assert kinds.total() <= run.most_requests
