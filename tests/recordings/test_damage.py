"""Whatever was done to a file, no test that is answered from it passes, however it asks, and each says why once."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

import pytest

from pytest_bctrl.contract.read import load as load_contract
from pytest_bctrl.recorded.conform import sealed
from pytest_bctrl.samples import response
from pytest_bctrl.traffic.recordings.exchange import Recording
from pytest_bctrl.traffic.recordings.har_write import encode
from tests.recordings.conftest import Run
from tests.recordings.test_trust import listed

ASKING = {
    "sync": """
def test_it(bctrl_client, bctrl_space_id):
    assert bctrl_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes").is_success
""",
    "async": """
def test_it(bctrl_async_client, bctrl_space_id):
    async def ask():
        return await bctrl_async_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes")

    assert anyio.run(ask).is_success
""",
    "port": """
def test_it(bctrl_recording, bctrl_space_id):
    with urllib.request.urlopen(f"{bctrl_recording.url}/v1/spaces/{bctrl_space_id}/runtimes") as answer:
        assert answer.read()
""",
}

PROJECT = """
import urllib.request
from pathlib import Path

import anyio
import pytest

FILES = sorted(path.stem for path in Path(__file__).with_name("recordings").glob("*.har"))
MARKED = [pytest.param(name, marks=pytest.mark.bctrl_recording(name), id=name) for name in FILES]


@pytest.fixture(params=MARKED, autouse=True)
def name(request):
    return request.param

"""

SMALL = sealed(listed({"runtimes": []}), load_contract())
GOOD = encode(Recording((SMALL,), "mock", "2026-01-01T00:00:00Z"))


def swapped() -> bytes:
    """Two whole entries with each other's digest."""
    other = sealed(listed(response()), load_contract())
    document = json.loads(encode(Recording((SMALL, other), "mock", "now")))
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


def put(pytester: pytest.Pytester, files: Mapping[str, bytes], way: str) -> None:
    """Put recordings beside a module that asks in one way for each of them."""
    folder = pytester.mkdir("recordings")
    for name, data in files.items():
        (folder / f"{name}.har").write_bytes(data)
    pytester.makepyfile(test_mine=PROJECT + ASKING[way])


@pytest.mark.parametrize("way", ASKING)
def test_the_whole_file_is_replayed(pytester: pytest.Pytester, replay: Run, way: str) -> None:
    put(pytester, {"good": GOOD}, way)

    replay().assert_outcomes(passed=1)


@pytest.mark.parametrize("way", ASKING)
def test_no_damaged_file_lets_a_test_pass(pytester: pytest.Pytester, replay: Run, way: str) -> None:
    put(pytester, DAMAGED, way)

    result = replay("--tb=short", "-q")

    assert {"errors": len(DAMAGED)} == result.parseoutcomes()
    # On a CI service the short summary repeats each message, behind the test's name.
    told = re.findall(r"^bctrl recording: recordings/(\S+)\.har: (.*)$", result.stdout.str(), re.MULTILINE)
    assert sorted(DAMAGED) == sorted(name for name, _ in told)
    assert [] == [text for _, text in told if "pytest --bctrl-record-mode=rewrite --bctrl-live" not in text]
    assert "Traceback" not in result.stdout.str() + result.stderr.str()
