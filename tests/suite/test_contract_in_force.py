"""One contract in force: what a project vendors is what pytest, its fixtures and every command use, and say so."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path

import pytest

from pytest_bctrl.contract.files import packaged
from tests.drift.published import TEXT, page
from tests.variants import named, serve

from .conftest import LiveRun, Typed

OWNED = TEXT.replace(
    "        id:\n          type: string\n", "        id:\n          type: string\n        owner:\n", 1
)
OWNED = TEXT.replace(
    "        updatedAt:\n          type: string\n",
    "        updatedAt:\n          type: string\n        owner:\n          type: string\n",
)
OWNED = OWNED.replace("        - updatedAt\n", "        - updatedAt\n        - owner\n")
"""The published spec, in which each runtime has an owner."""

SOURCE = f"(project, vendored {date.today()} from page.md)"
CONTRACT = f"contracts/runtimes.contract.json {SOURCE}"


@pytest.fixture
def project(pytester: pytest.Pytester, typed: Typed) -> Path:
    """A project that vendored an edited page, offline."""
    (pytester.path / "page.md").write_text(page(OWNED), "utf-8")
    assert 0 == typed("pytest-bctrl contract update page.md --contracts contracts").ret
    return pytester.path


def test_a_live_run_fails_where_the_server_lacks_the_new_property(project: Path, live: LiveRun) -> None:
    with serve(named("plain")) as server:
        result = live(server, "--bctrl-report=run.json")

    assert pytest.ExitCode.TESTS_FAILED == result.ret
    result.stdout.fnmatch_lines([f"bctrl: contract {CONTRACT.replace('(', '[(]')}", "*runtimes[[]*].owner*"])
    report = json.loads((project / "run.json").read_text())
    assert CONTRACT in report["base"]
    assert report["contract"]["source"] == CONTRACT


def test_the_gate_compares_with_it(project: Path, typed: Typed) -> None:
    same, changed = typed("pytest-bctrl drift page.md"), typed(f"pytest-bctrl drift {packaged().spec}")

    assert (0, 1) == (same.ret, changed.ret)
    where = f"the project has a folder contracts, vendored {date.today()} from page.md"
    same.stdout.fnmatch_lines([f"*compared with contracts/runtimes.openapi.yaml: {where}"])


def test_the_drift_test_of_a_run_compares_with_it(project: Path, pytester: pytest.Pytester) -> None:
    pytester.runpytest("--bctrl-upstream=page.md").assert_outcomes(passed=1)
    pytester.runpytest(f"--bctrl-upstream={packaged().spec}").assert_outcomes(failed=1)


def test_the_mock_serves_it(project: Path, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        from pytest_bctrl import check, schema, strategies
        from pytest_bctrl.samples import runtime
        from hypothesis import given

        def test_mock(bctrl_mock, bctrl_client, bctrl_space_id):
            (first, *_) = bctrl_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes").json()["runtimes"]
            assert first["owner"]

        def test_contract(bctrl_contract, bctrl_schema):
            assert "owner" in str(bctrl_contract.document)
            assert "owner" in str(bctrl_schema.raw_schema)
            assert bctrl_contract.origin.startswith("project, vendored")

        def test_check():
            body = {"runtimes": [{name: value for name, value in runtime().items() if name != "owner"}]}
            assert ["response_schema_conformance"] == [finding.rule for finding in check(body)]

        @given(strategies.runtimes())
        def test_strategies(one):
            assert isinstance(one["owner"], str)

        def test_schema():
            assert "owner" in str(schema().raw_schema)
        """
    )
    result = pytester.runpytest("-p", "hypothesispytest")

    result.assert_outcomes(passed=5)
    result.stdout.fnmatch_lines([f"bctrl: contract {CONTRACT.replace('(', '[(]')}"])


def test_the_mock_conforms_to_it(project: Path, pytester: pytest.Pytester) -> None:
    assert 0 == pytester.runpytest("--bctrl-mock", "bctrl").ret


def test_a_recording_is_held_to_it(project: Path, pytester: pytest.Pytester) -> None:
    """One of another contract is stale; one that is made now, of the mock, has the new property."""
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.bctrl_recording
        def test_it(bctrl_client, bctrl_space_id):
            assert bctrl_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes").json()["runtimes"][0]["owner"]
        """
    )
    pytester.runpytest("--bctrl-record-mode=once").assert_outcomes(passed=1)
    pytester.runpytest().assert_outcomes(passed=1)
    shutil.rmtree(project / "contracts")

    pytester.runpytest().stdout.fnmatch_lines(["*another contract*"])


def test_doctor_explain_show_and_check_name_it(project: Path, typed: Typed) -> None:
    (project / "body.json").write_text(json.dumps({"runtimes": []}), "utf-8")

    doctor, show = typed("pytest-bctrl doctor --offline"), typed("pytest-bctrl contract show")
    checked = typed("pytest-bctrl check body.json")

    doctor.stdout.fnmatch_lines(
        [f"*contract *, {project}/contracts/runtimes.contract.json {SOURCE.replace('(', '[(]')}*"]
    )
    assert CONTRACT == show.outlines[1]
    checked.stdout.fnmatch_lines([f"1 answer checked: * under contract *, {CONTRACT.replace('(', '[(]')}"])
    assert 0 == typed("pytest-bctrl explain unique_ids").ret
