"""The verdict on traffic that passes through the proxy is that of `check` and `check_request` on the same exchange."""

from __future__ import annotations

import gzip
import json
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import brotli
import httpx
import pytest

from pytest_bctrl import Contract, check, check_request, contract_check, load_contract
from pytest_bctrl.checks.response import Response as CheckedResponse
from pytest_bctrl.checks.run import Problem
from pytest_bctrl.cli.proxied_traffic import ProxiedTraffic, count_lines
from pytest_bctrl.cli.proxy_recording import ProxyRecording
from pytest_bctrl.exchanges.account import Outcome
from pytest_bctrl.findings.finding import Finding, parse_levels
from pytest_bctrl.http.codings import content_of
from pytest_bctrl.secrets.redaction import Redaction
from pytest_bctrl.traffic.proxy.server import ProxyEvents, ProxyServer
from tests.proxy.targets import raw, target
from tests.request_checks.orders import ORDER, body, contract_of_paths, operation, response
from tests.variants import serve
from tests.variants.catalogue import CATALOGUE
from tests.variants.variant import Variant

CONTRACT = contract_of_paths(
    {
        "/orders": {
            "post": {**body(ORDER), "responses": {"201": response(ORDER)}},
            "get": operation(parameters=[{"name": "limit", "in": "query", "schema": {"type": "integer"}}]),
        },
        "/broken": {"get": operation(responses={"200": response({"$ref": "#/components/schemas/Missing"})})},
    }
)


def notes(traffic: ProxiedTraffic, outcome: Outcome) -> dict[str, int]:
    """Return how many exchanges of an outcome have each note."""
    return {text: note.count for text, note in traffic.account.notes(outcome).items()}


@contextmanager
def traffic_of(url: str, contract: Contract = CONTRACT, **options: Any) -> Iterator[tuple[str, ProxiedTraffic]]:
    """Run a proxy in front of a URL; yield its URL and the checked traffic, complete when the proxy has ended."""
    redaction = options.pop("redaction", Redaction())
    traffic = ProxiedTraffic(contract, redaction, target_origin=url, **options)
    events = ProxyEvents(traffic.add_exchange, traffic.add_surplus, traffic.add_unreachable, traffic.add_rejected)
    with ProxyServer(url, events, body_limit=5_000_000) as proxy:
        yield proxy.url, traffic


def summary(findings: list[Finding]) -> list[tuple[str, ...]]:
    """Return level, rule, location and message of each finding, sorted."""
    return sorted((finding.level, finding.rule, finding.location, finding.message) for finding in findings)


# One variant per rule, harmless ones too. httpx reads only the first of several gzip members.
VARIANTS = {
    variant.rule_hint: variant
    for variant in CATALOGUE
    if variant.kind in ("harmless", "schema", "undocumented", "invariants") and "members" not in variant.name
}


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=lambda variant: variant.name)
def test_a_listing_has_the_findings_of_check(variant: Variant) -> None:
    """For each variant of a server, those of `check` and `check_request` on the same exchange."""
    contract = load_contract()
    with serve(variant) as server, traffic_of(server.url, contract) as (url, traffic):
        headers = {"Authorization": f"Bearer {server.api_key}"}
        received = httpx.get(f"{url}/v1/spaces/{server.space_id}/runtimes", headers=headers, trust_env=False)
    expected = [*check(received, contract=contract), *check_request(received.request, contract=contract)]
    assert summary(expected) == summary(traffic.findings)
    assert 1 == traffic.account.operations.total()


@contextmanager
def scripted(*responses: bytes, **options: Any) -> Iterator[tuple[str, ProxiedTraffic]]:
    """Run a target that sends `responses` in turn, with a proxy in front; yield what `traffic_of` yields."""
    with (
        target(lambda number: responses[number % len(responses)]) as server,
        traffic_of(server.url, **options) as running,
    ):
        yield running


def reply(content: bytes, *fields: str, status: int = 200) -> bytes:
    """Return a response with a JSON body."""
    lines = [f"HTTP/1.1 {status} OK", f"Content-Length: {len(content)}", "Content-Type: application/json", *fields]
    return "\r\n".join([*lines, "", ""]).encode() + content


def request(method: str = "GET", path: str = "/orders", content: bytes = b"", *fields: str) -> bytes:
    """Return a request, with `content` as its JSON body."""
    lines = [f"{method} {path} HTTP/1.1", "Host: a", f"Content-Length: {len(content)}", *fields]
    if content:
        lines.append("Content-Type: application/json")
    return "\r\n".join([*lines, "", ""]).encode() + content


def test_requests_and_responses_are_checked_and_merged() -> None:
    """Three equal exchanges have a finding each for request and response, with a count of three and a curl command."""
    lines: list[str] = []
    wrong = request("POST", "/orders", b'{"qty": 0, "size": "m"}')
    responses = reply(json.dumps({"id": 1, "qty": 1, "size": "xl"}).encode(), status=201)
    with scripted(responses, print_line=lines.append) as (url, traffic):
        raw(url, wrong * 3, reads=3 * len(responses))
    assert [("request_body", "body.qty", 3), ("response_schema_conformance", "size", 3)] == sorted(
        (finding.rule, finding.location, finding.count) for finding in traffic.findings
    )
    assert 2 == len(lines)
    assert lines[0].startswith("error POST /orders: request_body at body.qty: ")
    assert lines[1].startswith("error POST /orders: response_schema_conformance at size: ")
    assert lines[1].endswith(": xl, expected s | m, as at size")
    command = traffic.findings[1].reproduce
    assert command.startswith("curl -sS -i -X POST -H 'Content-Type: ")
    assert '--data-raw \'{"qty": 0, "size": "m"}\' http://127.0.0.1:' in command


@pytest.mark.parametrize(
    ("scheme", "path", "field", "words"),
    [
        ({"type": "http", "scheme": "bearer"}, "", "Authorization: Bearer abcdefgh", "Authorization: Bearer $"),
        ({"type": "apiKey", "in": "header", "name": "X-Key"}, "", "X-Key: abcdefgh", "X-Key: $"),
        ({"type": "apiKey", "in": "cookie", "name": "sid"}, "", "Cookie: lang=de; sid=abcdefgh", "Cookie: sid=$"),
        ({"type": "apiKey", "in": "query", "name": "api_key"}, "?api_key=abcdefgh", "", "api_key=$"),
    ],
    ids=["bearer", "header", "cookie", "query"],
)
def test_the_command_has_a_key_only_if_the_request_had_one(
    scheme: dict[str, str], path: str, field: str, words: str
) -> None:
    """The operation also accepts a second credential, which no request has."""
    schemes = {"other": {"type": "apiKey", "in": "header", "name": "X-Other"}, "key": scheme}
    secured = operation(responses={"200": response({"type": "object"})}, security=[{"other": []}, {"key": []}])
    contract = contract_of_paths({"/orders": {"get": secured}}, components={"securitySchemes": schemes})
    for is_sent in (True, False):
        fields = [field] if is_sent and field else ["Cookie: xsid=de"]
        sent = request("GET", "/orders" + path * is_sent, b"", *fields)
        with scripted(reply(b"[]"), contract=contract) as (url, traffic):
            raw(url, sent, reads=len(reply(b"[]")))
        commands = {finding.reproduce for finding in traffic.findings}
        assert commands
        assert {is_sent} == {words in command for command in commands}
        assert all("abcdefgh" not in command for command in commands)
        assert {int(is_sent)} == {command.count("$") for command in commands}


@pytest.mark.parametrize(
    ("coding", "content", "rules", "not_checked"),
    [
        ("gzip", gzip.compress(b"[]", mtime=0), ["response_schema_conformance"], []),
        ("br", brotli.compress(b"[]"), ["response_schema_conformance"], []),
        ("gzip", b"[]", ["complete_answer"], []),
        ("br", b"\xff\xff", ["complete_answer"], []),
        ("compress", b"x", [], ["the content coding 'compress' is not supported"]),
    ],
    ids=["gzip", "br", "not gzip", "not br", "unknown coding"],
)
def test_bodies_are_decoded(coding: str, content: bytes, rules: list[str], not_checked: list[str]) -> None:
    """The rules reported for a body in a coding, and the reason if it cannot be decoded."""
    response_bytes = reply(content, f"Content-Encoding: {coding}")
    with scripted(response_bytes) as (url, traffic):
        assert response_bytes == raw(url, request(), reads=len(response_bytes))
    assert rules == [finding.rule for finding in traffic.findings]
    assert len(not_checked) == len(notes(traffic, "not checked"))
    assert all(text in " ".join(notes(traffic, "not checked")) for text in not_checked)


def test_a_body_beyond_the_limit_is_forwarded_and_not_checked() -> None:
    """6 MB of request and response."""
    large = reply(b'"' + b"x" * 6_000_000 + b'"')
    sent = request("POST", "/orders", b'"' + b"x" * 6_000_000 + b'"')
    with scripted(large) as (url, traffic):
        assert large == raw(url, sent, reads=len(large))
    assert ["POST /orders: the body of the response is larger than --max-body"] == list(notes(traffic, "not checked"))
    assert ("request_not_checked", "status_code_conformance") == tuple(finding.rule for finding in traffic.findings)
    assert 0 == traffic.account.operations.total()


def test_what_is_not_in_the_contract_is_listed_and_is_no_finding() -> None:
    """Unknown paths and methods are counted; preflight requests are not."""
    preflight = request("OPTIONS", "/orders", b"", "Access-Control-Request-Method: POST")
    sent = [request("GET", "/order/1?key=2"), request("GET", "/order/1"), request("DELETE", "/orders"), preflight]
    with scripted(reply(b"{}")) as (url, traffic):
        raw(url, *sent, request("GET", "/broken"), reads=5 * len(reply(b"{}")))
    assert {"GET /order/1": 2, "DELETE /orders": 1} == notes(traffic, "unmatched")
    assert [] == traffic.findings
    (reason,) = notes(traffic, "not checked")
    assert reason.startswith("GET /broken: the response 200 is invalid in the document: ")


@pytest.mark.parametrize(
    ("data", "rule", "message"),
    [
        (b"", "complete_answer", "the target closes the connection without a response"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", "complete_answer", "the target truncates its response"),
        (b"220 ftp.example ready\r\n", "complete_answer", "the target's response is not HTTP/1.1"),
        (reply(b"{}") + b"more", "response_framing", "the server sends bytes that belong to no response"),
    ],
    ids=["no response", "half a body", "not HTTP", "surplus"],
)
def test_transport_errors_are_findings(data: bytes, rule: str, message: str) -> None:
    """No response, half a body, another protocol and surplus bytes: one of level error each."""
    with target(lambda number: data, lambda number: True) as server, traffic_of(server.url) as (url, traffic):
        raw(url, request())
    (finding,) = [finding for finding in traffic.findings if finding.rule == rule]
    assert finding.message.startswith(message)
    assert "error" == finding.level
    assert {} == notes(traffic, "not checked")


def test_a_body_after_the_response_to_head_is_a_warning() -> None:
    with scripted(reply(b"{}")) as (url, traffic):
        raw(url, request("HEAD"), reads=len(reply(b"{}")))
    assert [("warning", "response_framing")] == [(finding.level, finding.rule) for finding in traffic.findings]


def test_empty_lines_after_a_response_are_harmless() -> None:
    with scripted(reply(b"{}") + b"\r\n") as (url, traffic):
        raw(url, request(), reads=len(reply(b"{}")) + 2)
    assert [] == traffic.findings


def test_surplus_after_a_response_of_no_operation_is_ignored() -> None:
    """Bytes after the response to a path that is not in the contract."""
    with scripted(reply(b"{}") + b"more") as (url, traffic):
        raw(url, request("GET", "/elsewhere"), reads=len(reply(b"{}")) + 4)
    assert [] == traffic.findings


def test_credentials_of_requests_are_redacted_afterwards() -> None:
    """Those in header fields, cookies, basic authentication and the query; `theme=dark` is not a credential."""
    credentials = ["sk-4fL0pQ8vT2xZ", "c00k1e-value-77", "pa55w0rd-in-Basic", "query-s3cret-901"]
    credentials += ["bare-t0ken-5512", "header-k3y-808"]
    fields = [f"Authorization: Bearer {credentials[0]}", f"Cookie: theme=dark; session={credentials[1]}"]
    basic = httpx.BasicAuth("user", credentials[2])._auth_header
    sent = [
        request("GET", "/orders", b"", *fields),
        request("GET", f"/orders?api_key={credentials[3]}", b"", f"Authorization: {basic}"),
        request("GET", "/orders", b"", f"Authorization: {credentials[4]}", f"X-Api-Key: {credentials[5]}"),
        *(request("GET", f"/elsewhere/{value}") for value in [*credentials, "dark"]),
    ]
    with scripted(reply(b"{}")) as (url, traffic):
        raw(url, *sent, reads=len(sent) * len(reply(b"{}")))
    assert {"GET /elsewhere/[redacted]": len(credentials), "GET /elsewhere/dark": 1} == notes(traffic, "unmatched")


def test_levels_and_custom_checks_apply() -> None:
    """A custom check reports an empty object, and a rule that is off is only counted."""

    @contract_check("no_empty_object")
    def no_empty_object(checked: CheckedResponse) -> Iterator[Problem]:
        if checked.data == {}:
            yield Problem("the object is empty")

    levels = parse_levels(["undocumented_parameter=off"], "--level")
    with scripted(reply(b"{}"), custom_checks=[no_empty_object], levels=levels) as (url, traffic):
        raw(url, request("GET", "/orders?unknown=1"), reads=len(reply(b"{}")))
    assert ["no_empty_object"] == [finding.rule for finding in traffic.findings]
    assert {"undocumented_parameter": 1} == traffic.switched_off


def test_other_clients_are_served_while_an_exchange_is_checked() -> None:
    """A custom check waits until a second client has received its response; both are checked before the proxy ends."""
    is_checking, may_end = threading.Event(), threading.Event()

    @contract_check("slow")
    def slow(checked: CheckedResponse) -> Iterator[Problem]:
        is_checking.set()
        assert may_end.wait(60)
        yield from ()

    with scripted(reply(b"{}"), custom_checks=[slow]) as (url, traffic):
        raw(url, request(), reads=len(reply(b"{}")))
        assert is_checking.wait(60)
        assert reply(b"{}") == raw(url, request(), reads=len(reply(b"{}")))
        assert 0 == traffic.account.operations.total()
        may_end.set()
    assert 2 == traffic.account.operations.total()


def test_a_broken_custom_check_is_reported_as_not_checked() -> None:
    @contract_check("broken")
    def broken(checked: CheckedResponse) -> Iterator[Problem]:
        raise KeyError("runtimes")

    with scripted(reply(b"{}"), custom_checks=[broken]) as (url, traffic):
        raw(url, request(), reads=len(reply(b"{}")))
    (reason,) = notes(traffic, "not checked")
    assert "the check broken raised KeyError" in reason


def test_an_error_of_the_package_is_not_silent(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The traceback is printed, and the traffic was not checked."""

    def fail(*_: object) -> None:
        raise RuntimeError("unexpected")

    monkeypatch.setattr(ProxiedTraffic, "_exchange", fail)
    with scripted(reply(b"{}")) as (url, traffic):
        raw(url, request(), reads=len(reply(b"{}")))
    assert ["a bug in pytest-bctrl, printed above"] == list(notes(traffic, "not checked"))
    assert "RuntimeError: unexpected" in capsys.readouterr().err


def test_findings_and_unmatched_paths_are_limited_in_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a limit of three, the rest is counted."""
    monkeypatch.setattr("pytest_bctrl.cli.proxied_traffic._MAX_KEPT", 3)
    sent = [request("GET", f"/orders?limit=a&p{number}=1") for number in range(6)]
    sent += [request("GET", f"/elsewhere/{number}") for number in range(6)]
    with scripted(reply(b"{}")) as (url, traffic):
        raw(url, *sent, reads=len(sent) * len(reply(b"{}")))
    assert 3 == len(traffic.findings)
    assert ["more than 3 findings: the rest is not listed"] == list(traffic.problems)
    assert {"GET /elsewhere/0": 1, "GET /elsewhere/1": 1, "GET /elsewhere/2": 1, "others": 3} == notes(
        traffic, "unmatched"
    )


def test_the_coverage_counts_what_passed_through() -> None:
    """A request with `limit` is one observation of this parameter."""
    with scripted(reply(b"{}")) as (url, traffic):
        raw(url, request("GET", "/orders?limit=3"), reads=len(reply(b"{}")))
    (point,) = [point for point in traffic.observer.coverage.points if point.kind == "parameter"]
    assert ("limit", 1) == (point.label, point.seen)


def test_a_request_whose_response_arrives_before_its_end_is_not_checked() -> None:
    """A finding says so."""
    listener = socket.create_server(("127.0.0.1", 0))
    with listener, traffic_of(f"http://127.0.0.1:{listener.getsockname()[1]}") as (url, traffic):
        host, _, port = url.removeprefix("http://").rpartition(":")
        with socket.create_connection((host, int(port)), timeout=30) as client:
            client.sendall(request("POST", "/orders", b"{}" + b" " * 98)[:-98])
            connection, _ = listener.accept()
            with connection:
                connection.sendall(reply(b"{}", status=201))
                client.recv(65536)
    (finding,) = [finding for finding in traffic.findings if finding.rule == "request_not_checked"]
    assert "the response arrived before the whole request was sent" in finding.message


def test_many_texts_are_listed_in_part() -> None:
    """`count_lines` sorts 25 texts by their number and ends with `5 others`."""
    counter = Counter({f"GET /{number}": 30 - number for number in range(25)})
    lines = list(count_lines(counter))
    assert ["GET /0 (30 times)", "GET /1 (29 times)", "5 others"] == [*lines[:2], lines[-1]]
    assert ["GET /a"] == list(count_lines(Counter(["GET /a"])))


def test_a_body_that_cannot_be_decoded_is_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Too large, or in a coding without an installed decoder: the reason says so."""
    assert "larger than" in content_of(gzip.compress(b"x" * 70_000_000), "gzip").unread
    monkeypatch.setattr("pytest_bctrl.http.codings._installed", lambda *names: None)
    assert "no decoder for br is installed; pip install brotli" == content_of(b"x", "gzip, br").unread


def test_a_recording_has_a_maximum_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Further exchanges are left out, and a note counts them."""
    monkeypatch.setattr("pytest_bctrl.cli.proxy_recording.RECORDED", 300)
    path = tmp_path / "traffic.har"
    recording = ProxyRecording(path, CONTRACT, "http://127.0.0.1:1", Redaction())
    with scripted(reply(b'"' + b"x" * 100 + b'"'), keep=recording.add) as (url, traffic):
        sent = [request("GET", f"/orders?limit={number % 4}") for number in range(8)]
        raw(url, *sent, reads=8 * len(reply(b"x" * 102)))
    assert ([], 8) == (recording.save(), traffic.account.operations.total())
    assert 2 == len(json.loads(path.read_text("utf-8"))["log"]["entries"])
    assert ["not recorded: 4 exchanges, a recording holds up to 0 MiB"] == recording.notes


def test_the_credentials_that_were_used_last_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a limit of two, the one that was used again stays; all exchanges are checked."""
    monkeypatch.setattr("pytest_bctrl.cli.proxied_traffic._MAX_CREDENTIALS", 2)
    values = ["q8Zt4rVx7LwBn2Kd", "Yp3mHs6TjC9fGa1W", "u5EoXi0QbJ7vRz4N"]
    sent = [request("GET", f"/orders?api_key={values[number]}") for number in (0, 1, 0, 2)]
    sent += [request("GET", f"/elsewhere/{value}") for value in values]
    with scripted(reply(b"{}")) as (url, traffic):
        raw(url, *sent, reads=len(sent) * len(reply(b"{}")))
    assert (4, {}) == (traffic.account.operations.total(), notes(traffic, "not checked"))
    assert {"GET /elsewhere/[redacted]": 2, f"GET /elsewhere/{values[1]}": 1} == notes(traffic, "unmatched")


@pytest.mark.parametrize("count", [150])
def test_every_exchange_with_a_new_cookie_is_checked_and_redacted(tmp_path: Path, count: int) -> None:
    """Each response sets another cookie and repeats it; findings, texts and recording have none of them."""
    cookies = [f"Hd8vKq3xZ1mWc7Tj{number:05}" for number in range(count)]
    responses = [
        reply(json.dumps({"id": 1, "echo": cookie}).encode(), f"Set-Cookie: lb={cookie}", status=201)
        for cookie in cookies
    ]
    sent = [request("POST", f"/orders?n={number}", b'{"qty": 1, "size": "s"}') for number in range(count)]
    sent += [request("GET", f"/elsewhere/{cookie}", b"", f"Cookie: lb={cookie}") for cookie in cookies[:20]]
    path = tmp_path / "traffic.har"
    recording = ProxyRecording(path, CONTRACT, "http://127.0.0.1:1", Redaction())
    with (
        target(lambda number: responses[number % count]) as server,
        traffic_of(server.url, keep=recording.add) as (url, traffic),
    ):
        for one in sent:
            raw(url, one, reads=len(responses[0]))
    assert (count, {}) == (traffic.account.operations.total(), notes(traffic, "not checked"))
    assert [] == recording.save()
    assert count == len(json.loads(path.read_text("utf-8"))["log"]["entries"])
    assert {"GET /elsewhere/[redacted]": 20} == notes(traffic, "unmatched")
    kept = repr(traffic.findings) + path.read_text("utf-8")
    assert "response_schema_conformance" in kept
    assert "Hd8vKq3xZ1mWc7Tj" not in kept


def test_an_exchange_with_an_incomplete_request_is_not_recorded(tmp_path: Path) -> None:
    """The body is larger than the limit; a note counts the exchange, and no file is written."""
    path = tmp_path / "traffic.har"
    recording = ProxyRecording(path, CONTRACT, "http://127.0.0.1:1", Redaction())
    created = reply(b"{}", status=201)
    with scripted(created, keep=recording.add) as (url, _):
        raw(url, request("POST", "/orders", b'"' + b"x" * 6_000_000 + b'"'), reads=len(created))
    assert ([], False) == (recording.save(), path.exists())
    assert ["not recorded: 1 exchange, of the request: it is larger than --max-body"] == recording.notes
