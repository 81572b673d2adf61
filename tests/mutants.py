"""Measures how many mutants of checks and drift rules the tests detect, in a random sample.

`python -m tests.mutants [--count N] [--seed S] [--children N] [PATTERN…]`, as `tox -e mutation` does. Testing all
mutants takes hours; a sample estimates the share, with the printed confidence interval. The same seed selects the same
mutants until the code changes. Mutants that survive mutmut are tested again with the slow tests that it ignores.
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
SMALL_PATTERN = "pytest_bctrl.drift.options.*"
MEMORY = 8 << 30
"""The address space of a process in bytes. A mutant that loops can allocate all memory before mutmut's time limit."""

DETECTED = frozenset({"killed", "timeout", "segfault"})
UNDETECTED = frozenset({"survived", "no tests"})


def main() -> int:
    """Print the share of detected mutants and the undetected ones; return 1 if a mutant has no result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("patterns", nargs="*", default=PATTERNS, help="patterns of mutant names (default: %(default)s)")
    parser.add_argument("--count", type=int, default=300, help="mutants per pattern (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=14, help="seed of the sample (default: %(default)s)")
    parser.add_argument("--children", type=int, default=2, help="parallel processes (default: %(default)s)")
    options = parser.parse_args()
    if sys.platform == "win32":
        parser.error("mutmut does not run on Windows")
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    # With any pattern, mutmut generates all mutants and records which tests cover them.
    _mutmut("run", SMALL_PATTERN, "--max-children", str(options.children))
    names = sorted(_results())
    samples = {pattern: _sample(names, pattern, options) for pattern in options.patterns}
    sampled = {name for sample in samples.values() for name in sample}
    _mutmut("run", *sorted(sampled), "--max-children", str(options.children))
    results = _results()
    results |= _results_of_ignored_tests([name for name in sorted(sampled) if results[name] in UNDETECTED])
    for pattern, sample in samples.items():
        total = sum(fnmatchcase(name, pattern) for name in names)
        print(_summary_line(pattern, total, [results[name] for name in sample]))
    for name in sorted(sampled):
        if results[name] not in DETECTED:
            print(f"{results[name]}: {name}")
    print("mutmut show NAME shows a mutant")
    return 0 if {results[name] for name in sampled} <= DETECTED | UNDETECTED else 1


def _mutmut(*arguments: str) -> None:
    """Run mutmut. Raises `CalledProcessError` if it fails."""
    subprocess.run([sys.executable, "-m", "mutmut", *arguments], check=True)


def _results_of_ignored_tests(names: list[str]) -> dict[str, str]:
    """Return "killed" for each mutant that fails a test which mutmut ignores and which passes without mutants."""
    settings = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))["tool"]["mutmut"]
    ignored_tests = [
        option.removeprefix("--ignore=")
        for option in settings["pytest_add_cli_args_test_selection"]
        if "ignore" in option
    ]

    def failing_tests(mutant: str, *arguments: str) -> list[str]:
        """Return the ignored tests that fail with this mutant, or without a mutant if the name is empty."""
        command = [sys.executable, "-m", "pytest", "-q", *settings["pytest_add_cli_args"], *ignored_tests, *arguments]
        environment = {**os.environ, "PYTHONPATH": str(Path("mutants").absolute()), "MUTANT_UNDER_TEST": mutant}
        done = subprocess.run(command, cwd="mutants", env=environment, check=False, capture_output=True, text=True)
        return [line.split()[1] for line in done.stdout.splitlines() if line.startswith(("FAILED ", "ERROR "))]

    deselected = [f"--deselect={test}" for test in failing_tests("")]
    outcomes = {}
    for name in names:
        if tests := failing_tests(name, "-x", *deselected):
            print(f"detected by {tests[0]}: {name}", flush=True)
            outcomes[name] = "killed"
    return outcomes


def _results() -> dict[str, str]:
    """Return the result of each mutant, by name."""
    command = [sys.executable, "-m", "mutmut", "results", "--all", "true"]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return {name.strip(): result.strip() for name, _, result in (line.partition(":") for line in lines)}


def _sample(names: list[str], pattern: str, options: argparse.Namespace) -> list[str]:
    """Return up to `--count` of the names that match a pattern, selected by the seed."""
    matching = [name for name in names if fnmatchcase(name, pattern)]
    return random.Random(options.seed).sample(matching, min(options.count, len(matching)))


def _summary_line(pattern: str, total: int, results: list[str]) -> str:
    """Return a line with the share of detected mutants in a sample of the `total` mutants of a pattern."""
    counts = Counter(results)
    detected, count = sum(counts[outcome] for outcome in DETECTED), len(results)
    low = high = detected / count
    if count < total:
        low, high = _confidence_interval(detected, count)
    share = f"{detected / count:.1%} ({low:.1%} to {high:.1%})"
    return f"{pattern} {detected} of {count} detected, {share}; sample of {total} mutants; {dict(counts)}"


def _confidence_interval(detected: int, count: int) -> tuple[float, float]:
    """Return the Wilson score interval of a share, with a confidence of 95%."""
    z = 1.96
    share, spread = detected / count, z * z / count
    middle, half = share + spread / 2, z * sqrt(share * (1 - share) / count + spread / (4 * count))
    return (middle - half) / (1 + spread), (middle + half) / (1 + spread)


if __name__ == "__main__":
    sys.exit(main())
