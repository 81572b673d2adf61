"""Times commands as whole processes, in turn, so that a machine whose speed drifts is fair to all of them."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median


def in_turn(commands: Mapping[str, Sequence[str]], folder: Path, runs: int) -> dict[str, list[float]]:
    """Run every command once to warm up, then `runs` times in turn; return wall seconds by name.

    A command that fails ends the benchmark: a figure of something broken is worse than none.
    """
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(runs + 1):
        for name, command in commands.items():
            began = time.perf_counter()
            done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
            if done.returncode:
                raise SystemExit(f"{name} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
            if turn:
                seconds[name].append(time.perf_counter() - began)
    return seconds


def ratio(seconds: Mapping[str, list[float]], ours: str, theirs: str) -> str:
    """One line: both medians, and the median of the ratios turn by turn."""
    ratios = [one / other for one, other in zip(seconds[ours], seconds[theirs], strict=True)]
    return (
        f"{ours}: {median(seconds[ours]):.3f} s, {theirs}: {median(seconds[theirs]):.3f} s, "
        f"ratio {median(ratios):.3f} (median of {len(ratios)} turns)"
    )
