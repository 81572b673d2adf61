"""`pytest --bctrl-mock` against `schemathesis run` in two expert configurations, on the same server.

`python -m benchmarks.suite [--runs N]`. Both peers get the merged contract, which a user of the published document
would have to write by hand, and the key. One has the space id written into its configuration, so that it sees a 200
and nothing else; the other generates ids, so that it sees refusals and no 200. Ours sees both.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.turns import in_turn, ratio
from pytest_bctrl.contract.files import packaged
from pytest_bctrl.contract.read import load
from pytest_bctrl.traffic.mock import MockServer


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10, help="turns that count (default: %(default)s)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, MockServer(load()) as server:
        folder = Path(name)
        (folder / "one-id.toml").write_text(_configuration(server, f'[parameters]\n"path.id" = "{server.space_id}"\n'))
        (folder / "any-id.toml").write_text(_configuration(server, ""))
        schemathesis = str(Path(sys.executable).with_name("schemathesis"))
        merged = str(packaged().merged)
        seconds = in_turn(
            {
                "pytest --bctrl-mock": [sys.executable, "-m", "pytest", "-q", "--bctrl-mock"],
                "schemathesis run, one id": [schemathesis, "--config-file", "one-id.toml", "run", merged],
                "schemathesis run, any id": [schemathesis, "--config-file", "any-id.toml", "run", merged],
            },
            folder,
            options.runs,
        )
    for peer in ("schemathesis run, any id", "schemathesis run, one id"):
        print(ratio(seconds, "pytest --bctrl-mock", peer))


def _configuration(server: MockServer, parameters: str) -> str:
    authorization = f"Bearer {server.api_key.reveal()}"
    return f'base-url = "{server.url}"\nheaders = {{ Authorization = "{authorization}" }}\n{parameters}'


if __name__ == "__main__":
    main()
