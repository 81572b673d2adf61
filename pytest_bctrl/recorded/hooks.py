"""The pytest hooks of recorded tests; registered when the first test with a recording begins."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from pytest_bctrl.errors import BctrlError, SettingError
from pytest_bctrl.escaping import escape_lines
from pytest_bctrl.integration.fixture_values import LAST_WORD, client_target, contract, space_id
from pytest_bctrl.recorded.conform import Checked
from pytest_bctrl.recorded.place import place_of
from pytest_bctrl.recorded.recording_session import Aim, RecordedTest
from pytest_bctrl.settings import resolve as settings
from pytest_bctrl.suite.report.observing import observer
from pytest_bctrl.suite.report.sinks import redaction
from pytest_bctrl.traffic.recordings.replay import UnrecordedRequestError

_RECORDED: pytest.StashKey[RecordedTest] = pytest.StashKey()
_PASSED: pytest.StashKey[bool] = pytest.StashKey()
_NAME = "bctrl-recordings"


@contextmanager
def in_use(request: pytest.FixtureRequest) -> Iterator[RecordedTest]:
    """Give a test its recording, aimed at the run's target where it records, and close what it opened."""
    recording = recorded(request)
    if recording.is_recording:
        recording.aim = Aim(**client_target(request), space_id=request.getfixturevalue("bctrl_space_id"))
    try:
        yield recording
    finally:
        recording.close()


def recorded(request: pytest.FixtureRequest) -> RecordedTest:
    """Return the recording of the running test, read when it is first asked for; a broken one fails the test."""
    item: pytest.Item = request.node
    if _RECORDED not in item.stash:
        try:
            place = place_of(item, os.environ)
            mode = settings.record_mode(item.config, os.environ)
            checked = _hooks(item.config).checked
            item.stash[_RECORDED] = RecordedTest(
                place,
                contract(item.config),
                mode,
                redaction(item.config),
                checked,
                usual_space=_usual_space(item.config),
                scrub_ids=settings.scrubs_ids(item.config),
                last_word=item.config.stash.get(LAST_WORD, None),
            )
        except BctrlError as error:
            raise pytest.fail.Exception(f"bctrl recording: {error}", pytrace=False) from None
    return item.stash[_RECORDED]


def runtimes_of(recording: RecordedTest) -> list[dict[str, Any]]:
    """Return the runtimes of a recording; fails the test, with the command that records it, where there are none."""
    try:
        return recording.runtimes()
    except BctrlError as error:
        raise pytest.fail.Exception(f"bctrl recording: {error}", pytrace=False) from None


def _usual_space(config: pytest.Config) -> str:
    """What `bctrl_space_id` gives where the project does not override it; empty where it needs no value."""
    with suppress(SettingError):
        return space_id(config, os.environ)
    return ""


def _hooks(config: pytest.Config) -> RecordingHooks:
    """Return the hooks, which are registered for the first test that has a recording."""
    hooks: RecordingHooks | None = config.pluginmanager.get_plugin(_NAME)
    if hooks is None:
        hooks = RecordingHooks(Checked(contract(config), config.rootpath, os.environ))
        config.pluginmanager.register(hooks, _NAME)
    return hooks


class RecordingHooks:
    """Fails a test whose requests were not recorded, and writes the recording of one that passed."""

    def __init__(self, checked: Checked) -> None:
        self._failed: set[str] = set()
        self.checked = checked

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> None:
        """Give a replayed test the recorded space for the run's; one that the project sets stays."""
        recording, given = pyfuncitem.stash.get(_RECORDED, None), pyfuncitem.funcargs
        if recording is None or recording.is_recording:
            return
        if given.get("bctrl_space_id") == _usual_space(pyfuncitem.config):
            given["bctrl_space_id"] = recording.space_id

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Remember which tests had a subtest that failed: the test itself may be reported as passed."""
        if report.failed:
            self._failed.add(report.nodeid)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, None, None]:
        """Look again at what was asked after the test's own end, and forget the recording."""
        recording = item.stash.get(_RECORDED, None)
        if recording is None:
            return (yield)
        before = len(recording.player.misses)
        try:
            yield
        finally:
            del item.stash[_RECORDED]
        is_missed = len(recording.player.misses) > before
        wrong = _missed(recording) if is_missed else _unfinished(recording) if item.stash.get(_PASSED, False) else ""
        if wrong:
            pytest.fail(escape_lines(wrong), pytrace=False)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Look at what came of the test, whatever it made of the exceptions it met, and put on its report what the
        end of the run tells, as plain data.

        Here and not around the call: of a `unittest` case that fails, nothing but the report tells.
        """
        report = yield
        recording = item.stash.get(_RECORDED, None)
        if report.when == "setup":
            # A test that is run again starts over.
            self._failed.discard(item.nodeid)
        if recording is not None and report.when == "call":
            self._judge(item, recording, report, call.excinfo)
            # What is replayed in a live run is no answer of the live API, and must not pass for one.
            is_replay = item.config.option.bctrl_live and not recording.is_recording
            for response in () if is_replay else recording.responses():
                observer(item.config).observe_response(response, validated=False)
            report.bctrl_recording = _outcome(recording, passed=report.passed)  # type: ignore[attr-defined]
        return report

    def _judge(
        self,
        item: pytest.Item,
        recording: RecordedTest,
        report: pytest.TestReport,
        error: pytest.ExceptionInfo[BaseException] | None,
    ) -> None:
        if recording.player.misses:
            # Where that is all, the way through the client says nothing more.
            if report.failed and not (error and error.errisinstance(UnrecordedRequestError)):
                report.sections.append(("bctrl recording", escape_lines(_missed(recording))))
            else:
                _fail(item, report, _missed(recording))
        elif report.passed and item.nodeid not in self._failed:
            item.stash[_PASSED] = True
            wrong = _unfinished(recording)
            if wrong:
                _fail(item, report, wrong)


def _fail(item: pytest.Item, report: pytest.TestReport, text: str) -> None:
    """Make a report say that the test failed, or that it did as expected where it was to fail."""
    call = pytest.CallInfo.from_call(lambda: pytest.fail(escape_lines(text), pytrace=False), when="call")
    made = pytest.TestReport.from_item_and_call(item, call)
    report.outcome = "skipped" if hasattr(report, "wasxfail") else made.outcome
    report.longrepr = made.longrepr


def _unfinished(recording: RecordedTest) -> str:
    """Write the recording; return why it could not be, an empty text where it could."""
    try:
        recording.finish()
    except BctrlError as error:
        return f"bctrl recording: {error}"
    return ""


def _missed(recording: RecordedTest) -> str:
    texts = dict.fromkeys(miss.text for miss in recording.player.misses)
    return "bctrl recording: " + "\n".join(texts)


def _outcome(recording: RecordedTest, *, passed: bool) -> dict[str, Any]:
    unused = {id(one) for one in recording.player.unused}
    names = [(f"{one.test or '-'} #{number} {one.label}", id(one)) for number, one in enumerate(recording.exchanges, 1)]
    return {
        "path": str(recording.path),
        "used": [] if recording.is_recording else [name for name, known in names if known not in unused],
        "unused": [name for name, known in names if known in unused] if passed else [],
        "stale": recording.is_stale,
        "written": recording.was_written,
    }
