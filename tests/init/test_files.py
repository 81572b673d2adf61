"""The document and the tests that `pytest-bctrl init` writes, and what it leaves as it is."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from pytest_bctrl.contract.files import current_api
from pytest_bctrl.contract.read import load
from pytest_bctrl.secrets.secret import Secret
from pytest_bctrl.settings import lookup, resolve, table
from pytest_bctrl.settings.project import read_config
from pytest_bctrl.suite.run import ContractRun
from pytest_bctrl.suite.sending.target import Target
from pytest_bctrl.traffic.origin import Connection
from tests import current_server
from tests.current_api import text as current_text
from tests.run_probes import run_probes
from tests.traffic.servers import response, serve

from .conftest import BOOKSHOP, DOCUMENT, WORKFLOW, Init, run_command, steps


def test_another_document_of_the_same_name_is_an_error_and_nothing_is_written(init: Init, tmp_path: Path) -> None:
    """`init URL` with a different file in the folder exits with 2; with the same file it succeeds."""
    (tmp_path / "openapi.yaml").write_text("openapi: 3.1.0\n", "utf-8")
    with serve(response(body=BOOKSHOP.encode())) as server:
        output = init(f"{server.url}/openapi.yaml", code=2)
        assert "openapi.yaml: the file exists and is not the document of http" in output
        assert "pytest-bctrl init openapi.yaml" in output
        assert f"pytest-bctrl contract update {server.url}/openapi.yaml --contract openapi.yaml" in output
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
        output = init(f"{server.url}/api/openapi.yaml")

    assert "the nightly job cannot reach this machine: set bctrl_upstream, and BCTRL_BASE_URL" in output
    assert document == Path("openapi.yaml").read_text("utf-8")
    config = read_config()
    setting = lookup.find_value(table.BASE_URL, config, {})
    assert (base_url and base_url.format(origin=server.url)) == (setting and setting.value)
    assert f"{server.url}/api/openapi.yaml" == resolve.upstream(config, {})


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


def test_tests_go_to_the_folder_tests_and_requirements_are_installed(init: Init, tmp_path: Path) -> None:
    """The project has a folder `tests` and a requirements.txt."""
    (tmp_path / "tests").mkdir()
    (tmp_path / "requirements.txt").write_text("requests\n")
    init()

    assert (tmp_path / "tests" / "test_api.py").is_file()
    assert "pip install -r requirements.txt" == steps("mock")[-2]["run"]


def test_without_a_document_the_contract_of_the_project_is_used(init: Init, tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\nbctrl_contract = bookshop.yaml\n", "utf-8")

    output = init()

    assert output.startswith("contract   Paper & Ink 2.4.0, ")
    assert output.endswith("next       pytest --bctrl-mock\n")


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


def test_a_document_without_safe_operations_is_rejected_and_nothing_is_written(init: Init, tmp_path: Path) -> None:
    document = {**DOCUMENT, "paths": {"/pets": DOCUMENT["paths"]["/pets"]}}
    (tmp_path / "pets.yaml").write_text(yaml.safe_dump(document), "utf-8")
    before = sorted(tmp_path.rglob("*"))

    output = init("pets.yaml", code=2)

    assert "no operation of the contract can be tested: none has a safe method" in output
    assert before == sorted(tmp_path.rglob("*"))


def test_a_file_that_cannot_be_written_is_named(init: Init, tmp_path: Path) -> None:
    (tmp_path / ".github").write_text("a file, and not a folder")

    output = init(code=2)

    assert ".github/workflows: the folder cannot be created: " in output
