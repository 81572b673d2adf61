"""A response of 1 MB that decodes to 1 GB is an error that names the limit, and takes less than 300 MB of memory."""

from __future__ import annotations

import gzip
import sys
import zlib
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import brotli
import httpx
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from pytest_bctrl.errors import DocumentError
from pytest_bctrl.files.limits import TooLargeError
from pytest_bctrl.http import codings
from pytest_bctrl.recorded.recording_session import RecordingTarget
from pytest_bctrl.traffic.recordings import har_file
from tests.recordings.conftest import recorded
from tests.recordings.recorded_exchange import recorded_exchange
from tests.traffic.servers import Server

from .bombs import BOMBS, HARMLESS
from .bombs import body as bomb
from .child import MEMORY, JobResult, run

CLIENTS = ("get", "stream", "async")
LARGE = "the response is larger than 64 MiB"
DECODED = "the response is larger than 64 MiB when decoded"


@pytest.fixture(scope="session")
def ran_clients(hostile: Server, tmp_path_factory: pytest.TempPathFactory) -> dict[str, JobResult]:
    """Return the result of each client for each body, by `CLIENT BODY`."""
    folder = tmp_path_factory.mktemp("clients")
    # The peak memory of a job includes those before it, and a harmless body may take more memory than a bomb may.
    names = [*BOMBS, *HARMLESS]
    jobs = {f"{client} {name}": (client, f"{hostile.url}/{name}") for name in names for client in CLIENTS}
    return run(jobs, folder, {})


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("name", BOMBS)
def test_a_decompression_bomb_is_an_error_with_little_memory(
    ran_clients: dict[str, JobResult], client: str, name: str
) -> None:
    ran = ran_clients[f"{client} {name}"]
    words = {"plain": LARGE, "frames": "the response has too many zstd frames"}.get(name, DECODED)
    assert (2, words) == (ran.code, ran.err.strip().rpartition(": ")[2])
    assert ran.peak < MEMORY


@pytest.mark.parametrize(("name", "size"), {"lists": 60_000_003, "members": 0, "members-large": 2}.items())
def test_a_response_within_the_limit_is_received(ran_clients: dict[str, JobResult], name: str, size: int) -> None:
    """By each client: 60 MB of lists, and several gzip members."""
    assert [(0, f"{size}\n")] * 3 == [
        (ran_clients[f"{client} {name}"].code, ran_clients[f"{client} {name}"].out) for client in CLIENTS
    ]


@pytest.mark.parametrize(
    ("name", "words"),
    {
        **dict.fromkeys(["gzip", "upper", "zlib", "deflate", "twice", "mixed", "members-large"], DECODED),
        "members": "the response has too many gzip members",
        "br": "the coding 'br' was not requested",
    }.items(),
)
def test_strict_decoding_stops_at_the_limit_and_returns_the_body_unchanged(name: str, words: str) -> None:
    """It also returns the reason, for each coding of a decompression bomb."""
    body, coding = bomb(name)
    assert (body, words) == codings.decode_strictly(body, coding)


@given(body=st.binary(max_size=200), data=st.data())
def test_require_unpackable_measures_at_least_what_httpx_decodes(body: bytes, data: st.DataObject) -> None:
    """It raises if the limit is one byte below the size to which httpx decodes a body.

    However a body is compressed, mislabelled or truncated.
    """
    packers = {"gzip": gzip.compress, "deflate": zlib.compress, "br": brotli.compress, "zstd": zstandard.compress}
    names = data.draw(st.lists(st.sampled_from([*packers, "identity", "x-gzip", "none-such"]), max_size=4))
    for coding in data.draw(st.permutations(names)):
        body = packers.get(coding, bytes)(body)
    body = body[: data.draw(st.integers(0, len(body)))] if data.draw(st.booleans()) else body
    with suppress(httpx.DecodingError):
        decoded = httpx.Response(200, headers={"Content-Encoding": ", ".join(names)}, content=body).content
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(codings, "MOST", len(decoded) - 1)
            if decoded and decoded != body:
                with pytest.raises(TooLargeError):
                    codings.require_unpackable(body, ", ".join(names))


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "none-such"])
def test_a_broken_coding_is_left_to_httpx(coding: str) -> None:
    """`require_unpackable` raises no error for bytes that are not in the coding."""
    codings.require_unpackable(b"\xff\xff\xff\xff broken", coding)


def test_a_brotli_version_without_limits_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """With an older version, `require_unpackable` raises an error that names the required one."""
    old = SimpleNamespace(Decompressor=lambda: SimpleNamespace(process=lambda raw: raw), error=brotli.error)
    monkeypatch.setitem(sys.modules, "brotli", old)
    with pytest.raises(TooLargeError, match=r"brotli 1\.2 or newer"):
        codings.require_unpackable(b"anything", "br")


def test_recording_stops_at_16_mib(hostile: Server, tmp_path: Path) -> None:
    """After two responses of 6 MiB, the third one raises `DocumentError`."""
    test = recorded(tmp_path / "x.har", aim=RecordingTarget(f"{hostile.url}/six", None, "1", live=True))
    with test.client() as client:
        assert [200, 200] == [client.get("/").status_code for _ in range(2)]
        with pytest.raises(DocumentError, match=r"x\.har: its responses are larger than 16 MiB in all"):
            client.get("/")


def test_a_recording_too_large_to_read_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(har_file, "MOST", 1_000)
    exchange = recorded_exchange("GET", "https://h/", 200, body=bytes(1_000))
    with pytest.raises(DocumentError, match="it would be larger than"):
        har_file.save(tmp_path / "x.har", "t", [exchange], "live", "")
    assert [] == list(tmp_path.iterdir())


TESTS = """
import pytest

def path(space):
    return f"/v1/spaces/{space}/runtimes"

def test_sync(bctrl_client, bctrl_space_id):
    bctrl_client.get(path(bctrl_space_id))

@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_async(bctrl_async_client, bctrl_space_id):
    await bctrl_async_client.get(path(bctrl_space_id))

@pytest.mark.bctrl_recording("kept")
def test_recorded(bctrl_client, bctrl_space_id):
    bctrl_client.get(path(bctrl_space_id))

@pytest.mark.bctrl_recording("kept")
def test_port(bctrl_recording, bctrl_space_id):
    import urllib.request
    urllib.request.urlopen(bctrl_recording.url + path(bctrl_space_id))

def test_of_nothing():
    pass
"""


EARLIER = '{"log": {"version": "1.2", "creator": {"name": "a test", "version": "1"}, "entries": []}}'
"""A valid recording without exchanges."""


def test_a_run_against_a_decompression_bomb_ends_normally(hostile: Server, tmp_path: Path) -> None:
    """`doctor`, the suite and recording tests fail with the limit; an earlier recording stays, memory is limited."""
    earlier = tmp_path / "recordings" / "kept.har"
    earlier.parent.mkdir()
    earlier.write_text(EARLIER)
    (tmp_path / "test_mine.py").write_text(TESTS)
    live = {"BCTRL_API_KEY": "key-of-nobody", "BCTRL_SPACE_ID": "1", "BCTRL_BASE_URL": f"{hostile.url}/gzip"}
    options = ("--bctrl-live", "--bctrl-record-mode=rewrite", "-p", "no:randomly", "--tb=line")
    jobs = {
        "doctor": ("main", "doctor"),
        "suite": ("pytest", "--bctrl-live", "-k", "conforms", "bctrl"),
        "mine": ("pytest", *options),
    }
    ran = run(jobs, tmp_path, live)

    assert [2, 1, 1] == [process.code for process in ran.values()]
    assert f"the target sends too much: {DECODED}" in ran["doctor"].out
    assert f"the target sends too much: {DECODED}" in ran["suite"].out
    assert "4 failed, 1 passed" in ran["mine"].out, ran["mine"].out
    assert EARLIER == earlier.read_text()
    assert ran["mine"].peak < MEMORY
