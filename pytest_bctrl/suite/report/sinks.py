"""Redacts text where it leaves a pytest process.

Only output is changed, that is, what is written, and the captured output in reports. Node ids, exceptions and all other
objects stay as they are, since tests and other plugins see them; what pytest stores in its cache, or sends from a
worker to its controller, stays too.
"""

from __future__ import annotations

import io
import os
import sys
import time
from collections.abc import Callable, Generator, Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, TypeVar

import pytest

from pytest_bctrl.escaping import escape_line
from pytest_bctrl.secrets.redaction import Redaction
from pytest_bctrl.secrets.streams import RedactedFile, redact_file, redact_method, redact_name, redact_stream
from pytest_bctrl.settings import pytest_names, secret_settings
from pytest_bctrl.suite.report.paths import changed_files, report_paths

_NOWHERE = os.path.abspath(os.devnull)  # noqa: PTH100 - as `logging` has it
"""The log file that pytest uses if none was configured."""

_REDACTION: pytest.StashKey[Redaction] = pytest.StashKey()

T = TypeVar("T")


def redact(config: pytest.Config, value: T) -> T:
    """Return a string, or data of this package, with the known secrets masked."""
    if _REDACTION not in config.stash:
        return value
    return config.stash[_REDACTION].data(value)


def redaction(config: pytest.Config, *streams: Any) -> Redaction:
    """Return the redaction of this run; the first call starts it, with the secrets of environment and settings.

    `streams` are the output streams of the run, if they are known; files are redacted from the start of the session on.
    What a test captures itself is not redacted.
    """
    if _REDACTION not in config.stash:
        created = Redaction()
        config.stash[_REDACTION] = created
        secret_settings.add_secrets(created, config, os.environ)
        created.exempt(_paths(config))
        sinks = _Sinks(config, created)
        sinks.cover_streams(streams or tuple(_streams(config)))
        config.pluginmanager.register(sinks, "bctrl-redaction")
        if not streams:
            sinks.cover_files()
    return config.stash[_REDACTION]


def redact_trace(config: pytest.Config) -> None:
    """Redact the output of `--debug` and `PYTEST_DEBUG` from now on; calling it again has no effect.

    Raises `pytest.UsageError` if there is a trace that cannot be redacted.
    """
    write, can_be_redacted = pytest_names.trace_writer(config)
    is_traced = bool(getattr(config.option, "debug", None) or os.environ.get("PYTEST_DEBUG"))
    if is_traced and not can_be_redacted:
        raise pytest.UsageError("bctrl: --debug: the trace cannot be redacted (run without --debug and PYTEST_DEBUG)")
    if write is not None and not isinstance(write, _Trace):
        config.trace.root.setwriter(_Trace(write, redaction(config)))


class _Trace:
    """Writes a trace without secrets."""

    def __init__(self, write: Callable[[str], object], redaction: Redaction) -> None:
        self._write = write
        self._redact = redaction

    def __call__(self, text: str) -> None:
        """Write a text of the trace without secrets."""
        self._write(self._redact(text))


def _paths(config: pytest.Config) -> Iterator[str]:
    """Yield the paths of the run, which are shown as they are."""
    # Early on, pytest has no root yet.
    yield str(getattr(config, "rootpath", ""))
    yield str(config.invocation_params.dir)


def _streams(config: pytest.Config) -> Iterator[Any]:
    """Yield standard output and error of the process, and the terminal reporter's stream if it exists, each once."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    candidates = (sys.__stdout__, sys.__stderr__, pytest_names.terminal_file(reporter))
    yield from {id(stream): stream for stream in candidates if stream is not None}.values()


class _Sinks:
    """The sinks of one run: its streams, the files of its reports, and the note about secrets of words."""

    def __init__(self, config: pytest.Config, redaction: Redaction) -> None:
        self._config = config
        self._redaction = redaction
        self._start = time.time()
        self._ends: list[Callable[..., None]] = []
        self._has_ended_well = False
        self._uncovered: dict[str, str] = {}
        """Output that is not redacted, and the private name that this version of pytest does not have."""
        config.add_cleanup(self._end_redaction)

    def cover_streams(self, streams: tuple[Any, ...]) -> None:
        """Redact all that is written to streams from now on."""
        self._ends += [redact_stream(stream, self._redaction) for stream in streams if stream is not None]
        self._cover_descriptors()

    def cover_files(self) -> None:
        """Redact what is written during the run to the log, to reports of other plugins and to the paste service."""
        self._cover_log()
        self._cover_open_files()
        self._cover_allure()
        self._cover_junit()
        self._cover_pastebin()

    def _cover_log(self) -> None:
        """Redact each record that is written to the log file."""
        plugin = self._config.pluginmanager.get_plugin("logging-plugin")
        handler: Any = getattr(plugin, "log_file_handler", None)
        if handler is not None:
            # Its stream may change later.
            form = handler.format

            def format_redacted(record: Any) -> str:
                """Return the text of a log record without secrets."""
                text: str = form(record)
                return text if handler.baseFilename == _NOWHERE else self._redaction(text)

            handler.format = format_redacted

    def _cover_open_files(self) -> None:
        """Redact report files that plugins have already opened."""
        paths = report_paths(self._config)
        for plugin in self._config.pluginmanager.get_plugins():
            members = {} if isinstance(plugin, ModuleType) else getattr(plugin, "__dict__", {})
            for file in list(members.values()):
                is_file = (
                    type(file) is io.TextIOWrapper and not file.closed and isinstance(file.name, str | os.PathLike)
                )
                if is_file and Path(file.name).absolute() in paths:
                    redact_stream(file, self._redaction)

    def _cover_allure(self) -> None:
        """Redact the files of Allure, by replacing `open` in its module."""
        if self._config.pluginmanager.has_plugin("allure_pytest"):
            logger = import_module("allure_commons.logger")
            opener = self._open_redacted
            self._shadow(logger, "open", opener)
            self._shadow(logger, "io", SimpleNamespace(**{**vars(io), "open": opener}))

    def _cover_junit(self) -> None:
        """Redact the JUnit report, by replacing `open` in pytest's module."""
        module = sys.modules.get(pytest_names.JUNIT)
        if module is not None and self._config.getoption("xmlpath", None):
            self._shadow(module, "open", self._open_redacted)

    def _open_redacted(self, path: Any, mode: str = "r", **_named: Any) -> Any:
        """Open a file like `open`, and return one that is redacted when it is closed.

        Raises `ValueError` for a mode other than `w` and `wb`, which these modules do not use.
        """
        return RedactedFile(path, mode, self._redaction)

    def _cover_pastebin(self) -> None:
        """Redact the upload of `--pastebin`."""
        name, function = pytest_names.PASTEBIN
        module = sys.modules.get(name)
        upload: Any = getattr(module, function, None)
        is_used = module is not None and bool(self._config.getoption("pastebin", None))
        if is_used and upload is None:
            self._uncovered["the upload of --pastebin"] = f"{name}.{function}"
        if module is not None and upload is not None and is_used:

            def upload_redacted(contents: Any) -> Any:
                """Upload the contents without secrets."""
                is_text = isinstance(contents, str)
                return upload(self._redaction(contents) if is_text else self._redaction.data_bytes(contents))

            self._shadow(module, function, upload_redacted)

    def _cover_descriptors(self) -> None:
        """Redact what `capfd` captured and no test read, which pytest writes to the file descriptor itself."""
        name, class_names = pytest_names.CAPTURE
        module = sys.modules.get(name)
        is_covered = module is None
        for class_name in class_names:
            capture_class: Any = getattr(module, class_name, None)
            if "writeorg" in getattr(capture_class, "__dict__", {}):
                self._ends.append(redact_method(capture_class, "writeorg", self._redaction))
                is_covered = True
        if not is_covered:
            self._uncovered["output that capfd captured and no test read"] = f"{name}.{class_names[0]}.writeorg"

    def _shadow(self, module: ModuleType, name: str, value: object) -> None:
        """Replace a global of a module until the run ends."""
        members = vars(module)
        before = {key: members[key] for key in (name,) if key in members}
        members[name] = value

        def restore(**_named: Any) -> None:
            """Restore the global."""
            members.pop(name, None)
            members.update(before)

        self._ends.append(restore)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """Redact files from now on, since every plugin is registered."""
        self.cover_files()

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Show paths and names of tests as they are; a random secret in their parameters is redacted."""
        self._redaction.exempt(sorted({item.nodeid.partition("[")[0] for item in session.items}))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Redact secrets of words in what a test printed and logged, from which each plugin makes its report."""
        if self._redaction.has_words:
            sections = pytest_names.captured_sections(item)
            sections[:] = [(when, key, self._redaction.value(text)) for when, key, text in sections]
        return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_make_collect_report(self) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """Redact secrets of words in what a module printed and logged."""
        report = yield
        if self._redaction.has_words:
            report.sections = [(title, self._redaction.value(text)) for title, text in report.sections]
        return report

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print which secrets consist of words, and which output is not redacted."""
        for output, name in self._uncovered.items():
            problem = f"pytest {pytest.__version__} has no {name}, so {output} may contain secrets"
            terminalreporter.write_line(escape_line(f"bctrl: {problem}; use an older version of pytest"), yellow=True)
        for note in self._redaction.notes():
            terminalreporter.write_line(f"bctrl: {note}", yellow=True)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, object, object]:
        """Redact report files after every plugin has written its own."""
        try:
            return (yield)
        finally:
            self._redact_files()
            # A usage error is printed after the run.
            self._has_ended_well = int(session.exitstatus) != pytest.ExitCode.USAGE_ERROR

    def _redact_files(self) -> None:
        """Redact the report files that changed during the run; prints an error instead of raising it."""
        # Only the controller writes reports.
        if hasattr(self._config, "workerinput"):
            return
        try:
            named = report_paths(self._config)
            for path in list(changed_files(self._config, self._start)):
                self._redact_file(path, keeps_name=path in named)
        except Exception as error:  # noqa: BLE001 - the run must end, with a message
            sys.stderr.write(f"bctrl: not every report could be redacted ({type(error).__name__})\n")

    def _redact_file(self, path: Path, *, keeps_name: bool) -> None:
        """Redact a report file and, unless `keeps_name`, its name; prints an error instead of raising it."""
        try:
            redact_file(path, self._redaction)
            if not keeps_name:
                redact_name(path, self._redaction)
        except Exception as error:  # noqa: BLE001 - the other files are still redacted
            note = self._redaction.data(f"bctrl: {path} could not be redacted ({type(error).__name__})")
            sys.stderr.write(f"{escape_line(note)}\n")

    def _end_redaction(self) -> None:
        """Redact the reports once more and end the redaction, except of output at interpreter exit."""
        # Some plugins write when they are unconfigured.
        self._redact_files()
        # A worker is a process of its own, which may print when it exits.
        is_worker = hasattr(self._config, "workerinput")
        is_kept = is_worker or not self._has_ended_well or _ends_the_process()
        for end in self._ends:
            end(is_kept=is_kept)


def _ends_the_process() -> bool:
    """Return whether pytest's command line called this function, so that the process ends after the run."""
    frame = sys._getframe()
    while frame is not None:
        if frame.f_code.co_name in ("console_main", "_console_main"):
            return True
        frame = frame.f_back  # type: ignore[assignment]
    return False
