"""What two other engines find wrong with an answer in which our own checks found no error: jsonschema, Schemathesis."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from typing import Any

import httpx
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from jsonschema.validators import extend
from referencing.exceptions import Unresolvable

from pytest_bctrl.checks.answer import Answer
from pytest_bctrl.checks.protocol import around
from pytest_bctrl.checks.violation import findings
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.finding import Finding
from pytest_bctrl.suite.schema import new_schema


def second_opinion(answer: Answer, response: httpx.Response, known: list[Finding]) -> list[Finding]:
    """Return what other engines find wrong with an answer where our own checks found no error."""
    if any(finding.level == "error" for finding in known):
        return []
    return [*_of_jsonschema(answer), *_of_schemathesis(answer, response, {finding.rule for finding in known})]


def _of_jsonschema(answer: Answer) -> Iterator[Finding]:
    """Hold a body to its schema with an engine that shares no code with ours."""
    if answer.schema is None or not answer.parsed.ok:
        return
    try:
        error = best_match(_validator(answer.contract).evolve(schema=answer.schema).iter_errors(answer.data))
    except (re.error, Unresolvable, RecursionError):
        # It has other regular expressions, and follows fewer references: then it has no opinion.
        return
    if error is not None:
        title = "the body does not conform"
        yield from _findings(answer, "response_schema_conformance", f"jsonschema: {title}", title, error.message)


@lru_cache(maxsize=8)
def _validator(contract: Contract) -> Any:
    """A validator of the words that every engine reads alike: patterns, formats and decimal fractions are not such.

    Without them it cannot tell either whether one alternative holds alone, or another does not.
    """
    silent = "pattern patternProperties multipleOf format not if contains unevaluatedItems unevaluatedProperties"
    words = dict.fromkeys(silent.split(), lambda *_: None) | {"oneOf": Draft202012Validator.VALIDATORS["anyOf"]}
    return extend(Draft202012Validator, words)(contract.document)  # type: ignore[no-untyped-call]


def _of_schemathesis(answer: Answer, response: httpx.Response, known: set[str]) -> Iterator[Finding]:
    """Hold an answer to Schemathesis's own checks, other than those of rules that are `known`."""
    from schemathesis import checks
    from schemathesis.core.errors import SchemathesisError
    from schemathesis.core.failures import Failure, FailureGroup
    from schemathesis.specs.openapi import checks as openapi

    asked = [checks.not_a_server_error, openapi.status_code_conformance, openapi.content_type_conformance]
    asked.append(openapi.response_schema_conformance)
    # JSON is UTF-8, whatever a charset says that stands beside it: it has none (RFC 8259, 8.1 and 11).
    response.encoding = "utf-8"
    for check in (one for one in asked if one.__name__ not in known):
        failures = list[Any]()
        # Where it cannot read the operation or its schema, or follow its references, it has no opinion.
        with suppress(SchemathesisError):
            try:
                operation = schema_of(answer.contract)[answer.operation.path][answer.operation.method]
                case = operation.Case(path_parameters=dict(answer.path_values))
                case.validate_response(response, checks=[check])
            except FailureGroup as group:
                failures = [one for one in group.exceptions if isinstance(one, Failure)]
        # What is JSON, and is read by ours, may still be more than it reads, digits or half a letter: no opinion.
        unread = ("ContentDeserializationError", "MalformedJson") if answer.parsed.ok else ()
        for one in (one for one in failures if type(one).__name__ not in unread):
            yield from _findings(answer, check.__name__, f"Schemathesis: {one.title}", one.title, one.message)


@lru_cache(maxsize=8)
def schema_of(contract: Contract) -> Any:
    """Return the Schemathesis schema of a contract, made once."""
    return new_schema(contract)


def _findings(answer: Answer, rule: str, message: str, kind: str, observed: str) -> list[Finding]:
    seen = " ".join(observed.split())[:200]
    made = findings(answer, [around(rule, message, "answer", "an answer as documented", None, kind)])
    return [replace(one, observed=seen) for one in made]
