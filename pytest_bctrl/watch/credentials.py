"""Redacts the credentials in the exchanges of a test from what the watch reports about them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from pytest_bctrl.checks.response import Response
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.exchanges.sent_secrets import received_secrets, security_schemes, sent_secrets
from pytest_bctrl.http.message import Request
from pytest_bctrl.secrets.encodings import is_random
from pytest_bctrl.secrets.redaction import Redaction
from pytest_bctrl.watch.checking import WatchedTest
from pytest_bctrl.watch.exchange import WatchedExchange


class ExchangedCredentials:
    """The credentials of tests. Of those sent, only random ones are redacted: a test may send `key` or `secret`."""

    def __init__(self, contract: Contract) -> None:
        self._schemes = security_schemes(contract)
        self._secrets: frozenset[str] = frozenset()
        self._redaction = Redaction()

    def redact(self, exchanges: Iterable[WatchedExchange], test: WatchedTest) -> None:
        """Mask the credentials of exchanges in the results of their test, and in its responses."""
        redaction = self._redaction_of(frozenset(self._credentials(exchanges)))
        if not redaction:
            return
        test.findings = redaction.data(test.findings)
        test.unmatched = redaction.data(test.unmatched)
        test.unwatched = redaction.data(test.unwatched)
        test.not_checked = redaction.data(test.not_checked)
        test.responses = [(_without_secrets(response, redaction), request) for response, request in test.responses]

    def keep(self, exchange: WatchedExchange) -> None:
        """Store the credentials of an exchange in it, because its bodies are going to be dropped."""
        exchange.credentials = frozenset(self._credentials([exchange]))

    def _credentials(self, exchanges: Iterable[WatchedExchange]) -> Iterator[str]:
        """Yield the credentials that exchanges sent and received, of those sent only the ones that look random."""
        for exchange in exchanges:
            yield from exchange.credentials
            request = Request(exchange.method, exchange.url, exchange.request_headers)
            yield from filter(is_random, sent_secrets(request, self._schemes))
            yield from received_secrets(exchange.response_headers)

    def _redaction_of(self, secrets: frozenset[str]) -> Redaction:
        """Return a redaction of these credentials, the same one as long as they do not change."""
        if secrets != self._secrets:
            self._secrets, self._redaction = secrets, Redaction()
            for value in sorted(secrets):
                self._redaction.add(value, name="")
        return self._redaction


def _without_secrets(response: Response, redaction: Redaction) -> Response:
    """Return a response with the credentials in its body masked."""
    body = redaction.data_bytes(response.body)
    if body == response.body:
        return response
    return replace(response, body=body)
