"""Schemathesis at work: it generates requests from the contract, and its own checks look at the responses of a run.

Its own client sends methods that change something, and takes neither limits nor retries into account: the requests are
sent by the client of the suite, and the responses handed to the checks. What those find is reproduced by the request
alone, or by the command line of Schemathesis that the finding names (`rerun`).
"""

from __future__ import annotations

import gc
import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl, quote, unquote

from pytest_bctrl.checks.credentials import NONE, REFUSED, Credential
from pytest_bctrl.checks.protocol import around
from pytest_bctrl.checks.response import Response, looked, once
from pytest_bctrl.checks.violation import Violation, findings
from pytest_bctrl.contract.files import shown_path
from pytest_bctrl.contract.key_fields import credential_field, key_fields
from pytest_bctrl.contract.model import Contract, Operation
from pytest_bctrl.contract.parameters import documented_rejections
from pytest_bctrl.findings.finding import Finding, Level
from pytest_bctrl.samples.inputs import Inputs
from pytest_bctrl.secrets.secret import Secret
from pytest_bctrl.suite.plan.engine_faults import is_engine_fault
from pytest_bctrl.suite.plan.engine_violations import ENGINES, SCHEMA, keyword_violation
from pytest_bctrl.suite.plan.parameter_values import cursors, invalid_parameters, is_opaque
from pytest_bctrl.suite.run import ContractRun
from pytest_bctrl.suite.schema import new_schema
from pytest_bctrl.suite.sending.requests import Exchange, plain, request_key
from pytest_bctrl.suite.sending.transport_errors import NotCheckedError

NAME = ENGINES["schemathesis"]

OF_RESPONSES = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    SCHEMA,
)
"""The checks that hold for any response, however it was asked for."""

OF_HEAD = ("not_a_server_error", "negative_data_rejection", "ignored_auth")
"""The checks that hold for the response to a HEAD, which the contract need not document."""

_ACCEPTED, _REJECTED, _IGNORED = "positive_data_acceptance", "negative_data_rejection", "ignored_auth"
_SPARE = {"positive": 2, "negative": 5}
"""Cases that are drawn beyond those that are wanted, since some are equal, and some cannot be sent."""


@dataclass(frozen=True, slots=True, eq=False)
class GeneratedCase:
    """A case that Schemathesis generated, as a request of the suite, and the checks that its response has to pass."""

    case: Any
    inputs: Inputs
    checks: tuple[str, ...]
    credential: Credential | None = None


def positive_cases(run: ContractRun, operation: Operation, limit: int) -> list[GeneratedCase]:
    """Return cases within the contract, with the real values of the path and generated ones in query and header."""
    made: list[GeneratedCase] = []
    for case in _drawn(run.contract, operation, "positive", limit, plain(run, operation).path):
        request = _request(run, operation, case)
        if invalid_parameters(run.contract, operation, request):
            # What the schema allows and what a server reads differ, such as for a list with an empty text.
            continue
        opaque = [one.name for one in operation.other_parameters if is_opaque(run.contract, one)]
        sent = {name for name, _ in (*request.query, *request.headers)}
        checks = OF_RESPONSES if sent & set(opaque) else (*OF_RESPONSES, _ACCEPTED)
        made.append(GeneratedCase(case, request, checks))
    return _distinct(made, limit)


def cases_with_paths(run: ContractRun, operation: Operation, limit: int) -> list[GeneratedCase]:
    """Return cases within the contract with generated values in the path, which name nothing that exists."""
    if limit < 1 or not operation.path_parameters:
        return []
    made, usual = [], plain(run, operation)
    for case in _drawn(run.contract, operation, "positive", limit):
        path = {name: unquote(str(value)) for name, value in case.path_parameters.items()}
        if path.keys() == usual.path.keys() and path != usual.path and all(value.strip(".") for value in path.values()):
            made.append(GeneratedCase(case, replace(usual, path=path), OF_RESPONSES))
    return _distinct(made, limit)


def negative_cases(run: ContractRun, operation: Operation, limit: int) -> list[GeneratedCase]:
    """Return cases against the contract: with a malformed credential or none, or with a value that is not allowed."""
    guard, made = credential_field(run.contract, operation), list[GeneratedCase]()
    for case in _drawn(run.contract, operation, "negative", limit, plain(run, operation).path):
        is_negative = {place.value: info.mode.is_negative for place, info in case.meta.components.items()}
        names = {name.lower() for name in case.headers or {}}
        if guard is not None and is_negative.get("header") and names <= {guard.name.lower()}:
            value = next((str(text) for name, text in case.headers.items() if name.lower() == guard.name.lower()), None)
            request = plain(run, operation)
            checks = (*OF_RESPONSES, _REJECTED, _IGNORED)
            made.append(GeneratedCase(case, request, checks, _credential(value)))
        elif is_negative.get("query") and documented_rejections(operation):
            request = _request(run, operation, case)
            # Of what it generates against a schema, some is sent as a text that the schema allows.
            if any(one.in_ == "query" for one in invalid_parameters(run.contract, operation, request)):
                made.append(GeneratedCase(case, request, (*OF_RESPONSES, _REJECTED)))
    return _distinct(made, limit)


def _credential(value: str | None) -> Credential:
    if value is None:
        return NONE
    # It stands between double quotes in a shell.
    shell = "".join(f"\\{letter}" if letter in '\\"$`' else letter for letter in value)
    return Credential("generated by Schemathesis", Secret(value), shell)


def _distinct(cases: Sequence[GeneratedCase], limit: int) -> list[GeneratedCase]:
    """Return the first of the cases whose requests differ."""
    first_of: dict[Any, GeneratedCase] = {}
    for case in cases:
        first_of.setdefault(request_key(case.inputs, case.credential), case)
    return list(first_of.values())[:limit]


def _request(run: ContractRun, operation: Operation, case: Any) -> Inputs:
    """Return the request of a case: its values, but for those that only a setting or a response knows, and the key.

    The case is changed accordingly, since Schemathesis works out from it whether the request conforms.
    """
    usual = plain(run, operation)
    guard = credential_field(run.contract, operation)
    known = {*run.values, *cursors(run.contract, operation)}
    fixed = {one.name.lower() for one in operation.other_parameters if one.setting or one.name in known}
    left_out = fixed | ({guard.name.lower()} if guard is not None else set())
    for container in (case.query, case.headers):
        for name in [name for name in container or () if name.lower() in left_out]:
            del container[name]
    made = _prepared(case)
    if guard is not None and case.headers is not None:
        # The client sends the key. A case without any would be invalid for that reason alone.
        case.headers[guard.name] = guard.value("key")
    query = [pair for pair in usual.query if pair[0].lower() in fixed]
    headers = [pair for pair in usual.headers if pair[0].lower() in fixed]
    return Inputs(usual.path, (*query, *made.query), (*headers, *made.headers))


def _prepared(case: Any) -> Inputs:
    """Return query and header fields as Schemathesis writes them."""
    written = case.as_transport_kwargs(base_url="http://localhost")
    params = written.get("params") or {}
    if isinstance(params, str):
        # With a list or an object in a single value, it encodes the query itself.
        params = parse_qsl(params, keep_blank_values=True)
    pairs = params.items() if isinstance(params, Mapping) else params
    query = tuple(
        (str(name), str(value))
        for name, values in pairs
        for value in (values if isinstance(values, list | tuple) else [values])
        if value is not None
    )
    headers = tuple((str(name), str(value)) for name, value in (case.headers or {}).items())
    cookies = "; ".join(f"{name}={value}" for name, value in (case.cookies or {}).items())
    return Inputs({}, query, (*headers, *([("Cookie", cookies)] if cookies else [])))


def _drawn(
    contract: Contract, operation: Operation, mode: str, count: int, path: Mapping[str, str] = MappingProxyType({})
) -> list[Any]:
    """Return cases, the same in every run; raises `NotCheckedError` where Schemathesis cannot make any."""
    from schemathesis.core.errors import SchemathesisError

    try:
        return _draw(contract, operation.label, mode, count + _SPARE[mode], tuple(sorted(path.items())))
    except (SchemathesisError, LookupError) as error:
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise NotCheckedError(f"{NAME} cannot read the operation: {first}") from None


@lru_cache(maxsize=64)
def _draw(contract: Contract, label: str, mode: str, count: int, path: tuple[tuple[str, str], ...]) -> list[Any]:
    from hypothesis import given
    from hypothesis.errors import Unsatisfiable
    from schemathesis import GenerationMode
    from schemathesis.core.errors import InvalidSchema

    from pytest_bctrl.suite.plan.generated_values import generation_settings

    operation = contract.operation(label)
    pinned: dict[str, Any] = {"path_parameters": dict(path)} if path else {}
    strategy = case_source(contract, operation).as_strategy(generation_mode=GenerationMode(mode), **pinned)
    cases: list[Any] = []

    @generation_settings(count)
    @given(strategy)
    def draw(case: Any) -> None:
        cases.append(case)

    # Hypothesis collects garbage around its run, and what was imported for it is none.
    gc.freeze()
    try:
        draw()
    except Unsatisfiable as error:
        raise InvalidSchema(f"it generates no {mode} case: {error}") from None
    return cases


def check_case(exchange: Exchange, case: GeneratedCase) -> list[Finding]:
    """Let its own checks look at the response to a case that it generated."""
    is_to_head = exchange.response.is_to_head
    checks = [name for name in case.checks if not is_to_head or name in OF_HEAD]
    exchange.tally["Schemathesis cases"] += 1
    mode = "" if is_to_head else case.case.meta.generation.mode.value
    return _checked(exchange, lambda: case.case, checks, case, mode)


def check_response(exchange: Exchange, mode: str = "") -> list[Finding]:
    """Let its checks look at the response to any other request of the run."""
    response = exchange.response
    checks = [name for name in OF_RESPONSES if not response.is_to_head or name in OF_HEAD]

    def case() -> Any:
        path = {name: quote(value.encode(errors="surrogateescape"), "") for name, value in response.path_values.items()}
        return case_source(response.contract, response.operation).Case(path_parameters=path)

    return _checked(exchange, case, checks, mode=mode)


def check_plain(exchange: Exchange) -> list[Finding]:
    """Let its checks look at the plain response; raises `NotCheckedError` where it cannot read the operation."""
    found = check_response(exchange, "positive")
    if NAME not in looked(exchange.response):
        raise NotCheckedError(f"{NAME} cannot read the operation or its schema")
    return found


def _checked(
    exchange: Exchange,
    make_case: Callable[[], Any],
    checks: Sequence[str],
    generated: GeneratedCase | None = None,
    mode: str = "",
) -> list[Finding]:
    """Return what some checks find in a response; `mode` is that of a run of Schemathesis that finds the same."""
    from schemathesis.core.errors import SchemathesisError

    response = exchange.response
    # JSON is UTF-8, whatever a charset says that stands beside it: it has none (RFC 8259, 8.1 and 11).
    exchange.received.encoding = "utf-8"
    exchange.tally["Schemathesis responses"] += 1
    # A 501 to a HEAD says that the server knows no HEAD (RFC 9110, 15.6.2).
    left_out = "not_a_server_error" if response.is_to_head and response.status == 501 else ""
    checks = [name for name in checks if name != left_out]
    around_body = [name for name in checks if name != SCHEMA]
    found: dict[str, list[Any]] = {}
    try:
        case = make_case()
        if _failures(exchange, case, around_body):
            found = {name: _failures(exchange, case, [name]) for name in around_body}
        if SCHEMA in checks:
            # The schema is for the body, and identical bodies are validated once.
            found[SCHEMA] = once(response, NAME, lambda: _failures(exchange, case, [SCHEMA]))
        looked(response).add(NAME)
    except (SchemathesisError, LookupError) as error:
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        exchange.gaps[f"{NAME}: a response of {response.status}, whose documentation it cannot read: {first}"] = None
    violations = [_violation(response, name, one, generated) for name, failures in found.items() for one in failures]
    reported = findings(response, violations, engine=NAME)
    if not mode:
        return reported
    return [replace(one, extra={**one.extra, "rerun": _command(exchange, one.rule, mode)}) for one in reported]


def _command(exchange: Exchange, check: str, mode: str) -> str:
    """Return the command line of Schemathesis that finds the same: a request with the key, or a negative one without.

    It sends the documented method alone: the phase of fuzzing tries no other.
    """
    response, operation = exchange.response, exchange.response.operation
    url = str(exchange.received.request.url).partition(operation.url_path(response.path_values))[0]
    lines = ["[parameters]", *(f'"path.{name}" = {json.dumps(value)}' for name, value in response.path_values.items())]
    configuration = f"<(printf '%s\\n' {shlex.join(lines)})"
    fields = (key_fields(response.contract, operation) or ()) if mode == "positive" else ()
    keys = "".join(f' -H "{field.name}: {field.shell("$BCTRL_API_KEY")}"' for field in fields)
    chosen = f"--include-method {operation.method} --include-path {shlex.quote(operation.path)}"
    return (
        f"schemathesis --config-file {configuration} run {shlex.quote(shown_path(Path(response.contract.name)))}"
        f" --url {shlex.quote(url)}{keys} {chosen} --phases fuzzing --mode {mode} --checks {check}"
    )


def _failures(exchange: Exchange, case: Any, names: Sequence[str]) -> list[Any]:
    """Return the failures of some checks, less the known faults of Schemathesis itself.

    Where an assertion of its own fails, the run says so: that tells nothing about the response.
    """
    from schemathesis.core.failures import CustomFailure, Failure, FailureGroup

    failures: list[Any] = []
    try:
        case.validate_response(exchange.received, checks=[_check_named(name) for name in names])
    except FailureGroup as group:
        for failure in group.exceptions:
            if isinstance(failure, CustomFailure):
                first = (failure.message.strip() or "AssertionError").splitlines()[0]
                exchange.gaps[f"{failure.title}: an assertion of {NAME} itself fails: {first}"] = None
            elif isinstance(failure, Failure) and not is_engine_fault(NAME, exchange.response, failure):
                failures.append(failure)
    return failures


def _check_named(name: str) -> Any:
    from schemathesis import checks
    from schemathesis.specs.openapi import checks as openapi

    return checks.not_a_server_error if name == "not_a_server_error" else getattr(openapi, name)


def _violation(response: Response, name: str, failure: Any, generated: GeneratedCase | None) -> Violation:
    if name == SCHEMA and hasattr(failure, "instance_path"):
        keyword = str(failure.schema_path[-1]) if failure.schema_path else "schema"
        return keyword_violation(
            NAME, keyword, tuple(failure.instance_path), _wanted(failure, keyword), failure.instance, failure.message
        )
    wanted: Any = "a response as documented"
    place = _PLACES.get(name, "response")
    if name in (_REJECTED, _IGNORED) and generated is not None and generated.credential is not None:
        place = f"credential: {generated.credential.name}"
    elif name == _REJECTED and generated is not None:
        invalid = invalid_parameters(response.contract, response.operation, generated.inputs)
        place = ", ".join(f"{one.in_} {one.name}" for one in invalid) or place
    elif name == _ACCEPTED and generated is not None:
        place = ", ".join(f"query {field}" for field, _ in generated.inputs.query) or place
    observed: Any = " ".join(str(failure.message).split())[:200]
    level: Level = "error"
    if name == "status_code_conformance":
        wanted, observed = sorted(response.operation.responses), response.status
        level = "warning" if _is_undocumented_rejection(response) else "error"
    return around(name, f"{NAME}: {failure.title}", place, wanted, observed, NAME, level)


def _is_undocumented_rejection(response: Response) -> bool:
    """Return whether a request is rejected in a usual way, and the contract documents no rejection of that kind.

    As in the kit's own check of the status, that the contract is silent is then a warning.
    """
    for statuses in (REFUSED, UNKNOWN_VALUE):
        if response.status in statuses:
            return not any(response.operation.response_for(status) for status in statuses)
    return False


UNKNOWN_VALUE = frozenset({400, 404, 422})
"""The statuses that reject a value which is invalid or names nothing (RFC 9110, 15.5.1 and 15.5.5)."""


_PLACES = {
    "not_a_server_error": "status",
    "status_code_conformance": "status",
    "content_type_conformance": "header Content-Type",
    "response_headers_conformance": "header fields",
    SCHEMA: "body",
}


def _wanted(failure: Any, keyword: str) -> Any:
    schema = failure.schema
    return schema.get(keyword, "a value as documented") if isinstance(schema, Mapping) else "a value as documented"


def case_source(contract: Contract, operation: Operation) -> Any:
    """Return the operation as Schemathesis has it; raises `LookupError` or its own error where it has none."""
    return schema_of(contract)[operation.path][operation.method]


@lru_cache(maxsize=8)
def schema_of(contract: Contract) -> Any:
    """Return the Schemathesis schema of a contract, made once."""
    return new_schema(contract)
