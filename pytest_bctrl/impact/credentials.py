"""Redacts the credentials in the exchanges of a test from the error with which it fails."""

from __future__ import annotations

from collections.abc import Iterable

from pytest_bctrl.contract.credential_names import credentials_for
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.impact.interceptor import InterceptedExchange
from pytest_bctrl.secrets.echoes import Echoes


def without_credentials(text: str, exchanges: Iterable[InterceptedExchange], contract: Contract) -> str:
    """Return a text without the credentials of exchanges."""
    credentials = credentials_for(contract)
    for exchange in exchanges:
        credentials.url(exchange.request.target)
        credentials.headers((*exchange.request.headers, *exchange.original.headers))
        credentials.body(exchange.request.body, exchange.request.header("content-type") or "")
        credentials.body(exchange.original.body, exchange.original.header("content-type") or "")
    return Echoes(credentials.values, has_parts=True).text(text)
