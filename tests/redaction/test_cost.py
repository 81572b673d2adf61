"""The time for redaction is linear in the text, and the decoding of text is limited."""

from __future__ import annotations

import base64
import random
from collections.abc import Callable
from time import process_time
from timeit import repeat

import pytest

from pytest_bctrl.secrets.redaction import MASK
from tests.test_redaction import ALPHABET, KEY, redaction

BLOCKS: dict[str, Callable[[random.Random], str]] = {
    "a run of letters": lambda source: f"path /{'a' * 1000}?",
    "random": lambda source: "".join(source.choices(ALPHABET, k=1000)),
    "percent-encoded": lambda source: "".join(f"%{byte:02X}" for byte in source.randbytes(333)),
    "base64": lambda source: base64.b64encode(source.randbytes(750)).decode(),
    "escaped": lambda source: "".join(f"\\u{byte:04x}" for byte in source.randbytes(166)),
    "half of the key": lambda source: f"{KEY[:15]} " * 60,
    "the key": lambda source: f"{KEY} " * 30,
}


@pytest.mark.parametrize("block", BLOCKS)
def test_the_time_for_redaction_is_linear_in_the_text(block: str) -> None:
    """Ten times the text takes less than fifty times as long."""
    source = random.Random(28)

    def time_for(blocks: int) -> float:
        text = "".join(BLOCKS[block](source) for _ in range(blocks))
        redact = redaction(KEY)
        redact("compiled")
        return min(repeat(lambda: redact(text), timer=process_time, number=1, repeat=3))

    assert time_for(400) < 50 * time_for(40)


def test_an_encoded_secret_is_found_anywhere_in_a_long_text() -> None:
    """Two encoded keys in several MB of short words are masked, with the padding that follows the second."""
    encoded = base64.b32encode(KEY.encode()).decode()
    words = f"{'-' * 40} tests/redaction/test_promises.py " * 20_000
    clean = redaction(KEY)(f"{words}{encoded} {words}{encoded}======")
    assert f"{words}{MASK} {words}{MASK}" == clean


def test_the_size_of_decoded_text_is_limited() -> None:
    """After much text that looks encoded, an encoded key is redacted only if that word was decoded before."""
    source = random.Random(1)
    noise = "".join(source.choices(ALPHABET, k=1 << 17))
    encoded, other = (base64.b32encode(f"{KEY}{end}".encode()).decode() for end in ("", " other"))
    # A word that was decoded before is redacted everywhere.
    assert f"{MASK} {noise} {other} {MASK}" == redaction(KEY)(f"{encoded} {noise} {other} {encoded}")
    assert f"{noise} {other} {encoded}" == redaction(KEY)(f"{noise} {other} {encoded}")
