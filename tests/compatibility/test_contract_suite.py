"""The contract suite, which needs the extra: on the mock, against an independent server, and reported."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.util import find_spec
from xml.etree import ElementTree

import pytest

from pytest_bctrl.reports.findings_json import findings_schema
from tests.variants import named, serve
from tests.variants.server import Server

from .test_jobs import STRICT

pytestmark = pytest.mark.skipif(find_spec("schemathesis") is None, reason="it needs the extra `contract`")
TESTS = 37


def live(pytester: pytest.Pytester, server: Server, *arguments: str) -> pytest.RunResult:
    """Run the contract suite against a server, as against the live API."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BCTRL_API_KEY", server.api_key)
        patch.setenv("BCTRL_SPACE_ID", server.space_id)
        return pytester.runpytest_subprocess("--bctrl-live", f"--bctrl-base-url={server.url}", *STRICT, *arguments)


def test_the_mock_passes_on_workers(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_subprocess("--bctrl-mock", *STRICT, "-n2")

    result.assert_outcomes(passed=TESTS)


def test_it_runs_where_no_plugin_loads_by_itself(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")

    result = pytester.runpytest_subprocess("-p", "pytest_bctrl.plugin", "--bctrl-mock", *STRICT)

    result.assert_outcomes(passed=TESTS)


def test_a_conforming_server_passes_and_is_reported(pytester: pytest.Pytester) -> None:
    import jsonschema

    formats = ("html", "json", "md", "sarif", "xml")
    with serve(named("plain")) as server:
        result = live(pytester, server, *(f"--bctrl-report=report.{suffix}" for suffix in formats))

    result.assert_outcomes(passed=TESTS)
    texts = {suffix: (pytester.path / f"report.{suffix}").read_text("utf-8") for suffix in formats}
    report = json.loads(texts["json"])
    jsonschema.Draft202012Validator(findings_schema()).validate(report)
    assert "passed" == report["verdict"]["status"]
    assert [] == json.loads(texts["sarif"])["runs"][0]["results"]
    assert 0 == sum(int(suite.get("failures", 0)) for suite in ElementTree.fromstring(texts["xml"]).iter("testsuite"))


def test_each_fault_of_a_server_fails_by_its_rule(pytester: pytest.Pytester) -> None:
    """One of a value, which the engine finds, one of the text, and one that only a generated path shows."""
    value, text, crash = map(named, ("last-of-300-status-unknown", "duplicate-key-in-item", "500-on-odd-ids"))
    service = replace(value.service, listed=text.service.listed, unknown=crash.service.unknown)
    with serve(replace(value, service=service)) as server:
        result = live(pytester, server, "--bctrl-report=report.json")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    report = json.loads((pytester.path / "report.json").read_text("utf-8"))
    found = {finding["rule"] for finding in report["findings"]}
    assert {"response_schema_conformance", "strict_json", "not_a_server_error"} <= found


def test_the_schema_and_the_strategies(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import json
        from hypothesis import given, settings
        from pytest_bctrl import check
        from pytest_bctrl.strategies import nonconforming, responses

        def test_schema(bctrl_schema):
            assert "GET" in bctrl_schema["/v1/spaces/{id}/runtimes"]

        @settings(max_examples=5)
        @given(responses())
        def test_conforming(body):
            assert [] == check(body)

        @settings(max_examples=5)
        @given(nonconforming())
        def test_broken(case):
            assert case.rule in {finding.rule for finding in check(json.dumps(case.body))}
        """
    )

    pytester.runpytest_subprocess(*STRICT).assert_outcomes(passed=3)
