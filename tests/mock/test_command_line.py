"""`pytest-bctrl mock`, run as people run it."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from pytest_bctrl.samples import runtime
from pytest_bctrl.traffic.mock.server import MOCK_KEY

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals and pipes as on POSIX")


class Running:
    """A mock in a subprocess."""

    def __init__(self, process: subprocess.Popen[str], ready: dict[str, Any]) -> None:
        self.process = process
        self.url: str = ready["url"]
        self.space_id: str = ready["space_id"]

    def ask(self, key: str = MOCK_KEY) -> tuple[int, Any]:
        connection = HTTPConnection(self.url.removeprefix("http://"), timeout=60)
        try:
            path = f"/v1/spaces/{self.space_id}/runtimes"
            connection.request("GET", path, headers={"Authorization": f"Bearer {key}"})
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()

    def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str, str]:
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out, err


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-W", "error", "-m", "pytest_bctrl", "mock", *arguments]


@contextmanager
def running(tmp_path: Path, *arguments: str, **environment: str) -> Iterator[Running]:
    file = tmp_path / "ready.json"
    stale = _read(file)
    process = subprocess.Popen(
        command("--port", "0", "--ready-file", str(file), *arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )
    try:
        while (ready := _read(file)) in (None, stale):
            assert process.poll() is None, process.communicate()
            time.sleep(0.01)
        yield Running(process, json.loads(str(ready)))
    finally:
        process.terminate()
        try:
            process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def _read(file: Path) -> str | None:
    try:
        return file.read_text("utf-8")
    except FileNotFoundError:
        return None


def failed(*arguments: str) -> str:
    done = subprocess.run(command(*arguments), capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    return done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_mock_serves_until_a_signal(tmp_path: Path, number: signal.Signals) -> None:
    """It exits with 0 and prints nothing to standard error, even during a request."""
    with running(tmp_path, "--fault", "hang(after=1)") as mock:
        status, body = mock.ask()
        assert (status, bool(body["runtimes"])) == (200, True)
        host, _, port = mock.url.removeprefix("http://").rpartition(":")
        with socket.create_connection((host, int(port))) as hung:
            hung.sendall(f"GET /v1/spaces/{mock.space_id}/runtimes HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            code, out, err = mock.end(number)
    assert (code, err) == (0, "")
    assert out.startswith("mock of bctrl API 1.0.0 (contract ")
    assert not (tmp_path / "ready.json").exists()


def test_the_mock_ignores_sighup_under_nohup(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with running(tmp_path) as mock:
            mock.process.send_signal(signal.SIGHUP)
            assert 200 == mock.ask()[0]
    finally:
        signal.signal(signal.SIGHUP, before)


def test_the_printed_curl_command_works(tmp_path: Path) -> None:
    """The command can be run as it is printed."""
    with running(tmp_path) as mock:
        assert mock.process.stdout is not None
        mock.process.stdout.readline()
        line = mock.process.stdout.readline()
        assert line == (
            f'try: curl -H "Authorization: Bearer {MOCK_KEY}" {mock.url}/v1/spaces/{mock.space_id}/runtimes\n'
        )


def test_the_log_has_a_line_per_request_without_the_key(tmp_path: Path) -> None:
    """A line has the time, the request, the status, the reason and the size."""
    with running(tmp_path, "--api-key-env", "MY_KEY", "--fault", "status(503, times=1)", MY_KEY="my-own-key") as mock:
        statuses = [mock.ask("my-own-key")[0], mock.ask("my-own-key")[0], mock.ask("wrong-key")[0]]
        code, out, err = mock.end()
    assert (statuses, code, err) == ([503, 200, 401], 0, "")
    lines = out.splitlines()[3:]
    path = f"GET /v1/spaces/{mock.space_id}/runtimes"
    assert f"{path} -> 503 (the mock plays the status 503; fault status(503))" in lines[0]
    assert f"{path} -> 200, " in lines[1]
    assert f"{path} -> 401 (the bearer token is not accepted)" in lines[2]
    assert "my-own-key" not in out
    assert "wrong-key" not in out


def test_quiet_logs_no_requests(tmp_path: Path) -> None:
    with running(tmp_path, "--quiet") as mock:
        mock.ask()
        assert len(mock.end()[1].splitlines()) == 3


@pytest.mark.parametrize(
    ("arguments", "count"),
    [
        (["--runtimes", "1200", "--seed", "3"], 1200),
        (["--scenario", "many(count=17)"], 17),
        (["--scenario", "empty"], 0),
    ],
)
def test_options_choose_the_served_runtimes(tmp_path: Path, arguments: list[str], count: int) -> None:
    """`--runtimes`, `--scenario many` and `--scenario empty` set how many there are."""
    with running(tmp_path, *arguments) as mock:
        assert len(mock.ask()[1]["runtimes"]) == count


def test_a_seed_generates_another_list_per_response(tmp_path: Path) -> None:
    """With `--seed`, the lists differ; after a restart, the same lists are returned again."""
    runs = []
    for _ in range(2):
        with running(tmp_path, "--seed", "5") as mock:
            runs.append([mock.ask()[1] for _ in range(4)])
    assert runs[0] == runs[1]
    assert runs[0][0] != runs[0][2]


def test_a_recorded_file_is_served_with_the_given_space_id(tmp_path: Path) -> None:
    """`--recording` with `--space-id`; a file that breaks the contract is an error without `--nonconforming`."""
    file = tmp_path / "saved.json"
    for saved, *options in ((runtime(name="saved"),), ({"spaceId": "x", "name": "saved"}, "--nonconforming")):
        file.write_text(json.dumps({"runtimes": [saved]}), "utf-8")
        if options:
            message = (
                "11 errors: response_schema_conformance at runtimes[*].activeRunId, the required property is missing"
            )
            assert f"saved.json: it breaks the contract: {message} (correct it" in failed("--recording", str(file))
        with running(tmp_path, "--recording", str(file), "--space-id", "mine", *options) as mock:
            assert mock.ask()[1] == {"runtimes": [{**saved, "spaceId": "mine"}]}


def test_the_mock_serves_after_the_log_reader_exits(tmp_path: Path) -> None:
    """For example, after `| head` has ended; it still exits with 0."""
    with running(tmp_path) as mock:
        assert mock.process.stdout is not None
        mock.process.stdout.close()
        assert [mock.ask()[0] for _ in range(3)] == [200] * 3
        mock.process.stdout = None
        mock.process.terminate()
        assert mock.process.wait(60) == 0


def test_a_stale_ready_file_is_removed_at_start(tmp_path: Path) -> None:
    """A second mock starts and serves after a killed mock has left its ready file."""
    for _ in range(2):
        with running(tmp_path) as mock:
            assert mock.ask()[0] == 200
            mock.process.kill()
            mock.process.wait(60)


def test_a_stalled_log_reader_does_not_delay_requests_or_the_exit(tmp_path: Path) -> None:
    """There are far more lines than fit in a pipe."""
    with running(tmp_path) as mock:
        connection = HTTPConnection(mock.url.removeprefix("http://"), timeout=60)
        for _ in range(3_000):
            connection.request("GET", f"/v1/spaces/{'x' * 200}/runtimes")
            assert connection.getresponse().read()
        connection.close()
        mock.process.terminate()
        assert mock.process.wait(60) == 0


def test_listening_on_all_interfaces_prints_a_warning(tmp_path: Path) -> None:
    with running(tmp_path, "--host", "0.0.0.0") as mock:
        assert mock.end()[2] == "warning: other machines can reach 0.0.0.0\n"


def test_a_port_in_use_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert failed("--port", port).splitlines() == [
            f"pytest-bctrl: 127.0.0.1:{port}: port {port} is in use (stop what listens there, or take --port 0)"
        ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--scenario", "nope"], "there is no such scenario"),
        (["--scenario", "empty", "--seed", "3"], "the arguments do not fit"),
        (["--fault", "nope"], "there is no such fault"),
        (["--fault", "break_rule('runtimes[*].colour')"], "no such rule"),
        (["--runtimes", "100001"], "from 0 to 100,000"),
        (["--api-key-env", "SURELY_NOT_SET"], "the variable is not set"),
        (["--recording", "/surely/not/there.json"], "No such file"),
        (["--port", "70000"], "there is no port 70000"),
        (["--ready-file", "/surely/not/there.json", "--port", "0"], "cannot be written"),
    ],
)
def test_an_invalid_option_exits_with_2_and_one_line(arguments: list[str], message: str) -> None:
    done = subprocess.run(command(*arguments), capture_output=True, text=True, timeout=120, check=False)
    (line,) = done.stderr.splitlines()
    assert (done.returncode, line.startswith("pytest-bctrl: ")) == (2, True)
    assert message in line


def test_help_lists_scenarios_and_faults() -> None:
    done = subprocess.run(command("--help"), capture_output=True, text=True, timeout=120, check=True)
    assert "rate_limited" in done.stdout
    assert "flat_errors" in done.stdout


def test_the_default_port_comes_from_the_contract() -> None:
    """`http://localhost:8787` is the contract's second server. The test is skipped if the port is in use."""
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", 8787)) == 0:
            pytest.skip("port 8787 is in use")
    process = subprocess.Popen(command("--quiet"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert select.select([process.stdout], [], [], 20)[0]
        assert process.stdout.readline().rstrip().endswith(" on http://127.0.0.1:8787")
    finally:
        process.terminate()
        process.communicate()
