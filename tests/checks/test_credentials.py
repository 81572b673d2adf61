"""Credentials that must be rejected, and the checks of the responses to them."""

from __future__ import annotations

import base64
import os
import subprocess
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_bctrl.checks.credentials import (
    Credential,
    check_head_refused,
    check_refused,
    has_media_type_with_key,
    merge_accepted,
    wrong_credentials,
)
from pytest_bctrl.checks.violation import findings
from pytest_bctrl.contract.key_fields import BASIC, BEARER, KeyField
from pytest_bctrl.secrets.secret import Secret

from .responses import response, sample

_KEYS = st.text(st.characters(codec="ascii", min_codepoint=33, max_codepoint=126), min_size=1)


_FIELDS = [BEARER, BASIC, KeyField("Authorization", "Token "), KeyField("X-Key"), KeyField("Cookie", "id=")]


def both_kinds(key: str, field: KeyField = BEARER) -> list[Credential]:
    """Return the wrong credentials without and with the key."""
    return [*wrong_credentials(Secret(key), field), *wrong_credentials(Secret(key), field, contains_key=True)]


@given(_KEYS, st.sampled_from(_FIELDS))
def test_no_wrong_credential_equals_the_key(key: str, field: KeyField) -> None:
    assert field.value(key) not in [
        credential.header.reveal() for credential in both_kinds(key, field) if credential.header
    ]


@given(_KEYS, st.sampled_from(_FIELDS))
def test_every_wrong_credential_is_a_valid_header(key: str, field: KeyField) -> None:
    headers = [credential.header.reveal() for credential in both_kinds(key, field) if credential.header]
    assert [] == [header for header in headers if header != header.strip() or not header.isprintable()]


@given(st.text(st.sampled_from("KLMNOP23456789"), min_size=8), st.sampled_from(_FIELDS))
def test_no_shell_command_contains_the_key(key: str, field: KeyField) -> None:
    assert [] == [credential.name for credential in both_kinds(key, field) if key in credential.shell]


@given(_KEYS, st.sampled_from(_FIELDS))
def test_every_run_sends_the_same_wrong_credentials(key: str, field: KeyField) -> None:
    first, second = (both_kinds(key, field) for _ in range(2))
    assert [credential.shell for credential in first] == [credential.shell for credential in second]
    assert [credential.header and credential.header.reveal() for credential in first] == [
        credential.header and credential.header.reveal() for credential in second
    ]


@given(_KEYS.filter(lambda key: len(key) > 1))
def test_the_wrong_credentials_of_all_keys_have_the_same_names_and_are_as_many_with_the_key(key: str) -> None:
    without_key, with_key = (wrong_credentials(Secret(key), contains_key=contains) for contains in (False, True))
    usual = wrong_credentials(Secret("bctrl_Key_0123456789"), contains_key=True)
    assert [credential.name for credential in usual] == [credential.name for credential in with_key]
    assert len(without_key) == len(with_key)


def test_names_of_wrong_credentials_are_unique() -> None:
    names = [credential.name for credential in wrong_credentials(Secret("bctrl_Key_0123456789"), contains_key=True)]
    assert len(set(names)) == len(names)
    names = [credential.name for credential in wrong_credentials(Secret("bctrl_Key_0123456789"))]
    assert (True, len(names)) == (
        {"no header", "empty bearer", "wrong token", "another scheme", "first half of the key"} <= set(names),
        len(set(names)),
    )


@given(_KEYS.filter(lambda key: len(key) > 1), st.sampled_from([BEARER, KeyField("X-Key")]))
def test_no_credential_contains_more_than_half_of_the_key(key: str, field: KeyField) -> None:
    """Each character is counted that is at its place from the start or from the end."""
    for credential in wrong_credentials(Secret(key), field):
        text = credential.header.reveal().removeprefix(field.prefix) if credential.header else ""
        if credential.name == "token as a user":
            text = base64.b64decode(text.removeprefix("Basic ")).decode().removesuffix(":")
        text = text.removeprefix("Token ")
        from_start = sum(letter == text_letter for letter, text_letter in zip(key, text, strict=False))
        from_end = sum(letter == text_letter for letter, text_letter in zip(key[::-1], text[::-1], strict=False))
        # Made-up text may have a character of the key by chance where neither end lines up.
        if credential.is_derived:
            assert max(from_start, from_end if len(text) != len(key) else 0) <= len(key) // 2
        elif len(text) == len(key) and not credential.name.startswith(("empty ", "wrong ")):
            assert 0 == from_start


@pytest.mark.parametrize("key", ["a", "b"])
def test_prefix_credentials_are_omitted_for_a_short_key(key: str) -> None:
    """The wrong credentials for `a` have neither the first half nor the first characters."""
    assert {"first half of the key", "first 8 characters"}.isdisjoint(
        credential.name for credential in wrong_credentials(Secret(key))
    )


def with_dots(text: str, key: str) -> str:
    """Return a credential with a dot for each character that differs from the key's at the same position."""
    if text in key:
        return text
    pairs = zip(text, key.ljust(len(text)), strict=False)
    return "".join(letter if letter == key_letter else "." for letter, key_letter in pairs)


def test_wrong_credentials_share_a_prefix_or_suffix_with_the_key() -> None:
    """All but three: an empty key, a wrong key and one of the same length. Dots stand for characters that differ."""
    key = "abc_Key1xend23x7"
    credentials = wrong_credentials(Secret(key), KeyField("Cookie", "id="))
    sent = {
        credential.name: credential.header.reveal().removeprefix("id=")
        for credential in credentials
        if credential.header
    }
    assert {name: with_dots(text, key) for name, text in sent.items() if name not in ("empty key", "wrong key")} == {
        "another of the same length": "................",
        "first half of the key": "abc_Key1",
        "first half, then others": "abc_Key1........",
        "second half of the key": "xend23x7",
        "others, then second half": "........xend23x7",
        "both ends of the key": "abc_........23x7",
        "same prefix, then others": "abc_............",
        "first 8 characters": "abc_Key1",
    }


def test_wrong_credentials_with_the_key_differ_from_it_in_one_respect() -> None:
    """Those for a Basic password keep the case of the user name. Dots stand for characters that differ."""
    credentials = wrong_credentials(Secret("abc_Key1xend23x7"), KeyField("Cookie", "id="), contains_key=True)
    sent = {
        credential.name: with_dots(credential.header.reveal().removeprefix("id="), "abc_Key1xend23x7")
        for credential in credentials
        if credential.header and credential.name not in ("empty key", "wrong key")
    }
    assert sent == {
        "key with another last character": "abc_Key1xend23x.",
        "key without its last character": "abc_Key1xend23x7"[:-1],
        "key with another first character": ".bc_Key1xend23x7",
        "key with one character more": "abc_Key1xend23x7.",
        "key in another case or with another middle": "abc_...1....23x7",
        "first half of the key": "abc_Key1",
        "second half of the key": "xend23x7",
        "first 8 characters": "abc_Key1",
    }
    basic = wrong_credentials(Secret("user.name:Pw"), BASIC, contains_key=True)
    sent = {credential.name: credential.header.reveal() for credential in basic if credential.header}
    assert BASIC.value("user.name:pW") == sent["key in another case or with another middle"]
    assert (sent["key without a scheme"], sent["another scheme"]) == (
        "dXNlci5uYW1lOlB3",
        "Token dXNlci5uYW1lOlB3",
    )


def test_a_rejection_whose_body_contains_the_list_is_ignored_auth() -> None:
    """A 403 that also has the items of the successful response is one finding of this rule."""
    listed = sample()
    (finding,) = check_refused(replace(response({"error": "no", **listed}, 403), usual=response(listed)), "no header")
    assert ("ignored_auth", "the rejection contains items of the list", "body") == (
        finding.rule,
        finding.message,
        finding.place,
    )
    assert ("no items", "an item of the list", "listed") == (finding.expected, finding.observed, finding.kind)


@pytest.mark.parametrize(
    ("body", "kinds"), [([{"id": 1}], ["listed"]), ([{"id": 2}], []), ({"a": [{"id": 1}]}, ["listed"])]
)
def test_a_rejection_that_contains_an_item_of_a_bare_list_is_ignored_auth(body: Any, kinds: list[str]) -> None:
    checked = replace(response(body, 401), usual=response([{"id": 1}, {}]))
    assert kinds == [violation.kind for violation in check_refused(checked, "no header")]


@pytest.mark.parametrize(
    ("status", "rules"), [(200, ["ignored_auth"]), (401, []), (501, []), (502, ["not_a_server_error"])]
)
def test_a_head_without_a_credential_may_be_rejected_with_401_or_501(status: int, rules: list[str]) -> None:
    """`check_head_refused`: 200 is ignored authentication, and 502 a server error."""
    assert rules == [finding.rule for finding in check_head_refused(response(b"", status))]


@pytest.mark.parametrize(
    ("media_type", "with_key", "is_the_same"),
    [
        ("application/json", "application/json; charset=utf-8", True),
        ("text/html", "application/json", False),
        ("text/html", "text/html", True),
        ("application/json; charset=utf-8", None, True),
        ("text/html", None, False),
    ],
)
def test_the_media_type_of_a_success_is_that_with_the_key_or_documented(
    media_type: str, with_key: str | None, is_the_same: bool
) -> None:
    """Without a key, it is one that the contract documents for the success."""
    success, other = (replace(response({}), headers=(("Content-Type", text or ""),)) for text in (media_type, with_key))
    assert is_the_same == has_media_type_with_key(success, other if with_key else None)


def test_accepting_every_credential_is_one_finding() -> None:
    """`merge_accepted` folds them; one that is rejected in another way, or has another level, stays separate."""
    statuses = [("no header", 200), ("empty bearer", 204), ("wrong token", 400), ("another scheme", 299)]
    each_accepted = [
        replace(finding, count=2)
        for name, status in statuses
        for finding in findings(response({}, status), check_refused(response({}, status), name))
    ]
    folded, unmerged = merge_accepted(each_accepted)
    further = "and so are 2 further kinds: empty bearer, another scheme"
    assert (f"{each_accepted[0].message}, {further}", 6, 3) == (folded.message, folded.count, folded.total)
    assert (each_accepted[2], [each_accepted[1], each_accepted[3], each_accepted[2]]) == (
        unmerged,
        merge_accepted(each_accepted[1:]),
    )
    apart = [
        each_accepted[0],
        replace(each_accepted[1], level="warning"),
        replace(each_accepted[3], extra={"accepted": True}),
    ]
    assert apart == merge_accepted(apart)
    assert [each_accepted[0]] == merge_accepted(each_accepted[:1])
    assert [*each_accepted[:1], replace(each_accepted[1], observed=300)] == merge_accepted(
        [each_accepted[0], replace(each_accepted[1], observed=300)]
    )


def test_the_test_of_another_engine_is_listed_in_our_finding() -> None:
    """Also if our finding has further kinds; alone, the finding of the other engine remains."""
    ours, further = (
        replace(finding, count=1, total=1, extra={"tests": [test]})
        for name, test in (("no header", "test_required"), ("empty bearer", "test_rejected"))
        for finding in findings(response({}), check_refused(response({}), name))
    )
    theirs = replace(ours, extra={"engine": "Schemathesis", "tests": ["test_generated"]})
    assert [theirs] == merge_accepted([theirs])
    for own, tests in (([ours], ["test_required"]), ([ours, further], ["test_required", "test_rejected"])):
        (merged,) = merge_accepted([*own, theirs])
        assert {"engines": ["pytest-bctrl", "Schemathesis"], "tests": [*tests, "test_generated"]} == merged.extra


@pytest.mark.parametrize("key", ["bctrl_Key_0123456789", "Keyxendx", "a", "a:b c$'`\\", "0123456789"])
@pytest.mark.parametrize("field", _FIELDS)
def test_the_shell_command_of_a_wrong_credential_sends_it(key: str, field: KeyField) -> None:
    """With the key in its environment, the shell sends the same header; the command does not contain the key."""
    others = [credential for credential in both_kinds(key, field) if credential.header is not None]
    script = "".join(f'printf "%s\\0" "{credential.shell}"\n' for credential in others)
    process = subprocess.run(
        ["bash", "-c", script], env={**os.environ, "BCTRL_API_KEY": key}, capture_output=True, text=True
    )
    assert ([credential.header.reveal() for credential in others if credential.header is not None], "") == (
        process.stdout.split("\0")[:-1],
        process.stderr,
    )
    assert len(key) < 8 or key not in script


@pytest.mark.parametrize("field", [BEARER, KeyField("Cookie", "id=")])
def test_every_fourth_credential_uses_a_new_connection_and_comes_last(field: KeyField) -> None:
    """`is_first` is set for a quarter of the wrong credentials, at the end of the list."""
    turns = [credential.is_first for credential in wrong_credentials(Secret("bctrl_Key_0123456789"), field)]
    assert ((len(turns) + 2) // 4, turns) == (sum(turns), sorted(turns))
    alone = {credential.name for credential in wrong_credentials(Secret("bctrl_Key_0123456789")) if credential.is_first}
    assert {"empty bearer", "first half, then others", "same prefix, then others", "token as a user"} == alone
