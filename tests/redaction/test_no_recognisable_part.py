"""A project shows a random key in every way: no file and no stream has more than eight consecutive characters of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.redaction.fragments import assert_unrecognisable
from tests.redaction.runs import Row, random_key, run_with_key

AXES = ("server", "display", "capture", "distribution")
ROWS = [
    ("faulty", "plain", "fd", "none"),
    ("faulty", "colour", "sys", "xdist"),
    ("right", "verbose", "tee-sys", "none"),
    ("faulty", "narrow", "no", "none"),
]


@pytest.mark.runs_pytest
@pytest.mark.parametrize(
    "row", [dict(zip(AXES, row, strict=True)) for row in ROWS], ids=lambda row: "-".join(row.values())
)
def test_no_run_shows_a_recognisable_part_of_the_key(row: Row, tmp_path: Path, python: list[str]) -> None:
    key = random_key(row)

    run = run_with_key(tmp_path, key, row, python)

    assert 1 == run.exit_code, run
    assert_unrecognisable(key, run.outputs)
