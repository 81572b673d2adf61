"""A recording that several tests share: mending it for one of them loses nothing of the others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_bctrl.traffic.recordings.har_file import load
from tests.recordings.conftest import Run

PROJECT = """
import pytest

@pytest.mark.bctrl_recording("shared")
@pytest.mark.parametrize("number", range(4))
def test_s(bctrl_client, bctrl_space_id, number):
    assert bctrl_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes").status_code == 200
"""

REWRITE = "--bctrl-record-mode=rewrite"


@pytest.fixture
def shared(pytester: pytest.Pytester, replay: Run) -> Path:
    """A file with an exchange of each of four tests, which all ask for the same."""
    pytester.makepyfile(test_r=PROJECT)
    replay("--bctrl-record-mode=once").assert_outcomes(passed=4)
    return pytester.path / "recordings" / "shared.har"


def edit(path: Path, test: str) -> None:
    """Change the recorded body of one test by hand."""
    document = json.loads(path.read_text("utf-8"))
    (entry,) = [one for one in document["log"]["entries"] if one["_bctrlTest"] == test]
    entry["response"]["content"]["text"] += " "
    path.write_text(json.dumps(document, indent=2) + "\n", "utf-8")


def held(path: Path) -> list[str]:
    found = load(path)
    assert found is not None
    return [one.test for one in found.exchanges]


def test_mending_the_edited_entry_keeps_all_others(shared: Path, replay: Run) -> None:
    edit(shared, "test_r.py::test_s[3]")
    broken = replay("--tb=short")
    broken.assert_outcomes(errors=4)
    broken.stdout.fnmatch_lines(["*shared.har: entry 4 of 4 (test_r.py::test_s[[]3]), GET *"])

    mended = replay(REWRITE, "test_r.py::test_s[3]")

    mended.assert_outcomes(passed=1)
    assert [f"test_r.py::test_s[{number}]" for number in range(4)] == held(shared)
    assert [shared] == list(shared.parent.iterdir())
    replay().assert_outcomes(passed=4)


def test_another_tests_broken_entry_is_set_aside_and_named(shared: Path, replay: Run) -> None:
    edit(shared, "test_r.py::test_s[3]")
    before = shared.read_bytes()

    mended = replay(REWRITE, "test_r.py::test_s[1]")

    mended.assert_outcomes(passed=1)
    mended.stdout.fnmatch_lines(
        ["set aside: recordings/shared.har, now shared.har.broken: *not kept: test_r.py::test_s[[]3]"]
    )
    assert before == shared.with_name("shared.har.broken").read_bytes()
    assert [f"test_r.py::test_s[{number}]" for number in range(3)] == held(shared)
    # And the one that lost its own is not answered from another's.
    lost = replay()
    lost.assert_outcomes(passed=3, failed=1)
    lost.stdout.fnmatch_lines(["*record it pytest *-m \"not bctrl_contract\" 'test_r.py::test_s[[]3]'"])


def test_a_test_without_exchanges_of_its_own_plays_what_is_shared(shared: Path, replay: Run) -> None:
    """It is new, or was renamed."""
    suite = shared.parent.parent / "test_r.py"
    suite.write_text(suite.read_text().replace("def test_s(", "def test_renamed("))

    replay().assert_outcomes(passed=4)


def test_a_file_without_its_last_line_end_keeps_its_entries(shared: Path, replay: Run) -> None:
    shared.write_bytes(shared.read_bytes().removesuffix(b"\n"))

    replay(REWRITE, "test_r.py::test_s[1]").assert_outcomes(passed=1)

    assert 4 == len(held(shared))


def test_a_file_that_cannot_be_read_is_set_aside_each_time_under_a_free_name(shared: Path, replay: Run) -> None:
    whole = shared.read_bytes()
    for name, cut in (("shared.har.broken", 700), ("shared.har.broken-2", 900)):
        shared.write_bytes(whole[:cut])

        mended = replay(REWRITE, "test_r.py::test_s[1]")

        mended.stdout.fnmatch_lines([f"set aside: recordings/shared.har, now {name}: nothing in it could be read*"])
        assert whole[:cut] == shared.with_name(name).read_bytes()
        assert ["test_r.py::test_s[1]"] == held(shared)
