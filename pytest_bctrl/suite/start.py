"""Begins a contract run inside a pytest process."""

from __future__ import annotations

import gc
import os
import signal
import threading
from dataclasses import replace
from datetime import date
from functools import partial

import pytest

from pytest_bctrl import settings
from pytest_bctrl.errors import BctrlError
from pytest_bctrl.suite.baseline import resolve_baseline
from pytest_bctrl.suite.hooks import ContractHooks
from pytest_bctrl.suite.plan import require_operations
from pytest_bctrl.suite.report_files import report_files
from pytest_bctrl.suite.report_hooks import ReportHooks
from pytest_bctrl.suite.run import RUN, resolve
from pytest_bctrl.suite.summary import Summary


def start(config: pytest.Config) -> None:
    """Resolve the settings and register the hooks; a wrong or missing setting is a `pytest.UsageError` (exit 4)."""
    try:
        baseline = resolve_baseline(config, os.environ, config.rootpath, date.today())
        run = replace(resolve(config, os.environ), baseline=baseline)
        require_operations(run)
        summary = Summary(run)
        reports = _reports(config, summary)
    except BctrlError as error:
        raise pytest.UsageError(f"bctrl: {error}") from None
    config.stash[RUN] = run
    config.pluginmanager.register(ContractHooks(config, run, summary), "bctrl-contract")
    if reports is not None:
        config.pluginmanager.register(reports, "bctrl-reports")
    _end_with_sigterm(config)
    gc.freeze()


def _end_with_sigterm(config: pytest.Config) -> None:
    """Have SIGTERM, as a CI job sends it that is cancelled, end the run as Ctrl-C does: with its reports written.

    A second one ends it at once.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL or hasattr(config, "workerinput"):
        return

    def end(_number: int, _frame: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        pytest.exit("bctrl: ended by SIGTERM", returncode=int(pytest.ExitCode.INTERRUPTED))

    signal.signal(signal.SIGTERM, end)
    config.add_cleanup(partial(signal.signal, signal.SIGTERM, signal.SIG_DFL))  # type: ignore[arg-type]


def _reports(config: pytest.Config, summary: Summary) -> ReportHooks | None:
    """What writes the reports; None where nothing runs, and in a worker of pytest-xdist, which is not the whole run.

    Raises `SettingError` for what cannot be written.
    """
    tells_github = settings.tells_github(config, os.environ)
    if hasattr(config, "workerinput") or config.option.collectonly:
        return None
    files = report_files(settings.reports(config), config.invocation_params.dir, config.rootpath)
    return ReportHooks(summary, files, os.environ.get("GITHUB_STEP_SUMMARY", "") if tells_github else None)
