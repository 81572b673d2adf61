"""Checks the responses of a run with the checks of Schemathesis.

The client of Schemathesis sends unsafe methods and knows no budgets, so the suite sends the requests and passes the
responses to the checks. A finding names the command line of Schemathesis that reproduces it (`rerun`).
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from pytest_bctrl.checks.credentials import REFUSED
from pytest_bctrl.checks.protocol import unreadable_body, violation_outside_body, wrong_media_type
from pytest_bctrl.checks.response import Response, looked, once
from pytest_bctrl.checks.violation import Violation, findings
from pytest_bctrl.contract.files import shown_path
from pytest_bctrl.contract.key_fields import KeyField, key_fields
from pytest_bctrl.contract.scheme_values import header_fields
from pytest_bctrl.escaping import escape_toml
from pytest_bctrl.findings.finding import Finding, Level
from pytest_bctrl.suite.plan.engine_faults import is_engine_fault
from pytest_bctrl.suite.plan.engine_violations import FALSE, SCHEMA, applied_keyword, keyword_violation
from pytest_bctrl.suite.plan.parameter_values import invalid_parameters
from pytest_bctrl.suite.plan.schemathesis_cases import (
    ACCEPTED,
    IGNORED,
    NAME,
    REJECTED,
    RESPONSE_CHECKS,
    GeneratedCase,
    case_source,
    first_line,
)
from pytest_bctrl.suite.sending.requests import TargetExchange
from pytest_bctrl.suite.sending.transport_errors import NotCheckedError

HEAD_CHECKS = ("not_a_server_error", "negative_data_rejection", "ignored_auth")
"""The checks that apply to a response to HEAD, which the contract need not document."""

BODY_CHECKS = ("content_type_conformance", SCHEMA)
"""The checks that a response without a body fails if the contract documents one, even for status 204."""


def check_case(exchange: TargetExchange, case: GeneratedCase) -> list[Finding]:
    """Return the findings of a case's checks in its response."""
    is_to_head = exchange.response.is_to_head
    checks = [name for name in case.checks if not is_to_head or name in HEAD_CHECKS]
    exchange.tally.count_once(exchange, "Schemathesis cases")
    mode = ""
    if not is_to_head:
        mode = case.case.meta.generation.mode.value
    return _run_checks(exchange, lambda: case.case, checks, case, mode)


def check_response(exchange: TargetExchange, mode: str = "") -> list[Finding]:
    """Return the findings of the checks of Schemathesis in the response to a request of another test."""
    response = exchange.response
    checks = [name for name in RESPONSE_CHECKS if not response.is_to_head or name in HEAD_CHECKS]

    def case() -> Any:
        """Return a case of Schemathesis for the operation."""
        path = {}
        for name, value in response.path_values.items():
            path[name] = quote(value.encode(errors="surrogateescape"), "")
        return case_source(response.contract, response.operation).Case(path_parameters=path)

    return _run_checks(exchange, case, checks, mode=mode)


def check_plain(exchange: TargetExchange) -> list[Finding]:
    """Return the findings in the plain response.

    Raises `NotCheckedError` if Schemathesis cannot read the operation.
    """
    plain_findings = check_response(exchange, "positive")
    if NAME not in looked(exchange.response):
        raise NotCheckedError(f"{NAME} cannot read the operation or its schema")
    return plain_findings


def _run_checks(
    exchange: TargetExchange,
    make_case: Callable[[], Any],
    checks: Sequence[str],
    generated: GeneratedCase | None = None,
    mode: str = "",
) -> list[Finding]:
    """Return the findings of some checks in a response, with the command of a run in `mode` that reproduces them."""
    from schemathesis.core.errors import SchemathesisError

    response = exchange.response
    exchange.tally.count_once(exchange, "Schemathesis responses")
    if response.status == 501 and (response.is_to_head or response.documented is not None):
        # The server does not implement HEAD (RFC 9110, 15.6.2), or the operation, as documented.
        checks = [name for name in checks if name != "not_a_server_error"]
    if response.has_no_body:
        checks = [name for name in checks if name not in BODY_CHECKS]
    elif response.media_type == "text/event-stream":
        # Schemathesis validates each event, but the schema is that of the whole body (OpenAPI 3.1, 4.8.14).
        checks = [name for name in checks if name != SCHEMA]
    around_body = [name for name in checks if name != SCHEMA]
    failures: dict[str, list[Any]] = {}
    try:
        case = make_case()
        received = _converted(exchange)
        failures = _failures_of(exchange, case, received, around_body)
        if SCHEMA in checks:
            # Identical bodies are validated once.
            failures |= once(response, NAME, lambda: _failures_of(exchange, case, received, [SCHEMA]))
        looked(response).add(NAME)
    except (SchemathesisError, LookupError) as error:
        gap = f"{NAME}: a response of {response.status}, whose documentation it cannot read: {first_line(error)}"
        exchange.tally.gaps[gap] = None
    violations = [
        _violation(response, name, failure, generated)
        for name, check_failures in failures.items()
        for failure in check_failures
    ]
    engine_findings = findings(response, violations, engine=NAME)
    if not mode:
        return engine_findings
    return [
        replace(finding, extra={**finding.extra, "rerun": _rerun_command(exchange, finding.rule, mode)})
        for finding in engine_findings
    ]


def _rerun_command(exchange: TargetExchange, check: str, mode: str) -> str:
    """Return the command line of Schemathesis that reproduces a finding; only a positive request needs the key.

    It only sends the documented method, since the fuzzing phase tries no other.
    """
    response, operation = exchange.response, exchange.response.operation
    sent = exchange.exchange.request
    path, _, _ = sent.target.partition("?")
    url = sent.base_url + path.removesuffix(operation.url_path(response.path_values))
    configuration = f"<(printf '%s\\n' {shlex.join(configuration_lines(response.path_values))})"
    fields: Sequence[KeyField] = ()
    if mode == "positive":
        fields = key_fields(operation) or ()
    credentials = [(field, field.shell("$BCTRL_API_KEY")) for field in fields]
    keys = "".join(f' -H "{name}: {text}"' for name, text in header_fields(credentials).items())
    chosen = f"--include-method {operation.method} --include-path {shlex.quote(operation.path)}"
    return (
        f"schemathesis --config-file {configuration} run {shlex.quote(shown_path(Path(response.contract.name)))}"
        f" --url {shlex.quote(url)}{keys} {chosen} --phases fuzzing --mode {mode} --checks {check}"
    )


def configuration_lines(path_values: Mapping[str, str]) -> list[str]:
    """Return the lines of a configuration file of Schemathesis that sets path values, and reads no variable."""
    # Schemathesis replaces `${NAME}` by a variable, and `$${` by `${`.
    texts = {f"path.{name}": value.replace("${", "$${") for name, value in path_values.items()}
    return ["[parameters]", *(f"{escape_toml(name)} = {escape_toml(value)}" for name, value in texts.items())]


def _converted(exchange: TargetExchange) -> Any:
    """Return the received response and its request as Schemathesis represents them.

    Its own conversion prepares the request again, which takes longer than the checks.
    """
    from requests import PreparedRequest
    from requests.cookies import RequestsCookieJar
    from requests.structures import CaseInsensitiveDict
    from schemathesis import Response as SchemathesisResponse

    sent, response = exchange.exchange.request, exchange.response
    request: Any = PreparedRequest()
    request.method, request.url, request.body = sent.method, f"{sent.base_url}{sent.target}", sent.body or None
    request.headers = CaseInsensitiveDict({name: sent.header(name) for name, _ in sent.headers})
    # The checks read both the jar and the header field.
    request._cookies = RequestsCookieJar()
    return SchemathesisResponse(
        status_code=response.status,
        headers={name: [response.header(name) or ""] for name, _ in response.headers},
        content=response.body,
        request=request,
        elapsed=exchange.transfer.seconds,
        verify=True,
        message=httpx.codes.get_reason_phrase(response.status),
        # JSON is UTF-8 and has no charset parameter (RFC 8259, 8.1 and 11).
        encoding="utf-8",
        http_version="HTTP/1.1",
    )


def _failures_of(exchange: TargetExchange, case: Any, received: Any, names: Sequence[str]) -> dict[str, list[Any]]:
    """Run some checks of the received response, and return the failures of each, without known faults of Schemathesis.

    A failing assertion inside Schemathesis says nothing about the response; it is reported as a gap.
    """
    from schemathesis.core.failures import CustomFailure, FailureGroup

    raised: dict[str, list[Any]] = {name: [] for name in names}
    reported = []
    try:
        case.validate_response(received, checks=[_recording(name, failures) for name, failures in raised.items()])
    except FailureGroup as group:
        for failure in group.exceptions:
            if isinstance(failure, CustomFailure):
                _note_own_failure(exchange, failure.title, failure.message)
            elif not is_engine_fault(NAME, exchange.response, failure):
                reported.append(failure)
    except AssertionError as error:
        # It cannot describe a failure, such as one in a property with an empty name.
        _note_own_failure(exchange, ", ".join(names), str(error))
    # Hooks of the project may have removed some.
    return {name: [failure for failure in reported if failure in failures] for name, failures in raised.items()}


def _note_own_failure(exchange: TargetExchange, what: str, message: str) -> None:
    """Note a gap: an assertion inside Schemathesis failed."""
    first = (message.strip() or "AssertionError").splitlines()[0]
    exchange.tally.gaps[f"{what}: an assertion of {NAME} itself fails: {first}"] = None


def _recording(name: str, failures: list[Any]) -> Callable[..., Any]:
    """Return a check that also appends its failures to a list, since a group of failures does not name their checks."""
    from schemathesis.core.failures import Failure, FailureGroup

    check = _check_named(name)

    @wraps(check)
    def run(*arguments: Any) -> Any:
        """Run the check; store its failures and raise them."""
        try:
            return check(*arguments)
        except Failure as failure:
            failures.append(failure)
            raise
        except FailureGroup as group:
            failures.extend(group.exceptions)
            raise

    return run


def _check_named(name: str) -> Any:
    """Return the check of Schemathesis with a name."""
    from schemathesis import checks
    from schemathesis.specs.openapi import checks as openapi

    if name == "not_a_server_error":
        return checks.not_a_server_error
    return getattr(openapi, name)


def _violation(response: Response, name: str, failure: Any, generated: GeneratedCase | None) -> Violation:
    """Return a failure of Schemathesis as a violation."""
    if name == SCHEMA and hasattr(failure, "instance_path"):
        keyword = _violated_keyword(failure)
        expected = failure.schema.get(keyword, "a value as documented")
        return keyword_violation(
            NAME, keyword, tuple(failure.instance_path), expected, failure.instance, failure.message
        )
    location = _violation_location(response, name, generated)
    message = f"{NAME}: {failure.title}"
    if name in ("status_code_conformance", "not_a_server_error"):
        level: Level = "warning" if _is_undocumented_rejection(response) else "error"
        statuses = sorted(response.operation.responses)
        return violation_outside_body(name, message, location, statuses, response.status, NAME, level)
    if name in BODY_CHECKS:
        own_violation = unreadable_body(response) or wrong_media_type(response)
        if own_violation is not None:
            return replace(own_violation, rule=name, message=message)
    observed = " ".join(str(failure.message).split())[:200]
    return violation_outside_body(name, message, location, "a response as documented", observed, NAME, "error")


def _violation_location(response: Response, name: str, generated: GeneratedCase | None) -> str:
    """Return the location of a violation: a part of the response, or of the generated request."""
    location = _LOCATIONS.get(name, "response")
    if generated is None:
        return location
    if name in (REJECTED, IGNORED) and generated.credential is not None:
        return f"credential: {generated.credential.name}"
    if name == REJECTED:
        invalid = invalid_parameters(response.contract, response.operation, generated.inputs)
        return ", ".join(f"{parameter.in_} {parameter.name}" for parameter in invalid) or location
    if name == ACCEPTED:
        return ", ".join(f"query {field}" for field, _ in generated.inputs.query) or location
    return location


def _violated_keyword(failure: Any) -> str:
    """Return the keyword that a value violates; `FALSE` for the schema `false`, except as `additionalProperties`."""
    if not failure.schema_path:
        return FALSE
    keyword = str(failure.schema_path[-1])
    is_false = failure.validation_message.startswith("False schema does not allow")
    if is_false and applied_keyword(failure.schema_path) != "additionalProperties":
        return FALSE
    return keyword


def _is_undocumented_rejection(response: Response) -> bool:
    """Return whether a response is a usual rejection of a kind that the contract does not document.

    The finding is then a warning, as in our own check of the status.
    """
    for statuses in (REFUSED, UNKNOWN_VALUE):
        if response.status in statuses:
            return not any(response.operation.response_for(status) for status in statuses)
    return False


UNKNOWN_VALUE = frozenset({400, 404, 422})
"""The statuses that reject a value which is invalid or names nothing (RFC 9110, 15.5.1 and 15.5.5)."""


_LOCATIONS = {
    "not_a_server_error": "status",
    "status_code_conformance": "status",
    "content_type_conformance": "header Content-Type",
    "response_headers_conformance": "header fields",
    SCHEMA: "body",
}
