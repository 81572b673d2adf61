"""Checks of status, content type and body."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from math import isinf
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_bctrl.checks.credentials import check_refused
from pytest_bctrl.checks.protocol import check_body, check_content_type, check_interoperable, check_status
from pytest_bctrl.checks.response import Response, content_key, looked, share
from pytest_bctrl.checks.run import (
    PROTOCOL,
    WITHOUT_BODY,
    check_response,
    contract_check,
)
from pytest_bctrl.checks.schema import check_schema
from pytest_bctrl.contract.read import from_document
from tests.contract.documents import contract_of, document

from .responses import JSON, response, runtime, sample


def test_redirects_to_different_targets_are_one_finding() -> None:
    """The message of `check_status` does not depend on `Location`."""
    messages = {
        violation.message
        for number in range(3)
        for violation in check_status(response({}, 302, (("Location", f"/{number}"),)))
    }
    assert 1 == len(messages)


@pytest.mark.parametrize(
    "value",
    ["application/json", "Application/JSON", "application/json;charset=utf-8", "application/json ; charset=UTF-8"],
)
def test_a_documented_content_type_conforms_in_any_case_and_with_parameters(value: str) -> None:
    assert [] == list(check_content_type(response({}, headers=(("content-TYPE", value),))))


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ((), "the content type is missing"),
        ((("Content-Type", ""),), "the content type is missing"),
        ((("Content-Type", ";charset=utf-8"),), "the content type is missing"),
        ((("Content-Type", "text/html"),), "the content type is not documented"),
        ((("Content-Type", "application/problem+json"),), "the content type is not documented"),
        ((("Content-Type", "json"),), "the content type is not documented"),
        ((JSON, JSON), "the content type is not documented"),
    ],
)
def test_an_undocumented_content_type_is_a_violation(headers: Any, message: str) -> None:
    (violation,) = check_content_type(response({}, headers=headers))
    assert ("content_type_conformance", message) == (violation.rule, violation.message)


def test_the_content_type_of_an_undocumented_status_is_not_checked() -> None:
    assert [] == list(check_content_type(response({}, 418, ())))


def test_the_content_type_of_a_status_without_a_body_is_not_checked() -> None:
    contract = contract_of(responses={"204": {"description": "x"}})
    assert [] == list(check_content_type(response(b"", 204, (), contract)))


def test_a_response_to_head_may_omit_its_content_type() -> None:
    assert [] == list(check_content_type(replace(response(b"", 200, ()), method="HEAD")))


LONG = b"x" * 100


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b"<html>", "<html>"),
        (b"<html>" + LONG, "<html>" + "x" * 54 + "…"),
        (b'{"a": "' + LONG + b'", "b": NaN, "c": "' + LONG + b'"}', 'xx", "b": NaN, "c": "xx'),
        (b'{"a": "' + LONG + b'", "b": -Infinity}', 'xx", "b": -Infinity}'),
        (b'{"\xc3\xa9": "' + LONG + b'",\n "b": 01}', 'xx",\n "b": 01}'),
        (b'{"a": "' + LONG + b'\xff"}', 'xx\\xff"}'),
    ],
    ids=["short", "cut", "NaN", "-Infinity", "place", "byte"],
)
def test_invalid_json_is_shown_around_the_error(body: bytes, shown: str) -> None:
    """In fewer than 70 characters, with ellipses where text is left out."""
    (violation,) = check_body(response(body))
    observed, text = str(violation.observed), body.decode("utf-8", "backslashreplace")
    assert shown in observed
    assert len(observed) < 70
    start, inner, end = re.fullmatch("(…?)(.*?)(…?)", observed, re.DOTALL).groups()  # type: ignore[union-attr]
    assert (bool(start), bool(end), True) == (not text.startswith(inner), not text.endswith(inner), inner in text)


def test_the_error_is_in_the_middle_of_the_excerpt() -> None:
    """Of a long body, as much is shown before the error as from there on."""
    (violation,) = check_body(response(b'["' + LONG + b'", @"' + LONG + b'"]'))
    before, _, after = str(violation.observed).strip("…").partition("@")
    assert abs(len(before) - len(f"@{after}")) <= 1


@pytest.mark.parametrize(
    ("checked", "unread"),
    [
        (response(sample()), None),
        (response(b"<html>", headers=(("Content-Type", "text/html"),)), "text/html"),
        (response(b"{", 404), "application/json"),
        (response({"a": 1}, 418), None),
        (replace(response({"a": 1}, 418), method="HEAD"), "application/json"),
        (response(b" ", 204), None),
    ],
    ids=["valid", "html", "invalid JSON", "undocumented status", "body after HEAD", "blank"],
)
def test_a_body_that_cannot_be_examined_is_observed_as_unread(checked: Response, unread: str | None) -> None:
    """It is counted once, by its media type; a body with an undocumented status is examined if it is JSON."""
    expected = {}
    if unread is not None:
        expected[checked.operation.label, str(checked.status), unread] = 1
    assert expected == checked.observed.unread


def test_the_body_is_validated_even_if_the_content_type_is_wrong() -> None:
    """Content type and schema are both findings."""
    rules = [
        finding.rule
        for finding in check_response(
            response(runtime(name=1), headers=(("Content-Type", "text/html"),)), aspects=PROTOCOL
        )
    ]
    assert ["content_type_conformance", "response_schema_conformance"] == rules


def test_a_conforming_response_has_no_findings() -> None:
    assert [] == check_response(response(sample()), (200,))


def contract_with_content(content: Any) -> Any:
    """Return a contract whose response has this content."""
    return from_document(document(responses={"200": {"description": "x", "content": content}}), "x")


TEXT, NUMBER = {"schema": {"type": "string"}}, {"schema": {"type": "number"}}


@pytest.mark.parametrize(
    ("content", "media", "body", "rules"),
    [
        ({"text/csv": TEXT, "application/json": NUMBER}, "text/csv", b"a,b", []),
        ({"text/csv": TEXT, "application/json": NUMBER}, "application/json", b"1", []),
        ({"text/csv": TEXT, "application/json": NUMBER}, "application/json", b'"a"', ["response_schema_conformance"]),
        ({"application/*": TEXT, "application/json": NUMBER}, "application/json", b"1", []),
        ({"*/*": NUMBER}, "application/json", b"1", []),
        ({"Application/JSON; charset=utf-8": NUMBER}, "application/json", b"1", []),
        ({"application/hal+json": NUMBER}, "application/hal+json", b'"a"', ["response_schema_conformance"]),
        ({"text/csv": TEXT}, "application/json", b"1", ["content_type_conformance"]),
        ({"application/json": {}}, "application/json", b"1", []),
    ],
)
def test_a_body_is_validated_against_the_schema_of_its_media_type(
    content: Any, media: str, body: bytes, rules: list[str]
) -> None:
    """Of several documented media types, that of `Content-Type` decides on the rules that are reported."""
    checked = response(body, headers=(("Content-Type", media),), contract=contract_with_content(content))
    assert rules == [finding.rule for finding in check_response(checked, aspects=PROTOCOL)]


def test_undocumented_properties_depend_on_the_media_type() -> None:
    """Of two documented schemas, that of the `Content-Type` decides."""
    schemas: Any = {media: {"schema": {"properties": {name: {}}}} for media, name in (("a/json", "a"), ("b/json", "b"))}
    checked = response(
        b'{"a": 1, "b": 2}', headers=(("Content-Type", "b/json"),), contract=contract_with_content(schemas)
    )
    assert [("a", ["b"])] == [
        (finding.location, finding.expected) for finding in check_response(checked, aspects=["undocumented"])
    ]


DIGITS = st.text("0123456789", min_size=1, max_size=400) | st.integers(1, 400).map("9".__mul__)
NUMBERS = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["", "-"]),
    DIGITS.map(lambda digits: digits.lstrip("0") or "0"),
    st.just("") | DIGITS.map(".{}".format),
    st.just("")
    | st.builds("{}{}{}".format, st.sampled_from("eE"), st.sampled_from(["", "+", "-"]), st.integers(0, 999)),
)


@given(NUMBERS, st.sampled_from(["{}", " {}", "[{}]", "[1, {}]", '{{"a":{}}}', '{{"a":\n{} }}']))
@example(f"1{'0' * 300}e9", "[{}]")
def test_a_number_beyond_a_double_is_found(number: str, around: str) -> None:
    is_whole = number.lstrip("-").isdigit()
    is_beyond = abs(int(number)) > sys.float_info.max if is_whole else isinf(float(number))
    violations = list(check_interoperable(response(around.format(number).encode())))
    assert is_beyond == bool(violations)


def test_the_head_of_a_response_is_checked_without_its_body() -> None:
    """`check_response` reports the faults in status and header fields, and none in the body."""
    faulty = response(b"{", 201, (("Content-Type", "text/html"), ("Sunset", "tomorrow")))
    rules = [finding.rule for finding in check_response(faulty, aspects=WITHOUT_BODY)]
    assert ["status_code_conformance", "retired_operation"] == rules
    wrong_type = replace(faulty, status=200, headers=(("Content-Type", "text/html"),))
    assert ["content_type_conformance"] == [
        finding.rule for finding in check_response(wrong_type, aspects=WITHOUT_BODY)
    ]
    assert [] == check_response(response(b"{"), aspects=WITHOUT_BODY)


def test_responses_that_share_their_results_have_one_body() -> None:
    """`share` keeps the earlier body, so that the later one can be released, and its results."""
    first, second = response(sample()), response(sample())
    assert content_key(first) == content_key(second)
    share(second, first)
    assert (second.body, second.parsed) == (first.body, first.parsed)
    assert second.body is first.body
    assert second.parsed is first.parsed
    assert response({}).parsed is not first.parsed


def test_each_check_that_ran_is_listed() -> None:
    """`looked` has each by name, a custom check and the check of a credential included."""
    checked = response(sample())
    check_response(checked, custom=[contract_check("own_rule")(lambda response: [])])
    list(check_schema(checked))
    list(check_refused(checked, "no header"))
    assert looked(checked) == {
        "status", "framing", "content type", "body", "interoperable", "header fields", "retired", "schema",
        "undocumented", "invariant", "own check", "credential",
        "ignored parameters",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("checked", "is_read"),
    [
        (response(sample()), True),
        (response({"detail": "no"}, 418), True),
        (response(b"{"), False),
        (response(b"text", 418), False),
        (replace(response({"detail": "no"}, 418), method="HEAD"), False),
    ],
    ids=["documented", "status without documentation", "no JSON", "text", "HEAD"],
)
def test_a_body_is_observed_or_counts_once_as_unread(checked: Response, is_read: bool) -> None:
    """A body of an undocumented status is observed too."""
    unread = {} if is_read else {(checked.operation.label, str(checked.status), checked.media_type): 1}
    assert unread == dict(checked.observed.unread)
