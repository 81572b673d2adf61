"""What the contract suite asks a target, and what is wrong with the answers: no pytest in here.

The tests of the suite are these questions under names; the self-test asks them of a mock that misbehaves.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pytest_bctrl.checks.answer import Answer
from pytest_bctrl.checks.credentials import NONE, Credential, check_head_refused, check_refused
from pytest_bctrl.checks.run import check_answer, check_protocol
from pytest_bctrl.checks.violation import Violation, findings
from pytest_bctrl.contract.model import Operation
from pytest_bctrl.finding import Finding
from pytest_bctrl.samples.inputs import known_values
from pytest_bctrl.suite.parameters import Mistake, Variation, documented_refusals, is_guessable
from pytest_bctrl.suite.paths import REFUSED, UNKNOWN, PathValue, unknown
from pytest_bctrl.suite.target import Target

REPEATS = 6
"""Requests for the same. Five in a row open a connection each, so that a fault in every fifth answer shows."""


def of_answer(target: Target, operation: Operation) -> list[Finding]:
    """Hold the plain answer to status, content type, strict JSON and schema."""
    exchange = target.first(operation)
    return [*exchange.findings, *check_protocol(exchange.answer, operation.success_statuses)]


def of_repetition(target: Target, operation: Operation) -> Iterator[list[Finding]]:
    """Ask again and again, and hold every answer to everything.

    After the first pause that the target announces (503) it is asked as often again: a server may need one, and must
    not need one for every fifth answer.
    """
    target.first(operation)
    left = REPEATS - 1
    while left:
        paused = target.pauses[operation.label]
        # On a connection of its own a reset is no idle close. The last two share one, as two requests of a client do.
        exchange = target.ask(operation, target.plain(operation), alone=left > 2)
        yield [*exchange.findings, *check_answer(exchange.answer, operation.success_statuses)]
        left -= 1
        if not paused and target.pauses[operation.label]:
            target.unplanned[operation.label] += REPEATS - 1 - left
            left = REPEATS - 1


def of_credential(target: Target, operation: Operation, credential: Credential) -> list[Finding]:
    """Ask with a wrong credential: it has to be refused, as documented."""
    target.first(operation)
    exchange = target.ask(operation, target.plain(operation), credential, alone=credential.is_first)
    refused = findings(exchange.answer, check_refused(exchange.answer, credential.name))
    return [*exchange.findings, *refused, *check_protocol(exchange.answer)]


def of_head(target: Target, operation: Operation) -> list[Finding]:
    """Ask for the head alone, without a credential: it must not be let in."""
    target.first(operation)
    # On a connection of its own: many a server sends a body here, which no other request may take for its answer.
    exchange = target.ask(operation, target.plain(operation), NONE, method="HEAD", alone=True)
    return [*exchange.findings, *findings(exchange.answer, check_head_refused(exchange.answer))]


def of_path(target: Target, operation: Operation, value: PathValue) -> list[Finding]:
    """Ask for what does not exist: it has to be refused, as documented."""
    target.first(operation)
    contract = target.run.contract
    wrong = {
        parameter.name: unknown(contract, parameter) if value is UNKNOWN else value.value
        for parameter in operation.path_parameters
    }
    exchange = target.ask(operation, replace(target.plain(operation), path=wrong))
    if exchange.answer.status in value.refused_too:
        return list(exchange.findings)
    return [*exchange.findings, *check_protocol(exchange.answer, refusals(operation))]


def refusals(operation: Operation) -> frozenset[int]:
    """The statuses that refuse a path value: those that say so for any API, and 422 where it is documented."""
    return REFUSED | ({422} if "422" in operation.responses else set())


def of_guess(operation: Operation, answer: Answer) -> list[Finding]:
    """Hold the answer to a generated path value: it names nothing, and is refused.

    A number, or one of the document's own examples, may name something that is there.
    """
    contract, values = answer.contract, answer.path_values
    may_be_there = all(
        is_guessable(contract, parameter) or str(values.get(parameter.name)) in known_values(contract, parameter, {})
        for parameter in operation.path_parameters
    )
    if 200 <= answer.status < 300 and may_be_there:
        return check_answer(answer, operation.success_statuses)
    return check_protocol(answer, refusals(operation))


def of_generated(answer: Answer) -> list[Finding]:
    """Hold the answer to a generated query that the contract allows: a success, or a documented refusal."""
    if 400 <= answer.status < 500:
        return check_protocol(answer)
    return check_answer(answer, answer.operation.success_statuses)


def of_variation(target: Target, operation: Operation, variation: Variation) -> list[Finding]:
    """Ask with a value that a parameter may have: it has to be taken, and answered as documented."""
    target.first(operation)
    exchange = target.ask(operation, variation.inputs)
    answer = exchange.answer
    if 400 <= answer.status < 500 and answer.documented is not None:
        refused = Violation(
            "positive_data_acceptance",
            "error",
            "a value that the contract allows is refused",
            place=f"{variation.parameter.place} {variation.parameter.name}",
            expected=sorted(operation.success_statuses),
            observed=answer.status,
        )
        return [*exchange.findings, *findings(answer, [refused]), *check_protocol(answer)]
    return [*exchange.findings, *check_answer(answer, operation.success_statuses)]


def of_mistake(target: Target, operation: Operation, mistake: Mistake) -> list[Finding]:
    """Ask with a value that a parameter must not have: it has to be refused, as documented."""
    target.first(operation)
    exchange = target.ask(operation, mistake.inputs)
    answer = exchange.answer
    if 200 <= answer.status < 300:
        accepted = Violation(
            "negative_data_rejection",
            "error",
            "a value that the contract does not allow is taken",
            place=f"{mistake.parameter.place} {mistake.parameter.name}",
            expected=sorted(documented_refusals(operation)),
            observed=answer.status,
        )
        return [*exchange.findings, *findings(answer, [accepted])]
    return [*exchange.findings, *check_protocol(answer, documented_refusals(operation))]
