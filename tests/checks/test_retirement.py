"""An operation that is deprecated, ends on a day or is gone: dates are read, and the successor is named."""

from __future__ import annotations

import pytest

from pytest_bctrl.checks.protocol import check_retired
from tests.checks.responses import JSON, response, sample

END = "Thu, 31 Dec 2026 23:59:59 GMT"
NEXT = '</v2/things>; rel="successor-version", <https://x>; rel=sunset'


@pytest.mark.parametrize(
    ("status", "headers", "message"),
    [
        (200, {}, None),
        (200, {"Deprecation": "?0", "Link": NEXT}, None),
        (200, {"Deprecation": " false"}, None),
        (200, {"Deprecation": "@1767225600"}, "the operation will be retired; deprecated since 2026-01-01; "),
        (200, {"Deprecation": "true"}, "the operation will be retired; deprecated; pytest-bctrl drift"),
        (200, {"Deprecation": "@999999999999999"}, "the operation will be retired; deprecated; "),
        (200, {"Sunset": END}, "the operation will be retired; the last day is 2026-12-31; "),
        (200, {"Sunset": "soon"}, "the operation will be retired; pytest-bctrl drift shows what is published now"),
        (410, {"Sunset": END, "link": NEXT}, "exists; the last day is 2026-12-31; its successor is /v2/things; "),
        (404, {"Deprecation": END}, "the route no longer exists; deprecated since 2026-12-31; "),
        (404, {}, None),
    ],
)
def test_deprecation_and_sunset_headers_are_reported(status: int, headers: dict[str, str], message: str | None) -> None:
    violations = list(check_retired(response(sample(), status, (JSON, *headers.items()))))
    assert [message is not None] == [bool(violations)]
    assert message is None or message in violations[0].message
    expected = ("deprecated", "warning") if status == 200 else ("gone", "error")
    assert {("retired_operation", "operation", *expected, "an operation in service", status)} >= {
        (finding.rule, finding.place, finding.kind, finding.level, finding.expected, finding.observed)
        for finding in violations
    }


@pytest.mark.parametrize(
    ("body", "is_gone"),
    [
        ({"error": "x", "code": "route.not_found", "requestId": "r"}, True),
        ({"error": {"code": "ROUTE_NOT_FOUND", "message": "x"}}, True),
        ({"detail": "There is no such endpoint."}, True),
        ({"message": "This route doesn't exist"}, True),
        ({"error": "no such space", "code": "space.not_found", "requestId": "r"}, False),
        ({"error": ["route"]}, False),
        (b"<h1>route</h1>", False),
    ],
)
def test_a_404_of_the_route_is_distinguished_from_an_unknown_space(body: object, is_gone: bool) -> None:
    """`check_retired` reports a 404 whose body says that the route does not exist."""
    assert [is_gone] == [bool(list(check_retired(response(body, 404))))]
