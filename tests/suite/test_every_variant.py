"""The suite's verdict on each variant of an independent server: conforming ones pass, others fail by a fitting rule.

Each variant is served once to the probes, in this process; one of each sort also to a complete run of pytest.
"""

from __future__ import annotations

import collections
import json
import re
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from pytest_bctrl.exchanges.observer import Observer
from pytest_bctrl.findings.finding import FailOn, Finding, at_or_above
from pytest_bctrl.observed.differences import differences
from pytest_bctrl.secrets.secret import Secret
from pytest_bctrl.suite.run import ContractRun
from pytest_bctrl.suite.sending.target import RETRY, Target
from pytest_bctrl.traffic.retry import RetryPolicy
from tests.contract.documents import rooted
from tests.mock.coverage import alternatives_in, alternatives_of
from tests.observed.bodies import CONTRACT, OPERATION
from tests.reports.agreement import RUN_OPTIONS, assert_agreement
from tests.run_probes import BODY_TESTS, run_probes
from tests.suite.conftest import LiveRun
from tests.variants import CATALOGUE, Server, Variant, named, serve
from tests.variants.runtimes import Document
from tests.variants.service import Service

FAILS: dict[str, list[tuple[FailOn, bool]]] = {
    "pass": [("info", False)],
    "error": [("error", True)],
    "warning": [("error", False), ("warning", True)],
    "info": [("warning", False), ("info", True)],
}
"""For each expectation, the levels of `--bctrl-fail-on` to try, and whether the run fails with them."""

WAITING = ("drip", "endless", "hang", "silent", "-always")
"""Parts of the names of variants that keep a client waiting until it gives up, here after a second."""

IMPATIENT = RetryPolicy(RETRY.statuses, announced=RETRY.announced, budget=2.0, attempts=3, first_wait=0.01)

OBSERVED_RULES = ("undocumented_property", "response_schema_conformance")
"""The rules whose findings an observer of the same responses reports, too."""

RULES_OF_KIND: dict[str, set[str]] = {
    "harmless": set(),
    "schema": {"response_schema_conformance"},
    "undocumented": {"undocumented_property"},
    "invariants": {rule["rule"] for rule in OPERATION.invariants},
}
"""For each kind of fault in a body, the rules that report it; a value that breaks the schema may break others, too."""

UUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
FORMATS = FormatChecker(formats=())
FORMATS.checks("uuid")(lambda value: not isinstance(value, str) or UUID.fullmatch(value) is not None)
BODY = OPERATION.responses["200"].content["application/json"]
VALIDATOR = Draft202012Validator(rooted(CONTRACT, BODY), format_checker=FORMATS)


def test_names_of_variants_are_unique() -> None:
    """No two variants of the catalogue have the same name, and `named` raises `LookupError` for an unknown name."""
    assert [] == [
        name for name, count in collections.Counter(variant.name for variant in CATALOGUE).items() if count > 1
    ]
    with pytest.raises(LookupError, match="--list"):
        named("no such variant")


def test_the_plain_variant_covers_almost_every_alternative_of_the_schema() -> None:
    """Its body lacks only an empty list, and a `vnc` connection that is not available."""
    missing = alternatives_of(CONTRACT, BODY) - alternatives_in(CONTRACT, BODY, named("plain").service.document())
    assert {".runtimes is empty", ".runtimes[*].connections.vnc.available = False"} == missing


@cache
def count_invalid_locations(document: Document) -> int:
    """Return the number of locations at which jsonschema finds the document of a variant invalid."""
    return len({error.json_path for error in VALIDATOR.iter_errors(document())})


def test_each_schema_variant_is_invalid_at_exactly_one_location_by_jsonschema() -> None:
    """One has 300 invalid items instead. The bodies of all other kinds of variants are valid."""
    expected = {variant.name: int(variant.kind == "schema") for variant in CATALOGUE} | {
        "all-of-300-status-unknown": 300
    }
    assert expected == {variant.name: count_invalid_locations(variant.service.document) for variant in CATALOGUE}


def suite_tests_for(variant: Variant) -> tuple[str, ...]:
    """Return the suite's tests to run on a variant of the listed data; empty, for all, if it differs elsewhere."""
    if replace(variant.service, document=Service.document) != Service():
        return ()
    return (*BODY_TESTS, "test_conformance_is_kept") if variant.kind == "harmless" else BODY_TESTS


def suite_and_observer_findings(
    server: Server, *tests: str, **target_options: Any
) -> tuple[list[Finding], list[Finding]]:
    """Return the findings of the suite, run in this process, and those of an observer of the same responses.

    Only `tests` are run, if any are named. For a variant that keeps a client waiting, the time-out is a second.
    """
    observer = Observer(CONTRACT)
    key, values = Secret(server.api_key), {"space_id": server.space_id}
    run = ContractRun("live", CONTRACT, server.url, key, values, "error", max_examples=20)
    waits = any(word in server.variant.name for word in WAITING)
    target_options = {**({"retry": IMPATIENT, "timeout": 1.0} if waits else {}), **target_options}
    target = Target(run, observe=lambda response, query, headers: observer.observe_response(response), **target_options)
    try:
        return run_probes(target, *tests), differences(CONTRACT, observer.everything)
    finally:
        target.close()


def received_only_permitted_requests(server: Server) -> bool:
    """Return whether a server received at most 40 requests, each GET or HEAD and to its first origin.

    Requests that a rate limit rejects are not counted.
    """
    is_safe = {"GET", "HEAD"} >= {request.method for request in server.log}
    return is_safe and len(server.log) - server.rate_limited <= 40 and not server.requests_elsewhere


@pytest.mark.parametrize("variant", CATALOGUE, ids=str)
def test_each_variant_has_the_expected_findings(variant: Variant) -> None:
    """The level fails as expected, faults of bodies have rules of their kind, and the observer reports them, too.

    The server received no request that the suite must not send, and the key is in no finding.
    """
    with serve(variant) as server:
        findings, observed = suite_and_observer_findings(server, *suite_tests_for(variant))
        assert received_only_permitted_requests(server)
        assert server.api_key not in repr(findings)
    assert FAILS[variant.expect] == [(level, bool(at_or_above(findings, level))) for level, _ in FAILS[variant.expect]]
    if variant.kind in RULES_OF_KIND:
        rules = {finding.rule for finding in findings}
        assert RULES_OF_KIND[variant.kind] & rules or not rules
        assert variant.kind == "schema" or rules <= RULES_OF_KIND[variant.kind]
    if variant.kind in ("harmless", "schema", "undocumented"):
        # The observer reports exactly the findings of the checks in these responses, at the same locations, once each.
        of_checks = [finding for finding in findings if "engine" not in finding.extra]
        shaped = {(finding.rule, finding.location) for finding in of_checks if finding.rule in OBSERVED_RULES}
        assert sorted(shaped) == sorted(
            (finding.rule, finding.location) for finding in observed if finding.rule in OBSERVED_RULES
        )


def test_a_server_that_accepts_every_credential_has_one_finding() -> None:
    """It counts 16 kinds of credentials; location and message name the first, and the message lists the others."""
    with serve(named("no-auth-needed")) as server:
        findings, _ = suite_and_observer_findings(server)
    (finding_of_key,) = [finding for finding in at_or_above(findings, "error") if "engine" not in finding.extra]
    assert ("ignored_auth", "credential: no header", 16, 16) == (
        finding_of_key.rule,
        finding_of_key.location,
        finding_of_key.count,
        finding_of_key.total,
    )
    assert finding_of_key.message.startswith("an invalid credential is accepted, and so are 15 further kinds: ")
    assert "no header, HEAD" in finding_of_key.message


RUN_COMPLETELY = """
    plain empty-list gzip-chunked connection-close set-cookie nested-errors 429-once-with-date
    503-once-at-first name-missing last-of-300-status-unknown envelope-list fifth-answer-is-html
    500-on-odd-ids unknown-space-500 redirect-302-to-another-host 429-always body-cut reset-always
    html-with-200 error-404-html duplicate-key-in-item any-token-accepted remembered-by-connection
    head-needs-no-key undocumented-one-item same-id-in-all kind-not-type
"""
"""Names of variants: those that pass, those with findings, and those without responses."""

WITHOUT_RESPONSES = ("429-always", "reset-always")
"""Variants whose server sends no response that can be checked: the run is interrupted."""


@pytest.mark.parametrize("name", RUN_COMPLETELY.split())
def test_a_complete_run_reports_the_same_findings(name: str, live: LiveRun, pytester: pytest.Pytester) -> None:
    """A run of pytest reports what the probes report in this process, one request at a time; it exits accordingly.

    The numbers in all of its reports are the same. A variant without responses interrupts the run; there, two series
    of probes are compared, with and without overlap.
    """
    variant = named(name)
    with serve(variant) as server:
        findings, _ = suite_and_observer_findings(server, max_parallel=1)
    expected = {(finding.rule, finding.level, finding.location) for finding in findings}
    level, fails = FAILS[variant.expect][0]
    with serve(variant) as server:
        result = live(server, f"--bctrl-fail-on={level}", *RUN_OPTIONS)
        assert received_only_permitted_requests(server)
        assert server.api_key not in result.stdout.str() + result.stderr.str()
    assert_agreement(pytester.path, result.ret, result.stdout.str())
    exit_codes = {False: pytest.ExitCode.OK, True: pytest.ExitCode.TESTS_FAILED}
    assert (pytest.ExitCode.INTERRUPTED if name in WITHOUT_RESPONSES else exit_codes[fails]) == result.ret
    if name in WITHOUT_RESPONSES:
        with serve(variant) as server:
            overlapping, _ = suite_and_observer_findings(server)
        assert expected == {(finding.rule, finding.level, finding.location) for finding in overlapping}
        return
    report = json.loads((pytester.path / "report.json").read_text())
    assert expected == {(finding["rule"], finding["level"], finding["location"]) for finding in report["findings"]}
