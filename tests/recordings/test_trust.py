"""A broken, leaking or nonconforming recording never lets a test pass."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from pytest_bctrl import assert_conforms
from pytest_bctrl.errors import DocumentError, SettingError
from pytest_bctrl.http.exchange import Exchange
from pytest_bctrl.recorded.recording_path import recording_path
from pytest_bctrl.samples import SPACE_ID, response
from pytest_bctrl.secrets.secret import Secret
from pytest_bctrl.traffic.mock import MockServer
from pytest_bctrl.traffic.recordings.guard import LeakError
from pytest_bctrl.traffic.recordings.har_write import Recording, encode
from pytest_bctrl.traffic.recordings.replay import Miss
from tests.recordings.conftest import CONTRACT, Run, listing, recorded
from tests.recordings.recorded_exchange import recorded_exchange

PROJECT = """
import pytest


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.bctrl_recording("{name}"{more})
def test_{name}(bctrl_client, bctrl_space_id, number):
    assert bctrl_client.get(f"/v1/spaces/{{bctrl_space_id}}/runtimes").status_code
"""


def listed(body: Any = None, **fields: Any) -> Exchange:
    """Return a recorded exchange that lists runtimes, by default a conforming one."""
    url = f"http://localhost:8787/v1/spaces/{SPACE_ID}/runtimes"
    content = json.dumps(response() if body is None else body).encode()
    return recorded_exchange("GET", url, 200, (("Content-Type", "application/json"),), content, **fields)


def broken(item: int = 0) -> dict[str, Any]:
    """Return a body whose runtime at this position has an undocumented status."""
    body = response()
    body["runtimes"][item]["status"] = "archived"
    return body


def test_a_run_reports_the_problem_of_each_recording(pytester: pytest.Pytester, replay: Run) -> None:
    """A nonconforming one is an error unless intended, a missing one fails the test, and a stale one is named.

    A replay needs no secrets.
    """
    folder = pytester.mkdir("recordings")
    for name, exchange, text in (
        ("broken", listed(broken()), ""),
        ("kept", listed(broken()), ", conforming=False"),
        ("stale", listed(contract="0" * 64), ""),
        ("none", None, ""),
    ):
        pytester.makepyfile(**{f"test_{name}": PROJECT.format(name=name, more=text)})
        if exchange is not None:
            (folder / f"{name}.har").write_bytes(encode(Recording((exchange,))))
    pytester.makeini("[pytest]\nbctrl_secrets = $SURELY_NOT_SET\n")

    result = replay("-n", "2")

    result.assert_outcomes(passed=4, failed=2, errors=2)
    result.stdout.fnmatch_lines_random(
        [
            "bctrl recording: recordings/broken.har: entry 1 of 1, GET /v1/spaces/*: it breaks the contract: 1 error: "
            "response_schema_conformance at runtimes[[]*].status*",
            "*to keep it on purpose: bctrl_recording(name, conforming=False)*",
            "*recorded  nothing",
            "*record it pytest --bctrl-record-mode=rewrite*test_none.py::test_none*",
        ]
    )
    assert 1 == result.stdout.str().count("stale: recordings/stale.har was recorded under another contract")
    assert {"broken.har", "kept.har", "stale.har"} == {path.name for path in folder.iterdir()}


@pytest.fixture
def mock() -> Any:
    """Yield a running mock, from which tests record."""
    with MockServer(CONTRACT) as server:
        yield server


def test_a_nonconforming_response_is_not_recorded_unless_intended(mock: MockServer, tmp_path: Path) -> None:
    """`finish` raises and writes nothing; with `conforming=False` it is recorded and replayed."""
    mock.fault("break_rule", "runtimes[*].status")
    recording = recorded(tmp_path / "x.har", mock=mock)
    assert 200 == listing(recording).status_code
    with pytest.raises(DocumentError, match="it breaks the contract: "):
        recording.finish()
    assert [] == list(tmp_path.iterdir())

    on_purpose = recorded(tmp_path / "x.har", mock=mock, conforming=False)
    listing(on_purpose)
    on_purpose.finish()
    assert on_purpose.was_written
    assert 200 == listing(recorded(tmp_path / "x.har", conforming=False)).status_code


def test_a_response_with_a_secret_is_an_error_and_not_recorded(mock: MockServer, tmp_path: Path) -> None:
    mock.runtimes = [{**mock.runtimes[0], "name": "tok-1234567890"}]
    recording = recorded(tmp_path / "x.har", mock=mock, secrets=(Secret("another"), Secret("tok-1234567890")))
    listing(recording)

    with pytest.raises(LeakError, match=r"a secret is in the response body at runtimes\[0\]\.name \(plain\), and") as e:
        recording.finish()
    assert "1234567890" not in str(e.value)
    assert [] == list(tmp_path.iterdir())


def test_scrubbed_recordings_are_replayed_with_their_own_space_id(mock: MockServer, tmp_path: Path) -> None:
    """The file lacks the space id, and the replayed response conforms; recording it again changes nothing."""
    for is_first in (True, False):
        recording = recorded(tmp_path / "x.har", mock=mock, scrub_ids=True)
        listing(recording)
        recording.finish()
        assert is_first == recording.was_written
    assert SPACE_ID not in recording.path.read_text("utf-8")

    assert_conforms(listing(recorded(tmp_path / "x.har")), fail_on="info")


KEY = "sk/live+4fL0pQ8vT2xZk9Wd"


# The digits that base64 shares between the key and what is next to it stay: each shows half a character at most.
@pytest.mark.parametrize(
    ("encoded", "shown"),
    [
        (KEY, "[redacted]"),
        (quote(KEY, safe=""), "[redacted]"),
        (base64.urlsafe_b64encode(f"x{KEY}".encode()).decode(), "eH[redacted]A=="),
    ],
    ids=["plain", "URL-encoded", "base64"],
)
def test_a_key_in_an_unrecorded_request_is_redacted(tmp_path: Path, encoded: str, shown: str) -> None:
    missed = recorded(tmp_path / "x.har", secrets=(Secret(KEY),)).player.response("GET", f"/v1/x?token={encoded}")

    assert isinstance(missed, Miss)
    assert f"requested GET /v1/x?token={shown}\n" in missed.text
    assert encoded not in missed.text


def test_an_invalid_recording_mark_is_an_error(pytester: pytest.Pytester) -> None:
    """Its name is a path above the folder, a number or has a null character, or an argument is unknown or invalid."""
    marks = ('"../up"', '"a", other=1', '"a", conforming="no"', "7", r'"a\0b"')
    items = pytester.getitems(
        "import pytest\n"
        + "\n".join(f"@pytest.mark.bctrl_recording({mark})\ndef test_{n}(): ..." for n, mark in enumerate(marks))
    )
    assert len(marks) == len(items)
    for item in items:
        with pytest.raises(SettingError, match="bctrl_recording: "):
            recording_path(item, {})
