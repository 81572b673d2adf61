"""Measures `pytest-bctrl mock` against the installed peers in alternating rounds, and prints a table.

`python -m benchmarks.mock [--seconds S] [--rounds N] [--node-modules PATH]`
"""

from __future__ import annotations

import argparse
import platform
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from importlib.util import find_spec
from pathlib import Path
from statistics import median

from benchmarks.mock.load import Load, load
from benchmarks.mock.process import Started, start
from benchmarks.mock.servers import REQUEST, Server, installed
from pytest_bctrl.contract.read import load as load_contract
from pytest_bctrl.traffic.mock import MockServer

CONNECTIONS = (1, 16, 256)


def main() -> None:
    """Measure the servers, and print the table and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=1.5, help="length of one burst (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="bursts per figure, of which the median is printed")
    parser.add_argument("--node-modules", type=Path, help="folder with the installed Node peers")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        modules = options.node_modules.resolve() if options.node_modules else None
        servers, missing = installed(Path(folder), modules)
        print(
            f"Python {platform.python_version()}, {platform.machine()}; medians of {options.rounds} alternating rounds"
        )
        for line in missing:
            print(f"not measured: {line}")
        _in_process()
        _as_processes(servers, options.rounds, options.seconds)


def _in_process() -> None:
    """Print how long a start and a stop take together inside a process, as in each pytest run that uses a server."""
    contract = load_contract()
    ours = [_start_and_stop(lambda: MockServer(contract)) for _ in range(30)]
    theirs = []
    if find_spec("pytest_httpserver"):
        from pytest_httpserver import HTTPServer

        theirs = [_start_and_stop(lambda: HTTPServer("127.0.0.1", 0)) for _ in range(30)]
    line = f"start and stop in process, median of 30: ours {median(ours) * 1e3:.2f} ms"
    if theirs:
        line += f", pytest-httpserver {median(theirs) * 1e3:.2f} ms: ratio {median(ours) / median(theirs):.4f}"
    print(line)


def _start_and_stop(server: Callable[[], AbstractContextManager[object]]) -> float:
    """Return the seconds in which a server starts and stops."""
    start_time = time.perf_counter()
    with server():
        pass
    return time.perf_counter() - start_time


def _as_processes(servers: list[Server], rounds: int, seconds: float) -> None:
    """Print a table of the servers as processes: start, stop, memory, and rates and latencies by connections."""
    starts: dict[str, list[float]] = {server.name: [] for server in servers}
    stops: dict[str, list[float]] = {server.name: [] for server in servers}
    memory: dict[str, int] = {}
    bodies: dict[str, int] = {}
    loads: dict[tuple[str, int], list[Load]] = {(server.name, n): [] for server in servers for n in CONNECTIONS}
    for server in servers:
        start(server).stop()
    for _ in range(rounds):
        for server in servers:
            running = start(server)
            starts[server.name].append(running.start)
            bodies[server.name] = running.body
            _burst(server.name, running, seconds, loads)
            memory[server.name] = max(memory.get(server.name, 0), running.memory())
            stops[server.name].append(running.stop())
    print(
        f"request: {len(REQUEST)} bytes, GET with a bearer token; all servers that accept an example send the same body"
    )
    head = f"{'':<24}{'body':>8}{'start':>9}{'stop':>9}{'memory':>9}"
    print(head + "".join(f"{f'{n} conn.':>12}{'p99':>9}" for n in CONNECTIONS))
    for server in servers:
        name = server.name
        line = f"{name:<24}{bodies[name]:>8}{median(starts[name]):>7.2f} s{median(stops[name]):>7.2f} s"
        line += f"{memory[name] / 1e6:>6.0f} MB"
        for n in CONNECTIONS:
            line += f"{median(burst.rate for burst in loads[name, n]):>10,.0f}/s"
            line += f"{median(burst.p99 for burst in loads[name, n]) * 1e3:>6.1f} ms"
        print(line)
    _ratios(servers, starts, memory, loads)


def _burst(name: str, running: Started, seconds: float, loads: dict[tuple[str, int], list[Load]]) -> None:
    """Put load on a server for each number of connections, and add the results to `loads`."""
    address = ("127.0.0.1", running.port)
    load(address, REQUEST, 4, seconds / 3)
    for n in CONNECTIONS:
        burst = load(address, REQUEST, n, seconds)
        loads[name, n].append(burst)
        if burst.failures:
            print(f"  {name}, {n} connections: {burst.failures} responses failed")


def _ratios(
    servers: list[Server],
    starts: dict[str, list[float]],
    memory: dict[str, int],
    loads: dict[tuple[str, int], list[Load]],
) -> None:
    """Print the ratios of our server to each peer."""
    ours, *peers = (server.name for server in servers)
    print("ours against each peer (requests per second: more is better; start, memory: less is better)")
    for peer in peers:
        rates = [
            median(burst.rate for burst in loads[ours, n]) / median(burst.rate for burst in loads[peer, n])
            for n in CONNECTIONS
        ]
        rate_ratios = ", ".join(f"{ratio:.2f}x at {n}" for ratio, n in zip(rates, CONNECTIONS, strict=True))
        start_ratio = median(starts[ours]) / median(starts[peer])
        print(f"  {peer:<22}{rate_ratios}; start {start_ratio:.2f}x, memory {memory[ours] / memory[peer]:.2f}x")


main()
