"""A full disk is an error of one line, and the files on it stay as they were."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from pytest_bctrl.cli.options import ReportFile, write_reports
from pytest_bctrl.contract import build
from pytest_bctrl.errors import DocumentError
from pytest_bctrl.reports.verdict import Title
from tests.hostile.small_disk import FILL, run_with_small_disk

WRITES = """
import json, os, sys
from contextlib import suppress
from datetime import date
from pathlib import Path

from pytest_bctrl.files import locking
from pytest_bctrl.baseline.write_entries import add_to_baseline
from pytest_bctrl.cli.options import ReportFile, write_reports
from pytest_bctrl.contract.build import write_files
from pytest_bctrl.errors import BctrlError
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.http.exchange import Exchange
from pytest_bctrl.http.message import Request
from pytest_bctrl.reports.verdict import Title
from pytest_bctrl.suite.report.hooks import write_reports as write_suite_reports
from pytest_bctrl.traffic.recordings.har_file import save

disk = Path(sys.argv[1])


def findings(size):
    return [
        Finding("r", "error", f"items[*].{n}", "wrong " * 50, "x", "y", operation="GET /x", fingerprint=f"{n:016x}")
        for n in range(size)
    ]


def recording(path, size):
    request = Request("GET", "/", base_url="http://x.test")
    save(path, "t", [Exchange(request, 200, body=b"1" * (size * 500), test="t")], "mock", "now")


def baseline(path, size):
    add_to_baseline(path, findings(size), "accepted", date.max)


def report(path, size):
    write_reports([ReportFile("json", str(path))], findings(size), Title("check", "x", ""))


def suite_report(path, size):
    _, problems = write_suite_reports([(path, path.name)], findings(size), Title("check", "x", ""), None)
    if problems:
        raise BctrlError(problems[0])


def contract(path, size):
    write_files({path: "x: y\\n" * (size * 100), path.with_suffix(".lock"): "z" * (size * 100)})


writers = {"r.har": recording, "b.yaml": baseline, "r.json": report, "s.xml": suite_report, "s.html": suite_report}
writers["c.yaml"] = contract
results = {}
for name, write in writers.items():
    write(disk / name, 1)
    files = {path.name: path.read_bytes() for path in disk.iterdir()}
    with suppress(OSError), (disk / "filler").open("wb", buffering=0) as filler:
        while filler.write(b"0" * 4096):
            pass
    try:
        write(disk / name, 400)
        results[name] = "written"
    except BctrlError as error:
        results[name] = str(error)
    (disk / "filler").unlink()
    assert files == {path.name: path.read_bytes() for path in disk.iterdir()}, name
    # There is space again, and no remaining file prevents the next write.
    write(disk / name, 2)
    assert files[name] != (disk / name).read_bytes(), name
print(json.dumps(results))
"""


def test_a_full_disk_is_an_error_that_leaves_files_unchanged(tmp_path: Path) -> None:
    """Six kinds of files on a small file system: one line names the file and says that no space is left."""
    done = run_with_small_disk(tmp_path, [sys.executable, "-c", WRITES, str(tmp_path)])
    assert (0, "") == (done.returncode, done.stderr)
    data: dict[str, str] = json.loads(done.stdout)
    assert len(data) == 6
    for name, words in data.items():
        assert "No space left on device" in words, name
        assert name in words
        assert "\n" not in words


def test_the_other_reports_are_written_if_one_cannot_be(tmp_path: Path) -> None:
    names = [str(tmp_path / name) for name in ("missing/a.json", "b.json", "missing/c.json")]
    with pytest.raises(DocumentError) as caught:
        write_reports([ReportFile("json", name) for name in names], [], Title("proxy", "x", ""), "--report")
    assert f"--report {names[0]}, {names[2]}: it cannot be written: No such file or directory" in str(caught.value)
    assert ["b.json"] == [path.name for path in tmp_path.iterdir()]


def test_files_are_restored_if_one_of_them_cannot_be_replaced(tmp_path: Path) -> None:
    first, new = tmp_path / "first", tmp_path / "new"
    first.write_text("before")
    (tmp_path / "folder").mkdir()
    with pytest.raises(DocumentError, match="nothing was changed"):
        build.write_files({first: "after", new: "new", tmp_path / "folder": ""})
    assert ["first", "folder"] == sorted(path.name for path in tmp_path.iterdir())
    assert "before" == first.read_text()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_the_error_names_a_file_that_cannot_be_restored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second file cannot be replaced, and restoring the first one fails, as on a disk that is full by then."""
    first, folder = tmp_path / "first", tmp_path / "folder"
    first.write_text("before")
    folder.mkdir()
    replace = Path.replace
    replaced: list[Path] = []

    def once(self: Path, target: Path) -> Path:
        if replaced and target == first:
            raise OSError(28, "No space left on device")
        replaced.append(target)
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", once)
    with pytest.raises(DocumentError, match=r"first was changed before; give"):
        build.write_files({first: "after", folder: ""})
    assert "after" == first.read_text()


INIT = (
    FILL
    + """
import json, sys
from pathlib import Path

from pytest_bctrl.cli import main

disk = Path(sys.argv[1])
document, project = disk / "api.json", disk / "project"
project.mkdir()
document.write_text(sys.argv[2])
import os
os.chdir(project)
with full(disk):
    code = main(["init", "../api.json"])
assert not [path for path in project.rglob("*") if path.is_file()], list(project.rglob("*"))
print(code, main(["init", "../api.json"]))
"""
)


def test_init_on_a_full_disk_leaves_no_file(tmp_path: Path) -> None:
    """The error is one line that says why, and the next run writes all files."""
    document = {
        "openapi": "3.1.0",
        "info": {"title": "Pets", "version": "1"},
        "paths": {"/pets": {"get": {"responses": {"200": {"description": "All pets"}}}}},
    }
    done = run_with_small_disk(tmp_path, [sys.executable, "-c", INIT, str(tmp_path), json.dumps(document)])
    assert "2 0" == done.stdout.splitlines()[-1], done.stderr
    assert "No space left on device" in done.stderr
    assert 1 == len(done.stderr.splitlines())


def test_a_file_that_another_program_creates_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    new, taken = tmp_path / "new", tmp_path / "taken"
    taken.write_text("of another program")
    with pytest.raises(DocumentError, match="nothing was changed"):
        build.write_files({new: "a", taken: "b"}, new=[new, taken])
    assert ["taken"] == [path.name for path in tmp_path.iterdir()]
    assert "of another program" == taken.read_text()
