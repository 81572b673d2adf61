"""Prints how long loading and replaying a recording takes, as ratios to `json.loads` of the same file.

`python -m benchmarks.recordings [--items N] [--rounds N]` also measures the installed peers, which check nothing.
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

from benchmarks.recordings.jobs import CONTRACT, JOBS, fetch_list
from pytest_bctrl.traffic.mock import MockServer

OURS = "pytest-bctrl"
PARSING = "json.loads of our file"


def main() -> int:
    """Measure and print the figures; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--items",
        type=int,
        nargs="+",
        default=[10_000, 2_000],
        help="items of the recorded list (default: %(default)s)",
    )
    parser.add_argument(
        "--rounds", type=int, default=5, help="processes per job, in alternating rounds (default: %(default)s)"
    )
    parser.add_argument("--job", nargs=3, metavar=("NAME", "FILE", "URL"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.job:
        return _run_job(*options.job)
    for items in options.items:
        _measure(items, options.rounds)
    return 0


def _measure(items: int, rounds: int) -> None:
    """Print the figures for a list of `items` items."""
    with tempfile.TemporaryDirectory() as folder:
        files, url = _write_files(Path(folder), items)
        times, missing = _time_jobs(files, url, rounds)
    print(f"\n{items} items, loaded and replayed; medians of {rounds} alternating processes each")
    for name, seconds in times.items():
        pairs = zip(seconds, times[PARSING], strict=True)
        ratios = [job_seconds / parsing_seconds for job_seconds, parsing_seconds in pairs]
        print(f"{name:<42}{median(seconds) * 1000:8.1f} ms   {median(ratios):6.2f} x json.loads")
    for line in missing:
        print(f"not measured: {line}")


def _write_files(folder: Path, items: int) -> tuple[dict[str, Path], str]:
    """Record the same list in every format from one server, and return the file of each job and the URL of the list."""
    files = {}
    with MockServer(CONTRACT) as server:
        server.scenario("many", count=items, seed=1)
        response = fetch_list(server)
        for number, (name, job) in enumerate(JOBS.items()):
            if not job.package or find_spec(job.package):
                files[name] = folder / f"{number}{job.suffix}"
                job.write(files[name], response)
    if JOBS[OURS].replay(files[OURS], response.url) != response.body:
        raise SystemExit("the replayed body differs from the recorded one")
    return files, response.url


def _time_jobs(files: Mapping[str, Path], url: str, rounds: int) -> tuple[dict[str, list[float]], list[str]]:
    """Return the seconds of each job per round, and a line per job that could not be measured.

    Each job runs in its own process, because memory that one job has freed would make the next one faster.
    """
    seconds: dict[str, list[float]] = {name: [] for name in files}
    missing = [f"{name}: pip install {name}" for name in JOBS if name not in files]
    for _ in range(rounds):
        for name, path in files.items():
            command = [sys.executable, "-m", "benchmarks.recordings", "--job", name, str(path), url]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                if not JOBS[name].package:
                    raise SystemExit(done.stderr)
                missing.append(f"{name}: it cannot load the file that it wrote: {_error_line(done.stderr)}")
            else:
                seconds[name].append(float(done.stdout))
    return {name: values for name, values in seconds.items() if values}, list(dict.fromkeys(missing))


def _error_line(stderr: str) -> str:
    """Return the line of a traceback that contains the exception; the last line without one."""
    lines = [line for line in stderr.splitlines() if line[:1].isalpha() and "Error" in line.partition(":")[0]]
    return (lines or stderr.splitlines() or [""])[-1][:160]


def _run_job(name: str, file: str, url: str) -> int:
    """Print the median seconds of a job."""
    seconds = []
    for _ in range(JOBS[name].times + 1):
        start = time.perf_counter()
        JOBS[name].replay(Path(file), url)
        seconds.append(time.perf_counter() - start)
    # The first time includes imports.
    print(median(seconds[1:]))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
