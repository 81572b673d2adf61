"""The entry points: each sends the catalogue in its own way, and returns the lines about each exchange.

The lines are those of `Case.expected`: the findings, and `UNMATCHED` or `NOT_CHECKED` if the account of the entry point
lists the exchange so. To add an entry point, add a function with the decorator `entry_point`.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import httpx
import requests

from pytest_bctrl import BctrlError, Finding, MockServer, RecordedTest, check, check_request
from pytest_bctrl.recorded.recording_path import RecordingPath
from pytest_bctrl.recorded.recording_session import RecordingTarget
from pytest_bctrl.secrets.redaction import Redaction
from tests.exchanges.catalogue import CATALOGUE, NOT_CHECKED, UNMATCHED, Case, Catalogue, shown
from tests.floor.servers import har_entry
from tests.local_server import Handler, serving
from tests.mock.mock_command import MockCommand
from tests.proxy.proxy_command import ProxyCommand
from tests.watch.suite_parts import NO_SERVER, SERVER
from tests.watch.suites import CLIENTS, RESPONDERS, Suite

Lines: TypeAlias = dict[str, set[str]]
"""The lines about each exchange, by its name."""


class Run(NamedTuple):
    """What an entry point needs: a folder, the command that runs Python, the URL of the server, and the exchanges."""

    folder: Path
    python: list[str]
    url: str
    catalogue: Catalogue = CATALOGUE

    @property
    def cases(self) -> Mapping[str, Case]:
        """The exchanges by their names."""
        return self.catalogue.cases

    def target(self, name: str) -> str:
        """Return the target of an exchange, in its folder."""
        return self.catalogue.folders[name] + self.cases[name].target

    def contract(self) -> str:
        """Write the contract to a file, and return its path."""
        path = self.folder / "contract.json"
        path.write_text(json.dumps(self.catalogue.contract.source), "utf-8")
        return str(path)

    def command(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a module of Python in the folder."""
        command = [*self.python, "-m", *arguments]
        values = {**os.environ, **environment}
        return subprocess.run(
            command, cwd=self.folder, env=values, capture_output=True, encoding="utf-8", errors="replace"
        )

    def pytest(self, *arguments: str, **environment: str) -> dict[str, Any]:
        """Run pytest in the folder, and return its JSON report."""
        options = (
            f"--bctrl-contract={self.contract()}",
            "--bctrl-report=report.json",
            "-pno:randomly",
            "-pno:cacheprovider",
        )
        result = self.command("pytest", *options, *arguments, **environment)
        path = self.folder / "report.json"
        assert path.exists(), result.stdout + result.stderr
        return dict(json.loads(path.read_text("utf-8")))


EntryPoint: TypeAlias = Callable[[Run], Lines]
ENTRY_POINTS: dict[str, EntryPoint] = {}


def entry_point(name: str) -> Callable[[EntryPoint], EntryPoint]:
    """Return a decorator that registers an entry point under a name."""

    def register(function: EntryPoint) -> EntryPoint:
        """Register an entry point."""
        ENTRY_POINTS[name] = function
        return function

    return register


# The server, and requests to it.


class _CatalogueHandler(Handler):
    """Returns the response of the exchange whose folder the request has."""

    catalogue = CATALOGUE
    wbufsize = -1
    """A response is sent at once, so that a client that reads its head has its surplus bytes too."""

    def _respond(self) -> None:
        """Send a response as the exchange has it, also with a body that its status does not allow."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        # The contract suite sends GET in place of HEAD.
        case = self.catalogue.cases[self.catalogue.name_in(self.path) or ""]
        case = replace(case, method=self.command)
        self.send_response(case.status)
        fields = dict(case.fields)
        is_empty = case.method == "HEAD" or (case.status == 204 and not case.body)
        if not is_empty:
            fields.setdefault("Content-Length", str(len(case.body)))
        for name, value in fields.items():
            self.send_header(name, value)
        if case.has_surplus_bytes:
            # Surplus bytes must not be taken for the beginning of the next response.
            self.send_header("Connection", "close")
        self.end_headers()
        if "Transfer-Encoding" in fields and not is_empty:
            self.wfile.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(case.body), case.body))
        elif not is_empty:
            self.wfile.write(case.body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _respond


@contextmanager
def catalogue_server(catalogue: Catalogue = CATALOGUE) -> Iterator[str]:
    """Start a server of all exchanges, and yield its URL."""
    with serving(type("Handler", (_CatalogueHandler,), {"catalogue": catalogue})) as url:
        yield url


def _send(client: Any, base: str, run: Run, name: str) -> Any:
    """Return the response to the request of an exchange, sent with a client of httpx or a session of requests."""
    case = run.cases[name]
    body = {"data" if isinstance(client, requests.Session) else "content": case.content}
    return client.request(case.method, base + run.target(name), headers=dict(case.headers), **body)


def _send_all(base: str, run: Run) -> None:
    """Send the request of each exchange, on a connection of its own: a proxy ends one that has surplus bytes."""
    for name in run.cases:
        # httpx raises for a body that is not in its content coding.
        with suppress(httpx.HTTPError), httpx.Client(verify=False) as client:
            _send(client, base, run, name)


# What the entry points report.


def _checked(run: Run, responses: Iterable[tuple[str, Any]]) -> Lines:
    """Return the lines of `check` about responses."""
    lines: Lines = {}
    for name, response in responses:
        try:
            lines[name] = set(map(shown, check(response, contract=run.catalogue.contract)))
        except BctrlError:
            lines[name] = {UNMATCHED}
    return lines


def _lines_of(
    run: Run, findings: Iterable[dict[str, Any]], unmatched: Iterable[str], not_checked: Iterable[str]
) -> Lines:
    """Return the lines of a report: its findings, and the sentences that name an exchange."""
    lines: Lines = defaultdict(set)
    name_in = run.catalogue.name_in
    for finding in findings:
        path = finding.get("request", {}).get("path", "")
        lines[name_in(f"{finding['operation']} {path}") or "?"].add(shown(finding))
    for account, sentences in ((UNMATCHED, unmatched), (NOT_CHECKED, not_checked)):
        for sentence in sentences:
            lines[name_in(sentence) or "?"].add(account)
    return lines


_UNMATCHED = re.compile("not in the contract|the contract does not have")
_COVERAGE = re.compile("^coverage of|not covered$")


def _reported(run: Run, report: dict[str, Any]) -> Lines:
    """Return the lines of a JSON report."""
    unmatched = filter(_UNMATCHED.search, report["notes"])
    not_checked = [text for text in report["not_checked"] if run.catalogue.name_in(text) and not _COVERAGE.search(text)]
    return _lines_of(run, report["findings"], unmatched, not_checked)


# Functions.


@entry_point("check, httpx")
def check_httpx(run: Run) -> Lines:
    """Check responses of httpx."""

    def responses() -> Iterator[tuple[str, httpx.Response]]:
        with httpx.Client(verify=False) as client:
            for name in run.cases:
                with suppress(httpx.HTTPError):
                    yield name, _send(client, run.url, run, name)

    return _checked(run, responses())


@entry_point("check, requests")
def check_requests(run: Run) -> Lines:
    """Check responses of requests."""

    def responses() -> Iterator[tuple[str, requests.Response]]:
        with requests.Session() as session:
            for name in run.cases:
                with suppress(requests.RequestException):
                    yield name, _send(session, run.url, run, name)

    return _checked(run, responses())


@entry_point("check_request")
def check_requests_of_httpx(run: Run) -> Lines:
    """Check requests of httpx."""

    def findings(name: str, case: Case) -> list[Finding]:
        url = SERVER + run.target(name)
        request = httpx.Request(case.method, url, headers=dict(case.headers), content=case.content)
        return check_request(request, contract=run.catalogue.contract)

    return {name: set(map(shown, findings(name, case))) for name, case in run.cases.items()}


# Files.


def _check_file(run: Run, path: str) -> Lines:
    """Return the lines of `pytest-bctrl check` about a file."""
    result = run.command("pytest_bctrl", "check", path, "--format=json", f"--contract={run.contract()}")
    assert result.stdout, result.stderr
    report = json.loads(result.stdout)
    return _reported(run, report)


@entry_point("HAR file")
def check_har_file(run: Run) -> Lines:
    """Check a HAR file of all exchanges with `pytest-bctrl check`."""
    entries = []
    for name, case in run.cases.items():
        url = SERVER + run.target(name)
        fields = list(case.fields.items())
        # As in the HAR files of browsers, bodies are decoded.
        entries.append(
            har_entry(case.method, url, dict(case.headers), case.content, case.status, fields, case.decoded_body)
        )
    document = {"log": {"version": "1.2", "creator": {"name": "test", "version": "1"}, "entries": entries}}
    run.folder.joinpath("all.har").write_text(json.dumps(document), "utf-8")
    return _check_file(run, "all.har")


@entry_point("recording and replay")
def record_and_replay(run: Run) -> Lines:
    """Record all exchanges, check the file, replay it, and check the responses: both must find the same faults."""
    path = run.folder / "all.har"
    place = RecordingPath(path, "test", "", path.name, conforming=False)
    recording = RecordedTest(place, run.catalogue.contract, "rewrite", Redaction())
    recording.aim = RecordingTarget(run.url, None, "", live=False)

    def responses(recording: RecordedTest) -> Iterator[tuple[str, httpx.Response]]:
        with recording.client() as client:
            for name in run.cases:
                with suppress(httpx.HTTPError):
                    yield name, _send(client, "", run, name)

    assert dict(responses(recording))
    recording.finish()
    of_file = _check_file(run, path.name)
    of_replay = _checked(run, responses(RecordedTest(place, run.catalogue.contract, "none", Redaction())))
    lines: Lines = {}
    for name in run.cases:
        in_file, replayed = of_file.get(name, set()), of_replay.get(name, set())
        # `check` gets the response alone, and keeps no account of what it does not check.
        about_response = {line for line in in_file if line.startswith("response")}
        lines[name] = in_file | {f"only on replay: {line}" for line in replayed - in_file - {UNMATCHED}}
        if "X-Total" in run.cases[name].fields:
            # Otherwise it is unknown on replay whether the server has sent the required field.
            lines[name] |= {f"only in the file: {line}" for line in about_response - replayed}
    return lines


# The watch.


def _watched(run: Run, suite: Suite) -> Lines:
    """Return the lines of a watched run of a suite."""
    run.folder.joinpath("test_suite.py").write_text(suite.text, "utf-8")
    run.folder.joinpath("cases.json").write_text(
        json.dumps({name: case.as_data(run.catalogue.folders[name]) for name, case in run.cases.items()}), "utf-8"
    )
    return _reported(run, run.pytest("--bctrl-watch", "-pno:asyncio"))


def _client(name: str) -> EntryPoint:
    """Return the entry point of the watch with a client library, which sends to the server."""

    def watch(run: Run) -> Lines:
        """Run the suite of a client library under the watch."""
        suite = next(suite for suite in CLIENTS if suite.name == name)
        code = f"SERVER = {run.url!r}\n{NO_SERVER}" + suite.code.partition("server.server_close()")[2]
        return _watched(run, suite._replace(code=code))

    return watch


def _responder(name: str) -> EntryPoint:
    """Return the entry point of the watch with a library that replaces responses."""

    def watch(run: Run) -> Lines:
        """Run the suite of a mock library under the watch."""
        return _watched(run, next(suite for suite in RESPONDERS if suite.name == name))

    return watch


ENTRY_POINTS["watch, httpx"] = _client("httpx and a server")
ENTRY_POINTS["watch, requests"] = _client("requests")
ENTRY_POINTS["watch, aiohttp"] = _client("aiohttp")
ENTRY_POINTS["watch, respx"] = _responder("respx")
ENTRY_POINTS["watch, responses"] = _responder("responses")

# Servers.


@entry_point("proxy")
def proxy(run: Run) -> Lines:
    """Send all requests through `pytest-bctrl proxy`."""
    report = run.folder / "report.json"
    options = (f"--contract={run.contract()}", f"--report={report}", "--quiet")
    with ProxyCommand(run.python, run.folder).running(run.url, *options) as running:
        _send_all(running.url, run)
        _, _, errors = running.end()
    assert report.exists(), errors
    return _reported(run, json.loads(report.read_text("utf-8")))


@entry_point("mock")
def mock_in_process(run: Run) -> Lines:
    """Send all requests to a mock in this process, and read its journal."""
    lines: Lines = defaultdict(set)
    with MockServer(run.catalogue.contract) as mock:
        _send_all(mock.url, run)
        for entry in mock.requests:
            lines[run.catalogue.name_in(entry.path) or "?"] |= set(map(shown, entry.findings))
    return lines


@entry_point("mock, process")
def mock_as_process(run: Run) -> Lines:
    """Send all requests to `pytest-bctrl mock`, and read its journal over HTTP."""
    options = (f"--contract={run.contract()}", "--control", "--quiet")
    lines: Lines = defaultdict(set)
    with MockCommand(run.python, run.folder).running(*options) as mock:
        control = json.loads(run.folder.joinpath("ready.json").read_text("utf-8"))["control"]
        _send_all(mock.url, run)
        headers = {"Authorization": f"Bearer {control['token']}"}
        url = f"{control['url']}spaces/{mock.space_id}/requests"
        journal = httpx.get(url, headers=headers).raise_for_status().json()
    for entry in journal["requests"]:
        lines[run.catalogue.name_in(entry["path"]) or "?"] |= set(map(shown, entry.get("findings", ())))
    return lines


@entry_point("contract suite")
def contract_suite(run: Run) -> Lines:
    """Run the contract suite against the server: its plain requests conform, and get the responses of the catalogue."""
    tests = "test_answer_conforms or test_nothing_undocumented"
    report = run.pytest("--bctrl-live", f"--bctrl-base-url={run.url}", "-k", tests, BCTRL_API_KEY="key-of-a-test")
    own = [finding for finding in report["findings"] if _is_of_case(run, finding["operation"])]
    operations = [row["operation"] for row in report["operations"] if row["outcome"] == "not checked"]
    for text in report["not_checked"]:
        if "only JSON bodies are validated" in text:
            operations += re.findall(r"GET /[\w-]+/\w+", text)
    return _lines_of(run, own, (), [label for label in operations if _is_of_case(run, label)])


def _is_of_case(run: Run, label: str) -> bool:
    """Return whether an operation has the method of its exchange, or GET in place of HEAD."""
    name = run.catalogue.name_in(label)
    return name is not None and label.split()[0] == run.cases[name].method.replace("HEAD", "GET")
