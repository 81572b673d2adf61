"""Redacts the credentials of an exchange from the findings about it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Any

from pytest_bctrl.checks.response import Response, once
from pytest_bctrl.contract.credential_names import credentials_for
from pytest_bctrl.contract.short_values import short_scalar
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.secrets.echoes import Echoes
from pytest_bctrl.secrets.secret import REDACTED

_OF_EXCHANGE = ("item", "request", "response")
"""Members of `extra` with values of the exchange."""


def response_credentials(response: Response) -> frozenset[str]:
    """Return the credentials in header fields, path values and body of a response."""

    def read() -> frozenset[str]:
        """Return the credentials, by their names and by their form."""
        credentials = credentials_for(response.contract, response.operation)
        credentials.headers(response.headers)
        credentials.url("", response.path_values)
        credentials.body(response.body, response.header("Content-Type") or "")
        return frozenset(credentials.values)

    path_values = tuple(response.path_values.items())
    return once(response, ("credentials", response.headers, path_values), read)


def redact_response_findings(findings: Iterable[Finding], response: Response) -> list[Finding]:
    """Return findings about a response without its credentials."""
    findings = list(findings)
    if not findings:
        return findings
    return redact_findings(findings, response_credentials(response))


def redact_findings(findings: Iterable[Finding], values: Collection[str], *, has_parts: bool = True) -> list[Finding]:
    """Return findings in which the credentials `values` are replaced: at their location, and wherever they repeat.

    With `has_parts`, parts and further encodings of random ones are replaced too. Only random ones are replaced in
    rules, operations and locations, which may contain any word.
    """
    if not values:
        return list(findings)
    echoes, texts = Echoes(values, has_parts=has_parts), frozenset(map(short_scalar, values)) | frozenset(values)
    return [_redacted(finding, texts, echoes) for finding in findings]


def _redacted(finding: Finding, values: Collection[str], echoes: Echoes) -> Finding:
    """Return a finding without the credentials `values`."""

    def shown(value: Any) -> Any:
        """Return data of the exchange without credentials, also those that are words."""
        return echoes.data(_without_values(value, values))

    extra = {name: shown(value) if name in _OF_EXCHANGE else value for name, value in finding.extra.items()}
    return replace(
        finding,
        location=echoes.text_of_random(finding.location),
        message=echoes.text(finding.message),
        observed=shown(finding.observed),
        sample=shown(finding.sample),
        reproduce=echoes.text(finding.reproduce),
        extra=extra,
    )


def _without_values(value: Any, values: Collection[str]) -> Any:
    """Return JSON data with a mask in place of each text and number that is one of `values`."""
    if isinstance(value, dict):
        return {name: _without_values(member, values) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_without_values(item, values) for item in value]
    is_scalar = isinstance(value, str | int | float) and not isinstance(value, bool)
    return REDACTED if is_scalar and str(value) in values else value
