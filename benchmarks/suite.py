"""Measures `pytest --bctrl-mock` against `schemathesis run` in three expert configurations, on the same server.

`python -m benchmarks.suite [--runs N]`. Every peer gets the key and the merged contract, which a user of the published
document would have to write. The configurations differ in the id that they send in the path, and so in the responses
that they receive:

- ids from a dictionary and generated ones, half and half: lists and errors, like the contract suite;
- generated ids: errors, and no list;
- one id in the configuration: the fewest requests, few lists, and no error for another space.

The responses to each configuration are printed with the ratios, because a run with fewer kinds of responses tests less.

Further ratios of live runs:

- on loopback against one empty test: the cost of the suite;
- on loopback against one test that imports the same libraries and sends as many requests: the part of it that is due
  to this package;
- over a link with a delay against `schemathesis run` with one id: the cost of a distant target.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from benchmarks.link import delayed
from benchmarks.timing import ratio_line, time_commands
from pytest_bctrl.contract.files import packaged
from pytest_bctrl.contract.read import load
from pytest_bctrl.traffic.mock import MockServer

OURS = "pytest --bctrl-mock"
EMPTY = "pytest with one empty test"
REQUESTS = "pytest with one test that imports the libraries and sends the requests"
_REQUESTS_TEST = """
def test_only_requests():
    import httpx, jsonschema, schemathesis
    schemathesis.openapi.from_path("{merged}")
    with httpx.Client(base_url="{url}", headers={{"Authorization": "Bearer {key}"}}) as client:
        for _ in range({count}):
            client.get("/v1/spaces/{space}/runtimes")
"""
DELAY = 0.04
LIVE = "pytest --bctrl-live on loopback"
DELAYED = f"pytest --bctrl-live over a link of {DELAY:g} s each way"
DELAYED_PEER = "schemathesis run, one id, over the same link"


def main() -> None:
    """Measure the runs, and print their requests, responses and ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10, help="measured rounds (default: %(default)s)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as path, MockServer(load()) as server:
        folder = Path(path)
        one_id = f'[parameters]\n"path.id" = "{server.space_id}"\n'
        dictionary = (
            f'[dictionaries.spaces]\nvalues = ["{server.space_id}"]\n'
            '[parameters]\n"path.id" = { dictionary = "spaces", probability = 0.5 }\n'
        )
        peers = {"ids from a dictionary and generated ones": dictionary, "generated ids": "", "one id": one_id}
        schemathesis = str(Path(sys.executable).with_name("schemathesis"))
        merged = str(packaged().merged)
        commands = {OURS: [sys.executable, "-m", "pytest", "-q", "--bctrl-mock"]}
        for number, (peer, parameters) in enumerate(peers.items()):
            (folder / f"{number}.toml").write_text(_configuration(server, server.url, parameters))
            command = [schemathesis, "--config-file", f"{number}.toml", "run", merged]
            commands[f"schemathesis run, {peer}"] = command
            print(f"schemathesis run, {peer}: {_responses(server, command, folder)}")
        live = ["env", f"BCTRL_API_KEY={server.api_key}", *commands[OURS][:-1], "--bctrl-live"]
        live += [f"--bctrl-space-id={server.space_id}"]
        commands[LIVE] = [*live, f"--bctrl-base-url={server.url}"]
        before = len(server.requests)
        subprocess.run(commands[LIVE], cwd=folder, capture_output=True, check=True)
        requests_test = _REQUESTS_TEST.format(
            url=server.url,
            key=server.api_key,
            space=server.space_id,
            merged=merged,
            count=len(server.requests) - before,
        )
        for name, text in ((EMPTY, "def test_nothing():\n    pass\n"), (REQUESTS, requests_test)):
            file = folder / f"test_{len(commands)}.py"
            file.write_text(text)
            commands[name] = [sys.executable, "-m", "pytest", "-q", file.name]
        seconds = time_commands(commands, folder, options.runs)
        with delayed(int(server.url.rpartition(":")[2]), DELAY) as port:
            url = f"http://127.0.0.1:{port}"
            (folder / "delayed.toml").write_text(_configuration(server, url, one_id))
            delayed_commands = {
                DELAYED: [*live, f"--bctrl-base-url={url}"],
                DELAYED_PEER: [schemathesis, "--config-file", "delayed.toml", "run", merged],
            }
            seconds |= time_commands(delayed_commands, folder, options.runs)
    for peer in list(commands)[1:]:
        print(ratio_line(seconds, LIVE if peer in (EMPTY, REQUESTS) else OURS, peer))
    print(ratio_line(seconds, REQUESTS, EMPTY))
    print(ratio_line(seconds, DELAYED, DELAYED_PEER))


def _responses(server: MockServer, command: list[str], folder: Path) -> str:
    """Run a peer once, and return how many requests it sent and how many responses of each status it received."""
    before = len(server.requests)
    subprocess.run(command, cwd=folder, capture_output=True, check=True)
    statuses = Counter(request.status for request in server.requests[before:])
    counts = ", ".join(f"{status} {count} times" for status, count in sorted(statuses.items()))
    return f"{sum(statuses.values())} requests, responses {counts}"


def _configuration(server: MockServer, url: str, parameters: str) -> str:
    """Return a configuration of Schemathesis with the base URL, the key and the parameters."""
    authorization = f"Bearer {server.api_key}"
    return f'base-url = "{url}"\nheaders = {{ Authorization = "{authorization}" }}\n{parameters}'


if __name__ == "__main__":
    main()
