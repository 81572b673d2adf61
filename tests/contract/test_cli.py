"""The command `pytest-bctrl contract`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from pytest_bctrl.cli import main
from pytest_bctrl.contract.files import ContractFiles, packaged
from pytest_bctrl.contract.read import load

from .documents import document


def test_show_prints_the_digest_of_the_packaged_contract(capsys: pytest.CaptureFixture[str]) -> None:
    assert (0, True) == (main(["contract", "show"]), load().digest in capsys.readouterr().out)


def test_show_escapes_control_characters_of_a_custom_document(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(document(summary="red\x1b[31m\nnext \ud800")), "utf-8")
    assert 0 == main(["contract", "show", str(path)])
    assert {"GET /v1/things/{id}  things", r"  red\x1b[31m\nnext \ud800"} <= {*capsys.readouterr().out.split("\n")}


def test_show_lists_unchecked_formats_and_schemas_without_a_sample(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mine.json"
    kinds = [{"format": "int32"}, {"format": "uuid"}, {"pattern": r"^\p{L}+$"}, {"pattern": "^(?=a)x$"}]
    path.write_text(json.dumps(document({"anyOf": kinds})), "utf-8")
    main(["contract", "show", str(path)])
    *_, formats, pattern = capsys.readouterr().out.splitlines()
    assert "formats that are not checked: int32" == formats
    assert pattern.endswith("/schema/anyOf/3: no sample can be generated for its pattern; add 'examples' to the schema")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"openapi": "3.0.0"}', "a:\n  - b\n c"])
def test_an_invalid_document_exits_with_2_and_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text, "utf-8")
    code = main(["contract", "show", str(path)])
    output = capsys.readouterr()
    assert (2, "", 1, True) == (code, output.out, output.err.count("\n"), "mine.yaml" in output.err)


@pytest.mark.parametrize("word", ["unchanged", "written"])
def test_build_prints_whether_the_file_was_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], word: str
) -> None:
    merged = ContractFiles(Path(shutil.copytree(packaged().folder, tmp_path / "contracts"))).merged
    if word == "written":
        merged.unlink()
    code = main(["contract", "build", "--contracts", str(merged.parent)])
    assert (0, True) == (code, capsys.readouterr().out.startswith(f"{merged}: {word} (--contracts sets "))


@pytest.mark.skipif(packaged().is_installed, reason="the contract belongs to an installed package")
def test_build_in_this_repository_builds_the_packaged_contract(capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == main(["contract", "build"])
    reason = "(the project has a contracts folder, vendored "
    assert capsys.readouterr().out.startswith(f"{packaged().merged}: unchanged {reason}")


def test_update_creates_the_folder_of_the_contracts_option(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The contract in it has the version of the changed spec, and the output names its path."""
    upstream = tmp_path / "upstream.yaml"
    upstream.write_text(packaged().spec.read_text("utf-8").replace("version: 1.0.0", "version: 1.0.1"), "utf-8")
    folder = tmp_path / "own"

    assert 0 == main(["contract", "update", str(upstream), "--contracts", str(folder)])

    assert "1.0.1" == load(str(folder / "runtimes.contract.json")).version
    assert f"pytest --bctrl-contract={folder / 'runtimes.contract.json'}" in capsys.readouterr().out


def test_a_failed_update_creates_no_folder(tmp_path: Path) -> None:
    """The new spec has no operation."""
    upstream = tmp_path / "upstream.yaml"
    upstream.write_text("openapi: 3.1.0\ninfo: {title: t, version: '1'}\npaths: {}\n", "utf-8")

    assert 2 == main(["contract", "update", str(upstream), "--contracts", str(tmp_path / "own")])

    assert not (tmp_path / "own").exists()


def test_build_of_an_installed_contract_exits_with_2_and_suggests_a_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The next upgrade of the package would undo the build."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(ContractFiles, "is_installed", property(lambda files: True))
    assert 2 == main(["contract", "build"])
    copy = f"work on a copy: cp -r {packaged().folder} contracts; pytest-bctrl contract build --contracts contracts"
    assert copy in capsys.readouterr().err
