"""A response that breaks only the overlay is a warning that says so; one that breaks the published spec is an error."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_bctrl.checks.violation import Violation, breaks_overlay_alone
from pytest_bctrl.contract.read import load
from pytest_bctrl.observed.overlay_alone import OVERLAY_ALONE
from tests.contract.documents import contract_of
from tests.suite.conftest import LiveRun
from tests.suite.engines import exchange_of
from tests.variants import Variant, named, serve
from tests.variants.reply import Reply
from tests.variants.service import Service, Visit
from tests.variants.variant import OVERLAY_ALONE as VARIANTS

PACKAGED = load()


def _as_problem_details(_: Visit, reply: Reply) -> Reply:
    """Return the reply with problem details as its body."""
    problem = {"type": "about:blank", "title": "refused", "status": reply.status}
    return replace(reply, body=json.dumps(problem).encode()).typed("application/problem+json")


PROBLEM_DETAILS = Variant(
    "problem-details",
    "harmless",
    "warning",
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


@pytest.mark.parametrize("name", ["error-shape-message-only", "unknown-space-200-empty-list", "refusal-404"])
def test_violations_of_only_the_overlay_are_warnings(name: str, live: LiveRun) -> None:
    assert name in VARIANTS
    result, findings = run(live, name)
    assert result.ret == pytest.ExitCode.OK
    warnings = [finding for finding in findings if finding["level"] == "warning"]
    assert warnings
    assert all(OVERLAY_ALONE in warning["message"] and warning["source"] == "overlay" for warning in warnings)
    assert "error" not in {finding["level"] for finding in findings}


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


def violation_of(
    rule: str, expected: Any = None, *, level: Any = "error", place: str = "body", kind: str = ""
) -> Violation:
    """Return a violation of a rule outside of the body's data, at `place`."""
    return Violation(rule, level, "it is wrong", (), place, expected, None, kind)


def status_violation(*required: int) -> Violation:
    """Return the violation of a status other than those that a check requires."""
    return replace(violation_of("status_code_conformance", ["200", "404"]), required_statuses=required)


@pytest.mark.parametrize(
    ("status", "body", "violation", "is_overlay"),
    [
        (404, b"{}", violation_of("response_schema_conformance", None), True),
        (404, b"", violation_of("complete_body", None), True),
        (200, b"{}", violation_of("response_schema_conformance", None), False),
        (418, b"{}", violation_of("response_headers_conformance", None), False),
        (404, b"", violation_of("content_type_conformance", None), True),
        (404, b"x", violation_of("content_type_conformance", None), False),
        (200, b"{}", status_violation(404), True),
        (404, b"{}", status_violation(200), False),
        (404, b"{}", status_violation(200, 404), False),
        (500, b"{}", status_violation(404), False),
        (418, b"{}", violation_of("status_code_conformance", ["200", "404"]), True),
        (418, b"{}", violation_of("status_code_conformance", "another"), True),
        (201, b"{}", violation_of("status_code_conformance", ["200", "404"]), False),
        (404, b"{}", violation_of("ignored_auth", None, kind="not refused"), True),
        (401, b"{}", violation_of("ignored_auth", None, kind="listed"), False),
        (200, b"{}", violation_of("ignored_auth", None, kind="accepted"), False),
        (302, b"", violation_of("negative_data_rejection", None, place="credential: no header"), True),
        (302, b"", violation_of("negative_data_rejection", None, place="query limit"), False),
        (404, b"{}", violation_of("not_a_server_error", None), False),
        (404, b"{}", violation_of("response_schema_conformance", None, level="warning"), False),
    ],
)
def test_breaks_overlay_alone_distinguishes_the_overlay_from_the_published_spec(
    status: int, body: bytes, violation: Violation, is_overlay: bool
) -> None:
    """True for a violation of a part that only the overlay documents."""
    response = exchange_of(PACKAGED, status, body).response
    assert is_overlay == breaks_overlay_alone(response, violation)


@pytest.mark.parametrize(
    ("status", "media_type", "is_overlay"),
    [
        (401, "application/problem+json", True),
        (401, "application/problem+json; charset=utf-8", True),
        (404, "application/vnd.api+json", True),
        (200, "application/problem+json", False),
        (401, "text/plain", False),
        (401, "text/json", False),
    ],
)
def test_an_error_with_a_json_based_media_type_violates_only_the_overlay(
    status: int, media_type: str, is_overlay: bool
) -> None:
    """Such as problem details with status 401; not with a success status, or as text."""
    body = b'{"type": "about:blank", "title": "Unauthorized", "status": 401}'
    response = exchange_of(PACKAGED, status, body, {"Content-Type": media_type}).response
    assert is_overlay == breaks_overlay_alone(response, violation_of("content_type_conformance"))


def test_a_server_with_problem_details_errors_passes_with_warnings(live: LiveRun) -> None:
    with serve(PROBLEM_DETAILS) as server:
        result = live(server, "bctrl", "--bctrl-report=found.json")
    assert result.ret == pytest.ExitCode.OK
    findings = json.loads(Path("found.json").read_text("utf-8"))["findings"]
    warnings = [finding for finding in findings if finding["rule"] == "content_type_conformance"]
    assert {"", "Schemathesis"} == {finding.get("engine", "") for finding in warnings}
    assert all(finding["level"] == "warning" and OVERLAY_ALONE in finding["message"] for finding in warnings)


def test_breaks_overlay_alone_is_false_without_an_overlay() -> None:
    """For a violation of a contract that has no overlay."""
    response = exchange_of(contract_of(True), 404, b"{}").response
    assert not breaks_overlay_alone(response, violation_of("ignored_auth", None, kind="not refused"))
