"""The corpus of credentials is what it says that it is."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote_plus

import pytest

from pytest_bctrl.contract.in_force import contract_in_force
from pytest_bctrl.exchanges.exchange_checks import CheckedExchange, ExchangeChecks
from pytest_bctrl.http.exchange import Exchange
from pytest_bctrl.http.message import Headers, Request

from .credential_corpus import CONTRACT, HARMLESS, PLANTED, CorpusExchange, spellings

ALL = pytest.mark.parametrize("exchange", [*PLANTED, *HARMLESS], ids=lambda exchange: exchange.name)


@pytest.fixture(scope="module")
def checks() -> ExchangeChecks:
    return ExchangeChecks(contract_in_force(str(CONTRACT), Path()).load())


def checked(exchange: CorpusExchange, checks: ExchangeChecks) -> CheckedExchange:
    request = Request(exchange.method, exchange.target, lower(exchange.request_headers), exchange.request_body)
    status, headers = exchange.status, lower(exchange.response_headers)
    return checks.check(Exchange(request, status, headers, exchange.response_body))


def lower(headers: tuple[tuple[str, str], ...]) -> Headers:
    return tuple((name.lower(), value) for name, value in headers)


def decoded(content: str) -> Iterator[str]:
    """Yield a text as it is, without percent-encoding, without escapes of JSON, and its credentials of basic."""
    yield content
    yield unquote_plus(content)
    without_unicode = re.sub(r"\\u([0-9a-f]{4})", lambda escape: chr(int(escape[1], 16)), content)
    yield re.sub(r"\\(.)", r"\1", without_unicode)
    for encoded in re.findall(r"Basic (\S+)", content):
        yield base64.b64decode(encoded).decode(errors="replace")


def test_names_are_unique_and_follow_earlier_exchanges() -> None:
    names = [exchange.name for exchange in (*PLANTED, *HARMLESS)]
    assert len(names) == len(set(names))
    for number, exchange in enumerate(PLANTED):
        if exchange.follows:
            earlier = next(candidate for candidate in PLANTED[:number] if candidate.name == exchange.follows)
            assert set(exchange.planted) & set(earlier.planted)


@pytest.mark.parametrize("exchange", PLANTED, ids=lambda exchange: exchange.name)
def test_planted_and_kept_values_occur(exchange: CorpusExchange) -> None:
    texts = [*decoded(exchange.content)]
    assert exchange.planted
    for value in exchange.planted:
        assert any(spelling in content for spelling in spellings(value) for content in texts), value
    for kept in exchange.kept:
        assert any(kept in content for content in texts), kept
        assert not any(value in kept or kept in value for value in exchange.planted), kept


@pytest.mark.parametrize("exchange", HARMLESS, ids=lambda exchange: exchange.name)
def test_harmless_exchanges_have_no_planted_value(exchange: CorpusExchange) -> None:
    assert not exchange.planted
    planted = {value for other in PLANTED for value in other.planted}
    assert [value for value in planted if any(value in content for content in decoded(exchange.content))] == []


@ALL
def test_the_contract_has_the_operation_and_the_exchange_violates_it(
    exchange: CorpusExchange, checks: ExchangeChecks
) -> None:
    result = checked(exchange, checks)
    assert result.operation
    assert exchange.violates == bool(result.findings), result.findings
