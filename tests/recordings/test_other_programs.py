"""Recordings and other programs: the mock command replays them, and Schemathesis's own files are read."""

from __future__ import annotations

import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from pytest_bctrl.contract.files import packaged
from pytest_bctrl.contract.read import load
from pytest_bctrl.samples.sample import SPACE_ID
from pytest_bctrl.traffic.mock import MockServer
from pytest_bctrl.traffic.recordings.exchange import Recording
from pytest_bctrl.traffic.recordings.har_file import load as load_recording
from pytest_bctrl.traffic.recordings.har_write import encode
from tests.mock.test_command_line import running
from tests.recordings.test_trust import listed


def test_the_mock_command_replays_a_recording_byte_for_byte(tmp_path: Path) -> None:
    (tmp_path / "x.har").write_bytes(encode(Recording((listed(),))))
    with running(tmp_path, "--recording", str(tmp_path / "x.har"), "--quiet") as mock:
        with urllib.request.urlopen(f"{mock.url}/v1/spaces/{SPACE_ID}/runtimes") as answer:
            assert listed().body == answer.read()
        with pytest.raises(urllib.error.HTTPError, match="421") as caught:
            urllib.request.urlopen(f"{mock.url}/v1/other")
        with caught.value:
            assert b"no answer is recorded for this request" in caught.value.read()


def test_what_schemathesis_writes_is_read_and_checked(tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("schemathesis")
    path = tmp_path / "st.har"
    with MockServer(load()) as mock:
        options = ["--report", "har", "--phases", "fuzzing", "-H", f"Authorization: Bearer {mock.api_key.reveal()}"]
        subprocess.run(
            [program, "run", packaged().merged, "--url", mock.url, "--report-har-path", path, "-n", "5", *options],
            capture_output=True,
            check=True,
            cwd=tmp_path,
        )
    found = load_recording(path)

    assert found is not None
    assert not found.is_ours
    assert {404} == {exchange.status for exchange in found.exchanges}
    checked = subprocess.run([sys.executable, "-m", "pytest_bctrl", "check", path], capture_output=True, check=False)
    assert 0 == checked.returncode
