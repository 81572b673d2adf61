"""What the contract suite asks a target, and what is wrong with the answers: no pytest in here.

Every function sends its requests and yields, for each answer, what is wrong with it. `plan` lists them all, and asks
for the plain answer before each: a target that does not give that can be asked nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeAlias
from urllib.parse import unquote

from pytest_bctrl.checks.answer import Answer
from pytest_bctrl.checks.credentials import NONE, Credential, check_head_refused, check_refused
from pytest_bctrl.checks.credentials import REFUSED as CREDENTIAL_REFUSED
from pytest_bctrl.checks.own import Check, run_check
from pytest_bctrl.checks.protocol import check_retired
from pytest_bctrl.checks.run import check_answer, check_invariant, check_protocol, check_undocumented, places_of
from pytest_bctrl.checks.violation import Violation, findings, softened
from pytest_bctrl.contract.model import Operation
from pytest_bctrl.contract.parameters import documented_refusals, text_of
from pytest_bctrl.finding import Finding
from pytest_bctrl.samples.inputs import known_values
from pytest_bctrl.suite.parameters import (
    REFUSED,
    UNKNOWN,
    PathValue,
    Trial,
    is_guessable,
    is_opaque,
    near_misses,
    of_case,
    unknown,
)
from pytest_bctrl.suite.target import Exchange, NotCheckedError, Target

Found: TypeAlias = Iterator[list[Finding]]

REPEATS = 6
"""Requests for the same. Five in a row open a connection each, so that a fault in every fifth answer shows."""


def of_answer(target: Target, operation: Operation) -> Found:
    """Hold the plain answer to status, content type, strict JSON and schema."""
    exchange = target.first(operation)
    found = [*check_protocol(exchange.answer, operation.success_statuses)]
    yield [*exchange.findings, *found, *findings(exchange.answer, check_retired(exchange.answer))]


def of_second_opinion(target: Target, operation: Operation) -> Found:
    """Hold the plain answer to Schemathesis's own checks, where ours find no error in it."""
    from pytest_bctrl.suite.generate import second_opinion

    exchange = target.first(operation)
    known = [finding for found in of_answer(target, operation) for finding in found]
    yield second_opinion(exchange.answer, exchange.response, known)


def of_undocumented(target: Target, operation: Operation) -> Found:
    """Look for properties of the plain answer that the contract does not document."""
    answer = target.first(operation).answer
    if not answer.parsed.ok:
        raise NotCheckedError("the answer has no JSON body to look at")
    yield check_undocumented(answer)


def of_invariant(target: Target, operation: Operation, rule: Mapping[str, Any]) -> Found:
    """Hold the plain answer to a rule that the schema cannot say."""
    answer = target.first(operation).answer
    if not places_of(answer, rule):
        raise NotCheckedError(f"the answer has no {rule.get('each', rule.get('unique'))} to look at")
    yield findings(answer, check_invariant(answer, rule))


def of_own_check(target: Target, operation: Operation, check: Check) -> Found:
    """Hold the plain answer to a check of the project's own; raises `BrokenCheckError` where that raises."""
    yield run_check(check, target.first(operation).answer)


def of_repetition(target: Target, operation: Operation) -> Found:
    """Ask again and again, and hold every answer to everything.

    After the first pause that the target announces (503) it is asked as often again: a server may need one, and must
    not need one for every fifth answer.
    """
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


def of_credential(target: Target, operation: Operation, credential: Credential) -> Found:
    """Ask with a wrong credential: it has to be refused, as documented."""
    exchange = target.ask(operation, target.plain(operation), credential, alone=credential.is_first)
    refused = findings(exchange.answer, check_refused(exchange.answer, credential.name))
    wanted = CREDENTIAL_REFUSED if exchange.answer.status in CREDENTIAL_REFUSED else ()
    yield [*exchange.findings, *refused, *check_protocol(exchange.answer, wanted)]


def of_head(target: Target, operation: Operation) -> Found:
    """Ask for the head alone, without a credential: it must not be let in."""
    # On a connection of its own: many a server sends a body here, which no other request may take for its answer.
    exchange = target.ask(operation, target.plain(operation), NONE, method="HEAD", alone=True)
    yield [*exchange.findings, *findings(exchange.answer, check_head_refused(exchange.answer))]


def of_path(target: Target, operation: Operation, value: PathValue) -> Found:
    """Ask for what does not exist: it has to be refused, as documented."""
    contract = target.run.contract
    wrong = {
        parameter.name: unknown(contract, parameter) if value is UNKNOWN else value.value
        for parameter in operation.path_parameters
    }
    exchange = target.ask(operation, replace(target.plain(operation), path=wrong))
    is_refused = exchange.answer.status in value.refused_too
    found = [] if is_refused else check_protocol(exchange.answer, refusals(operation))
    yield [*exchange.findings, *(found if value is UNKNOWN else softened(exchange.answer, found))]


def refusals(operation: Operation) -> frozenset[int]:
    """The statuses that refuse a path value: those that say so for any API, and 422 where it is documented."""
    return REFUSED | ({422} if "422" in operation.responses else set())


def of_variation(target: Target, operation: Operation, variation: Trial) -> Found:
    """Ask with a value that a parameter may have: it has to be taken, and answered as documented."""
    exchange = target.ask(operation, variation.inputs)
    answer, wanted = exchange.answer, operation.success_statuses
    if 400 <= answer.status < 500 and answer.documented is not None:
        words = "a value that the contract allows is refused"
        refused = _wrong(answer, variation, "positive_data_acceptance", words, wanted)
        if is_opaque(target.run.contract, variation.parameter):
            words = "a made-up value is refused, and the contract does not say which there are; bctrl_values gives one"
            refused = [replace(one, level="info", message=words) for one in refused]
        found = [*refused, *check_protocol(answer)]
    else:
        found = check_answer(answer, wanted)
    yield [*exchange.findings, *found]


def of_mistake(target: Target, operation: Operation, mistake: Trial) -> Found:
    """Ask with a value that a parameter must not have: it has to be refused, as documented."""
    exchange = target.ask(operation, mistake.inputs)
    answer, wanted = exchange.answer, documented_refusals(operation)
    if 200 <= answer.status < 300:
        words = "a value that the contract does not allow is taken"
        found = _wrong(answer, mistake, "negative_data_rejection", words, wanted)
    else:
        found = check_protocol(answer, wanted)
    yield [*exchange.findings, *found]


def _wrong(answer: Answer, trial: Trial, rule: str, message: str, wanted: Iterable[int]) -> list[Finding]:
    """The finding for a trial that was answered as if its value were of the other kind."""
    place = f"{trial.parameter.place} {trial.parameter.name}"
    wrong = Violation(rule, "error", message, place=place, expected=sorted(wanted), observed=answer.status)
    return findings(answer, [wrong])


def of_generated_paths(target: Target, operation: Operation, limit: int) -> Found:
    """Ask with what is almost a real path value, and with what Schemathesis puts there: all have to be refused.

    What the target made us send beyond the plan is saved here.
    """
    from pytest_bctrl.suite.generate import generated_cases

    plain = target.plain(operation)
    near = near_misses(target.run.contract, operation, plain.path)[: limit - 1]
    guesses = [(values, "") for values in near]
    cases = generated_cases(target.run.contract, operation, limit)
    guesses += [(_path_values(case), case.formatted_path) for case in cases]
    for sent, (values, path) in enumerate(guesses[:limit]):
        if sent and target.left(operation) < 1:
            return
        exchange = target.ask(operation, replace(plain, path=values), path=path)
        found = _with_second_opinion(target, exchange, check_guess(operation, exchange.answer))
        is_ordinary = values in near and all(len(value) == len(plain.path[name]) for name, value in values.items())
        yield found if is_ordinary else softened(exchange.answer, found)


def _path_values(case: Any) -> dict[str, str]:
    # Schemathesis has them percent-encoded.
    given = (case.path_parameters or {}).items()
    return {name: unquote(text_of(value), errors="surrogateescape") for name, value in given}


def check_guess(operation: Operation, answer: Answer) -> list[Finding]:
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


def of_generated_query(target: Target, operation: Operation, limit: int) -> Found:
    """Ask with what Schemathesis puts in query and header, of what the contract allows: answered as documented."""
    from pytest_bctrl.suite.generate import generated_cases

    contract = target.run.contract
    for case in generated_cases(contract, operation, limit):
        exchange = target.ask(operation, of_case(contract, operation, target.run.values, case))
        yield _with_second_opinion(target, exchange, check_generated(exchange.answer))


def check_generated(answer: Answer) -> list[Finding]:
    """Hold the answer to a generated query that the contract allows: a success, or a documented refusal."""
    if 400 <= answer.status < 500:
        return check_protocol(answer)
    return check_answer(answer, answer.operation.success_statuses)


def _with_second_opinion(target: Target, exchange: Exchange, found: Iterable[Finding]) -> list[Finding]:
    """Add what Schemathesis finds in an answer, where our own checks find no error."""
    from pytest_bctrl.suite.generate import second_opinion

    known = [*exchange.findings, *found]
    return [*known, *second_opinion(exchange.answer, exchange.response, known)]
