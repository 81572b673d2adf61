"""Redacts the credentials in the exchanges of a test from the error with which it fails."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pytest_bctrl.contract.model import SecurityScheme
from pytest_bctrl.exchanges.sent_secrets import received_secrets, sent_secrets
from pytest_bctrl.impact.interceptor import InterceptedExchange
from pytest_bctrl.secrets.encodings import is_random
from pytest_bctrl.secrets.redaction import Redaction


def without_credentials(text: str, exchanges: Iterable[InterceptedExchange], schemes: Sequence[SecurityScheme]) -> str:
    """Return a text without the received credentials of exchanges, and without those sent that look random.

    A test may send `key` or `secret`.
    """
    redaction = Redaction()
    for exchange in exchanges:
        for value in filter(is_random, sent_secrets(exchange.request, schemes)):
            redaction.add(value, name="")
        for value in received_secrets(exchange.original.headers):
            redaction.add(value, name="")
    return redaction(text)
