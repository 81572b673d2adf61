"""A conforming application is green on each stack and behind each proxy; a broken one is red for its own reason."""

from __future__ import annotations

import pytest

from pytest_bctrl.contract.read import load
from pytest_bctrl.findings.finding import Finding, at_or_above
from pytest_bctrl.secrets.secret import Secret
from pytest_bctrl.suite.run import ContractRun
from pytest_bctrl.suite.sending.target import Target
from tests.run_probes import run_probes
from tests.stacks.api import KEY, SPACE
from tests.stacks.servers import PROXIES, SERVERS, running

STOCK = [name for name in PROXIES if not name.endswith("-that-caches")]


def findings_of(server: str, proxy: str = "", fault: str = "") -> list[Finding]:
    """Return the findings of a contract run, which sends at most 40 requests and shows no key."""
    with running(server, proxy, fault) as url:
        target = Target(ContractRun("live", load(), url, Secret(KEY), {"space_id": SPACE}, "error", max_examples=20))
        try:
            findings = run_probes(target)
        finally:
            target.close()
    assert target.tally.account.total() <= 40
    assert KEY not in repr(findings)
    return findings


@pytest.mark.parametrize("server", SERVERS)
def test_a_conforming_application_passes_on_every_server(server: str) -> None:
    """A contract run has no error or warning."""
    assert [] == at_or_above(findings_of(server), "warning")


@pytest.mark.parametrize("server", ["fastapi-uvicorn", "flask-gunicorn"])
@pytest.mark.parametrize("proxy", STOCK)
def test_a_conforming_application_passes_behind_a_proxy(server: str, proxy: str) -> None:
    """No error or warning; any other finding is about a response of the proxy itself, and says so."""
    findings = findings_of(server, proxy)
    assert [] == at_or_above(findings, "warning")
    assert all(
        "a proxy or framework in front of the application" in finding.extra["answered_by"] for finding in findings
    )


FAULTS = {
    "no-name": {("response_schema_conformance", "runtimes[*].name")},
    "crash": {("not_a_server_error", "status")},
    "html-type": {("content_type_conformance", "header Content-Type")},
    "detail": {("response_schema_conformance", "$")},
    "any-key": {("ignored_auth", "credential: no header")},
}


@pytest.mark.parametrize("proxy", STOCK)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_application_fails_behind_a_proxy(proxy: str, fault: str) -> None:
    """The errors include those of the fault; apart from content type and strict JSON, they have one rule at most."""
    errors = at_or_above(findings_of("wsgi-gunicorn", proxy, fault), "error")
    assert FAULTS[fault] <= {(finding.rule, finding.location) for finding in errors}
    assert len({finding.rule for finding in errors} - {"content_type_conformance", "strict_json"}) <= 1


@pytest.mark.parametrize("proxy", ["nginx-that-caches", "varnish-that-caches"])
def test_a_proxy_that_caches_responses_across_keys_is_found(proxy: str) -> None:
    """The only error is that wrong credentials are accepted."""
    errors = at_or_above(findings_of("wsgi-gunicorn", proxy, "cached"), "error")
    assert [("ignored_auth", "credential: no header")] == [(finding.rule, finding.location) for finding in errors]
    assert "further kinds: " in errors[0].message
