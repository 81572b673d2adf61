"""Three consumers get different verdicts on the same ten changes, and each verdict is true on a changed server."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.impact.drifts import DRIFTS, ChangedServer, changed_spec

_CONSUMERS = Path(__file__).parent / "consumers"
_REAL = """
import os, httpx, pytest

@pytest.fixture
def bctrl_client():
    # To read the certificates takes longer than all requests of a test.
    with httpx.Client(base_url=os.environ["CHANGED"], verify=False) as client:
        yield client
"""


@pytest.fixture
def consumers(pytester: pytest.Pytester) -> pytest.Pytester:
    """Return a project with the tests of the three consumers and the changed spec."""
    for path in sorted(_CONSUMERS.glob("*.py")):
        (pytester.path / f"test_{path.name}").write_bytes(path.read_bytes())
    (pytester.path / "changed.json").write_text(changed_spec(DRIFTS), "utf-8")
    return pytester


@pytest.fixture
def changed_server() -> Iterator[ChangedServer]:
    """Yield a running server with the changes, each under a path of its own."""
    server = ChangedServer()
    thread = threading.Thread(target=server.server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.server.shutdown()
    thread.join()
    server.server.server_close()


def _claims(project: pytest.Pytester, *arguments: str) -> dict[str, Any]:
    """Return the `impact` of each change in the report of a run, by rule and location."""
    result = project.runpytest(
        "--bctrl-impact=changed.json", "--bctrl-report=impact.json", "-p", "no:randomly", *arguments
    )
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    report = json.loads((project.path / "impact.json").read_text("utf-8"))
    return {f"{finding['rule']} {finding['location']}": finding["impact"] for finding in report["findings"]}


_LOCATIONS = (
    "runtimes[*].status",
    "runtimes[*].region",
    "runtimes[*].name",
    "runtimes[*].createdAt",
    "runtimes[*].backing",
    "runtimes[*].labels",
    "runtimes[*].capabilities[*]",
    "200 application/json",
    "query tenant",
    "runtimes[*].id",
)
"""The location at which the gate reports each of the ten changes."""


def test_each_verdict_matches_a_run_against_a_changed_server(
    consumers: pytest.Pytester, changed_server: ChangedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tests that an impact run says will fail are those that fail against a server with the change."""
    claims = _claims(consumers)
    (consumers.path / "conftest.py").write_text(_REAL, "utf-8")

    compared = 0
    for number in range(len(DRIFTS) + 1):
        monkeypatch.setenv("CHANGED", f"{changed_server.url}/{number}")
        record = consumers.inline_run("-q", "-p", "no:randomly")
        reports = [report for report in record.getreports("pytest_runtest_logreport") if report.when != "teardown"]
        failed = {report.nodeid for report in reports if report.failed}
        if number == len(DRIFTS):
            assert not failed
            continue
        drift = DRIFTS[number]
        claim = claims[f"{drift.rule} {_LOCATIONS[number]}"]
        assert {test["test"] for test in claim["tests"]} == failed, drift.name
        compared += len({report.nodeid for report in reports})
    assert compared == 210


@pytest.mark.parametrize(
    ("consumer", "failing", "not_covered"),
    [
        ("careless", {0, 1, 2, 3, 4, 5, 6, 7, 8}, set()),
        ("tolerant", {8}, {4, 5, 6}),
        ("two_fields", {2, 8}, {0, 1, 3, 4, 5, 6}),
    ],
)
def test_each_consumer_gets_its_own_verdicts(
    consumers: pytest.Pytester, consumer: str, failing: set[int], not_covered: set[int]
) -> None:
    """The numbers of the changes that fail its tests, and of those that none of its tests covers."""
    claims = _claims(consumers, f"test_{consumer}.py")

    verdicts = [
        claims[f"{drift.rule} {location}"]["verdict"] for drift, location in zip(DRIFTS, _LOCATIONS, strict=True)
    ]
    assert {number for number, verdict in enumerate(verdicts) if verdict == "fails"} == failing
    assert {number for number, verdict in enumerate(verdicts) if verdict == "not covered"} == not_covered
    assert claims["impact-together "]["verdict"] == "fails"
