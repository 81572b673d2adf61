"""`pytest --bctrl-mock` against `schemathesis run` in three expert configurations, on the same server.

`python -m benchmarks.suite [--runs N]`. All peers get the merged contract, which a user of the published document
would have to write by hand, and the key. What they make of the id in the path differs, and so does what they see:

- listed and generated ids, half and half (a dictionary): listings and refusals, as ours does;
- generated ids: refusals, and no listing;
- one id written into the configuration: the fewest requests, hardly a listing among them, no refusal of another space.

What each was answered is printed with the ratios: a run that sees less is no faster at the same work.

A live run on loopback against a run of one empty test says what the suite costs, and against a run of one test that
imports the same libraries and sends the same number of requests, what of that is ours; and ours against one id, over a
link that delays each way, what the distance of a live target costs.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from benchmarks.link import delayed
from benchmarks.turns import in_turn, ratio
from pytest_bctrl.contract.files import packaged
from pytest_bctrl.contract.read import load
from pytest_bctrl.traffic.mock import MockServer

OURS = "pytest --bctrl-mock"
EMPTY = "pytest with one empty test"
BARE = "pytest with one test that imports the libraries and sends the requests"
_BARE = """
def test_nothing_but_requests():
    import httpx, jsonschema, schemathesis
    schemathesis.openapi.from_path("{merged}")
    with httpx.Client(base_url="{url}", headers={{"Authorization": "Bearer {key}"}}) as client:
        for _ in range({count}):
            client.get("/v1/spaces/{space}/runtimes")
"""
DELAY = 0.04
NEAR = "pytest --bctrl-live on loopback"
LIVE = f"pytest --bctrl-live over a link of {DELAY:g} s each way"
FAR = "schemathesis run, one id, over the same link"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10, help="turns that count (default: %(default)s)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as path, MockServer(load()) as server:
        folder = Path(path)
        known = f'[parameters]\n"path.id" = "{server.space_id}"\n'
        listed = (
            f'[dictionaries.spaces]\nvalues = ["{server.space_id}"]\n'
            '[parameters]\n"path.id" = { dictionary = "spaces", probability = 0.5 }\n'
        )
        peers = {"listed and generated ids": listed, "generated ids": "", "one id": known}
        schemathesis = str(Path(sys.executable).with_name("schemathesis"))
        merged = str(packaged().merged)
        commands = {OURS: [sys.executable, "-m", "pytest", "-q", "--bctrl-mock"]}
        for number, (peer, parameters) in enumerate(peers.items()):
            (folder / f"{number}.toml").write_text(_configuration(server, server.url, parameters))
            command = [schemathesis, "--config-file", f"{number}.toml", "run", merged]
            commands[f"schemathesis run, {peer}"] = command
            print(f"schemathesis run, {peer}: {_answered(server, command, folder)}")
        live = ["env", f"BCTRL_API_KEY={server.api_key.reveal()}", *commands[OURS][:-1], "--bctrl-live"]
        live += [f"--bctrl-space-id={server.space_id}"]
        commands[NEAR] = [*live, f"--bctrl-base-url={server.url}"]
        before = len(server.requests)
        subprocess.run(commands[NEAR], cwd=folder, capture_output=True, check=True)
        given = {"url": server.url, "key": server.api_key.reveal(), "space": server.space_id, "merged": merged}
        bare = _BARE.format(**given, count=len(server.requests) - before)
        for name, text in ((EMPTY, "def test_nothing():\n    pass\n"), (BARE, bare)):
            file = folder / f"test_{len(commands)}.py"
            file.write_text(text)
            commands[name] = [sys.executable, "-m", "pytest", "-q", file.name]
        seconds = in_turn(commands, folder, options.runs)
        with delayed(int(server.url.rpartition(":")[2]), DELAY) as port:
            url = f"http://127.0.0.1:{port}"
            (folder / "far.toml").write_text(_configuration(server, url, known))
            far = {
                LIVE: [*live, f"--bctrl-base-url={url}"],
                FAR: [schemathesis, "--config-file", "far.toml", "run", merged],
            }
            seconds |= in_turn(far, folder, options.runs)
    for peer in list(commands)[1:]:
        print(ratio(seconds, NEAR if peer in (EMPTY, BARE) else OURS, peer))
    print(ratio(seconds, BARE, EMPTY))
    print(ratio(seconds, LIVE, FAR))


def _answered(server: MockServer, command: list[str], folder: Path) -> str:
    """Run a peer once; say how many requests it sent, and how often it was answered with what."""
    before = len(server.requests)
    subprocess.run(command, cwd=folder, capture_output=True, check=True)
    statuses = Counter(request.status for request in server.requests[before:])
    told = ", ".join(f"{status} {count} times" for status, count in sorted(statuses.items()))
    return f"{sum(statuses.values())} requests, answered {told}"


def _configuration(server: MockServer, url: str, parameters: str) -> str:
    authorization = f"Bearer {server.api_key.reveal()}"
    return f'base-url = "{url}"\nheaders = {{ Authorization = "{authorization}" }}\n{parameters}'


if __name__ == "__main__":
    main()
