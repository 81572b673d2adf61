"""Times commands as complete processes in alternating rounds, so that a slow minute affects all of them."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median


def time_commands(commands: Mapping[str, Sequence[str]], folder: Path, rounds: int) -> dict[str, list[float]]:
    """Run every command once to warm up, then all of them once per round, and return their wall seconds by name.

    Raises `SystemExit` if a command fails, because its time would be meaningless.
    """
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for round_number in range(rounds + 1):
        for name, command in commands.items():
            start = time.perf_counter()
            done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
            if done.returncode:
                raise SystemExit(f"{name} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
            if round_number:
                seconds[name].append(time.perf_counter() - start)
    return seconds


def ratio_line(seconds: Mapping[str, list[float]], name: str, reference: str) -> str:
    """Return a line with the median times of two commands, and the median of their ratios per round."""
    pairs = zip(seconds[name], seconds[reference], strict=True)
    ratios = [command_seconds / reference_seconds for command_seconds, reference_seconds in pairs]
    return (
        f"{name}: {median(seconds[name]):.3f} s, {reference}: {median(seconds[reference]):.3f} s, "
        f"ratio {median(ratios):.3f} (median of {len(ratios)} rounds)"
    )
