"""Measures `--bctrl-impact` on fifty tests: the time per test and change beyond five ordinary runs (bound: 6 ms).

Prints wall time and processor time. Other processes of a busy machine only extend the former.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

_TESTS = """
import pytest

FIELDS = ("id", "name", "status", "region", "createdAt")


def runtimes(client, space_id):
    response = client.get(f"/v1/spaces/{space_id}/runtimes")
    response.raise_for_status()
    return response.json()["runtimes"]


@pytest.mark.parametrize("number", range(50))
def test_field(bctrl_client, bctrl_space_id, number):
    field = FIELDS[number % len(FIELDS)]
    assert all(isinstance(runtime[field], str) for runtime in runtimes(bctrl_client, bctrl_space_id))
"""
_CHANGES, _COUNT = 316, 50
_TURNS = 2


class Seconds(NamedTuple):
    """The wall time and the processor time of a command, including its threads and children."""

    wall: float
    processor: float


def main() -> None:
    """Print both times of both runs, and the milliseconds per test and change."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "test_fields.py").write_text(_TESTS, "utf-8")
        Path(folder, "pytest.ini").write_text("[pytest]\n", "utf-8")
        plain = [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "-p", "no:cacheprovider"]
        impact_code = (
            f"import pytest, sys; sys.exit(pytest.main({[*plain[3:], '--bctrl-impact=mutants']}) not in (0, 1))"
        )
        _measure(plain, Path(folder))
        for _ in range(_TURNS):
            ordinary = _measure(plain, Path(folder))
            impact = _measure([sys.executable, "-c", impact_code], Path(folder))
            for name in Seconds._fields:
                ordinary_seconds, impact_seconds = getattr(ordinary, name), getattr(impact, name)
                milliseconds = (impact_seconds - 5 * ordinary_seconds) / _CHANGES / _COUNT * 1000
                print(
                    f"{name} time: ordinary {ordinary_seconds:.2f} s, impact {impact_seconds:.2f} s: "
                    f"{milliseconds:.2f} ms per test and change"
                )


def _measure(command: Sequence[str], folder: Path) -> Seconds:
    """Run a command and return its times; end the benchmark if it fails."""
    start, before = time.perf_counter(), os.times()
    completed = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    wall, after = time.perf_counter() - start, os.times()
    if completed.returncode:
        raise SystemExit(f"{command} failed:\n{completed.stdout[-2000:]}{completed.stderr[-2000:]}")
    processor = after.children_user + after.children_system - before.children_user - before.children_system
    return Seconds(wall, processor)


if __name__ == "__main__":
    main()
