"""Checks a request against a contract and returns the findings."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import unquote, urlsplit

from pytest_bctrl.contract.model import Contract, Operation, path_pattern
from pytest_bctrl.findings.finding import LEVELS, Finding
from pytest_bctrl.http.message import Request
from pytest_bctrl.http.routes import Match, Routes
from pytest_bctrl.request_checks.client_requests import ClientRequest
from pytest_bctrl.request_checks.operation import OperationChecks, target_violation
from pytest_bctrl.request_checks.violation import findings_of


class RequestChecks:
    """The requirements of a contract on requests, per operation; independent of pytest and of the mock."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.routes = Routes(contract)
        self._operations: dict[str, OperationChecks] = {}

    def of(self, operation: Operation) -> OperationChecks:
        """Return the checks of an operation, created at its first use."""
        label = operation.label
        if label not in self._operations:
            self._operations[label] = OperationChecks(self.contract, operation)
        return self._operations[label]

    def target_findings(self, request: Request, match: Match | None) -> tuple[Finding, ...]:
        """Return the finding about a request that is to no operation of the contract."""
        violation = target_violation(self.contract, request, match)
        return tuple(findings_of([violation], "", request.method, request.target.partition("?")[0]))


@lru_cache(maxsize=8)
def request_checks(contract: Contract) -> RequestChecks:
    """Return the checks of a contract, the same for each call."""
    return RequestChecks(contract)


def request_findings(client_request: ClientRequest, contract: Contract, operation_id: str | None) -> list[Finding]:
    """Return the findings of a request, worst first.

    `operation_id` is the id or label of the operation; by default, path and method determine it.
    """
    checks, request = request_checks(contract), client_request.request
    match = checks.routes.match(request.target)
    if operation_id is not None:
        match = _match_of(contract.operation(operation_id), client_request.url)
    operation = match.of(request.method) if match else None
    if match is None or operation is None:
        return list(checks.target_findings(request, match))
    violations = checks.of(operation).violations(request, match.values, client_request.unread)
    findings = findings_of(violations, operation.label, request.method, request.target.partition("?")[0])
    return sorted(findings, key=lambda finding: LEVELS.index(finding.level))


def _match_of(operation: Operation, url: str) -> Match | None:
    """Return the match of a URL that ends with the path of an operation, after any prefix."""
    pattern, names = path_pattern(operation.path)
    match = re.search(f"{pattern.pattern}/?$", urlsplit(url).path)
    if match is None:
        return None
    values = dict(zip(names, map(unquote, match.groups()), strict=True))
    return Match({operation.method: operation}, values)
