"""The mock's request log, and a reader that is too slow for it."""

from __future__ import annotations

import os
import threading
from dataclasses import replace

import pytest

from pytest_bctrl.cli.mock import RequestLog
from pytest_bctrl.traffic.mock.journal import Entry
from pytest_bctrl.traffic.mock.message import Answer


@pytest.mark.skipif(os.name != "posix", reason="pipes as on POSIX")
def test_what_a_slow_reader_missed_is_counted() -> None:
    """The pipe is full, 10,000 lines wait, and the rest is dropped; the last line says how many."""
    entry = Entry("GET", "/v1/" + "x" * 100, (), b"", 0.0, 200, Answer(200))
    reading, writing = os.pipe()
    log = RequestLog(writing, lambda line: line.replace("secret", "[hidden]"))
    log(replace(entry, path="/v1/secret"))
    for _ in range(12_000):
        log(entry)
    with os.fdopen(reading, encoding="utf-8") as file:
        lines: list[str] = []
        reader = threading.Thread(target=lambda: lines.extend(file))
        reader.start()
        log.close()
        os.close(writing)
        reader.join(10)

    first, *told, last = lines
    assert first.endswith("GET /v1/[hidden] -> 200\n")
    assert 10_000 <= len(told) < 12_000
    assert f"({12_000 - len(told):,} more requests, which the reader was too slow for)\n" == last
