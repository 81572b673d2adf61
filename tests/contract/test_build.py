"""Spec and overlay make the merged document, and no other."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path

import pytest

from pytest_bctrl.contract import build
from pytest_bctrl.contract.document import load_document, page_samples
from pytest_bctrl.contract.files import ContractFiles, packaged
from pytest_bctrl.errors import DocumentError

PAGE = Path(__file__).parents[1] / "languages" / "runtimes-list.md"
"""The page as it was when its spec was vendored."""


@pytest.fixture
def files(tmp_path: Path) -> ContractFiles:
    """Return a copy of the packaged contract's files."""
    return ContractFiles(Path(shutil.copytree(packaged().folder, tmp_path / "contracts")))


def test_the_packaged_contract_is_the_merged_spec_and_overlay() -> None:
    assert packaged().merged.read_text("utf-8") == build.render(build.merge_contract(packaged()))


def test_the_packaged_lock_has_source_date_digest_and_samples() -> None:
    spec, lock = packaged().spec.read_text("utf-8"), json.loads(packaged().lock.read_text("utf-8"))
    assert {"source", "fetched", "sha256", "samples"} == set(lock)
    assert lock["sha256"] == build.spec_digest(spec)
    samples = page_samples(PAGE.read_text("utf-8"))
    assert lock == json.loads(build.lock_text(lock["source"], lock["fetched"], spec, samples=samples))


def test_building_again_changes_nothing(files: ContractFiles) -> None:
    assert not build.build(files)


def test_a_build_restores_an_edited_merged_document(files: ContractFiles) -> None:
    before = sorted(path.name for path in files.folder.iterdir())
    files.merged.write_text("{}", "utf-8")
    assert (True, packaged().merged.read_text("utf-8")) == (build.build(files), files.merged.read_text("utf-8"))
    assert before == sorted(path.name for path in files.folder.iterdir())


@pytest.mark.parametrize("mode", [0o644, 0o664])
def test_a_build_keeps_the_mode_of_the_file(files: ContractFiles, mode: int) -> None:
    files.merged.write_text("{}", "utf-8")
    files.merged.chmod(mode)
    build.build(files)
    assert mode == files.merged.stat().st_mode & 0o777


def test_a_build_creates_a_missing_merged_document_readable_by_everyone(files: ContractFiles) -> None:
    files.merged.unlink()
    assert build.build(files)
    assert 0o644 == files.merged.stat().st_mode & 0o777


def test_a_failed_write_leaves_the_old_text_and_no_other_file(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("old", "utf-8")
    with pytest.raises(UnicodeEncodeError):
        build.write_files({path: "\ud800"})
    assert [("a.json", "old")] == [(path.name, path.read_text("utf-8")) for path in tmp_path.iterdir()]


@pytest.mark.parametrize("source", ["https://api.example.org/spec.yaml", "git:HEAD:spec.yaml"])
def test_an_update_records_a_url_or_revision_as_its_source(files: ContractFiles, source: str) -> None:
    """If the source is a URL, the lock names no other page."""
    known = {**json.loads(files.lock.read_text("utf-8")), "source": "https://docs.example.org/page.md"}
    files.lock.write_text(json.dumps(known), "utf-8")
    text = files.spec.read_text("utf-8")
    new = load_document(text, source)
    texts = build.updated_texts(new, new.data, text, files.spec, files, date(2026, 3, 1))
    lock = json.loads(texts[files.lock])
    assert source == lock["source"]
    assert ("" if build.is_url(source) else "https://docs.example.org/page.md") == lock.get("page", "")


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        *(("lock", text, "lock") for text in ("", "[]", "{}", "null", "nonsense", '{"sha256": 1}')),
        *(("overlay", text, "overlay") for text in ("", "1", "a: [", "overlay: 1.0.0\nactions: 1")),
        *(("spec", text, "not an OpenAPI document") for text in ("", "[]", "1")),
        ("spec", packaged().spec.read_text("utf-8") + "# mine\n", "not the one that the lock names"),
    ],
)
def test_a_malformed_contract_file_is_an_error(files: ContractFiles, name: str, text: str, problem: str) -> None:
    getattr(files, name).write_text(text, "utf-8")
    if "not an" in problem:
        files.lock.write_text(build.lock_text("x", "2026-01-01", text), "utf-8")
    with pytest.raises(DocumentError, match=problem):
        build.build(files)


@pytest.mark.parametrize("name", ["spec", "lock", "overlay"])
def test_the_error_for_a_missing_file_names_it(files: ContractFiles, name: str) -> None:
    path: Path = getattr(files, name)
    path.unlink()
    with pytest.raises(DocumentError, match=path.name):
        build.build(files)


def test_a_file_that_is_not_utf_8_is_an_error(files: ContractFiles) -> None:
    files.lock.write_bytes(b"\xff")
    with pytest.raises(DocumentError, match="not UTF-8"):
        build.build(files)
