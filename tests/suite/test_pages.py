"""The suite follows pages: lost, repeated and endless items are findings; pages not followed are not checked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from pytest_bctrl.contract.model import Contract
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.samples.sample import Samples
from pytest_bctrl.secrets.secret import Secret
from pytest_bctrl.suite.plan import pages
from pytest_bctrl.suite.plan.catalogue import plan
from pytest_bctrl.suite.run import ContractRun, with_mock
from pytest_bctrl.suite.sending.target import Target
from pytest_bctrl.suite.sending.transport_errors import NotCheckedError
from pytest_bctrl.traffic.mock.faults import endless_cursor, lost_item, repeat_page
from tests.contract.test_paging import APIS, LIST, MAYBE, TEXT, TRUTH, WHOLE, body, contract, of_api
from tests.local_server import JSON, Handler, serving
from tests.run_probes import run_probes

CURSOR = {"limit": WHOLE, "cursor": TEXT}
RUNTIMES = body(runtimes=LIST, hasMore=TRUTH, nextCursor=MAYBE)


def run_of(paged_contract: Contract) -> ContractRun:
    """Return a run of a contract with a new mock as its target."""
    return with_mock(ContractRun("mock", paged_contract, "", Secret(""), {}, "error", 5))


def follow_pages(run: ContractRun) -> tuple[set[tuple[str, str, str]], str]:
    """Run the paging probe; return level, rule and location of its findings, and the reason if it was not checked."""
    target, findings = Target(run), list[Finding]()
    (probe,) = plan(run, "test_pages_are_whole")
    reason = ""
    try:
        for response_findings in target.findings(probe):
            findings += response_findings
    except NotCheckedError as error:
        reason = str(error)
    finally:
        target.close()
    return {(finding.level, finding.rule, finding.location) for finding in findings}, reason


@pytest.mark.parametrize("name", [name for name, api in APIS.items() if (api.by or api.next) and api.size])
def test_each_paging_fault_is_found(name: str) -> None:
    """Each fault of paging is found by its check, within `MAX_PAGES` + 3 requests; without one nothing is found."""
    paged_contract = of_api(name)
    run = run_of(paged_contract)
    assert (set(), "") == follow_pages(run)
    samples = Samples(paged_contract, paged_contract.operations[0])
    faults = [fault for fault in (repeat_page(), lost_item(), endless_cursor()) if not fault.hinders(samples)]
    assert 2 <= len(faults)
    for fault in faults:
        run = run_of(paged_contract)
        assert run.mock is not None
        run.mock.fault(fault)
        findings, reason = follow_pages(run)
        assert (fault.level, fault.check) in {(level, rule) for level, rule, _ in findings}
        assert "" == reason
        assert pages.MAX_PAGES + 3 >= len(run.mock.requests)


@pytest.mark.parametrize("scenario", ["sample", "many", "generated", "empty", "lifecycle"])
def test_a_conforming_list_has_no_finding_in_any_state(scenario: str) -> None:
    """All probes of a paged contract have no findings against its mock in the scenario."""
    paged_contract = contract(
        body(**{**RUNTIMES["properties"], "runtimes": LIVING}), {**CURSOR, "limit": {**WHOLE, "default": 20}}
    )
    run = run_of(paged_contract)
    assert run.mock is not None
    run.mock.scenario(scenario)

    target = Target(run)
    findings = run_probes(target)
    target.close()
    assert [] == findings


LIVING = {
    "type": "array",
    "items": body(id={"type": "string", "format": "uuid"}, status={"enum": ["active", "stopped"]}),
}


def test_the_only_skipped_test_is_named_without_a_number(pytester: pytest.Pytester) -> None:
    """`-k pages` of a list that fits on one page: the summary has the reason alone."""
    document = contract(RUNTIMES, {"cursor": TEXT}).document
    pytester.path.joinpath("api.json").write_text(json.dumps(document), "utf-8")

    result = pytester.runpytest("--bctrl-mock", "--bctrl-contract=api.json", "-k", "pages")

    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["not checked  *its * items fit on one page, and no smaller page can be requested"])
    result.stdout.no_fnmatch_line("not checked  1 test: *")


UNCHECKED: dict[str, tuple[Callable[[Any], object], dict[str, Any], str]] = {
    "one page": (lambda mock: mock.serve([{"id": "a"}]), CURSOR, "its 1 items fit on one page, and no smaller page"),
    "no limit": (lambda mock: None, {"cursor": TEXT}, "items fit on one page, and no smaller page can be requested"),
    "a large least": (lambda mock: None, {**CURSOR, "limit": {**WHOLE, "minimum": 50}}, "items fit on one page"),
    "no end": (
        lambda mock: mock.scenario("many"),
        {**CURSOR, "limit": {**WHOLE, "default": 6}},
        "the list continues after 4 pages of 2: its end was not reached",
    ),
    "a limit alone": (lambda mock: None, {"limit": WHOLE}, "the contract does not describe how to request the second"),
    "no id": (
        lambda mock: mock.serve([{"id": None}, {"id": "b"}], conforming=False),
        CURSOR,
        "no id identifies the items; name their id: x-bctrl-paging",
    ),
    "one id": (
        lambda mock: mock.serve([{"id": "a"}, {"id": "a"}]),
        CURSOR,
        "two items have the same id: no id identifies them",
    ),
    "no list": (lambda mock: mock.fault("malformed_json", times=1), CURSOR, "the response has no list"),
}  # fmt: skip


@pytest.mark.parametrize("name", UNCHECKED)
def test_pages_that_cannot_be_followed_are_not_checked(name: str) -> None:
    """There are no findings, and the reason says why: too few items, no size, no end, no ids, or no list."""
    prepare, query, reason = UNCHECKED[name]
    run = run_of(contract(RUNTIMES, query))
    prepare(run.mock)

    findings, why = follow_pages(run)

    assert set() == findings
    assert reason in why


def test_pages_without_a_parameter_for_their_size_are_followed() -> None:
    """A list of 150 items, of which the mock returns 100 per page, has no findings and two pages."""
    run = run_of(contract(RUNTIMES, {"cursor": TEXT}))
    assert run.mock is not None
    run.mock.scenario("many", count=150)

    assert (set(), "") == follow_pages(run)
    assert 1 == sum("cursor=" in entry.path for entry in run.mock.requests)


def test_a_list_that_changes_between_pages_is_not_checked() -> None:
    """An item that is deleted meanwhile is not reported as lost."""
    run = run_of(contract(RUNTIMES, CURSOR))
    assert run.mock is not None
    run.mock.sequence([{"id": name} for name in "abcdef"], [{"id": name} for name in "acdef"])

    assert (set(), "the list changed while its pages were requested") == follow_pages(run)


Respond = Callable[[str, list[tuple[str, str]], dict[str, str]], tuple[dict[str, str], Any]]


@contextmanager
def serve_api(respond: Respond) -> Iterator[tuple[str, list[str]]]:
    """Serve an API whose `respond` gets path, query and headers; yield its URL and the list of its request lines."""
    request_lines: list[str] = []

    class Api(Handler):
        def do_GET(self) -> None:
            request_lines.append(f"{self.command} {self.path}")
            parts = urlsplit(self.path)
            fields = {name.lower(): value for name, value in self.headers.items()}
            headers, content = respond(parts.path, parse_qsl(parts.query), fields)
            status = int(headers.pop("status", "200"))
            self.respond(status, json.dumps(content).encode(), {**JSON, **headers})

        do_HEAD = do_GET

    with serving(Api) as url:
        yield url, request_lines


def live_run(paged_contract: Contract, url: str) -> ContractRun:
    """Return a live run of a contract against a URL."""
    return ContractRun("live", paged_contract, url, Secret("a-key-of-the-test"), {}, "error", 5)


NAMES = [{"id": name} for name in "abcdefg"]


def test_a_next_link_to_another_path_or_host_is_not_followed() -> None:
    """Another path ends the paging with a reason; of a link to another host only the query is used."""

    def elsewhere(target: str) -> Respond:
        return lambda path, query, fields: (
            {"Link": f'<{target}>; rel="next"'},
            NAMES[: int(dict(query).get("per_page", "7"))],
        )

    paged_contract = contract(LIST, {"per_page": WHOLE, "page": WHOLE}, {"Link": {"schema": TEXT}})
    with serve_api(elsewhere("https://other.example/v1/others?page=2")) as (url, request_lines):
        findings, reason = follow_pages(live_run(paged_contract, url))
    assert (set(), "the next page has another path, and the suite requests only the path of the operation") == (
        findings,
        reason,
    )
    assert ["GET /v1/things/1", "GET /v1/things/1?per_page=3"] == request_lines
    with serve_api(elsewhere("http://internal:8000/v1/things/1?page=2")) as (url, request_lines):
        findings, _ = follow_pages(live_run(paged_contract, url))
    assert ("error", "endless_paging", "header Link") in findings
    assert "GET /v1/things/1?page=2" in request_lines


def test_a_server_that_ignores_the_page_size_is_found() -> None:
    """The warning `ignored_page_size` is the only finding."""
    paged_contract = contract(RUNTIMES, CURSOR)
    body = {"runtimes": NAMES, "hasMore": False, "nextCursor": None}
    with serve_api(lambda path, query, fields: ({}, body)) as (url, _):
        assert ({("warning", "ignored_page_size", "query limit")}, "") == follow_pages(live_run(paged_contract, url))


def test_a_rejected_next_page_is_found() -> None:
    """The server rejects a cursor that it returned: `status_code_conformance` is an error."""

    def respond(path: str, query: list[tuple[str, str]], fields: dict[str, str]) -> tuple[dict[str, str], Any]:
        if "cursor" in dict(query):
            return {"status": "400"}, {"error": "no such cursor"}
        return {}, {"runtimes": NAMES[: int(dict(query).get("limit", "7"))], "hasMore": True, "nextCursor": "on"}

    with serve_api(respond) as (url, _):
        findings, reason = follow_pages(live_run(contract(RUNTIMES, CURSOR), url))
    assert ({("error", "status_code_conformance", "status")}, "") == (findings, reason)


KEY = "a-key-of-the-test"


def strict_api(path: str, query: list[tuple[str, str]], fields: dict[str, str]) -> tuple[dict[str, str], Any]:
    """Return headers and body as an API below a prefix that requires a version header and pages by cursor.

    The cursor is the index of the next item.
    """
    parameters = dict(query)
    if fields.get("authorization") != f"Bearer {KEY}":
        return {"status": "401"}, {"error": "no such key"}
    if "x-api-version" not in fields:
        return {"status": "400"}, {"error": "no version"}
    if path != "/gateway/v1/things/mine":
        return {"status": "404"}, {"error": "no such space"}
    limit, start = parameters.get("limit", "5"), parameters.get("cursor", "0")
    if not (limit.isdecimal() and start.isdecimal() and 1 <= int(limit) <= 50):
        return {"status": "400"}, {"error": "no such page"}
    end = int(start) + int(limit)
    has_more = end < len(NAMES)
    return {}, {"runtimes": NAMES[int(start) : end], "hasMore": has_more, "nextCursor": str(end) if has_more else None}


def test_a_custom_api_is_checked_with_settings_only(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """The suite follows all pages in at most 40 requests.

    It pages by cursor below a prefix, requires a version header, and limits the rate of requests.
    """
    limited = {**WHOLE, "minimum": 1, "maximum": 50, "default": 5}
    paged_contract = json.loads(json.dumps(contract(RUNTIMES, {**CURSOR, "limit": limited}).source))
    operation = paged_contract["paths"]["/v1/things/{id}"]["get"]
    operation["parameters"][0] = {**operation["parameters"][0], "x-bctrl-setting": "space_id"}
    operation["responses"]["401"] = operation["responses"]["400"]
    paged_contract.update(security=[{"token": []}])
    paged_contract["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    (pytester.path / "things.json").write_text(json.dumps(paged_contract), "utf-8")
    pytester.makeini(
        "[pytest]\nbctrl_contract = things.json\nbctrl_space_id = mine\nbctrl_rate = 100/s\n"
        "bctrl_headers = X-Api-Version: 2026-11\nbctrl_fail_on = warning\n"
    )
    monkeypatch.setenv("BCTRL_API_KEY", KEY)
    with serve_api(strict_api) as (url, request_lines):
        result = pytester.runpytest("--bctrl-live", f"--bctrl-base-url={url}/gateway", "--bctrl-max-examples=3")

    assert (0, 0) == (result.ret, result.parseoutcomes().get("failed", 0))
    result.stdout.fnmatch_lines(["passed       No findings; *"])
    pages = [target.rpartition("?")[2] for target in request_lines if "limit=2&cursor=" in target]
    assert ["limit=2&cursor=2", "limit=2&cursor=4", "limit=2&cursor=6"] == pages
    assert 40 >= len(request_lines)
