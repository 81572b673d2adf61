"""Runs jobs with the measured kit: each line of standard input is one, and runs in a fork of this process.

It is started with the Python of the measured revision and imports nothing from this checkout. The fork makes a job
start without the two seconds in which Python imports pytest and its plugins.
"""

from __future__ import annotations

import hashlib
import json
import os
import pkgutil
import runpy
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import quote

Job = dict[str, Any]


def sample_rows(job: Job) -> Iterator[list[str]]:
    """Yield a digest of each operation's sample, and the findings of the sample and of changed ones."""
    from pytest_bctrl import Samples, check, load_contract

    contract = load_contract(Path(job["document"]))
    for operation in contract.operations:
        label = operation.label
        try:
            body = Samples(contract, operation).sample()
        except Exception as error:  # noqa: BLE001 - what the kit raises is a row
            yield ["no sample", type(error).__name__, label]
            continue
        yield ["sample", _digest(body), label]
        for number, changed in enumerate([body, *_changed(body, 25)]):
            try:
                findings = check(json.dumps(changed).encode(), contract=contract, operation=label)
            except Exception as error:  # noqa: BLE001 - as above
                yield ["crash", type(error).__name__, f"{label} change {number}"]
                continue
            for finding in findings:
                yield [finding.rule, finding.level, f"{label} change {number}: {finding.location}"]


def request_rows(job: Job) -> Iterator[list[str]]:
    """Yield the findings of requests, and how the mock of the contract responds to them if `mock` is true."""
    from pytest_bctrl import MockServer, check_request, load_contract

    contract = load_contract(Path(job["document"]))
    requests = job.get("requests") or list(_requests_of(contract))
    for request in requests:
        name, method, target, headers, body = request
        try:
            findings = check_request(method, target, headers=headers, body=body, contract=contract)
        except Exception as error:  # noqa: BLE001 - what the kit raises is a row
            yield ["crash", type(error).__name__, name]
            continue
        for finding in findings:
            yield [finding.rule, finding.level, f"{name}: {finding.location}"]
    if job.get("mock"):
        with MockServer(contract) as mock:
            for name, method, target, headers, body in requests:
                yield ["mock status", str(_status(mock.url, method, target, headers, body)), name]


def _status(url: str, method: str, target: str, headers: Any, body: Any) -> Any:
    """Send a request, and return the status of its response, or the class of an error."""
    import httpx

    content = json.dumps(body).encode() if isinstance(body, dict | list) else body
    try:
        with httpx.Client(base_url=url, verify=False) as client:
            return client.request(method, target, headers=headers, content=content).status_code
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return type(error).__name__


def _requests_of(contract: Any) -> Iterator[list[Any]]:
    """Yield requests to each operation: with nothing, an empty object, a list, a form, and with all parameters `x`."""
    for operation in contract.operations:
        label = operation.label
        method, _, path = label.partition(" ")
        target = "/".join("x" if part.startswith("{") else quote(part) for part in path.split("/"))
        yield [f"{label} bare", method, target, {}, None]
        for name, body in {"object": {}, "list": [], "null": b"null", "not JSON": b"{"}.items():
            yield [f"{label} {name}", method, target, {"Content-Type": "application/json"}, body]
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        yield [f"{label} form", method, target, form, b"a=1"]
        parameters = [one for one in operation.parameters if one.in_ == "query"]
        query = "&".join(f"{quote(one.name)}=x" for one in parameters)
        yield [f"{label} query", method, f"{target}?{query}", {"Authorization": "Bearer x"}, None]


def _digest(value: Any) -> str:
    """Return a short digest of JSON data."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:12]


def _changed(body: Any, count: int) -> Iterator[Any]:
    """Yield up to `count` copies of a body with one value of another type, removed or added, spread over the body."""
    paths = list(_paths(body))
    for number, path in enumerate(paths[:: max(1, len(paths) // count)][:count]):
        changed = json.loads(json.dumps(body))
        parent = changed
        for key in path[:-1]:
            parent = parent[key]
        if number % 3 == 1 and isinstance(parent, dict):
            del parent[path[-1]]
        elif number % 3 == 2 and isinstance(parent[path[-1]], dict):
            parent[path[-1]]["x-floor"] = 1
        else:
            parent[path[-1]] = [None] if not isinstance(parent[path[-1]], list) else "x"
        yield changed


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of each value in JSON data, except the root."""
    members: Any = ()
    if isinstance(value, dict):
        members = value.items()
    elif isinstance(value, list):
        members = enumerate(value)
    for key, member in members:
        yield (*path, key)
        yield from _paths(member, (*path, key))


def call_rows(name: str, job: Job) -> Iterator[list[str]]:
    """Yield the rows of a call; `rejected` for a document that the kit rejects with one of its errors."""
    from pytest_bctrl import BctrlError

    try:
        yield from CALLS[name](job)
    except BctrlError as error:
        yield ["rejected", type(error).__name__, ""]


CALLS: dict[str, Callable[[Job], Iterator[list[str]]]] = {"samples": sample_rows, "requests": request_rows}


def run(job: Job) -> None:
    """Run a job in this process: a module as by `python -m`, or a call, whose rows it writes to `rows.json`."""
    os.setsid()
    os.chdir(job["folder"])
    os.environ.update(job["environment"])
    for number, (name, flags) in enumerate(
        [(os.devnull, os.O_RDONLY), ("stdout", os.O_WRONLY | os.O_CREAT), ("stderr", os.O_WRONLY | os.O_CREAT)]
    ):
        os.dup2(os.open(name, flags, 0o644), number)
    name, *arguments = job["command"]
    if name in CALLS:
        Path("rows.json").write_text(json.dumps(list(call_rows(name, job))), "utf-8")
        return
    sys.argv = [name, *arguments]
    sys.path[:] = ["", *sys.path]
    runpy.run_module(name, run_name="__main__", alter_sys=True)


def forked(job: Job) -> int:
    """Run a job in a fork, and return its exit code; the negative number of the signal that ended it."""
    child = os.fork()
    if child == 0:
        code: Any = 1
        try:
            run(job)
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        except BaseException:  # noqa: BLE001 - the traceback is what the job leaves
            import traceback

            traceback.print_exc()
            code = 70
        finally:
            with suppress(Exception):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(code)
    # Not by the clock: a process that is stopped for a while, as by job control, does not count that time.
    waited, wait = 0.0, 0.002
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        if waited > job["seconds"]:
            with suppress(ProcessLookupError):
                os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return -signal.SIGKILL
        time.sleep(wait)
        waited += wait
        wait = min(wait * 1.5, 0.05)


def load() -> None:
    """Import what the jobs import: the kit with all modules, pytest, and the plugins that pytest would load."""
    for package in ("pytest_bctrl", "schemathesis.specs.openapi", "hypothesis", "jsonschema", "httpx", "yaml"):
        module = import_module(package)
        if package == "pytest_bctrl":
            for found in pkgutil.walk_packages(module.__path__, "pytest_bctrl."):
                if not found.name.endswith("__main__"):
                    import_module(found.name)


if __name__ == "__main__":
    load()
    print("ready", import_module("pytest_bctrl").__file__, flush=True)
    for line in sys.stdin:
        print(forked(json.loads(line)), flush=True)
