"""`pytest-bctrl mock`, run as people run it."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from http.client import HTTPConnection
from pathlib import Path

import pytest

from pytest_bctrl.samples import runtime
from pytest_bctrl.traffic.mock.server import MOCK_KEY
from tests.mock.mock_command import MockCommand

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals and pipes as on POSIX")


@pytest.fixture
def mock_command(tmp_path: Path, python: list[str]) -> MockCommand:
    """Return the command, which starts quickly."""
    return MockCommand(python, tmp_path)


@pytest.fixture
def new_process(tmp_path: Path) -> MockCommand:
    """Return the command in a new interpreter, whose process a test can kill."""
    return MockCommand([sys.executable], tmp_path)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_mock_serves_until_a_signal(tmp_path: Path, new_process: MockCommand, number: signal.Signals) -> None:
    """It then exits with 0, even during a request, prints no error, and removes its ready file."""
    with new_process.running("--fault", "hang(after=1)") as mock:
        status, body = mock.ask()
        assert (status, bool(body["runtimes"])) == (200, True)
        host, _, port = mock.url.removeprefix("http://").rpartition(":")
        with socket.create_connection((host, int(port))) as hung:
            hung.sendall(f"GET /v1/spaces/{mock.space_id}/runtimes HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            code, out, err = mock.end(number)
    assert (code, err) == (0, "")
    assert out.startswith("mock of bctrl API 1.0.0 (contract ")
    assert not (tmp_path / "ready.json").exists()


def test_the_mock_ignores_sighup_under_nohup(mock_command: MockCommand) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with mock_command.running() as mock:
            mock.process.send_signal(signal.SIGHUP)
            assert 200 == mock.ask()[0]
    finally:
        signal.signal(signal.SIGHUP, before)


def test_the_printed_curl_command_has_url_key_and_space(mock_command: MockCommand) -> None:
    """It is printed on the second line, after `try: `."""
    with mock_command.running() as mock:
        assert mock.process.stdout is not None
        mock.process.stdout.readline()
        line = mock.process.stdout.readline()
        assert line == (
            f'try: curl -H "Authorization: Bearer {MOCK_KEY}" {mock.url}/v1/spaces/{mock.space_id}/runtimes\n'
        )


def test_the_log_has_a_line_per_request_without_the_key(mock_command: MockCommand) -> None:
    """A line has the request, the status, and for 503 or 401 the reason; neither the right nor a wrong key is shown."""
    with mock_command.running(
        "--api-key-env", "MY_KEY", "--fault", "status(503, times=1)", MY_KEY="my-own-key"
    ) as mock:
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


def test_quiet_logs_no_requests(mock_command: MockCommand) -> None:
    with mock_command.running("--quiet") as mock:
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
def test_options_set_the_number_of_runtimes(mock_command: MockCommand, arguments: list[str], count: int) -> None:
    """`--runtimes`, `--scenario many(count=17)` and `--scenario empty`."""
    with mock_command.running(*arguments) as mock:
        assert len(mock.ask()[1]["runtimes"]) == count


def test_a_seed_generates_another_list_per_response(mock_command: MockCommand) -> None:
    """With `--seed`, the lists differ; after a restart, the same lists are returned again."""
    runs = []
    for _ in range(2):
        with mock_command.running("--seed", "5") as mock:
            runs.append([mock.ask()[1] for _ in range(4)])
    assert runs[0] == runs[1]
    assert runs[0][0] != runs[0][2]


def test_a_recorded_file_is_served_with_the_given_space_id(tmp_path: Path, mock_command: MockCommand) -> None:
    """`--recording` with `--space-id`; a file that breaks the contract is an error without `--nonconforming`."""
    file = tmp_path / "saved.json"
    for saved, *options in ((runtime(name="saved"),), ({"spaceId": "x", "name": "saved"}, "--nonconforming")):
        file.write_text(json.dumps({"runtimes": [saved]}), "utf-8")
        if options:
            message = (
                "11 errors: response_schema_conformance at runtimes[*].activeRunId, the required property is missing"
            )
            assert f"saved.json: it breaks the contract: {message} (correct it" in mock_command.error_of(
                "--recording", str(file)
            )
        with mock_command.running("--recording", str(file), "--space-id", "mine", *options) as mock:
            assert mock.ask()[1] == {"runtimes": [{**saved, "spaceId": "mine"}]}


def test_the_mock_serves_after_the_log_reader_exits(mock_command: MockCommand) -> None:
    """Requests still get 200, and the exit code is 0."""
    with mock_command.running() as mock:
        assert mock.process.stdout is not None
        mock.process.stdout.close()
        assert [mock.ask()[0] for _ in range(3)] == [200] * 3
        mock.process.stdout = None
        mock.process.terminate()
        assert mock.process.wait(60) == 0


def test_a_stale_ready_file_is_replaced_at_start(new_process: MockCommand) -> None:
    """A second mock starts and serves after a killed mock has left its ready file."""
    for _ in range(2):
        with new_process.running() as mock:
            assert mock.ask()[0] == 200
            mock.process.kill()
            mock.process.wait(60)


def test_requests_and_the_end_do_not_wait_for_a_stalled_log_reader(mock_command: MockCommand) -> None:
    """3,000 requests log far more than fits in the pipe, which nothing reads; the exit code is 0."""
    with mock_command.running() as mock:
        connection = HTTPConnection(mock.url.removeprefix("http://"), timeout=60)
        for _ in range(3_000):
            connection.request("GET", f"/v1/spaces/{'x' * 200}/runtimes")
            assert connection.getresponse().read()
        connection.close()
        mock.process.terminate()
        assert mock.process.wait(60) == 0


def test_listening_on_all_interfaces_prints_a_warning(mock_command: MockCommand) -> None:
    with mock_command.running("--host", "0.0.0.0") as mock:
        assert mock.end()[2] == "warning: other machines can reach 0.0.0.0\n"


def test_a_port_in_use_is_an_error(mock_command: MockCommand) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert mock_command.error_of("--port", port).splitlines() == [
            f"pytest-bctrl: 127.0.0.1:{port}: port {port} is in use (stop what listens there, or take --port 0)"
        ]


def contract_file(folder: Path, name: str, paths: Mapping[str, object], **members: object) -> str:
    """Write a contract with these paths, and return the path of its file."""
    document = {"openapi": "3.1.0", "info": {"title": "Boxes", "version": "1"}, "paths": paths, **members}
    file = folder / name
    file.write_text(json.dumps({"servers": [{"url": "https://boxes.test"}], **document}), "utf-8")
    return str(file)


def operation(schema: object, parameter: object = None, **content: object) -> dict[str, object]:
    """Return a path with a GET that responds with JSON of a schema, and takes a parameter, if there is one."""
    response = {"description": "", "content": {"application/json": {"schema": schema, **content}}}
    return {"get": {"parameters": [parameter] if parameter else [], "responses": {"200": response}}}


def test_the_start_lists_what_is_not_served_as_documented(tmp_path: Path, mock_command: MockCommand) -> None:
    """An operation without data, one that is invalid, and examples that do not conform: five of them, and a number."""
    examples = {f"e{number}": {"value": number} for number in range(7)}
    paths = {
        "/boxes": operation({"type": "array"}),
        "/odd": operation({"type": "string", "pattern": "^(?=a)x$"}),
        "/gone": operation({"$ref": "#/gone"}),
        "/text": operation({"type": "string"}, examples=examples),
    }
    with mock_command.running("--contract", contract_file(tmp_path, "boxes.json", paths)) as mock:
        url = mock.url
        code, out, err = mock.end()
    lines = out.splitlines()
    assert "not mocked, gets 501: GET /odd: no sample can be generated for the pattern '^(?=a)x$'" in lines[1]
    assert "not mocked, gets 501: GET /gone: " in lines.pop(2)
    assert [line.partition(" of 200")[0] for line in lines[2:7]] == [
        f"generated data instead of an example: GET /text: the example e{number}" for number in range(5)
    ]
    assert "generated data instead of 2 more examples that do not conform" == lines[7]
    assert lines[8].endswith(f" {url}/boxes")
    warning = "warning: the response 200 of GET /gone is not served: the reference '#/gone' leads nowhere"
    assert (0, True) == (code, err.startswith(warning))


def test_no_curl_command_is_printed_if_no_request_can_be_generated(tmp_path: Path, mock_command: MockCommand) -> None:
    """The only operation requires a parameter of which no value can be generated."""
    box = {"name": "box", "in": "path", "required": True, "schema": {"type": "string", "pattern": "^(?=a)x$"}}
    file = contract_file(tmp_path, "boxes.json", {"/boxes/{box}": operation({"type": "array"}, box)})
    with mock_command.running("--contract", file) as mock:
        _, out, _ = mock.end()
    assert ["mock", "contract"] == [line.split()[0] for line in out.splitlines()]


def test_the_curl_command_of_a_contract_by_name_has_the_key_prefix_of_the_project(
    tmp_path: Path, mock_command: MockCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`bctrl_key_prefix` applies to `--contract` too."""
    key = {"components": {"securitySchemes": {"k": {"type": "apiKey", "in": "header", "name": "Authorization"}}}}
    file = contract_file(tmp_path, "boxes.json", {"/boxes": operation({"type": "array"})}, security=[{"k": []}], **key)
    (tmp_path / "pytest.ini").write_text("[pytest]\nbctrl_key_prefix = Token\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    with mock_command.running("--contract", file) as mock:
        url = mock.url
        _, out, _ = mock.end()
    assert f'try: curl -H "Authorization: Token {MOCK_KEY}" {url}/boxes' in out.splitlines()


def test_the_default_port_is_8787_if_the_contract_has_no_local_server(
    tmp_path: Path, mock_command: MockCommand
) -> None:
    """The error for an address that no machine has names the port, which the test thus does not occupy."""
    file = contract_file(tmp_path, "boxes.json", {"/boxes": operation({"type": "array"})})
    assert "192.0.2.1:8787: " in mock_command.error_of("--host", "192.0.2.1", "--contract", file)


def test_the_default_port_is_that_of_the_first_local_server_of_the_contract(
    tmp_path: Path, mock_command: MockCommand
) -> None:
    """The port of a server on another machine does not count; the error names the port, as in the test above."""
    urls = ["https://boxes.test:9696", "http://localhost:9797", "http://127.0.0.1:9898"]
    servers = [{"url": url} for url in urls]
    file = contract_file(tmp_path, "boxes.json", {"/boxes": operation({"type": "array"})}, servers=servers)
    assert "192.0.2.1:9797: " in mock_command.error_of("--host", "192.0.2.1", "--contract", file)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--scenario", "nope"], "unknown scenario"),
        (["--scenario", "empty", "--seed", "3"], "the arguments do not fit"),
        (["--fault", "nope"], "unknown fault"),
        (["--fault", "break_rule('runtimes[*].colour')"], "unknown rule"),
        (["--runtimes", "100001"], "from 0 to 100,000"),
        (["--api-key-env", "SURELY_NOT_SET"], "the variable is not set"),
        (["--recording", "/surely/not/there.json"], "No such file"),
        (["--port", "70000"], "there is no port 70000"),
        (["--ready-file", "/surely/not/there.json", "--port", "0"], "cannot be written"),
    ],
)
def test_an_invalid_option_exits_with_2_and_one_line(
    mock_command: MockCommand, arguments: list[str], message: str
) -> None:
    """The line is on standard error."""
    done = mock_command.run(*arguments)
    (line,) = done.stderr.splitlines()
    assert (done.returncode, line.startswith("pytest-bctrl: ")) == (2, True)
    assert message in line


def test_help_lists_scenarios_and_faults(mock_command: MockCommand) -> None:
    done = mock_command.run("--help")
    assert "rate_limited" in done.stdout
    assert "lifecycle" in done.stdout


def test_the_mock_of_the_packaged_contract_listens_on_port_8787_by_default(mock_command: MockCommand) -> None:
    """`http://localhost:8787` is the contract's second server. The test is skipped if the port is in use."""
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", 8787)) == 0:
            pytest.skip("port 8787 is in use")
    process = mock_command.start("--quiet")
    try:
        assert process.stdout is not None
        assert select.select([process.stdout], [], [], 20)[0]
        assert process.stdout.readline().rstrip().endswith(" on http://127.0.0.1:8787")
    finally:
        process.terminate()
        process.communicate()


SIGNAL_AT_A_LINE = """
import signal
import sys
from pytest_bctrl.cli import serving

serving._SIGNAL_INTERVAL = 0.01

class Server:
    def __enter__(self):
        pass

    def __exit__(self, *error):
        pass

    def stop(self, grace):
        sys.settrace(None)

def serve(number):
    lines = iter(range(number))

    def trace(frame, event, argument):
        if event == "line" and next(lines, None) is None:
            sys.settrace(None)
            signal.raise_signal(signal.SIGTERM)
        return trace

    def announce():
        sys.settrace(trace)
        sys._getframe(1).f_trace = trace
        return {}

    serving.serve_until_signal(Server(), None, announce)

for number in range(60):
    serve(number)
print("served")
"""


def test_a_signal_at_any_line_of_the_wait_ends_the_command() -> None:
    """The handler runs while the main thread prepares to wait, waits, or repeats the wait: it locks nothing."""
    result = subprocess.run([sys.executable, "-c", SIGNAL_AT_A_LINE], capture_output=True, text=True, timeout=60)
    assert ("served\n", "") == (result.stdout, result.stderr)
