"""What the other engines ask, and which responses of the run they look at: those of all tests, each sent once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import TypeAlias

from pytest_bctrl.checks.credentials import NONE
from pytest_bctrl.checks.violation import softened
from pytest_bctrl.contract.key_fields import credential_field
from pytest_bctrl.contract.model import Operation
from pytest_bctrl.contract.parameters import documented_rejections
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.suite.plan.probes import made_up
from pytest_bctrl.suite.run import ContractRun
from pytest_bctrl.suite.sending.requests import Ask, Exchange, nothing_more, plain
from pytest_bctrl.suite.sending.transport_errors import NotCheckedError

Requests: TypeAlias = Callable[[], Iterable[Ask]]
"""Gives the requests of the other tests of an operation."""

CASES = 2
"""Cases of a kind that Schemathesis generates, beside those with values in the path."""


def most_sent(run: ContractRun, operation: Operation) -> int:
    """Return how many requests the cases take that no other test sends too: without a credential one does."""
    sent = CASES * has_positive_cases(run, operation)
    if run.probes == "all":
        is_shared = credential_field(run.contract, operation) is not None
        sent += has_negative_cases(run, operation) * (CASES - is_shared)
    return sent


def has_positive_cases(run: ContractRun, operation: Operation) -> bool:
    """Whether there is anything to generate beside the path."""
    return bool(made_up(run, operation))


def has_negative_cases(run: ContractRun, operation: Operation) -> bool:
    """Whether there is anything that a request may get wrong, and that the contract has rejected."""
    is_query_rejected = bool(documented_rejections(operation)) and has_positive_cases(run, operation)
    return credential_field(run.contract, operation) is not None or is_query_rejected


def of_jsonschema(
    _run: ContractRun, operation: Operation, about: str, requests: Requests, _limit: int
) -> Iterator[Ask]:
    """Validate the bodies of the run with jsonschema: Draft 2020-12 as it is, with its format checker.

    `plain` is the body of the plain answer, `responses` are those of all other requests; identical ones are validated
    once, and of a list of more than 100 items one of each form.
    """
    from pytest_bctrl.suite.plan import jsonschema_engine as engine

    if about == "plain":
        yield Ask(operation, engine.validate_plain)
        return
    for ask in requests():
        yield _with_engine(
            ask, lambda exchange: engine.validate(exchange) if engine.has_body(exchange.response) else []
        )


def of_schemathesis(
    run: ContractRun, operation: Operation, about: str, requests: Requests, limit: int
) -> Iterator[Ask]:
    """Let Schemathesis generate requests, and its checks look at the responses of the run.

    `plain` is the plain response, `positive` are cases within the contract, `generated-ids` such with generated values
    in the path, `negative` are cases against it, `head` is one of them as a HEAD, and `responses` are those to all
    other requests.
    """
    from pytest_bctrl.suite.plan import schemathesis_engine as engine

    if about == "plain":
        yield Ask(operation, engine.check_plain)
    elif about == "responses":
        for ask in requests():
            yield _with_engine(ask, engine.check_response)
    elif about == "head":
        for case in engine.negative_cases(run, operation, CASES):
            if case.credential is NONE:
                judge = _case_judge(engine.check_case, case)
                yield Ask(operation, judge, plain(run, operation), NONE, method="HEAD", fresh=True, unwelcome=True)
                return
        raise NotCheckedError("Schemathesis generates no case without a credential")
    else:
        yield from _generated(run, operation, about, limit)


def _generated(run: ContractRun, operation: Operation, about: str, limit: int) -> Iterator[Ask]:
    from pytest_bctrl.suite.plan import schemathesis_engine as engine

    makers = {"positive": engine.positive_cases, "generated-ids": engine.cases_with_paths}
    make = makers.get(about, engine.negative_cases)
    cases = make(run, operation, limit)
    if not cases:
        raise NotCheckedError(f"Schemathesis generates no {about} case that can be sent")
    for number, case in enumerate(cases):
        judge = _case_judge(engine.check_case, case)
        ask = Ask(
            operation,
            judge,
            case.inputs,
            case.credential,
            spare=number > 0,
            is_odd=about == "generated-ids",
            unwelcome=about != "positive",
        )
        yield replace(ask, judge=_softening(ask, judge))


def _case_judge(check: Callable[..., list[Finding]], case: object) -> Callable[[Exchange], list[Finding]]:
    return lambda exchange: check(exchange, case)


def _softening(ask: Ask, engine: Callable[[Exchange], list[Finding]]) -> Callable[[Exchange], list[Finding]]:
    """Return what reports the findings of an engine at the levels that the request deserves."""

    def judge(exchange: Exchange) -> list[Finding]:
        found = engine(exchange)
        if exchange.response.status in ask.tolerated:
            return []
        return softened(exchange.response, found) if ask.is_odd else found

    return judge


def _with_engine(ask: Ask, engine: Callable[[Exchange], list[Finding]]) -> Ask:
    """Return the request of another test, with an engine that looks at its response; pages are followed."""
    judge = _softening(ask, engine)
    if ask.then is nothing_more:
        return replace(ask, judge=judge, is_shared=True)

    def judge_page(exchange: Exchange) -> list[Finding]:
        # The page tells which one comes next; what is wrong with it, its own test reports.
        ask.judge(exchange)
        return judge(exchange)

    def follow(exchange: Exchange) -> Ask | None:
        try:
            following = ask.then(exchange)
        except NotCheckedError:
            return None
        return _with_engine(following, engine) if following is not None else None

    return replace(ask, judge=judge_page, then=follow, is_shared=True)
