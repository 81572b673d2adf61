"""Schemathesis: it generates cases from the contract and gives a second opinion on answers; our client sends."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import httpx
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from pytest_bctrl.checks.answer import Answer
from pytest_bctrl.contract.limits import wide_limits
from pytest_bctrl.contract.model import Contract, Operation
from pytest_bctrl.finding import Finding

_CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


def schema_of(contract: Contract) -> Any:
    """Return the Schemathesis schema of a contract, untouched by any configuration file of the project around."""
    return schemathesis.openapi.from_dict(copy.deepcopy(dict(contract.document)), config=SchemathesisConfig())


def operation_of(schema: Any, operation: Operation) -> APIOperation[Any, Any, Any, Any]:
    """Return Schemathesis's view of one operation."""
    found: APIOperation[Any, Any, Any, Any] = schema[operation.path][operation.method]
    return found


def for_each_case(operation: APIOperation[Any, Any, Any, Any], count: int, visit: Callable[[Any], None]) -> None:
    """Call `visit` with `count` generated cases, the same in every run.

    Nothing is shrunk or replayed from a database: every case costs a request, and a live target gets no more
    than were asked for. What `visit` raises ends it, and is raised when Hypothesis is done, which would try again.
    """
    raised: list[Exception] = []

    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),  # pyright: ignore[reportArgumentType] - an enum of a metaclass of its own
    )
    @given(case=operation.as_strategy())
    def generate(case: Any) -> None:
        if not raised:
            try:
                visit(case)
            except Exception as error:  # noqa: BLE001 - raised below
                raised.append(error)

    generate()
    if raised:
        raise raised[0]


def second_opinion(schema: Any, answer: Answer, response: httpx.Response, known: list[Finding]) -> list[Finding]:
    """Return what Schemathesis finds wrong with an answer where our own checks found no error."""
    if any(finding.level == "error" for finding in known):
        return []
    case = operation_of(schema, answer.operation).Case(path_parameters=dict(answer.path_values))
    # JSON is UTF-8, whatever a charset says that stands beside it: it has none (RFC 8259, 8.1 and 11).
    response.encoding = "utf-8"
    return [
        _finding(answer, check.__name__, failure) for check in _CHECKS for failure in _failures(case, response, check)
    ]


def _failures(case: Any, response: httpx.Response, check: Any) -> list[Failure]:
    try:
        with wide_limits():
            case.validate_response(response, checks=[check])
    except FailureGroup as group:
        return [failure for failure in group.exceptions if isinstance(failure, Failure)]
    return []


def _finding(answer: Answer, rule: str, failure: Failure) -> Finding:
    return Finding(
        rule,
        "error",
        "answer",
        f"Schemathesis: {failure.title}",
        expected="an answer as documented",
        observed=" ".join(failure.message.split())[:200],
        total=1,
        operation=answer.operation.label,
        reproduce=answer.reproduce,
        extra={"status": str(answer.status), "kind": failure.title},
    )
