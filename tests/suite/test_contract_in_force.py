"""The contract that a project vendors is the one that pytest, its fixtures and the commands use and name."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path

import pytest

from pytest_bctrl.contract.files import packaged
from tests.drift.published import TEXT, page
from tests.mock.mock_command import MockCommand
from tests.variants import named, serve

from .conftest import LiveRun, Typed

OWNED = TEXT.replace(
    "        updatedAt:\n          type: string\n",
    "        updatedAt:\n          type: string\n        owner:\n          type: string\n",
)
OWNED = OWNED.replace("        - updatedAt\n", "        - updatedAt\n        - owner\n")
"""The published spec, in which each runtime must have an owner."""

SOURCE = f"(project, vendored {date.today()} from page.md)"
CONTRACT = f"contracts/runtimes.contract.json {SOURCE}"


CUSTOM_ERRORS = ["error-shape-message-only", "error-shape-problem-details", "error-404-text", "plain"]


@pytest.fixture
def project(pytester: pytest.Pytester, typed: Typed) -> Path:
    """Return the folder of a project that vendored `OWNED` from a page in it."""
    (pytester.path / "page.md").write_text(page(OWNED), "utf-8")
    assert 0 == typed("pytest-bctrl contract update page.md --contracts contracts").ret
    return pytester.path


def test_a_live_run_fails_where_the_server_lacks_the_new_property(project: Path, live: LiveRun) -> None:
    """The project's vendored contract requires `owner`; header and report name that contract."""
    with serve(named("plain")) as server:
        result = live(server, "--bctrl-report=run.json")

    assert pytest.ExitCode.TESTS_FAILED == result.ret
    result.stdout.fnmatch_lines([f"bctrl: contract {CONTRACT.replace('(', '[(]')}", "*runtimes[[]*].owner*"])
    report = json.loads((project / "run.json").read_text())
    assert CONTRACT in report["base"]
    assert report["contract"]["source"] == CONTRACT


def test_the_gate_compares_with_the_project_contract(project: Path, typed: Typed) -> None:
    """It exits with 0 for the page that was vendored, and with 1 for the packaged spec."""
    same, changed = typed("pytest-bctrl drift page.md"), typed(f"pytest-bctrl drift {packaged().spec}")

    assert (0, 1) == (same.ret, changed.ret)
    where = f"the project has a contracts folder, vendored {date.today()} from page.md"
    same.stdout.fnmatch_lines([f"*compared with contracts/runtimes.openapi.yaml: {where}"])


def test_the_drift_test_compares_with_the_project_contract(project: Path, pytester: pytest.Pytester) -> None:
    """The test of `--bctrl-upstream` passes for the page that was vendored, and fails for the packaged spec."""
    pytester.runpytest("--bctrl-upstream=page.md").assert_outcomes(passed=1)
    pytester.runpytest(f"--bctrl-upstream={packaged().spec}").assert_outcomes(failed=1)


def test_the_fixtures_use_the_project_contract(project: Path, pytester: pytest.Pytester) -> None:
    """Mock, contract, schema, strategies and samples all have the property that the project added."""
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
        def test_strategies(generated):
            assert isinstance(generated["owner"], str)

        def test_schema():
            assert "owner" in str(schema().raw_schema)
        """
    )
    result = pytester.runpytest("-p", "hypothesispytest")

    result.assert_outcomes(passed=5)
    result.stdout.fnmatch_lines([f"bctrl: contract {CONTRACT.replace('(', '[(]')}"])


def test_the_mock_conforms_to_the_project_contract(project: Path, pytester: pytest.Pytester) -> None:
    """`pytest --bctrl-mock bctrl` passes in a project with a vendored contract."""
    assert 0 == pytester.runpytest("--bctrl-mock", "bctrl").ret


def test_recordings_are_validated_against_the_project_contract(project: Path, pytester: pytest.Pytester) -> None:
    """A recording of the mock has the new property; without the contract, it is one of another contract."""
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


def test_commands_use_and_name_the_project_contract(project: Path, typed: Typed) -> None:
    """`doctor`, `contract show` and `check` print its path and source; `explain` exits with 0."""
    (project / "body.json").write_text(json.dumps({"runtimes": []}), "utf-8")

    doctor, show = typed("pytest-bctrl doctor --offline"), typed("pytest-bctrl contract show")
    checked = typed("pytest-bctrl check body.json")

    doctor.stdout.fnmatch_lines(
        [f"*contract *, {project}/contracts/runtimes.contract.json {SOURCE.replace('(', '[(]')}*"]
    )
    assert CONTRACT == show.outlines[1]
    checked.stdout.fnmatch_lines([f"1 exchange: 1 checked; * under contract *, {CONTRACT.replace('(', '[(]')}"])
    assert 0 == typed("pytest-bctrl explain unique_ids").ret


def test_the_mock_command_names_the_project_contract(project: Path, python: list[str]) -> None:
    """The third line that it prints has the contract's path and source."""
    with MockCommand(python, project).running() as mock:
        assert mock.process.stdout is not None
        *_, contract = (mock.process.stdout.readline() for _ in range(3))
    assert f"contract {CONTRACT}\n" == contract


@pytest.mark.parametrize("server", CUSTOM_ERRORS)
def test_a_server_with_custom_error_bodies_passes_against_the_published_contract(live: LiveRun, server: str) -> None:
    """Only key and space are set; the run reports what it does not check."""
    with serve(named(server)) as running:
        result = live(running, "--bctrl-contract=published", "bctrl", "-v")

    assert pytest.ExitCode.OK == result.ret
    result.stdout.fnmatch_lines(
        [
            "bctrl: contract *(packaged, published spec without the overlay, vendored *; credentials and rejections "
            "are "
            "not checked)",
            "not checked  credentials and rejections, which the published spec does not describe",
        ]
    )


@pytest.mark.parametrize("fault", ["status-missing", "activeRunId-number"])
def test_a_body_that_violates_the_published_contract_fails_the_run(live: LiveRun, fault: str) -> None:
    with serve(named(fault)) as server:
        assert pytest.ExitCode.TESTS_FAILED == live(server, "--bctrl-contract=published", "bctrl").ret


def test_published_is_the_spec_vendored_by_the_project(project: Path, live: LiveRun) -> None:
    """`--bctrl-contract=published` fails against a server that lacks the project's new property."""
    with serve(named("plain")) as server:
        assert pytest.ExitCode.TESTS_FAILED == live(server, "--bctrl-contract=published", "bctrl").ret


@pytest.mark.parametrize(
    "text",
    [
        TEXT.replace("scheme: bearer", "scheme: basic"),
        TEXT[: TEXT.index("  securitySchemes:")],
        TEXT.replace("application/json:", "application/vnd+json:"),
    ],
    ids=["basic", "no scheme", "media type"],
)
def test_the_gate_and_the_drift_test_fail_for_the_same_change(
    pytester: pytest.Pytester, typed: Typed, text: str
) -> None:
    """`pytest-bctrl drift page.md` exits with 1, and the test of `--bctrl-upstream` fails."""
    (pytester.path / "page.md").write_text(page(text), "utf-8")

    assert 1 == typed("pytest-bctrl drift page.md").ret
    pytester.runpytest("--bctrl-upstream=page.md").assert_outcomes(failed=1)


def test_changed_samples_and_versions_are_info(pytester: pytest.Pytester, typed: Typed) -> None:
    """`drift` of a page with a new version and another code sample exits with 0."""
    changed = page(TEXT.replace("version: 1.0.0", "version: 1.1.0")).replace("import requests", "import httpx")
    (pytester.path / "page.md").write_text(changed, "utf-8")

    gate = typed("pytest-bctrl drift page.md")

    assert 0 == gate.ret
    gate.stdout.fnmatch_lines(["2 info", "*INFO api-version-changed", "*INFO page-sample-changed"])


def test_an_overlay_that_no_longer_applies_is_a_note_of_the_gate(pytester: pytest.Pytester, typed: Typed) -> None:
    (pytester.path / "page.md").write_text(page(TEXT.replace("- name: Authorization", "- name: X-Other")), "utf-8")

    gate = typed("pytest-bctrl drift page.md")

    gate.stdout.fnmatch_lines(["note: the overlay no longer applies: *action 1 *"])


@pytest.mark.parametrize("file", ["pytest.ini", "pytest.toml", "pyproject.toml"])
def test_the_gate_without_arguments_reads_bctrl_upstream(
    project: Path, typed: Typed, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    """From a subfolder: it exits with 0 for the vendored page, and with 1 after the page changed."""
    tables = {
        "pytest.ini": "[pytest]\nbctrl_upstream = page.md\n",
        "pytest.toml": "[pytest]\n{}",
        "pyproject.toml": "[tool.pytest]\n{}",
    }
    (project / file).write_text(tables[file].format("bctrl_upstream = 'page.md'\n"), "utf-8")
    (project / "sub").mkdir()
    monkeypatch.chdir(project / "sub")

    assert 0 == typed("pytest-bctrl drift").ret
    (project / "page.md").write_text(page(TEXT), "utf-8")
    assert 1 == typed("pytest-bctrl drift").ret


def test_update_without_arguments_reads_the_page_in_the_lock(project: Path, typed: Typed) -> None:
    """The error names the URL that the lock has as `page`."""
    lock = json.loads((project / "contracts" / "runtimes.lock.json").read_text())
    unknown = {**lock, "page": "http://127.0.0.1:1/page.md"}
    (project / "contracts" / "runtimes.lock.json").write_text(json.dumps(unknown))

    result = typed("pytest-bctrl contract update")

    assert 2 == result.ret
    result.stderr.fnmatch_lines(["pytest-bctrl: http://127.0.0.1:1/page.md: it cannot be fetched: *"])


class TestDoctor:
    """`pytest-bctrl doctor` on the contract in force."""

    def test_doctor_reports_a_contract_folder_that_is_not_used(self, pytester: pytest.Pytester, typed: Typed) -> None:
        (pytester.path / "contracts").mkdir()
        typed("pytest-bctrl doctor --offline").stdout.fnmatch_lines(
            ["- contract   */contracts is not used: it contains no contract of pytest-bctrl"]
        )

    def test_doctor_reports_an_overlay_that_changed_since_the_last_build(self, project: Path, typed: Typed) -> None:
        overlay = project / "contracts" / "runtimes.overlay.yaml"
        overlay.write_text(overlay.read_text().replace("The request is malformed.", "It is not."))

        result = typed("pytest-bctrl doctor --offline")

        assert 1 == result.ret
        result.stdout.fnmatch_lines(
            [
                "! contract   */runtimes.contract.json is out of date: its spec or overlay has changed",
                "* fix: pytest-bctrl contract build --contracts contracts",
            ]
        )

    def test_doctor_reports_an_overlay_without_actions(self, project: Path, typed: Typed) -> None:
        (project / "contracts" / "runtimes.overlay.yaml").write_text("overlay: 1.0.0\nactions: []\n")

        result = typed("pytest-bctrl doctor --offline")

        assert 1 == result.ret
        result.stdout.fnmatch_lines(["! contract   *runtimes.overlay.yaml: it has no list of actions"])

    def test_doctor_reports_that_the_published_contract_has_no_overlay(self, project: Path, typed: Typed) -> None:
        typed("pytest-bctrl doctor --offline -- --bctrl-contract=published").stdout.fnmatch_lines(
            ["*runtimes.openapi.yaml (project, published spec without the overlay, *), no overlay"]
        )
