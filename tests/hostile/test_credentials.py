"""No output and no file has a credential of an exchange, at every entry point; what only resembles one stays."""

from __future__ import annotations

import base64
import html
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import replace
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import unquote

import httpx
import pytest

from pytest_bctrl import MockServer, check
from pytest_bctrl.cli.mock import log_line
from pytest_bctrl.contract.in_force import contract_in_force
from pytest_bctrl.contract.read import from_document
from pytest_bctrl.exchanges.exchange_checks import ExchangeChecks
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.http.exchange import Exchange
from pytest_bctrl.http.message import Request
from pytest_bctrl.traffic.recordings.guard import without_credentials
from pytest_bctrl.traffic.recordings.har_write import Recording, encode
from tests.proxy.proxy_command import ProxyCommand
from tests.proxy.targets import target
from tests.redaction.fragments import read_outputs

from .credential_corpus import CONTRACT, HARMLESS, PLANTED, CorpusExchange, spellings
from .test_credential_corpus_data import decoded, lower

LOADED = contract_in_force(str(CONTRACT), Path()).load()
EVERYTHING = (*PLANTED, *HARMLESS)
REPORTS = [f"--report=report.{suffix}" for suffix in ("json", "html", "md", "sarif", "xml")]
ORIGIN = "https://acme.example"


def as_recorded(exchange: CorpusExchange) -> Exchange:
    headers = lower(exchange.request_headers)
    request = Request(exchange.method, exchange.target, headers, exchange.request_body, ORIGIN)
    return Exchange(request, exchange.status, exchange.response_headers, exchange.response_body)


def findings_of(exchange: Exchange) -> tuple[Finding, ...]:
    return ExchangeChecks(LOADED).check(exchange).findings


def planted_in(outputs: dict[str, bytes], exchanges: Iterable[CorpusExchange] = PLANTED) -> list[str]:
    """Return the planted values in outputs, as they are or encoded, each with the exchange and the output."""
    texts = {name: data.decode("utf-8", "replace") for name, data in outputs.items()}
    readings = {name: f"{text}\n{html.unescape(text)}\n{unquote(text)}" for name, text in texts.items()}
    return [
        f"{value!r} of {exchange.name} in {name}"
        for exchange in exchanges
        for value in exchange.planted
        for name, text in readings.items()
        if any(spelling in text for spelling in spellings(value))
    ]


def test_a_recording_has_placeholders() -> None:
    clean = without_credentials([as_recorded(exchange) for exchange in PLANTED], LOADED)
    assert (
        planted_in({exchange.name: encode(Recording((made,))) for exchange, made in zip(PLANTED, clean, strict=True)})
        == []
    )


@pytest.mark.parametrize("exchange", EVERYTHING, ids=lambda exchange: exchange.name)
def test_a_placeholder_changes_no_finding(exchange: CorpusExchange) -> None:
    original = as_recorded(exchange)
    (clean,) = without_credentials([original], LOADED)
    expected = [(finding.rule, finding.level, finding.location, finding.message) for finding in findings_of(original)]
    assert expected == [
        (finding.rule, finding.level, finding.location, finding.message) for finding in findings_of(clean)
    ]


def test_a_credential_in_a_path_need_not_be_text() -> None:
    """The path value `a%FFb`, whose bytes are not UTF-8, is redacted in a finding about the response."""
    key = {"name": "key", "in": "path", "required": True, "schema": {"type": "string", "format": "password"}}
    paths = {"/keys/{key}": {"get": {"parameters": [key], "responses": {"200": {"description": "found"}}}}}
    document = {"openapi": "3.1.0", "info": {"title": "Keys", "version": "1"}, "paths": paths}
    response = httpx.Response(404, request=httpx.Request("GET", "https://keys.example/keys/a%FFb"))
    (finding,) = check(response, contract=from_document(document, "keys.json"))
    assert "status_code_conformance" == finding.rule
    assert "%FF" not in finding.extra["request"]["path"]


@pytest.mark.parametrize("exchange", HARMLESS, ids=lambda exchange: exchange.name)
def test_an_exchange_without_credentials_is_recorded_unchanged(exchange: CorpusExchange) -> None:
    original = as_recorded(exchange)
    assert [original] == without_credentials([original], LOADED)


@pytest.mark.parametrize("exchange", PLANTED, ids=lambda exchange: exchange.name)
def test_the_rest_of_an_exchange_is_recorded(exchange: CorpusExchange) -> None:
    (clean,) = without_credentials([as_recorded(exchange)], LOADED)
    recorded = replace(
        exchange,
        target=clean.request.target,
        request_headers=clean.request.headers,
        request_body=clean.request.body,
        response_headers=clean.headers,
        response_body=clean.body,
    )
    texts = [*decoded(recorded.content)]
    assert [] == [kept for kept in exchange.kept if not any(kept.lower() in text.lower() for text in texts)]


def test_findings_have_no_credential() -> None:
    outputs = {
        exchange.name: repr(findings_of(as_recorded(exchange))).encode() for exchange in PLANTED if not exchange.follows
    }
    assert planted_in(outputs, [exchange for exchange in PLANTED if not exchange.follows]) == []


@pytest.mark.parametrize("report_format", ["text", "json", "html", "markdown", "sarif", "junit", "github"])
def test_the_check_of_a_har_file_shows_no_credential(report_format: str, tmp_path: Path) -> None:
    recording = Recording(tuple(as_recorded(exchange) for exchange in PLANTED), is_ours=False)
    tmp_path.joinpath("browser.har").write_bytes(encode(recording))
    command = [sys.executable, "-m", "pytest_bctrl", "check", "browser.har", "--contract", str(CONTRACT)]
    result = subprocess.run([*command, "--format", report_format], cwd=tmp_path, capture_output=True, check=False)
    assert 1 == result.returncode
    assert planted_in({"stdout": result.stdout, "stderr": result.stderr}) == []


def test_the_mock_shows_no_credential_of_a_request() -> None:
    lines: list[str] = []
    exchanges = [exchange for exchange in PLANTED if not exchange.follows]
    with MockServer(LOADED, log=lambda entry: lines.append(log_line(entry))) as mock:
        for exchange in exchanges:
            send(mock.url, exchange)
        entries = list(mock.requests)
        with pytest.raises(AssertionError) as failure:
            mock.requests.assert_conforming(fail_on="info")
        shown = f"{lines} {mock.requests!r} {entries} {mock.requests.report()} {failure.value}"
    assert planted_in({"the mock": shown.encode()}, exchanges) == []
    assert [exchange.request_body for exchange in exchanges] == [entry.body for entry in entries]
    assert [exchange.target for exchange in exchanges] == [entry.path for entry in entries]


@pytest.mark.skipif(os.name != "posix", reason="signals as on POSIX")
def test_the_proxy_shows_and_records_no_credential(tmp_path: Path, python: list[str]) -> None:
    responses = [wire_response(exchange) for exchange in EVERYTHING]
    arguments = [*REPORTS, "--record", "traffic.har", "--contract", str(CONTRACT)]
    command = ProxyCommand(python, tmp_path)
    with target(lambda number: responses[number]) as server, command.running(server.url, *arguments) as proxy:
        received = [send(proxy.url, exchange) for exchange in EVERYTHING]
        code, out, err = proxy.end()
    assert 1 == code
    assert [exchange.response_body for exchange in EVERYTHING if exchange.method != "HEAD"] == received
    assert planted_in(read_outputs(tmp_path, {"stdout": out, "stderr": err})) == []
    recorded = json.loads(tmp_path.joinpath("traffic.har").read_text("utf-8"))["log"]["entries"]
    bodies = {entry["response"]["content"]["text"] for entry in recorded}
    harmless = [exchange for exchange in HARMLESS if exchange.response_body.decode() not in bodies]
    assert [] == [exchange.name for exchange in harmless]


WATCHED = """
import base64
import json

import httpx
import httpx
import pytest

EXCHANGES = json.load(open("exchanges.json"))


@pytest.mark.parametrize("number", range(len(EXCHANGES)))
def test_exchange(number):
    exchange = EXCHANGES[number]
    body, content = (base64.b64decode(exchange[name]) for name in ("body", "content"))
    returned = httpx.Response(exchange["status"], headers=exchange["received"], content=content)
    with httpx.Client(transport=httpx.MockTransport(lambda request: returned)) as client:
        response = client.request(exchange["method"], exchange["url"], headers=exchange["sent"], content=body)
    assert response.content == content
"""


def test_the_watch_shows_no_credential(pytester: pytest.Pytester) -> None:
    exchanges = [exchange for exchange in PLANTED if not exchange.follows]
    data = pytester.path / "exchanges.json"
    data.write_text(json.dumps(list(map(as_data, exchanges))), "utf-8")
    shutil.copy(CONTRACT, pytester.path)
    pytester.makepyfile(test_watched=WATCHED)
    reports = [report.replace("--", "--bctrl-") for report in REPORTS]
    options = [f"--bctrl-contract={CONTRACT.name}", f"--bctrl-base-url={ORIGIN}", *reports, "--junitxml=junit.xml"]

    result = pytester.runpytest("--bctrl-watch", *options, "-rA", "-p", "no:cacheprovider")

    data.unlink()
    outputs = read_outputs(pytester.path, {"stdout": result.stdout.str(), "stderr": result.stderr.str()})
    assert "response_schema_conformance" in outputs["stdout"].decode()
    assert planted_in(outputs, exchanges) == []


def as_data(exchange: CorpusExchange) -> dict[str, object]:
    return {
        "method": exchange.method,
        "url": f"{ORIGIN}{exchange.target}",
        "sent": exchange.request_headers,
        "body": base64.b64encode(exchange.request_body).decode(),
        "status": exchange.status,
        "received": exchange.response_headers,
        "content": base64.b64encode(exchange.response_body).decode(),
    }


def wire_response(exchange: CorpusExchange) -> bytes:
    fields = [*exchange.response_headers, ("Content-Length", str(len(exchange.response_body)))]
    lines = [f"HTTP/1.1 {exchange.status} Status", *(f"{name}: {value}" for name, value in fields)]
    body = b"" if exchange.method == "HEAD" else exchange.response_body
    return "\r\n".join([*lines, "", ""]).encode() + body


def send(url: str, exchange: CorpusExchange) -> bytes:
    """Send the request of an exchange as it is, and return the body of the response."""
    connection = HTTPConnection(url.removeprefix("http://"), timeout=60)
    try:
        connection.putrequest(exchange.method, exchange.target, skip_accept_encoding=True)
        for name, value in (*exchange.request_headers, ("Content-Length", str(len(exchange.request_body)))):
            connection.putheader(name, value)
        connection.endheaders(exchange.request_body)
        return connection.getresponse().read()
    finally:
        connection.close()
