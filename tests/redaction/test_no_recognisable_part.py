"""Across all files and streams of a run, fragments of six or more characters of the key cover at most eight of them.

Each run checks a server that repeats credentials, with right and wrong keys, beside a project that shows the key in
every way. `REDACTION=pairs` runs each pair of an echo, a display, a way of capturing, a distribution and an
installed reporter; `REDACTION=full` runs all combinations.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.redaction.fragments import assert_unrecognisable
from tests.redaction.pairs import Row, all_rows, cover_pairs
from tests.redaction.runs import AXES, COMPACT_AXES, random_key, run_with_key

EACH_CHOICE = [
    ("together", "plain", "fd", "none", "files"),
    ("together", "colour", "sys", "xdist", "files"),
    ("honest", "verbose", "tee-sys", "none", "files"),
    ("together", "narrow", "no", "none", "files"),
]


def select_rows() -> list[Row]:
    """Return the rows that this environment runs."""
    match os.environ.get("REDACTION"):
        case "full":
            return all_rows(AXES)
        case "pairs":
            return cover_pairs(COMPACT_AXES)
    return [dict(zip(AXES, choices, strict=True)) for choices in EACH_CHOICE]


@pytest.mark.runs_pytest
@pytest.mark.parametrize("row", select_rows(), ids=lambda row: "-".join(row.values()))
def test_no_run_shows_a_recognisable_part_of_the_key(row: Row, tmp_path: Path, python: list[str]) -> None:
    """A project shows its key in every known way: streams and files of a run with these options have no part of it."""
    key = random_key(row)

    run = run_with_key(tmp_path, key, row, python)

    assert 1 == run.exit_code, run
    assert_unrecognisable(key, run.outputs)
