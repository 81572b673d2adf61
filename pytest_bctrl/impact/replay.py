"""Runs tests again in the same pytest run, unseen by its reporters, as plugins do that repeat failed tests."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import pytest

from pytest_bctrl.traffic.mock.message import Answer, Request

_LEAST = 3.0
_TIMES = 10.0


@dataclass(slots=True)
class Outcome:
    """How a test ended: the first line of what failed, and where that is in the project's code.

    `met` is what it was sent: each request, the answer as it would be without a change, and a digest of the one sent.
    """

    failed: bool = False
    line: str = ""
    where: str = ""
    met: list[tuple[Request, Answer, str]] = field(default_factory=list)

    def note(self, report: pytest.TestReport, call: pytest.CallInfo[None], root: Path) -> None:
        """Take what a phase of the test says: the first failure counts."""
        if report.failed and not self.failed:
            self.failed = True
            said = call.excinfo.exconly(tryshort=True) if call.excinfo else str(report.longrepr)
            self.line = next(iter(said.strip().splitlines()), "it failed")
            self.where = _place(call.excinfo, root)


def _place(error: pytest.ExceptionInfo[BaseException] | None, root: Path) -> str:
    """The innermost line of the project's own code that an exception came through."""
    for entry in reversed(error.traceback if error else ()):
        path = Path(entry.path)
        if is_own(path, root):
            return f"{path.relative_to(root).as_posix()}:{entry.lineno + 1}"
    return ""


def is_own(path: Path, root: Path) -> bool:
    """Whether a file is the project's: below its root, and no installed package."""
    parts = path.parts
    is_installed = "site-packages" in parts or path.is_relative_to(sys.prefix) or path.is_relative_to(sys.base_prefix)
    return path.is_relative_to(root) and not is_installed


class Replays:
    """A plugin that runs one test at a time again, when it is told to."""

    def __init__(self, session: pytest.Session) -> None:
        self._session = session
        self._neighbours: dict[pytest.Item, pytest.Item | None] = {}
        self._root = session.config.rootpath
        self._outcome = Outcome()

    def run(self, item: pytest.Item, ordinary_seconds: float) -> Outcome:
        """Run a test, and tear down what is its own; wider fixtures stay. One that takes ten times as long fails."""
        self._session._setupstate.teardown_exact(item)
        outcome = self._outcome = Outcome()
        try:
            with limited(limit(ordinary_seconds)), _unseen(item.config):
                item.ihook.pytest_runtest_protocol(item=item, nextitem=self._neighbour(item))
        except pytest.fail.Exception as error:
            # The time was over while pytest itself was at work, between two phases of the test.
            outcome.failed, outcome.line = True, str(error)
        return outcome

    def finish(self) -> None:
        """Tear down everything, as at the end of a run."""
        self._session._setupstate.teardown_exact(None)

    def _neighbour(self, item: pytest.Item) -> pytest.Item | None:
        """Another test with which this one shares the most fixtures, so that those need not be made again."""
        if item not in self._neighbours:
            chain = item.listchain()
            others = [one for one in self._session.items if one is not item]

            def shared(other: pytest.Item) -> int:
                pairs = zip(chain, other.listchain(), strict=False)
                return sum(1 for mine, theirs in pairs if mine is theirs)

            self._neighbours[item] = max(others, key=shared, default=None)
        return self._neighbours[item]

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool:
        """Run without a word to the reporters; other plugins' wrappers see it as any test."""
        from _pytest.runner import runtestprotocol

        runtestprotocol(item, log=False, nextitem=nextitem)
        return True

    @pytest.hookimpl(specname="pytest_runtest_makereport")
    def pytest_make_report(self, item: pytest.Item, call: pytest.CallInfo[None]) -> pytest.TestReport:
        """Make a report without a traceback, which nobody reads and which takes most of the time."""
        outcome: object = "failed" if call.excinfo else "passed"
        if call.excinfo is not None and call.excinfo.errisinstance(pytest.skip.Exception):
            outcome = "skipped"
        said = call.excinfo.exconly() if call.excinfo else None
        times = {"duration": call.duration, "start": call.start, "stop": call.stop}
        return pytest.TestReport(item.nodeid, item.location, {}, outcome, said, call.when, **times)  # type: ignore[arg-type]

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Note what became of the test, once every plugin has had its say."""
        report = yield
        self._outcome.note(report, call, self._root)
        return report


@contextmanager
def _unseen(config: pytest.Config) -> Generator[None]:
    """Keep reports from everybody: of a subtest, pytest itself hands one out."""
    manager, name = config.pluginmanager, "pytest_runtest_logreport"
    nobody = manager.subset_hook_caller(name, manager.get_plugins())
    with pytest.MonkeyPatch.context() as patch:
        for hooks in (manager.hook, config.hook):
            patch.setattr(hooks, name, nobody)
        yield


def limit(ordinary_seconds: float) -> float:
    """How long a test may take that took so many seconds in the ordinary run."""
    return max(_LEAST, _TIMES * ordinary_seconds)


@contextmanager
def limited(seconds: float) -> Generator[None]:
    """Fail what takes longer, where the system has an alarm that nobody else uses; the mock resets connections too."""
    is_main = threading.current_thread() is threading.main_thread()
    if sys.platform == "win32" or not is_main or signal.getsignal(signal.SIGALRM) is not signal.SIG_DFL:
        yield
        return
    ended = time.monotonic() + seconds

    def stop(_number: int, _frame: FrameType | None) -> None:
        if time.monotonic() >= ended:
            pytest.fail(f"it had not ended after {seconds:g} s", pytrace=True)

    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
