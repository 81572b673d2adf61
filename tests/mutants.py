"""Measures how many mutants of checks and drift rules the tests detect, in a random sample.

`python -m tests.mutants [--count N] [--seed S] [--children N] [PATTERN…]`, as `tox -e mutation` does. All of them
take hours; a sample gives the same result within the printed bounds. The same seed draws the same mutants as
long as the code stays. What mutmut does not find is tried once more, with the tests that it leaves out for their time.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tomllib
from collections import Counter
from fnmatch import fnmatchcase
from math import sqrt
from pathlib import Path

PATTERNS = ["pytest_bctrl.checks.*", "pytest_bctrl.drift.*"]
FEW = "pytest_bctrl.drift.options.*"
DETECTED = frozenset({"killed", "timeout", "segfault"})
UNDETECTED = frozenset({"survived", "no tests"})


def main() -> int:
    """Measure and print; return 1 if a mutant has no result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("patterns", nargs="*", default=PATTERNS, help="names of mutants (default: %(default)s)")
    parser.add_argument("--count", type=int, default=300, help="mutants for each pattern (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=14, help="what draws them (default: %(default)s)")
    parser.add_argument("--children", type=int, default=2, help="processes at a time (default: %(default)s)")
    options = parser.parse_args()
    # Asked for a few, mutmut makes all of them, and finds out which tests reach which.
    _mutmut("run", FEW, "--max-children", str(options.children))
    names = sorted(_results())
    drawn = {pattern: _sample(names, pattern, options) for pattern in options.patterns}
    sampled = {name for sample in drawn.values() for name in sample}
    _mutmut("run", *sorted(sampled), "--max-children", str(options.children))
    results = _results()
    results |= _retried([name for name in sorted(sampled) if results[name] in UNDETECTED])
    for pattern, sample in drawn.items():
        print(_summary(pattern, sum(fnmatchcase(name, pattern) for name in names), [results[name] for name in sample]))
    for name in sorted(sampled):
        if results[name] not in DETECTED:
            print(f"{results[name]}: {name}")
    print("what one changes: mutmut show NAME")
    return 0 if {results[name] for name in sampled} <= DETECTED | UNDETECTED else 1


def _mutmut(*arguments: str) -> None:
    """Run mutmut. Raises `CalledProcessError` if it fails."""
    subprocess.run([sys.executable, "-m", "mutmut", *arguments], check=True)


def _retried(names: list[str]) -> dict[str, str]:
    """Return `killed` for each mutant with which a test fails that mutmut omits and that passes without it."""
    settings = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))["tool"]["mutmut"]
    left_out = [
        option.removeprefix("--ignore=")
        for option in settings["pytest_add_cli_args_test_selection"]
        if "ignore" in option
    ]

    def failed(mutant: str, *arguments: str) -> list[str]:
        """Return the tests that fail with a mutant; without a mutant if the name is empty."""
        command = [sys.executable, "-m", "pytest", "-q", *settings["pytest_add_cli_args"], *left_out, *arguments]
        environment = {**os.environ, "PYTHONPATH": str(Path("mutants").absolute()), "MUTANT_UNDER_TEST": mutant}
        done = subprocess.run(command, cwd="mutants", env=environment, check=False, capture_output=True, text=True)
        return [line.split()[1] for line in done.stdout.splitlines() if line.startswith(("FAILED ", "ERROR "))]

    anyway = [f"--deselect={test}" for test in failed("")]
    outcomes = {}
    for name in names:
        if tests := failed(name, "-x", *anyway):
            print(f"found by {tests[0]}: {name}", flush=True)
            outcomes[name] = "killed"
    return outcomes


def _results() -> dict[str, str]:
    """Return the result of each mutant, by name."""
    command = [sys.executable, "-m", "mutmut", "results", "--all", "true"]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return {name.strip(): result.strip() for name, _, result in (line.partition(":") for line in lines)}


def _sample(names: list[str], pattern: str, options: argparse.Namespace) -> list[str]:
    """Return random mutants that match a pattern: `options.count`, or all if there are fewer."""
    fitting = [name for name in names if fnmatchcase(name, pattern)]
    return random.Random(options.seed).sample(fitting, min(options.count, len(fitting)))


def _summary(pattern: str, total: int, results: list[str]) -> str:
    """Return a line with the share of detected mutants in a sample of `total`, and its bounds."""
    counts = Counter(results)
    detected, count = sum(counts[outcome] for outcome in DETECTED), len(results)
    low, high = _bounds(detected, count) if count < total else (detected / count, detected / count)
    share = f"{detected} of {count} found, {detected / count:.1%} ({low:.1%} to {high:.1%})"
    return f"{pattern} {share}; {total} there are; {dict(counts)}"


def _bounds(detected: int, count: int) -> tuple[float, float]:
    """Return the Wilson score interval of a share, with a confidence of 95%."""
    z = 1.96
    share, spread = detected / count, z * z / count
    middle, half = share + spread / 2, z * sqrt(share * (1 - share) / count + spread / (4 * count))
    return (middle - half) / (1 + spread), (middle + half) / (1 + spread)


if __name__ == "__main__":
    sys.exit(main())
