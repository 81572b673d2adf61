"""The observer of ordinary traffic and the checks of the suite report the same findings for a response."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_bctrl.checks.response import Response
from pytest_bctrl.checks.run import check_response
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.findings.fingerprint import with_fingerprint
from pytest_bctrl.observed.differences import differences
from pytest_bctrl.observed.overlay_alone import OVERLAY_ALONE

from .bodies import BODIES, CONTRACT, OPERATION, VALUES, sample

FLAT = {"error": "no such key", "code": "auth.unauthorized", "requestId": "r1"}
NESTED = {"error": {"code": "c", "message": "m", "reasonClass": "r", "requestId": "r1"}}


def response_with(body: Any, status: int) -> Response:
    """Return a response with a JSON body."""
    return Response(CONTRACT, OPERATION, status, (("Content-Type", "application/json"),), json.dumps(body).encode())


def comparable(findings: list[Finding]) -> set[tuple[Any, ...]]:
    """Return what findings of the observer and of the checks have in common, for two rules."""
    rules = ("response_schema_conformance", "undocumented_property")
    return {
        (
            finding.rule,
            finding.level,
            finding.location,
            finding.message,
            finding.count,
            finding.total,
            with_fingerprint(finding).fingerprint,
        )
        for finding in findings
        if finding.rule in rules
    }


def assert_agreement(body: Any, status: int) -> None:
    """Check that the observer and the checks report the same about a response."""
    response = response_with(body, status)
    assert comparable(check_response(response)) == comparable(differences(CONTRACT, response.observed))


@given(BODIES)
def test_observer_and_checks_agree_on_every_listing(body: Any) -> None:
    """For any mutated list: rule, location and counts."""
    assert_agreement(body, 200)


@given(
    st.sampled_from([FLAT, NESTED]), st.dictionaries(st.sampled_from([*FLAT, "x"]), VALUES, max_size=3), st.integers(0)
)
def test_observer_and_checks_agree_on_every_error_response(
    body: dict[str, Any], changed: dict[str, Any], gone: int
) -> None:
    """For any mutated error of status 401."""
    error = {**body, **changed}
    error.pop([*error, ""][gone % (len(error) + 1)], None)
    assert_agreement(error, 401)


def with_first(**members: Any) -> dict[str, Any]:
    """Return the sample with properties of its first runtime changed."""
    body = sample()
    body["runtimes"][0].update(members)
    return body


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (with_first(backing=None), 200),
        (with_first(backing="profile"), 200),
        (with_first(backing={"kind": ["profile"]}), 200),
        (with_first(name=1.0), 200),
        (with_first(status=10**200), 200),
        ({"runtimes": [*sample()["runtimes"], "a runtime"]}, 200),
        ({"runtimes": [{**sample()["runtimes"][0], "type": number} for number in range(100)]}, 200),
        ({}, 401),
        ({"error": 5}, 401),
        ([], 401),
    ],
    ids=[
        "null for alternatives",
        "text for alternatives",
        "list as the property that tells",
        "whole number with a fraction",
        "long number in an enumeration",
        "text among objects",
        "more wrong types than are told apart",
        "of no alternative",
        "of no alternative by its property",
        "list for alternatives",
    ],
)
def test_observer_and_checks_agree_on_selected_bodies(body: Any, status: int) -> None:
    """Each has findings, the same in both."""
    assert_agreement(body, status)
    assert comparable(check_response(response_with(body, status)))


def test_observer_and_checks_agree_on_strings_too_long_to_distinguish() -> None:
    """All of them are one finding, because the observer does not keep long strings."""
    body = with_first(type="x" * 200)
    body["runtimes"][1]["type"] = "y" * 121
    (fact,) = [
        candidate
        for candidate in comparable(check_response(response_with(body, 200)))
        if candidate[2] == "runtimes[*].type"
    ]
    assert 2 == fact[4]
    assert_agreement(body, 200)


@pytest.mark.parametrize(("status", "level"), [(401, "info"), (418, "info"), (201, "error"), (500, "error")])
def test_traffic_that_violates_only_the_overlay_is_info(status: int, level: str) -> None:
    """An empty object for each status: info if only the overlay documents the schema, and an error otherwise."""
    findings = differences(CONTRACT, response_with({}, status).observed)
    assert {level} == {finding.level for finding in findings}
    assert all((OVERLAY_ALONE in finding.message) == (level == "info") for finding in findings)
