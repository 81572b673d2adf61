"""Credentials that must be refused, and the verdict on what they get."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_bctrl.checks.credentials import Credential, as_one, check_refused, wrong_credentials
from pytest_bctrl.checks.violation import findings
from pytest_bctrl.contract.key_fields import BASIC, BEARER, KeyField
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


def test_who_looks_at_no_credential_is_one_finding() -> None:
    """What is refused in another way, or is let in at another level, stays by itself."""
    seen = [("no header", 200), ("empty bearer", 204), ("wrong token", 400), ("another scheme", 299)]
    found = [
        replace(one, count=2)
        for name, status in seen
        for one in findings(answer({}, status), check_refused(answer({}, status), name))
    ]
    folded, other = as_one(found)
    further = "and so are 2 further kinds: empty bearer, another scheme"
    assert (f"{found[0].message}, {further}", 6, 3) == (folded.message, folded.count, folded.total)
    assert (found[2], [found[1], found[3], found[2]]) == (other, as_one(found[1:]))
    apart = [found[0], replace(found[1], level="warning"), replace(found[3], extra={"accepted": True})]
    assert apart == as_one(apart)
    assert [found[0]] == as_one(found[:1])
    assert [*found[:1], replace(found[1], observed=300)] == as_one([found[0], replace(found[1], observed=300)])


@pytest.mark.parametrize(
    ("key", "last", "half", "changed", "middle"),
    [
        ("bctrl_Key_0123456789", "x", "bctrl_Key_", "bctrl_Key_012345678x", "bctrl_Keyx0123456789"),
        ("Keyxendx", "y", "Keyx", "Keyxendy", "Keyyendx"),
    ],
)
def test_each_wrong_credential_has_a_command_that_sends_it(
    key: str, last: str, half: str, changed: str, middle: str
) -> None:
    """Made from the variable, in the words of a shell."""
    variable = "BCTRL_API_KEY"
    keys = [
        ("last character changed", changed, f"${{{variable}:0:{len(key) - 1}}}{last}"),
        (
            "middle character changed",
            middle,
            f"${{{variable}:0:{len(half) - 1}}}{middle[len(half) - 1]}${{{variable}:{len(half)}}}",
        ),
        ("last character missing", key[:-1], f"${{{variable}%?}}"),
        ("first half of the key", half, f"${{{variable}:0:{len(half)}}}"),
        ("first character changed", f"x{key[1:]}", f"x${{{variable}:1}}"),
        ("first 8 characters", key[:8], f"${{{variable}:0:8}}"),
        ("key with more behind it", f"{key}x", f"${{{variable}}}x"),
    ]
    swapped = ("letters in the other case", key.swapcase(), "(the key, swapped case)")
    bearer = [
        ("empty bearer", "Bearer", "Bearer"),
        *((name, f"Bearer {text}", f"Bearer {shell}") for name, text, shell in [_WRONG_TOKEN, *keys]),
        ("key without a scheme", key, f"${{{variable}}}"),
        ("another scheme", f"Basic {key}", f"Basic ${{{variable}}}"),
        ("key as a user", BASIC.value(key), BASIC.shell(f"${variable}")),
        ("an unknown scheme", f"Token {key}", f"Token ${{{variable}}}"),
        (swapped[0], f"Bearer {swapped[1]}", f"Bearer {swapped[2]}"),
    ]
    own = [("empty key", "", ""), ("wrong key", *_WRONG_TOKEN[1:]), *keys, swapped]
    own = [(name, f"id={text}", f"id={shell}") for name, text, shell in own if text != key]
    wanted = [one for one in bearer if one[1] != f"Bearer {key}"]
    assert sorted(wanted) == sorted(_shown(wrong_credentials(Secret(key))))
    assert sorted(own) == sorted(_shown(wrong_credentials(Secret(key), KeyField("Cookie", "id="))))


@pytest.mark.parametrize("field", [BEARER, KeyField("Cookie", "id=")])
def test_every_fourth_has_a_connection_of_its_own_and_comes_last(field: KeyField) -> None:
    turns = [one.is_first for one in wrong_credentials(Secret("bctrl_Key_0123456789"), field)]
    assert ((len(turns) + 2) // 4, turns) == (sum(turns), sorted(turns))
    alone = {one.name for one in wrong_credentials(Secret("bctrl_Key_0123456789")) if one.is_first}
    assert {"empty bearer", "last character missing", "key with more behind it", "key as a user"} == alone


_WRONG_TOKEN = ("wrong token", "not-a-key-of-this-api", "not-a-key-of-this-api")


def _shown(made: list[Credential]) -> list[tuple[str, str, str]]:
    none, *others = made
    assert ("no header", None, "") == (none.name, none.header, none.shell)
    return [(one.name, one.header.reveal(), one.shell) for one in others if one.header is not None]
