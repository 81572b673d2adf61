"""An API behind a gateway: its base URL has a path, which is recorded and need not be known to replay."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from pytest_bctrl.traffic.recordings.exchange import Exchange, digest
from pytest_bctrl.traffic.recordings.replay import Miss, Player
from tests.recordings.conftest import PROJECT, Run
from tests.recordings.test_record_and_replay import bodies, files
from tests.variants.server import Server

PREFIX = "/gateway/v2"


@pytest.fixture
def gateway(api: Server) -> Iterator[str]:
    """A server that passes on what is asked below its prefix, and knows nothing else; gives its base URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if not self.path.startswith(f"{PREFIX}/"):
                self.send_error(404)
                return
            asked = urllib.request.Request(api.url + self.path.removeprefix(PREFIX), headers=dict(self.headers))
            with urllib.request.urlopen(asked) as answer:
                body = answer.read()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Be silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}{PREFIX}"
        server.shutdown()


def test_what_was_recorded_below_a_path_is_replayed_in_process_and_over_the_port(
    pytester: pytest.Pytester, record: Run, replay: Run, gateway: str
) -> None:
    pytester.makepyfile(test_mine=PROJECT)
    recorded = record("-s", "--bctrl-base-url", gateway)
    recorded.assert_outcomes(passed=4, deselected=36)

    replayed = replay("-s")

    replayed.assert_outcomes(passed=4)
    assert 3 == len(bodies(recorded))
    assert bodies(recorded) == bodies(replayed)
    for data in files(pytester.path).values():
        (entry,) = json.loads(data)["log"]["entries"]
        assert entry["request"]["url"].startswith(f"{gateway}/v1/spaces/")
        assert PREFIX == entry["_bctrlBasePath"]


def test_the_answers_below_a_path_are_held_to_the_contract(
    pytester: pytest.Pytester, record: Run, replay: Run, gateway: str
) -> None:
    pytester.makepyfile(test_mine=PROJECT)
    record("-k", "test_sync", "--bctrl-base-url", gateway).assert_outcomes(passed=1, deselected=39)
    (path,) = pytester.path.rglob("*.har")
    document = json.loads(path.read_bytes())
    content = document["log"]["entries"][0]["response"]["content"]
    content["text"] = '{"runtimes": [{}]}'
    content["_bctrlSha256"] = digest(content["text"].encode())
    path.write_text(json.dumps(document, indent=2) + "\n")

    result = replay("-k", "test_sync")

    result.assert_outcomes(errors=1, deselected=3)
    assert "it breaks the contract" in result.stdout.str()


@pytest.mark.parametrize("asked", ["/v1/a?b=c", f"{PREFIX}/v1/a?b=c", f"https://other.test{PREFIX}/v1/a?b=c"])
def test_a_request_with_and_without_the_base_path_has_the_same_answer(asked: str) -> None:
    exchange = Exchange("GET", f"https://api.example.test{PREFIX}/v1/a?b=c", 200, base_path=PREFIX)

    assert exchange == Player([exchange], name="x", mend="").answer("GET", asked)


@pytest.mark.parametrize("asked", ["/v1/a", "/gateway/v1/a?b=c", f"{PREFIX}{PREFIX}/v1/a?b=c", "//v1/a?b=c"])
def test_another_path_has_no_answer(asked: str) -> None:
    exchange = Exchange("GET", f"https://api.example.test{PREFIX}/v1/a?b=c", 200, base_path=PREFIX)

    assert isinstance(Player([exchange], name="x", mend="").answer("GET", asked), Miss)
