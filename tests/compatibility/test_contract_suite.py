"""The contract suite: on the mock, against an independent server, and in reports."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from xml.etree import ElementTree

import jsonschema
import pytest

from pytest_bctrl.contract.files import packaged
from pytest_bctrl.reports.findings_json import findings_schema
from tests import forks
from tests.variants import named, serve
from tests.variants.server import Server

from .test_jobs import STRICT

TESTS = 45


@pytest.fixture(scope="module")
def loaded_python(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """Yield the command of a Python that has run the contract suite with all installed plugins; a run is its fork.

    Loading everything takes longer than most runs. Each is like a run of a new process, with other data or workers.
    """
    if not forks.IS_AVAILABLE:
        yield [sys.executable]
        return
    with forks.forking_server(tmp_path_factory.mktemp("forks"), *STRICT, "--bctrl-mock") as server:
        yield forks.command(server)


def live(pytester: pytest.Pytester, python: list[str], server: Server, *arguments: str) -> pytest.RunResult:
    """Run `pytest --bctrl-live` against a server, with warnings as errors."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BCTRL_API_KEY", server.api_key)
        patch.setenv("BCTRL_SPACE_ID", server.space_id)
        options = ("--bctrl-live", f"--bctrl-base-url={server.url}", *STRICT)
        return pytester.run(*python, "-m", "pytest", *options, *arguments)


def test_the_suite_runs_without_plugin_autoload(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")

    result = pytester.runpytest_subprocess("-p", "pytest_bctrl.plugin", "--bctrl-mock", *STRICT)

    result.assert_outcomes(passed=TESTS)


def test_the_suite_passes_against_the_mock_with_workers(pytester: pytest.Pytester, loaded_python: list[str]) -> None:
    result = pytester.run(*loaded_python, "-m", "pytest", "--bctrl-mock", *STRICT, "-n2")

    result.assert_outcomes(passed=TESTS)


def test_a_conforming_server_passes_and_is_reported(pytester: pytest.Pytester) -> None:
    """All tests pass; five reports are written: JSON says passed, SARIF has no result, and JUnit no failure."""
    formats = ("html", "json", "md", "sarif", "xml")
    with serve(named("plain")) as server:
        result = live(pytester, [sys.executable], server, *(f"--bctrl-report=report.{suffix}" for suffix in formats))

    result.assert_outcomes(passed=TESTS)
    texts = {suffix: (pytester.path / f"report.{suffix}").read_text("utf-8") for suffix in formats}
    report = json.loads(texts["json"])
    jsonschema.Draft202012Validator(findings_schema()).validate(report)
    assert "passed" == report["verdict"]["status"]
    assert [] == json.loads(texts["sarif"])["runs"][0]["results"]
    assert 0 == sum(int(suite.get("failures", 0)) for suite in ElementTree.fromstring(texts["xml"]).iter("testsuite"))


def test_each_fault_of_a_server_is_found_by_its_rule(pytester: pytest.Pytester, loaded_python: list[str]) -> None:
    """One server has three faults: a wrong value, a duplicate key, and a crash on unusual paths."""
    value, text, crash = map(named, ("last-of-300-status-unknown", "duplicate-key-in-item", "500-on-odd-ids"))
    service = replace(value.service, listed=text.service.listed, unknown=crash.service.unknown)
    with serve(replace(value, service=service)) as server:
        result = live(pytester, loaded_python, server, "--bctrl-report=report.json")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    report = json.loads((pytester.path / "report.json").read_text("utf-8"))
    rules = {finding["rule"] for finding in report["findings"]}
    assert {"response_schema_conformance", "strict_json", "not_a_server_error"} <= rules


GENERATED = """
from hypothesis import HealthCheck, settings

from pytest_bctrl import schema

unhurried = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=5, deadline=None)


@schema().parametrize()
@unhurried
def test_generated(case, bctrl_client, bctrl_mock):
    FAULT
    case.path_parameters = {"id": bctrl_mock.space_id}
    response = bctrl_client.request(case.method, case.formatted_path, params=case.query)
    assert 200 == response.status_code
    case.validate_response(response)


@schema().parametrize()
@unhurried
def test_any_space(case, bctrl_client):
    response = bctrl_client.request(case.method, case.formatted_path, params=case.query)
    assert 404 == response.status_code
    case.validate_response(response)


def test_inside(bctrl_schema, bctrl_client, bctrl_mock):
    FAULT
    case = bctrl_schema["/v1/spaces/{id}/runtimes"]["GET"].Case(path_parameters={"id": bctrl_mock.space_id})
    case.validate_response(bctrl_client.request(case.method, case.formatted_path))


@schema().parametrize()
@settings(max_examples=5, deadline=None)
def test_sent_by_schemathesis(case, bctrl_mock_server):
    key = {"Authorization": f"Bearer {bctrl_mock_server.api_key}"}
    case.call_and_validate(base_url=bctrl_mock_server.url, headers=key)
"""


FAULTS = {
    "test_conforming.py": "pass",
    "test_wrong_value.py": "bctrl_mock.fault('break_rule', 'runtimes[*].status: enum')",
    "test_wrong_type.py": "bctrl_mock.fault('wrong_content_type')",
}
"""The statement that sets up the mock in each module of generated requests."""

STRATEGIES = """
import json
from hypothesis import HealthCheck, given, settings
from pytest_bctrl import check
from pytest_bctrl.strategies import nonconforming, responses

unhurried = settings(suppress_health_check=[HealthCheck.too_slow], max_examples=5, deadline=None)

def test_schema(bctrl_schema):
    assert "GET" in bctrl_schema["/v1/spaces/{id}/runtimes"]

@unhurried
@given(responses())
def test_conforming(body):
    assert [] == check(body)

@unhurried
@given(nonconforming())
def test_broken(case):
    assert case.rule in {finding.rule for finding in check(json.dumps(case.body))}
"""


def test_schema_and_strategies_generate_data_in_one_run(pytester: pytest.Pytester) -> None:
    """With `schema()`, `bctrl_schema` and strategies, tests pass on a conforming mock, and fail on one with a fault."""
    for name, fault in FAULTS.items():
        (pytester.path / name).write_text(GENERATED.replace("FAULT", fault), "utf-8")
    (pytester.path / "test_strategies.py").write_text(STRATEGIES, "utf-8")

    result = pytester.runpytest_subprocess(*STRICT, "-v", "-rf")

    passed = Counter(line.partition("::")[0] for line in result.outlines if " PASSED " in line)
    assert {**dict.fromkeys(FAULTS, 2), "test_conforming.py": 4, "test_strategies.py": 3} == passed
    summary = [line for line in result.outlines if line.startswith("FAILED ")]
    assert 4 == len(summary)
    for name in ("test_wrong_value.py", "test_wrong_type.py"):
        for test in ("test_generated", "test_inside"):
            assert any(line.startswith(f"FAILED {name}::{test}") for line in summary)
    failures = [line for line in result.outlines if "FailureGroup: Schemathesis found 1 distinct failure" in line]
    assert 4 == len([line for line in failures if line not in summary])
    result.assert_outcomes(passed=11, failed=4)


def test_schema_uses_the_contract_in_force_during_collection(
    pytester: pytest.Pytester, loaded_python: list[str]
) -> None:
    """In a module, a `conftest.py` and a fixture, also on a worker; changing one schema changes no further one."""
    document = json.loads(packaged().merged.read_text("utf-8"))
    document["paths"]["/v2/mine"] = document["paths"].pop("/v1/spaces/{id}/runtimes")
    (pytester.path / "own.json").write_text(json.dumps(document), "utf-8")
    pytester.makeini("[pytest]\nbctrl_contract = own.json\n")
    pytester.makeconftest("from pytest_bctrl import schema\nEARLY = schema()\n")
    (pytester.path / "sub").mkdir()
    (pytester.path / "sub" / "test_mine.py").write_text(
        """
from conftest import EARLY
from pytest_bctrl import schema

MINE = schema()

def test_it(bctrl_schema):
    assert [["/v2/mine"]] * 3 == [[*any_schema.raw_schema["paths"]] for any_schema in (EARLY, MINE, bctrl_schema)]
    MINE.config.generation.update(max_examples=1)
    assert 1 != schema().config.generation.max_examples
""",
        "utf-8",
    )

    pytester.runpytest_subprocess(*STRICT, "sub").assert_outcomes(passed=1)
    pytester.run(*loaded_python, "-m", "pytest", *STRICT, "sub", "-n1").assert_outcomes(passed=1)
