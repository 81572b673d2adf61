"""Every error that a person meets, by the mistake that makes it: the whole text, with its hint.

A new error is not forgotten: each call that makes one is triggered here, or is listed below with where it is held.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import pytest

from pytest_bctrl.contract.files import packaged
from pytest_bctrl.errors import BctrlError

from .error_makers import KEY
from .error_sites import PACKAGE, Site, sites
from .error_triggers import TRIGGERS

TESTS = Path(__file__).parent

MESSAGES = dict(line.split(" => ", 1) for line in (TESTS / "error_messages.txt").read_text("utf-8").splitlines())
"""What each mistake is told, in full."""

HELD_BY = {
    "contract/bundle.py: f'what it refers to is larger than {size(DOC": "contract/test_bundle.py",
    "contract/paging_read.py: problem[0]": "contract/test_paging.py",
    "traffic/mock/faults.py: reasons[0]": "mock/test_pages.py",
    'traffic/mock/control.py: "it is the server\'s own"': "mock/test_spaces.py",
    "traffic/mock/control.py: f'the contract has {claimed[0]}'": "mock/test_spaces.py",
    "traffic/mock/data.py: \"no property of an item has a state 'active'": "mock/test_spaces.py",
    "traffic/mock/control.py: found[0].message": "mock/test_spaces.py",
    "traffic/mock/server.py: f'another space has this {what}'": "mock/test_spaces.py",
    "recorded/recorded_test.py: f'its answers are larger than {size(RECORDED": "hostile/test_answers.py",
    "traffic/recordings/har_file.py: 'it is an archive, and its name is that of a": "hostile/test_files.py",
    "traffic/recordings/har_file.py: f'it would be larger than {size(MOST)}, whic": "hostile/test_answers.py",
    "baseline/allowlist.py: 'the reason is empty'": "suite/test_baseline.py",
    "baseline/allowlist.py: 'not a mapping'": "drift/test_allowlist.py",
    "cli/explain.py: f'there is no rule {name!r}'": "test_explain.py",
    "cli/traffic.py: 'it accepts changes of the documents alone'": "observed/test_commands.py",
    "cli/traffic.py: 'standard input can be only one of them'": "observed/test_commands.py",
    "cli/traffic.py: 'it is a spec, and no traffic'": "observed/test_commands.py",
    "cli/traffic.py: 'it is empty'": "recordings/test_files.py",
    "cli/traffic.py: 'the report holds no observation'": "observed/test_commands.py",
    "cli/traffic.py: f'it cannot be read: {cause}'": "observed/test_commands.py",
    "cli/drift.py: 'it is not a report of an impact run'": "impact/test_run.py",
    "impact/hooks.py: 'changed answers must not be recorded'": "impact/test_run.py",
    "impact/hooks.py: 'nothing but the mock plays a change'": "impact/test_run.py",
    "impact/hooks.py: 'tests are run to fail'": "impact/test_run.py",
    "impact/hooks.py: 'the contract suite checks the mock against ": "impact/test_run.py",
    "settings.py: f'{found.value!r} is not a time'": "impact/test_run.py",
    "settings.py: f'{found.value!r} is not a percentage'": "suite/test_observing.py",
    "locking.py: f'{holder} has held it for more than {patien": "hostile/test_locking.py",
    "locking.py: f'this user cannot take the lock: {problem}'": "hostile/test_locking.py",
    "traffic/recordings/har_file.py: f'it cannot be written: {error.strerror}'": "hostile/test_locking.py",
    "suite/verdict.py: f'{given.value!r} is not a file'": "suite/test_upstream.py",
    "suite/report_hooks.py: f'{path.value!r} ends in {suffix!r}, which n": "suite/test_reports.py",
    "suite/report_hooks.py: f'{given.value!r} cannot be written: {error.": "suite/test_reports.py",
    "traffic/recordings/har_file.py: f'it is an archive of {len(hars)} .har files": "recordings/test_har_files.py",
    "cli/options.py: 'it is closed'": "drift/test_streams.py",
    "cli/options.py: f'it cannot be written: {error.strerror}'": "drift/test_streams.py",
    "drift/sources.py: 'it is closed'": "drift/test_streams.py",
    "drift/sources.py: 'git is not installed'": "drift/test_sources.py",
    "drift/sources.py: f'git gave no answer within {seconds:g} s'": "drift/test_sources.py",
    "drift/sources.py: said[0].removeprefix('fatal: ')": "drift/test_sources.py",
    "traffic/recordings/har_file.py: f'it cannot be read as an archive: {error}'": "recordings/test_har_files.py",
    "recorded/recorded_test.py: 'it holds no runtimes'": "recordings/test_ends.py",
    "recorded/recorded_test.py: 'there is no recording of this test'": "recordings/test_ends.py",
    "recorded/recorded_test.py: 'there is nothing to replay yet'": "recordings/test_ends.py",
    "recorded/place.py: 'the mark is not understood'": "recordings/test_record_and_replay.py",
    "recorded/place.py: f'{name!r} is not a name for a recording'": "recordings/test_record_and_replay.py",
    "recorded/conform.py: f'it breaks the contract: {breach(found)}'": "recordings/test_trust.py",
    "traffic/mock/data.py: f'it breaks the contract: {breach(found)}'": "mock/test_data.py",
    "suite/plan.py: f'no operation of the contract can be asked;": "suite/test_settings_errors.py",
    "traffic/mock/listener.py: f'port {port} is in use'": "mock/test_command_line.py",
    'traffic/recordings/guard.py: f"{what} is in the file\'s name ({how})"': "recordings/test_secrets.py",
    "traffic/recordings/guard.py: f'{what} is in the {place}{exact} ({how}), a": "recordings/test_secrets.py",
}
"""Errors that another test triggers, since they need a process, a file system or a server of their own."""

NOT_TRIGGERED = {
    "contract/json_source.py: problem": "words of incoming.py: tests/hostile/test_files.py",
    "traffic/recordings/har_file.py: f'it is broken and cannot be set aside: {err": "needs a disk that refuses",
    "cli/project.py: problem[:400]": "pytest's own words: see tests/test_doctor.py",
    "cli/project.py: 'pytest does not load the plugin here'": "run by tests/test_doctor.py",
    "drift/compare_documents.py: 'schemas nest too deeply to be compared'": "needs a stack that is nearly full",
    "suite/run.py: problem": "tests/base_install is without the extra",
}
"""Errors whose text no test asserts, and why."""


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Where errors of the family were made since the test began: file within the package, and line."""
    found: list[tuple[str, int]] = []
    make = BctrlError.__init__

    def noting(self: BctrlError, problem: str, where: str = "", hint: str = "") -> None:
        frame: FrameType = sys._getframe(1)
        while frame.f_code.co_name == "__init__" and frame.f_locals.get("self") is self and frame.f_back is not None:
            frame = frame.f_back
        file = Path(frame.f_code.co_filename)
        found.append((file.relative_to(PACKAGE).as_posix() if file.is_relative_to(PACKAGE) else "", frame.f_lineno))
        make(self, problem, where, hint)

    monkeypatch.setattr(BctrlError, "__init__", noting)
    return found


def told(name: str, folder: Path) -> str:
    """The text of the error that a mistake makes, with what differs from machine to machine left out."""
    with pytest.raises(BctrlError) as caught:
        TRIGGERS[name](folder)
    text = str(caught.value)
    for path, shown in (
        (folder, "FOLDER"),
        (TESTS, "TESTS"),
        (packaged().folder, "CONTRACTS"),
        (PACKAGE / "contracts", "CONTRACTS"),
        (PACKAGE, "PACKAGE"),
    ):
        text = text.replace(str(path), shown)
    for pattern, shown in (
        (r"error_(makers|triggers)\.py:\d+", r"error_\1.py:LINE"),
        (r"127\.0\.0\.1:\d+/page", "127.0.0.1:PORT/page"),
        (r"(there are: sample|there are: status|it has: unique_ids).*\)$", r"\1, …)"),
        (r"sha256 \w+…, not \w+…", "sha256 …, not …"),
        (r"\[Errno \d+\]", "[Errno N]"),
    ):
        text = re.sub(pattern, shown, text)
    return text


@pytest.mark.parametrize("name", TRIGGERS)
def test_a_mistake_is_told_with_its_mend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """In one line that names what is wrong, where, and what would be right; a key is never in it."""
    monkeypatch.chdir(tmp_path)
    text = told(name, tmp_path)

    assert MESSAGES[name] == text, f"{name} => {text}"
    assert KEY not in text
    assert "hidden" not in text
    assert "\n" not in text
    assert text.endswith(")")


def _untriggered(made: list[tuple[str, int]]) -> Iterator[Site]:
    for site in sites():
        if not any(file == site.file and site.first <= line <= site.last for file, line in made):
            yield site


def test_no_error_is_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: list[tuple[str, int]]) -> None:
    """Every call that makes an error is triggered above or listed, and nothing is listed that is triggered or gone."""
    monkeypatch.chdir(tmp_path)
    for number, name in enumerate(TRIGGERS):
        folder = tmp_path / str(number)
        folder.mkdir()
        told(name, folder)

    left = {site.name: site for site in _untriggered(made)}
    assert ([], []) == (
        sorted(left.keys() - {*HELD_BY, *NOT_TRIGGERED}),
        sorted({*HELD_BY, *NOT_TRIGGERED} - left.keys()),
    )
    for name, file in HELD_BY.items():
        text = (TESTS / file).read_text("utf-8")
        assert any(part in text for part in left[name].texts), name
