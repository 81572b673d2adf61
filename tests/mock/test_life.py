"""Starting and stopping: quick, repeatable, and without a rest."""

from __future__ import annotations

import gc
import json
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pytest_bctrl.contract.model import Contract
from pytest_bctrl.errors import SettingError
from pytest_bctrl.secrets.secret import Secret
from pytest_bctrl.traffic.mock import MockServer
from pytest_bctrl.traffic.mock.scenarios import from_file

from .asking import connected, listed, read_all, request_bytes


def test_stop_leaves_no_threads_descriptors_or_warnings(contract: Contract) -> None:
    """Ten times, with connections that are idle, half sent and unread."""
    gc.collect()
    threads, descriptors = set(threading.enumerate()), _descriptors()
    for _ in range(10):
        with MockServer(contract) as mock:
            mock.scenario("many", count=5_000)
            idle, half, slow = (connected(mock) for _ in range(3))
            half.sendall(request_bytes(mock)[:-5])
            slow.sendall(request_bytes(mock) * 3)
            listed(mock)
        for sock in (idle, half, slow):
            sock.close()
    gc.collect()
    assert not set(threading.enumerate()) - threads
    assert _descriptors() <= descriptors


def _descriptors() -> int:
    """Return the number of open file descriptors of this process; 0 if unknown."""
    listing = Path("/proc/self/fd")
    return len(list(listing.iterdir())) if listing.is_dir() else 0


def test_a_stopped_mock_refuses_connections(contract: Contract) -> None:
    with MockServer(contract) as mock:
        pass
    with pytest.raises(ConnectionRefusedError):
        connected(mock)


def test_a_mock_can_be_stopped_twice_and_restarted(contract: Contract) -> None:
    mock = MockServer(contract)
    mock.stop()
    for _ in range(3):
        mock.start()
        assert listed(mock).status == 200
        mock.stop()
        mock.stop()


def test_hung_and_delayed_requests_do_not_delay_stop(contract: Contract) -> None:
    """Their connections are closed without a response."""
    with MockServer(contract) as mock:
        mock.fault("delay", 3600, times=1)
        mock.fault("hang", after=1)
        clients = [connected(mock) for _ in range(2)]
        for number, client in enumerate(clients, 1):
            client.sendall(request_bytes(mock))
            while len(mock.requests) < number:
                pass
    for client in clients:
        assert client.recv(1) == b""
        client.close()


def test_the_host_can_be_a_name(contract: Contract) -> None:
    with MockServer(contract, host="localhost") as mock:
        assert listed(mock).status == 200


def test_a_port_in_use_is_an_error(contract: Contract) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingError, match=f"127.0.0.1:{port}: port {port} is in use"):
            MockServer(contract, port=port).start()


@pytest.mark.parametrize("host", ["203.0.113.9", "no such host", f"{'é' * 64}.test"])
def test_a_host_that_is_not_of_this_machine_is_an_error(contract: Contract, host: str) -> None:
    with pytest.raises(SettingError, match="cannot listen there"):
        MockServer(contract, host=host).start()


def test_key_and_space_id_can_be_set(contract: Contract) -> None:
    """`MockServer(api_key=…, space_id=…)` accepts that key and has the space id in each runtime."""
    space = "11111111-1111-4111-8111-111111111111"
    with MockServer(contract, api_key=Secret("mine"), space_id=space) as mock:
        assert {runtime["spaceId"] for runtime in listed(mock).json()["runtimes"]} == {space}


def test_two_mocks_are_independent(contract: Contract) -> None:
    """Scenario, fault and journal of the first do not affect the second."""
    with MockServer(contract) as first, MockServer(contract) as second:
        first.scenario("empty").fault("status", 503, every=2)
        assert listed(first).json() == {"runtimes": []}
        assert [listed(first).status, listed(second).status, listed(second).status] == [503, 200, 200]
        assert (len(first.requests), len(second.requests)) == (2, 2)


def test_concurrent_requests_are_counted_exactly(mock: MockServer) -> None:
    """A fault with `times=10` is applied ten times, whichever client sends the requests."""
    fault = mock.fault("status", 503, times=10)
    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(lambda _: listed(mock).status, range(200)))
    assert (statuses.count(503), statuses.count(200), fault.count, len(mock.requests)) == (10, 190, 10, 200)


def test_the_mock_does_not_import_httpx_jsonschema_or_yaml() -> None:
    """Nor the control path, if it is off."""
    code = (
        "import sys; from pytest_bctrl.contract.read import load; from pytest_bctrl.traffic.mock import MockServer\n"
        "with MockServer(load()) as mock: mock.fault('break_rule', 'unique_ids')\n"
        "heavy = 'jsonschema', 'yaml', 'httpx', 'asyncio', 'pytest'\n"
        "print([name for name in sys.modules if name in heavy or name.endswith(('mock.control', 'mock.cors'))])"
    )
    shown = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert (shown.stdout.strip(), shown.stderr) == ("[]", "")


@pytest.mark.parametrize("as_body", [True, False])
def test_serve_file_serves_a_body_or_a_list_of_runtimes(contract: Contract, tmp_path: Path, as_body: bool) -> None:
    """The space id becomes that of the mock; everything else is served unchanged."""
    plain = MockServer(contract)
    items = [{**runtime, "spaceId": "somewhere else", "extra": 1} for runtime in plain.runtimes[:3]]
    file = tmp_path / "saved.json"
    file.write_text(json.dumps({"runtimes": items} if as_body else items), "utf-8")
    with MockServer(contract, source=from_file(file, plain.samples, plain.space_id)) as mock:
        assert listed(mock).json()["runtimes"] == [{**item, "spaceId": mock.space_id} for item in items]
        mock.scenario("empty").serve_file(file)
        assert listed(mock).json()["runtimes"] == [{**item, "spaceId": mock.space_id} for item in items]


def test_an_internal_error_closes_only_its_own_connection(contract: Contract, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log raises once: other and new connections get 200."""
    errors: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr(threading, "excepthook", errors.append)
    mistakes = iter([LookupError("a mistake in the log")])

    def log(_entry: object) -> None:
        """Raise at the first call."""
        for mistake in mistakes:
            raise mistake

    with MockServer(contract, log=log) as mock, connected(mock) as connection:
        with connected(mock) as first:
            first.sendall(request_bytes(mock))
            assert b"" == read_all(first)
        connection.sendall(request_bytes(mock))
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
        assert 200 == listed(mock).status
    assert [("a mistake in the log",)] == [args.exc_value and args.exc_value.args for args in errors]
