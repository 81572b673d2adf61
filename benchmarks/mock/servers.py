"""The measured servers, each in its own process: `pytest-bctrl mock` and the installed peers."""

from __future__ import annotations

import json
import shutil
import socket
import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from pytest_bctrl import samples
from pytest_bctrl.contract.files import packaged
from pytest_bctrl.traffic.mock.server import MOCK_KEY

PATH = f"/v1/spaces/{samples.SPACE_ID}/runtimes"
REQUEST = (
    f"GET {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {MOCK_KEY}\r\n"
    "Accept: application/json\r\nUser-Agent: benchmark\r\n\r\n"
).encode()


@dataclass(frozen=True)
class Server:
    """A server: its name, and a function that returns the command to start it on a port."""

    name: str
    command: Callable[[int], list[str]]


def free_port() -> int:
    """Return a port that is currently free."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def installed(folder: Path, node_modules: Path | None) -> tuple[list[Server], list[str]]:
    """Return our server and the installed peers, and a line per missing peer; `folder` receives their scripts."""
    document = _document_with_example(folder)
    servers = [
        Server(
            "pytest-bctrl mock",
            lambda port: [sys.executable, "-m", "pytest_bctrl", "mock", "--quiet", "--port", str(port)],
        )
    ]
    missing = []
    if find_spec("pytest_httpserver"):
        script = folder / "httpserver.py"
        script.write_text(_HTTPSERVER, "utf-8")
        servers.append(
            Server(
                "pytest-httpserver", lambda port: [sys.executable, str(script), str(port), str(packaged().sample), PATH]
            )
        )
    else:
        missing.append("pytest-httpserver: pip install pytest-httpserver")
    node = shutil.which("node")
    for package, command_of in _NODE_PEERS.items():
        if node and node_modules and (node_modules / package).is_dir():
            servers.append(Server(package, command_of(node, node_modules, folder, document)))
        else:
            missing.append(f"{package}: npm install {package}, then --node-modules PATH")
    return servers, missing


def _document_with_example(folder: Path) -> Path:
    """Write the contract with our sample as the example of its response, so that every server sends the same body."""
    document = json.loads(packaged().merged.read_text("utf-8"))
    response = document["paths"]["/v1/spaces/{id}/runtimes"]["get"]["responses"]["200"]
    response["content"]["application/json"]["example"] = samples.response()
    file = folder / "contract.json"
    file.write_text(json.dumps(document), "utf-8")
    return file


def _prism(node: str, modules: Path, _folder: Path, document: Path) -> Callable[[int], list[str]]:
    script = str(modules / "@stoplight/prism-cli/dist/index.js")
    return lambda port: [node, script, "mock", str(document), "--port", str(port), "--host", "127.0.0.1", "-v", "fatal"]


def _steady(node: str, modules: Path, _folder: Path, document: Path) -> Callable[[int], list[str]]:
    program = str(modules / ".bin/steady")
    return lambda port: [program, "--port", str(port), "--host", "127.0.0.1", "--quiet", str(document)]


def _scalar(node: str, modules: Path, folder: Path, document: Path) -> Callable[[int], list[str]]:
    # Next to node_modules, because Node resolves imports from the folder of the script.
    script = modules.parent / "bctrl-benchmark-scalar.mjs"
    script.write_text(_SCALAR, "utf-8")
    return lambda port: [node, str(script), str(document), str(port)]


_NODE_PEERS: dict[str, Callable[[str, Path, Path, Path], Callable[[int], list[str]]]] = {
    "@stoplight/prism-cli": _prism,
    "@stdy/cli": _steady,
    "@scalar/mock-server": _scalar,
}

_HTTPSERVER = textwrap.dedent(
    """
    import json, signal, sys, threading
    from pytest_httpserver import HTTPServer

    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    server = HTTPServer("127.0.0.1", int(sys.argv[1]), threaded=True)
    server.expect_request(sys.argv[3]).respond_with_json(json.load(open(sys.argv[2], encoding="utf-8")))
    server.start()
    ended.wait()
    server.stop()
    """
)

_SCALAR = textwrap.dedent(
    """
    import { readFileSync } from 'node:fs'
    import { serve } from '@hono/node-server'
    import { createMockServer } from '@scalar/mock-server'

    const document = JSON.parse(readFileSync(process.argv[2], 'utf8'))
    const app = await createMockServer({ document, specification: document })
    serve({ fetch: app.fetch, port: Number(process.argv[3]), hostname: '127.0.0.1' })
    """
)
