"""The requests of the other engines, and their checks of the responses of the run.

The engines check the responses of all tests; each request is sent once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import TypeAlias

from pytest_bctrl.checks.credentials import NONE
from pytest_bctrl.checks.violation import softened
from pytest_bctrl.contract.key_fields import field_to_reject
from pytest_bctrl.contract.model import Operation
from pytest_bctrl.contract.parameters import documented_rejections
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.suite.plan.parameter_values import generatable_parameters, near_miss_paths
from pytest_bctrl.suite.run import ContractRun
from pytest_bctrl.suite.sending.requests import PlannedRequest, TargetExchange, no_follow_up, plain
from pytest_bctrl.suite.sending.transport_errors import NotCheckedError

RequestSource: TypeAlias = Callable[[], Iterable[PlannedRequest]]
"""Returns the requests of the other tests of an operation."""

CheckExchange: TypeAlias = Callable[[TargetExchange], list[Finding]]

CASES = 2
"""Number of cases of each kind that Schemathesis generates, besides those with generated path values."""


def max_requests(run: ContractRun, operation: Operation) -> int:
    """Return how many requests `test_schemathesis` adds to an operation's fixed ones, besides generated path values."""
    count = CASES * has_positive_cases(run, operation)
    if run.probes != "contract":
        is_shared = field_to_reject(operation) is not None
        count += has_negative_cases(run, operation) * (CASES - is_shared)
    return count


def has_positive_cases(run: ContractRun, operation: Operation) -> bool:
    """Return whether an operation has parameters besides the path whose values can be generated."""
    return bool(generatable_parameters(run, operation))


def has_negative_cases(run: ContractRun, operation: Operation) -> bool:
    """Return whether an operation must reject an invalid credential, or documents a rejection of generated values."""
    is_query_rejected = bool(documented_rejections(operation)) and has_positive_cases(run, operation)
    return field_to_reject(operation) is not None or is_query_rejected


def jsonschema_requests(
    _run: ContractRun, operation: Operation, subject: str, other_requests: RequestSource, _limit: int
) -> Iterator[PlannedRequest]:
    """Validate the response bodies with jsonschema: Draft 2020-12, with its format checker.

    `plain` validates the plain response, `responses` those of all other requests. Identical bodies are validated once,
    and of a list of more than 100 items, the first 100 and those that our engine rejects.
    """
    from pytest_bctrl.suite.plan import jsonschema_engine as engine

    if subject == "plain":
        yield PlannedRequest(operation, engine.validate_plain)
        return
    for request in other_requests():
        yield _with_engine(request, engine.validate_if_documented)


def schemathesis_requests(
    run: ContractRun, operation: Operation, subject: str, other_requests: RequestSource, limit: int
) -> Iterator[PlannedRequest]:
    """Send requests that Schemathesis generates, and run its checks on all responses.

    `plain` checks the plain response, `responses` those to the requests of other tests. Generated requests are
    `positive` (valid), `generated-ids` (with generated path values), `negative` (invalid), and `head`, one of the
    negative ones as HEAD.
    """
    from pytest_bctrl.suite.plan import schemathesis_engine as engine

    if subject == "plain":
        yield PlannedRequest(operation, engine.check_plain)
    elif subject == "responses":
        for request in other_requests():
            yield _with_engine(request, engine.check_response)
    elif subject == "head":
        yield _head_request(run, operation)
    else:
        yield from _generated_requests(run, operation, subject, limit)


def _head_request(run: ContractRun, operation: Operation) -> PlannedRequest:
    """Return the HEAD request without a credential that Schemathesis generates. Raises `NotCheckedError` if none."""
    from pytest_bctrl.suite.plan import schemathesis_cases as cases
    from pytest_bctrl.suite.plan import schemathesis_engine as engine

    for case in cases.negative_cases(run, operation, CASES):
        if case.credential is NONE:
            return PlannedRequest(
                operation,
                partial(engine.check_case, case=case),
                plain(run, operation),
                NONE,
                method="HEAD",
                opens_connection=True,
                is_invalid=True,
            )
    raise NotCheckedError("Schemathesis generates no case without a credential")


def _generated_requests(run: ContractRun, operation: Operation, subject: str, limit: int) -> Iterator[PlannedRequest]:
    """Yield the requests of the cases that Schemathesis generates for a subject. Raises `NotCheckedError` if none."""
    from pytest_bctrl.suite.plan import schemathesis_engine as engine
    from pytest_bctrl.suite.plan.schemathesis_cases import cases_with_paths, negative_cases, positive_cases

    if subject == "generated-ids":
        # The real path values, of which the near misses are, may be in a response that has arrived only now.
        limit = max(1, limit - len(near_miss_paths(run.contract, operation, plain(run, operation).path)))
    generators = {"positive": positive_cases, "generated-ids": cases_with_paths}
    generate_cases = generators.get(subject, negative_cases)
    cases = generate_cases(run, operation, limit)
    if not cases:
        raise NotCheckedError(f"Schemathesis generates no {subject} case that can be sent")
    for number, case in enumerate(cases):
        check = partial(engine.check_case, case=case)
        request = PlannedRequest(
            operation,
            check,
            case.inputs,
            case.credential,
            optional_above=0 if number else None,
            is_unusual=subject == "generated-ids",
            is_invalid=subject != "positive",
        )
        yield replace(request, check=_softened_check(request, check))


def _softened_check(request: PlannedRequest, engine_check: CheckExchange) -> CheckExchange:
    """Return a check that lowers an engine's findings for an unusual request, and has none for a tolerated status."""

    def check(exchange: TargetExchange) -> list[Finding]:
        """Return the findings of the engine at levels that fit the request."""
        engine_findings = engine_check(exchange)
        if exchange.response.status in request.tolerated:
            return []
        if request.is_unusual:
            return softened(exchange.response, engine_findings)
        return engine_findings

    return check


def _with_engine(request: PlannedRequest, engine_check: CheckExchange) -> PlannedRequest:
    """Return another test's request with an engine as the check of its response and of the follow-up responses."""
    check = _softened_check(request, engine_check)
    if request.follow_up is no_follow_up:
        return replace(request, check=check, is_shared=True)

    def check_page(exchange: TargetExchange) -> list[Finding]:
        """Run the original check, which decides on the next page, and return the findings of the engine."""
        # The original check prepares the request for the next page. Its test reports its findings.
        request.check(exchange)
        return check(exchange)

    def follow_up(exchange: TargetExchange) -> PlannedRequest | None:
        """Return the follow-up request with the engine as its check; None if there is none."""
        try:
            next_request = request.follow_up(exchange)
        except NotCheckedError:
            return None
        if next_request is None:
            return None
        return _with_engine(next_request, engine_check)

    return replace(request, check=check_page, follow_up=follow_up, is_shared=True)
