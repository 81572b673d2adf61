"""The comparison reports what differs, and a collection records the findings, the exit code and crashes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.floor.__main__ import collect
from tests.floor.__main__ import main as floor
from tests.floor.inputs import Options
from tests.floor.kit import FinishedRun, Kit, fresh
from tests.floor.rows import Detection, compare, read, write

ROW = Detection("variants", "plain", "strict_json", "error", "body")
OTHER = ROW._replace(rule="ignored_auth")


def run(monkeypatch: pytest.MonkeyPatch, folder: Path, base: list[Detection], new: list[Detection]) -> int:
    """Return the exit code of the comparison of two files with these rows."""
    for name, rows in (("base", base), ("new", new)):
        write(folder / name, rows)
    details = f"--details={folder / 'details'}"
    arguments = ["floor", "compare", str(folder / "base"), str(folder / "new"), details]
    monkeypatch.setattr(sys, "argv", arguments)
    return floor()


@pytest.mark.parametrize(
    ("base", "new", "code", "line"),
    [
        ([ROW], [ROW], 0, ""),
        ([ROW, OTHER], [ROW], 1, "lost\tvariants | plain | error ignored_auth at body\n"),
        ([ROW, ROW], [ROW], 1, "lost\tvariants | plain | error strict_json at body\n"),
        ([ROW], [ROW, OTHER], 0, "gained\tvariants | plain | error ignored_auth at body\n"),
        (
            [ROW],
            [ROW._replace(level="warning")],
            1,
            "changed\tvariants | plain | error strict_json at body -> warning\n",
        ),
        ([ROW], [], 1, "lost\tvariants | plain | error strict_json at body\n"),
    ],
    ids=["equal", "lost", "lost one of two", "gained", "changed", "lost input"],
)
def test_a_lost_or_changed_detection_fails(
    base: list[Detection], new: list[Detection], code: int, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert code == run(monkeypatch, tmp_path, base, new)
    assert line == (tmp_path / "details").read_text("utf-8")


def test_rows_are_read_as_they_are_written(tmp_path: Path) -> None:
    write(tmp_path / "rows", [OTHER, ROW])
    assert [OTHER, ROW] == read(tmp_path / "rows") == sorted([ROW, OTHER])
    assert compare([ROW], [OTHER]).holds is False


def test_a_collection_records_findings_and_exit_code() -> None:
    """The environment of the tests serves as the measured one."""
    rows = collect(Path(sys.executable), "variants", Options(), workers=1, only="same-id-in-all")
    assert {("exit code", "1"), ("verdict", "failed"), ("unique_ids", "error")} <= {
        (row.rule, row.level) for row in rows if row.input == "same-id-in-all"
    }


def test_an_exception_and_a_time_out_are_crashes(tmp_path: Path) -> None:
    with Kit(Path(sys.executable), 1, tmp_path) as kit:
        crashed = kit.run(fresh(tmp_path / "one"), "samples", document="missing.json")
        late = kit.run(fresh(tmp_path / "two"), "http.server", "0", seconds=0.1)
        signalled = FinishedRun(tmp_path / "two", -11)
    assert ("exit code", "0", "") in crashed.facts()
    assert ["rejected", "DocumentError", ""] in crashed.data("rows.json")
    assert [("exit code", "-9", ""), ("crash", "signal 9", "")] == [*late.facts()]
    assert ("crash", "signal 11", "") in signalled.facts()
