"""Redacts the credentials in the exchanges of a test from what the watch reports about it."""

from __future__ import annotations

from dataclasses import replace

from pytest_bctrl.checks.redact import redact_findings
from pytest_bctrl.checks.response import Response
from pytest_bctrl.secrets.echoes import Echoes
from pytest_bctrl.watch.checking import WatchedTest


def redact_test(test: WatchedTest) -> None:
    """Redact the credentials of a test's exchanges in its results, also where another exchange repeats them."""
    if not test.credentials:
        return
    echoes = Echoes(test.credentials, has_parts=True)
    test.findings = redact_findings(test.findings, test.credentials)
    test.account.replace_texts(echoes.text)
    test.responses = [(_without_echoes(response, echoes), request) for response, request in test.responses]


def _without_echoes(response: Response, echoes: Echoes) -> Response:
    """Return a response whose body, from which names and values are reported, repeats no credential."""
    text = response.body.decode("utf-8", "surrogateescape")
    redacted_text = echoes.text(text)
    if redacted_text == text:
        return response
    return replace(response, body=redacted_text.encode("utf-8", "surrogateescape"))
