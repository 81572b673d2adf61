"""One request is sent as the samples on the published page send it: a GET with a JSON body."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.suite.conftest import LiveRun
from tests.variants import named, serve
from tests.variants.reply import Reply
from tests.variants.service import Service, Visit
from tests.variants.variant import faulty

REFUSED = Service().problem(400, "request.body", "A GET has no body.")


def rejecting_bodies(reply: Reply) -> Service:
    """Return a service that responds with `reply` to a request with a body."""

    def early(visit: Visit) -> Reply | None:
        return reply if visit.request.body else None

    return Service(early=early)


def test_one_request_is_a_get_with_a_json_body(live: LiveRun) -> None:
    """The run passes; a single request of all has the body `{}`."""
    with serve(named("plain")) as server:
        result = live(server, "bctrl")
        samples = [request for request in server.log if request.body]
    assert result.ret == pytest.ExitCode.OK
    assert [("GET", b"{}", "application/json")] == [
        (request.method, request.body, request.header("Content-Type")) for request in samples
    ]


@pytest.mark.parametrize(
    ("reply", "rules"),
    [
        (REFUSED, {"published_samples"}),
        (Reply(302, b"", (("Location", "/"),)), {"published_samples", "status_code_conformance"}),
        (Service().problem(500, "server.error", "It broke."), {"not_a_server_error"}),
        (Reply(200, b'{"runtimes": 5}', (("Content-Type", "application/json"),)), {"response_schema_conformance"}),
    ],
    ids=["400", "302", "500", "wrong body"],
)
def test_a_server_that_rejects_a_get_with_a_body_has_an_error(reply: Reply, rules: set[str], live: LiveRun) -> None:
    """The run fails with the rules for its response; the curl command sends the body."""
    with serve(faulty("protocol", "sample", "samples", rejecting_bodies(reply))) as server:
        result = live(server, "bctrl", "-k", "published_sample", "--bctrl-report=report.json")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    findings = json.loads(Path("report.json").read_text("utf-8"))["findings"]
    assert rules == {finding["rule"] for finding in findings}
    assert any(finding["level"] == "error" for finding in findings)
    command = findings[0]["reproduce"]
    assert " -X GET --data-raw '{}' -H 'Content-Type: application/json' " in command
