"""Measures what `--bctrl-watch` costs a suite of 300 tests with one exchange each, against the same suite without it.

`python -m benchmarks.watch [--runs N]` runs two suites: one whose tests send requests to a server in another process
with httpx, requests, urllib3 or aiohttp, and one whose tests use `httpx.MockTransport`. Each exchange conforms
to the contract. The difference includes what the watch imports at the start.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from benchmarks.timing import ratio_line, time_commands

SAMPLE = Path(__file__).resolve().parent.parent / "contracts" / "runtimes.sample.json"
SPACE = json.loads(SAMPLE.read_text("utf-8"))["runtimes"][0]["spaceId"]
SERVER = f"""
import asyncio
import sys

BODY = open({str(SAMPLE)!r}, "rb").read()
HEAD = b"HTTP/1.1 200 OK\\r\\nContent-Type: application/json\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(BODY)


async def respond(reader, writer):
    try:
        while await reader.readuntil(b"\\r\\n\\r\\n"):
            writer.write(HEAD + BODY)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def main():
    server = await asyncio.start_server(respond, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
"""
HEAD = f"""
import asyncio
import subprocess
import sys

import httpx
import pytest

PATH = "/v1/spaces/{SPACE}/runtimes"
HEADERS = {{"Authorization": "Bearer key"}}
"""
CLIENTS = (
    HEAD
    + """
import aiohttp
import requests
import urllib3


@pytest.fixture(scope="session")
def url():
    with subprocess.Popen([sys.executable, "server.py"], stdout=subprocess.PIPE, text=True) as process:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}{PATH}"
        process.kill()


async def with_aiohttp(url):
    async with aiohttp.ClientSession(headers=HEADERS) as session, session.get(url) as response:
        return await response.json()


@pytest.mark.parametrize("number", range(75))
@pytest.mark.parametrize("library", ["httpx", "requests", "urllib3", "aiohttp"])
def test_exchange(url, library, number):
    if library == "httpx":
        body = httpx.get(url, headers=HEADERS).json()
    elif library == "requests":
        body = requests.get(url, headers=HEADERS).json()
    elif library == "urllib3":
        body = urllib3.request("GET", url, headers=HEADERS).json()
    else:
        body = asyncio.run(with_aiohttp(url))
    assert len(body["runtimes"]) == 8
"""
)
TRANSPORT = (
    HEAD
    + f"""
BODY = open({str(SAMPLE)!r}, "rb").read()


@pytest.mark.parametrize("number", range(300))
def test_exchange(number):
    def respond(request):
        return httpx.Response(200, content=BODY, headers={{"Content-Type": "application/json"}})

    with httpx.Client(transport=httpx.MockTransport(respond)) as client:
        assert len(client.get("https://api.bctrl.ai" + PATH, headers=HEADERS).json()["runtimes"]) == 8
"""
)


def main() -> None:
    """Measure both suites, and print their ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10, help="measured rounds (default: %(default)s)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "server.py").write_text(SERVER, "utf-8")
        for suite, text in (("four client libraries", CLIENTS), ("httpx.MockTransport", TRANSPORT)):
            file = folder / f"test_{suite.split()[0].replace('.', '_')}.py"
            file.write_text(text, "utf-8")
            command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", file.name]
            seconds = time_commands({"watched": [*command, "--bctrl-watch"], "plain": command}, folder, options.runs)
            print(f"{suite}: {ratio_line(seconds, 'watched', 'plain')}")


if __name__ == "__main__":
    main()
