"""The rules about requests, and the findings that violations of them are grouped into."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path as File
from types import MappingProxyType
from typing import NamedTuple

from pytest_bctrl.checks.redact import redact_findings
from pytest_bctrl.checks.violation import Violation, fix_of, grouped, new_finding
from pytest_bctrl.contract.credential_names import credentials_for
from pytest_bctrl.contract.model import Contract, Operation
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.http.message import Request
from pytest_bctrl.request_checks.redact import redact_request

TARGET = "request_target"
CREDENTIALS = "request_credentials"
PARAMETERS = "request_parameters"
UNDOCUMENTED_PARAMETER = "undocumented_parameter"
MEDIA_TYPE = "request_media_type"
BODY = "request_body"
STRICT_JSON = "strict_json"
READ_ONLY = "read_only_property"
ACCEPT = "request_accept"
UNDOCUMENTED_BODY = "undocumented_request_body"
NOT_CHECKED = "request_not_checked"


class RequestRule(NamedTuple):
    """One rule about requests: what it checks, what to do about a finding, its origin, and a request that breaks it."""

    level: str
    checks: str
    fix: str
    of: str
    said_in: str
    request: str


@cache
def request_rules() -> Mapping[str, RequestRule]:
    """Return the rules about requests by name, without those about JSON, which belong to responses too."""
    text = File(__file__).with_name("rules.toml").read_text("utf-8")
    return {name: RequestRule(**fields) for name, fields in tomllib.loads(text).items()}


def findings_of(
    violations: Iterable[Violation],
    operation: Operation | None,
    request: Request,
    contract: Contract,
    path_values: Mapping[str, str] = MappingProxyType({}),
) -> list[Finding]:
    """Return violations of a request as findings, grouped by rule, location and message, without its credentials.

    `operation` is None if the contract has none for the request. `path_values` are the decoded values of the path.
    """
    groups = grouped(violations, _key, _MOST)
    if not groups:
        return []
    label = operation.label if operation else ""
    shown, credentials = redact_request(request, credentials_for(contract, operation), path_values)
    shown_request = {"method": request.method, "path": shown.path}
    return redact_findings([_finding_of_group(group, label, shown_request) for group in groups], credentials)


_MOST = 100
"""Maximum number of findings about one request, since each takes time; the last counts all further violations."""


def _key(violation: Violation) -> tuple[str, ...]:
    """Return the rule, location and message of a violation."""
    return violation.rule, violation.location, violation.message


def _finding_of_group(group: list[Violation], label: str, request: Mapping[str, str]) -> Finding:
    """Return violations of the same rule at the same location as one finding; `request` has its method and path."""
    first, rule = group[0], request_rules().get(group[0].rule)
    # Those about JSON are rules about responses too.
    source, fix = (rule.of, rule.fix) if rule else ("HTTP", fix_of(first.rule))
    return new_finding(
        first,
        first.location,
        {"kind": first.kind, "source": source, "fix": fix, "request": request},
        count=len(group),
        sample=first.sample if first.path else None,
        operation=label,
        direction="request",
    )
