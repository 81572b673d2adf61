"""Prints what loading and replaying costs, as ratios to `json.loads` of the same file, and peers in the same run.

`python -m benchmarks.recordings [--items N] [--rounds N]`; peers are measured where they are installed. Exit code 1
where it costs more than twice `json.loads`, or no less than a peer.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from statistics import median

from benchmarks.recordings.jobs import CONTRACT, JOBS, source
from pytest_bctrl.traffic.mock import MockServer

OURS = "pytest-bctrl"
PARSED = "json.loads of our file"
CHECKED = "pytest-bctrl, with the contract's check"


def main() -> int:
    """Measure, print, and return 1 where a bound does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--items",
        type=int,
        nargs="+",
        default=[10_000, 2_000],
        help="items of the recorded list (default: %(default)s)",
    )
    parser.add_argument("--rounds", type=int, default=5, help="processes of each job, in turn (default: %(default)s)")
    parser.add_argument("--job", nargs=3, metavar=("NAME", "FILE", "URL"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.job:
        return _one(*options.job)
    return max(_measured(items, options.rounds) for items in options.items)


def _measured(items: int, rounds: int) -> int:
    with tempfile.TemporaryDirectory() as folder:
        files, url = _written(Path(folder), items)
        taken, missing = _in_turn(files, url, rounds)
    print(f"\n{items} items, loaded and replayed; medians of {rounds} processes each, in turn")
    for name, seconds in taken.items():
        ratios = [one / other for one, other in zip(seconds, taken[PARSED], strict=True)]
        print(f"{name:<42}{median(seconds) * 1000:8.1f} ms   {median(ratios):6.2f} x json.loads")
    for line in missing:
        print(f"not measured: {line}")
    return _verdict(taken)


def _written(folder: Path, items: int) -> tuple[dict[str, Path], str]:
    """Record the same list in every format, from one server, which is gone when this returns."""
    files = {}
    with MockServer(CONTRACT) as server:
        server.scenario("many", count=items, seed=1)
        given = source(server)
        for number, (name, job) in enumerate(JOBS.items()):
            if not job.package or find_spec(job.package):
                files[name] = folder / f"{number}{job.suffix}"
                job.write(files[name], given)
    if JOBS[OURS].replay(files[OURS], given.url) != given.body:
        raise SystemExit("the replayed body is another")
    return files, given.url


def _in_turn(files: Mapping[str, Path], url: str, rounds: int) -> tuple[dict[str, list[float]], list[str]]:
    """Time each job in processes of its own: what one leaves in memory decides how fast the next one gets any."""
    seconds: dict[str, list[float]] = {name: [] for name in files}
    missing = [f"{name}: pip install {name}" for name in JOBS if name not in files]
    for _ in range(rounds):
        for name, path in files.items():
            command = [sys.executable, "-m", "benchmarks.recordings", "--job", name, str(path), url]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                if not JOBS[name].package:
                    raise SystemExit(done.stderr)
                missing.append(f"{name}: it fails to load what it wrote: {_raised(done.stderr)}")
            else:
                seconds[name].append(float(done.stdout))
    return {name: taken for name, taken in seconds.items() if taken}, list(dict.fromkeys(missing))


def _raised(stderr: str) -> str:
    """The line of a traceback that names what was raised."""
    lines = [line for line in stderr.splitlines() if line[:1].isalpha() and "Error" in line.partition(":")[0]]
    return (lines or stderr.splitlines() or [""])[-1][:160]


def _one(name: str, file: str, url: str) -> int:
    """Print the median seconds of one job."""
    taken = []
    for _ in range(JOBS[name].times + 1):
        began = time.perf_counter()
        JOBS[name].replay(Path(file), url)
        taken.append(time.perf_counter() - began)
    # The first one pays the imports.
    print(median(taken[1:]))
    return 0


def _verdict(taken: Mapping[str, list[float]]) -> int:
    ours, parsed = median(taken[OURS]), median(taken[PARSED])
    print(f"what the contract's check adds to the first run: {(median(taken[CHECKED]) - ours) * 1000:.0f} ms")
    slower = [name for name in taken if JOBS[name].package and median(taken[name]) <= ours]
    if ours > 2 * parsed:
        slower.append("twice json.loads")
    for name in slower:
        print(f"too slow: {OURS} takes longer than {name}")
    return int(bool(slower))


if __name__ == "__main__":
    raise SystemExit(main())
