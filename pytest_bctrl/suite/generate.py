"""Schemathesis generates cases, which our client sends; it and jsonschema give a second opinion on answers."""

from __future__ import annotations

import gc
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import httpx
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import HypothesisException
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from jsonschema.validators import extend
from referencing.exceptions import Unresolvable
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.core.errors import SchemathesisError
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from pytest_bctrl.checks.answer import Answer
from pytest_bctrl.checks.violation import source_of
from pytest_bctrl.contract.model import Contract, Operation
from pytest_bctrl.contract.references import keyworded, rewritten
from pytest_bctrl.finding import Finding
from pytest_bctrl.suite.troubles import NotCheckedError

_CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


def schema_of(contract: Contract) -> Any:
    """Return the Schemathesis schema of a contract, untouched by any configuration file of the project around.

    It has no `writeOnly`: an annotation, by which Schemathesis refuses what the schema of an answer requires. Nor has
    a path or an operation servers of its own: requests go to the target, whatever stands there.
    """
    changes = {one.pointer: _readable for one in keyworded(contract.document)}
    # A server is what its variables make of it; one of a variable that nobody defines is none.
    servers = [{"url": url} for url in contract.servers if "{" not in url] or [{"url": "/"}]
    made = {**rewritten(contract.document, changes), "servers": servers}
    return schemathesis.openapi.from_dict(made, config=SchemathesisConfig())


def _readable(schema: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key not in ("writeOnly", "servers")}


@lru_cache(maxsize=8)
def _schema(contract: Contract) -> Any:
    made = schema_of(contract)
    # What these imports made is searched for garbage no more: a fifth of a whole contract run, measured.
    gc.freeze()
    return made


def generated_cases(contract: Contract, operation: Operation, count: int) -> tuple[Any, ...]:
    """Return at most `count` cases that Schemathesis generates for an operation, the same in every run.

    Nothing is shrunk or replayed from a database: every case costs a request. Raises `NotCheckedError` where it
    generates none, for a schema that it cannot read or that no value fits.
    """
    try:
        return _generated(contract, operation.path, operation.method, count)
    except (SchemathesisError, HypothesisException) as error:
        raise NotCheckedError(f"Schemathesis generates no request: {str(error).splitlines()[0]}") from None


def _operation(contract: Contract, path: str, method: str) -> APIOperation[Any, Any, Any, Any]:
    found: APIOperation[Any, Any, Any, Any] = _schema(contract)[path][method]
    return found


@lru_cache(maxsize=64)
def _generated(contract: Contract, path: str, method: str, count: int) -> tuple[Any, ...]:
    cases: list[Any] = []

    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),  # pyright: ignore[reportArgumentType] - an enum of a metaclass of its own
    )
    @given(case=_operation(contract, path, method).as_strategy())
    def generate(case: Any) -> None:
        cases.append(case)

    generate()
    return tuple(cases)


def second_opinion(answer: Answer, response: httpx.Response, known: list[Finding]) -> list[Finding]:
    """Return what Schemathesis or jsonschema find wrong with an answer where our own checks found no error."""
    if any(finding.level == "error" for finding in known):
        return []
    # JSON is UTF-8, whatever a charset says that stands beside it: it has none (RFC 8259, 8.1 and 11).
    response.encoding = "utf-8"
    rules = {finding.rule for finding in known}
    checks = [check for check in _CHECKS if check.__name__ not in rules]
    found = [(check.__name__, failure) for check in checks for failure in _failures(answer, response, check)]
    if answer.parsed.ok:
        # What is JSON, and is read by ours, may still have more digits than it reads: then it has no opinion.
        found = [(rule, one) for rule, one in found if type(one).__name__ != "ContentDeserializationError"]
    return [
        *_of_jsonschema(answer),
        *(_finding(answer, rule, f"Schemathesis: {one.title}", one.title, one.message) for rule, one in found),
    ]


def _of_jsonschema(answer: Answer) -> Iterator[Finding]:
    """Hold a body to its schema with an engine that shares no code with ours, which Schemathesis uses too."""
    if answer.schema is None or not answer.parsed.ok:
        return
    try:
        error = best_match(_validator(answer.contract).evolve(schema=answer.schema).iter_errors(answer.data))
    except (re.error, Unresolvable, RecursionError):
        # It has other regular expressions, and follows fewer references: then it has no opinion.
        return
    if error is not None:
        title = "the body does not conform"
        yield _finding(answer, "response_schema_conformance", f"jsonschema: {title}", title, error.message)


@lru_cache(maxsize=8)
def _validator(contract: Contract) -> Any:
    """A validator of the words that every engine reads alike: patterns, formats and decimal fractions are not such.

    Without them it cannot tell either whether one alternative holds alone, or another does not.
    """
    silent = "pattern patternProperties multipleOf format not if contains unevaluatedItems unevaluatedProperties"
    words = dict.fromkeys(silent.split(), lambda *_: None) | {"oneOf": Draft202012Validator.VALIDATORS["anyOf"]}
    return extend(Draft202012Validator, words)(contract.document)  # type: ignore[no-untyped-call]


def _failures(answer: Answer, response: httpx.Response, check: Any) -> list[Failure]:
    try:
        operation = _operation(answer.contract, answer.operation.path, answer.operation.method)
        case = operation.Case(path_parameters=dict(answer.path_values))
        case.validate_response(response, checks=[check])
    except FailureGroup as group:
        return [failure for failure in group.exceptions if isinstance(failure, Failure)]
    except SchemathesisError:
        # It cannot read the operation or its schema, or follow its references: then it has no opinion.
        return []
    return []


def _finding(answer: Answer, rule: str, message: str, kind: str, observed: str) -> Finding:
    return Finding(
        rule,
        "error",
        "answer",
        message,
        expected="an answer as documented",
        observed=" ".join(observed.split())[:200],
        total=1,
        operation=answer.operation.label,
        reproduce=answer.reproduce,
        extra={"status": str(answer.status), "kind": kind, "source": source_of(rule, answer)},
    )
