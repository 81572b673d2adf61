"""Custom scenarios and faults, in pytest and on the command line."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_bctrl.contract.read import load
from pytest_bctrl.errors import SettingError
from pytest_bctrl.http.message import MockResponse, Payload
from pytest_bctrl.samples import Samples
from pytest_bctrl.traffic.mock import MockServer
from pytest_bctrl.traffic.mock.change import RequestContext
from pytest_bctrl.traffic.mock.custom import mock_fault, mock_scenario
from tests.mock.asking import listed
from tests.mock.mock_command import MockCommand

CONFTEST = """
from dataclasses import replace

from pytest_bctrl import mock_fault, mock_scenario


@mock_scenario("night")
def night(samples, count=2):
    \"\"\"Every runtime is stopped.\"\"\"
    items = samples.items(samples.generated(count))
    return samples.with_items([{**item, "status": "stopped"} for item in items])


@mock_fault("teapot", check="status_code_conformance")
def teapot(context, status=418):
    \"\"\"Answer as a teapot does.\"\"\"
    return replace(context.response, status=status)


@mock_fault("broken")
def broken(context):
    raise LookupError("nothing here")


def pytest_bctrl_scenarios():
    return [night]


def pytest_bctrl_faults():
    return [teapot, broken]
"""
TESTS = """
import pytest


@pytest.fixture
def listed(bctrl_client, bctrl_space_id):
    return lambda: bctrl_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes")


@pytest.mark.bctrl_scenario("night", count=4)
def test_by_marker(listed):
    assert ["stopped"] * 4 == [item["status"] for item in listed().json()["runtimes"]]


def test_by_call(listed, bctrl_mock):
    bctrl_mock.scenario("night(count=1)")
    assert {bctrl_mock.space_id} == {item["spaceId"] for item in listed().json()["runtimes"]}


def test_a_fault(listed, bctrl_mock):
    fault = bctrl_mock.fault("teapot", times=1)
    assert [418, 200] == [listed().status_code, listed().status_code]
    assert 1 == fault.count
    bctrl_mock.fault("teapot", 420)
    assert 420 == listed().status_code


def test_a_broken_fault_is_a_500_with_its_name(listed, bctrl_mock):
    bctrl_mock.fault("broken")
    response = listed()
    assert 500 == response.status_code
    assert "fault broken (" in response.text and "it raised LookupError: nothing here" in response.text
"""


@pytest.mark.parametrize(
    "response",
    [
        MockResponse("200"),  # type: ignore[arg-type]
        MockResponse(200, (("X-Count", 1),)),  # type: ignore[arg-type]
        MockResponse(200, ("X-Count",)),  # type: ignore[arg-type]
        MockResponse(200, payload=b"{}"),  # type: ignore[arg-type]
        MockResponse(200, payload=Payload("{}")),  # type: ignore[arg-type]
        MockResponse(200, delay="1"),  # type: ignore[arg-type]
        MockResponse(200, delay=-1),
        MockResponse(200, ending="never"),  # type: ignore[arg-type]
    ],
)
def test_a_fault_with_an_invalid_response_is_reported(response: MockResponse) -> None:
    """The mock responds with 500 and the reason, and then with 200."""
    fault = mock_fault("odd")(lambda _context: response)
    with MockServer(load()).extend(faults=[fault]) as mock:
        mock.fault("odd", times=1)
        assert [500, 200] == [(first := listed(mock)).status, listed(mock).status]
        assert b"the response that it returned cannot be sent" in first.body


def with_fields(context: RequestContext, **fields: str) -> MockResponse:
    """Return the response with further header fields."""
    return replace(context.response, headers=(*context.response.headers, *fields.items()))


def test_the_signature_of_a_fault_that_takes_any_names_has_an_ellipsis() -> None:
    """The fault is used with a name of the caller's own; an argument without a name raises `SettingError`."""
    with MockServer(load()).extend(faults=[mock_fault("fields")(with_fields)]) as mock:
        mock.fault("fields", times=1, Shop="north")
        assert "north" == listed(mock).headers["shop"]
        with pytest.raises(SettingError, match=re.escape("it takes fields(…)")):
            mock.fault("fields", "north")


class Exhausted:
    """A function without a line of its own: an object that can be called."""

    def __call__(self, context: RequestContext) -> MockResponse:
        """Raise an error."""
        raise LookupError("nothing left")


def test_a_fault_that_is_an_object_is_reported_with_its_name() -> None:
    """The error of a fault without a file and line names the fault only."""
    with MockServer(load()).extend(faults=[mock_fault("exhausted")(Exhausted())]) as mock:
        mock.fault("exhausted", times=1)
        response = listed(mock)
    assert 500 == response.status
    assert b"fault exhausted: it raised LookupError: nothing left" in response.body


def test_custom_scenarios_and_faults_are_used_like_built_in_ones(pytester: pytest.Pytester) -> None:
    """Four tests of a project whose conftest.py declares them pass."""
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(TESTS)

    pytester.runpytest().assert_outcomes(passed=4)


def test_the_mock_command_supports_custom_scenarios_and_faults(
    tmp_path: Path, python: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ours.py").write_text(CONFTEST)
    monkeypatch.chdir(tmp_path)
    with MockCommand(python, tmp_path).running(
        "--plugin", "ours", "--scenario", "night(count=3)", "--fault", "teapot(times=1)"
    ) as mock:
        (first, _), (second, listing) = mock.ask(), mock.ask()
    assert [418, 200, 3] == [first, second, len(listing["runtimes"])]


def test_a_scenario_that_returns_none_changes_nothing() -> None:
    with MockServer(load()).extend([mock_scenario("as_ever")(lambda samples: None)]) as mock:
        usual = mock.runtimes
        assert usual == mock.scenario("as_ever").runtimes


def test_an_error_raised_by_a_scenario_is_not_replaced() -> None:
    """The `SettingError` of the custom scenario reaches the caller of `mock.scenario`."""

    def strict(samples: Samples) -> object:
        raise SettingError("there is no such branch", where="BRANCH", hint="name one that there is")

    mock = MockServer(load()).extend([mock_scenario("strict")(strict)])
    with pytest.raises(SettingError, match="no such branch"):
        mock.scenario("strict")
