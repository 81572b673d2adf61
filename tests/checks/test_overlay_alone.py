"""Which violations break only what the overlay documents."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pytest_bctrl.checks.violation import Violation, breaks_overlay_alone
from tests.contract.documents import contract_of

from .responses import response


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
    checked = response(body, status)
    assert is_overlay == breaks_overlay_alone(checked, violation)


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
    checked = response(body, status, (("Content-Type", media_type),))
    assert is_overlay == breaks_overlay_alone(checked, violation_of("content_type_conformance"))


def test_breaks_overlay_alone_is_false_without_an_overlay() -> None:
    """For a violation of a contract that has no overlay."""
    checked = response(b"{}", 404, contract=contract_of(True))
    assert not breaks_overlay_alone(checked, violation_of("ignored_auth", None, kind="not refused"))
