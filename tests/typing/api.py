"""The public API as a type checker sees it; `tox -e types` runs mypy and pyright on it. Nothing here runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, assert_type

import httpx
import pytest
from hypothesis import given
from hypothesis.strategies import SearchStrategy

import pytest_bctrl
from pytest_bctrl import (
    Check,
    Contract,
    CustomFault,
    CustomScenario,
    FailOn,
    FaultInPlay,
    Finding,
    JournalEntry,
    MockResponse,
    MockServer,
    Operation,
    Problem,
    RecordedTest,
    RequestContext,
    Response,
    Samples,
    Secret,
    assert_conforms,
    check,
    contract_check,
    load_contract,
    mock_fault,
    mock_scenario,
)
from pytest_bctrl.drift import check_upstream, compare
from pytest_bctrl.samples import response, runtime, runtimes
from pytest_bctrl.strategies import Nonconforming, nonconforming, responses

assert_type(pytest_bctrl.__version__, str)


def responses_are_checked(http_response: httpx.Response, contract: Contract) -> None:
    """Types of `check` and `assert_conforms`, and two type errors."""
    assert_type(check(http_response), list[Finding])
    assert_type(check(b"{}", contract=contract, operation="id", checks=[long_names]), list[Finding])
    assert_conforms(http_response, fail_on="warning")
    assert_conforms(http_response, fail_on="fatal")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    fail_on: FailOn = "warning"
    assert_conforms(http_response, fail_on=fail_on)
    pytest_bctrl.chek(http_response)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    for finding in check(http_response):
        assert_type(finding.rule, str)
        assert_type(finding.as_dict(), dict[str, Any])


@contract_check("long_names", level="warning", operations=["runtimes-list"])
def long_names(checked: Response) -> Iterator[Problem]:
    for path, name in checked.select("runtimes[*].name"):
        yield Problem("a name is too long", path, expected=3, observed=name)


@contract_check("no_names")
def no_names(checked: Response) -> list[Problem]:
    return [Problem("no body", place="body")] if not checked.body else []


@contract_check("numbers")  # type: ignore[arg-type]
def numbers(checked: Response) -> list[int]:  # pyright: ignore[reportArgumentType]
    return [1]


@mock_scenario("night")
def night(samples: Samples, count: int = 3) -> Any:
    return samples.with_items(samples.items(samples.generated(count)))


@mock_fault("teapot", check="status_code_conformance", level="error")
def teapot(context: RequestContext, status: int = 418) -> MockResponse:
    return replace(context.response, status=status)


def pytest_bctrl_checks() -> list[Check]:
    return [assert_type(long_names, Check), no_names]


def pytest_bctrl_scenarios() -> list[CustomScenario]:
    return [assert_type(night, CustomScenario)]


def pytest_bctrl_faults() -> list[CustomFault]:
    return [assert_type(teapot, CustomFault)]


def test_fixtures(
    bctrl_client: httpx.Client,
    bctrl_async_client: httpx.AsyncClient,
    bctrl_mock: MockServer,
    bctrl_contract: Contract,
    bctrl_recording: RecordedTest,
    bctrl_runtimes: list[dict[str, Any]],
    bctrl_api_key: Secret,
    bctrl_space_id: str,
) -> None:
    """Types of fixtures and of their methods, which mypy and pyright check."""
    assert_type(bctrl_mock.url, str)
    assert_type(bctrl_mock.scenario("many", count=3), MockServer)
    assert_type(bctrl_mock.update("x", status="failed").sequence([], bctrl_mock.step(503, seconds=1)), MockServer)
    with bctrl_mock.fault("status", 503, times=2) as fault:
        assert_type(fault, FaultInPlay)
        assert_type(fault.count, int)
    assert_type(bctrl_mock.runtimes, list[dict[str, Any]])
    assert_type(bctrl_mock.requests[0], JournalEntry)
    assert_type(bctrl_contract.operations, tuple[Operation, ...])
    assert_type(bctrl_api_key, Secret)
    assert_type(bctrl_mock.api_key, str)
    assert_type(load_contract("contract.yaml"), Contract)
    assert_type(bctrl_recording.url, str)


@given(body=responses(max_size=3), case=nonconforming())
def test_strategies(body: Any, case: Nonconforming) -> None:
    """Types of a drawn case and of `nonconforming()`, which mypy and pyright check."""
    assert_type(case.rule, str)
    assert_type(nonconforming(), SearchStrategy[Nonconforming])


def samples() -> None:
    """Types of the functions that return samples."""
    assert_type(runtime(status="failed"), dict[str, Any])
    assert_type(runtimes(3), list[dict[str, Any]])
    assert_type(response(), dict[str, Any])


def drift() -> None:
    """The functions of `pytest_bctrl.drift` can be called."""
    assert callable(compare)
    assert callable(check_upstream)


@pytest.mark.bctrl_scenario("many", count=3)
def test_marked(bctrl_client: httpx.Client) -> None:
    """The type of a response in a test with a marker, which mypy and pyright check."""
    assert_type(bctrl_client.get("/"), httpx.Response)
