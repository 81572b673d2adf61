"""The pytest hooks of recorded tests; registered when the first test with a recording starts."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from pytest_bctrl.errors import BctrlError, SettingError
from pytest_bctrl.escaping import escape_lines
from pytest_bctrl.integration.fixture_values import LAST_WORD, client_target, contract, space_id
from pytest_bctrl.recorded.recording_path import recording_path
from pytest_bctrl.recorded.recording_session import RecordedTest, RecordingTarget
from pytest_bctrl.settings import resolve as settings
from pytest_bctrl.suite.report.observing import observer
from pytest_bctrl.suite.report.sinks import redaction
from pytest_bctrl.traffic.recordings.replay import UnrecordedRequestError

_RECORDED: pytest.StashKey[RecordedTest] = pytest.StashKey()
_PASSED: pytest.StashKey[bool] = pytest.StashKey()
_NAME = "bctrl-recordings"


@contextmanager
def recording_in_use(request: pytest.FixtureRequest) -> Iterator[RecordedTest]:
    """Yield the recording of a test, set to the run's target if it records; close its clients and ports after."""
    recording = recorded_test(request)
    if recording.is_recording:
        base_url, auth, live, options = client_target(request)
        recording.aim = RecordingTarget(base_url, auth, _target_space(request), live, options)
    try:
        yield recording
    finally:
        recording.close()


def recorded_test(request: pytest.FixtureRequest) -> RecordedTest:
    """Return the recording of the running test, which is read on first use; a broken recording fails the test."""
    item: pytest.Item = request.node
    if _RECORDED not in item.stash:
        try:
            place = recording_path(item, os.environ)
            mode = settings.record_mode(item.config, os.environ)
            _register_hooks(item.config)
            item.stash[_RECORDED] = RecordedTest(
                place,
                contract(item.config),
                mode,
                redaction(item.config),
                usual_space=_usual_space(item.config),
                scrub_ids=settings.scrubs_ids(item.config),
                last_word=item.config.stash.get(LAST_WORD, None),
            )
        except BctrlError as error:
            raise pytest.fail.Exception(f"bctrl recording: {error}", pytrace=False) from None
    return item.stash[_RECORDED]


def replay_url(item: pytest.Item | None) -> str:
    """Return the URL of the port on which a test's recording is replayed; empty if there is none."""
    recording = item.stash.get(_RECORDED, None) if item is not None else None
    return str(vars(recording).get("url", "")) if recording is not None else ""


def runtimes_of(recording: RecordedTest) -> list[dict[str, Any]]:
    """Return the runtimes of a recording; fails the test, naming the command that records it, if there are none."""
    try:
        return recording.runtimes()
    except BctrlError as error:
        raise pytest.fail.Exception(f"bctrl recording: {error}", pytrace=False) from None


def _target_space(request: pytest.FixtureRequest) -> str:
    """Return the space of the run's target; empty if the setting is missing."""
    # A live run starts without the setting only if the contract has no spaces.
    with suppress(SettingError):
        space: str = request.getfixturevalue("bctrl_space_id")
        return space
    return ""


def _usual_space(config: pytest.Config) -> str:
    """Return the value of `bctrl_space_id` if the project does not override it; empty if its setting is invalid."""
    with suppress(SettingError):
        return space_id(config, os.environ)
    return ""


def _register_hooks(config: pytest.Config) -> None:
    """Register the hooks for the first test that has a recording."""
    if not config.pluginmanager.has_plugin(_NAME):
        config.pluginmanager.register(RecordingHooks(), _NAME)


class RecordingHooks:
    """Fails a test whose requests were not recorded, and writes the recording of one that passed."""

    def __init__(self) -> None:
        self._failed: set[str] = set()

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> None:
        """In a replayed test, replace the run's space id by the recorded one, unless the project sets the fixture."""
        recording, fixtures = pyfuncitem.stash.get(_RECORDED, None), pyfuncitem.funcargs
        if recording is None or recording.is_recording:
            return
        if fixtures.get("bctrl_space_id") == _usual_space(pyfuncitem.config):
            fixtures["bctrl_space_id"] = recording.space_id

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Remember which tests had a failed report, as of a subtest, because the last one may say that they passed."""
        if report.failed:
            self._failed.add(report.nodeid)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, None, None]:
        """Fail a test that sent unrecorded requests in its teardown, write late exchanges, and forget the recording."""
        recording = item.stash.get(_RECORDED, None)
        if recording is None:
            return (yield)
        before = len(recording.player.misses)
        try:
            yield
        finally:
            del item.stash[_RECORDED]
        problem = ""
        if len(recording.player.misses) > before:
            problem = _misses_message(recording)
        elif item.stash.get(_PASSED, False):
            problem = _write_recording(recording)
        if problem:
            pytest.fail(escape_lines(problem), pytrace=False)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Fail a test whose requests were not recorded, even if it caught the errors; write the recording if it passed.

        This needs the report and not the call, because only the report says that a `unittest` case failed. The
        responses count for coverage, and the report gets the outcome for the summary.
        """
        report = yield
        recording = item.stash.get(_RECORDED, None)
        if report.when == "setup":
            # A test that is rerun starts afresh.
            self._failed.discard(item.nodeid)
        if recording is not None and report.when == "call":
            self._write_or_fail(item, recording, report, call.excinfo)
            # In a live run, replayed responses do not come from the live API, and must not count as such.
            if recording.is_recording or not item.config.option.bctrl_live:
                for response in recording.responses():
                    observer(item.config).observe_response(response, validated=False)
            report.bctrl_recording = _outcome(recording, passed=report.passed)  # type: ignore[attr-defined]
        return report

    def _write_or_fail(
        self,
        item: pytest.Item,
        recording: RecordedTest,
        report: pytest.TestReport,
        error: pytest.ExceptionInfo[BaseException] | None,
    ) -> None:
        """Fail the test if a request was not recorded; if it passed, write its recording, and fail it if that fails."""
        if recording.player.misses:
            # If nothing else failed, the traceback through the client adds nothing.
            if report.failed and not (error and error.errisinstance(UnrecordedRequestError)):
                report.sections.append(("bctrl recording", escape_lines(_misses_message(recording))))
            else:
                _fail_report(item, report, _misses_message(recording))
        elif report.passed and item.nodeid not in self._failed:
            item.stash[_PASSED] = True
            problem = _write_recording(recording)
            if problem:
                _fail_report(item, report, problem)


def _fail_report(item: pytest.Item, report: pytest.TestReport, text: str) -> None:
    """Change a report to failed, or to xfailed if the test is expected to fail."""

    def fail() -> None:
        """Raise the failure with the text, from which the report is made."""
        pytest.fail(escape_lines(text), pytrace=False)

    failure = pytest.TestReport.from_item_and_call(item, pytest.CallInfo.from_call(fail, when="call"))
    report.outcome = failure.outcome
    if hasattr(report, "wasxfail"):
        report.outcome = "skipped"
    report.longrepr = failure.longrepr


def _write_recording(recording: RecordedTest) -> str:
    """Write the recording, and return the error message, or an empty string on success."""
    try:
        recording.finish()
    except BctrlError as error:
        return f"bctrl recording: {error}"
    return ""


def _misses_message(recording: RecordedTest) -> str:
    """Return the message about the requests that are not in a recording."""
    texts = dict.fromkeys(miss.text for miss in recording.player.misses)
    return "bctrl recording: " + "\n".join(texts)


def _outcome(recording: RecordedTest, *, passed: bool) -> dict[str, Any]:
    """Return what the summary needs to know about a recording: used and unused exchanges, and whether it is stale."""
    unused_ids = {id(exchange) for exchange in recording.player.unused}
    used, unused = [], []
    for number, exchange in enumerate(recording.exchanges, 1):
        name = f"{exchange.test or '-'} #{number} {exchange.request.label}"
        if id(exchange) in unused_ids and passed:
            unused.append(name)
        elif id(exchange) not in unused_ids and not recording.is_recording:
            used.append(name)
    return {
        "path": str(recording.path),
        "used": used,
        "unused": unused,
        "stale": recording.is_stale,
        "written": recording.was_written,
    }
