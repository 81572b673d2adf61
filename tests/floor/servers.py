"""Live runs against the server variants of the tests, and against those of another server with the same command."""

from __future__ import annotations

import base64
import http.client
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.reports.agreement import RUN_OPTIONS
from tests.variants import CATALOGUE, Variant, serve

from .inputs import Input, Options
from .kit import PYTEST, Fact, FinishedRun, Kit

_LIVE = ("pytest", *PYTEST, "--bctrl-live", *RUN_OPTIONS)


def _facts(result: FinishedRun) -> Iterator[Fact]:
    """Yield the facts of a live run, each finding once, because engines generate different numbers of requests."""
    yield from dict.fromkeys(result.report())


def variants(_options: Options) -> Iterator[Input]:
    """Yield a live run for each variant."""
    for variant in CATALOGUE:

        def collect(kit: Kit, folder: Path, variant: Variant = variant) -> Iterator[Fact]:
            with serve(variant) as server:
                settings = {
                    "BCTRL_BASE_URL": server.url,
                    "BCTRL_API_KEY": server.api_key,
                    "BCTRL_SPACE_ID": server.space_id,
                }
                result = kit.run(folder, *_LIVE, environment=settings)
            yield from _facts(result)

        yield Input(variant.name, collect)


def peers(options: Options) -> Iterator[Input]:
    """Yield a live run for each variant of the server `--peer`, whose `--list` prints a variant per line."""
    if options.peer is None:
        return
    listed = subprocess.run([sys.executable, options.peer, "--list"], capture_output=True, text=True, check=True).stdout
    for name in (line.split()[1] for line in listed.splitlines()):

        def collect(kit: Kit, folder: Path, name: str = name) -> Iterator[Fact]:
            command = [sys.executable, str(options.peer), name]
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
                try:
                    assert server.stdout is not None
                    settings = dict(one.split("=", 1) for one in server.stdout.readline().split())
                    result = kit.run(folder, *_LIVE, environment=settings)
                finally:
                    server.kill()
            yield from _facts(result)

        yield Input(name, collect)


def exchange(variant: Variant) -> dict[str, Any] | None:
    """Return the entry of a HAR file for the first request to a variant; None if it does not respond in two seconds."""
    with serve(variant) as server:
        parts = urlsplit(server.url)
        path = f"/v1/spaces/{server.space_id}/runtimes"
        headers = {"Authorization": f"Bearer {server.api_key}", "Accept": "application/json"}
        connection = http.client.HTTPConnection(parts.netloc, timeout=2)
        try:
            connection.request("GET", path, headers=headers)
            response = connection.getresponse()
            content, end_at = b"", time.monotonic() + 2
            # Some variants send forever.
            while part := response.read1(65_536):
                content += part
                if time.monotonic() > end_at:
                    return None
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()
    return har_entry(
        "GET", f"https://api.bctrl.ai{path}", headers, None, response.status, response.getheaders(), content
    )


def har_entry(
    method: str,
    url: str,
    headers: dict[str, str],
    sent: str | None,
    status: int,
    fields: list[tuple[str, str]],
    content: bytes,
) -> dict[str, Any]:
    """Return the entry of a HAR file for an exchange."""
    names = [{"name": name, "value": value} for name, value in headers.items()]
    request: dict[str, Any] = {"method": method, "url": url, "httpVersion": "HTTP/1.1", "headers": names}
    request |= {"queryString": [], "cookies": [], "headersSize": -1, "bodySize": -1}
    if sent is not None:
        request["postData"] = {"mimeType": "application/json", "text": sent}
    media = next((value for name, value in fields if name.lower() == "content-type"), "")
    body = {"size": len(content), "mimeType": media, "text": base64.b64encode(content).decode(), "encoding": "base64"}
    response = {
        "status": status,
        "statusText": "",
        "httpVersion": "HTTP/1.1",
        "headers": [{"name": name, "value": value} for name, value in fields],
        "cookies": [],
        "content": body,
        "redirectURL": "",
        "headersSize": -1,
        "bodySize": -1,
    }
    timings = {"send": 0, "wait": 0, "receive": 0}
    started = "2026-11-30T00:00:00.000Z"
    return {
        "startedDateTime": started,
        "time": 0,
        "request": request,
        "response": response,
        "cache": {},
        "timings": timings,
    }


def write_har(path: Path, entries: list[dict[str, Any]]) -> None:
    """Write a HAR file."""
    log = {"version": "1.2", "creator": {"name": "floor", "version": "1"}, "entries": entries}
    path.write_text(json.dumps({"log": log}), "utf-8")
