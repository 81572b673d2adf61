"""What a finding shows of the answer: the way to the fault, and of what stands beside it the size alone."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from pytest_bctrl.checks.answer import answer_of
from pytest_bctrl.checks.violation import evidence

from .answers import CONTRACT, answer, sample


def body_around(body: Any, *path: str | int, status: int = 200) -> Any:
    return evidence(answer(body, status), path)["response"]["body"]


def test_of_a_place_that_is_not_there_as_much_is_shown_as_there_is() -> None:
    """As a check of one's own may name it."""
    assert sample()["runtimes"][0]["name"] in json.dumps(body_around(sample(), "runtimes", 0, "name"))
    assert ["runtimes"] == list(body_around(sample(), "runtimes", 999, "name"))


def test_beside_the_fault_there_are_sizes() -> None:
    body = {"a": ["x", {"b": 1, "c": "secret"}, "y"], "d": "secret", "e": ["secret"], "f": {"g": "secret"}, "h": 1}
    beside = {"d": "<6 characters>", "e": "<1 items>", "f": "<1 properties>", "h": 1}
    shown = {"a": ["… 1 items", {"b": 1, "c": "<6 characters>"}, "… 1 items"], **beside}
    assert shown == body_around(body, "a", 1, "b")
    assert {"a": "<3 items>", **beside} == body_around(body)


def test_of_many_members_a_few_are_shown_and_the_one_that_is_meant() -> None:
    body = {str(number): number for number in range(100)}
    shown = body_around(body, "99")
    assert [*map(str, range(24)), "99", "…"] == list(shown)
    assert (99, "75 more") == (shown["99"], shown["…"])


@pytest.mark.parametrize("body", ["text", ["text", 1], [{"a": "b"}], 7])
def test_what_is_of_another_kind_than_the_path_says_is_shown_as_it_is(body: Any) -> None:
    assert [body, body] == [body_around(body, "runtimes"), body_around(body)]


def test_a_response_that_keeps_no_request_answers_the_method_of_its_operation() -> None:
    made = answer_of(httpx.Response(200, content=b"[]"), CONTRACT)
    assert "GET" == evidence(made, ())["request"]["method"]


def test_header_fields_are_shown_that_hold_no_credential() -> None:
    shown = [["Content-Type", "text/html"], ["X-Request-Id", "r"], ["Retry-After", "5"], ["WWW-Authenticate", "Bearer"]]
    given = [(name, value) for name, value in shown] + [("Set-Cookie", "session=secret")]
    assert shown == evidence(answer({}, 401, tuple(given)), ())["response"]["headers"]


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b"x" * 200, "x" * 200),
        (b"x" * 150 + b" " + b"y" * 60, "x" * 150 + " \u2026"),
        (b"word " * 99, "word " * 39 + "word \u2026"),
    ],
)
def test_a_text_is_cut_between_words(body: bytes, shown: str) -> None:
    assert shown == evidence(answer(body, headers=(("Content-Type", "text/html"),)), ())["response"]["body"]


def test_a_refusal_is_shown_with_its_texts() -> None:
    body = {"error": {"message": "no such space", "more": ["x"]}}
    assert body == body_around(body, "error", "code", status=400)
