"""What the contract suite asks a target, and what is wrong with the answers: no pytest in here.

The tests of the suite are these questions under names; the self-test asks them of a mock that misbehaves.
"""

from __future__ import annotations

from collections.abc import Iterator

from pytest_bctrl.checks.credentials import NONE, Credential, check_head_refused, check_refused
from pytest_bctrl.checks.run import check_answer, check_protocol
from pytest_bctrl.checks.violation import findings
from pytest_bctrl.contract.model import Operation
from pytest_bctrl.finding import Finding
from pytest_bctrl.suite.paths import REFUSED, PathValue
from pytest_bctrl.suite.target import Target

REPEATS = 6
"""Requests for the same, five of them in a row, so that a fault in every fifth answer shows."""


def of_answer(target: Target, operation: Operation) -> list[Finding]:
    """Hold the plain answer to status, content type, strict JSON and schema."""
    exchange = target.first(operation)
    return [*exchange.findings, *check_protocol(exchange.answer, operation.success_statuses)]


def of_repetition(target: Target, operation: Operation) -> Iterator[list[Finding]]:
    """Ask again and again, and hold every answer to everything."""
    target.first(operation)
    for _ in range(REPEATS - 1):
        exchange = target.ask(operation, target.values(operation) or {})
        yield [*exchange.findings, *check_answer(exchange.answer, operation.success_statuses)]


def of_credential(target: Target, operation: Operation, credential: Credential) -> list[Finding]:
    """Ask with a wrong credential: it has to be refused, as documented."""
    target.first(operation)
    exchange = target.ask(operation, target.values(operation) or {}, credential)
    refused = findings(exchange.answer, check_refused(exchange.answer, credential.name))
    return [*exchange.findings, *refused, *check_protocol(exchange.answer)]


def of_head(target: Target, operation: Operation) -> list[Finding]:
    """Ask for the head alone, without a credential: it must not be let in."""
    target.first(operation)
    exchange = target.ask(operation, target.values(operation) or {}, NONE, method="HEAD")
    return [*exchange.findings, *findings(exchange.answer, check_head_refused(exchange.answer))]


def of_path(target: Target, operation: Operation, value: PathValue) -> list[Finding]:
    """Ask for what does not exist: it has to be refused, as documented."""
    target.first(operation)
    exchange = target.ask(operation, {parameter.name: value.value for parameter in operation.path_parameters})
    if exchange.answer.status in value.refused_too:
        return list(exchange.findings)
    return [*exchange.findings, *check_protocol(exchange.answer, REFUSED)]
