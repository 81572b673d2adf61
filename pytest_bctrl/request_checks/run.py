"""Checks a request against a contract and returns the findings."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cached_property, lru_cache

from pytest_bctrl.checks.violation import Violation
from pytest_bctrl.contract.credential_names import credentials_for
from pytest_bctrl.contract.model import Contract, Operation, decode_path, path_pattern, path_value
from pytest_bctrl.contract.valid_parts import Exclusion
from pytest_bctrl.findings.finding import LEVELS, Finding
from pytest_bctrl.http.message import Request
from pytest_bctrl.http.routes import Match, Routes
from pytest_bctrl.request_checks.operation import OperationChecks, target_violation
from pytest_bctrl.request_checks.redact import redact_request
from pytest_bctrl.request_checks.violation import NOT_CHECKED, findings_of


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

    @cached_property
    def _excluded(self) -> tuple[Routes, dict[str, Exclusion]]:
        """The routes of the operations that are invalid in the document, and the exclusions by label."""
        by_label = {exclusion.operation: exclusion for exclusion in self.contract.excluded}
        parts = [label.partition(" ") for label in by_label]
        operations = tuple(
            Operation(method, path, "", "", (), {}, ()) for method, _, path in parts if path.startswith("/")
        )
        return Routes(replace(self.contract, operations=operations)), by_label

    def redacted(self, request: Request) -> tuple[Request, frozenset[str]]:
        """Return a request without credentials, by the names that its operation documents, and the credentials."""
        match = self.routes.match(request.target)
        operation = match.of(request.method) if match else None
        return redact_request(request, credentials_for(self.contract, operation), match.values if match else {})

    def exclusion(self, request: Request) -> Exclusion | None:
        """Return the exclusion of a request's operation, if it is invalid in the document; None otherwise."""
        if not self.contract.excluded:
            return None
        routes, by_label = self._excluded
        operation, _ = routes.operation_and_values(request.method, request.target)
        return None if operation is None else by_label[operation.label]

    def target_findings(self, request: Request, match: Match | None) -> tuple[Finding, ...]:
        """Return the finding about a request that is to no operation of the contract, or to one that is invalid."""
        violation = target_violation(self.contract, request, match)
        exclusion = self.exclusion(request)
        if exclusion is not None:
            message = f"the operation is invalid in the document: {exclusion.reason}"
            violation = Violation(NOT_CHECKED, "warning", message, place="path")
        return tuple(findings_of([violation], None, request, self.contract))


@lru_cache(maxsize=8)
def request_checks(contract: Contract) -> RequestChecks:
    """Return the checks of a contract, the same for each call."""
    return RequestChecks(contract)


def request_findings(request: Request, contract: Contract, operation_id: str | None) -> list[Finding]:
    """Return the findings of a request, worst first; `operation_id` names its operation if the URL does not.

    `operation_id` is the id or label of the operation; by default, path and method determine it.
    """
    checks = request_checks(contract)
    match = checks.routes.match(request.target)
    if operation_id is not None:
        match = _match_at_end(contract.operation(operation_id), request.target)
    operation = match.of(request.method) if match else None
    if match is None or operation is None:
        return list(checks.target_findings(request, match))
    violations = checks.of(operation).violations(request, match.values)
    findings = findings_of(violations, operation, request, contract, match.values)
    return sorted(findings, key=lambda finding: LEVELS.index(finding.level))


def _match_at_end(operation: Operation, target: str) -> Match | None:
    """Return the match if the path of a target ends with that of an operation, after any prefix; else None."""
    pattern, names = path_pattern(operation.path)
    match = re.search(f"{pattern.pattern}/?$", decode_path(target.partition("?")[0]))
    if match is None:
        return None
    values = dict(zip(names, map(path_value, match.groups()), strict=True))
    return Match({operation.method: operation}, values)
