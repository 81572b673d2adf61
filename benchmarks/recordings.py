"""How long loading and replaying 10,000 items takes, beside `json.loads` of the same file and, where installed, vcrpy.

`python -m benchmarks.recordings`; fails where it costs more than twice `json.loads`.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from statistics import median

from pytest_bctrl.contract.read import load as load_contract
from pytest_bctrl.recorded.conform import failing, sealed
from pytest_bctrl.samples import SPACE_ID, Samples
from pytest_bctrl.traffic.mock.source import many_items
from pytest_bctrl.traffic.recordings.exchange import Exchange, Recording
from pytest_bctrl.traffic.recordings.har_read import load
from pytest_bctrl.traffic.recordings.har_write import encode
from pytest_bctrl.traffic.recordings.replay import Player

ITEMS = 10_000
TURNS = 15


def in_turn(jobs: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    """The median seconds of each job, all run in turn."""
    seconds: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(TURNS):
        for name, job in jobs.items():
            began = time.perf_counter()
            job()
            seconds[name].append(time.perf_counter() - began)
    return {name: median(taken) for name, taken in seconds.items()}


def main() -> int:
    """Print the figures; return 1 where the bound does not hold."""
    contract = load_contract()
    samples = Samples(contract, contract.operations[0])
    body = many_items(samples, ITEMS, 1, SPACE_ID).payload(0).body
    url = f"http://localhost:8787/v1/spaces/{SPACE_ID}/runtimes"
    exchange = sealed(Exchange("GET", url, 200, (("Content-Type", "application/json"),), body), contract)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "many.har"
        path.write_bytes(encode(Recording((exchange,), "mock")))

        def ours() -> None:
            found = load(path)
            if found is None or failing(found.exchanges[0], contract):
                raise SystemExit("the recording is not what was written")
            answer = Player(found.exchanges, name="many", mend="").answer("GET", url)
            if not isinstance(answer, Exchange) or answer.body != body:
                raise SystemExit("the replayed body is another")

        jobs: dict[str, Callable[[], object]] = {"ours": ours, "json.loads": lambda: json.loads(path.read_bytes())}
        if find_spec("vcr") is not None:
            jobs["vcrpy"] = _vcrpy(Path(folder) / "many.yaml", url, body)
        taken = in_turn(jobs)
    for name, seconds in taken.items():
        print(f"{name:<12}{seconds * 1000:8.1f} ms")
    return int(taken["ours"] > 2 * taken["json.loads"])


def _vcrpy(path: Path, url: str, body: bytes) -> Callable[[], object]:
    from importlib import import_module

    request = import_module("vcr.request").Request("GET", url, b"", {})
    cassettes = import_module("vcr.persisters.filesystem").FilesystemPersister
    serializer = import_module("vcr.serializers.yamlserializer")
    response = {"status": {"code": 200, "message": "OK"}, "headers": {}, "body": {"string": body.decode()}}
    cassettes.save_cassette(path, {"requests": [request], "responses": [response]}, serializer)
    return lambda: cassettes.load_cassette(path, serializer)


if __name__ == "__main__":
    raise SystemExit(main())
