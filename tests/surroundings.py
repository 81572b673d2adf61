"""The environment of the tests: the same for every run, in any shell, terminal or CI job, and for any user.

`tests/conftest.py` sets it before it collects a test, so it also applies to every process that the tests start. A test
of one of these variables sets it.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

FIXED = {"TZ": "UTC", "LC_ALL": "C.UTF-8", "LANG": "C.UTF-8", "COLUMNS": "80", "LINES": "24"}
"""Variables that have the same value in every run."""

REMOVED = re.compile(
    r"""
      CI | BUILD_NUMBER | TF_BUILD | (?:GITHUB|GITLAB|RUNNER)_.*   # the CI system
    | TERM | COLORTERM | NO_COLOR | (?:FORCE|PY)_COLORS? | CLICOLOR.*   # the terminal
    | LANGUAGE | LC_.*
    | (?:PYTHON|PYTEST|BCTRL|HYPOTHESIS|SCHEMATHESIS|XDG)_?[A-Z].*   # settings of programs that the tests start
    | NETRC | CURL_HOME | SOURCE_DATE_EPOCH | PAGER | EDITOR | VISUAL
    | GIT_.*
    | (?:https?|all|no|ftp)_proxy   # proxies that would receive the requests to loopback
    """,
    re.VERBOSE | re.IGNORECASE,
)
"""Variables that are removed."""

KEPT = re.compile(
    r"PYTHON(?:PATH|HOME|HASHSEED|_GIL)|PYTEST_(?:XDIST_.*|CURRENT_TEST|VERSION)|BCTRL_(?:HOSTILE_SECONDS|IMPACT_TRUTH|TESTS_.*)"
)
"""Exceptions from `REMOVED` that a run needs: the location of modules, and the variables of pytest's processes."""

_HYPOTHESIS = Path(__file__).parents[1] / ".hypothesis"
_TABLES = ("constants", "tmp", "unicode_data")
"""The subfolders in which Hypothesis stores tables that only depend on the versions of Python and modules."""

BROWSERS = {"linux": ".cache/ms-playwright", "darwin": "Library/Caches/ms-playwright"}
"""The folder below the home directory that holds Playwright's browsers, by platform."""


def normalised(environment: Mapping[str, str], home: Path) -> dict[str, str]:
    """Return an environment without the variables in `REMOVED`, unless `KEPT`, with those in `FIXED`, and with `home`.

    `PYTHONHASHSEED` and the folder of Playwright's browsers are set if they are not.
    """
    inherited = {
        name: value for name, value in environment.items() if KEPT.fullmatch(name) or not REMOVED.fullmatch(name)
    }
    if sys.platform in BROWSERS and "HOME" in environment:
        inherited.setdefault("PLAYWRIGHT_BROWSERS_PATH", str(Path(environment["HOME"], BROWSERS[sys.platform])))
    return {"PYTHONHASHSEED": "0", **inherited, **FIXED, "HOME": str(home)}


@contextlib.contextmanager
def entered() -> Iterator[None]:
    """Set the environment of the tests for this process, and restore it afterwards."""
    before = dict(os.environ)
    mask = os.umask(0o022)
    ignored = _listen_to_signals()
    with (
        TemporaryDirectory(prefix="home-", ignore_cleanup_errors=True) as home,
        TemporaryDirectory(prefix="hypothesis-", ignore_cleanup_errors=True) as storage,
    ):
        _link_tables(Path(storage))
        _replace_environment({**normalised(before, Path(home)), "HYPOTHESIS_STORAGE_DIRECTORY": storage})
        try:
            yield
        finally:
            _replace_environment(before)
            os.umask(mask)
            for number in ignored:
                signal.signal(number, signal.SIG_IGN)


def _link_tables(storage: Path) -> None:
    """Make all processes share the tables of Hypothesis, but not its examples.

    Otherwise, each working directory has its own, and creating them takes longer than most tests.
    """
    for name in _TABLES:
        # Without links, as on Windows, only the processes started by this one share them.
        with contextlib.suppress(OSError):
            (_HYPOTHESIS / name).mkdir(parents=True, exist_ok=True)
            (storage / name).symlink_to(_HYPOTHESIS / name, target_is_directory=True)


def _replace_environment(environment: Mapping[str, str]) -> None:
    """Set the variables of this process to exactly these, and its time zone."""
    for name in os.environ.keys() - environment.keys():
        del os.environ[name]
    os.environ.update(environment)
    if hasattr(time, "tzset"):
        time.tzset()


def _listen_to_signals() -> list[signal.Signals]:
    """Handle the signals that this process ignores with a handler that does nothing, and return them.

    `nohup` makes a process ignore SIGHUP, and a shell makes its background jobs ignore SIGINT. Child processes inherit
    ignored signals, but a signal with a handler has its default action in them.
    """
    if not hasattr(signal, "pthread_sigmask"):
        return []
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    # Python itself ignores these two, and restores their default action in child processes.
    ignored_by_python = {signal.SIGPIPE, signal.SIGXFSZ}
    ignored = [
        number
        for number in signal.Signals
        if number not in ignored_by_python and signal.getsignal(number) is signal.SIG_IGN
    ]
    for number in ignored:
        signal.signal(number, lambda _number, _frame: None)
    return ignored
