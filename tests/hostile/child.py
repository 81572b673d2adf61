"""Runs jobs in a separate process and reports the result of each and the process's peak memory."""

from __future__ import annotations

import contextlib
import io
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

import anyio
import httpx

from pytest_bctrl.cli import main
from pytest_bctrl.contract.read import load
from pytest_bctrl.errors import BctrlError
from pytest_bctrl.traffic.client import async_client, client
from pytest_bctrl.traffic.mock.server import MockServer

ROOT = Path(__file__).parents[2]
MEMORY = 300
"""MB that no job may take."""


@dataclass(frozen=True)
class Ran:
    """The result of a job: its exit code, its output, the peak memory of the process until then, in MB, and the seconds
    of processor time that it took.
    """

    code: int
    out: str
    err: str
    peak: float
    seconds: float


def run(
    jobs: Mapping[str, Sequence[str]],
    folder: Path,
    environment: Mapping[str, str],
    python: Sequence[str] = (sys.executable,),
) -> dict[str, Ran]:
    """Run named jobs in one subprocess of `python` that starts in `folder`."""
    jobs_file, got = folder / "jobs.json", folder / "ran.json"
    jobs_file.write_text(json.dumps(jobs))
    command = [*python, "-m", "tests.hostile.child", str(jobs_file), str(got)]
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("BCTRL_", "GITHUB_", "PYTEST_"))
    }
    plain = {**inherited, "PYTHONPATH": str(ROOT), **environment}
    result = subprocess.run(command, cwd=folder, env=plain, capture_output=True, text=True, check=False)
    assert 0 == result.returncode, result.stderr
    return {name: Ran(**outcome) for name, outcome in json.loads(got.read_text()).items()}


def _get(url: str) -> int:
    with client(url, "key", live=True) as http:
        return _shown(len(http.get("/").content))


def _stream(url: str) -> int:
    with client(url, "key", live=True) as http, http.stream("GET", "/") as response:
        return _shown(sum(map(len, response.iter_bytes())))


def _async(url: str) -> int:
    async def ask() -> int:
        async with async_client(url, "key", live=True) as client:
            return len((await client.get("/")).content)

    return _shown(anyio.run(ask))


def _shown(size: int) -> int:
    print(size)
    return 0


def _pytest(*arguments: str) -> int:
    import pytest

    return int(pytest.main(list(arguments)))


def _stdin(path: str, *arguments: str) -> int:
    with Path(path).open("rb") as file:
        sys.stdin = io.TextIOWrapper(file)
        return main(arguments)


def _main(*arguments: str) -> int:
    return main(arguments)


def _mock(path: str) -> int:
    """Start the mock of a contract, send one request, and print the status of the response."""
    try:
        contract = load(path)
        operation = contract.operations[0]
        with MockServer(contract) as server:
            target = operation.url_path({path_parameter.name: "x" for path_parameter in operation.path_parameters})
            response = httpx.get(
                f"{server.url}{target}", headers={"Authorization": f"Bearer {server.api_key}"}, timeout=600
            )
    except BctrlError as error:
        print(error, file=sys.stderr)
        return 2
    return _shown(response.status_code)


_KINDS: Mapping[str, Any] = {
    "get": _get,
    "stream": _stream,
    "async": _async,
    "pytest": _pytest,
    "stdin": _stdin,
    "main": _main,
    "mock": _mock,
}


def _done(kind: str, *arguments: str) -> dict[str, Any]:
    # Files, because some jobs ask for their file descriptor.
    began = time.process_time()
    with (
        TemporaryFile("w+") as out,
        TemporaryFile("w+") as err,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            code = _KINDS[kind](*arguments)
        except SystemExit as stop:
            code = stop.code
        except httpx.HTTPError as error:
            print(f"{type(error).__mro__[1].__name__}: {error}", file=err)
            code = 2
        seconds = time.process_time() - began
        return {"code": code, "out": _text(out), "err": _text(err), "peak": _peak(), "seconds": seconds}


def _text(file: IO[str]) -> str:
    file.seek(0)
    return file.read()


def _peak() -> float:
    """Return the peak memory of this process in MB; `getrusage` would include that of its parent."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().partition("VmHWM:")[2].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2


if __name__ == "__main__":
    jobs = json.loads(Path(sys.argv[1]).read_text())
    Path(sys.argv[2]).write_text(json.dumps({name: _done(*job) for name, job in jobs.items()}))
