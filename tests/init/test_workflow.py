"""The CI job that `pytest-bctrl init` writes."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from pytest_bctrl.cli.installed import pinned_requirement
from pytest_bctrl.contract.files import packaged
from pytest_bctrl.settings import lookup, table
from pytest_bctrl.settings.project import read_config
from tests import current_server
from tests.docs.blocks import blocks
from tests.docs.page import PROJECT
from tests.traffic.servers import response, serve

from .conftest import DOCUMENT, WORKFLOW, Init, run_command, steps


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
