"""No output and no file has a credential of an exchange, at every entry point; what only resembles one stays."""

from __future__ import annotations

import html
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import pytest

from pytest_bctrl.contract.in_force import contract_in_force
from pytest_bctrl.exchanges.exchange_checks import ExchangeChecks, ObservedExchange
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.http.message import Request
from pytest_bctrl.traffic.recordings.exchange import Exchange, Recording, encode
from pytest_bctrl.traffic.recordings.guard import without_credentials

from .credential_corpus import CONTRACT, HARMLESS, PLANTED, CorpusExchange, spellings
from .test_credential_corpus_data import decoded

LOADED = contract_in_force(str(CONTRACT), Path()).load()
EVERYTHING = (*PLANTED, *HARMLESS)
REPORTS = [f"--report=report.{suffix}" for suffix in ("json", "html", "md", "sarif", "xml")]
ORIGIN = "https://acme.example"


def as_recorded(exchange: CorpusExchange) -> Exchange:
    return Exchange(
        exchange.method,
        f"{ORIGIN}{exchange.target}",
        exchange.status,
        exchange.response_headers,
        exchange.response_body,
        exchange.request_headers,
        exchange.request_body,
    )


def findings_of(exchange: Exchange) -> tuple[Finding, ...]:
    headers = tuple((name.lower(), value) for name, value in exchange.request_headers)
    request = Request(exchange.method, exchange.target, headers, exchange.request_body)
    observed = ObservedExchange(request, exchange.status, exchange.headers, exchange.body)
    return ExchangeChecks(LOADED).check(observed).findings


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


def without_host(exchanges: Sequence[Exchange]) -> list[Exchange]:
    return [replace(exchange, started="", test="", base_path="", contract="", reason="") for exchange in exchanges]


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


@pytest.mark.parametrize("exchange", HARMLESS, ids=lambda exchange: exchange.name)
def test_an_exchange_without_credentials_is_recorded_unchanged(exchange: CorpusExchange) -> None:
    original = as_recorded(exchange)
    assert [original] == without_credentials([original], LOADED)


@pytest.mark.parametrize("exchange", PLANTED, ids=lambda exchange: exchange.name)
def test_the_rest_of_an_exchange_is_recorded(exchange: CorpusExchange) -> None:
    (clean,) = without_credentials([as_recorded(exchange)], LOADED)
    recorded = replace(
        exchange,
        target=clean.target,
        request_headers=clean.request_headers,
        request_body=clean.request_body,
        response_headers=clean.headers,
        response_body=clean.body,
    )
    texts = [*decoded(recorded.content)]
    assert [] == [kept for kept in exchange.kept if not any(kept in text for text in texts)]


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
