"""The source of a rule, the layer that sent a response, and the level of a finding that follows."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from pytest_bctrl.baseline.baseline_file import load_baseline, mark_accepted
from pytest_bctrl.checks.response import Response
from pytest_bctrl.checks.run import PROTOCOL, check_response
from pytest_bctrl.checks.violation import answered_by, is_malformed, softened, source_of
from pytest_bctrl.contract.read import from_document
from pytest_bctrl.findings.finding import parse_levels
from pytest_bctrl.reports.terminal import describe
from pytest_bctrl.suite.plan.probes import refusals
from tests.checks.responses import JSON, response, sample
from tests.contract.documents import document

PLAIN = response(sample(), headers=(JSON, ("Server", "app")))
HTML = (("Content-Type", "text/html"), ("Server", "nginx/1.26"), ("Via", "1.1 edge"))
PAGE = b"<html>\n<h1>400 Bad Request</h1>"


def rejection(path: str, status: int, body: object = PAGE, headers: tuple[tuple[str, str], ...] = HTML) -> Response:
    """Return a response to a request with `path` as the id, by default a page of nginx, beside the usual response."""
    return replace(response(body, status, headers, id=path), usual=PLAIN)


APP = (JSON, ("Server", "app"))


@pytest.mark.parametrize(
    ("checked", "levels"),
    [
        (rejection("a\x00b", 400), ["info"]),
        (rejection("a/b", 404), ["info"]),
        (rejection("x" * 4000, 414), ["info"]),
        (rejection("no-such-space", 404), ["info"]),
        (rejection("a\x00b", 400, {"detail": "no"}, APP), ["info"]),
        (rejection("a\x00b", 302, b"", (("Server", "app"), ("Location", "/"))), ["info"]),
        (rejection("a\x00b", 400, b"", APP), ["info"]),
        (rejection("no-such-space", 302, {"to": "/"}, APP), ["info"]),
        (rejection("a\x00b", 300, b"", APP), ["info"]),
        (rejection("no-such-space", 422, {"detail": []}, APP), ["info"]),
        (rejection("a\x00b", 500), ["error"]),
        (rejection("a\x00b", 200, {"runtimes": []}, APP), ["warning"]),
        (rejection("a\x00b", 404, {"error": "x", "code": "x", "requestId": "x"}, APP), []),
    ],
)
def test_the_level_depends_on_the_source_of_the_rule_and_of_the_rejection(checked: Response, levels: list[str]) -> None:
    """`softened`: info for a gateway's rejection of an odd value, and for rules of the overlay, or error."""
    findings = check_response(checked, refusals(checked.operation), aspects=PROTOCOL)
    assert levels == [finding.level for finding in softened(checked, findings)]


def test_a_rejection_by_a_gateway_is_one_finding() -> None:
    """`answered_by` lists the signs of a proxy or says "the application"; it is empty for a success."""
    checked = rejection("a\x00b", 400)
    (finding,) = softened(checked, check_response(checked, refusals(checked.operation), aspects=PROTOCOL))
    assert finding.message == "a value that no client sends is rejected in front of the application"
    assert answered_by(checked) == (
        "probably a proxy or framework in front of the application: it is not JSON; "
        "its Server is nginx/1.26, that of the plain response app; "
        "its Via is 1.1 edge, that of the plain response missing"
    )
    bare = answered_by(rejection("mine", 404, {}, (JSON,)))
    assert bare.endswith("application: its Server is missing, that of the plain response app")
    assert ("the application", "", "") == (
        answered_by(rejection("mine", 404, {}, APP)),
        answered_by(rejection("mine", 299)),
        answered_by(replace(checked, usual=None)),
    )
    assert answered_by(rejection("mine", 404, b"", APP)).endswith("in front of the application: it has no body")


def test_findings_without_an_overlay_keep_their_level() -> None:
    """`softened` changes none of them, and their source is the contract."""
    contract = from_document(document(True), "things.json")
    checked = replace(response(b"", 400, contract=contract, id="nobody"), usual=None)
    findings = check_response(checked, (404,), aspects=PROTOCOL)
    assert findings
    assert findings == softened(checked, findings)
    assert {"contract"} == {finding.extra["source"] for finding in findings}


@pytest.mark.parametrize(
    ("rule", "status", "source"),
    [
        ("strict_json", 200, "HTTP"),
        ("undocumented_property", 200, "pytest-bctrl"),
        ("response_schema_conformance", 200, "published spec"),
        ("response_schema_conformance", 404, "overlay"),
        ("status_code_conformance", 418, "published spec"),
        ("unique_ids", 200, "overlay"),
        ("ignored_auth", 200, "overlay"),
    ],
)
def test_source_of_returns_the_source_of_a_rule(rule: str, status: int, source: str) -> None:
    assert source == source_of(rule, response({}, status))


@pytest.mark.parametrize("value", ["..", "a\x01", "a/b", "\udcff", "x" * 1001, "\U000e0fff"])
def test_is_malformed_recognises_values_that_no_client_sends(value: str) -> None:
    """Ordinary names in any script are not malformed."""
    assert is_malformed([value])
    assert not is_malformed(["no-such-space", "空間-ruimte-🚀", "100%'\"; --", "XX-xx", "x" * 1000])


def test_a_rejection_is_shown_with_its_server_and_the_documented_schema() -> None:
    """The description of a 404 has its `Server`, `Via`, source and shortened body, without a key."""
    text = "\n".join(describe(check_response(rejection("mine", 404, {"detail": "x"}, HTML), aspects=PROTOCOL)))
    assert '  response  404, Server nginx/1.26, Via 1.1 edge: {"detail": "x"}' in text
    assert (
        "  from      probably a proxy or framework in front of the application: its Server is nginx/1.26, that" in text
    )
    assert "  rule of   the overlay, not the published spec" in text
    assert "expected  FlatError {error, code, requestId} | NestedError {error}" in text
    assert "null" not in text
    page = rejection("mine", 404, b"<h1>no</h1>\r\n" + b"word " * 20 + b"pk_secret_0123456789", HTML)
    assert "404, Server nginx/1.26, Via 1.1 edge: <h1>no</h1> word word" in "\n".join(
        describe(check_response(page, aspects=PROTOCOL))
    )
    assert "pk_" not in "\n".join(
        line for line in describe(check_response(page, aspects=PROTOCOL)) if "response" in line
    )


def test_levels_and_baseline_entries_can_name_a_status(tmp_path: Path) -> None:
    """A level or entry for `[404]` applies to the content type of the 404, and that of the 200 stays an error."""
    findings = [
        finding
        for status in (200, 404)
        for finding in check_response(response(b"{}", status, HTML), aspects=PROTOCOL)
        if "header" in finding.location
    ]
    assert ["200", "404"] == [finding.extra["status"] for finding in findings]
    rule = "content_type_conformance"
    for line in (f"{rule}[404] = info", f"{rule}[4xx]@header Content-Type=info"):
        levels = parse_levels([f"{rule} = warning", line], "x")
        assert (["warning", "info"], []) == (
            [finding.level for finding in levels.apply(findings)[0]],
            levels.apply(findings)[1],
        )
    assert f"{rule}[404]@x" == parse_levels([f"{rule}[404]@x = off"], "x").off[0].name
    path = tmp_path / "known.yaml"
    path.write_text(
        f"allow:\n- {{rule: {rule}, location: header Content-Type, status: 404, reason: proxy, until: 2099-01-01}}\n"
    )
    marked = [mark_accepted(finding, load_baseline(path, "known"), date(2026, 1, 1)) for finding in findings]
    assert [False, True] == ["accepted" in finding.extra for finding in marked]
