"""A client receives a changed response as if a server had sent it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.exchanges.catalogue import ORDERS_CONTRACT, STORED
from tests.impact.watched.suites import CLIENTS, MOCK_LIBRARIES, RESPONDERS, Suite, installed

JSON = "application/json"


def _case(data: Any, status: int = 200, coding: str = "") -> dict[str, Any]:
    """Return a response for the suites: its status, header fields and JSON text."""
    headers = {"Content-Encoding": coding} if coding else {}
    text = json.dumps(data, separators=(",", ":"))
    return {"status": status, "headers": {"Content-Type": JSON, **headers}, "text": text}


ORIGINAL = {"plain": _case([STORED]), "gzip": _case([STORED], coding="gzip")}
_CHANGED_SIZE = [{**STORED, "size": "xl"}]
CHANGED = {
    "plain": _case(_CHANGED_SIZE),
    "gzip": _case(_CHANGED_SIZE, coding="gzip"),
    "rejected": _case({}, 404),
}


def changed_contract() -> str:
    """Return the contract with a new value of the enum of sizes and a required parameter."""
    document = json.loads(json.dumps(ORDERS_CONTRACT.source))
    operation = document["paths"]["/orders"]["get"]
    operation["responses"]["200"]["content"][JSON]["schema"]["items"]["properties"]["size"]["enum"].append("xl")
    operation["parameters"].append({"name": "tenant", "in": "query", "required": True, "schema": {"type": "string"}})
    return json.dumps(document)


def _run(
    pytester: pytest.Pytester, suites: list[Suite], cases: dict[str, Any], *arguments: str
) -> dict[str, list[Any]]:
    """Run suites with these cases, and return what each has written about its responses, by name."""
    pytester.path.joinpath("cases.json").write_text(json.dumps(cases), "utf-8")
    options = ("-p", "no:randomly", "-p", "no:cacheprovider", "-p", "no:asyncio", "-q")
    pytester.runpytest_subprocess(*options, *arguments).assert_outcomes(passed=len(cases) * len(suites))
    described = {}
    for suite in suites:
        path = pytester.path / f"test_{suite.name}.seen"
        described[suite.name] = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        path.unlink()
    return described


_NO_RESPONDER = pytest.mark.skipif(not installed(RESPONDERS), reason="needs a mock library: tox -e watch")


@pytest.mark.parametrize(
    "suites",
    [
        pytest.param(installed(CLIENTS), id="clients"),
        pytest.param(installed(MOCK_LIBRARIES), id="mock_library", marks=_NO_RESPONDER),
    ],
)
def test_a_client_receives_a_changed_response_as_a_server_sends_it(
    pytester: pytest.Pytester, suites: list[Suite]
) -> None:
    """What each HTTP library shows of a response that the watch changed equals that of a server."""
    pytester.path.joinpath("orders.json").write_text(json.dumps(ORDERS_CONTRACT.source), "utf-8")
    pytester.path.joinpath("changed.json").write_text(changed_contract(), "utf-8")
    # A slow machine is no reason to leave a test out.
    pytester.makeconftest("from pytest_bctrl.impact import rerun\n\nrerun._MIN_SECONDS = 300.0")
    for suite in suites:
        pytester.path.joinpath(f"test_{suite.name}.py").write_text(suite.text, "utf-8")
    expected = _run(pytester, suites, CHANGED)

    options = ("--bctrl-watch", "--bctrl-contract=orders.json", "--bctrl-impact=changed.json")
    actual = _run(pytester, suites, ORIGINAL, *options, "--bctrl-impact-budget=600")

    missing = {
        name: [description for description in descriptions if description not in actual[name]]
        for name, descriptions in expected.items()
    }
    assert missing == {name: [] for name in expected}
