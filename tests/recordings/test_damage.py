"""Whatever was done to a file, no test is answered from it; a whole one answers however it is asked."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

from pytest_bctrl.errors import DocumentError
from pytest_bctrl.recorded.recorded_test import RecordedTest
from pytest_bctrl.samples import response
from pytest_bctrl.traffic.recordings.exchange import Recording
from pytest_bctrl.traffic.recordings.har_write import encode
from tests.recordings.conftest import MEND, listing, recorded
from tests.recordings.test_trust import listed

SMALL = listed({"runtimes": []})
GOOD = encode(Recording((SMALL,), "mock", "2026-01-01T00:00:00Z"))


def swapped() -> bytes:
    """Two whole entries with each other's digest."""
    document = json.loads(encode(Recording((SMALL, listed(response())), "mock", "now")))
    first, second = (entry["response"]["content"] for entry in document["log"]["entries"])
    first["_bctrlSha256"], second["_bctrlSha256"] = second["_bctrlSha256"], first["_bctrlSha256"]
    return (json.dumps(document, indent=2) + "\n").encode()


def edits() -> dict[str, bytes]:
    """The file with one byte of its body changed, at each place of the body."""
    (place,) = [found.start() for found in re.finditer(re.escape(rb"{\"runtimes\":"), GOOD)]
    end = GOOD.index(b'"\n', place)
    return {
        f"edit-{at}": GOOD[:at] + bytes([GOOD[at] ^ 1]) + GOOD[at + 1 :]
        for at in range(place, end)
        if GOOD[at : at + 1] not in b'\\"'
    }


DAMAGED = {
    **{f"cut-{length}": GOOD[:length] for length in range(len(GOOD))},
    **edits(),
    "swapped": swapped(),
    "binary": bytes(range(256)) * 20,
    "binary-before": b"\x7fELF\x02\x01\x01" + GOOD,
    "binary-after": GOOD + b"\x00\x01\x02",
    "twice": GOOD + GOOD,
}


def test_no_test_is_answered_from_a_damaged_file(tmp_path: Path) -> None:
    for name, data in DAMAGED.items():
        path = tmp_path / f"{name}.har"
        path.write_bytes(data)
        with pytest.raises(DocumentError) as told:
            recorded(path)
        assert (name, MEND) == (str(told.value).partition(".har: ")[0], told.value.mend)


def over_port(recording: RecordedTest) -> bytes:
    with urllib.request.urlopen(f"{recording.url}/v1/spaces/{recording.space_id}/runtimes") as answer:
        return bytes(answer.read())


def in_turns(recording: RecordedTest) -> bytes:
    async def ask() -> bytes:
        async with recording.async_client() as client:
            return (await client.get(f"/v1/spaces/{recording.space_id}/runtimes")).content

    return anyio.run(ask)


@pytest.mark.parametrize("ask", [lambda recording: listing(recording).content, in_turns, over_port])
def test_the_whole_file_is_replayed(tmp_path: Path, ask: Callable[[RecordedTest], bytes]) -> None:
    path = tmp_path / "good.har"
    path.write_bytes(GOOD)
    recording = recorded(path)

    assert SMALL.body == ask(recording)
    recording.close()
