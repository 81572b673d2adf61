"""Deprecation, sunset dates and stability: announced in time, too late, or unchanged."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from pytest_bctrl.drift import compare
from pytest_bctrl.drift.options import Options

from .pairs import Doc, body, document, parameter

TODAY = date(2026, 11, 1)
PAST, TOMORROW, NEVER = "2026-10-01", "2026-11-02", "2099-01-01"


def day(ahead: int) -> str:
    """Return the date this many days after `TODAY`."""
    return (TODAY + timedelta(days=ahead)).isoformat()


def operation(sunset: object = None) -> Doc:
    """Return a document with a deprecated operation, with a sunset date unless it is None."""
    return document({"deprecated": True, **({} if sunset is None else {"x-sunset": sunset})})


def prop(**values: object) -> Doc:
    """Return a document whose response has a property with these keywords."""
    return body({"type": "object", "properties": {"p": {"type": "string", **values}}})


def changes(base: Doc, revision: Doc, policy: int = 0) -> list[tuple[str, object, object]]:
    """Return rule, old and new value of each finding under a policy of this many days."""
    options = Options(sunset_days=policy, today=TODAY)
    return [(finding.rule, finding.expected, finding.observed) for finding in compare(base, revision, options)]


@pytest.mark.parametrize(
    ("sunset", "policy", "rule"),
    [
        (PAST, 0, "endpoint-deprecated-with-sunset"),
        (PAST, 1, "api-sunset-date-too-small"),
        (day(29), 30, "api-sunset-date-too-small"),
        (day(30), 30, "endpoint-deprecated-with-sunset"),
        (f"{day(30)}T12:00:00Z", 30, "endpoint-deprecated-with-sunset"),
        (date(2026, 12, 1), 30, "endpoint-deprecated-with-sunset"),
        ("soon", 30, "api-deprecated-sunset-parse"),
    ],
)
def test_a_deprecation_must_be_announced_as_early_as_the_policy_requires(
    sunset: object, policy: int, rule: str
) -> None:
    assert changes(document(), operation(sunset), policy) == [(rule, None, sunset)]


@pytest.mark.parametrize(("policy", "rule"), [(0, "endpoint-deprecated"), (1, "api-deprecated-sunset-missing")])
def test_the_policy_decides_on_a_deprecation_without_a_date(policy: int, rule: str) -> None:
    assert changes(document(), operation(), policy) == [(rule, False, True)]


@pytest.mark.parametrize(
    ("before", "after"), [(NEVER, day(29)), (day(10), day(5)), (day(5), PAST), (day(5), f"{day(4)}T00:00:00Z")]
)
def test_a_sunset_date_changed_to_earlier_than_the_policy_allows_is_reported(before: str, after: str) -> None:
    assert changes(operation(before), operation(after), 30) == [("api-sunset-date-changed-too-small", before, after)]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (NEVER, day(30)),
        (day(40), day(31)),
        (PAST, day(5)),
        (day(5), day(6)),
        (day(5), f"{day(5)}T00:00:00Z"),
        ("soon", day(5)),
        (None, day(5)),
    ],
)
def test_an_allowed_change_of_a_sunset_date_has_no_findings(before: str | None, after: str) -> None:
    """A later date, a date that the policy allows, the same day in another notation, or the first valid date."""
    assert changes(operation(before), operation(after), 30) == []


@pytest.mark.parametrize("before", [None, NEVER])
def test_a_sunset_date_that_becomes_invalid_is_reported(before: str | None) -> None:
    (finding,) = compare(operation(before), operation("soon"), Options(today=TODAY))
    assert (finding.rule, finding.expected, finding.observed) == ("api-deprecated-sunset-parse", before, "soon")
    assert (finding.operation, finding.location) == ("GET /a", "")
    pointer = "/paths/~1a/get/x-sunset"
    assert finding.extra["revision"]["pointer"] == pointer
    assert finding.extra["base"]["pointer"] == (pointer if before else "/paths/~1a/get")


def test_only_an_invalid_sunset_date_of_a_property_is_reported() -> None:
    late, soon = prop(deprecated=True, **{"x-sunset": NEVER}), prop(deprecated=True, **{"x-sunset": TOMORROW})
    assert changes(late, soon, 30) == []
    assert changes(late, prop(deprecated=True), 30) == []
    assert changes(late, prop(deprecated=True, **{"x-sunset": "soon"})) == [
        ("response-property-deprecated-sunset-invalid", NEVER, "soon")
    ]


def test_a_removed_sunset_date_of_a_parameter_is_reported() -> None:
    late = parameter(deprecated=True, **{"x-sunset": NEVER})
    assert changes(late, parameter(deprecated=True)) == [("request-parameter-sunset-deleted", NEVER, None)]


@pytest.mark.parametrize(
    ("before", "after", "direction"),
    [
        ("draft", "alpha", "increased"), ("alpha", "beta", "increased"), ("beta", "stable", "increased"),
        ("beta", None, "increased"), ("stable", "beta", "decreased"), (None, "beta", "decreased"),
        ("beta", "draft", "decreased"), ("odd", "beta", "decreased"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["api-stability", "response-property-stability"])
def test_a_raised_or_lowered_stability_level_is_reported(
    kind: str, before: str | None, after: str | None, direction: str
) -> None:
    """A missing level means stable."""

    def with_level(level: str | None) -> Doc:
        """Return a document with a stability level of the operation or the property; without any if it is None."""
        values = {} if level is None else {"x-stability-level": level}
        return document(values) if kind == "api-stability" else prop(**values)

    assert changes(with_level(before), with_level(after)) == [(f"{kind}-{direction}", before, after)]


@pytest.mark.parametrize(("before", "after"), [(None, "stable"), ("stable", None), ("odd", "stable"), ("odd", "odd")])
def test_an_equivalent_stability_level_has_no_findings(before: str | None, after: str | None) -> None:
    def with_level(level: str | None) -> Doc:
        return document({} if level is None else {"x-stability-level": level})

    assert changes(with_level(before), with_level(after)) == []


def test_an_invalid_stability_level_is_reported_only_for_operations() -> None:
    odd = {"x-stability-level": "odd"}
    assert changes(document({"x-stability-level": "beta"}), document(odd)) == [
        ("api-invalid-stability-level", "beta", "odd")
    ]
    assert changes(prop(), prop(**odd)) == []


@pytest.mark.parametrize(
    ("sunset", "rule"),
    [
        (PAST, "api-removed-with-deprecation"),
        (day(1), "api-removed-before-sunset"),
        ("soon", "api-path-sunset-parse"),
        (None, "api-removed-with-deprecation"),
    ],
)
def test_the_rule_for_a_removed_operation_depends_on_its_sunset_date(sunset: object, rule: str) -> None:
    get = {"responses": {}, "deprecated": True, **({} if sunset is None else {"x-sunset": sunset})}
    base = {**document(), "paths": {"/a": {"get": get, "put": {"responses": {}}}}}
    revision = {**document(), "paths": {"/a": {"put": {"responses": {}}}}}
    assert [finding.rule for finding in compare(base, revision, Options(today=TODAY))] == [rule]


@pytest.mark.parametrize(
    "keywords", [{"deprecated": True}, {"deprecated": True, "x-sunset": NEVER}, {"x-stability-level": "beta"}], ids=str
)
def test_a_change_of_a_property_that_requests_and_responses_share_is_one_finding(keywords: Doc) -> None:
    def shared(**values: object) -> Doc:
        content = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Shared"}}}}
        schema = {"type": "object", "properties": {"p": {"type": "string", **values}}}
        responses = {"200": {"description": "ok", **content}}
        components = {"schemas": {"Shared": schema}}
        return document({"requestBody": content, "responses": responses}, components=components)

    for old, new in ((shared(), shared(**keywords)), (shared(**keywords), shared())):
        (finding,) = compare(old, new, Options(today=TODAY))
        rules = {place["rule"].replace("request-", "response-") for place in finding.extra["places"]}
        assert (finding.count, len(rules)) == (2, 1)
