"""Measures the requests per second through `pytest-bctrl proxy` and Prism's proxy, in front of the same mock.

`python -m benchmarks.proxy --node-modules PATH [--seconds S] [--rounds N]`
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path
from statistics import median

from benchmarks.mock.load import load
from benchmarks.mock.process import start
from benchmarks.mock.servers import REQUEST, Server
from pytest_bctrl.contract.files import packaged

CONNECTIONS = (1, 16, 64)


def main() -> None:
    """Measure both proxies, and print their rates."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--node-modules", type=Path, required=True, help="folder with @stoplight/prism-cli installed")
    parser.add_argument("--seconds", type=float, default=2.0, help="length of one burst (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="bursts per figure, of which the median is printed")
    options = parser.parse_args()
    mock = Server("mock", lambda port: [sys.executable, "-m", "pytest_bctrl", "mock", "--quiet", "--port", str(port)])
    upstream = start(mock)
    try:
        with tempfile.TemporaryDirectory() as folder:
            document = Path(folder, "contract.json")
            document.write_text(json.dumps(json.loads(packaged().merged.read_text("utf-8"))), "utf-8")
            target = f"http://127.0.0.1:{upstream.port}"
            servers = [_ours(target), _prism(options.node_modules.resolve(), document, target)]
            rates = _rates(servers, options.rounds, options.seconds)
    finally:
        upstream.stop()
    for connections in CONNECTIONS:
        ours, theirs = (median(rates[server.name, connections]) for server in servers)
        row = f"{connections:>3} connections: ours {ours:,.0f}/s, Prism {theirs:,.0f}/s, {ours / theirs:.2f} times"
        print(row)


def _rates(servers: list[Server], rounds: int, seconds: float) -> dict[tuple[str, int], list[float]]:
    rates: dict[tuple[str, int], list[float]] = {}
    for _ in range(rounds):
        for server in servers:
            running = start(server)
            address = ("127.0.0.1", running.port)
            load(address, REQUEST, 4, seconds / 3)
            for connections in CONNECTIONS:
                burst = load(address, REQUEST, connections, seconds)
                rates.setdefault((server.name, connections), []).append(burst.rate)
                if burst.failures:
                    print(f"  {server.name}, {connections} connections: {burst.failures} requests failed")
            running.stop()
    return rates


def _ours(target: str) -> Server:
    command = [sys.executable, "-m", "pytest_bctrl", "proxy", target]
    return Server("ours", lambda port: [*command, "--port", str(port)])


def _prism(modules: Path, document: Path, target: str) -> Server:
    node = shutil.which("node") or "node"
    script = str(modules / "@stoplight/prism-cli/dist/index.js")
    options = ["--host", "127.0.0.1", "-v", "fatal"]
    return Server("Prism", lambda port: [node, script, "proxy", str(document), target, "--port", str(port), *options])


if __name__ == "__main__":
    main()
