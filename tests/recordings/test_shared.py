"""A recording that several tests share: recording one of them again keeps the entries of the others."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_bctrl.errors import DocumentError
from pytest_bctrl.recorded.recording_session import RecordingTarget
from pytest_bctrl.samples.space_id import SPACE_ID
from pytest_bctrl.traffic.recordings.har_file import load, save
from tests.recordings.conftest import recorded
from tests.recordings.test_trust import listed

TESTS = [f"t[{number}]" for number in range(4)]


def record_again(path: Path, test: str) -> bool:
    """Save another exchange for a test, with status 203; return whether the file changed."""
    return save(path, test, [replace(listed(), test=test, reason="again", status=203)], "mock", "now")


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """Return a file with one exchange for each of four tests, all of which send the same request."""
    path = tmp_path / "recordings" / "shared.har"
    for test in TESTS:
        save(path, test, [listed(test=test)], "mock", "now")
    return path


def edit(path: Path, test: str) -> None:
    """Append a blank to the recorded body of a test."""
    document = json.loads(path.read_text("utf-8"))
    (entry,) = [entry for entry in document["log"]["entries"] if entry["_bctrlTest"] == test]
    entry["response"]["content"]["text"] += " "
    path.write_text(json.dumps(document, indent=2) + "\n", "utf-8")


def recorded_tests(path: Path) -> list[str]:
    """Return the test of each exchange in a file."""
    recording = load(path)
    assert recording is not None
    return [exchange.test for exchange in recording.exchanges]


@pytest.mark.parametrize("test", [TESTS[1], TESTS[3]], ids=["another test", "the test of the edited entry"])
def test_an_edited_entry_is_an_error_and_nothing_is_overwritten(shared: Path, test: str) -> None:
    edit(shared, TESTS[3])
    before = shared.read_bytes()
    with pytest.raises(DocumentError, match=r"shared\.har: entry 4 of 4 \(t\[3\]\), GET "):
        recorded(shared, TESTS[0])
    with pytest.raises(DocumentError, match=r"shared\.har: entry 4 of 4 \(t\[3\]\), GET .*restore it, or delete it"):
        record_again(shared, test)

    assert before == shared.read_bytes()
    assert [shared] == list(shared.parent.iterdir())


def test_an_edit_that_removes_the_format_marks_loses_no_entry(shared: Path) -> None:
    """Recording a test again is an error that leaves the file as it is."""
    document = json.loads(shared.read_text("utf-8"))
    del document["log"]["_bctrlFormat"]
    document["log"]["creator"]["name"] = "another program"
    shared.write_text(json.dumps(document), "utf-8")
    before = shared.read_bytes()
    with pytest.raises(DocumentError, match=r"shared\.har: it has recordings of other tests.*it was edited"):
        record_again(shared, TESTS[1])
    assert before == shared.read_bytes()


def test_recording_one_test_again_keeps_the_entries_of_the_others(shared: Path) -> None:
    before = load(shared)

    assert record_again(shared, TESTS[1])

    after = load(shared)
    assert before is not None
    assert after is not None
    assert TESTS == [exchange.test for exchange in after.exchanges]
    assert [200, 203, 200, 200] == [exchange.status for exchange in after.exchanges]
    assert before.exchanges[2:] == after.exchanges[2:]


def test_a_test_without_its_own_entries_replays_all_entries(shared: Path) -> None:
    """It is new, or was renamed; a test with entries replays only these."""
    assert TESTS == [exchange.test for exchange in recorded(shared, "renamed").exchanges]
    assert TESTS[2:3] == [exchange.test for exchange in recorded(shared, TESTS[2]).exchanges]


def test_a_file_without_a_final_newline_keeps_its_entries(shared: Path) -> None:
    """None is lost when one of its tests is recorded again."""
    shared.write_bytes(shared.read_bytes().removesuffix(b"\n"))

    record_again(shared, TESTS[1])

    assert TESTS == recorded_tests(shared)


def test_a_truncated_file_is_an_error_before_any_request(shared: Path) -> None:
    shared.write_bytes(shared.read_bytes()[:700])

    with pytest.raises(DocumentError, match=r"it is not JSON, or was cut: .*restore it, or delete it and record again"):
        recorded(shared, TESTS[1], aim=RecordingTarget("http://127.0.0.1:9", None, SPACE_ID, live=False))
