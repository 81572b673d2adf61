"""Measures a contract run on a space with 20,000 runtimes against requesting and parsing the same responses.

`python -m benchmarks.large [--runs N]`. The peer is pytest with one test that imports the same libraries, sends as
many requests for the list as a run does, and parses each body with `json.loads`. The exit code is 1 if a run takes more
than three times as much processor time. Both alternate.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median
from typing import Any

from pytest_bctrl.contract.read import load
from pytest_bctrl.samples import SPACE_ID, Samples
from pytest_bctrl.traffic.mock.scenarios import many

ITEMS, MAX_RATIO = 20_000, 3.0
KEY = "key-of-a-benchmark-0123456789"
_PEER = """
def test_nothing_but_requests():
    import httpx, json, jsonschema, schemathesis
    with httpx.Client(headers={{"Authorization": "Bearer {key}"}}) as client:
        for _ in range({count}):
            json.loads(client.get("{url}/v1/spaces/{space}/runtimes").content)
"""


def listing() -> bytes:
    """Return the body of a list of `ITEMS` runtimes, which have the required properties and few others."""
    contract = load()
    source = many(Samples(contract, contract.operations[0]), SPACE_ID, ITEMS, 1).source
    if source is None:
        raise SystemExit("the mock lists nothing")
    runtimes = json.loads(source.payload(0).body)["runtimes"]
    plain: dict[str, Any] = {"metadata": None, "connections": {}, "capabilities": []}
    return json.dumps({"runtimes": [{**runtime, **plain} for runtime in runtimes]}).encode()


class ListServer(ThreadingHTTPServer):
    """Serves the list of one space, and responds to all other requests with the documented error."""

    daemon_threads = True

    def __init__(self, body: bytes) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.body = body
        self.lists = 0

    @property
    def url(self) -> str:
        """The base URL of the server."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    """Responds to the requests of a connection."""

    protocol_version = "HTTP/1.1"
    server: ListServer

    def do_GET(self) -> None:
        """Send the list or an error."""
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, code = 200, ""
        if self.headers.get("Authorization") != f"Bearer {KEY}":
            status, code = 401, "unauthorized"
        elif self.path != f"/v1/spaces/{SPACE_ID}/runtimes":
            status, code = 404, "not_found"
        self.server.lists += status == 200
        body = self.server.body if not code else json.dumps({"error": code, "code": code, "requestId": "1"}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def do_HEAD(self) -> None:
        """Send the same header, without the body."""
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Log nothing."""


def seconds_of(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> float:
    """Return the processor seconds of a command. Raises `SystemExit` if it fails."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stdout[-2000:] + done.stderr[-2000:])
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> int:
    """Print the figures, and return 1 if the ratio exceeds the bound."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="measured rounds (default: %(default)s)")
    options = parser.parse_args()
    server = ListServer(listing())
    threading.Thread(target=server.serve_forever, daemon=True).start()
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment |= {"BCTRL_API_KEY": KEY, "BCTRL_SPACE_ID": SPACE_ID, "BCTRL_BASE_URL": server.url}
    with tempfile.TemporaryDirectory() as path:
        folder = Path(path)
        run = [sys.executable, "-m", "pytest", "-q", "--bctrl-live", "bctrl"]
        seconds_of(run, folder, environment)
        count = server.lists
        text = _PEER.format(key=KEY, url=server.url, space=SPACE_ID, count=count)
        (folder / "test_peer.py").write_text(text)
        peer = [sys.executable, "-m", "pytest", "-q", "test_peer.py"]
        seconds_of(peer, folder, environment)
        rounds = [
            (seconds_of(run, folder, environment), seconds_of(peer, folder, environment)) for _ in range(options.runs)
        ]
    ratio = median(run_seconds / peer_seconds for run_seconds, peer_seconds in rounds)
    run_median, peer_median = (median(seconds) for seconds in zip(*rounds, strict=True))
    print(
        f"{len(server.body):,} bytes, {count} times: "
        f"run {run_median:.2f} s, requests and parsing {peer_median:.2f} s of processor time"
    )
    print(f"ratio {ratio:.2f} (at most {MAX_RATIO:g})")
    return int(ratio > MAX_RATIO)


if __name__ == "__main__":
    sys.exit(main())
