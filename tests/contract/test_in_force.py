"""The contract in force and its description, the same for pytest and for every command."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from pytest_bctrl.cli import main
from pytest_bctrl.contract.document import load_document
from pytest_bctrl.contract.files import ContractFiles, packaged
from pytest_bctrl.contract.in_force import (
    ContractInForce,
    contract_in_force,
    contract_of_config,
    current_contract,
    packaged_contract,
    project_contract,
    upstream_of,
)
from pytest_bctrl.contract.read import from_document, load
from pytest_bctrl.errors import DocumentError, SettingError
from pytest_bctrl.settings import current_run
from pytest_bctrl.settings.project import project_setting, read_config

URL = "https://platform.bctrl.ai/api/api-reference/runtimes/list.md"
VENDORED = f"vendored {json.loads(packaged().lock.read_text('utf-8'))['fetched']} from {URL}"
LIMITS = "published spec without the overlay"


def vendored(root: Path, folder: str = "contracts") -> ContractFiles:
    """Copy the packaged contract into a folder of a project, and return the copied files."""
    ignored = shutil.ignore_patterns("__pycache__", "*.py")
    return ContractFiles(Path(shutil.copytree(packaged().folder, root / folder, ignore=ignored)))


def test_a_project_without_a_contract_uses_the_packaged_one(tmp_path: Path) -> None:
    chosen = contract_in_force(None, tmp_path)
    assert packaged_contract() == chosen
    assert f"packaged, {VENDORED}" == chosen.provenance
    assert (packaged().spec, packaged().overlay) == (chosen.spec, chosen.overlay)
    assert load().digest == chosen.load().digest


def test_the_folder_of_a_project_takes_precedence_over_the_packaged_contract(tmp_path: Path) -> None:
    files = vendored(tmp_path)
    chosen = contract_in_force(None, tmp_path)
    assert (files.merged, "project", files.spec, files.overlay) == (
        chosen.path,
        chosen.origin,
        chosen.spec,
        chosen.overlay,
    )
    assert (str(files.merged), f"project, {VENDORED}") == (chosen.load().name, chosen.load().origin)


def test_a_setting_takes_precedence_over_the_folder(tmp_path: Path) -> None:
    vendored(tmp_path)
    files = vendored(tmp_path, "kept")
    chosen = contract_in_force(str(files.merged), tmp_path, "bctrl_contract (ini)")
    assert (files.merged, files, f"bctrl_contract (ini), {VENDORED}") == (chosen.path, chosen.files, chosen.provenance)


def test_a_custom_document_has_no_overlay(tmp_path: Path) -> None:
    path = tmp_path / "own.json"
    shutil.copy(packaged().merged, path)
    chosen = contract_in_force(str(path), tmp_path)
    assert (path, path, None, "--bctrl-contract") == (chosen.path, chosen.spec, chosen.overlay, chosen.provenance)
    assert "https://api.example.com/openapi.json" == upstream_of(chosen, "https://api.example.com/openapi.json")
    with pytest.raises(SettingError, match=r"bctrl_upstream: no upstream of .*own\.json is known: --bctrl"):
        upstream_of(chosen, None)


@pytest.mark.parametrize("name", ["runtimes.yaml", "README.md", "runtimes.sample.json"])
def test_an_unrelated_contracts_folder_is_ignored(tmp_path: Path, name: str) -> None:
    (tmp_path / "contracts").mkdir()
    (tmp_path / "contracts" / name).write_text("{}", "utf-8")
    chosen = contract_in_force(None, tmp_path)
    assert ("packaged", tmp_path / "contracts") == (chosen.origin, chosen.ignored)


def test_in_a_clone_of_this_repository_the_packaged_contract_is_the_projects() -> None:
    """The origin is `project`, and the reason is the folder `contracts`."""
    chosen = contract_in_force(None, packaged().folder.parent)
    assert ("project", packaged().merged) == (chosen.origin, chosen.path)
    assert f"the project has a contracts folder, {VENDORED}" == chosen.reason
    assert load().digest == chosen.load().digest


@pytest.mark.parametrize("name", ["spec", "lock", "overlay", "merged"])
def test_a_contracts_folder_that_lacks_a_file_is_an_error(tmp_path: Path, name: str) -> None:
    files = vendored(tmp_path)
    path: Path = getattr(files, name)
    path.unlink()
    with pytest.raises(DocumentError, match=f"lacks its file {path.name}"):
        contract_in_force(None, tmp_path).load()


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("spec", "openapi: 3.1.0\n", "not the one that the lock names"),
        ("lock", "{}", "it is not a lock"),
        ("merged", "{", "not JSON"),
        ("merged", '{"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": {}}', "no operation"),
    ],
)
def test_a_malformed_contract_file_is_an_error(tmp_path: Path, name: str, text: str, problem: str) -> None:
    getattr(vendored(tmp_path), name).write_text(text, "utf-8")
    with pytest.raises(DocumentError, match=problem):
        contract_in_force(None, tmp_path).load()


@pytest.mark.parametrize("has_folder", [False, True])
def test_published_selects_the_vendored_spec_without_the_overlay(tmp_path: Path, has_folder: bool) -> None:
    """Of the project, or the packaged one; the provenance lists the gaps in the checks."""
    files, origin = (vendored(tmp_path), "project") if has_folder else (packaged(), "packaged")
    chosen = contract_in_force("published", tmp_path)
    assert (files.spec, origin, None) == (chosen.path, chosen.origin, chosen.overlay)
    assert f"{origin}, {LIMITS}, {VENDORED}; credentials and rejections are not checked" == chosen.provenance
    contract = chosen.load()
    assert ["200"] == [*contract.operations[0].responses]
    assert "space_id" == contract.operations[0].path_parameters[0].setting


def test_the_path_of_a_vendored_spec_is_recognised_as_published(tmp_path: Path) -> None:
    """Given as the setting, it is a contract without an overlay."""
    chosen = contract_in_force(str(vendored(tmp_path).spec), tmp_path)
    assert (True, None) == (chosen.is_published, chosen.overlay)


@pytest.mark.parametrize(
    ("path", "setting"),
    [
        ("/v1/spaces/{id}/runtimes", "space_id"),
        ("/v1/spaces/{space}", "space_id"),
        ("/v1/things/{id}/runtimes", None),
        ("/v1/spaces/x{id}", None),
    ],
)
def test_a_space_parameter_takes_the_space_id_setting(path: str, setting: str | None) -> None:
    """The path parameter after `/spaces/`, by any name; no other."""
    name = path[path.index("{") + 1 : path.index("}")]
    parameter = {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
    document = load_document(packaged().spec.read_text("utf-8"), "spec.yaml").data
    operation = document["paths"].pop("/v1/spaces/{id}/runtimes")["get"]
    document["paths"][path] = {"get": {**operation, "parameters": [parameter]}}
    assert setting == from_document(document, "x.yaml").operations[0].path_parameters[0].setting


def test_an_example_in_the_document_takes_precedence_over_the_setting() -> None:
    """The space parameter of the spec has no setting if it has an example."""
    document = load_document(packaged().spec.read_text("utf-8"), "spec.yaml").data
    document["paths"]["/v1/spaces/{id}/runtimes"]["get"]["parameters"][0]["example"] = "mine"
    assert from_document(document, "x.yaml").operations[0].path_parameters[0].setting is None


def test_the_update_command_replaces_the_contract_in_force(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It names the folder of a vendored contract, and the document that only an option has."""
    monkeypatch.chdir(tmp_path)
    files = vendored(tmp_path, "kept")
    update = "pytest-bctrl contract update page.md"
    for value, where, options in (
        (None, "", " --contracts contracts"),
        (str(files.merged), "bctrl_contract (ini)", " --contracts kept"),
        ("own.json", "bctrl_contract (ini)", ""),
        ("own.json", "--bctrl-contract", " --contract own.json"),
    ):
        assert update + options == contract_in_force(value, tmp_path, where).update_command("page.md")


def test_provenance_ignores_an_unreadable_lock(tmp_path: Path) -> None:
    """It is `project`, without a date."""
    files = vendored(tmp_path)
    files.lock.write_text("[]", "utf-8")
    assert "project" == contract_in_force(None, tmp_path).provenance


LAYOUTS: dict[str, dict[str, str]] = {
    "nothing above": {},
    "pytest.ini above": {"pytest.ini": "[pytest]\n"},
    "an empty pytest.ini above": {"pytest.ini": ""},
    "pytest.toml here": {"sub/pytest.toml": "[pytest]\n"},
    "pyproject.toml with a table above": {"pyproject.toml": "[tool.pytest.ini_options]\nminversion = '8'\n"},
    "pyproject.toml without one above": {"pyproject.toml": "[project]\nname = 'x'\nversion = '1'\n"},
    "both": {"pyproject.toml": "[tool.pytest.ini_options]\n", "sub/pyproject.toml": "[project]\n"},
    "tox.ini above": {"tox.ini": "[pytest]\n"},
    "tox.ini of tox alone above": {"tox.ini": "[tox]\n"},
    "setup.cfg above": {"setup.cfg": "[tool:pytest]\n"},
    "setup.py above": {"setup.py": ""},
    "rootdir in addopts": {"sub/pytest.ini": "[pytest]\naddopts = --rootdir=..\n"},
    "a setting above": {"pytest.ini": "[pytest]\nbctrl_contract = kept/runtimes.contract.json\n"},
    "a setting here": {"sub/pytest.ini": "[pytest]\nbctrl_contract = ../kept/runtimes.contract.json\n"},
    "a setting in addopts": {"pytest.ini": "[pytest]\naddopts = --bctrl-contract=published\n"},
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("folders", [("contracts",), ("sub/contracts",), ("contracts", "sub/contracts"), ()])
def test_commands_and_pytest_use_the_same_contract(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, layout: str, folders: tuple[str, ...]
) -> None:
    """From a folder of the project, with settings and `contracts/` there or above."""
    (tmp_path / "sub").mkdir()
    vendored(tmp_path, "kept")
    for folder in folders:
        vendored(tmp_path, folder)
    for name, text in LAYOUTS[layout].items():
        (tmp_path / name).write_text(text, "utf-8")
    monkeypatch.chdir(tmp_path / "sub")
    # Other plugins have no say in this, and take most of the time.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTEST_PLUGINS", "pytest_bctrl.plugin")
    expected = contract_of_config(read_config())

    assert expected._replace(ignored=None) == project_contract()._replace(ignored=None)
    assert expected.path.resolve().is_file()


def test_commands_do_not_import_the_conftest_to_select_the_contract(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That import would raise `SystemExit`; the contract is that of the folder, or the option's."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "conftest.py").write_text("raise SystemExit('read')\n", "utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\n", "utf-8")
    vendored(tmp_path)
    assert project_setting("bctrl_upstream", str) is None
    assert "project" == project_contract().origin
    assert project_contract("published").is_published
    assert "--contract" == project_contract("own.json").origin


def test_the_current_contract_is_that_of_the_current_run(pytester: pytest.Pytester) -> None:
    """It is the option's when the conftest.py is imported and in a test; afterwards, the earlier run is current."""
    before = current_run.config()
    vendored(pytester.path, "kept")
    pytester.makeconftest(
        """
        from pytest_bctrl.contract.in_force import current_contract
        EARLY = current_contract().name
        """
    )
    pytester.makepyfile(
        """
        from conftest import EARLY
        from pytest_bctrl.contract.in_force import current_contract

        def test_it(bctrl_contract):
            assert bctrl_contract is current_contract()
            assert EARLY == bctrl_contract.name == "kept/runtimes.contract.json"
        """
    )
    pytester.runpytest("--bctrl-contract=kept/runtimes.contract.json").assert_outcomes(passed=1)
    assert before is current_run.config()


def test_without_a_run_the_current_contract_is_that_of_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(current_run, "_CONFIGS", [])
    monkeypatch.chdir(tmp_path)
    assert "packaged" == current_contract().origin.partition(",")[0]
    files = vendored(tmp_path)
    assert (str(files.merged), True) == (current_contract().name, current_contract() is current_contract())
    vendored(tmp_path, "kept")
    for folder in ("kept", "contracts"):
        path = f"{folder}/runtimes.contract.json"
        (tmp_path / "pytest.ini").write_text(f"[pytest]\nbctrl_contract = {path}\n", "utf-8")
        assert (path, True) == (current_contract().name, current_contract() is current_contract())


def test_a_missing_contract_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="cannot be read"):
        ContractInForce(tmp_path / "none.json", "--bctrl-contract").load()


class TestHeader:
    """The line in which a run of pytest names its contract."""

    def lines(self, result: pytest.RunResult) -> list[str]:
        """Return the lines of the output that name the contract."""
        return [line for line in result.outlines if line.startswith("bctrl: contract")]

    def test_header_has_no_contract_by_default(self, pytester: pytest.Pytester) -> None:
        assert [] == self.lines(pytester.runpytest())

    def test_header_names_the_packaged_contract_in_a_contract_run(self, pytester: pytest.Pytester) -> None:
        (line,) = self.lines(pytester.runpytest("--bctrl-mock", "--collect-only"))
        assert line.endswith(f"runtimes.contract.json (packaged, {VENDORED})")

    def test_header_names_the_contract_of_the_project_in_any_run(self, pytester: pytest.Pytester) -> None:
        vendored(pytester.path)
        assert [f"bctrl: contract contracts/runtimes.contract.json (project, {VENDORED})"] == self.lines(
            pytester.runpytest()
        )

    def test_header_omits_an_unrelated_contracts_folder(self, pytester: pytest.Pytester) -> None:
        """A `contracts` folder without a contract adds no line."""
        (pytester.path / "contracts").mkdir()
        assert [] == self.lines(pytester.runpytest())

    def test_header_reports_a_broken_contract_and_other_tests_run(self, pytester: pytest.Pytester) -> None:
        vendored(pytester.path).merged.unlink()
        pytester.makepyfile("def test_own():\n    pass\n")
        result = pytester.runpytest()
        result.assert_outcomes(passed=1)
        (line,) = self.lines(result)
        assert line.startswith("bctrl: contract: contracts: the contract lacks its file runtimes.contract.json (write")


def test_a_fixture_reports_a_broken_contract_in_one_line(pytester: pytest.Pytester) -> None:
    vendored(pytester.path).merged.unlink()
    pytester.makepyfile(
        "def test_a(bctrl_client): pass\ndef test_b(bctrl_runtimes): pass\ndef test_c(bctrl_contract): pass\n"
    )

    result = pytester.runpytest("-p", "no:randomly")

    result.assert_outcomes(errors=3)
    problem = "bctrl: contracts: the contract lacks its file runtimes.contract.json (write it: *)"
    result.stdout.fnmatch_lines(
        [line for test in "abc" for line in (f"* ERROR at setup of test_{test} *", problem)], consecutive=True
    )


@pytest.mark.parametrize(
    "command", ["check body.json", "explain", "contract show", "mock", "drift x.yaml", "doctor --offline"]
)
def test_commands_report_a_broken_contracts_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    """Each exits with 2 and names the missing file."""
    monkeypatch.chdir(tmp_path)
    vendored(tmp_path).merged.unlink()
    assert 2 == main(command.split())
    output = capsys.readouterr()
    assert "the contract lacks its file runtimes.contract.json" in output.out + output.err


def test_build_restores_the_contract_of_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    files = vendored(tmp_path)
    files.merged.unlink()
    files.sample.unlink()
    assert 0 == main(["contract", "build"])
    assert capsys.readouterr().out.startswith(f"{files.merged}: written (the project has a contracts folder, ")
    assert packaged().sample.read_text("utf-8") == files.sample.read_text("utf-8")


def test_a_contract_without_a_sample_is_built_with_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`contract update` from a spec without a JSON response writes the contract, and warns that the sample is not."""
    monkeypatch.chdir(tmp_path)
    page = packaged().spec.read_text("utf-8").replace("application/json", "text/plain")
    (tmp_path / "spec.yaml").write_text(page, "utf-8")
    assert 0 == main(["contract", "update", "spec.yaml", "--contracts", "contracts"])
    output = capsys.readouterr()
    assert "runtimes.sample.json is not written: " in output.err
    assert "it is now the contract in force, for every command and for pytest\n" in output.out
