"""Whole runs over random keys and ids: recorded, refused or replayed, no byte of any file or output holds one.

The downstream project below meets an API that sends keys and ids back, and sends them itself, in every spelling and
place. What is looked for afterwards is spelled out here, by none of the package's own code.
"""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pytest_bctrl.samples import runtimes
from tests.recordings.conftest import Run

RUNS = 3
CASES = 800
"""Random keys, spaces and ids of one run."""

SPELLINGS = ["plain", "url", "url-plus", "json", "base64-0", "base64-1", "base64-2", "base64url-0", "base64url-1"]
SPELLINGS += ["base64url-2"]
PLACES = ["nowhere", "nowhere", "nowhere", "url", "request header", "request body", "response header"]
PLACES += ["name", "metadata", "metadata key"]
SUBJECTS = ["key", "token", "id"]

CONFTEST = """
import json, os, threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from pytest_bctrl.secret import Secret

CASES = json.loads(Path(os.environ["CASES"]).read_text("utf-8"))
RECORDS = "RECORDS" in os.environ


class Api(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        case = CASES[int(self.headers["X-Case"])]
        assert self.headers["Authorization"] == "Bearer " + case["key"]
        body = case["body"].encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Set-Cookie", "key=" + case["key"])
        self.send_header("X-Key", case["key"])
        if case["place"] == "response header":
            self.send_header("Link", "<" + case["spelled"] + ">")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code="-", size="-"):
        pass


@pytest.fixture(scope="session")
def bctrl_base_url():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def pytest_collection_modifyitems(items):
    # Replay what was recorded, and a few of those that were refused.
    folder = Path(__file__).parent / "recordings" / "test_it"
    items[:] = [item for item in items if RECORDS or (folder / f"{item.name}.har").exists() or item.name[-2] == "0"]


@pytest.fixture
def case(request):
    return CASES[request.node.callspec.params["number"]] if RECORDS else None


@pytest.fixture
def bctrl_api_key(request, case):
    return Secret(case["key"] if case else "no-key")


@pytest.fixture
def bctrl_space_id(request, case):
    return case["space"] if case else request.getfixturevalue("bctrl_recording").space_id
"""

PROJECT = """
import os
from urllib.parse import urlsplit

import pytest


@pytest.mark.bctrl_recording
@pytest.mark.parametrize("number", range(int(os.environ["COUNT"])))
def test_it(bctrl_client, bctrl_recording, bctrl_space_id, case, number):
    place, spelled = (case["place"], case["spelled"]) if case else ("", "")
    query = f"?q={spelled}" if place == "url" else ""
    if bctrl_recording.exchanges:
        query = "?" + urlsplit(bctrl_recording.exchanges[0].url).query
    headers = {"X-Case": str(number), **({"Accept": f"a/{spelled}"} if place == "request header" else {})}
    content = f"k={spelled}" if place == "request body" else ""
    url = f"/v1/spaces/{bctrl_space_id}/runtimes{query}"
    response = bctrl_client.request("GET", url, headers=headers, content=content)
    assert response.json()["runtimes"][0]["spaceId"] == bctrl_space_id
    assert response.json()["runtimes"][0]["metadata"]["near"] == response.json()["runtimes"][0]["id"]
"""


def spelled(text: str, spelling: str) -> str:
    kind, _, before = spelling.partition("-")
    if kind.startswith("base64"):
        code = base64.urlsafe_b64encode if kind == "base64url" else base64.b64encode
        return code(b"x" * int(before) + text.encode() + b"yz").decode()
    return {"plain": text, "url": quote(text, safe=""), "json": json.dumps(text)[1:-1]}.get(
        kind if spelling != "url-plus" else "", quote_plus(text)
    )


def traces(text: str) -> set[bytes]:
    """What would be seen of a text in any spelling, in bytes; of base64 the digits that depend on nothing else."""
    found = {text, quote(text, safe=""), quote_plus(text), json.dumps(text)[1:-1]}
    for before in range(3):
        digits = base64.b64encode(b"x" * before + text.encode() + b"yz").decode()
        known = digits[-(-before * 8 // 6) : (before + len(text.encode())) * 8 // 6]
        found |= {known, known.translate(str.maketrans("+/", "-_"))}
    return {one.encode() for one in found}


# Letter by letter: whole texts would also be taken from the words of the source, which stand in any output.
keys = st.lists(st.sampled_from([chr(code) for code in range(33, 127)]), min_size=14, max_size=50).map("".join)


@st.composite
def cases(draw: st.DrawFn) -> dict[str, Any]:
    identifiers = draw(st.lists(st.uuids(version=4).map(str), min_size=2, max_size=2, unique=True))
    key = draw(keys.filter(lambda key: len(set(key)) > 8))
    case = {"key": key, "space": identifiers[0], "id": identifiers[1], "place": draw(st.sampled_from(PLACES))}
    case["subject"] = draw(st.sampled_from(SUBJECTS))
    case["spelling"] = draw(st.sampled_from(SPELLINGS))
    return case


def generated(count: int) -> list[dict[str, Any]]:
    """So many cases of Hypothesis, for one run."""
    made: list[dict[str, Any]] = []

    @settings(max_examples=count, phases=[Phase.generate], database=None, suppress_health_check=list(HealthCheck))
    @given(cases())
    def collect(case: dict[str, Any]) -> None:
        made.append(case)

    collect()
    return made


def completed(case: dict[str, Any], token: str) -> dict[str, Any]:
    """A case with what is sent in it: the body conforms, whatever stands in it."""
    text = spelled(token if case["subject"] == "token" else case[case["subject"]], case["spelling"])
    (item,) = runtimes(1, space_id=case["space"])
    item["id"] = case["id"]
    item["metadata"] = {"near": case["id"]}
    if case["place"] == "name":
        item["name"] = "HOLE"
    if case["place"].startswith("metadata"):
        item["metadata"] |= {"a HOLE": 1} if case["place"].endswith("key") else {"deep": ["a HOLE"]}
    inner = text if case["spelling"] == "json" else json.dumps(text)[1:-1]
    return {**case, "spelled": text, "body": json.dumps({"runtimes": [item]}).replace("HOLE", inner)}


@pytest.mark.parametrize("run", range(RUNS))
def test_no_key_and_no_identifier_is_in_any_file_or_output(
    pytester: pytest.Pytester,
    replay: Run,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
    run: int,
) -> None:
    made = generated(CASES)
    token = made[0]["key"][::-1] + "~" + made[1]["key"]
    everything = [completed(case, token) for case in made]
    kept = tmp_path_factory.mktemp("cases") / "cases.json"
    kept.write_text(json.dumps(everything), "utf-8")
    pytester.makeini("[pytest]\nbctrl_secrets = $MY_TOKEN\nbctrl_scrub = ids\n")
    pytester.makepyfile(conftest=CONFTEST, test_it=PROJECT)
    for name, value in (("CASES", str(kept)), ("COUNT", str(len(made)))):
        monkeypatch.setenv(name, value)

    recorded = recording(pytester, monkeypatch, token)
    replayed = replay("-rA", "-p", "no:randomly")

    # What leaks was refused, everything else was recorded and is replayed.
    refused = recorded.parseoutcomes()["failed"]
    written = list(pytester.path.rglob("*.har"))
    assert len(made) == len(written) + refused
    assert len(written) == replayed.parseoutcomes()["passed"]
    assert refused > len(made) / 3
    assert len(written) > len(made) / 8
    look_for(everything, token, written_bytes(pytester.path), outputs(recorded, replayed))


def recording(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, token: str) -> pytest.RunResult:
    """Record everything, with all that a run can tell."""
    with monkeypatch.context() as patch:
        patch.setenv("MY_TOKEN", token)
        patch.setenv("RECORDS", "1")
        # The project's own fixtures give these, one for each test.
        patch.setenv("BCTRL_API_KEY", "none-of-them")
        patch.setenv("BCTRL_SPACE_ID", "none-of-them")
        return pytester.runpytest(
            "--bctrl-live", "--bctrl-record-mode=rewrite", "-m", "not bctrl_contract", "-rA", "--showlocals"
        )


def written_bytes(folder: Path) -> bytes:
    """Every byte of every file, and their names."""
    return b"\0".join(str(path).encode() + b"\0" + path.read_bytes() for path in folder.rglob("*") if path.is_file())


def outputs(*results: pytest.RunResult) -> bytes:
    return "\0".join(result.stdout.str() + result.stderr.str() for result in results).encode()


def look_for(everything: list[dict[str, Any]], token: str, files: bytes, output: bytes) -> None:
    """Assert that no trace of a secret is anywhere, and none of an identifier in any file."""
    secret = {trace for text in (token, *(case["key"] for case in everything)) for trace in traces(text)}
    assert [] == [trace for trace in secret if trace in files or trace in output]
    identifiers = {trace for case in everything for name in ("space", "id") for trace in traces(case[name])}
    assert [] == [trace for trace in identifiers if trace in files]
    plain = {case[name].encode() for case in everything for name in ("space", "id")}
    assert not plain & set(re.findall(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", (files + output).lower()))
