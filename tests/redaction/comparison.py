"""Runs of one project with redaction and without the plugin, and the facts that must be the same in both."""

from __future__ import annotations

import difflib
import html
import json
import os
import re
import shutil
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

PROJECT = Path(__file__).with_name("hostile_project")
SOURCES = ("key", "bctrl_secrets", "proxy")
"""Where a secret may come from."""
_REPORTERS = {
    "pytest_jsonreport": (
        ["-p", "pytest_jsonreport", "--json-report", "--json-report-file=out/report.json"],
        "out/report.json",
    ),
    "allure_pytest": (["-p", "allure_pytest", "--alluredir=out/allure"], "out/allure"),
    "pytest_reportlog": (["-p", "pytest_reportlog", "--report-log=out/log.json"], "out/log.json"),
    "pytest_html": (["-p", "metadata", "-p", "html", "--html=out/r.html"], "out/r.html"),
}


@dataclass(frozen=True)
class Result:
    """The result of a run as lines, without the texts that redaction may change."""

    exit_code: int
    facts: tuple[str, ...]


class Project:
    """A copy of the hostile project in a folder of its own, run in the process of the test."""

    def __init__(self, pytester: pytest.Pytester, folder: Path, secret: str, source: str | None) -> None:
        """Copy the project; `source` is where its secret comes from, None disables the plugin."""
        self._pytester = pytester
        self._folder = folder
        self._secret = secret
        self._source = source
        shutil.copytree(PROJECT, folder, ignore=shutil.ignore_patterns("__pycache__"))
        lines = ["[pytest]", *(["bctrl_secrets = $DRAWN"] if source == "bctrl_secrets" else [])]
        (folder / "pytest.ini").write_text("\n".join(lines))

    def run(self, *arguments: str, without_reporter: str | None = None) -> Result:
        """Run pytest with these arguments, and with each installed reporter except `without_reporter`."""
        log_file = self._folder / "seen.txt"
        log_file.unlink(missing_ok=True)
        shutil.rmtree(self._folder / "out", ignore_errors=True)
        installed = {name for name in _REPORTERS if find_spec(name) is not None}
        reporters = {name: _REPORTERS[name] for name in sorted(installed - {without_reporter})}
        options = ["-p", "xdist", "--junitxml=out/junit.xml"]
        options += [option for reporter_options, _ in reporters.values() for option in reporter_options]
        if self._source is not None:
            options += ["-p", "bctrl"]
        with pytest.MonkeyPatch.context() as monkeypatch:
            monkeypatch.chdir(self._folder)
            for name, value in self._environment(log_file).items():
                monkeypatch.setenv(name, value)
            result = self._pytester.runpytest_inprocess(*options, *arguments)
        facts = [*self._read_log(log_file), *self._read_cache()]
        reports = {"junit": "out/junit.xml"} | {name: path for name, (_, path) in reporters.items()}
        for name, path in reports.items():
            facts += (f"{name}: {fact}" for fact in _read_report(name, self._folder / path))
        return Result(int(result.ret), tuple(facts))

    def failed_ids(self) -> list[str]:
        """Return the ids that pytest's cache has as failed after the last run."""
        return list(json.loads((self._folder / ".pytest_cache/v/cache/lastfailed").read_text()))

    def _environment(self, log_file: Path) -> dict[str, str]:
        """Return the variables of a run: the secret at its source, and the path of the project's log."""
        environment = {
            "DRAWN": self._secret,
            "SEEN": os.fspath(log_file),
            "PYTEST_ADDOPTS": "",
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        }
        if self._source == "key":
            environment["BCTRL_API_KEY"] = self._secret
        if self._source == "proxy":
            environment["HTTPS_PROXY"] = f"http://user:{quote(self._secret, safe='')}@127.0.0.1:9"
        return environment

    def _read_log(self, log_file: Path) -> Iterator[str]:
        """Return the lines of the project's log, except notes of the plugin; none if it does not exist."""
        # The plugin may warn at the start of a run that a secret is weak.
        ignored = ("'warning'\t''\t",)
        lines = log_file.read_text().splitlines() if log_file.exists() else []
        return (line for line in lines if not line.startswith(ignored))

    def _read_cache(self) -> Iterator[str]:
        """Yield a line for each entry of pytest's cache."""
        for path in sorted((self._folder / ".pytest_cache/v/cache").glob("*")):
            entries = json.loads(path.read_text())
            for name in sorted(entries):
                if name != "last_cache_date_str":
                    yield f"cache {path.name}: {name} {entries[name] if isinstance(entries, dict) else ''}"


def assert_same(expected: Result, actual: Result, *, ordered: bool = True) -> None:
    """Raise `AssertionError` with the differences of two runs.

    If not `ordered`, as for tests of several workers, the order and facts about objects kept between tests are ignored.
    """
    lines = []
    if expected.exit_code != actual.exit_code:
        lines.append(f"exit code {actual.exit_code}, without the plugin {expected.exit_code}")
    first, second = expected.facts, actual.facts
    if not ordered:
        first, second = _sort_facts(first), _sort_facts(second)
    lines += difflib.unified_diff(first, second, "without", "with", n=0, lineterm="")
    if lines:
        raise AssertionError("\n".join(lines[:40]))


def _sort_facts(facts: tuple[str, ...]) -> tuple[str, ...]:
    """Return the facts sorted, without those about objects kept between tests."""
    return tuple(sorted(fact for fact in facts if not fact.startswith("'kept")))


def _read_report(name: str, path: Path) -> list[str]:
    """Return the content of a report, or why it cannot be read, which counts as a difference."""
    try:
        return list(_READERS[name](path))
    except (OSError, ValueError, LookupError, ElementTree.ParseError) as error:
        return [f"unreadable: {error!r}"]


def read_junit(path: Path) -> Iterator[str]:
    """Yield the counts of each suite, and for each test which elements and attributes describe it."""
    for suite in ElementTree.parse(path).getroot().iter("testsuite"):
        counts = {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")}
        yield f"{counts}"
        for case in suite.iter("testcase"):
            yield f"{sorted(case.attrib)} {[(child.tag, sorted(child.attrib)) for child in case]}"


def _read_json_report(path: Path) -> Iterator[str]:
    """Yield exit code, summary and outcomes of a report of pytest-json-report."""
    report = json.loads(path.read_text())
    yield f"exit code {report['exitcode']}, summary {report['summary']}"
    for test in report["tests"]:
        phases = {name: test[name]["outcome"] for name in ("setup", "call", "teardown") if name in test}
        yield f"{test['outcome']} {phases} {sorted(test)}"
    yield f"{[collector['outcome'] for collector in report['collectors']]}"


def _read_report_log(path: Path) -> Iterator[str]:
    """Yield type, phase and outcome of each entry of pytest-reportlog, except warnings."""
    for line in path.read_text().splitlines():
        entry = json.loads(line)
        if entry["$report_type"] != "WarningMessage":
            yield f"{entry['$report_type']} {entry.get('when')} {entry.get('outcome')} {sorted(entry)}"


def _read_allure(folder: Path) -> Iterator[str]:
    """Return status and members of each result of Allure, sorted."""
    results: list[dict[str, Any]] = [json.loads(path.read_text()) for path in folder.glob("*-result.json")]
    return iter(sorted(f"{result['status']} {sorted(result)}" for result in results))


def _read_html(path: Path) -> Iterator[str]:
    """Yield results and members of the tests in a page of pytest-html."""
    blob = re.search(r'data-jsonblob="([^"]*)"', path.read_text())
    assert blob is not None
    for tests in json.loads(html.unescape(blob[1]))["tests"].values():
        yield f"{[(test['result'], sorted(test)) for test in tests]}"


_READERS: dict[str, Callable[[Path], Iterator[str]]] = {
    "junit": read_junit,
    "pytest_jsonreport": _read_json_report,
    "allure_pytest": _read_allure,
    "pytest_reportlog": _read_report_log,
    "pytest_html": _read_html,
}
