"""`pytest-bctrl init`: what it writes works as it is, and nothing that exists is lost."""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from pytest_bctrl.cli import main
from pytest_bctrl.cli.installed import pinned_requirement
from pytest_bctrl.contract.files import current_api, packaged
from pytest_bctrl.contract.in_force import contract_of_config
from pytest_bctrl.contract.read import load
from pytest_bctrl.secrets.secret import Secret
from pytest_bctrl.settings import lookup, resolve, table
from pytest_bctrl.settings.project import read_config
from pytest_bctrl.suite.run import ContractRun
from pytest_bctrl.suite.sending.target import Target
from pytest_bctrl.traffic.origin import Connection, values
from tests import UNUSED, current_server
from tests.current_api import text as current_text
from tests.docs.blocks import blocks
from tests.docs.page import PROJECT
from tests.run_probes import run_probes
from tests.traffic.servers import response, serve

BOOKSHOP = (Path(__file__).parent / "second_contract" / "bookshop.yaml").read_text("utf-8")
WORKFLOW = Path(".github", "workflows", "contract.yml")
Init = Callable[..., str]


@pytest.fixture
def init(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Init:
    """Return a function that runs the command in an empty folder and returns its output."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bookshop.yaml").write_text(BOOKSHOP, "utf-8")

    def run(*arguments: str, code: int = 0) -> str:
        """Run `init`, which exits with this code, and return its output and errors."""
        assert code == main(["init", *arguments])
        shown = capsys.readouterr()
        return shown.out + shown.err

    return run


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


def run_command(command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command of a workflow in the working directory, with the interpreter of these tests."""
    program, *arguments = shlex.split(command)
    module = {"pytest": "pytest", "pytest-bctrl": "pytest_bctrl"}[program]
    environment = {**os.environ, "PYTEST_ADDOPTS": f"-p no:randomly {UNUSED}", **variables}
    words = [sys.executable, "-m", module, *arguments]
    return subprocess.run(words, env=environment, capture_output=True, text=True, check=False, timeout=300)


def steps(job: str) -> list[dict[str, Any]]:
    """Return the steps of a job of the written workflow."""
    written_steps = yaml.safe_load(WORKFLOW.read_text("utf-8"))["jobs"][job]["steps"]
    assert isinstance(written_steps, list)
    return written_steps


def test_another_document_of_the_same_name_is_an_error_and_nothing_is_written(init: Init, tmp_path: Path) -> None:
    """`init URL` with a different file in the folder exits with 2; with the same file it succeeds."""
    (tmp_path / "openapi.yaml").write_text("openapi: 3.1.0\n", "utf-8")
    with serve(response(body=BOOKSHOP.encode())) as server:
        output = init(f"{server.url}/openapi.yaml", code=2)
        assert "openapi.yaml: the file exists and is not the document of http" in output
        assert "pytest-bctrl init openapi.yaml" in output
        assert {"bookshop.yaml", "openapi.yaml"} == {path.name for path in tmp_path.iterdir()}
        (tmp_path / "openapi.yaml").write_text(BOOKSHOP, "utf-8")
        init(f"{server.url}/openapi.yaml")
    assert (tmp_path / "pytest.ini").is_file()


def test_a_document_that_was_written_without_a_secret_is_the_same_document(
    init: Init, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second `init` of the URL succeeds, although the copy has `[redacted]` where the document has the API key."""
    monkeypatch.setenv("BCTRL_API_KEY", "Xq7-init-9Zk2-w4Rv")
    with serve(response(body=f"{BOOKSHOP}# Xq7-init-9Zk2-w4Rv\n".encode())) as server:
        init(f"{server.url}/openapi.yaml")
        assert (tmp_path / "openapi.yaml").read_text("utf-8").endswith("# [redacted]\n")
        (tmp_path / "test_api.py").unlink()
        init(f"{server.url}/openapi.yaml")
    assert (tmp_path / "test_api.py").is_file()


@pytest.mark.parametrize("arguments", [[], ["current"], ["bookshop.yaml"]], ids=["packaged", "current", "document"])
def test_the_commands_of_a_new_project_pass(init: Init, tmp_path: Path, arguments: list[str]) -> None:
    """The job on pull requests runs the two tests that were written and the contract suite, all against the mock."""
    output = init(*arguments)

    assert output.endswith("next       pytest --bctrl-mock\n")
    commands = [step["run"] for step in steps("mock") if "run" in step]
    own_document = ["pytest-bctrl"] if arguments else []
    assert ["echo", "pytest", *own_document] == [shlex.split(command)[0] for command in commands]
    completed = run_command(commands[1])
    assert 0 == completed.returncode, completed.stdout + completed.stderr
    assert "test_api.py .." in completed.stdout


def test_the_workflow_fails_with_what_to_replace_if_only_this_machine_has_the_package(init: Init) -> None:
    init()
    (install,) = {step["run"] for job in ("mock", "nightly") for step in steps(job) if "install" in step.get("run", "")}

    done = subprocess.run(["bash", "-ec", install], capture_output=True, text=True, check=False, timeout=60)

    assert 1 == done.returncode
    assert done.stdout.startswith("::error::replace this line by one that installs pytest-bctrl")


@pytest.mark.parametrize(
    ("version", "origin", "requirement"),
    [
        ("1.2.0", None, "pytest-bctrl==1.2.0"),
        ("1.3.0.dev1", None, ""),
        ("1.2.0+local", None, ""),
        ("1", {"url": "file:///home/me/kit", "dir_info": {"editable": True}}, ""),
        ("1", {"url": "file:///tmp/kit.whl", "archive_info": {"hashes": {"sha256": "ab"}}}, ""),
        ("1", {"url": "file:///home/me/kit", "vcs_info": {"vcs": "git", "commit_id": "c0ffee"}}, ""),
        ("1", {"url": "http://e.com/kit.whl", "archive_info": {"hashes": {"sha256": "ab"}}}, ""),
        ("1", {"url": "https://me:pw@e.com/kit", "vcs_info": {"vcs": "git", "commit_id": "c0ffee"}}, ""),
        ("1", {"url": "https://e.com/kit.whl", "archive_info": {}}, ""),
        (
            "1",
            {"url": "https://e.com/kit.whl", "archive_info": {"hashes": {"sha256": "ab"}}},
            "pytest-bctrl @ https://e.com/kit.whl#sha256=ab",
        ),
        (
            "1",
            {
                "url": "ssh://git@e.com/kit",
                "subdirectory": "a",
                "vcs_info": {"vcs": "git", "requested_revision": "main", "commit_id": "c0ffee"},
            },
            "pytest-bctrl @ git+ssh://git@e.com/kit@c0ffee#subdirectory=a",
        ),
    ],
)
def test_the_job_installs_what_is_installed_pinned(
    version: str, origin: dict[str, Any] | None, requirement: str
) -> None:
    """It is empty for what only this machine has, what is not encrypted or pinned, and for a URL with a password."""
    assert requirement == pinned_requirement(version, origin)


def test_the_tutorial_shows_the_workflow_with_one_more_step(init: Init) -> None:
    """Without the step that checks recordings, and with another installation, it is the file that `init` writes."""
    init()
    (shown,) = (block.text for block in blocks(PROJECT / "docs" / "tutorial.md") if block.file == str(WORKFLOW))
    head, step = f"# {WORKFLOW}\n", "      - run: pytest-bctrl check recordings/\n"
    written = re.sub(r"run: 'echo .*", "run: pip install ./.pytest-bctrl", WORKFLOW.read_text("utf-8"))

    assert written == shown.removeprefix(head).replace(step, "")


def test_the_nightly_job_of_the_packaged_contract_compares_its_spec_and_sends_nothing(init: Init) -> None:
    init()

    assert "pytest-bctrl drift" == steps("nightly")[-1]["run"]
    assert "--bctrl-live" not in WORKFLOW.read_text("utf-8")
    assert "retired in production" in WORKFLOW.read_text("utf-8")


def test_the_nightly_job_of_the_current_api_passes_against_an_independent_server(init: Init) -> None:
    init("current")
    step = steps("nightly")[-1]
    assert {"BCTRL_API_KEY": "${{ secrets.BCTRL_API_KEY }}"} == step["env"]

    with current_server.serve() as url:
        completed = run_command(step["run"], BCTRL_API_KEY=current_server.KEY, BCTRL_BASE_URL=url)

    assert 0 == completed.returncode, completed.stdout + completed.stderr
    assert "3 of 3 operations passed" in completed.stdout
    assert "test_api.py .s" in completed.stdout


@pytest.mark.parametrize(("fault", "rule"), current_server.FAULTS.items(), ids=list(current_server.FAULTS))
def test_the_contract_suite_reports_each_fault_of_an_independent_server_of_the_current_api(
    fault: str, rule: str
) -> None:
    header = ("BCTRL-Version", Secret(current_server.VERSION), "'BCTRL-Version: …'")
    contract = load(current_api())
    # Each list has the same faults, and one list is enough.
    contract = replace(contract, operations=(contract.operation("sandboxes-list"),))
    with current_server.serve(fault) as url:
        connection = Connection(headers=(header,))
        run = ContractRun("live", contract, url, Secret(current_server.KEY), {}, "error", 20, connection=connection)
        target = Target(run)
        findings = run_probes(target)
        target.close()

    assert rule in {finding.rule for finding in findings if finding.level == "error"}


def test_the_contract_of_the_current_api_is_that_of_the_sdk() -> None:
    """The file equals what the SDK yields. After an upgrade, review the changes: python -m tests.current_api."""
    assert current_text() == current_api().read_text("utf-8")


@pytest.mark.parametrize(
    ("server_url", "base_url"),
    [
        (".", "{origin}/api"),
        ("./", "{origin}/api"),
        ("v1", "{origin}/api/v1"),
        ("./v1/", "{origin}/api/v1"),
        ("../v1", "{origin}/v1"),
        ("/v1", "{origin}/v1"),
        ("/", "{origin}"),
        ("//host.test/v9", "http://host.test/v9"),
        ("", "{origin}/api/openapi.yaml"),
        ("https://host.test/v9", None),
    ],
)
def test_a_document_at_a_url_is_saved_and_its_server_is_the_target(
    init: Init, server_url: str, base_url: str | None
) -> None:
    """A relative URL is resolved by RFC 3986; an absolute one needs no setting."""
    document = re.sub(r"url: https://\S+", f"url: {server_url!r}", BOOKSHOP)
    with serve(response(body=document.encode())) as server:
        init(f"{server.url}/api/openapi.yaml")

    assert document == Path("openapi.yaml").read_text("utf-8")
    config = read_config()
    setting = lookup.find_value(table.BASE_URL, config, {})
    assert (base_url and base_url.format(origin=server.url)) == (setting and setting.value)
    assert f"{server.url}/api/openapi.yaml" == resolve.upstream(config, {})


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


def test_files_that_exist_are_kept_and_what_to_add_is_printed(init: Init, tmp_path: Path) -> None:
    mine = {"test_api.py": "def test_mine(): pass\n", str(WORKFLOW): "name: mine\n"}
    for name, text in mine.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")

    output = init("bookshop.yaml")

    assert mine == {name: (tmp_path / name).read_text("utf-8") for name in mine}
    for name, added in {"test_api.py": "assert_conforms", str(WORKFLOW): "--bctrl-live"}.items():
        assert f"exists     {name} was not changed; to add " in output
        assert added in output


@pytest.mark.parametrize("config_file", ["pytest.ini", "pyproject.toml"])
def test_a_second_run_changes_nothing(init: Init, tmp_path: Path, config_file: str) -> None:
    if config_file == "pyproject.toml":
        (tmp_path / config_file).write_bytes(b"[tool.pytest.ini_options]\r\naddopts = '-q'\r\n")
    init("current")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    output = init("current")

    assert before == {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert ["unchanged"] * 4 == [line.split()[0] for line in output.splitlines()[1:-1]]


def test_tests_go_to_the_folder_tests_and_requirements_are_installed(init: Init, tmp_path: Path) -> None:
    """The project has a folder `tests` and a requirements.txt."""
    (tmp_path / "tests").mkdir()
    (tmp_path / "requirements.txt").write_text("requests\n")
    init()

    assert (tmp_path / "tests" / "test_api.py").is_file()
    assert "pip install -r requirements.txt" == steps("mock")[-2]["run"]


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


def test_without_a_document_the_contract_of_the_project_is_used(init: Init, tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\nbctrl_contract = bookshop.yaml\n", "utf-8")

    output = init()

    assert output.startswith("contract   Paper & Ink 2.4.0, ")
    assert output.endswith("next       pytest --bctrl-mock\n")


DOCUMENT: Mapping[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Pets", "version": "1"},
    "paths": {
        "/pets/{petId}": {
            "get": {
                "parameters": [
                    {"name": "petId", "in": "path", "required": True, "schema": {"type": "string"}},
                    {"name": "X-Tenant", "in": "header", "required": True, "schema": {"const": "a"}},
                ],
                "responses": {"200": {"description": "A pet"}},
            }
        },
        "/pets": {"post": {"responses": {"201": {"description": "Created"}}}},
    },
}


def test_an_operation_without_values_is_tested_on_the_mock_and_its_settings_are_suggested(
    init: Init, tmp_path: Path
) -> None:
    """The tests use the mock, so that a live run skips them: their values exist on the mock only."""
    (tmp_path / "pets.yaml").write_text(yaml.safe_dump(DOCUMENT), "utf-8")

    output = init("pets.yaml")

    assert "Pets 1, 2 operations: 1 no value, 1 unsafe" in output
    completed = run_command("pytest -q test_api.py")
    assert 0 == completed.returncode, completed.stdout
    assert "2 passed" in completed.stdout
    assert 2 == Path("test_api.py").read_text("utf-8").count("(bctrl_mock, bctrl_client)")
    text = Path("pytest.ini").read_text("utf-8")
    assert "#   petId = VALUE\n" in text
    assert ["GET /pets/{petId}"] == [value.value for value in lookup.file_values(table.OPTIONAL, read_config())]
    assert {"BCTRL_BASE_URL": "${{ vars.BCTRL_BASE_URL }}"} == steps("nightly")[-1]["env"]


def test_an_operation_whose_value_a_list_has_is_not_optional_and_its_value_is_not_suggested(
    init: Init, tmp_path: Path
) -> None:
    """Its first tests still use the mock: another response has the value."""
    pets = {"type": "array", "items": {"properties": {"petId": {"type": "string"}}}}
    success = {"200": {"description": "Pets", "content": {"application/json": {"schema": pets}}}}
    item = DOCUMENT["paths"]["/pets/{petId}"]
    paths = {"/pets/{petId}": item, "/pets": {"get": {"operationId": "listPets", "responses": success}}}
    (tmp_path / "pets.yaml").write_text(yaml.safe_dump({**DOCUMENT, "paths": paths}), "utf-8")

    output = init("pets.yaml")

    assert "Pets 1, 2 operations: 2 checked" in output
    assert "petId = VALUE" not in Path("pytest.ini").read_text("utf-8")
    assert [] == lookup.file_values(table.OPTIONAL, read_config())
    assert "test_listpets_conforms_to_the_contract" in Path("test_api.py").read_text("utf-8")


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


def test_a_public_api_with_a_server_needs_no_variables(init: Init) -> None:
    """The nightly job has no `env`.

    An operation with a parameter that only a setting can fill is not the one of the first tests.
    """
    cursor = {
        "name": "cursor",
        "in": "query",
        "required": True,
        "schema": {"type": "string"},
        "x-bctrl-setting": "start",
    }
    paths = {
        "/pages": {"get": {"parameters": [cursor], "responses": {"200": {"description": "A page"}}}},
        "/pets/{petId}": DOCUMENT["paths"]["/pets/{petId}"],
    }
    document = {**DOCUMENT, "servers": [{"url": "https://pets.example.com"}], "paths": paths}
    with serve(response(body=json.dumps(document).encode())) as server:
        init(f"{server.url}/openapi.json")

    assert "env" not in steps("nightly")[-1]
    assert lookup.find_value(table.BASE_URL, read_config(), {}) is None
    assert "bctrl_client.get('/pets/" in Path("test_api.py").read_text("utf-8")


def test_the_space_id_is_a_variable_of_the_repository(init: Init, tmp_path: Path) -> None:
    """The nightly job of the workflow takes the key from the secrets and the space id from the variables of GitHub."""
    (tmp_path / "runtimes.json").write_text(packaged().merged.read_text("utf-8"), "utf-8")

    init("runtimes.json")

    assert {
        "BCTRL_API_KEY": "${{ secrets.BCTRL_API_KEY }}",
        "BCTRL_SPACE_ID": "${{ vars.BCTRL_SPACE_ID }}",
    } == steps("nightly")[-1]["env"]


def test_a_document_without_safe_operations_is_rejected_and_nothing_is_written(init: Init, tmp_path: Path) -> None:
    document = {**DOCUMENT, "paths": {"/pets": DOCUMENT["paths"]["/pets"]}}
    (tmp_path / "pets.yaml").write_text(yaml.safe_dump(document), "utf-8")
    before = sorted(tmp_path.rglob("*"))

    output = init("pets.yaml", code=2)

    assert "no operation of the contract can be tested: none has a safe method" in output
    assert before == sorted(tmp_path.rglob("*"))


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


def test_a_file_that_cannot_be_written_is_named(init: Init, tmp_path: Path) -> None:
    (tmp_path / ".github").write_text("a file, and not a folder")

    output = init(code=2)

    assert ".github/workflows: the folder cannot be created: " in output
