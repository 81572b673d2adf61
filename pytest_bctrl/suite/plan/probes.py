"""The requests of each kind of probe, and the checks of their responses.

Each function yields requests as data; it sends none. Faults in the transfer of a response are found elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial, wraps
from typing import Any

from pytest_bctrl.checks.credentials import NONE, Credential, check_head_refused, check_refused
from pytest_bctrl.checks.credentials import REFUSED as CREDENTIAL_REFUSED
from pytest_bctrl.checks.protocol import violation_outside_body
from pytest_bctrl.checks.response import Response, looked
from pytest_bctrl.checks.run import PROTOCOL, Aspect, Check, check_response, count_invariant_values
from pytest_bctrl.checks.violation import findings, softened
from pytest_bctrl.contract.model import Operation, Parameter
from pytest_bctrl.contract.parameters import documented_rejections
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.findings.fingerprint import shape
from pytest_bctrl.samples.inputs import existing_path_values, inputs_with
from pytest_bctrl.suite.plan.parameter_values import (
    REJECTING_STATUSES,
    UNKNOWN,
    ParameterTrial,
    PathValue,
    generatable_parameters,
    is_guessable,
    is_opaque,
    is_random,
    near_miss_paths,
    unknown_value,
)
from pytest_bctrl.suite.run import ContractRun
from pytest_bctrl.suite.sending.requests import PlannedRequest, TargetExchange, plain
from pytest_bctrl.suite.sending.transport_errors import NotCheckedError

REPEATS = 6
"""Number of equal requests. Five in a row open a connection each, so a fault in every fifth response shows."""


def plain_requests(check: Callable[..., list[Finding]]) -> Callable[..., Iterator[PlannedRequest]]:
    """Return a function that yields the plain request of an operation with a check of its response."""

    @wraps(check)
    def requests(_run: ContractRun, operation: Operation, *arguments: Any) -> Iterator[PlannedRequest]:
        """Yield the plain request with the check."""
        yield PlannedRequest(operation, lambda exchange: check(exchange, *arguments))

    return requests


def check_first(exchange: TargetExchange) -> list[Finding]:
    """Check transfer, status, header fields, strict JSON and schema of the plain response; reports a retired route."""
    response, expected = exchange.response, exchange.response.operation.success_statuses
    return [*exchange.findings, *check_response(response, expected, aspects=[*PROTOCOL, "retired"])]


def check_documented(exchange: TargetExchange) -> list[Finding]:
    """Check that the contract documents every property of the plain response."""
    response = exchange.response
    if not response.parsed.ok:
        raise NotCheckedError("the response has no JSON body")
    if response.schema is None:
        raise NotCheckedError("the contract documents no JSON body for the response")
    return check_response(response, aspects=["undocumented"])


def check_rule(exchange: TargetExchange, rule: Mapping[str, Any]) -> list[Finding]:
    """Check the plain response against a rule that no schema can express."""
    if not count_invariant_values(exchange.response, rule):
        raise NotCheckedError(f"the response has no {rule.get('each', rule.get('unique'))}")
    return check_response(exchange.response, aspects=["invariants"], invariants=[rule])


def check_own(exchange: TargetExchange, check: Check) -> list[Finding]:
    """Run a custom check on the plain response."""
    return check_response(exchange.response, custom=[check], aspects=["custom"])


def repeated_requests(run: ContractRun, operation: Operation) -> Iterator[PlannedRequest]:
    """Repeat the plain request five more times, with all checks, to find a fault in every fifth response."""

    def check(exchange: TargetExchange) -> list[Finding]:
        """Return the findings in one of the responses, without a comparison with the others."""
        return check_response(exchange.response, operation.success_statuses)

    # On a new connection, a reset cannot be the close of an idle one. The last request shares a connection, as two
    # requests of a client do.
    for number in range(2, REPEATS + 1):
        is_last = number == REPEATS
        yield PlannedRequest(
            operation, check, plain(run, operation), number=number, opens_connection=not is_last, waits=is_last
        )


def credential_requests(run: ContractRun, operation: Operation, credential: Credential) -> Iterator[PlannedRequest]:
    """Yield a request with `credential`, which is wrong: the API must reject it as documented.

    No header, an empty one, a wrong token, the key changed, truncated, extended, without a scheme and under two other
    schemes, except for credentials that the contract accepts in another way. Half of the requests use a connection on
    which the right key was sent before.
    """

    def check(exchange: TargetExchange) -> list[Finding]:
        """Return the findings if the credential is not rejected as documented."""
        response = exchange.response
        expected = CREDENTIAL_REFUSED if response.status in CREDENTIAL_REFUSED else ()
        refusal_findings = findings(response, check_refused(response, credential.name))
        return [*refusal_findings, *check_response(response, expected, aspects=PROTOCOL)]

    yield PlannedRequest(
        operation,
        check,
        plain(run, operation),
        credential,
        opens_connection=credential.is_first,
        is_invalid=True,
    )


def head_requests(run: ContractRun, operation: Operation) -> Iterator[PlannedRequest]:
    """Send HEAD without a credential: the API must reject it."""

    def check(exchange: TargetExchange) -> list[Finding]:
        """Return the findings if HEAD without a credential is not rejected."""
        return findings(exchange.response, check_head_refused(exchange.response))

    # It has a connection of its own: many servers send a body, which must not be taken for the next response.
    yield PlannedRequest(
        operation, check, plain(run, operation), NONE, method="HEAD", opens_connection=True, is_invalid=True
    )


def path_value_requests(run: ContractRun, operation: Operation, value: PathValue) -> Iterator[PlannedRequest]:
    """Request something that does not exist, by partial, long and other unusual ids: the API must reject it."""
    is_unusual = value is not UNKNOWN

    def check(exchange: TargetExchange) -> list[Finding]:
        """Return the findings if the unknown path value is not rejected, at lower levels for an unusual value."""
        response = exchange.response
        if response.status in value.tolerated:
            looked(response).add("status")
            return []
        unknown_findings = _check_unknown_value(response)
        return softened(response, unknown_findings) if is_unusual else unknown_findings

    usual = plain(run, operation)
    if not is_unusual and run.awaited_names(operation):
        # If no value arrives, only this request is sent.
        yield from unknown_id_requests(run, operation)
        return
    path = {}
    for parameter in operation.path_parameters:
        if not is_unusual:
            path[parameter.name] = unknown_value(run.contract, parameter)
            continue
        real_value = usual.path.get(parameter.name, "")
        if is_guessable(run.contract, parameter):
            real_value = ""
        path[parameter.name] = value.for_real_value(real_value)
    yield PlannedRequest(
        operation,
        check,
        replace(usual, path=path),
        tolerated=value.tolerated,
        is_unusual=is_unusual,
        is_invalid=True,
    )


def unknown_id_requests(run: ContractRun, operation: Operation) -> Iterator[PlannedRequest]:
    """Send an id that does not exist to an operation that lacks values: the API must respond as documented.

    Nothing else of such an operation is checked.
    """

    def check(exchange: TargetExchange) -> list[Finding]:
        """Return the findings if the id is not rejected as documented."""
        response = exchange.response
        is_documented = response.documented is not None
        if is_documented and 300 <= response.status < 500:
            return check_response(response, aspects=PROTOCOL)
        if is_documented and 200 <= response.status < 300:
            return _check_unknown_value(response, "undocumented")
        return _check_unknown_value(response)

    usual = inputs_with(run.contract, operation, run.values_of(operation), {})
    unknown = {parameter.name: unknown_value(run.contract, parameter) for parameter in operation.path_parameters}
    unknown |= {name: value for name, value in usual.path.items() if name not in run.awaited_names(operation)}
    inputs = replace(usual, path=unknown)
    yield PlannedRequest(operation, check, inputs, is_invalid=True, is_independent=True)


def _check_unknown_value(response: Response, *further: Aspect) -> list[Finding]:
    """Return the findings for the response to a path value that names nothing, which must be a rejection.

    Of a success, the invariants and `further` aspects are checked, too.
    """
    expected = refusals(response.operation)
    if not 200 <= response.status < 300:
        return check_response(response, expected, aspects=PROTOCOL)
    unknown_findings = check_response(response, expected, aspects=[*PROTOCOL, "invariants", *further])
    if response.documented is None:
        return unknown_findings
    # Any id may exist, however unlikely that is.
    return [
        replace(finding, level="warning") if finding.rule == "status_code_conformance" else finding
        for finding in unknown_findings
    ]


def refusals(operation: Operation) -> frozenset[int]:
    """Return the statuses that reject a path value: those of any API, and 422 if it is documented."""
    if "422" in operation.responses:
        return REJECTING_STATUSES | {422}
    return REJECTING_STATUSES


def allowed_value_requests(
    run: ContractRun, operation: Operation, variation: ParameterTrial
) -> Iterator[PlannedRequest]:
    """Send a value that the contract allows in query or header: the API must accept it and respond as documented."""

    def check(exchange: TargetExchange) -> list[Finding]:
        """Return the findings if the value is rejected, or the response is not as documented."""
        response, expected = exchange.response, operation.success_statuses
        if not 400 <= response.status < 500 or response.documented is None:
            return check_response(response, expected)
        message = "the API rejects a value that the contract allows"
        rejections = _trial_findings(response, variation, "positive_data_acceptance", message, expected)
        if is_opaque(run.contract, variation.parameter):
            reason = "the API rejects a generated value, and the contract does not say which values exist"
            message = f"{reason}; set one with bctrl_values"
            rejections = [replace(rejection, level="info", message=message) for rejection in rejections]
        return [*rejections, *check_response(response, aspects=PROTOCOL)]

    inputs = replace(variation.inputs, path=plain(run, operation).path)
    yield PlannedRequest(operation, check, inputs)


def invalid_value_requests(run: ContractRun, operation: Operation, mistake: ParameterTrial) -> Iterator[PlannedRequest]:
    """Send an invalid value, or omit a required one: the API must reject the request as documented."""

    def check(exchange: TargetExchange) -> list[Finding]:
        """Return the findings if the invalid value is accepted, or the rejection is not as documented."""
        response, expected = exchange.response, documented_rejections(operation)
        if 400 <= response.status < 500 and response.documented is not None:
            # Any documented client error rejects the value.
            expected |= {response.status}
        if 200 <= response.status < 300:
            message = "the API accepts a value that the contract does not allow"
            return _trial_findings(response, mistake, "negative_data_rejection", message, expected)
        return check_response(response, expected, aspects=PROTOCOL)

    inputs = replace(mistake.inputs, path=plain(run, operation).path)
    yield PlannedRequest(operation, check, inputs, is_invalid=True)


def _trial_findings(
    response: Response, trial: ParameterTrial, rule: str, message: str, expected: Iterable[int]
) -> list[Finding]:
    """Return the finding for a valid value that was rejected, or an invalid value that was accepted."""
    location = f"{trial.parameter.in_} {trial.parameter.name}"
    return findings(response, [violation_outside_body(rule, message, location, sorted(expected), response.status)])


def generated_path_requests(run: ContractRun, operation: Operation, later: int, limit: int) -> Iterator[PlannedRequest]:
    """Send ids that differ little from the real one, and ids that Schemathesis generates: the API must reject them."""
    from pytest_bctrl.suite.plan.schemathesis_cases import cases_with_paths

    usual = plain(run, operation)
    near_misses = near_miss_paths(run.contract, operation, usual.path)[:limit]
    case_limit = limit - len(near_misses)
    for path in near_misses:
        has_usual_form = all(len(value) == len(usual.path[name]) for name, value in path.items())
        check = partial(_check_guess, operation, usual.path, is_ordinary=has_usual_form)
        # Left out if the target caused unplanned requests, so that the generated ones of the engines are sent.
        inputs, needed = replace(usual, path=path), case_limit + later
        yield PlannedRequest(
            operation, check, inputs, optional_above=needed, is_unusual=not has_usual_form, is_invalid=True
        )
    for case in cases_with_paths(run, operation, case_limit):
        check = partial(_check_guess, operation, usual.path)
        yield PlannedRequest(operation, check, case.inputs, optional_above=later, is_unusual=True, is_invalid=True)


def _check_guess(
    operation: Operation, usual: Mapping[str, str], exchange: TargetExchange, is_ordinary: bool = False
) -> list[Finding]:
    """Return the findings for the response to a generated path value, which must be rejected unless it may exist.

    `usual` has the real values of the path parameters.
    """
    response = exchange.response

    def may_name_something(parameter: Parameter) -> bool:
        """Return whether a path value may name something that exists."""
        value = str(response.path_values.get(parameter.name))
        if is_guessable(response.contract, parameter) or value in existing_path_values(
            response.contract, parameter, {}
        ):
            return True
        return not is_random(value) and not is_random(usual.get(parameter.name, ""))

    may_exist = all(map(may_name_something, operation.path_parameters))
    if may_exist and 200 <= response.status < 300:
        guess_findings = check_response(response, operation.success_statuses)
    else:
        guess_findings = _check_unknown_value(response)
    return guess_findings if is_ordinary else softened(response, guess_findings)


def generated_query_requests(run: ContractRun, operation: Operation, limit: int) -> Iterator[PlannedRequest]:
    """Send generated values that the contract allows in query and header: the API must respond as documented."""
    from pytest_bctrl.suite.plan.generated_values import generated_values

    def check(exchange: TargetExchange) -> list[Finding]:
        """Return the findings for the response to generated values."""
        return check_generated(exchange.response)

    parameters = generatable_parameters(run, operation)
    for values in generated_values(run.contract, operation, parameters, limit):
        yield PlannedRequest(operation, check, inputs_with(run.contract, operation, run.values_of(operation), values))


SAMPLES: Mapping[str, tuple[bytes, str]] = {"GET /v1/spaces/{}/runtimes": (b"{}", "application/json")}
"""Body and content type that the samples on an operation's published page send; the spec documents neither."""


def published_sample_requests(run: ContractRun, operation: Operation) -> Iterator[PlannedRequest]:
    """Send the request of the published samples, with a JSON body `{}`: the API must respond as to the plain one."""
    content, media_type = SAMPLES[shape(operation.label)]

    def check(exchange: TargetExchange) -> list[Finding]:
        """Return the findings if the request is rejected, or the response is not as documented."""
        response, expected = exchange.response, operation.success_statuses
        if not 300 <= response.status < 500:
            return check_response(response, expected)
        message = "the API rejects the request of the published samples"
        location = f"body {content.decode()}"
        violation = violation_outside_body("published_samples", message, location, sorted(expected), response.status)
        return [*findings(response, [violation]), *check_response(response, aspects=PROTOCOL)]

    inputs = plain(run, operation)
    inputs = replace(inputs, headers=(*inputs.headers, ("Content-Type", media_type)))
    yield PlannedRequest(operation, check, inputs, content=content)


def check_generated(response: Response) -> list[Finding]:
    """Return the findings for the response to generated values: it must be a success or a documented rejection."""
    if 400 <= response.status < 500:
        return check_response(response, aspects=PROTOCOL)
    return check_response(response, response.operation.success_statuses)
