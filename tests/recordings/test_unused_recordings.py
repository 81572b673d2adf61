"""A complete run names the recordings that no test uses; any other run names none."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.recordings.conftest import Run

TESTS = """
import pytest

def listed(bctrl_client, bctrl_space_id):
    assert bctrl_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes").is_success

@pytest.mark.bctrl_recording
def test_first(bctrl_client, bctrl_space_id):
    listed(bctrl_client, bctrl_space_id)

@pytest.mark.bctrl_recording
def test_second(bctrl_client, bctrl_space_id):
    listed(bctrl_client, bctrl_space_id)
"""
LINE = "no test uses it: recordings/test_mine/test_renamed.har; delete it"


@pytest.fixture
def project(pytester: pytest.Pytester, replay: Run) -> Path:
    """Return the folder of the recordings of two tests, with a third recording that belongs to no test."""
    pytester.makepyfile(test_mine=TESTS)
    replay("--bctrl-record-mode=once").assert_outcomes(passed=2)
    folder = pytester.path / "recordings" / "test_mine"
    shutil.copy(folder / "test_first.har", folder / "test_renamed.har")
    return folder


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("arguments", [(), ("-n", "2")], ids=["alone", "workers"])
def test_complete_run_names_the_recording(replay: Run, arguments: tuple[str, ...]) -> None:
    """The summary names the recording that no test uses once, also with workers."""
    result = replay(*arguments)
    result.assert_outcomes(passed=2)
    assert 1 == result.stdout.lines.count(LINE)


@pytest.mark.usefixtures("project")
def test_recording_of_a_skipped_test_is_used(pytester: pytest.Pytester, replay: Run) -> None:
    """A run names only the recording of no test; on workers, a run with a skipped test names none."""
    skipped = TESTS.replace("def test_second", '@pytest.mark.skip("not today")\ndef test_second')
    pytester.makepyfile(test_mine=skipped)
    assert [LINE] == [line for line in replay().stdout.lines if line.startswith("no test uses it")]
    assert LINE not in replay("-n", "2").stdout.lines


@pytest.mark.usefixtures("project")
def test_recording_of_a_removed_test_file_is_named(pytester: pytest.Pytester, replay: Run, project: Path) -> None:
    """The three recordings in the folder of a test file that does not exist are named, besides that of no test."""
    shutil.copytree(project, project.parent / "test_gone")
    lines = [line for line in replay().stdout.lines if line.startswith("no test uses it")]
    assert 4 == len(lines)


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    "arguments",
    [
        ("-k", "first"),
        ("test_mine.py",),
        ("--lf",),
        ("--ignore=elsewhere",),
        ("--deselect", "test_mine.py::test_first"),
    ],
)
def test_a_run_of_some_tests_names_no_unused_recording(replay: Run, arguments: tuple[str, ...]) -> None:
    """Selected by `-k`, a path, `--lf`, `--ignore` or `--deselect`."""
    assert LINE not in replay(*arguments).stdout.lines


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    "source", ["raise ValueError", "def test_a():\n    raise ValueError\n\ndef test_b():\n    pass"]
)
def test_a_run_that_ended_early_names_no_unused_recording(pytester: pytest.Pytester, replay: Run, source: str) -> None:
    pytester.makepyfile(test_other=source)
    assert LINE not in replay("-x", "--continue-on-collection-errors").stdout.lines


@pytest.mark.usefixtures("project")
def test_a_run_in_a_folder_of_the_project_names_no_unused_recording(
    pytester: pytest.Pytester, replay: Run, monkeypatch: pytest.MonkeyPatch, project: Path
) -> None:
    """The rootdir is the folder above."""
    pytester.makeini("[pytest]")
    inner = pytester.mkdir("inner")
    shutil.move(pytester.path / "test_mine.py", inner)
    shutil.move(project.parent, inner)
    monkeypatch.chdir(inner)
    result = replay()
    result.assert_outcomes(passed=2)
    result.stdout.no_fnmatch_line("no test uses it*")


@pytest.mark.usefixtures("project")
def test_a_run_of_a_test_with_an_invalid_mark_names_the_unused_recording(
    pytester: pytest.Pytester, replay: Run
) -> None:
    """The test with the mark `bctrl_recording(1)` is an error; the other two pass."""
    wrong = TESTS + "\n@pytest.mark.bctrl_recording(1)\ndef test_third(bctrl_client):\n    pass\n"
    pytester.makepyfile(test_mine=wrong)
    result = replay()
    result.assert_outcomes(passed=2, errors=1)
    assert LINE in result.stdout.lines
