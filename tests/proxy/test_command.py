"""`pytest-bctrl proxy`, run as people run it: in front of a server of the packaged contract."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest

from pytest_bctrl import Secret, load_contract
from pytest_bctrl.cli.proxy import EXAMPLES
from pytest_bctrl.traffic.mock.server import MockServer
from tests.mock.asking import vanish
from tests.proxy.proxy_command import ProxyCommand
from tests.proxy.targets import raw, target
from tests.reports.agreement import FORMATS, assert_agreement

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals as on POSIX")

KEY = "sk_live_Qm4vX8zL2tRw6Yp1"
EMPTY = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


@pytest.fixture
def proxy_command(tmp_path: Path, python: list[str]) -> ProxyCommand:
    """Return the command, which starts quickly."""
    return ProxyCommand(python, tmp_path)


@pytest.fixture
def new_process(tmp_path: Path) -> ProxyCommand:
    """Return the command in a new interpreter, whose process id is that of its `Popen` object."""
    return ProxyCommand([sys.executable], tmp_path)


@contextmanager
def mock() -> Iterator[MockServer]:
    """Run a mock of the packaged contract, whose key is `KEY`."""
    with MockServer(load_contract(), api_key=Secret(KEY)) as server:
        yield server


def listing(url: str, server: MockServer, key: str = KEY) -> httpx.Response:
    """Return the response to a request for the runtimes of `server`, sent to `url`."""
    path = f"/v1/spaces/{server.space_id}/runtimes"
    return httpx.get(url + path, headers={"Authorization": f"Bearer {key}"}, trust_env=False, timeout=60)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_proxy_serves_until_a_signal_and_passes(
    tmp_path: Path, new_process: ProxyCommand, number: signal.Signals
) -> None:
    """It then exits with 0, prints the summary, and removes its ready file."""
    with mock() as server, new_process.running(server.url) as proxy:
        assert 200 == listing(proxy.url, server).status_code
        code, out, err = proxy.end(number)
        assert (proxy.process.pid, server.url) == (proxy.ready["pid"], proxy.ready["target"])
    assert (0, "") == (code, err)
    assert out.startswith(f"proxy of {server.url} on {proxy.url}\ncontract ")
    assert "\n1 exchange: 1 checked; no findings under contract " in out
    assert "coverage " in out
    assert not (tmp_path / "ready.json").exists()


REPORTS = [f"report.{suffix}" for suffix in FORMATS]


def test_findings_are_printed_once_and_reported_in_every_format(tmp_path: Path, proxy_command: ProxyCommand) -> None:
    """Three invalid responses: exit code 1, one line, and one finding in five reports."""
    with mock() as server:
        server.fault("malformed_json")
        with proxy_command.running(server.url, *(f"--report={name}" for name in REPORTS)) as proxy:
            for _ in range(3):
                listing(proxy.url, server)
            code, out, err = proxy.end()
    assert (1, "") == (code, err)
    assert_agreement(tmp_path, code, out)
    assert 1 == out.count("error GET /v1/spaces/{id}/runtimes: strict_json at ")
    assert "3 exchanges: 3 checked; 1 error" in out
    report = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert ("proxy", "failed", 1) == (report["report"], report["verdict"]["status"], report["summary"]["error"])
    assert "strict_json" in (tmp_path / "report.html").read_text("utf-8")
    assert "strict_json" in (tmp_path / "report.md").read_text("utf-8")
    sarif = json.loads((tmp_path / "report.sarif").read_text("utf-8"))
    assert 1 == len(sarif["runs"][0]["results"])
    assert ElementTree.parse(tmp_path / "report.xml").getroot().findall(".//failure")


def test_findings_can_be_accepted_and_are_then_no_failure(proxy_command: ProxyCommand) -> None:
    """`--accept` writes the baseline, which the next run uses."""
    with mock() as server:
        server.fault("malformed_json")
        with proxy_command.running(server.url, "--accept", "fixed in 4.2") as proxy:
            listing(proxy.url, server)
            code, _, err = proxy.end()
        assert (0, True) == (code, "accepted 1 until " in err)
        with proxy_command.running(server.url, "--quiet") as proxy:
            listing(proxy.url, server)
            code, out, _ = proxy.end()
    assert 0 == code
    assert "1 error, 1 of them accepted under contract" in out
    assert "error GET /v1/spaces/{id}/runtimes: strict_json" not in out


def test_a_rule_that_is_switched_off_does_not_fail_the_proxy(proxy_command: ProxyCommand) -> None:
    """`--level strict_json=off`: the exit code is 0, and the summary counts the hidden finding."""
    with mock() as server:
        server.fault("malformed_json")
        with proxy_command.running(server.url, "--level", "strict_json=off") as proxy:
            listing(proxy.url, server)
            code, out, _ = proxy.end()
    assert 0 == code
    assert "switched off by --level: strict_json, 1 not shown" in out


def test_a_proxy_without_any_exchange_of_the_contract_ends_with_2(proxy_command: ProxyCommand) -> None:
    with target(lambda number: EMPTY) as server, proxy_command.running(server.url) as proxy:
        httpx.get(f"{proxy.url}/v1/space/7", trust_env=False)
        code, out, _ = proxy.end()
    assert 2 == code
    assert "not checked: no exchange of an operation of the contract\n" in out
    assert "not in the contract: GET /v1/space/7\n" in out


def test_a_target_that_is_down_ends_with_2(proxy_command: ProxyCommand) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with proxy_command.running(f"http://127.0.0.1:{port}") as proxy:
        assert 502 == httpx.get(f"{proxy.url}/v1/spaces/a/runtimes", trust_env=False).status_code
        code, out, _ = proxy.end()
    assert 2 == code
    assert "not checked: the target cannot be reached: " in out


def test_only_safe_rejects_a_post_with_405(proxy_command: ProxyCommand) -> None:
    """The proxy exits with 0 and prints what it did not forward."""
    with mock() as server, proxy_command.running(server.url, "--only-safe") as proxy:
        listing(proxy.url, server)
        reply = httpx.post(f"{proxy.url}/v1/spaces/{server.space_id}/runtimes", json={}, trust_env=False)
        assert (405, "GET, HEAD, OPTIONS") == (reply.status_code, reply.headers["Allow"])
        code, out, _ = proxy.end()
    assert 0 == code
    assert f"not forwarded: POST /v1/spaces/{server.space_id}/runtimes: POST is not a safe method" in out


def test_a_recording_can_be_checked_and_contains_no_key(
    tmp_path: Path, proxy_command: ProxyCommand, python: list[str]
) -> None:
    """`--record` writes each distinct exchange once, with the body that the client received."""
    with mock() as server, proxy_command.running(server.url, "--record", "traffic.har") as proxy:
        received = listing(proxy.url, server)
        listing(proxy.url, server)
        listing(proxy.url, server, "wrong-key-1234567890")
        code, _, _ = proxy.end()
    assert 0 == code
    text = (tmp_path / "traffic.har").read_text("utf-8")
    entries = json.loads(text)["log"]["entries"]
    # Each distinct exchange is there once.
    assert [200, 401] == [entry["response"]["status"] for entry in entries]
    assert KEY not in text
    assert "wrong-key" not in text
    checked = subprocess.run(
        [*python, "-m", "pytest_bctrl", "check", "traffic.har"], cwd=tmp_path, capture_output=True, check=False
    )
    assert 0 == checked.returncode, checked.stdout + checked.stderr
    assert received.json() == json.loads(entries[0]["response"]["content"]["text"])


def echoing(number: int) -> bytes:
    """Return a response with the key in reason, header and body."""
    body = json.dumps({"error": f"no access with {KEY}", "code": "forbidden", "requestId": "1"}).encode()
    fields = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nX-Echo: {KEY}"
    return f"HTTP/1.1 418 {KEY}\r\n{fields}\r\n\r\n".encode() + body


def test_a_key_that_the_target_repeats_is_in_no_output(tmp_path: Path, proxy_command: ProxyCommand) -> None:
    """Neither printed nor in recording or reports, where a placeholder has its place."""
    files = ["--record", "traffic.har", *(f"--report={name}" for name in REPORTS)]
    with target(echoing) as server, proxy_command.running(server.url, *files) as proxy:
        headers = {"Authorization": f"Bearer {KEY}"}
        path = "/v1/spaces/5b1e0c8e-0000-4000-8000-00000000bc71/runtimes"
        assert KEY in httpx.get(f"{proxy.url}{path}?key={KEY}", headers=headers, trust_env=False).text
        httpx.get(f"{proxy.url}/elsewhere/{KEY}", headers=headers, trust_env=False)
        code, out, err = proxy.end()
    assert 0 == code
    assert 1 == len(json.loads(tmp_path.joinpath("traffic.har").read_text("utf-8"))["log"]["entries"])
    texts = [out, err, *(path.read_text("utf-8") for path in tmp_path.iterdir())]
    assert 6 <= len(texts)
    assert not [text for text in texts if KEY in text or KEY[8:20] in text]


COOKIE = "Hd8vKq3xZ1mWc7Tj5RpY"


def setting_a_cookie(number: int) -> bytes:
    """Return a response that sets a cookie; the second one repeats its value in an unexpected property."""
    body = json.dumps({"runtimes": [], "note": COOKIE if number else ""}).encode()
    fields = f"Content-Type: application/json\r\nContent-Length: {len(body)}"
    if not number:
        fields += f"\r\nSet-Cookie: session={COOKIE}; Path=/; HttpOnly\r\nSet-Cookie: theme=dark"
    return f"HTTP/1.1 200 OK\r\n{fields}\r\n\r\n".encode() + body


def test_a_cookie_that_the_target_sets_is_in_no_output(tmp_path: Path, proxy_command: ProxyCommand) -> None:
    """The client need not send it back; `theme=dark` is not a credential."""
    files = ["--record", "traffic.har", *(f"--report={name}" for name in REPORTS)]
    with target(setting_a_cookie) as server, proxy_command.running(server.url, *files) as proxy:
        path = "/v1/spaces/5b1e0c8e-0000-4000-8000-00000000bc71/runtimes"
        first, second = (httpx.get(f"{proxy.url}{path}?n={n}", trust_env=False) for n in range(2))
        httpx.get(f"{proxy.url}/elsewhere/{COOKIE}?theme=dark", trust_env=False)
        code, out, err = proxy.end()
    # The client itself receives everything.
    assert (COOKIE, "dark") == (first.cookies["session"], first.cookies["theme"])
    assert COOKIE == second.json()["note"]
    assert (1, "") == (code, err), out
    assert "GET /elsewhere/[redacted]" in out
    entry, _ = json.loads((tmp_path / "traffic.har").read_text("utf-8"))["log"]["entries"]
    assert "set-cookie" not in {field["name"].lower() for field in entry["response"]["headers"]}
    texts = [out, err, *(path.read_text("utf-8") for path in tmp_path.iterdir())]
    assert 7 <= len(texts)
    assert not [text for text in texts if COOKIE in text or COOKIE[4:14] in text]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["api.bctrl.ai"], "TARGET: 'api.bctrl.ai' is not an http(s) URL"),
        (["http://api.bctrl.ai"], "would send the key in plain text"),
        (["http://localhost:1", "--report", "r.txt"], "--report: unknown format '.txt'"),
        (["http://localhost:1", "--report", "none/r.json"], "--report: there is no folder none"),
        (["http://localhost:1", "--record", "r.json"], "--record: 'r.json' is not a .har file"),
        (["http://localhost:1", "--level", "no_rule=off"], "--level: there is no rule 'no_rule'"),
        (["http://localhost:1", "--port", "70000"], "there is no port 70000"),
        (["http://localhost:1", "--contract", "none.yaml"], "none.yaml"),
    ],
)
def test_a_wrong_setting_is_reported_on_one_line(
    proxy_command: ProxyCommand, arguments: list[str], message: str
) -> None:
    """On standard error, with exit code 2."""
    done = proxy_command.run(*arguments)
    assert (2, "") == (done.returncode, done.stdout)
    assert message in done.stderr
    assert 1 == len(done.stderr.splitlines())


def test_a_damaged_recording_is_kept(tmp_path: Path, proxy_command: ProxyCommand) -> None:
    """The proxy exits with 2 and names the file."""
    (tmp_path / "traffic.har").write_text("{", "utf-8")
    with mock() as server, proxy_command.running(server.url, "--record", "traffic.har") as proxy:
        listing(proxy.url, server)
        code, out, _ = proxy.end()
    assert 2 == code
    assert "not checked: traffic.har: " in out
    assert "{" == (tmp_path / "traffic.har").read_text("utf-8")


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_of_the_help_are_valid(proxy_command: ProxyCommand, example: str) -> None:
    """Each is started; ended without traffic, it exits with 2."""
    program, name, *arguments = shlex.split(example)
    assert ("pytest-bctrl", "proxy") == (program, name)
    chosen_by_the_test = ("--port", "0", "--ready-file", "proxy.json")
    with proxy_command.running(*(word for word in arguments if word not in chosen_by_the_test)) as proxy:
        proxy.process.send_signal(signal.SIGTERM)
        assert 2 == proxy.process.wait(60)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the peak memory from /proc")
def test_a_large_body_is_streamed_in_bounded_memory(new_process: ProxyCommand) -> None:
    """200 MB pass in both directions, byte for byte, through a process that never has more than 150 MB."""
    block = os.urandom(1024 * 1024)
    received: list[int] = []

    def serve(listener: socket.socket) -> None:
        """Read 200 MiB of a request, and respond with 200 MiB."""
        connection, _ = listener.accept()
        with connection:
            data = b""
            while b"\r\n\r\n" not in data:
                data += connection.recv(65536)
            size = len(data.partition(b"\r\n\r\n")[2])
            while size < 200 * len(block):
                size += len(connection.recv(1024 * 1024))
            received.append(size)
            connection.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {200 * len(block)}\r\n\r\n".encode())
            for _ in range(200):
                connection.sendall(block)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with new_process.running(url) as proxy:
            host, _, port = proxy.url.removeprefix("http://").rpartition(":")
            with socket.create_connection((host, int(port)), timeout=60) as client:
                head = f"POST /v1/spaces/a/runtimes HTTP/1.1\r\nHost: a\r\nContent-Length: {200 * len(block)}\r\n\r\n"
                client.sendall(head.encode())
                for _ in range(200):
                    client.sendall(block)
                file = client.makefile("rb")
                while file.readline() != b"\r\n":
                    pass
                assert all(file.read(len(block)) == block for _ in range(200))
            peak = _peak_memory(proxy.process.pid)
            proxy.end()
        thread.join(60)
    assert [200 * len(block)] == received
    assert peak < 150 * 1024


def _peak_memory(pid: int) -> int:
    """Return the peak memory of a process in KiB."""
    lines = Path(f"/proc/{pid}/status").read_text("utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


def test_the_reset_of_a_client_leaves_the_proxy_running(proxy_command: ProxyCommand) -> None:
    """After resets at several moments of a request, a further client gets its response."""
    with mock() as server, proxy_command.running(server.url) as proxy:
        host, _, port = proxy.url.removeprefix("http://").rpartition(":")
        for sent in (b"", b"GET / HTTP/1.1\r\nHo", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nab"):
            with socket.create_connection((host, int(port)), timeout=60) as client:
                client.sendall(sent)
                vanish(client)
        assert b"400 Bad Request" in raw(proxy.url, b"nonsense\r\n\r\n")
        assert 200 == listing(proxy.url, server).status_code
        code, _, err = proxy.end()
    assert (0, "") == (code, err)


def test_responses_are_checked_against_the_contract_of_the_option(tmp_path: Path, proxy_command: ProxyCommand) -> None:
    """With `--contract`, a status that it does not document is an error."""
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": "Pings", "version": "1"},
        "paths": {"/ping": {"get": {"responses": {"204": {"description": ""}}}}},
    }
    (tmp_path / "pings.json").write_text(json.dumps(document), "utf-8")
    with target(lambda number: EMPTY) as server, proxy_command.running(server.url, "--contract", "pings.json") as proxy:
        httpx.get(f"{proxy.url}/ping", trust_env=False)
        code, out, _ = proxy.end()
    assert 1 == code
    assert "error GET /ping: status_code_conformance at status: the status is not documented: 200" in out


def test_identifiers_are_replaced_in_a_recording_if_the_project_says_so(
    tmp_path: Path, proxy_command: ProxyCommand
) -> None:
    """With `bctrl_scrub = ids`, the client still receives the real space id."""
    (tmp_path / "pytest.ini").write_text("[pytest]\nbctrl_scrub = ids\n", "utf-8")
    with mock() as server, proxy_command.running(server.url, "--record", "traffic.har") as proxy:
        received = listing(proxy.url, server)
        assert 0 == proxy.end()[0]
    text = (tmp_path / "traffic.har").read_text("utf-8")
    assert server.space_id in received.text
    assert server.space_id not in text


def test_listening_on_all_interfaces_prints_a_warning(proxy_command: ProxyCommand) -> None:
    """Also without a ready file."""
    process = proxy_command.start("http://localhost:1", "--host", "0.0.0.0", "--port", "0")
    try:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        assert url.startswith("http://127.0.0.1:")
        process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (2, "warning: other machines can reach 0.0.0.0\n") == (process.returncode, err)


@pytest.mark.parametrize("is_in_file", [True, False])
def test_the_client_certificate_comes_from_the_project_or_the_environment(
    tmp_path: Path, proxy_command: ProxyCommand, monkeypatch: pytest.MonkeyPatch, is_in_file: bool
) -> None:
    """A file without a certificate is an error for a target with TLS, wherever it is set."""
    (tmp_path / "empty.pem").write_text("", "utf-8")
    if is_in_file:
        (tmp_path / "pytest.ini").write_text("[pytest]\nbctrl_client_cert = empty.pem\n", "utf-8")
    else:
        monkeypatch.setenv("BCTRL_CLIENT_CERT", str(tmp_path / "empty.pem"))

    completed = proxy_command.run("https://127.0.0.1:1", "--port", "0")

    assert completed.returncode == 2
    assert "bctrl_client_cert: it contains no certificate with its key" in completed.stderr
