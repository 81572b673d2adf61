"""Credentials that must be refused, and the verdict on what they get."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_bctrl.checks.credentials import check_refused, wrong_credentials
from pytest_bctrl.secret import Secret

from .answers import answer

_KEYS = st.text(st.characters(codec="ascii", min_codepoint=33, max_codepoint=126), min_size=1)


@given(_KEYS)
def test_no_wrong_credential_is_the_right_one(key: str) -> None:
    assert f"Bearer {key}" not in [one.header.reveal() for one in wrong_credentials(Secret(key)) if one.header]


@given(_KEYS)
def test_every_credential_can_be_a_header(key: str) -> None:
    headers = [one.header.reveal() for one in wrong_credentials(Secret(key)) if one.header]
    assert [] == [header for header in headers if header != header.strip() or not header.isprintable()]


@given(st.text(st.sampled_from("KLMNOP23456789"), min_size=8))
def test_no_command_shows_the_key(key: str) -> None:
    assert [] == [one.name for one in wrong_credentials(Secret(key)) if key in one.shell]


def test_an_ordinary_key_has_every_kind_once() -> None:
    names = [one.name for one in wrong_credentials(Secret("bctrl_Key_0123456789"))]
    assert (True, len(names)) == (
        {"no header", "empty bearer", "wrong token", "another scheme", "first half of the key"} <= set(names),
        len(set(names)),
    )


@pytest.mark.parametrize(("key", "gone"), [("0123456789", "letters in the other case"), ("a", "first half of the key")])
def test_a_kind_that_would_be_the_right_key_is_left_out(key: str, gone: str) -> None:
    assert gone not in [one.name for one in wrong_credentials(Secret(key))]


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_is_no_violation(status: int) -> None:
    assert [] == list(check_refused(answer({}, status), "no header"))


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (200, "a wrong credential is let in"),
        (204, "a wrong credential is let in"),
        (302, "a wrong credential is not refused as one"),
        (400, "a wrong credential is not refused as one"),
        (404, "a wrong credential is not refused as one"),
    ],
)
def test_anything_but_a_refusal_is_a_violation(status: int, message: str) -> None:
    (violation,) = check_refused(answer({}, status), "no header")
    assert ("ignored_auth", "credential: no header", message) == (violation.rule, violation.place, violation.message)


def test_a_server_error_is_left_to_the_check_of_the_status() -> None:
    assert [] == list(check_refused(answer({}, 500), "no header"))
