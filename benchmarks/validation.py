"""Measures validating and observing 10,000 runtimes against `json.loads` of the same bytes and `jsonschema.validate`.

`python -m benchmarks.validation`. The measured job parses the body strictly, validates it against the schema and
records the observations of the body. The exit code is 1 if it takes more than twice as long as `json.loads`, more than
a tenth of `jsonschema.validate` of parsed data, or more than three times as long when one runtime is invalid. The jobs
alternate; the figures are processor time, and each ratio is the median of all rounds.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from statistics import median
from typing import Any

import jsonschema

from pytest_bctrl.checks.response import Response
from pytest_bctrl.checks.run import check_response
from pytest_bctrl.checks.schema import check_schema
from pytest_bctrl.contract.read import load
from pytest_bctrl.samples import SPACE_ID, Samples
from pytest_bctrl.traffic.mock.scenarios import many

ITEMS = 10_000
ROUNDS = 15
PARSING = "json.loads"
OURS = "validated and observed"
ONE_INVALID = "the same, one invalid item"
PEER = "jsonschema.validate"
ALL = "all checks, for comparison"


def time_jobs(jobs: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Run every job once to warm up, then all of them once per round, and return their processor seconds by name."""
    seconds: dict[str, list[float]] = {name: [] for name in jobs}
    for round_number in range(rounds + 1):
        for name, job in jobs.items():
            start = time.process_time()
            job()
            if round_number:
                seconds[name].append(time.process_time() - start)
    return seconds


def main() -> int:
    """Print the figures, and return 1 if a ratio exceeds its bound."""
    contract = load()
    operation = contract.operations[0]
    source = many(Samples(contract, operation), SPACE_ID, ITEMS, 1).source
    assert source is not None
    body = source.payload(0).body
    invalid_data = json.loads(body)
    invalid_data["runtimes"][ITEMS // 2]["status"] = "archived"
    invalid_body = json.dumps(invalid_data).encode()
    body_schema: Any = operation.responses["200"].content["application/json"]
    schema = {**body_schema, "components": contract.document["components"]}
    data = json.loads(body)

    def response(raw: bytes) -> Response:
        headers = (("Content-Type", "application/json"),)
        return Response(contract, operation, 200, headers, raw, {"id": SPACE_ID})

    def validate_and_observe(raw: bytes, expected_violations: int) -> None:
        checked = response(raw)
        if len(list(check_schema(checked))) != expected_violations or check_response(checked, aspects=["undocumented"]):
            raise SystemExit(f"the checks should find {expected_violations} violations")

    times = time_jobs(
        {
            PARSING: lambda: json.loads(body),
            OURS: lambda: validate_and_observe(body, 0),
            ONE_INVALID: lambda: validate_and_observe(invalid_body, 1),
            ALL: lambda: check_response(response(body)),
        },
        ROUNDS,
    )
    times |= time_jobs({PEER: lambda: jsonschema.validate(data, schema, format_checker=jsonschema.FormatChecker())}, 1)
    for name, seconds in times.items():
        print(f"{name:<28}{median(seconds) * 1000:9.1f} ms")
    ratios = (
        (OURS, PARSING, _ratio(times, OURS, PARSING), 2.0),
        (ONE_INVALID, OURS, _ratio(times, ONE_INVALID, OURS), 3.0),
        (OURS, PEER, median(times[OURS]) / median(times[PEER]), 0.1),
    )
    for job, reference, ratio, bound in ratios:
        print(f"{job} / {reference}: {ratio:.3f}, at most {bound:g}{'' if ratio <= bound else ': EXCEEDED'}")
    return int(any(ratio > bound for _, _, ratio, bound in ratios))


def _ratio(times: Mapping[str, list[float]], name: str, reference: str) -> float:
    """Return the median of the ratios of two jobs per round."""
    pairs = zip(times[name], times[reference], strict=True)
    return median(seconds / reference_seconds for seconds, reference_seconds in pairs)


if __name__ == "__main__":
    raise SystemExit(main())
