"""Reports as real parts make them: bodies that break the contract, specs that changed, traffic that was observed."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from pytest_bctrl.checks.response import Response
from pytest_bctrl.checks.run import check_response
from pytest_bctrl.contract.document import load_document
from pytest_bctrl.contract.read import load
from pytest_bctrl.drift import compare
from pytest_bctrl.findings.finding import LEVELS, Finding
from pytest_bctrl.observed.coverage import coverage
from pytest_bctrl.observed.facts import Observation
from pytest_bctrl.observed.observe import observe
from pytest_bctrl.reports.verdict import RanTest, RunReport, Title
from pytest_bctrl.samples import runtime
from tests.drift.published import TEXT, page

URL = "https://api.bctrl.ai"
UPSTREAM = "https://docs.bctrl.ai/api-reference/runtimes-list.md"
CONTRACT = load()
OPERATION = CONTRACT.operations[0]


@dataclass(frozen=True)
class Example:
    """The arguments of a report writer."""

    findings: tuple[Finding, ...]
    title: Title
    run: RunReport | None


def _body() -> dict[str, Any]:
    """Return a list of 300 runtimes with violations of several kinds."""
    runtimes = [{**runtime(name=f"runtime {i}"), "id": f"6f6d9a0c-9c1d-4f0e-8d5e-{i:012d}"} for i in range(300)]
    for item in runtimes[::7]:
        item["status"] = "archived"
    for item in runtimes:
        item["labels"] = {"team": "a"}
    for item in runtimes[:9]:
        item["createdAt"] = "yesterday"
    for item in runtimes[100:120]:
        del item["region"]
    for item in runtimes[3:5]:
        item["backing"] = {"kind": "profile"}
    runtimes[12]["spaceId"] = None
    return {"runtimes": runtimes}


def _observed(body: dict[str, Any]) -> Observation:
    """Return the observation of a body and of 28 error responses."""
    observation = Observation()
    observe(CONTRACT, OPERATION, 200, body, observation)
    refusal = {"code": "not_found", "message": "no such space", "reasonClass": "client", "requestId": "r"}
    for status, count in ((401, 10), (404, 18)):
        for _ in range(count):
            observe(CONTRACT, OPERATION, status, {"error": refusal}, observation)
    observation.parameters[OPERATION.label, "path:id"] = 38
    return observation


def _drift() -> list[Finding]:
    """Return the findings for three changes of the published spec."""
    changed = (
        TEXT.replace("- failed", "- failed\n        - paused")
        .replace("        region:\n          type: string", "        region:\n          type: integer")
        .replace("        summary:\n          $ref", "        overview:\n          $ref")
    )
    return compare(load_document(TEXT, "contracts/runtimes.openapi.yaml"), load_document(page(changed), UPSTREAM))


@cache
def failed() -> Example:
    """Return a live run in which the API violated its contract and the spec changed."""
    body = _body()
    space = body["runtimes"][0]["spaceId"]
    shell = f'curl -sS -i -H "Authorization: Bearer $BCTRL_API_KEY" {URL}/v1/spaces/{space}/runtimes'
    headers = (("Content-Type", "application/json"), ("Cache-Control", "no-store"), ("Set-Cookie", "session=secret"))
    response = Response(CONTRACT, OPERATION, 200, headers, json.dumps(body).encode(), {"id": space}, shell)
    findings = check_response(response, OPERATION.success_statuses)
    names = ("conformance_is_kept", "head_needs_the_credential_too", "published_sample_works")
    tests = (
        RanTest("bctrl::test_answer_conforms[runtimes-list]", "failed", 0.12, "4 errors: of 300 runtimes, 43 …"),
        RanTest("bctrl::test_upstream_has_not_drifted", "failed", 0.21, "2 errors: response-property-type-changed"),
        RanTest("bctrl::test_invariant[runtimes-list-x]", "skipped", 0.0, "not checked: the answer has no x"),
        *(RanTest(f"bctrl::test_{name}[runtimes-list]", "passed", 0.02) for name in names),
    )
    run = RunReport(
        CONTRACT,
        target="live",
        base_url=URL,
        upstream=UPSTREAM,
        started="2026-03-14T09:26:53+00:00",
        seconds=3.412,
        tests=tests,
        counts={"requests": 38, "answers": 38, "bodies": 37},
    )
    title = Title(
        "contract run",
        f"{CONTRACT.title} {CONTRACT.version} ({CONTRACT.short_digest})",
        URL,
        not_checked=(f"POST {OPERATION.path}: it needs a method or parameters that the suite does not send",),
        coverage=coverage(CONTRACT, _observed(body)),
    )
    return Example((*findings, *_drift()), title, run)


def passed() -> Example:
    """Return the run of `failed` without findings, and with its passed tests only."""
    example = failed()
    assert example.run is not None
    tests = tuple(test for test in example.run.tests if test.outcome == "passed")
    return Example((), example.title._replace(not_checked=()), example.run._replace(tests=tests))


def unchecked() -> Example:
    """Return a run that checked nothing."""
    example = passed()
    assert example.run is not None
    title = example.title._replace(coverage=None)
    return replace(example, title=title, run=example.run._replace(tests=(), counts={}))


def drift() -> Example:
    """Return the findings of the drift gate, without a run."""
    return Example(tuple(_drift()), Title("drift", "contracts/runtimes.openapi.yaml", UPSTREAM), None)


def attributed() -> Example:
    """Return two drift findings, one with a cause and its three sources, and one that is accepted."""
    first, second = _drift()[:2]
    sources = {"vendored": "string", "upstream": "integer", "observed": "integer, 300 of 300"}
    accepted = {"reason": "the consumer is fixed next week", "expires": "2027-01-31", "where": "bctrl-baseline.yaml:3"}
    stale = {"moved": "our copy is stale", "next": "pytest-bctrl contract update", "witnesses": sources}
    return Example(
        (
            replace(first, extra={**first.extra, **stale}),
            replace(second, extra={**second.extra, "accepted": accepted}),
        ),
        Title("drift", "contracts/runtimes.openapi.yaml", UPSTREAM),
        None,
    )


def many(count: int) -> Example:
    """Return a run with this many different findings, of ten rules and every level."""
    example = failed()
    first = example.findings[0]
    findings = tuple(
        replace(
            first,
            rule=f"rule_{number % 10}",
            level=LEVELS[number % 3],
            location=f"runtimes[*].metadata.property_{number}",
            message=f"the value is not the one that was agreed on, case {number}",
            sample={"location": f"runtimes[{number}].metadata.property_{number}", "value": number},
        )
        for number in range(count)
    )
    return replace(example, findings=findings)


def of_one_cause(count: int) -> Example:
    """Return a run with this many findings of one cause: the same property is wrong in different objects."""
    example = many(count)
    findings = tuple(
        replace(
            finding, rule="rule", level="error", location=f"{finding.location}.status", message="the value is wrong"
        )
        for finding in example.findings
    )
    return replace(example, findings=findings)


HOSTILE = "</script><script>window.broken=1</script><img src=x onerror=window.broken=2>\u2028<!--{{data}}\u202e'\"`"


def hostile() -> Example:
    """Return a run in which every external text is markup that would run."""
    example = failed()
    assert example.run is not None
    finding = replace(
        example.findings[0],
        rule="a_rule",
        location=f"runtimes[*][{HOSTILE!r}]",
        message=HOSTILE,
        expected=[HOSTILE],
        observed={HOSTILE: HOSTILE},
        sample={"location": HOSTILE, "value": HOSTILE},
        reproduce=HOSTILE,
        extra={
            "why": HOSTILE,
            HOSTILE: HOSTILE,
            "request": {"method": HOSTILE, "path": HOSTILE},
            "response": {"status": 200, "headers": [[HOSTILE, HOSTILE]], "size": 1, "body": {HOSTILE: HOSTILE}},
        },
    )
    tests = (RanTest(HOSTILE, "failed", 0.1, HOSTILE),)
    return Example(
        (finding, replace(finding, location=HOSTILE)),
        example.title._replace(name=HOSTILE, notes=(HOSTILE,), not_checked=(HOSTILE,)),
        example.run._replace(tests=tests, base_url=HOSTILE, upstream=HOSTILE),
    )
