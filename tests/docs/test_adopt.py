"""The how-to *Use another API*: a server of that API passes the contract that it writes, a faulty one is found."""

from __future__ import annotations

import json
import runpy
import threading
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from pytest_bctrl.contract.model import Contract
from pytest_bctrl.contract.read import load
from pytest_bctrl.secrets.secret import Secret
from pytest_bctrl.suite.run import ContractRun
from pytest_bctrl.suite.sending.target import Target
from pytest_bctrl.traffic.origin import Connection
from tests.current_server import space
from tests.docs.blocks import blocks
from tests.docs.page import PROJECT
from tests.run_probes import run_probes

KEY, VERSION = "key_of_today_0123456789", "2026-10-03"


@pytest.fixture(scope="module")
def contract(tmp_path_factory: pytest.TempPathFactory) -> Contract:
    """Return the contract written by the script on the page."""
    folder = tmp_path_factory.mktemp("adopt")
    (script,) = (block for block in blocks(PROJECT / "docs" / "how-to" / "adopt.md") if "# adopt.py" in block.text)
    (folder / "adopt.py").write_text(script.text, "utf-8")
    with chdir(folder):
        runpy.run_path("adopt.py")
    return load(folder / "spaces.json")


class Handler(BaseHTTPRequestHandler):
    """Lists spaces as the current API does; shares no code with the package, and can be faulty."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    fault = ""

    def log_message(self, *_arguments: object) -> None:
        """Print nothing."""

    def _rejection(self) -> tuple[int, str] | None:
        """Return the status and message of the error for an invalid request; None for a valid one."""
        parameters = parse_qs(urlsplit(self.path).query)
        query = {name: values[0] for name, values in parameters.items()}
        limit = query.get("limit", "20")
        if self.headers.get("Authorization") != f"Bearer {KEY}":
            return 401, "auth.unauthorized"
        if self.headers.get("BCTRL-Version") != VERSION:
            return 400, "version.invalid"
        if any(len(values) > 1 for values in parameters.values()):
            return 400, "request.invalid"
        if self.fault != "any limit" and not (limit.isdecimal() and 1 <= int(limit) <= 100):
            return 400, "request.invalid"
        return (400, "request.invalid") if query.get("order", "asc") not in ("asc", "desc") else None

    def do_GET(self) -> None:
        """Send a page of spaces, or an error."""
        rejection = self._rejection()
        query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        start = int(query.get("cursor", "c0").removeprefix("c") or 0) if rejection is None else 0
        end = start + int(query.get("limit", "20")) if query.get("limit", "20").isdecimal() else 3
        spaces = [space(number) for number in range(3)][start:end]
        body: Any = {"data": spaces, "hasMore": end < 3, "nextCursor": f"c{end}" if end < 3 else None}
        if rejection is not None:
            error = {"code": "request.invalid", "message": rejection[1], "reasonClass": "conflict", "requestId": "r1"}
            body = {"error": rejection[1]} if self.fault == "flat errors" else {"error": {**error, "hint": "fix it"}}
        elif self.fault == "unknown status":
            body["data"][-1]["status"] = "paused"
        elif self.fault == "cursor as a number":
            body["nextCursor"] = end if end < 3 else None
        raw = json.dumps(body).encode()
        self.send_response(rejection[0] if rejection else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw if self.command == "GET" else b"")

    do_HEAD = do_GET


@contextmanager
def serve(fault: str) -> Iterator[str]:
    """Serve on a free port; yield the base URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Faulty", (Handler,), {"fault": fault}))
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("fault", "rules"),
    [
        ("", set()),
        ("unknown status", {"response_schema_conformance"}),
        ("cursor as a number", {"response_schema_conformance"}),
        ("flat errors", {"response_schema_conformance"}),
        ("any limit", {"negative_data_rejection"}),
    ],
)
def test_the_adopted_contract_accepts_the_current_api_and_finds_faults(
    contract: Contract, fault: str, rules: set[str]
) -> None:
    """The findings of a run against an independent server have exactly the rules of its fault; none without a fault."""
    connection = Connection(headers=(("BCTRL-Version", Secret(VERSION), f"'BCTRL-Version: {VERSION}'"),))
    with serve(fault) as url:
        target = Target(ContractRun("live", contract, url, Secret(KEY), {}, "error", 20, connection=connection))
        findings = run_probes(target)
        target.close()
    assert rules == {finding.rule for finding in findings if finding.level != "info"}
