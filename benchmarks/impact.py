"""`--bctrl-impact` on fifty tests: what a test and a change cost beyond five ordinary runs (the bound is 6 ms)."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks.turns import in_turn

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
    assert all(isinstance(one[field], str) for one in runtimes(bctrl_client, bctrl_space_id))
"""
_CHANGES, _COUNT = 316, 50


def main() -> None:
    """Print both times, and milliseconds for a test and a change."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "test_fields.py").write_text(_TESTS, "utf-8")
        Path(folder, "pytest.ini").write_text("[pytest]\n", "utf-8")
        plain = [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "-p", "no:cacheprovider"]
        played = f"import pytest, sys; sys.exit(pytest.main({[*plain[3:], '--bctrl-impact=mutants']}) not in (0, 1))"
        seconds = in_turn({"ordinary": plain, "impact": [sys.executable, "-c", played]}, Path(folder), 1)
    for ordinary, impact in zip(seconds["ordinary"], seconds["impact"], strict=True):
        each = (impact - 5 * ordinary) / _CHANGES / _COUNT * 1000
        print(f"ordinary {ordinary:.2f} s, impact {impact:.2f} s: {each:.2f} ms for a test and a change")


if __name__ == "__main__":
    main()
