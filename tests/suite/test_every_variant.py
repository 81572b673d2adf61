"""The verdict on every variant of an independent server: conforming ones pass, faulty ones fail, by their own kind.

Each variant is played once, in this process. One of each kind is a whole run of pytest as well, which finds the same.
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

from pytest_bctrl.findings.finding import FailOn, Finding, at_or_above
from pytest_bctrl.observed.differences import differences
from pytest_bctrl.secrets.secret import Secret
from pytest_bctrl.suite.plan.catalogue import BODY_TESTS
from pytest_bctrl.suite.report.observing import Observer
from pytest_bctrl.suite.run import ContractRun
from pytest_bctrl.suite.run_probes import run_probes
from pytest_bctrl.suite.sending.target import RETRY, Target
from pytest_bctrl.traffic.retry import RetryPolicy
from tests.contract.documents import rooted
from tests.mock.coverage import seen, to_see
from tests.observed.bodies import CONTRACT, OPERATION
from tests.suite.conftest import LiveRun
from tests.variants import CATALOGUE, Server, Variant, named, serve
from tests.variants.runtimes import Document
from tests.variants.service import Service

FAILS: dict[str, list[tuple[FailOn, bool]]] = {
    "pass": [("info", False)],
    "error": [("error", True)],
    "warning": [("error", False), ("warning", True)],
}
"""For each expectation, whether a run fails at a level."""

WAITING = ("drip", "endless", "hang", "silent", "-always")
"""Parts of the names of variants that keep a client waiting until it gives up, here after a second."""

IMPATIENT = RetryPolicy(RETRY.statuses, announced=RETRY.announced, budget=2.0, attempts=3, first_wait=0.01)

SHAPE = ("undocumented_property", "response_schema_conformance")
"""The rules whose findings an observer of the same answers reports, too."""

OWN: dict[str, set[str]] = {
    "harmless": set(),
    "schema": {"response_schema_conformance"},
    "undocumented": {"undocumented_property"},
    "invariants": {rule["rule"] for rule in OPERATION.invariants},
}
"""The rules by which a fault of a body is found; a value that breaks the schema may break other rules, too."""

UUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
FORMATS = FormatChecker(formats=())
FORMATS.checks("uuid")(lambda value: not isinstance(value, str) or UUID.fullmatch(value) is not None)
BODY = OPERATION.responses["200"].content["application/json"]
VALIDATOR = Draft202012Validator(rooted(CONTRACT, BODY), format_checker=FORMATS)


def test_names_of_variants_are_unique() -> None:
    """In the catalogue; `named` raises `LookupError` for an unknown one."""
    assert [] == [
        name for name, count in collections.Counter(variant.name for variant in CATALOGUE).items() if count > 1
    ]
    with pytest.raises(LookupError, match="--list"):
        named("no such variant")


def test_the_plain_variant_covers_almost_every_alternative_of_the_schema() -> None:
    """All but an empty list and a connection that is not available."""
    unseen = to_see(CONTRACT, BODY) - seen(CONTRACT, BODY, named("plain").service.document())
    assert {".runtimes is empty", ".runtimes[*].connections.vnc.available = False"} == unseen


@cache
def places(document: Document) -> int:
    """Return the number of locations at which jsonschema finds the document of a variant invalid."""
    return len({error.json_path for error in VALIDATOR.iter_errors(document())})


def test_each_schema_variant_is_invalid_at_exactly_one_location_by_jsonschema() -> None:
    """But for the one whose 300 items are all invalid; other kinds of variants have a valid body."""
    expected = {variant.name: int(variant.kind == "schema") for variant in CATALOGUE} | {
        "all-of-300-status-unknown": 300
    }
    assert expected == {variant.name: places(variant.service.document) for variant in CATALOGUE}


def asked_of(variant: Variant) -> tuple[str, ...]:
    """Return the tests that can detect the variant's fault; all tests if the fault is not in a body."""
    if replace(variant.service, document=Service.document) != Service():
        return ()
    return (*BODY_TESTS, "test_conformance_is_kept") if variant.kind == "harmless" else BODY_TESTS


def judged(server: Server, *tests: str, **patience: Any) -> tuple[list[Finding], list[Finding]]:
    """Return the findings of the suite, or of some tests, and those of an observer of the same responses."""
    observer = Observer(CONTRACT)
    key, values = Secret(server.api_key), {"space_id": server.space_id}
    run = ContractRun("live", CONTRACT, server.url, key, values, "error", max_examples=20)
    waits = any(word in server.variant.name for word in WAITING)
    patience = {**({"retry": IMPATIENT, "timeout": 1.0} if waits else {}), **patience}
    target = Target(run, observe=lambda response, query, headers: observer.observe_response(response), **patience)
    try:
        return run_probes(target, *tests), differences(CONTRACT, observer.everything)
    finally:
        target.close()


def asked_as_promised(server: Server) -> bool:
    is_safe = {"GET", "HEAD"} >= {request.method for request in server.log}
    # Requests that a rate limit rejects are sent again.
    return is_safe and len(server.log) - server.rate_limited <= 40 and not server.strays


@pytest.mark.parametrize("variant", CATALOGUE, ids=str)
def test_each_variant_has_the_expected_findings(variant: Variant) -> None:
    """By level, by rules of its kind, and for traffic that is only observed; the key is in no finding."""
    with serve(variant) as server:
        findings, observed = judged(server, *asked_of(variant))
        assert asked_as_promised(server)
        assert server.api_key not in repr(findings)
    assert FAILS[variant.expect] == [(level, bool(at_or_above(findings, level))) for level, _ in FAILS[variant.expect]]
    if variant.kind in OWN:
        rules = {finding.rule for finding in findings}
        assert OWN[variant.kind] & rules or not rules
        assert variant.kind == "schema" or rules <= OWN[variant.kind]
    if variant.kind in ("harmless", "schema", "undocumented"):
        # The observer reports exactly the findings of the checks in these responses, at the same locations, once each.
        ours = [finding for finding in findings if "engine" not in finding.extra]
        shaped = {(finding.rule, finding.location) for finding in ours if finding.rule in SHAPE}
        assert sorted(shaped) == sorted(
            (finding.rule, finding.location) for finding in observed if finding.rule in SHAPE
        )


def test_a_server_that_accepts_every_credential_has_one_finding() -> None:
    """It counts 16 kinds of credentials, and the message lists them."""
    with serve(named("no-auth-needed")) as server:
        findings, _ = judged(server)
    (finding_of_key,) = [finding for finding in at_or_above(findings, "error") if "engine" not in finding.extra]
    assert ("ignored_auth", "credential: no header", 16, 16) == (
        finding_of_key.rule,
        finding_of_key.location,
        finding_of_key.count,
        finding_of_key.total,
    )
    assert finding_of_key.message.startswith("an invalid credential is accepted, and so are 15 further kinds: ")
    assert "no header, HEAD" in finding_of_key.message


WHOLE = """
    plain empty-list gzip-chunked connection-close set-cookie nested-errors 429-once-with-date
    503-once-at-first name-missing last-of-300-status-unknown envelope-list fifth-answer-is-html
    500-on-odd-ids unknown-space-500 redirect-302-to-another-host 429-always body-cut reset-always
    html-with-200 error-404-html duplicate-key-in-item any-token-accepted remembered-by-connection
    head-needs-no-key undocumented-one-item same-id-in-all kind-not-type
"""
"""One variant of each kind: the ways to pass, to be found, to get no answer and to leak."""

UNASKED = ("429-always", "reset-always")
"""Those that give no answer at all: they could not be checked."""


@pytest.mark.parametrize("name", WHOLE.split())
def test_a_complete_run_reports_the_same_findings(name: str, live: LiveRun, pytester: pytest.Pytester) -> None:
    """pytest reports what the probes find without pytest, although its requests overlap."""
    variant = named(name)
    with serve(variant) as server:
        findings, _ = judged(server, max_parallel=1)
    expected = {(finding.rule, finding.level, finding.location) for finding in findings}
    level, fails = FAILS[variant.expect][0]
    with serve(variant) as server:
        result = live(server, f"--bctrl-fail-on={level}", "--bctrl-report=found.json")
        assert asked_as_promised(server)
        assert server.api_key not in result.stdout.str() + result.stderr.str()
    ends = {False: pytest.ExitCode.OK, True: pytest.ExitCode.TESTS_FAILED}
    assert (pytest.ExitCode.INTERRUPTED if name in UNASKED else ends[fails]) == result.ret
    if name in UNASKED:
        with serve(variant) as server:
            overlapping, _ = judged(server)
        assert expected == {(finding.rule, finding.level, finding.location) for finding in overlapping}
        return
    report = json.loads((pytester.path / "found.json").read_text())
    assert expected == {(finding["rule"], finding["level"], finding["location"]) for finding in report["findings"]}
