"""A project with a document of its own: what `init` writes, `drift` compares and `contract update` replaces."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sysconfig
from collections.abc import Callable, Mapping
from copy import deepcopy
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
import yaml

from pytest_bctrl.contract.files import packaged
from tests.contract.test_in_force import vendored
from tests.typed import typed

from .upstream import Upstream, text

PET = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}, "age": {"type": "integer"}}}
PETS: Mapping[str, Any] = {
    "openapi": "3.0.3",
    "info": {"title": "Pets", "version": "1.0.0"},
    "servers": [{"url": "/"}],
    "paths": {
        "/pets": {
            "get": {"responses": {"200": {"description": "Pets", "content": {"application/json": {"schema": PET}}}}}
        }
    },
    "components": {"securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-Key"}}},
}
FOREIGN = re.compile(r"runtimes|spaces?\b|bctrl\.ai", re.IGNORECASE)
"""What no output about the API of somebody else may mention."""


def pets(change: Callable[[dict[str, Any]], object] = lambda schema: None, /, **members: object) -> str:
    """Return the document, with a change of the schema of a pet, and with these members."""
    document = {**deepcopy(dict(PETS)), **members}
    change(document["paths"]["/pets"]["get"]["responses"]["200"]["content"]["application/json"]["schema"])
    return json.dumps(document)


def breaking(schema: dict[str, Any]) -> None:
    """Make the name of a pet optional."""
    del schema["required"]


def compatible(schema: dict[str, Any]) -> None:
    """Require the age of a pet."""
    schema["required"].append("age")


def git(folder: Path, *arguments: str) -> None:
    """Run a git command in a folder."""
    author = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main")
    subprocess.run(["git", *author, *arguments], cwd=folder, check=True, capture_output=True, timeout=60)


def commit(folder: Path) -> None:
    """Commit everything in a folder, and make it the branch `main` of the remote."""
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "m")
    git(folder, "update-ref", "refs/remotes/origin/main", "HEAD")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return the folder of a repository with the document and what `init` writes, in one commit."""
    git(tmp_path, "init", "-q")
    (tmp_path / "api.json").write_text(pets(), "utf-8")
    assert 0 == typed(tmp_path, "init", "api.json").returncode
    commit(tmp_path)
    return tmp_path


@pytest.mark.parametrize("security", [{}, {"security": [{"key": []}]}], ids=["an overlay applies it", "applied"])
def test_after_the_printed_update_the_document_of_a_url_has_not_drifted(
    tmp_path: Path, upstream: Upstream, security: dict[str, object]
) -> None:
    """Every output says which contract is compared and why, and none mentions another API."""
    upstream.responses["/openapi.json"] = text(pets(**security))
    steps = [typed(tmp_path, "init", f"{upstream.url}/openapi.json"), typed(tmp_path, "drift")]
    upstream.responses["/openapi.json"] = text(pets(breaking, **security))
    changed = typed(tmp_path, "drift")
    update = changed.stderr.partition("to update your copy of the spec: pytest-bctrl ")[2].partition("\n")[0]
    steps += [changed, typed(tmp_path, *shlex.split(update), "--dry-run"), typed(tmp_path, *shlex.split(update))]
    steps += [typed(tmp_path, "drift"), typed(tmp_path, "doctor", "--offline"), typed(tmp_path, "contract", "show")]

    assert "contract update" == update
    assert [0, 0, 1, 0, 0, 0, 0, 0] == [step.returncode for step in steps], steps
    assert all("bctrl_contract (ini)" in step.stdout for step in steps[1:]), steps
    assert [] == [step.stdout for step in steps if FOREIGN.search(step.stdout + step.stderr)]
    assert pets(breaking, **security) == (tmp_path / "openapi.json").read_text("utf-8").rstrip("\n")


def gate(folder: Path) -> CompletedProcess[str]:
    """Run the step of the written job that compares with the base branch, as a runner does."""
    job = yaml.safe_load((folder / ".github" / "workflows" / "contract.yml").read_text("utf-8"))["jobs"]["mock"]
    (run,) = (step["run"] for step in job["steps"] if "drift" in step.get("run", ""))
    environment = {**os.environ, "GITHUB_BASE_REF": "main"}
    environment["PATH"] = f"{sysconfig.get_path('scripts')}{os.pathsep}{environment['PATH']}"
    return subprocess.run(
        ["bash", "-e", "-c", run],
        cwd=folder,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("change", "name", "code", "says"),
    [
        (breaking, "api.json", 1, "response-property-became-optional"),
        (compatible, "api.json", 0, "the new document is api.json: bctrl_contract (ini) sets it"),
        (breaking, "moved.json", 1, "response-property-became-optional"),
    ],
)
def test_the_job_on_pull_requests_fails_for_a_breaking_change_alone(
    project: Path, change: Callable[[dict[str, Any]], object], name: str, code: int, says: str
) -> None:
    """Also if the pull request renames the document."""
    git(project, "mv", "-k", "api.json", name)
    (project / name).write_text(pets(change), "utf-8")
    (project / "pytest.ini").write_text(f"[pytest]\nbctrl_contract = {name}\n", "utf-8")
    git(project, "add", "-A")

    done = gate(project)

    assert (code, True) == (done.returncode, says in done.stdout), done


def test_a_new_document_is_compared_with_nothing(project: Path) -> None:
    (project / "new.json").write_text(json.dumps({**PETS, "info": {"title": "New", "version": "1"}, "paths": {}}))
    done = typed(project, "drift", "new.json", "--base", "git:origin/main")
    assert 0 == done.returncode
    assert "note: nothing is compared, because new.json is new: origin/main does not have it\n" in done.stdout
    assert "required version bump" not in done.stdout


def test_in_a_shallow_clone_the_error_names_the_depth_to_fetch(project: Path, tmp_path: Path) -> None:
    git(project, "checkout", "-qb", "change")
    git(project, "clone", "-q", "--depth=1", f"file://{project}", "clone")
    done = typed(project / "clone", "drift", "--base", "git:origin/main")
    assert 2 == done.returncode
    assert "set fetch-depth: 0 of actions/checkout" in done.stderr


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("drift", "bctrl_upstream: no upstream of the contract api.json is known: bctrl_contract (ini) sets it"),
        ("contract update", "bctrl_upstream: no upstream of the contract api.json is known"),
        ("drift --base api.json", "it is the new document too; the contract in force is api.json: bctrl_contract"),
        ("drift --base git:nowhere", "git:nowhere: Not a valid object name"),
        ("drift --base git:-x", "git:-x: no revision is given"),
        ("drift --base - -", "standard input can be only one of the two"),
        ("contract build", "api.json: it has no overlay, so there is nothing to build: bctrl_contract (ini) sets it"),
        ("contract update api.json --contracts contracts", "a copy of the packaged contract, but the project uses"),
    ],
)
def test_what_cannot_be_compared_or_built_exits_with_2_and_what_to_do(project: Path, command: str, says: str) -> None:
    (project / "pytest.ini").write_text("[pytest]\nbctrl_contract = api.json\n", "utf-8")
    done = typed(project, *command.split())
    assert (2, True, None) == (done.returncode, says in done.stderr, FOREIGN.search(done.stderr)), done


def test_doctor_names_the_command_that_applies_an_overlay_to_a_changed_document(tmp_path: Path) -> None:
    (tmp_path / "api.json").write_text(pets(), "utf-8")
    assert 0 == typed(tmp_path, "init", "api.json").returncode
    (tmp_path / "api.json").write_text(pets(compatible), "utf-8")

    done = typed(tmp_path, "doctor", "--offline")
    (command,) = re.findall(r"is out of date: .*\n *fix: pytest-bctrl (contract build)\n", done.stdout)
    assert 1 == done.returncode

    assert ": written (bctrl_contract" in typed(tmp_path, *command.split()).stdout
    assert "out of date" not in typed(tmp_path, "doctor", "--offline").stdout


@pytest.mark.parametrize("command", ["drift api.json", "drift --base api.json", "contract update api.json --dry-run"])
def test_the_packaged_contract_is_not_compared_with_the_document_of_another_api(tmp_path: Path, command: str) -> None:
    """In a project that has neither a document nor a setting of its own."""
    (tmp_path / "api.json").write_text(pets(), "utf-8")
    done = typed(tmp_path, *command.split())
    assert (2, "", None) == (done.returncode, done.stdout, FOREIGN.search(done.stderr)), done
    assert "bctrl_contract is not set" in done.stderr


def test_an_update_writes_one_document_in_the_format_of_the_file(project: Path) -> None:
    """The new document is YAML, refers to a file beside it, and replaces JSON."""
    (project / "parts.yaml").write_text(yaml.safe_dump({"pet": {"type": "string"}}), "utf-8")
    document = json.loads(pets(lambda schema: schema.update({"properties": {"name": {"$ref": "parts.yaml#/pet"}}})))
    (project / "new.yaml").write_text(yaml.safe_dump(document), "utf-8")

    assert 0 == typed(project, "contract", "update", "new.yaml").returncode
    (project / "parts.yaml").unlink()

    assert "Pets" == json.loads((project / "api.json").read_text("utf-8"))["info"]["title"]
    assert 0 == typed(project, "contract", "show").returncode


def test_build_and_update_use_the_contract_that_the_configuration_names(tmp_path: Path) -> None:
    """It is a copy of the packaged contract in a folder of another name; `contracts` is not created."""
    files = vendored(tmp_path, "kept")
    files.merged.unlink()
    (tmp_path / "pytest.ini").write_text("[pytest]\nbctrl_contract = kept/runtimes.contract.json\n", "utf-8")
    spec = packaged().spec.read_text("utf-8").replace("version: 1.0.0", "version: 1.0.1")
    (tmp_path / "new.yaml").write_text(spec, "utf-8")

    built = typed(tmp_path, "contract", "build")
    updated = typed(tmp_path, "contract", "update", "new.yaml")

    assert ([0, 0], False) == ([built.returncode, updated.returncode], (tmp_path / "contracts").exists())
    assert "1.0.1" == json.loads(files.merged.read_text("utf-8"))["info"]["version"]
