"""Common HTTP clients, used in the ordinary way, against the mock."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx
import pytest

from pytest_bctrl.traffic.mock import MockServer


@pytest.fixture
def url(mock: MockServer, path: str) -> str:
    """Return the URL of the list."""
    return mock.url + path


def test_urllib_receives_the_runtimes(mock: MockServer, url: str, bearer: dict[str, str]) -> None:
    with urllib.request.urlopen(urllib.request.Request(url, headers=bearer), timeout=60) as response:
        assert json.load(response)["runtimes"] == mock.runtimes
    with pytest.raises(urllib.error.HTTPError) as rejection:
        urllib.request.urlopen(url, timeout=60)
    assert rejection.value.code == 401
    rejection.value.close()


def test_requests_receives_the_runtimes(mock: MockServer, url: str, bearer: dict[str, str]) -> None:
    """With and without a JSON body; HEAD gets 200, and POST 405."""
    requests = pytest.importorskip("requests")
    with requests.Session() as session:
        bodies: tuple[Any, ...] = (None, {}, {"page": 2})
        for body in bodies:
            assert session.get(url, headers=bearer, json=body, timeout=60).json()["runtimes"] == mock.runtimes
        assert session.head(url, headers=bearer, timeout=60).status_code == 200
        assert session.post(url, headers=bearer, json={}, timeout=60).status_code == 405


def test_httpx_receives_the_runtimes(mock: MockServer, url: str, bearer: dict[str, str]) -> None:
    with httpx.Client(headers=bearer, timeout=60) as client:
        bodies: tuple[Any, ...] = (None, {})
        for body in bodies:
            assert client.request("GET", url, json=body).json()["runtimes"] == mock.runtimes
        assert client.request("OPTIONS", url).headers["allow"] == "GET, HEAD, OPTIONS"


@pytest.mark.anyio
async def test_an_async_httpx_client_receives_the_runtimes(mock: MockServer, url: str, bearer: dict[str, str]) -> None:
    async with httpx.AsyncClient(headers=bearer, timeout=60) as client:
        replies = await asyncio.gather(*(client.get(url) for _ in range(20)))
    assert {len(reply.json()["runtimes"]) for reply in replies} == {len(mock.runtimes)}


@pytest.mark.anyio
async def test_aiohttp_receives_the_runtimes(mock: MockServer, url: str, bearer: dict[str, str]) -> None:
    aiohttp = pytest.importorskip("aiohttp")
    async with aiohttp.ClientSession(headers=bearer) as session, session.get(url, json={}) as response:
        assert (await response.json())["runtimes"] == mock.runtimes
    await asyncio.sleep(0)


def test_httpx2_receives_the_runtimes(mock: MockServer, url: str, bearer: dict[str, str]) -> None:
    httpx2 = pytest.importorskip("httpx2")
    with httpx2.Client(headers=bearer, timeout=60) as client:
        assert client.get(url).json()["runtimes"] == mock.runtimes


@pytest.mark.skipif(find_spec("bctrl") is None, reason="the official SDK is not installed")
@pytest.mark.parametrize("base", ["{}", "{}/v1", "{}/v1/"])
def test_the_official_sdk_receives_the_runtimes(mock: MockServer, base: str) -> None:
    """Its legacy client reaches this endpoint, with a base URL with or without `/v1`.

    It runs in another process, because warnings of the SDK would fail the test.
    """
    code = (
        "import sys, json; from bctrl.legacy import Bctrl\n"
        "client = Bctrl(api_key=sys.argv[1], base_url=sys.argv[2])\n"
        "print(json.dumps(client._http.request('GET', f'/spaces/{sys.argv[3]}/runtimes')))"
    )
    shown = _run(sys.executable, "-c", code, mock.api_key, base.format(mock.url), mock.space_id)
    assert json.loads(shown)["runtimes"] == mock.runtimes


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--compressed"],
        ["--http2"],
        ["--http1.0"],
        ["-X", "GET", "-H", "Content-Type: application/json", "-d", "{}"],
        ["-X", "GET", "-H", "Transfer-Encoding: chunked", "-d", "{}"],
        ["-X", "GET", "-H", "Expect: 100-continue", "-d", "{}"],
    ],
    ids=" ".join,
)
def test_curl_receives_the_runtimes(mock: MockServer, url: str, options: list[str]) -> None:
    shown = _run("curl", "-sS", "--fail", url, "-H", f"Authorization: Bearer {mock.api_key}", *options)
    assert json.loads(shown)["runtimes"] == mock.runtimes


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")
def test_node_receives_the_runtimes(mock: MockServer, url: str) -> None:
    """`fetch` without a body, and Node's own client with one."""
    code = """
        const [url, key] = process.argv.slice(1)
        const headers = { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' }
        const plain = await (await fetch(url, { headers })).json()
        const http = await import('node:http')
        const withBody = await new Promise((resolve, reject) => {
          // Node frames the body of a GET only where its length is given.
          const framed = { ...headers, 'Content-Length': 2 }
          const request = http.request(url, { method: 'GET', headers: framed }, (answer) => {
            let text = ''
            answer.on('data', (part) => { text += part }).on('end', () => resolve(JSON.parse(text)))
          }).on('error', reject)
          request.end('{}')
        })
        console.log(JSON.stringify([plain, withBody]))
    """
    shown = json.loads(_run("node", "--input-type=module", "-e", code, url, mock.api_key))
    assert [body["runtimes"] for body in shown] == [mock.runtimes] * 2


JAVA = """
import java.net.URI;
import java.net.http.*;

public class Client {
  public static void main(String[] arguments) throws Exception {
    var client = HttpClient.newHttpClient();
    var request = HttpRequest.newBuilder(URI.create(arguments[0]))
        .header("Authorization", "Bearer " + arguments[1])
        .header("Content-Type", "application/json")
        .method("GET", HttpRequest.BodyPublishers.ofString("{}"))
        .build();
    for (int turn = 0; turn < 3; turn++)
      System.out.println(client.send(request, HttpResponse.BodyHandlers.ofString()).body());
  }
}
"""


@pytest.mark.skipif(shutil.which("javac") is None, reason="no Java development kit is installed")
def test_java_receives_the_runtimes(mock: MockServer, url: str, tmp_path: Path) -> None:
    """Three times, with a body: its standard client offers h2c with the first request."""
    file = tmp_path / "Client.java"
    file.write_text(JAVA, "utf-8")
    shown = _run("java", str(file), url, mock.api_key)
    assert [json.loads(line)["runtimes"] for line in shown.splitlines()] == [mock.runtimes] * 3


@pytest.fixture(autouse=True)
def _no_malformed_requests(mock: MockServer) -> Iterator[None]:
    """Check that the mock rejected no request as malformed."""
    yield
    assert [entry for entry in mock.requests.rejected if entry.status == 400] == []


def _run(*command: str) -> str:
    """Return the standard output of a command, which must exit with 0."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_cors_preflight_without_a_key_gets_204(mock: MockServer, url: str) -> None:
    headers: dict[str, Any] = {"Origin": "https://app.test", "Access-Control-Request-Method": "GET"}
    assert httpx.options(url, headers=headers).status_code == 204


def test_a_preflight_without_requested_header_fields_allows_none(mock: MockServer, url: str) -> None:
    """The response to the preflight of a page of this machine allows the method, and names no header fields."""
    headers = {"Origin": "http://localhost:3000", "Access-Control-Request-Method": "DELETE"}
    response = httpx.options(url, headers=headers)
    assert (204, "DELETE") == (response.status_code, response.headers["access-control-allow-methods"])
    assert "access-control-allow-headers" not in response.headers
