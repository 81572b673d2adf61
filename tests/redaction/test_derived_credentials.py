"""Credentials that are derived from a key are redacted as a whole, unless they are public."""

from __future__ import annotations

import random

from pytest_bctrl.secrets.redaction import MASK, Redaction
from tests.test_redaction import ALPHABET, KEY, redaction


def test_each_of_many_credentials_that_were_derived_is_redacted() -> None:
    """A text of 30 derived values, each in its plain form, becomes 30 masks."""
    redact, source = Redaction(), random.Random(1)
    derived = ["".join(source.choices(ALPHABET, k=30)) for _ in range(30)]
    for value in derived:
        redact.add_derived(value)
    assert " ".join([MASK] * 30) == redact(" ".join(derived))


def test_a_derived_credential_is_redacted_completely() -> None:
    """A value passed to `add_derived` is masked as a whole, even if it resembles the key; a short one is ignored."""
    redact = redaction(KEY)
    changed = f"{KEY[:4]}!{KEY[5:7]}!{KEY[8:11]}!{KEY[12:]}"
    redact.add_derived(changed)
    redact.add_derived("short")
    assert (MASK, "short") == (redact(changed), redact("short"))


def test_the_words_of_a_random_key_are_not_a_derived_credential() -> None:
    """A header may have these words in its name."""
    redact = redaction("shop_key_0123456789abcdef")
    redact.add_derived("shop_key")
    redact.add_derived("coat_key")
    assert ("X-Shop-Key", f"X-{MASK}") == (redact("X-Shop-Key"), redact("X-Coat-Key"))
