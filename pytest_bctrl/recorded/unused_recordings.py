"""Finds recordings that belong to no test any more, such as that of a test that was renamed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from pytest_bctrl.errors import SettingError
from pytest_bctrl.recorded.recording_path import FOLDER, SUFFIX, recording_path

_COMPLETE = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
_LIMITING_OPTIONS = ("lf", "failedfirst", "ignore", "ignore_glob", "collectonly")


def unused_recordings(
    reporter: pytest.TerminalReporter, session: pytest.Session | None, outcomes: Sequence[Mapping[str, Any]]
) -> list[Path]:
    """Return the recordings that no test of a complete run uses; none if only a part of the tests ran.

    `outcomes` are those of the tests that ran. The process that distributes tests with pytest-xdist has no tests of its
    own. It knows the recordings of those that ran, and cannot tell anything if a test was skipped or failed early.
    """
    if session is None or not _is_complete(reporter, session):
        return []
    used = {Path(outcome["path"]).resolve() for outcome in outcomes}
    folders = {_folder_of(path) for path in used}
    if session.items:
        used |= {path.resolve() for path in _recording_paths(session.items)}
        folders |= {item.path.parent / FOLDER for item in session.items}
    elif any(reporter.stats.get(kind) for kind in ("skipped", "failed", "error")):
        return []
    recordings = {path.resolve() for folder in folders for path in folder.rglob(f"*{SUFFIX}")}
    return sorted(recordings - used)


def _is_complete(reporter: pytest.TerminalReporter, session: pytest.Session) -> bool:
    """Return whether all tests of the project ran."""
    config = session.config
    has_ended = session.exitstatus in _COMPLETE and not session.shouldstop and not session.shouldfail
    is_limited = any(config.getoption(name, None) for name in _LIMITING_OPTIONS) or reporter.stats.get("deselected")
    has_collection_errors = any(isinstance(report, pytest.CollectReport) for report in reporter.stats.get("error", ()))
    is_in_rootdir = config.invocation_params.dir == config.rootpath
    names_tests = config.args_source is config.ArgsSource.ARGS
    is_whole = not names_tests and (is_in_rootdir or config.args_source is config.ArgsSource.TESTPATHS)
    return has_ended and is_whole and not is_limited and not has_collection_errors


def _folder_of(path: Path) -> Path:
    """Return the folder `recordings` that a recording is in, else the folder of the file."""
    return next((parent for parent in path.parents if parent.name == FOLDER), path.parent)


def _recording_paths(items: Iterable[pytest.Item]) -> Iterable[Path]:
    """Yield the path of the recording of each test that requests one, whether the file exists or not."""
    for item in items:
        is_recorded = {"bctrl_recording", "bctrl_runtimes"} & set(getattr(item, "fixturenames", ()))
        if is_recorded or item.get_closest_marker("bctrl_recording") is not None:
            try:
                yield recording_path(item, os.environ).path
            except SettingError:
                # The test fails with this error.
                continue
