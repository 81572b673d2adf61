"""What validating and observing 10,000 runtimes costs, beside `json.loads` of the same bytes and `jsonschema.validate`.

`python -m benchmarks.validation`. Ours is strict parsing, the verdict on the schema, and everything that is taken down
of the body. Fails where it costs more than twice `json.loads`, or less than ten times less than `jsonschema.validate`
of data that was parsed already, or more than three times as much where one runtime is bad. Processor time is measured,
all jobs in turn, and the ratios are the medians over the turns.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from statistics import median
from typing import Any

import jsonschema

from pytest_bctrl.checks.response import Response
from pytest_bctrl.checks.run import check_response, check_undocumented
from pytest_bctrl.checks.schema import check_schema
from pytest_bctrl.contract.read import load
from pytest_bctrl.samples import SPACE_ID, Samples
from pytest_bctrl.traffic.mock.scenarios import many

ITEMS = 10_000
TURNS = 15
PARSING = "json.loads"
OURS = "validated and observed"
ONE_BAD = "the same, one item bad"
PEER = "jsonschema.validate"
ALL = "all checks, for comparison"


def in_turn(jobs: Mapping[str, Callable[[], object]], turns: int) -> dict[str, list[float]]:
    """The processor seconds of each job, by turn; a first turn warms up and does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in jobs}
    for turn in range(turns + 1):
        for name, job in jobs.items():
            began = time.process_time()
            job()
            if turn:
                seconds[name].append(time.process_time() - began)
    return seconds


def main() -> int:
    """Print the figures; return 1 where a bound does not hold."""
    contract = load()
    operation = contract.operations[0]
    source = many(Samples(contract, operation), SPACE_ID, ITEMS, 1).source
    assert source is not None
    body = source.payload(0).body
    bad = json.loads(body)
    bad["runtimes"][ITEMS // 2]["status"] = "archived"
    broken = json.dumps(bad).encode()
    body_schema: Any = operation.responses["200"].content["application/json"]
    schema = {**body_schema, "components": contract.document["components"]}
    data = json.loads(body)

    def response(raw: bytes) -> Response:
        headers = (("Content-Type", "application/json"),)
        return Response(contract, operation, 200, headers, raw, {"id": SPACE_ID})

    def ours(raw: bytes, wanted: int) -> None:
        made = response(raw)
        if len(list(check_schema(made))) != wanted or check_undocumented(made):
            raise SystemExit("the verdict is not the right one")

    taken = in_turn(
        {
            PARSING: lambda: json.loads(body),
            OURS: lambda: ours(body, 0),
            ONE_BAD: lambda: ours(broken, 1),
            ALL: lambda: check_response(response(body)),
        },
        TURNS,
    )
    taken |= in_turn({PEER: lambda: jsonschema.validate(data, schema, format_checker=jsonschema.FormatChecker())}, 1)
    for name, seconds in taken.items():
        print(f"{name:<28}{median(seconds) * 1000:9.1f} ms")
    ratios = (
        (OURS, PARSING, _ratio(taken, OURS, PARSING), 2.0),
        (ONE_BAD, OURS, _ratio(taken, ONE_BAD, OURS), 3.0),
        (OURS, PEER, median(taken[OURS]) / median(taken[PEER]), 0.1),
    )
    for one, other, ratio, bound in ratios:
        print(f"{one} / {other}: {ratio:.3f}, at most {bound:g}{'' if ratio <= bound else ': NOT KEPT'}")
    return int(any(ratio > bound for _, _, ratio, bound in ratios))


def _ratio(taken: Mapping[str, list[float]], one: str, other: str) -> float:
    return median(first / second for first, second in zip(taken[one], taken[other], strict=True))


if __name__ == "__main__":
    raise SystemExit(main())
