"""How an impact run treats the exchanges that the watch observes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Protocol

import aiohttp  # noqa: F401 - its C extension keeps the classes of its first import
import pytest

from tests.watch.cases import CONTRACT
from tests.watch.conftest import OPTIONS, ORDERS

Changed = Callable[[Any], None]
LABELS = 'LABELS = {"s": "small", "m": "medium"}'


def new_size(operation: Any) -> None:
    """Add a size to the orders of a list."""
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    schema["items"]["properties"]["size"]["enum"].append("xl")


def required_parameter(operation: Any) -> None:
    """Require a new parameter."""
    operation["parameters"].append({"name": "tenant", "in": "query", "required": True, "schema": {"type": "string"}})


class Impact(Protocol):
    """Runs tests with a change of the list of orders, and returns the result."""

    def __call__(self, tests: str, *arguments: str, change: Changed = ..., is_watching: bool = ...) -> pytest.RunResult:
        """Write a test file, and run pytest."""
        ...


@pytest.fixture
def impact(pytester: pytest.Pytester) -> Impact:
    """Return a function that runs tests, which may import `orders`, under `--bctrl-impact` with the watch."""
    pytester.path.joinpath("orders.json").write_text(json.dumps(CONTRACT.source), "utf-8")
    pytester.path.joinpath("orders.py").write_text(ORDERS, "utf-8")
    pytester.syspathinsert()

    def run(tests: str, *arguments: str, change: Changed = new_size, is_watching: bool = True) -> pytest.RunResult:
        document = json.loads(json.dumps(CONTRACT.source))
        change(document["paths"]["/orders"]["get"])
        pytester.path.joinpath("changed.json").write_text(json.dumps(document), "utf-8")
        pytester.makepyfile(test_orders=f"from orders import *\nimport pytest\n\n{LABELS}\n{tests}")
        options: tuple[str, ...] = ("--bctrl-impact=changed.json", "--bctrl-report=impact.json", *OPTIONS)
        if is_watching:
            options = ("--bctrl-watch", *options)
        return pytester.runpytest(*options, *arguments)

    return run


def outcomes(pytester: pytest.Pytester, location: str = "[*].size") -> tuple[str, str]:
    """Return the verdict and the reason for the change at a location."""
    report = json.loads(pytester.path.joinpath("impact.json").read_text("utf-8"))
    [finding] = [finding for finding in report["findings"] if finding["location"] == location]
    return finding["impact"]["verdict"], finding["impact"]["why"]


CARELESS = "def test_label(): assert LABELS[list_orders().json()[0]['size']]\n"
TOLERANT = "def test_label(): assert LABELS.get(list_orders().json()[0]['size'], 'any')\n"


@pytest.mark.parametrize(
    ("tests", "verdict"),
    [
        pytest.param(CARELESS, "fails", id="a test that fails"),
        pytest.param(TOLERANT, "passes", id="a test that passes"),
        pytest.param("def test_id(): assert list_orders().json()[0]['id'] == 7", "not covered", id="another location"),
        pytest.param(
            "def test_size():\n    if list_orders().json()[0]['size'] == 'xl': pytest.skip('new')",
            "skipped",
            id="a test that skips itself",
        ),
    ],
)
def test_a_test_with_a_mock_of_its_own_has_an_outcome(
    pytester: pytest.Pytester, impact: Impact, tests: str, verdict: str
) -> None:
    result = impact(tests)

    assert outcomes(pytester)[0] == verdict
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["ran          1 test that uses the API against 1 change: *"])
    assert result.ret == (pytest.ExitCode.TESTS_FAILED if verdict == "fails" else pytest.ExitCode.OK)


def test_without_the_watch_the_reason_names_it(pytester: pytest.Pytester, impact: Impact) -> None:
    result = impact(CARELESS, is_watching=False)

    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["bctrl: no test uses the mock or a recording (*; --bctrl-watch applies the changes *"])


def test_a_run_without_requests_to_the_api_measures_nothing(impact: Impact) -> None:
    result = impact("def test_other(): assert list_orders(url='https://orders.example/other').status_code == 200")

    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["bctrl: no test sent a request to an operation of the contract: no change was run"])


_OTHER_HOST = """
class Transport(httpx.BaseTransport):
    def handle_request(self, request):
        return httpx.Response(200, json=[STORED])

def test_label():
    with httpx.Client(transport=Transport()) as client:
        assert LABELS[client.get("https://other.example/orders").json()[0]["size"]]
"""


@pytest.mark.parametrize(
    ("hosts", "status"), [("other.example", pytest.ExitCode.TESTS_FAILED), ("", pytest.ExitCode.INTERRUPTED)]
)
def test_only_responses_of_watched_hosts_are_changed(impact: Impact, hosts: str, status: int) -> None:
    result = impact(_OTHER_HOST, "-o", f"bctrl_watch_hosts={hosts}")

    assert result.ret == status


def test_workers_yield_the_same_outcomes(pytester: pytest.Pytester, impact: Impact) -> None:
    impact(CARELESS, "-n", "2")

    assert outcomes(pytester)[0] == "fails"


def test_tests_of_invalid_responses_are_excluded(pytester: pytest.Pytester, impact: Impact) -> None:
    result = impact(f"@pytest.mark.bctrl_watch(conforming=False)\n{CARELESS}\n{TOLERANT.replace('label', 'other')}")

    assert outcomes(pytester)[0] == "passes"
    result.stdout.fnmatch_lines(["note         1 test excluded (bctrl_impact, bctrl_impact_skip, bctrl_watch)"])


def test_a_run_of_excluded_tests_measures_nothing(impact: Impact) -> None:
    result = impact(f"@pytest.mark.bctrl_watch(conforming=False)\n{CARELESS}")

    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["bctrl: every test that uses the API is excluded (*bctrl_watch): no change was run"])


def test_a_wrong_host_is_an_error(impact: Impact) -> None:
    result = impact(CARELESS, "-o", "bctrl_watch_hosts=https://a")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*'https://a' is not a host*"])


def test_the_exchanges_of_shared_fixtures_are_changed(pytester: pytest.Pytester, impact: Impact) -> None:
    fixture = "@pytest.fixture(scope='module')\ndef orders(): return list_orders().json()\n"

    impact(f"{fixture}def test_label(orders): assert LABELS[orders[0]['size']]")

    assert outcomes(pytester)[0] == "fails"


def test_a_rejected_request_gets_the_error_of_the_changed_api(pytester: pytest.Pytester, impact: Impact) -> None:
    impact("def test_list(): assert list_orders().status_code == 200", change=required_parameter)

    assert outcomes(pytester, "query tenant")[0] == "fails"


def test_a_request_that_is_still_valid_passes(pytester: pytest.Pytester, impact: Impact) -> None:
    tests = "def test_list(): assert list_orders(params={'tenant': 'a'}).status_code == 200"

    impact(tests, change=required_parameter)

    assert outcomes(pytester, "query tenant") == ("passes", "")
