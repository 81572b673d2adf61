"""The part of a response that a finding shows: the path to the fault, and only the size of its neighbours."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import httpx
import pytest

from pytest_bctrl.checks.response import response_from
from pytest_bctrl.checks.run import check_response
from pytest_bctrl.checks.violation import Violation, evidence, findings, item_of
from tests.contract.documents import contract_of

from .responses import CONTRACT, SPACE, response, runtime, sample


def body_around(body: Any, *path: str | int, status: int = 200) -> Any:
    """Return the body in the evidence of a fault at a path."""
    return evidence(response(body, status), path)["response"]["body"]


def test_for_a_missing_location_the_nearest_existing_part_is_shown() -> None:
    """A custom check may name such a location."""
    assert sample()["runtimes"][0]["name"] in json.dumps(body_around(sample(), "runtimes", 0, "name"))
    assert ["runtimes"] == list(body_around(sample(), "runtimes", 999, "name"))
    assert [7] == body_around([7], 1)


@pytest.mark.parametrize(
    ("named", "is_named"),
    [({"id": "r", "name": "n" * 80}, True), ({"id": 2**63 - 1}, True), ({"id": 2**63}, False), ({"id": True}, False)]
    + [({"name": name}, False) for name in ("", "n" * 81, ["n"])],
)
def test_the_item_that_contains_the_fault_is_named(named: dict[str, Any], is_named: bool) -> None:
    """`item_of` has its location, id and name, unless these are too long or of another type."""
    item = {"item": {"location": "runtimes[1]", **named}} if is_named else {}
    assert item == item_of(
        {"runtimes": [{"id": "another"}, {**named, "more": {"kind": 1}}]}, ("runtimes", 1, "more", "kind")
    )


def test_the_value_of_a_write_only_property_is_not_shown() -> None:
    secret = {"type": "string", "writeOnly": True}
    contract = contract_of({"properties": {"users": {"items": {"properties": {"name": secret, "password": secret}}}}})
    body = {"users": [{"name": "opensesame", "password": "opensesame"}]}
    findings_of_body = check_response(response(body, contract=contract))
    locations = [finding.sample and finding.sample["location"] for finding in findings_of_body]
    assert ["users[0].name", "users[0].password"] == locations
    assert "opensesame" not in repr(findings_of_body)


def test_a_finding_has_the_item_and_the_command_that_reproduces_it() -> None:
    """Both a schema violation and an undocumented property."""
    body = runtime(id="r", name="n", kind=7, more=1)
    findings = check_response(replace(response(body, id=SPACE), reproduce="curl"))
    expected = ({"location": "runtimes[0]", "id": "r", "name": "n"}, "curl")
    assert {"response_schema_conformance", "undocumented_property"} <= {finding.rule for finding in findings}
    assert [expected] * len(findings) == [(finding.extra["item"], finding.reproduce) for finding in findings]


def test_neighbours_of_the_fault_are_shown_as_sizes() -> None:
    """`body_around` shows the value at a location; texts, lists and objects beside it are replaced by sizes."""
    body = {"a": ["x", {"b": 1, "c": "secret"}, "y"], "d": "secret", "e": ["secret"], "f": {"g": "secret"}, "h": 1}
    beside = {"d": "<6 characters>", "e": "<1 items>", "f": "<1 properties>", "h": 1}
    shown = {"a": ["… 1 items", {"b": 1, "c": "<6 characters>"}, "… 1 items"], **beside}
    assert shown == body_around(body, "a", 1, "b")
    assert {"a": "<3 items>", **beside} == body_around(body)


def test_texts_of_an_error_are_shown_beside_the_fault() -> None:
    """At any depth, since they explain the error."""
    body = {"errors": [{"message": "no such space", "code": 1}], "title": "Not found"}
    assert body == body_around(body, "errors", 0, "code", status=404)


def test_of_many_properties_a_few_and_the_faulty_one_are_shown() -> None:
    """`body_around` shows 25 of 100, and how many more there are."""
    body = {str(number): number for number in range(100)}
    shown = body_around(body, "99")
    assert [*map(str, range(24)), "99", "…"] == list(shown)
    assert (99, "75 more") == (shown["99"], shown["…"])


@pytest.mark.parametrize("body", ["text", ["text", 1], [{"a": "b"}], 7])
def test_a_body_that_does_not_match_the_path_is_shown_unchanged(body: Any) -> None:
    """`body_around` of a text, number or list at a location that it does not have."""
    assert [body, body] == [body_around(body, "runtimes"), body_around(body)]


def test_evidence_without_a_request_has_the_method_of_the_operation() -> None:
    """For a response of httpx that has no request, it is GET."""
    response_without_request = response_from(httpx.Response(200, content=b"[]"), CONTRACT)
    assert "GET" == evidence(response_without_request, ())["request"]["method"]


def test_only_headers_without_credentials_are_shown() -> None:
    """`Set-Cookie` is left out of the evidence."""
    shown = [["Content-Type", "text/html"], ["X-Request-Id", "r"], ["Retry-After", "5"], ["WWW-Authenticate", "Bearer"]]
    headers = [(name, value) for name, value in shown] + [("Set-Cookie", "session=secret")]
    assert shown == evidence(response({}, 401, tuple(headers)), ())["response"]["headers"]


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b"x" * 200, "x" * 200),
        (b"x" * 150 + b" " + b"y" * 60, "x" * 150 + " \u2026"),
        (b"word " * 99, "word " * 39 + "word \u2026"),
        ("🚀🚀🚀 ".encode() * 99, "🚀🚀🚀 " * 49 + "🚀🚀🚀 \u2026"),
        ("🚀".encode() * 200, "🚀" * 200),
        ((" " + "🚀" * 200).encode(), " \u2026"),
        (("🚀 " + "🚀" * 199).encode(), "🚀 \u2026"),
    ],
)
def test_text_is_shortened_between_words(body: bytes, shown: str) -> None:
    assert shown == evidence(response(body, headers=(("Content-Type", "text/html"),)), ())["response"]["body"]


def test_the_body_of_an_error_response_is_shown_completely() -> None:
    body = {"error": {"message": "no such space", "more": ["x"]}}
    assert body == body_around(body, "error", "code", status=400)


def test_an_object_at_the_location_of_the_fault_is_shown_with_its_values() -> None:
    """The texts beside it are shown as their length only."""
    body = {"backing": {"type": "other", "size": 3}, "name": "mine"}
    assert {"backing": {"type": "other", "size": 3}, "name": "<4 characters>"} == body_around(body, "backing")


def test_a_finding_of_another_validator_has_its_name_and_the_evidence() -> None:
    violation = Violation("response_schema_conformance", "error", "it is missing", ("runtimes",))
    ((own,), (other,)) = (findings(response({}), [violation], engine) for engine in ("", "jsonschema"))
    assert {**own.extra, "engine": "jsonschema"} == other.extra
