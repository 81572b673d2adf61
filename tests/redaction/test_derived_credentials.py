"""Credentials that a run derives from a key are redacted like the key."""

from __future__ import annotations

import random

from pytest_bctrl.secrets.redaction import MASK, Redaction
from tests.test_redaction import ALPHABET, KEY, WORDS, redaction


def test_each_of_many_credentials_that_were_derived_is_redacted() -> None:
    redact, source = Redaction(), random.Random(1)
    derived = ["".join(source.choices(ALPHABET, k=30)) for _ in range(30)]
    for value in derived:
        redact.add_derived(value)
    assert " ".join([MASK] * 30) == redact(" ".join(derived))


def test_the_key_with_another_end_is_redacted_completely() -> None:
    redact = Redaction()
    redact.add(KEY)
    for value in (other := f"{KEY[:15]}0fWm3Qe8Zc1Tx6U", f"{WORDS[:15]}0fWm3", "short", ""):
        redact.add_derived(value)
    assert (MASK, f"say {MASK}", "short") == (redact(other), redact.value(f"say {WORDS[:15]}0fWm3"), redact("short"))
    assert [] == redact.notes()


def test_half_of_a_key_of_words_is_redacted_in_values() -> None:
    redact = Redaction()
    redact.add(WORDS)
    redact.add_derived(WORDS[:13])
    assert (MASK, WORDS[:13]) == (redact.value(WORDS[:13]), redact(WORDS[:13]))
    assert MASK == redaction(KEY)(KEY)
