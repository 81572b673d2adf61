"""Secrets that are too short or too common, or part of a path, are redacted only where a credential is expected."""

from __future__ import annotations

import json

import pytest

from pytest_bctrl.secrets.redaction import MASK, Redaction
from pytest_bctrl.secrets.weakness import weakness
from tests.test_redaction import KEY, PASSWORD, redaction


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("a", "fewer than 8 characters"),
        ("failed", "fewer than 8 characters"),
        ("aaaaaaaaab", "fewer than 4 different characters"),
        ("testsuite", "is a word that pytest or pytest-bctrl prints"),
        ("RESPONSE_SCHEMA_CONFORMANCE", "is a word that pytest or pytest-bctrl prints"),
        (PASSWORD, ""),
        (KEY, ""),
    ],
)
def test_a_too_short_or_too_common_secret_is_reported(value: str, why: str) -> None:
    redact = Redaction()
    redact.add(value, name="TOKEN")
    notes = redact.notes()
    assert why in weakness(value)
    assert (bool(why), bool(why)) == (len(notes) == 1, bool(notes) and notes[0].startswith("TOKEN "))
    assert len(value) < 4 or not any(value in note for note in notes)


@pytest.mark.parametrize("value", ["failed", "e", "rule", "testsuite", "[redacted]"])
def test_a_weak_secret_is_redacted_where_a_credential_is_expected(value: str) -> None:
    """It is masked in an `Authorization` header and after `password`, in text and bytes; elsewhere, the word stays."""
    redact = redaction(value)
    text = f"1 {value}, {value}::test_{value} {{'{value}': '{value}'}} <{value} {value}='{value}'>"
    header, literal = f"Authorization: Bearer {value}\n", f"{{'password': '{value}'}}"

    assert (text, text.encode()) == (redact(text), redact.data_bytes(text.encode()))
    for original, clean in (
        (header, f"Authorization: Bearer {MASK}\n"),
        (literal, f"{{'password': '{MASK}'}}"),
    ):
        assert (clean, clean.encode()) == (redact(original), redact.data_bytes(original.encode()))
        assert clean.encode() == redact.data_bytes(original.encode(), keeps_structure=True)


@pytest.mark.parametrize("value", ["1", "true", "null", "17"])
def test_json_with_a_weak_secret_stays_valid(value: str) -> None:
    """In a file, only a string is masked; in output, which nobody parses, a bare value is masked too."""
    document = f'{{"key": {value}, "token":{value}, "password": "{value}", "text": "secret: {value}"}}'
    redact = redaction(value)

    clean = json.loads(redact.data_bytes(document.encode(), keeps_structure=True))

    bare = json.loads(value)
    assert {"key": bare, "token": bare, "password": MASK, "text": f"secret: {MASK}"} == clean
    assert f'"key": {MASK},' in redact(document)


def test_a_secret_that_occurs_in_an_exempt_path_is_redacted_only_if_it_is_random() -> None:
    """The paths of the project are exempt: a password of words that is part of them stays, with a note."""
    redact = redaction(PASSWORD, KEY)
    redact.exempt([f"/home/{PASSWORD.upper()}/{KEY}"])
    assert (f"{PASSWORD} {MASK}", 1) == (redact(f"{PASSWORD} {KEY}"), len(redact.notes()))


@pytest.mark.parametrize("value", ["http://me:p%40ss-word@proxy.test:8080", "me:p%40ss-word@proxy.test"])
def test_the_password_of_a_proxy_is_a_secret(value: str) -> None:
    """`add_environment` redacts it plain and percent-encoded; a password that is too short is only noted."""
    redact = Redaction()
    redact.add_environment({"https_proxy": value, "NO_PROXY": "a@b", "HTTP_PROXY": "http://me:xyz@a"})
    clean = redact("me p%40ss-word p@ss-word xyz")
    assert ("me", "xyz", 1) == (clean[:2], clean[-3:], len(redact.notes()))
    assert (None, "plain") == (redact.find(clean[2:-3]), redact.find("p@ss-word"))
