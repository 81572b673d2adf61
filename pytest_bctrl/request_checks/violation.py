"""The violations of a request, their rules, and the findings that they are grouped into."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path as File
from types import MappingProxyType
from typing import Any, NamedTuple

from pytest_bctrl.checks.redact import redact_findings
from pytest_bctrl.contract.credential_names import credentials_for
from pytest_bctrl.contract.model import Contract, Operation
from pytest_bctrl.contract.schema.locations import Path, exact_location, general_location
from pytest_bctrl.contract.short_values import shorten
from pytest_bctrl.findings.finding import Finding, Level
from pytest_bctrl.findings.fingerprint import with_fingerprint
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
    """One rule about requests: what it checks, who defines it and where, and a request that breaks it."""

    level: str
    checks: str
    of: str
    said_in: str
    request: str


@cache
def request_rules() -> Mapping[str, RequestRule]:
    """Return the rules about requests by name, without those about JSON, which belong to responses too."""
    text = File(__file__).with_name("rules.toml").read_text("utf-8")
    return {name: RequestRule(**fields) for name, fields in tomllib.loads(text).items()}


@dataclass(frozen=True, slots=True)
class RequestViolation:
    """One broken rule at one location of a request.

    `place` is the part of the request: `query limit`, `header Authorization`, `body`. `path` leads from the value of
    that part to the rejected value.
    """

    rule: str
    level: Level
    message: str
    place: str
    path: Path = ()
    expected: Any = None
    observed: Any = None
    kind: str = ""

    @property
    def location(self) -> str:
        """The location in the request for all items of lists: `body.items[*].qty`."""
        return _location_in(self.place, general_location(self.path))


def _location_in(place: str, location: str) -> str:
    """Return a location in a part of the request: `body.items[0]`."""
    location = location.removeprefix("$")
    if not location or location.startswith("["):
        return place + location
    return f"{place}.{location}"


def findings_of(
    violations: Iterable[RequestViolation],
    operation: Operation | None,
    request: Request,
    contract: Contract,
    path_values: Mapping[str, str] = MappingProxyType({}),
) -> list[Finding]:
    """Return violations of a request as findings, grouped by rule, location and message, without its credentials.

    `operation` is None if the contract has none for the request. `path_values` are the decoded values of the path.
    """
    groups: dict[tuple[str, ...], list[RequestViolation]] = {}
    for violation in violations:
        key: tuple[str, ...] = (violation.rule, violation.location, violation.message)
        if key not in groups and len(groups) >= _MOST:
            # A finding takes time, and nobody reads so many.
            key = next(reversed(groups))
        groups.setdefault(key, []).append(violation)
    if not groups:
        return []
    label = operation.label if operation else ""
    shown, credentials = redact_request(request, credentials_for(contract, operation), path_values)
    path = shown.path
    findings = [_finding_of_group(group, label, request.method, path) for group in groups.values()]
    return redact_findings(findings, credentials)


_MOST = 100
"""Maximum number of findings about one request; the last counts all further violations."""


def _finding_of_group(group: list[RequestViolation], label: str, method: str, path: str) -> Finding:
    """Return violations of the same rule at the same location as one finding."""
    first = group[0]
    sample = None
    if first.path:
        sample = {"location": _location_in(first.place, exact_location(first.path)), "value": shorten(first.observed)}
    rule = request_rules().get(first.rule)
    extra: dict[str, Any] = {
        "kind": first.kind,
        "source": rule.of if rule else "HTTP",
        "request": {"method": method, "path": path},
    }
    return with_fingerprint(
        Finding(
            rule=first.rule,
            level=first.level,
            location=first.location,
            message=first.message,
            expected=shorten(first.expected),
            observed=shorten(first.observed),
            count=len(group),
            sample=sample,
            operation=label,
            direction="request",
            extra={name: value for name, value in extra.items() if value},
        )
    )
