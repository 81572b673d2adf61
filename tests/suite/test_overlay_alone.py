"""A response that breaks only the packaged overlay is no error, and its finding says so."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_bctrl.observed.overlay_alone import OVERLAY_ALONE
from tests.suite.conftest import LiveRun
from tests.variants import Variant, named, serve
from tests.variants.reply import Reply
from tests.variants.service import Service, Visit
from tests.variants.variant import OVERLAY_ALONE as VARIANTS


def _as_problem_details(_: Visit, reply: Reply) -> Reply:
    """Return the reply with problem details as its body."""
    problem = {"type": "about:blank", "title": "refused", "status": reply.status}
    return replace(reply, body=json.dumps(problem).encode()).typed("application/problem+json")


PROBLEM_DETAILS = Variant(
    "problem-details",
    "harmless",
    "info",
    "content type",
    Service(refused=_as_problem_details, unknown=_as_problem_details),
)
"""A server of the published page whose errors are those of RFC 9457."""


def run(live: LiveRun, name: str) -> tuple[pytest.RunResult, list[dict[str, Any]]]:
    """Return the result of the suite against a variant, and the findings of its report."""
    with serve(named(name)) as server:
        result = live(server, "bctrl", "--bctrl-report=report.json")
    findings: list[dict[str, Any]] = json.loads(Path("report.json").read_text("utf-8"))["findings"]
    return result, findings


@pytest.mark.parametrize(
    ("name", "level"),
    [("error-shape-message-only", "info"), ("unknown-space-200-empty-list", "warning"), ("refusal-404", "info")],
)
def test_violations_of_only_the_overlay_are_no_errors(name: str, level: str, live: LiveRun) -> None:
    """A rejection in another form is info, and a success where only the overlay documents a rejection a warning."""
    assert name in VARIANTS
    result, findings = run(live, name)
    assert result.ret == pytest.ExitCode.OK
    assert {level} == {finding["level"] for finding in findings}
    assert all(OVERLAY_ALONE in finding["message"] and finding["source"] == "overlay" for finding in findings)


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("error-404-html", "content_type_conformance"),
        ("unknown-space-500", "not_a_server_error"),
        ("any-token-accepted", "ignored_auth"),
        ("unknown-space-200-list-of-the-known", "space_id_matches"),
    ],
)
def test_violations_of_the_published_spec_stay_errors(name: str, rule: str, live: LiveRun) -> None:
    result, findings = run(live, name)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert rule in {finding["rule"] for finding in findings if finding["level"] == "error"}


def test_a_server_with_problem_details_errors_passes(live: LiveRun) -> None:
    with serve(PROBLEM_DETAILS) as server:
        result = live(server, "bctrl", "--bctrl-report=found.json")
    assert result.ret == pytest.ExitCode.OK
    findings = json.loads(Path("found.json").read_text("utf-8"))["findings"]
    of_types = [finding for finding in findings if finding["rule"] == "content_type_conformance"]
    assert of_types
    assert all(finding["level"] == "info" and OVERLAY_ALONE in finding["message"] for finding in of_types)
