"""The account of each entry point has the exchanges that a server, a mock library or a client has counted."""

from __future__ import annotations

import json
import re
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from pytest_bctrl import MockServer, RecordedTest
from pytest_bctrl.recorded.recording_path import RecordingPath
from pytest_bctrl.recorded.recording_session import RecordingTarget
from pytest_bctrl.secrets.redaction import Redaction
from tests.exchanges.entry_points import Run
from tests.floor.servers import har_entry
from tests.local_server import JSON, Handler, serving
from tests.mock.mock_command import MockCommand
from tests.proxy.proxy_command import ProxyCommand
from tests.request_checks.orders import contract_of_paths, operation, response

HOST = "orders.example"
FOREIGN = "http://other.example/elsewhere"
OUTCOMES = ("checked", "not checked", "unmatched", "unanswered", "foreign")
CONTRACT = contract_of_paths(
    {
        "/orders": {"get": operation(), "post": operation()},
        "/unread": {"get": operation()},
        "/export": {"get": operation(responses={"200": response({"type": "object"}, "application/xml")})},
        "/close": {"get": operation(), "post": operation()},
    },
    servers=[{"url": f"http://{HOST}"}],
)
OUTCOME_OF = {
    "/orders": "checked",
    "/export": "not checked",
    "/unread": "not checked",
    "/orderz": "unmatched",
    "/close": "unanswered",
    FOREIGN: "foreign",
}
"""What must become of a request by its path; a foreign one has a URL, because the server is its HTTP proxy."""
TARGETS = (
    *["/orders", "/orders", "/orders?limit=1", "/orders", "/orders", "/orders"],
    *["/export", "/export", "/orderz", "/orderz", "/orderz", "/close"],
)
UNREAD = ("/unread",)
ELSEWHERE = (FOREIGN, FOREIGN, FOREIGN, FOREIGN)


class Log:
    """A server on loopback that logs each request, also one to another host as an HTTP proxy, and those it closes."""

    def __init__(self) -> None:
        self.targets: list[str] = []
        self.url = ""

    def numbers(self, *further: str) -> dict[str, int]:
        """Return the numbers of an account of the logged requests, and of the outcomes of others."""
        outcomes = Counter(OUTCOME_OF[target.partition("?")[0]] for target in self.targets)
        outcomes.update(further)
        return {"sent": outcomes.total(), **{outcome: outcomes[outcome] for outcome in OUTCOMES}}


@pytest.fixture
def log() -> Iterator[Log]:
    """Yield the log of a server."""
    log = Log()

    class Logging(Handler):
        """Logs each request, and responds to it by its path."""

        def _respond(self) -> None:
            """Log the request; respond, or close the connection."""
            log.targets.append(self.path)
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            path = self.path.partition("?")[0]
            if path == "/close":
                self.close_connection = True
            elif path == "/export":
                self.respond(200, b"<orders/>", {"Content-Type": "application/xml"})
            else:
                self.respond(200 if path in OUTCOME_OF else 404, b"{}", JSON)

        do_GET = do_POST = do_HEAD = _respond

    with serving(Logging) as log.url:
        yield log


def numbers_in(text: str) -> dict[str, int]:
    """Return the numbers of the only account in a text: `3 exchanges: 2 checked, 1 unmatched`."""
    parts = "|".join(OUTCOMES)
    accounts = re.findall(rf"\b(\d+) exchanges?: ((?:\d+ (?:{parts})(?:, )?)+)", text)
    assert 1 == len(accounts), text
    ((sent, outcomes),) = accounts
    numbers = {name: int(number) for number, name in re.findall(rf"(\d+) ({parts})", outcomes)}
    assert 0 not in numbers.values()
    return {"sent": int(sent), **dict.fromkeys(OUTCOMES, 0), **numbers}


def assert_account(expected: dict[str, int], text: str, report: dict[str, Any]) -> None:
    """Compare the numbers of a summary and of a JSON report with the expected ones, which are of all kinds."""
    assert expected == report["exchanges"]
    assert expected == numbers_in(text)
    assert expected["sent"] == sum(expected[outcome] for outcome in OUTCOMES)


class Folder(NamedTuple):
    """The folder of a project, and the command that runs Python."""

    path: Path
    python: list[str]

    def contract(self) -> str:
        """Write the contract to a file, and return the option that names it."""
        path = self.path / "contract.json"
        path.write_text(json.dumps(CONTRACT.source), "utf-8")
        return str(path)

    def run(self, *arguments: str) -> str:
        """Run a module of Python, and return its standard output."""
        return Run(self.path, self.python, "").command(*arguments).stdout

    def report(self) -> dict[str, Any]:
        """Return the JSON report of a run."""
        return dict(json.loads(self.path.joinpath("report.json").read_text("utf-8")))

    def pytest(self, *arguments: str) -> str:
        """Run pytest with the contract and a report, and return its standard output."""
        options = (f"--bctrl-contract={self.contract()}", "--bctrl-report=report.json", "-pno:cacheprovider")
        return self.run("pytest", *options, *arguments)


@pytest.fixture
def folder(tmp_path: Path, python: list[str]) -> Folder:
    """Return an empty folder."""
    return Folder(tmp_path, python)


@contextmanager
def refusing_url() -> Iterator[str]:
    """Yield the URL of a port at which nothing listens, while no other process can take it."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"


# The watch.

_SUITE = """
import asyncio
from contextlib import suppress

import pytest

SERVER, REFUSING = {server!r}, {refusing!r}
{code}

@pytest.mark.parametrize("target", {targets!r})
def test_exchange(target):
    if target.startswith("http"):
        send(target, SERVER)
    elif target == "/refused":
        send(REFUSING + "/orders", None)
    else:
        send(SERVER + target, None)
"""
CLIENTS = {
    "httpx": """
import httpx

def send(url, proxy):
    with httpx.Client(verify=False, proxy=proxy) as client, suppress(httpx.TransportError):
        with client.stream("GET", url) as received:
            if "unread" not in url:
                received.read()
""",
    "requests": """
import requests

def send(url, proxy):
    with suppress(requests.ConnectionError):
        with requests.get(url, proxies={"http": proxy}, stream=True) as received:
            if "unread" not in url:
                received.content
""",
    "aiohttp": """
import aiohttp

async def send_async(url, proxy):
    async with aiohttp.ClientSession() as session:
        with suppress(aiohttp.ClientError):
            # It repeats a GET without a response.
            async with session.request("POST" if "close" in url else "GET", url, proxy=proxy) as received:
                if "unread" not in url:
                    await received.read()

def send(url, proxy):
    asyncio.run(send_async(url, proxy))
""",
}


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
@pytest.mark.parametrize("library", CLIENTS)
def test_the_watch_counts_what_a_server_receives(library: str, workers: str, log: Log, folder: Folder) -> None:
    targets = (*TARGETS, *UNREAD, *ELSEWHERE, "/refused", "/refused")
    with refusing_url() as refusing:
        text = _SUITE.format(server=log.url, refusing=refusing, code=CLIENTS[library], targets=targets)
        folder.path.joinpath("test_suite.py").write_text(text, "utf-8")
        output = folder.pytest("--bctrl-watch", "-pno:asyncio", workers)
    assert len(targets) - 2 == len(log.targets), "the suite itself"
    expected = log.numbers("unanswered", "unanswered")
    assert all(expected.values())
    assert_account(expected, output, folder.report())


RESPONDERS = {
    "respx": """
import httpx
import respx

@pytest.fixture(autouse=True)
def mocked():
    with respx.mock(assert_all_called=False) as mock:
        mock.get(path="/export").respond(200, content_type="application/xml", text="<a/>")
        mock.get(path="/close").mock(side_effect=httpx.ReadError)
        mock.get(path="/orderz").respond(404, json={})
        mock.get(host="other.example").respond(200, json={})
        mock.get(path="/orders").respond(200, json={})
        yield
        with open("calls.txt", "a") as file:
            file.writelines(f"{call.request.url}\\n" for call in mock.calls)

def send(url, proxy):
    with httpx.Client(verify=False) as client, suppress(httpx.TransportError):
        client.get(url)
""",
    "responses": """
import requests
import responses

@pytest.fixture(autouse=True)
def mocked():
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.get(SERVER + "/export", body="<a/>", content_type="application/xml")
        mock.get(SERVER + "/close", body=requests.ConnectionError("closed"))
        mock.get(SERVER + "/orderz", json={}, status=404)
        mock.get("http://other.example/elsewhere", json={})
        mock.get(SERVER + "/orders", json={})
        yield
        with open("calls.txt", "a") as file:
            file.writelines(f"{call.request.url}\\n" for call in mock.calls)

def send(url, proxy):
    with suppress(requests.ConnectionError):
        requests.get(url)
""",
}


@pytest.mark.parametrize("library", RESPONDERS)
def test_the_watch_counts_what_a_mock_library_counts(library: str, log: Log, folder: Folder) -> None:
    if find_spec(library) is None:
        pytest.skip(f"needs {library}: tox -e watch")
    server = f"http://{HOST}"
    targets = (*TARGETS, *ELSEWHERE)
    text = _SUITE.format(server=server, refusing="", code=RESPONDERS[library], targets=targets)
    folder.path.joinpath("test_suite.py").write_text(text, "utf-8")
    output = folder.pytest("--bctrl-watch", "-pno:asyncio", "-n0")
    calls = folder.path.joinpath("calls.txt").read_text("utf-8").split()
    assert len(targets) == len(calls), "the suite itself"
    log.targets += [url.removeprefix(server) for url in calls]
    expected = log.numbers()
    assert all(expected.values())
    assert_account(expected, output, folder.report())


# The proxy, and files.


def test_the_proxy_counts_what_its_target_receives(log: Log, folder: Folder) -> None:
    options = (f"--contract={folder.contract()}", f"--report={folder.path / 'report.json'}", "--quiet")
    with ProxyCommand(folder.python, folder.path).running(log.url, *options) as running:
        for target in TARGETS:
            with httpx.Client(verify=False) as client, suppress(httpx.TransportError):
                client.get(running.url + target)
        _, output, errors = running.end()
    assert len(TARGETS) == len(log.targets)
    assert_account(log.numbers(), output + errors, folder.report())


@pytest.mark.parametrize(
    "is_answered",
    [True, pytest.param(False, marks=pytest.mark.xfail(strict=True, reason="an entry without a response is dropped"))],
)
def test_the_check_of_a_file_counts_its_entries(is_answered: bool, log: Log, folder: Folder) -> None:
    """An entry without a response has the status 0, as in the HAR files of browsers."""
    log.targets += [target for target in (*TARGETS, *ELSEWHERE) if target != "/close" or not is_answered]
    document = {"log": {"version": "1.2", "creator": {"name": "test", "version": "1"}, "entries": _entries(log)}}
    folder.path.joinpath("all.har").write_text(json.dumps(document), "utf-8")
    command = ("pytest_bctrl", "check", "all.har", f"--contract={folder.contract()}")
    report = json.loads(folder.run(*command, "--format=json"))
    assert_account(log.numbers(), folder.run(*command), report)


def _entries(log: Log) -> list[dict[str, Any]]:
    """Return the entries of a HAR file for the requests of a log."""
    entries = []
    for target in log.targets:
        url = target if target.startswith("http") else f"http://{HOST}{target}"
        if target == "/close":
            entries.append(har_entry("GET", url, {}, None, 0, [], b""))
        elif target == "/export":
            fields = [("Content-Type", "application/xml")]
            entries.append(har_entry("GET", url, {}, None, 200, fields, b"<orders/>"))
        else:
            entries.append(har_entry("GET", url, {}, None, 200, list(JSON.items()), b"{}"))
    return entries


def test_the_check_of_a_recording_counts_what_the_server_received(log: Log, folder: Folder) -> None:
    """A recording has each distinct exchange that got a response."""
    path = folder.path / "recorded.har"
    place = RecordingPath(path, "test", "", path.name, conforming=False)
    recording = RecordedTest(place, CONTRACT, "rewrite", Redaction())
    recording.aim = RecordingTarget(log.url, None, "", live=False)
    with recording.client() as client:
        for number, target in enumerate(("/orders", "/orders", "/export", "/orderz", "/orders")):
            client.get(f"{target}?number={number}")
    recording.finish()
    assert len(json.loads(path.read_text("utf-8"))["log"]["entries"]) == len(log.targets) == 5
    command = ("pytest_bctrl", "check", path.name, f"--contract={folder.contract()}")
    report = json.loads(folder.run(*command, "--format=json"))
    assert_account(log.numbers(), folder.run(*command), report)


# The mock, which counts in its journal.

MOCKED = (
    *[("GET", "/orders", ""), ("GET", "/orders", ""), ("POST", "/orders", "{}"), ("POST", "/orders", "{")],
    *[("HEAD", "/orders", ""), ("GET", "/export", ""), ("GET", "/orderz", ""), ("DELETE", "/orders", "")],
)


def answered(url: str) -> list[tuple[str, str]]:
    """Send the requests on sockets of their own, and return method and path of those that were answered."""
    received = []
    for method, path, content in MOCKED:
        connection = HTTPConnection(url.removeprefix("http://"), timeout=60)
        with suppress(HTTPException, OSError):
            connection.request(method, path, content or None, {"Content-Type": "application/json"})
            connection.getresponse().read()
            received.append((method, path))
        connection.close()
    return received


def test_the_journal_of_a_mock_has_each_request() -> None:
    with MockServer(CONTRACT) as mock:
        sent = answered(mock.url)
        assert len(MOCKED) == len(sent)
        assert sent == [(entry.method, entry.path) for entry in mock.requests]


def test_the_journal_of_a_mock_in_a_process_has_each_request(folder: Folder) -> None:
    options = (f"--contract={folder.contract()}", "--control", "--quiet")
    with MockCommand(folder.python, folder.path).running(*options) as mock:
        control = json.loads(folder.path.joinpath("ready.json").read_text("utf-8"))["control"]
        sent = answered(mock.url)
        headers = {"Authorization": f"Bearer {control['token']}"}
        url = f"{control['url']}spaces/{mock.space_id}/requests"
        journal = httpx.get(url, headers=headers).raise_for_status().json()
    assert len(MOCKED) == len(sent)
    assert sent == [(entry["method"], entry["path"]) for entry in journal["requests"]]


# The contract suite.


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_the_contract_suite_counts_what_the_server_receives(workers: str, log: Log, folder: Folder) -> None:
    """The suite sends what it likes, so only the number and the requests without a response are known."""
    output = folder.pytest("--bctrl-live", f"--bctrl-base-url={log.url}", workers)
    numbers = folder.report()["exchanges"]
    closed = sum(target.partition("?")[0] == "/close" for target in log.targets)
    assert 0 < closed == numbers["unanswered"]
    assert len(log.targets) == numbers["sent"] == sum(numbers.values()) - numbers["sent"]
    assert numbers == {**numbers_in(output), **{name: numbers[name] for name in numbers if name not in OUTCOMES}}
