"""What the contract suite asks about an operation, kind by kind, and what is wrong with an answer.

Each function gives the requests of one kind, as data, and what holds their answers to the contract; it sends none.
What is wrong with how an answer came is found beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial, wraps
from typing import Any

from pytest_bctrl.checks.credentials import NONE, Credential, check_head_refused, check_refused
from pytest_bctrl.checks.credentials import REFUSED as CREDENTIAL_REFUSED
from pytest_bctrl.checks.protocol import around, check_retired
from pytest_bctrl.checks.response import Response, looked
from pytest_bctrl.checks.run import (
    Check,
    check_answer,
    check_invariant,
    check_invariants,
    check_protocol,
    check_undocumented,
    places_of,
    run_check,
)
from pytest_bctrl.checks.violation import findings, softened
from pytest_bctrl.contract.model import Operation, Parameter
from pytest_bctrl.contract.parameters import documented_rejections
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.findings.fingerprint import shape
from pytest_bctrl.samples.inputs import inputs_with, known_values
from pytest_bctrl.suite.plan.parameter_values import (
    REFUSED,
    UNKNOWN,
    PathValue,
    Trial,
    cursors,
    is_guessable,
    is_opaque,
    near_misses,
    unknown,
)
from pytest_bctrl.suite.run import ContractRun
from pytest_bctrl.suite.sending.requests import Ask, Exchange, plain
from pytest_bctrl.suite.sending.transport_errors import NotCheckedError

REPEATS = 6
"""Requests for the same. Five in a row open a connection each, so that a fault in every fifth answer shows."""


def of_plain(judge: Callable[..., list[Finding]]) -> Callable[..., Iterator[Ask]]:
    """Look at the answer to the plain request; what is given is given to the judge, too."""

    @wraps(judge)
    def asks(_run: ContractRun, operation: Operation, *given: Any) -> Iterator[Ask]:
        yield Ask(operation, lambda exchange: judge(exchange, *given))

    return asks


def check_first(exchange: Exchange) -> list[Finding]:
    """Check status, content type, strict JSON and schema of the plain answer."""
    response = exchange.response
    found = check_protocol(response, response.operation.success_statuses)
    return [*exchange.findings, *found, *findings(response, check_retired(response))]


def check_documented(exchange: Exchange) -> list[Finding]:
    """Look for properties of the plain answer that the contract does not document."""
    response = exchange.response
    if not response.parsed.ok:
        raise NotCheckedError("the answer has no JSON body to look at")
    if response.schema is None:
        raise NotCheckedError("the contract documents no JSON body for the answer")
    return check_undocumented(response)


def check_rule(exchange: Exchange, rule: Mapping[str, Any]) -> list[Finding]:
    """Check the plain answer against a rule that the schema cannot say."""
    if not places_of(exchange.response, rule):
        raise NotCheckedError(f"the answer has no {rule.get('each', rule.get('unique'))} to look at")
    return findings(exchange.response, check_invariant(exchange.response, rule))


def check_own(exchange: Exchange, check: Check) -> list[Finding]:
    """Run a check of the project's own on the plain answer."""
    return run_check(check, exchange.response)


def of_repetition(run: ContractRun, operation: Operation) -> Iterator[Ask]:
    """Ask the same again, five times and more, so that a fault in every fifth answer shows: every check each time."""

    def judge(exchange: Exchange) -> list[Finding]:
        return check_answer(exchange.response, operation.success_statuses)

    # On a connection of its own a reset is no idle close. The last shares one, as two requests of a client do.
    for left in reversed(range(REPEATS - 1)):
        yield Ask(operation, judge, plain(run, operation), number=REPEATS - left, fresh=left > 0, follows=left == 0)


def of_credential(run: ContractRun, operation: Operation, credential: Credential) -> Iterator[Ask]:
    """Ask with an invalid credential: it has to be refused, as documented.

    No header, an empty one, a wrong token, the key changed, cut, extended, without a scheme, under two others, less
    what the contract accepts in another of its ways; half of them on a connection that saw the right key.
    """

    def judge(exchange: Exchange) -> list[Finding]:
        response = exchange.response
        wanted = CREDENTIAL_REFUSED if response.status in CREDENTIAL_REFUSED else ()
        return [*findings(response, check_refused(response, credential.name)), *check_protocol(response, wanted)]

    yield Ask(operation, judge, plain(run, operation), credential, fresh=credential.is_first, unwelcome=True)


def of_head(run: ContractRun, operation: Operation) -> Iterator[Ask]:
    """Ask with HEAD and without a credential: it has to be refused."""

    def judge(exchange: Exchange) -> list[Finding]:
        return findings(exchange.response, check_head_refused(exchange.response))

    # On a connection of its own: many a server sends a body here, which no other request may take for its answer.
    yield Ask(operation, judge, plain(run, operation), NONE, method="HEAD", fresh=True, unwelcome=True)


def of_path(run: ContractRun, operation: Operation, value: PathValue) -> Iterator[Ask]:
    """Ask for what does not exist, by a part of the real value, long, odd, encoded and control characters: refused."""

    def judge(exchange: Exchange) -> list[Finding]:
        response = exchange.response
        if response.status in value.refused_too:
            looked(response).add("status")
            return []
        found = _check_unknown(response)
        return found if value is UNKNOWN else softened(response, found)

    usual = plain(run, operation)
    wrong = {
        one.name: unknown(run.contract, one)
        if value is UNKNOWN
        else value.beside("" if is_guessable(run.contract, one) else usual.path.get(one.name, ""))
        for one in operation.path_parameters
    }
    is_odd = value is not UNKNOWN
    wrong_path = replace(usual, path=wrong)
    yield Ask(operation, judge, wrong_path, tolerated=value.refused_too, is_odd=is_odd, unwelcome=True)


def _check_unknown(response: Response) -> list[Finding]:
    """Check the answer to a path value that names nothing: it is refused, and shows nothing of another one."""
    shown = check_invariants(response) if 200 <= response.status < 300 else ()
    return [*check_protocol(response, refusals(response.operation)), *findings(response, shown)]


def refusals(operation: Operation) -> frozenset[int]:
    """The statuses that refuse a path value: those that say so for any API, and 422 where it is documented."""
    return REFUSED | ({422} if "422" in operation.responses else set())


def of_variation(run: ContractRun, operation: Operation, variation: Trial) -> Iterator[Ask]:
    """Ask with a value that the contract allows in query or header: accepted, and answered as documented."""

    def judge(exchange: Exchange) -> list[Finding]:
        response, wanted = exchange.response, operation.success_statuses
        if not 400 <= response.status < 500 or response.documented is None:
            return check_answer(response, wanted)
        words = "a value that the contract allows is refused"
        refused = _wrong(response, variation, "positive_data_acceptance", words, wanted)
        if is_opaque(run.contract, variation.parameter):
            words = "a made-up value is refused, and the contract does not say which there are; bctrl_values gives one"
            refused = [replace(one, level="info", message=words) for one in refused]
        return [*refused, *check_protocol(response)]

    yield Ask(operation, judge, variation.inputs)


def of_mistake(_run: ContractRun, operation: Operation, mistake: Trial) -> Iterator[Ask]:
    """Ask with a value that it does not allow, or with none where one is required: refused, as documented."""

    def judge(exchange: Exchange) -> list[Finding]:
        response, wanted = exchange.response, documented_rejections(operation)
        if 200 <= response.status < 300:
            words = "a value that the contract does not allow is taken"
            return _wrong(response, mistake, "negative_data_rejection", words, wanted)
        return check_protocol(response, wanted)

    yield Ask(operation, judge, mistake.inputs, unwelcome=True)


def _wrong(response: Response, trial: Trial, rule: str, message: str, wanted: Iterable[int]) -> list[Finding]:
    """The finding for a trial that was answered as if its value were of the other kind."""
    place = f"{trial.parameter.in_} {trial.parameter.name}"
    return findings(response, [around(rule, message, place, sorted(wanted), response.status)])


def of_generated_paths(run: ContractRun, operation: Operation, limit: int) -> Iterator[Ask]:
    """Ask with almost the real path value, and with those that Schemathesis generates: all refused."""
    from pytest_bctrl.suite.plan.schemathesis_engine import cases_with_paths

    usual = plain(run, operation)
    near = near_misses(run.contract, operation, usual.path)[:limit]
    for path in near:
        has_usual_form = all(len(value) == len(usual.path[name]) for name, value in path.items())
        judge = partial(_check_guess, operation, is_ordinary=has_usual_form)
        # What the target made us send beyond the plan is saved here.
        inputs = replace(usual, path=path)
        yield Ask(operation, judge, inputs, spare=True, is_odd=not has_usual_form, unwelcome=True)
    for case in cases_with_paths(run, operation, limit - len(near)):
        judge = partial(_check_guess, operation)
        yield Ask(operation, judge, case.inputs, spare=True, is_odd=True, unwelcome=True)


def _check_guess(operation: Operation, exchange: Exchange, is_ordinary: bool = False) -> list[Finding]:
    """Hold the answer to a generated path value: it names nothing, and is refused.

    A number, or one of the document's own examples, may name something that exists.
    """
    response, contract, values = exchange.response, exchange.response.contract, exchange.response.path_values
    may_be_there = all(
        is_guessable(contract, parameter) or str(values.get(parameter.name)) in known_values(contract, parameter, {})
        for parameter in operation.path_parameters
    )
    is_there = 200 <= response.status < 300 and may_be_there
    found = check_answer(response, operation.success_statuses) if is_there else _check_unknown(response)
    return found if is_ordinary else softened(response, found)


def of_generated_query(run: ContractRun, operation: Operation, limit: int) -> Iterator[Ask]:
    """Ask with generated values in query and header, within what is allowed: answered as documented."""
    from pytest_bctrl.suite.plan.generated_values import generated

    def judge(exchange: Exchange) -> list[Finding]:
        return check_generated(exchange.response)

    for values in generated(run.contract, operation, made_up(run, operation), limit):
        yield Ask(operation, judge, inputs_with(run.contract, operation, run.values, values))


SAMPLES: Mapping[str, tuple[bytes, str]] = {"GET /v1/spaces/{}/runtimes": (b"{}", "application/json")}
"""The body, and its content type, that the samples on an operation's published page send; the spec has neither."""


def of_sample(run: ContractRun, operation: Operation) -> Iterator[Ask]:
    """Ask as the samples on the published page do, with a JSON body `{}`: answered as the plain request is."""
    content, media_type = SAMPLES[shape(operation.label)]

    def judge(exchange: Exchange) -> list[Finding]:
        response, wanted = exchange.response, operation.success_statuses
        if not 300 <= response.status < 500:
            return check_answer(response, wanted)
        words = "a request as the published samples send it is refused: they do not work"
        place = f"body {content.decode()}"
        refused = around("published_samples", words, place, sorted(wanted), response.status)
        return [*findings(response, [refused]), *check_protocol(response)]

    inputs = plain(run, operation)
    inputs = replace(inputs, headers=(*inputs.headers, ("Content-Type", media_type)))
    yield Ask(operation, judge, inputs, content=content)


def made_up(run: ContractRun, operation: Operation) -> list[Parameter]:
    """Return the parameters beside the path's for which values may be made up: no setting or answer says which there
    are.
    """
    known = {*run.values, *cursors(run.contract, operation)}
    return [one for one in operation.other_parameters if one.setting is None and one.name not in known]


def check_generated(response: Response) -> list[Finding]:
    """Hold the answer to a generated query that the contract allows: a success, or a documented refusal."""
    if 400 <= response.status < 500:
        return check_protocol(response)
    return check_answer(response, response.operation.success_statuses)
