"""Redacts the credentials in the exchanges of a test from what the watch reports about it."""

from __future__ import annotations

from pytest_bctrl.checks.redact import redact_findings
from pytest_bctrl.secrets.echoes import Echoes
from pytest_bctrl.watch.checking import WatchedTest


def redact_test(test: WatchedTest) -> None:
    """Redact the credentials of a test's exchanges in its results, also where another exchange repeats them."""
    if not test.credentials:
        return
    echoes = Echoes(test.credentials, has_parts=True)
    test.findings = redact_findings(test.findings, test.credentials)
    test.unmatched = [request._replace(label=echoes.text(request.label)) for request in test.unmatched]
    test.not_checked = list(map(echoes.text, test.not_checked))
