"""The proxy and the watch lose no file if they are killed, or if the disk is full while they write."""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from pathlib import Path
from textwrap import dedent
from typing import Any

import httpx
import pytest

from pytest_bctrl import load_contract
from pytest_bctrl.traffic.mock.server import MockServer
from pytest_bctrl.traffic.recordings.har_file import load
from tests import EVERYTHING, UNUSED
from tests.hostile.killed_runs import KilledRuns
from tests.hostile.small_disk import FILL, run_with_small_disk
from tests.proxy.proxy_command import ProxyCommand

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals as on POSIX")

KILLS = 100 if EVERYTHING else 3
REPORTS = ("r.json", "r.html", "r.xml")


def options(folder: Path) -> list[str]:
    """Return the options of a proxy that writes a recording and reports to a folder."""
    return [f"--record={folder / 'traffic.har'}", *(f"--report={folder / name}" for name in REPORTS)]


def send_requests(url: str, server: MockServer) -> None:
    """Send three different requests through the proxy at `url` to the mock; each response is a 200 or 400."""
    for limit in (1, 2, 3):
        response = httpx.get(
            f"{url}/v1/spaces/{server.space_id}/runtimes?limit={limit}",
            headers={"Authorization": f"Bearer {server.api_key}"},
            trust_env=False,
            timeout=60,
        )
        assert response.status_code in (200, 400)


def assert_complete(folder: Path) -> None:
    """Assert that the recording of the proxy has three exchanges, and that each of its reports is complete."""
    recording = load(folder / "traffic.har")
    assert recording is not None
    assert 3 == len(recording.exchanges)
    assert "proxy" == json.loads((folder / "r.json").read_text("utf-8"))["report"]
    assert (folder / "r.html").read_text("utf-8").rstrip().endswith("</html>")
    assert (folder / "r.xml").read_text("utf-8").rstrip().endswith("</testsuites>")


def test_a_killed_proxy_leaves_recording_and_reports_complete(tmp_path: Path, python: list[str]) -> None:
    """The kill follows a SIGTERM at once or later, so most often while the proxy writes; 100 times in `attacks`."""
    proxy_command = ProxyCommand(python, tmp_path)
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    source = random.Random(seed)
    with MockServer(load_contract()) as server:

        def complete() -> float:
            """Run the proxy until it ends regularly, and return the seconds that it took to end."""
            with proxy_command.running(server.url, *options(tmp_path)) as proxy:
                send_requests(proxy.url, server)
                start = time.monotonic()
                code, out, err = proxy.end()
                assert (True, "") == (code in (0, 1), err), out
                return time.monotonic() - start

        seconds = complete()
        for _ in range(KILLS):
            with proxy_command.running(server.url, *options(tmp_path)) as proxy:
                send_requests(proxy.url, server)
                proxy.process.send_signal(signal.SIGTERM)
                time.sleep(source.uniform(0, 1.2 * seconds))
                proxy.process.kill()
                proxy.process.communicate()
            assert_complete(tmp_path)
        complete()
    assert {"traffic.har", *REPORTS} == {path.name for path in tmp_path.iterdir()}
    assert_complete(tmp_path)


WATCHED = """
import httpx

def test_watched(bctrl_mock):
    for limit in (1, 2):
        response = httpx.get(
            f"{bctrl_mock.url}/v1/spaces/{bctrl_mock.space_id}/runtimes",
            headers={"Authorization": f"Bearer {bctrl_mock.api_key}"},
        )
        assert response.status_code == 200
"""
INVALID = """
import httpx

def test_watched():
    with httpx.Client(transport=httpx.MockTransport(lambda request: httpx.Response(200, json=[]))) as client:
        client.get("https://api.bctrl.ai/v1/spaces/a/runtimes", headers={"Authorization": "Bearer k-0123456789abcdef"})
"""
WATCH_COMMAND = [sys.executable, "-m", "pytest", "-q", "--bctrl-watch", "-p", "no:cacheprovider"]


def test_a_killed_run_of_the_watch_leaves_its_report_complete(tmp_path: Path) -> None:
    """The kill comes in the second half of the run, or just after it; 100 times in the environment `attacks`."""
    (tmp_path / "test_it.py").write_text(dedent(WATCHED))
    command = [*WATCH_COMMAND, "--bctrl-report=r.json", "--bctrl-report=r.html"]
    environment = {**os.environ, "PYTEST_ADDOPTS": f"{UNUSED} -p no:randomly", "PYTHONDONTWRITEBYTECODE": "1"}
    runs = KilledRuns(command, tmp_path, environment)

    seconds = runs.complete()
    for _ in range(KILLS):
        runs.kill_after(random.uniform(0.6, 1.05) * seconds)
        assert "watch" == json.loads((tmp_path / "r.json").read_text("utf-8"))["report"]
        assert (tmp_path / "r.html").read_text("utf-8").rstrip().endswith("</html>")
    runs.complete()
    assert {"test_it.py", "r.json", "r.html"} == {path.name for path in tmp_path.iterdir()}


def test_a_full_disk_leaves_the_files_of_the_proxy_unchanged(tmp_path: Path) -> None:
    """It exits with 2 and names each file; once there is space again, another run writes all of them."""
    results = run_on_small_disk(tmp_path, PROXY_ON_FULL_DISK)
    code, out, err = results["full"]
    assert 2 == code
    disk = tmp_path / "disk"
    problem = "it cannot be written: No space left on device"
    assert f"not checked: {disk / 'traffic.har'}: {problem} (name another --record)\n" in out
    names = ", ".join(str(disk / name) for name in REPORTS)
    hint = "give a path in a folder that exists, on a disk with enough space"
    assert f"pytest-bctrl: --report {names}: {problem} ({hint})\n" == err
    assert [1, ""] == [results["after"][0], results["after"][2]]


PROXY_ON_FULL_DISK = (
    """
import json, signal, sys
from pathlib import Path
from pytest_bctrl import load_contract
from pytest_bctrl.traffic.mock.server import MockServer
from tests.hostile.test_interrupted_commands import options, send_requests
from tests.proxy.proxy_command import ProxyCommand
"""
    + FILL
    + """
disk = Path(sys.argv[1])


def files():
    return {path.name: path.read_bytes() for path in disk.iterdir() if path.name != "filler"}


results = {}
with MockServer(load_contract()) as server:
    # Its ready file is on another disk, on which it makes room when it ends.
    command = ProxyCommand([sys.executable], disk.parent)
    with command.running(server.url, *options(disk)) as proxy:
        send_requests(proxy.url, server)
        results["before"] = proxy.end()
    before = files()
    assert len(before) == 4, results
    with command.running(server.url, *options(disk)) as proxy:
        server.fault("malformed_json")
        send_requests(proxy.url, server)
        with full(disk):
            results["full"] = proxy.end()
            assert before == files()
    assert before == files()
    with command.running(server.url, *options(disk)) as proxy:
        send_requests(proxy.url, server)
        results["after"] = proxy.end()
    after = files()
    assert before.keys() == after.keys()
    assert all(before[name] != after[name] for name in before)
print(json.dumps(results))
"""
)


def test_a_full_disk_leaves_the_files_of_the_watch_unchanged(tmp_path: Path) -> None:
    """The run fails with a line for the baseline and for each report; once there is space again, another one passes."""
    results = run_on_small_disk(tmp_path, WATCH_ON_FULL_DISK)
    code, out = results["full"]
    assert 1 == code
    for name in ("bctrl-baseline.yaml", "r.json", "r.html"):
        assert [line for line in out.splitlines() if name in line and "No space left on device" in line], out
    assert "Traceback" not in out
    assert 0 == results["after"][0], results["after"][1]


WATCH_ON_FULL_DISK = (
    """
import json, os, subprocess, sys
from pathlib import Path
from tests import UNUSED
from tests.hostile.test_interrupted_commands import INVALID, WATCH_COMMAND
"""
    + FILL
    + """
disk = Path(sys.argv[1])
(disk / "test_it.py").write_text(INVALID)
environment = {**os.environ, "PYTEST_ADDOPTS": f"{UNUSED} -p no:randomly", "PYTHONDONTWRITEBYTECODE": "1"}


def run(reason):
    command = [*WATCH_COMMAND, f"--bctrl-accept={reason}", "--bctrl-report=r.json", "--bctrl-report=r.html"]
    done = subprocess.run(command, cwd=disk, env=environment, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def files():
    return {path.name: path.read_bytes() for path in disk.iterdir() if path.name != "filler"}


results = {"before": run("accepted before")}
before = files()
assert set(before) == {"test_it.py", "bctrl-baseline.yaml", "r.json", "r.html"}, (before.keys(), results)
(disk / "bctrl-baseline.yaml").write_text("# none\\n")
before = files()
with full(disk):
    results["full"] = run("other")
    assert before == files()
results["after"] = run("other")
assert before.keys() == files().keys()
print(json.dumps(results))
"""
)


def run_on_small_disk(folder: Path, program: str) -> dict[str, list[Any]]:
    """Run a program whose argument is the folder of a small disk; return its printed JSON, results by phase."""
    (folder / "disk").mkdir()
    done = run_with_small_disk(folder / "disk", [sys.executable, "-c", program, str(folder / "disk")])
    assert 0 == done.returncode, done.stderr
    results: dict[str, list[Any]] = json.loads(done.stdout)
    return results
