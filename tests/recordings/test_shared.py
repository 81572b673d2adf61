"""A recording that several tests share: recording it again for one of them loses nothing of the others."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_bctrl.errors import DocumentError
from pytest_bctrl.recorded.place import summary
from pytest_bctrl.traffic.recordings.har_file import Saved, load, save
from pytest_bctrl.traffic.recordings.replay import Miss
from tests.recordings.conftest import recorded
from tests.recordings.test_trust import listed

TESTS = [f"t[{number}]" for number in range(4)]


def again(path: Path, test: str) -> Saved:
    """Record one test, with another body than before."""
    return save(path, test, [replace(listed(), test=test, reason="again", status=203)], "mock", "now")


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """A file with an exchange of each of four tests, which all ask for the same."""
    path = tmp_path / "recordings" / "shared.har"
    for test in TESTS:
        save(path, test, [listed(test=test)], "mock", "now")
    return path


def edit(path: Path, test: str) -> None:
    """Change the recorded body of one test by hand."""
    document = json.loads(path.read_text("utf-8"))
    (entry,) = [entry for entry in document["log"]["entries"] if entry["_bctrlTest"] == test]
    entry["response"]["content"]["text"] += " "
    path.write_text(json.dumps(document, indent=2) + "\n", "utf-8")


def held(path: Path) -> list[str]:
    contract = load(path)
    assert contract is not None
    return [exchange.test for exchange in contract.exchanges]


def told(path: Path, saved: Saved) -> str:
    """What the end of a run says."""
    one = {"path": str(path), "used": [], "unused": [], "stale": False, "written": saved.was_written}
    return "\n".join(summary([{**one, "aside": str(saved.aside or ""), "dropped": list(saved.dropped)}]))


def test_recording_the_edited_entry_again_keeps_all_others(shared: Path) -> None:
    edit(shared, TESTS[3])
    with pytest.raises(DocumentError, match=r"shared\.har: entry 4 of 4 \(t\[3\]\), GET "):
        recorded(shared, TESTS[0])

    assert again(shared, TESTS[3]).aside is None
    assert TESTS == held(shared)
    assert [shared] == list(shared.parent.iterdir())


def test_another_tests_broken_entry_is_set_aside_and_named(shared: Path) -> None:
    edit(shared, TESTS[3])
    before = shared.read_bytes()

    saved = again(shared, TESTS[1])

    assert "/shared.har, now shared.har.broken: broken entries, not kept: t[3]\n" in told(shared, saved)
    assert before == shared.with_name("shared.har.broken").read_bytes()
    assert TESTS[:3] == held(shared)
    # And the one that lost its own is not answered from another's.
    lost = recorded(shared, TESTS[3]).player.response("GET", listed().target)
    assert isinstance(lost, Miss)
    assert "record it pytest --bctrl-record-mode=rewrite" in lost.text


def test_a_test_without_exchanges_of_its_own_plays_what_is_shared(shared: Path) -> None:
    """It is new, or was renamed."""
    assert TESTS == [exchange.test for exchange in recorded(shared, "renamed").exchanges]
    assert TESTS[2:3] == [exchange.test for exchange in recorded(shared, TESTS[2]).exchanges]


def test_a_file_without_its_last_line_end_keeps_its_entries(shared: Path) -> None:
    shared.write_bytes(shared.read_bytes().removesuffix(b"\n"))

    again(shared, TESTS[1])

    assert TESTS == held(shared)


def test_a_file_that_cannot_be_read_is_set_aside_each_time_under_a_free_name(shared: Path) -> None:
    whole = shared.read_bytes()
    for name, cut in (("shared.har.broken", 700), ("shared.har.broken-2", 900)):
        shared.write_bytes(whole[:cut])

        saved = again(shared, TESTS[1])

        assert f"/shared.har, now {name}: nothing in it could be read" in told(shared, saved)
        assert whole[:cut] == shared.with_name(name).read_bytes()
        assert TESTS[1:2] == held(shared)
