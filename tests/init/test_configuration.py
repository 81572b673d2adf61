"""The configuration that `pytest-bctrl init` writes, or adds to one that exists."""

from __future__ import annotations

import ast
import json
import shlex
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from pytest_bctrl.contract.in_force import contract_of_config
from pytest_bctrl.settings import lookup, table
from pytest_bctrl.settings.project import read_config
from pytest_bctrl.traffic.origin import values

from .conftest import BOOKSHOP, DOCUMENT, Init


def test_a_key_without_a_scheme_in_authorization_suggests_the_prefix(init: Init, tmp_path: Path) -> None:
    """The setting is a comment: whether the API expects a word in front of the key is not in the document."""
    document = yaml.safe_load(BOOKSHOP)
    document["components"]["securitySchemes"] = {"k": {"type": "apiKey", "in": "header", "name": "Authorization"}}
    document["security"] = [{"k": []}]
    for path in document["paths"].values():
        for operation in path.values():
            if isinstance(operation, dict):
                operation.pop("security", None)
    (tmp_path / "bookshop.yaml").write_text(yaml.safe_dump(document), "utf-8")
    init("bookshop.yaml")
    assert "# bctrl_key_prefix = Token" in (tmp_path / "pytest.ini").read_text("utf-8").splitlines()


STYLES: Mapping[str, tuple[str, str]] = {
    "pyproject.toml": ('[project]\nname = "shop"\nversion = "1"', "tool.pytest.ini_options"),
    "tox.ini": ("[tox]\n[pytest]\naddopts =\n    --maxfail=3\n[testenv]\n", "pytest"),
    "setup.cfg": ("[tool:pytest]\naddopts = --maxfail=3", "tool:pytest"),
    "pytest.ini": ("[pytest]\n# quiet\n\naddopts = --maxfail=3\n", "pytest"),
    "pytest.toml": ("[pytest]\n", "pytest"),
}


@pytest.mark.parametrize("name", STYLES)
def test_the_configuration_is_in_the_syntax_of_the_file_that_the_project_has(
    init: Init, tmp_path: Path, name: str
) -> None:
    """The suggested lines work in that file once they are active, and what was there stays as it was."""
    if name == "pytest.toml" and tuple(map(int, pytest.__version__.split(".")[:1])) < (9,):
        pytest.skip("pytest reads this file from version 9 on")
    text, expected_table = STYLES[name]
    (tmp_path / name).write_text(text, "utf-8")

    output = init("bookshop.yaml")

    current = (tmp_path / name).read_text("utf-8")
    assert f"extended   {name}: the configuration of pytest" in output
    assert 1 == current.count(f"[{expected_table}]")
    assert set(text.splitlines()) <= set(current.splitlines())
    lines = [_activated(line) for line in current.splitlines()]
    (tmp_path / name).write_text("\n".join(lines) + "\n", "utf-8")
    config = read_config()
    assert tmp_path / name == config.inipath
    assert tmp_path / "bookshop.yaml" == contract_of_config(config).path.resolve()
    assert {"parameter": "value"} == values(config, {})
    assert ["GET /v2/stock"] == [value.value for value in lookup.file_values(table.OPTIONAL, config)]
    assert (3 if "--maxfail=3" in text else None) == config.getoption("maxfail")


def _activated(line: str) -> str:
    """Return a suggested line of the configuration without its comment sign; prose remains a comment."""
    text = line.removeprefix("# ")
    is_setting = text.startswith(("bctrl_", "  ", "]"))
    return text if is_setting else line


@pytest.mark.parametrize("config_file", ["pytest.ini", "pyproject.toml"])
def test_a_second_run_changes_nothing(init: Init, tmp_path: Path, config_file: str) -> None:
    if config_file == "pyproject.toml":
        (tmp_path / config_file).write_bytes(b"[tool.pytest.ini_options]\r\naddopts = '-q'\r\n")
    init("current")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    output = init("current")

    assert before == {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert ["unchanged"] * 4 == [line.split()[0] for line in output.splitlines()[1:-1]]


@pytest.mark.parametrize(
    "content",
    [
        "tool = { other = {} }\n",
        "tool = { pytest = { ini_options = { addopts = '-q' } } }\n",
        "[tool.pytest]\nini_options.addopts = '-q'\n",
        "[project]\nname = '''\n[tool.pytest.ini_options]\n'''\n[tool.pytest.ini_options]\naddopts = '-q'\n",
        "[tool.pytest.'ini_options']\naddopts = '-q'\n",
    ],
)
def test_a_pyproject_that_cannot_be_extended_is_an_error_and_nothing_is_written(
    init: Init, tmp_path: Path, content: str
) -> None:
    (tmp_path / "pyproject.toml").write_text(content, "utf-8")

    output = init("current", code=2)

    assert content == (tmp_path / "pyproject.toml").read_text("utf-8")
    assert "cannot be added to the table [tool.pytest.ini_options]" in output
    assert "touch pytest.ini" in output
    assert {"bookshop.yaml", "pyproject.toml"} == {path.name for path in tmp_path.iterdir()}


def test_settings_that_the_configuration_has_are_kept_and_the_others_added(init: Init, tmp_path: Path) -> None:
    text = "[pytest]\nbctrl_contract = bookshop.yaml\n# bctrl_rate = 5/m\nbctrl_headers =\n  A: 1\n"
    (tmp_path / "pytest.ini").write_text(text, "utf-8")

    init("bookshop.yaml")

    added = (tmp_path / "pytest.ini").read_text("utf-8")
    assert [1, 1, 1, 1] == [
        added.count(f"{name} =") for name in ("bctrl_contract", "bctrl_rate", "bctrl_headers", "bctrl_values")
    ]
    assert added.endswith(text.removeprefix("[pytest]"))


def test_a_configuration_that_selects_another_contract_is_an_error_and_nothing_is_written(
    init: Init, tmp_path: Path
) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\nbctrl_contract = bookshop.yaml\n", "utf-8")

    output = init("current", code=2)

    assert "bctrl_contract (ini): the configuration selects another contract: bookshop.yaml" in output
    assert "set it to bctrl.openapi.json" in output
    assert {"bookshop.yaml", "pytest.ini"} == {path.name for path in tmp_path.iterdir()}


def test_every_operation_without_a_value_is_optional(init: Init, tmp_path: Path) -> None:
    paths = {f"/pets{number}/{{petId}}": DOCUMENT["paths"]["/pets/{petId}"] for number in range(30)}
    (tmp_path / "pets.yaml").write_text(yaml.safe_dump({**DOCUMENT, "paths": paths}), "utf-8")

    init("pets.yaml")

    optional = [value.value for value in lookup.file_values(table.OPTIONAL, read_config())]
    assert {f"GET {path}" for path in paths} == set(optional)


def test_an_operation_whose_scheme_has_no_value_is_optional_and_not_the_first_test(init: Init, tmp_path: Path) -> None:
    schemes = {name: {"type": "apiKey", "in": "header", "name": name} for name in ("X-Admin", "X-Key")}
    paths = {
        path: {method: {"security": [{name: []}], "responses": {"200": {"description": "Pets"}}}}
        for path, method, name in [("/a", "get", "X-Key"), ("/b", "get", "X-Admin"), ("/c", "post", "X-Admin")]
    }
    document = {**DOCUMENT, "paths": paths, "components": {"securitySchemes": schemes}}
    (tmp_path / "pets.yaml").write_text(yaml.safe_dump(document), "utf-8")

    output = init("pets.yaml")

    assert "3 operations: 1 checked, 1 not checked, 1 unsafe" in output
    assert ["GET /b"] == [value.value for value in lookup.file_values(table.OPTIONAL, read_config())]
    assert "bctrl_client.get('/a')" in (tmp_path / "test_api.py").read_text("utf-8")

    del paths["/a"]
    paths["/b"]["get"]["security"] = [{"X-Admin": [], "X-Key": []}]
    (tmp_path / "admin.yaml").write_text(yaml.safe_dump(document), "utf-8")
    (tmp_path / "pytest.ini").unlink()
    (tmp_path / "test_api.py").unlink()
    init("admin.yaml")
    assert "bctrl_client.get('/b')" in (tmp_path / "test_api.py").read_text("utf-8")


@pytest.mark.parametrize("name", ['"""\nimport os', "a\n[pytest]\naddopts = -x", "\x1b[2J", "\\", "é{x}", "'"])
def test_names_of_a_document_do_not_leave_their_line(init: Init, tmp_path: Path, name: str) -> None:
    """Neither the tests nor the configuration contain code or settings from the document."""
    path = f"/pets/{name}/{{petId}}"
    operation = DOCUMENT["paths"]["/pets/{petId}"]["get"]
    parameters = [*operation["parameters"], {"name": name, "in": "query", "required": True, "schema": {"const": name}}]
    document = {**DOCUMENT, "paths": {path: {"get": {**operation, "operationId": name, "parameters": parameters}}}}
    (tmp_path / "pets.json").write_text(json.dumps(document), "utf-8")

    init("pets.json")

    module = ast.parse((tmp_path / "test_api.py").read_text("utf-8"))
    assert [ast.Expr, ast.ImportFrom, ast.FunctionDef, ast.FunctionDef] == [type(node) for node in module.body]
    text = (tmp_path / "pytest.ini").read_text("utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert ["[pytest]", "bctrl_contract = pets.json", "bctrl_optional ="] == lines[:3]
    assert all(line.startswith("  GET /pets/") for line in lines[3:])


def test_a_project_whose_configuration_is_in_another_folder_is_named(
    init: Init, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a sub-folder of it, `init` exits with 2, prints the `cd` command, and writes nothing."""
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "sub folder").mkdir()
    monkeypatch.chdir(tmp_path / "sub folder")

    output = init(code=2)

    assert f"run it there: cd {shlex.quote(str(tmp_path))}" in output
    assert [] == list((tmp_path / "sub folder").iterdir())
