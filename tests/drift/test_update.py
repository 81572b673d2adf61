"""Vendoring again: spec, lock and merged contract together or not at all."""

from __future__ import annotations

import json
import shutil
from datetime import date
from hashlib import sha256
from pathlib import Path

import pytest

from pytest_bctrl.cli import main
from pytest_bctrl.contract.build import build, published_url, spec_digest
from pytest_bctrl.contract.files import ContractFiles, packaged

from .published import TEXT, page, written

PAUSED = TEXT.replace("- failed", "- failed\n        - paused")


@pytest.fixture
def files(tmp_path: Path) -> ContractFiles:
    """Return the files of a copy of the packaged contract."""
    folder = tmp_path / "contracts"
    shutil.copytree(packaged().folder, folder)
    return ContractFiles(folder)


def contents(files: ContractFiles) -> dict[str, bytes]:
    """Return the contents of the files in the folder by name."""
    return {path.name: path.read_bytes() for path in sorted(files.folder.iterdir()) if path.is_file()}


def update(files: ContractFiles, *arguments: str) -> int:
    """Run `contract update` for a folder and return the exit code."""
    return main(["contract", "update", *arguments, "--contracts", str(files.folder)])


def test_update_prints_the_drift_and_writes_the_three_files(
    files: ContractFiles, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert update(files, written(tmp_path, page(PAUSED))) == 0
    assert "response-property-enum-value-added" in capsys.readouterr().out
    assert files.spec.read_text() == PAUSED
    assert json.loads(files.lock.read_text())["sha256"] == spec_digest(PAUSED)
    assert "paused" in files.merged.read_text()


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(("name", "text"), [("page.md", page(PAUSED)), ("spec.yaml", PAUSED)])
def test_update_writes_what_build_produces_for_any_line_ending(
    files: ContractFiles, tmp_path: Path, name: str, text: str, ends: str
) -> None:
    """`contract build` afterwards changes nothing."""
    (tmp_path / name).write_bytes(text.replace("\n", ends).encode())
    assert update(files, str(tmp_path / name)) == 0
    assert build(files) is False


def test_a_dry_run_writes_nothing(files: ContractFiles, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = contents(files)
    assert update(files, written(tmp_path, page(PAUSED)), "--dry-run") == 0
    assert "response-property-enum-value-added" in capsys.readouterr().out
    assert contents(files) == before


def test_an_unchanged_page_writes_nothing(files: ContractFiles, tmp_path: Path) -> None:
    before = contents(files)
    assert update(files, written(tmp_path, page())) == 0
    assert contents(files) == before


def test_a_changed_description_is_vendored(files: ContractFiles, tmp_path: Path) -> None:
    """The vendored spec is identical to the published one, even if there are no findings."""
    text = TEXT.replace("summary: List", "summary: Show")
    update(files, written(tmp_path, page(text)))
    assert text == files.spec.read_text("utf-8")


def test_the_lock_records_the_source_and_keeps_the_url_of_the_page(
    files: ContractFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The path relative to the working directory, the digest of the file, and the date."""
    monkeypatch.chdir(tmp_path)
    source = json.loads(files.lock.read_text())["source"]
    text = page(PAUSED)
    update(files, Path(written(tmp_path, text)).name)
    assert json.loads(files.lock.read_text()) == {
        "source": "page.md",
        "fetched": date.today().isoformat(),
        "sha256": spec_digest(PAUSED),
        "source_sha256": sha256(text.encode()).hexdigest(),
        "page": source,
        "samples": json.loads(packaged().lock.read_text())["samples"],
    }
    assert published_url(files) == source


def test_a_lock_without_a_page_url_stays_without(files: ContractFiles, tmp_path: Path) -> None:
    """An update from a file adds no `page`."""
    lock = json.loads(files.lock.read_text())
    files.lock.write_text(json.dumps({**lock, "source": "elsewhere.md"}))
    assert update(files, written(tmp_path, page(PAUSED))) == 0
    assert "page" not in json.loads(files.lock.read_text())


def test_the_updated_sample_contains_an_enum_value_that_was_added_upstream(
    files: ContractFiles, tmp_path: Path
) -> None:
    assert "paused" not in files.sample.read_text()
    update(files, written(tmp_path, page(PAUSED)))
    assert '"status": "paused"' in files.sample.read_text()


def test_an_overlay_that_no_longer_applies_is_an_error(
    files: ContractFiles, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The error names the action and the reason; no file is written."""
    before = contents(files)
    without = TEXT.replace("- name: Authorization", "- name: X-Other")
    assert update(files, written(tmp_path, page(without))) == 2
    error = capsys.readouterr().err
    assert "action 1" in error
    assert "selects nothing" in error
    assert contents(files) == before


@pytest.mark.parametrize("text", ["", "no spec here", page("openapi: 2.0\n")])
def test_a_source_without_a_spec_is_an_error(text: str, files: ContractFiles, tmp_path: Path) -> None:
    before = contents(files)
    assert update(files, written(tmp_path, text)) == 2
    assert contents(files) == before


def test_a_failed_write_leaves_all_files_unchanged(
    files: ContractFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk fails at the last of the three files, of which one did not exist."""
    files.merged.unlink()
    before = contents(files)
    real = Path.replace

    def failing(self: Path, target: Path) -> Path:
        """Raise `OSError` for the lock; replace any other file."""
        if Path(target).name == files.lock.name:
            raise OSError(28, "No space left on device")
        return real(self, target)

    monkeypatch.setattr(Path, "replace", failing)
    assert update(files, written(tmp_path, page(PAUSED))) == 2
    assert contents(files) == before


def test_a_new_file_is_readable_by_everyone(files: ContractFiles, tmp_path: Path) -> None:
    """Its mode is 644."""
    files.merged.unlink()

    assert 0 == update(files, written(tmp_path, page(PAUSED)))
    assert 0o644 == files.merged.stat().st_mode & 0o777


@pytest.mark.parametrize("spec", [page(), page(PAUSED)], ids=["same", "changed"])
def test_a_missing_folder_is_created_as_a_copy_of_the_packaged_contract(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], spec: str
) -> None:
    """By `contract update`, whether the spec changed or not; the contract can be shown."""
    mine = tmp_path / "mine"
    assert main(["contract", "update", written(tmp_path, spec), "--contracts", str(mine)]) == 0
    assert f"{mine}: created as a copy of the packaged contract\n" in capsys.readouterr().out
    assert {path.name for path in mine.iterdir()} == {path.name for path in packaged().folder.glob("runtimes.*")}
    assert main(["contract", "show", str(mine / "runtimes.contract.json")]) == 0


def test_a_failed_update_does_not_create_the_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["contract", "update", written(tmp_path, "no spec"), "--contracts", str(tmp_path / "mine")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "mine").exists()


def test_a_dry_run_does_not_create_the_folder(tmp_path: Path) -> None:
    assert (
        main(
            ["contract", "update", written(tmp_path, page(PAUSED)), "--contracts", str(tmp_path / "mine"), "--dry-run"]
        )
        == 0
    )
    assert not (tmp_path / "mine").exists()


def test_the_packaged_lock_has_the_published_url() -> None:
    assert published_url(packaged()).startswith("https://")
