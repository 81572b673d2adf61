"""The time for redaction is linear in the text."""

from __future__ import annotations

import base64
import random
from collections.abc import Callable
from time import process_time
from timeit import repeat

import pytest

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
