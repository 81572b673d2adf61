"""Searches for examples that violate a property: `python -m tests.search [--seeds N] [--more M] [PYTEST OPTION …]`.

Each seed determines the examples, the order of the tests and the hash seed of Python. Pin each failing example in its
test with `@example`.
"""

from __future__ import annotations

import argparse
import os
import secrets
import subprocess
import sys

COMMAND = (
    sys.executable,
    "-m",
    "pytest",
    "-n",
    "2",
    "--dist",
    "worksteal",
    "-m",
    "hypothesis",
    "--ignore",
    "tests/browser",
)
PROFILE = ("--hypothesis-profile=search", "-p", "no:cacheprovider", "-q")


def main() -> int:
    """Run the property-based tests once per seed, and return 1 if any of them failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10, help="number of random seeds (default: %(default)s)")
    parser.add_argument("--seed", type=int, action="append", help="use this seed instead; repeatable")
    parser.add_argument(
        "--more",
        type=int,
        default=2,
        help="factor by which the number of examples is multiplied (default: %(default)s)",
    )
    options, arguments = parser.parse_known_args()
    failed = []
    seeds = options.seed or [secrets.randbelow(2**32 - 1) + 1 for _ in range(options.seeds)]
    for number, seed in enumerate(seeds, 1):
        print(f"seed {seed}, {number} of {len(seeds)}", flush=True)
        command = [*COMMAND, *PROFILE, f"--hypothesis-seed={seed}", f"--randomly-seed={seed}", *arguments]
        environment = {**os.environ, "PYTHONHASHSEED": str(seed), "TIMES_EXAMPLES": str(options.more)}
        if subprocess.run(command, env=environment, check=False).returncode != 0:
            failed.append(seed)
    for seed in failed:
        print(f"failed; to repeat it: tox -e random -- --seed {seed} --more {options.more}")
    print(f"{len(seeds) - len(failed)} of {len(seeds)} seeds passed")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
