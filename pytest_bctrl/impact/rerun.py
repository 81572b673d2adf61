"""Runs tests again in the same pytest run, without reporting them, as plugins that repeat failed tests do."""

from __future__ import annotations

import gc
import signal
import sys
import threading
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import pytest

from pytest_bctrl.http.message import MockResponse, Request
from pytest_bctrl.impact.quiet import quiet
from pytest_bctrl.settings.pytest_names import run_unreported, tear_down
from pytest_bctrl.traffic.clock import clock

_MIN_SECONDS = 3.0
_SECONDS_FACTOR = 10.0


@dataclass(slots=True)
class RerunOutcome:
    """How a test ended: the first line of its first failure, and the line of the project's code (`path:line`).

    `timed_out` is whether it reached the time limit, `skipped` whether it skipped itself, and `is_destructor_failure`
    whether it failed only because a destructor raised or warned. `exchanges` has, for each request, the response
    without the change and the digest of the response that was sent. `bodies` has the texts that were sent, in the run
    that learns what a test reads. `unanswered` says which further request the project's own mock has no response for;
    empty if there is none.
    """

    failed: bool = False
    timed_out: bool = False
    skipped: bool = False
    is_destructor_failure: bool = False
    line: str = ""
    where: str = ""
    exchanges: list[tuple[Request, MockResponse, str]] = field(default_factory=list)
    bodies: set[str] = field(default_factory=set)
    unanswered: str = ""

    def record_phase(self, report: pytest.TestReport, call: pytest.CallInfo[None], root: Path) -> None:
        """Record whether a phase (setup, call, teardown) failed or was skipped, with the line of the first failure."""
        self.skipped = self.skipped or report.skipped
        if not report.failed or self.failed:
            return
        self.failed = True
        self.is_destructor_failure = call.excinfo is not None and _is_of_destructors(call.excinfo.value)
        text = call.excinfo.exconly(tryshort=True) if call.excinfo else str(report.longrepr)
        self.line = next(iter(text.strip().splitlines()), "it failed")
        self.where = _project_line(call.excinfo, root)


def _project_line(error: pytest.ExceptionInfo[BaseException] | None, root: Path) -> str:
    """Return the innermost line of the project's own code in a traceback; empty if there is none."""
    for entry in reversed(error.traceback if error else ()):
        path = Path(entry.path)
        if is_project_file(path, root):
            return f"{path.relative_to(root).as_posix()}:{entry.lineno + 1}"
    return ""


def _is_of_destructors(error: BaseException) -> bool:
    """Return whether pytest raised an error only because of what destructors raised or, as errors, warned of."""
    if isinstance(error, BaseExceptionGroup):
        return error.split(pytest.PytestUnraisableExceptionWarning)[1] is None
    return isinstance(error, pytest.PytestUnraisableExceptionWarning)


def free_earlier_runs() -> None:
    """Free what earlier failed runs left open, such as connections, and ignore the warnings of their destructors."""
    for name in ("last_type", "last_value", "last_traceback", "last_exc"):
        # pytest stores them for a debugger; the traceback refers to all that the test used.
        if hasattr(sys, name):
            delattr(sys, name)
    hook = sys.unraisablehook
    sys.unraisablehook = _ignore_unraisable
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            gc.collect()
    finally:
        sys.unraisablehook = hook


def _ignore_unraisable(_error: object) -> None:
    """Do nothing with an error in a destructor."""


def is_project_file(path: Path, root: Path) -> bool:
    """Return whether a file belongs to the project: it is below the root and not in an installed package."""
    is_installed = (
        "site-packages" in path.parts or path.is_relative_to(sys.prefix) or path.is_relative_to(sys.base_prefix)
    )
    return path.is_relative_to(root) and not is_installed


class Rerunner:
    """A plugin that reruns single tests on request."""

    def __init__(self, session: pytest.Session) -> None:
        self._session = session
        self._next_items: dict[pytest.Item, pytest.Item | None] = {}
        self._root = session.config.rootpath
        self._outcome = RerunOutcome()
        _restore_temporary_folder(session.config)

    def run(self, item: pytest.Item, ordinary_seconds: float) -> RerunOutcome:
        """Run a test and tear down its function-scoped fixtures; a test that exceeds its `time_limit` fails."""
        tear_down(self._session, item)
        outcome = self._outcome = RerunOutcome()
        try:
            with enforce_limit(time_limit(ordinary_seconds)), quiet(item):
                item.ihook.pytest_runtest_protocol(item=item, nextitem=self._next_item(item))
        except pytest.fail.Exception as error:
            # The limit was reached in pytest itself, between two phases of the test.
            outcome.failed, outcome.line = True, str(error)
        outcome.timed_out = outcome.failed and outcome.line.endswith(_time_limit_text(time_limit(ordinary_seconds)))
        return outcome

    def finish(self) -> None:
        """Tear down all fixtures, as at the end of a run."""
        tear_down(self._session, None)

    def _next_item(self, item: pytest.Item) -> pytest.Item | None:
        """Return another test, which shares most collectors with `item`, so that their fixtures stay; None if none."""
        if item not in self._next_items:
            chain = item.listchain()
            candidates = [candidate for candidate in self._session.items if candidate is not item]

            def common_collectors(candidate: pytest.Item) -> int:
                """Return how many collectors a test shares with the item."""
                pairs = zip(chain, candidate.listchain(), strict=False)
                return sum(1 for node, candidate_node in pairs if node is candidate_node)

            self._next_items[item] = max(candidates, key=common_collectors, default=None)
        return self._next_items[item]

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool:
        """Run the test without reporting it; wrappers of other plugins see an ordinary test."""
        run_unreported(item, nextitem)
        return True

    @pytest.hookimpl(specname="pytest_runtest_makereport")
    def pytest_make_report(self, item: pytest.Item, call: pytest.CallInfo[None]) -> pytest.TestReport:
        """Make a report without a traceback, which is not shown and takes most of the time."""
        outcome: object = "passed"
        longrepr = None
        if call.excinfo is not None:
            is_skipped = call.excinfo.errisinstance(pytest.skip.Exception)
            outcome = "skipped" if is_skipped else "failed"
            longrepr = call.excinfo.exconly()
        times = {"duration": call.duration, "start": call.start, "stop": call.stop}
        return pytest.TestReport(item.nodeid, item.location, {}, outcome, longrepr, call.when, **times)  # type: ignore[arg-type]

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Record the outcome of a phase after every other plugin has processed the report."""
        report = yield
        self._outcome.record_phase(report, call, self._root)
        return report


def _restore_temporary_folder(config: pytest.Config) -> None:
    """Create the folder of `tmp_path` again, which pytest removes after a run with `tmp_path_retention_policy`."""
    factory: pytest.TempPathFactory | None = getattr(config, "_tmp_path_factory", None)
    if factory is not None:
        factory.getbasetemp().mkdir(parents=True, exist_ok=True)


def time_limit(ordinary_seconds: float) -> float:
    """Return the limit in seconds for a rerun: ten times the ordinary run, and at least three seconds."""
    return max(_MIN_SECONDS, _SECONDS_FACTOR * ordinary_seconds)


def _time_limit_text(seconds: float) -> str:
    """Return the failure message of a test that takes too long."""
    return f"it had not ended after {seconds:g} s"


@contextmanager
def enforce_limit(seconds: float) -> Generator[None]:
    """Fail the test in the block after this long, if the thread is the main one and nothing else uses SIGALRM.

    The mock resets connections after the same time, wherever the test runs.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if sys.platform == "win32" or not is_main or signal.getsignal(signal.SIGALRM) is not signal.SIG_DFL:
        yield
        return
    deadline = clock.monotonic() + seconds
    has_ended = False

    def stop(_number: int, _frame: FrameType | None) -> None:
        """Fail the test if its time is over."""
        if not has_ended and clock.monotonic() >= deadline:
            pytest.fail(_time_limit_text(seconds), pytrace=True)

    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
    try:
        yield
    finally:
        # If an alarm failed the test from here on, the timer would stay on.
        has_ended = True
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
