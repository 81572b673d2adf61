"""A fork, in which tests run pytest, has the streams, folder, variables and exit code of a process of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from tests import UNUSED, forks

pytestmark = pytest.mark.skipif(not forks.IS_AVAILABLE, reason="there are no forks on this platform, or in coverage")

IMPORTED_BY = os.getpid()

TEST = """
import os
from pathlib import Path


def test_of_a_fork():
    assert {"ONLY_HERE": "1"} == {name: value for name, value in os.environ.items() if name == "ONLY_HERE"}
    assert Path(__file__).parent == Path.cwd()
"""

ENDS = """
import atexit, sys, threading, time
from concurrent.futures import ThreadPoolExecutor

atexit.register(print, "at exit")
ThreadPoolExecutor().submit(print, "executor")
threading.Thread(target=lambda: (time.sleep(0.1), print("thread"))).start()
sys.exit(EXIT)
"""
WAITS = """
import signal, sys, time

signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(40 + number))
print(repr(signal.getsignal(signal.SIGHUP)), flush=True)
# The handler of a signal that arrives just before a blocking call runs after that call, so none is long.
while True:
    time.sleep(0.1)
"""

CLEANS_UP = """
import atexit, signal, sys

atexit.register(print, "cleaned up")
signal.signal(signal.SIGTERM, lambda number, frame: sys.exit())
print("ready", flush=True)
signal.pause()
"""


def test_this_process_imported_the_tests_unless_it_is_a_forked_worker(request: pytest.FixtureRequest) -> None:
    """Looks at the current run only: a worker has the tests of its parent; without workers, they are its own."""
    is_worker = hasattr(request.config, "workerinput")
    assert is_worker == (IMPORTED_BY != os.getpid())


def test_a_fork_runs_in_the_folder_of_its_caller_however_long_the_path_of_the_socket_is(
    fork_server: Path, tmp_path: Path
) -> None:
    """It has its variables too: a run with the variable passes, and one without it fails."""
    folder = tmp_path / ("a" * 60) / ("b" * 60)
    folder.mkdir(parents=True)
    (folder / "forks").symlink_to(fork_server.parent)
    (folder / "test_fork.py").write_text(TEST, "utf-8")
    command = [*forks.command(folder / "forks" / fork_server.name), "-m", "pytest", "-q", "-p", "no:cacheprovider"]

    passed = subprocess.run(command, cwd=folder, env={**os.environ, "ONLY_HERE": "1"}, capture_output=True, text=True)
    failed = subprocess.run(command, cwd=folder, capture_output=True, text=True)

    assert [pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED] == [passed.returncode, failed.returncode]
    assert "1 passed" in passed.stdout
    assert "1 failed" in failed.stdout
    assert "" == passed.stderr


@pytest.mark.parametrize(("code", "expected", "error"), [("", 0, ""), ("7", 7, ""), ("'why'", 1, "why\n")])
def test_a_fork_ends_as_a_process_does(fork_server: Path, code: str, expected: int, error: str) -> None:
    """Its threads and exit functions are run, its output is complete, and it has the exit code and message."""
    command = [*forks.command(fork_server), "-u", "-c", ENDS.replace("EXIT", code)]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert (expected, ["at exit", "executor", "thread"], error) == (
        ended.returncode,
        sorted(ended.stdout.splitlines()),
        ended.stderr,
    )


def test_a_fork_runs_a_command_of_the_package(fork_server: Path, tmp_path: Path) -> None:
    """`check` of an invalid body through the fork server exits with 1 and prints the error."""
    (tmp_path / "body.json").write_text("{}", "utf-8")
    command = [*forks.command(fork_server), "-W", "error", "-m", "pytest_bctrl", "check", "body.json"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (1, "") == (ended.returncode, ended.stderr)
    assert "found in  body.json\n" in ended.stdout


@pytest.mark.parametrize("disposition", [signal.SIG_DFL, signal.SIG_IGN])
def test_a_fork_receives_the_signals_of_its_caller(fork_server: Path, disposition: signal.Handlers) -> None:
    """SIGTERM ends it as its handler says; it ignores SIGHUP if its caller does."""
    before = signal.signal(signal.SIGHUP, disposition)
    command = [*forks.command(fork_server), "-u", "-c", WAITS]
    try:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    finally:
        signal.signal(signal.SIGHUP, before)
    with process:
        assert process.stdout is not None
        shown = process.stdout.readline()
        process.terminate()
    assert (f"{disposition!r}\n", 40 + signal.SIGTERM) == (shown, process.returncode)


def test_a_fork_is_killed_with_its_caller(fork_server: Path) -> None:
    """Its exit functions are not run."""
    command = [*forks.command(fork_server), "-u", "-c", CLEANS_UP]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert "ready\n" == process.stdout.readline()
        process.kill()
        assert "" == process.stdout.read()


def test_a_fork_is_killed_with_its_server(tmp_path: Path) -> None:
    """A run that its caller does not end would otherwise outlive all tests."""
    with forks.forking_server(tmp_path, "--help") as server:
        command = [*forks.command(server), "-u", "-c", CLEANS_UP]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert "ready\n" == process.stdout.readline()
    with process:
        assert "" == process.stdout.read()
    assert 128 + signal.SIGKILL == process.returncode


def test_forks_that_run_at_the_same_time_are_independent(fork_server: Path) -> None:
    """They end in any order, each with its own exit code, and have no open files of each other."""
    command = [*forks.command(fork_server), "-u", "-c"]
    files = "import os; print(sorted(os.listdir('/proc/self/fd')))"
    alone = subprocess.run([*command, files], capture_output=True, text=True).stdout
    with (
        subprocess.Popen([*command, WAITS], stdout=subprocess.PIPE, text=True) as first,
        subprocess.Popen([*command, WAITS], stdout=subprocess.PIPE, text=True) as second,
    ):
        assert first.stdout is not None
        assert second.stdout is not None
        first.stdout.readline()
        second.stdout.readline()
        assert alone == subprocess.run([*command, files], capture_output=True, text=True).stdout
        second.terminate()
        assert 40 + signal.SIGTERM == second.wait()
        assert first.poll() is None
        first.kill()
        assert "" == first.stdout.read()
    assert -signal.SIGKILL == first.returncode


@pytest.mark.parametrize("sent", [b"", b"!", b"!\0\0", b"!" + (5).to_bytes(8) + b"1234"])
def test_a_caller_that_is_killed_early_does_not_end_the_server(
    fork_server: Path, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    """The next caller gets its fork."""
    monkeypatch.chdir(fork_server.parent)
    with socket.socket(socket.AF_UNIX) as caller, Path(os.devnull).open("rb") as null:
        caller.connect(fork_server.name)
        if sent:
            socket.send_fds(caller, [sent], [null.fileno()] * 3)
    command = [*forks.command(fork_server), "-u", "-c", "print('served')"]
    assert "served\n" == subprocess.run(command, capture_output=True, text=True).stdout


def test_a_run_that_repeats_failures_has_workers_that_have_imported_the_tests(tmp_path: Path) -> None:
    """With `--lf`, the fork for workers has imported them, and no cache is written."""
    suite = tmp_path / "suite"
    suite.mkdir()
    (suite / "test_imported.py").write_text(TEST, "utf-8")
    with forks.forking_server(tmp_path, "--tests", str(suite), "--lf", "."):
        code = "import sys; print('test_imported' in sys.modules)"
        command = [*forks.command(tmp_path / "workers"), "-u", "-c", code]
        assert "True\n" == subprocess.run(command, capture_output=True, text=True).stdout
    assert not (suite / ".pytest_cache").exists()


def test_a_server_has_no_settings_of_the_test_that_starts_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It loads the plugins that this test blocks, so loading them in a fork does not emit their warnings of a restart.

    Hypothesis warns if its plugin is loaded after a strategy was used, and the server uses strategies.
    """
    monkeypatch.setenv("PYTEST_ADDOPTS", UNUSED)
    with forks.forking_server(tmp_path) as server:
        monkeypatch.delenv("PYTEST_ADDOPTS")
        command = [*forks.command(server), "-W", "error", "-m", "pytest", "--help"]
        ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (pytest.ExitCode.OK, "") == (ended.returncode, ended.stderr)
