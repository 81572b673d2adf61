"""An operation that never ends its response costs its own checks, and not those of the others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from typing import Any

from pytest_bctrl.contract.read import from_document
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.secrets.secret import Secret
from pytest_bctrl.suite.plan.parameter_values import UNKNOWN
from pytest_bctrl.suite.run import ContractRun
from pytest_bctrl.suite.sending.sender import MAX_HANGING_OPERATIONS
from pytest_bctrl.suite.sending.target import Target
from tests.local_server import Handler, serving
from tests.run_probes import run_probes

OBJECT = {"description": "", "content": {"application/json": {"schema": {"type": "object"}}}}
SECONDS = 0.2
"""The time-out of a request, of which an operation that hangs gets several."""


@contextmanager
def serve(hanging: set[str], requested: list[str]) -> Iterator[str]:
    """Serve `{}` for each path, of which those in `hanging` never send it; append the paths of the requests."""
    is_over = Event()

    class Events(Handler):
        def do_GET(self) -> None:
            requested.append(self.path)
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", "2")
            self.end_headers()
            if self.path in hanging:
                is_over.wait(30)
            self.wfile.write(b"{}")

        do_HEAD = do_GET

    with serving(Events) as url:
        try:
            yield url
        finally:
            is_over.set()


def run(paths: list[str], hanging: set[str]) -> tuple[list[Finding], list[str]]:
    """Run the suite on an operation per path; return the findings and the paths of the requests."""
    return run_operations({path: {"get": {"responses": {"200": OBJECT}}} for path in paths}, hanging)


def run_operations(operations: dict[str, Any], hanging: set[str]) -> tuple[list[Finding], list[str]]:
    """Run the suite on the operations of a contract; return the findings and the paths of the requests."""
    document = {"openapi": "3.1.0", "info": {"title": "Events", "version": "1"}, "paths": operations}
    contract = from_document(document, "events.json")
    requested: list[str] = []
    with serve(hanging, requested) as url:
        contract_run = ContractRun("live", contract, url, Secret("pk_of_this_test_0123456789"), {}, "error", 5)
        target = Target(contract_run, timeout=SECONDS, max_lost_seconds=2 * SECONDS)
        findings = run_probes(target)
        target.close()
    return findings, requested


def test_an_operation_that_hangs_is_one_finding_and_the_others_are_checked() -> None:
    """The hanging operation gets at most eight requests."""
    findings, requested = run(["/events", "/things"], {"/events"})

    assert {"GET /events"} == {finding.operation for finding in findings if finding.rule == "complete_answer"}
    assert 1 <= requested.count("/events") <= 8
    assert requested.count("/things") > 3


def test_a_target_whose_operations_all_hang_stops_the_run() -> None:
    """The finding says so, and some operations get no request."""
    paths = [f"/events/{number}" for number in range(2 * MAX_HANGING_OPERATIONS + 2)]

    findings, requested = run(["/things", *paths], {*paths})

    assert any("the target hangs again and again" in finding.message for finding in findings)
    assert len({path for path in requested if path in paths}) < len(paths)


def test_an_unknown_id_that_hangs_does_not_stop_the_checks_of_the_only_operation_with_values() -> None:
    """A finding names the hanging operation; later requests check the other."""
    limit = {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1}}
    item = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
    operations = {
        "/things": {"get": {"responses": {"200": OBJECT}, "parameters": [limit]}},
        "/events/{id}": {"get": {"responses": {"200": OBJECT}, "parameters": [item]}},
    }
    unknown = f"/events/{UNKNOWN.value}"

    findings, requested = run_operations(operations, {unknown})

    assert ["GET /events/{id}"] == [finding.operation for finding in findings if finding.rule == "complete_answer"]
    last = len(requested) - requested[::-1].index(unknown)
    assert any(path.startswith("/things") for path in requested[last:])
