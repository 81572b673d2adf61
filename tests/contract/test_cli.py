"""`pytest-bctrl contract`, as a person runs it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from pytest_bctrl.cli import main
from pytest_bctrl.contract.files import ContractFiles, packaged
from pytest_bctrl.contract.read import load

from .documents import document


def test_show_prints_the_packaged_contract(capsys: pytest.CaptureFixture[str]) -> None:
    assert (0, True) == (main(["contract", "show"]), load().digest in capsys.readouterr().out)


def test_show_prints_a_document_of_ones_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(document()), "utf-8")
    assert (0, True) == (main(["contract", "show", str(path)]), "GET /v1/things/{id}" in capsys.readouterr().out)


def test_show_prints_no_control_characters(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(document(summary="red\x1b[31m\nnext \ud800")), "utf-8")
    main(["contract", "show", str(path)])
    assert r"  red\x1b[31m\nnext \ud800" in capsys.readouterr().out.split("\n")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"openapi": "3.0.0"}', "a:\n  - b\n c"])
def test_a_document_that_is_none_ends_in_one_line_and_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text, "utf-8")
    code = main(["contract", "show", str(path)])
    output = capsys.readouterr()
    assert (2, "", 1, True) == (code, output.out, output.err.count("\n"), "mine.yaml" in output.err)


def test_build_says_that_nothing_changed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = shutil.copytree(packaged().folder, tmp_path / "contracts")
    code = main(["contract", "build", "--contracts", str(folder)])
    assert (0, f"{ContractFiles(folder).merged}: unchanged\n") == (code, capsys.readouterr().out)


def test_build_says_what_it_wrote(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = shutil.copytree(packaged().folder, tmp_path / "contracts")
    ContractFiles(folder).merged.unlink()
    code = main(["contract", "build", "--contracts", str(folder)])
    assert (0, f"{ContractFiles(folder).merged}: written\n") == (code, capsys.readouterr().out)


def test_build_in_a_folder_without_a_contract_is_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["contract", "build", "--contracts", str(tmp_path)])
    assert (2, 1) == (code, capsys.readouterr().err.count("\n"))
