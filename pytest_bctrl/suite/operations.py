"""Which operations of the contract a run sends requests to, and why it leaves out the others."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import partial
from itertools import chain
from operator import itemgetter

from pytest_bctrl.contract.key_fields import key_fields
from pytest_bctrl.contract.model import LONE_SURROGATE, SAFE_METHODS, Operation
from pytest_bctrl.errors import SettingError
from pytest_bctrl.samples.inputs import existing_path_values, names_without_value, needs_real_value
from pytest_bctrl.samples.parameter_settings import setting_lines
from pytest_bctrl.settings import table
from pytest_bctrl.settings.lookup import SettingValue
from pytest_bctrl.suite.received_values import ValueSource, source_in
from pytest_bctrl.suite.request_bodies import request_body
from pytest_bctrl.suite.run import ContractRun

LINES_TO_ADD = "; add to bctrl_values: "
"""What separates the reason why an operation is not requested from the lines that give its parameters values."""


_NO_SAFE_METHOD = "none has a safe method"
_NO_SUCCESS = "the contract documents no successful response"
_NOT_A_PATH = "its path has a query or a fragment, which is not part of a path"
_NOT_UTF_8 = "its path has a lone surrogate, which no URL can contain"
_NEEDS_BODY = "its request requires a body that the suite does not send"
_NO_KEY_FIELD = "its security is not a bearer token, a password or an API key"
_NO_RESPONSE = "the mock cannot generate one of its responses"
_HINTS = {
    _NO_SAFE_METHOD: f"use a document with a {' or '.join(sorted(SAFE_METHODS))} operation",
    _NO_SUCCESS: "document its 2XX response, in the document or an overlay",
    _NOT_A_PATH: "document the query as parameters, and the path without it",
    _NOT_UTF_8: "remove the surrogate from the path",
    _NEEDS_BODY: "use a document with an operation without one",
    _NO_KEY_FIELD: "override the fixture bctrl_auth, or document one of these, each in a field of its own",
    _NO_RESPONSE: "check the API itself with --bctrl-live, or correct the schema",
}
"""What to do, for each reason that no setting removes."""


def with_sources(run: ContractRun) -> ContractRun:
    """Return a live run in which path parameters without a value get that of the first item of the list above them.

    The value of `petId` in `/pets/{petId}` is then in the response to the plain request of `GET /pets`.
    """
    if run.target != "live":
        return run
    sources: dict[str, dict[str, ValueSource]] = {}
    lists: dict[str, Operation] = {}
    run = replace(run, sources=sources, received={})
    for operation in sorted(run.operations, key=_path_depth):
        if _reason_in_contract(run, operation):
            continue
        names = {*names_without_value(run.contract, operation, run.values_of(operation))}
        # A value has a name only, so that it would be that of another parameter with the name, too.
        names -= {parameter.name for parameter in operation.other_parameters}
        parts = {
            operation.path.partition(f"{{{parameter.name}}}")[0]: parameter for parameter in operation.path_parameters
        }
        for path, parameter in sorted(parts.items(), key=itemgetter(0)):
            list_operation = lists.get(_filled_path(run, operation, path))
            if parameter.name in names and parameter.setting is None and list_operation is not None:
                source = source_in(run.contract, list_operation, parameter)
                if source is not None:
                    sources.setdefault(operation.label, {})[parameter.name] = source
        if operation.method == "GET" and not reason_not_requested(run, operation):
            lists.setdefault(_filled_path(run, operation, f"{operation.path.rstrip('/')}/"), operation)
    return run


def _path_depth(operation: Operation) -> int:
    """Return the number of segments of an operation's path."""
    return operation.path.rstrip("/").count("/")


def _filled_path(run: ContractRun, operation: Operation, path: str) -> str:
    """Return a part of the path of an operation with the values that its plain request has."""
    values = run.values_of(operation)
    for parameter in operation.path_parameters:
        for value in existing_path_values(run.contract, parameter, values)[:1]:
            path = path.replace(f"{{{parameter.name}}}", value)
    return path


def value_origins(run: ContractRun, operation: Operation) -> dict[str, str]:
    """Return where the real values of the parameters of an operation come from, by name; empty for a mock.

    That is the label of an operation, a setting, or the document.
    """
    values, sources = run.values_of(operation), run.sources.get(operation.label, {})
    origins = {}
    for parameter in operation.parameters:
        is_real = parameter.in_ == "path" or (parameter.required and needs_real_value(run.contract, parameter))
        if run.target != "live" or not is_real:
            continue
        origin = "an example of the document" if parameter.examples else "the document"
        if parameter.name in sources:
            origin = sources[parameter.name].operation.label
        elif parameter.name in values:
            origin = table.VALUES.ini
        elif parameter.setting in values:
            origin = table.SPACE_ID.ini
        origins[parameter.name] = origin
    return origins


def requestable_operations(run: ContractRun) -> list[Operation]:
    """Return the operations that get a plain request, given the settings and the contract."""
    return [operation for operation in run.operations if not reason_not_requested(run, operation)]


def reason_not_requested(run: ContractRun, operation: Operation) -> str:
    """Return why the suite sends no plain request to an operation; empty if it does."""
    return run.once(("not requested", operation.label), partial(_compute_reason, run, operation))


def reason_unchecked(run: ContractRun, operation: Operation) -> str:
    """Return why an operation is not checked: no request is sent, or its successful response is invalid; else empty."""
    reason = reason_not_requested(run, operation)
    if not reason and operation.success is not None and operation.success.invalid:
        return f"the response {operation.success.status} is invalid in the document: {operation.success.invalid}"
    return reason


def lacks_path_values(run: ContractRun, operation: Operation) -> bool:
    """Return whether an operation is left out only because its path parameters have no value; False for OPTIONS.

    A request with an id that does not exist can still be sent, except OPTIONS, which may describe the route for any id.
    """
    if not reason_not_requested(run, operation) or _reason_in_contract(run, operation) or operation.method == "OPTIONS":
        return False
    missing = {*names_without_value(run.contract, operation, run.values_of(operation))}
    has_only_paths = bool(missing) and missing <= {parameter.name for parameter in operation.path_parameters}
    return has_only_paths and not _reason_of_security(run, operation)


def _reason_in_contract(run: ContractRun, operation: Operation) -> str:
    """Return why no setting can make the suite send requests to an operation; empty if settings decide."""
    if not run.may_send(operation):
        return "its method could change something, and the suite sends safe methods only"
    if operation.success is None:
        return _NO_SUCCESS
    if {"?", "#"} & {*operation.path}:
        return _NOT_A_PATH
    if LONE_SURROGATE.search(operation.path):
        return _NOT_UTF_8
    if operation.request_body is not None and operation.request_body.required and request_body(run, operation) is None:
        return _NEEDS_BODY
    return ""


def _compute_reason(run: ContractRun, operation: Operation) -> str:
    """Return why the suite sends no plain request to an operation: its method, missing values, its security, or ""."""
    if reason := _reason_in_contract(run, operation):
        return reason
    missing = names_without_value(run.contract, operation, run.values_of(operation))
    if missing:
        lines = ", ".join(setting_lines(run.contract, operation, missing))
        return f"no value for {', '.join(missing)}, and no example in the contract{LINES_TO_ADD}{lines}"
    if reason := _reason_of_security(run, operation):
        return reason
    if operation.label in run.mock_errors:
        return f"{_NO_RESPONSE}: {run.mock_errors[operation.label]}"
    return ""


def _reason_of_security(run: ContractRun, operation: Operation) -> str:
    """Return why the suite cannot authenticate a request to an operation; empty if it can, or tries without a key."""
    if "bctrl_auth" in run.own_fixtures:
        return ""
    if key_fields(operation) is None:
        return _NO_KEY_FIELD
    missing = run.missing_schemes(operation)
    if not missing or not run.credentials:
        return ""
    lines = ", ".join(f"{name} = $VARIABLE" for name in missing)
    return f"no value for the security of {', '.join(missing)}; add to bctrl_credentials: {lines}"


def require_operations(run: ContractRun) -> None:
    """Raise `SettingError` if a run with a target can send no request: it would pass with nothing checked."""
    if run.target is None or requestable_operations(run):
        return
    safe = [operation for operation in run.operations if run.may_send(operation)]
    missing = {operation: names_without_value(run.contract, operation, run.values_of(operation)) for operation in safe}
    names = sorted({name for operation_names in missing.values() for name in operation_names})
    if names:
        lines = [setting_lines(run.contract, operation, names) for operation, names in missing.items()]
        reason = f"required parameters have no value: {', '.join(names)}"
        all_lines = ", ".join(sorted({*chain.from_iterable(lines)}))
        hint = f"add to bctrl_values: {all_lines}, or add examples to the contract"
    else:
        reason = next((reason_not_requested(run, operation) for operation in safe), _NO_SAFE_METHOD)
        hint = _HINTS.get(reason.partition(": ")[0], "")
        if not hint:
            # The lines of bctrl_credentials follow the reason.
            reason, _, hint = reason.partition("; ")
    raise SettingError(f"the suite can test no operation of the contract: {reason}", where=run.contract.name, hint=hint)


def optional_operations(run: ContractRun, names: Iterable[SettingValue]) -> frozenset[str]:
    """Return the labels of the operations that `bctrl_optional` names, also of excluded ones.

    Each name is an `operationId` or a pattern of labels, such as `GET /v1/admin/*`. Raises `SettingError` for one that
    no operation has.
    """
    labels: set[str] = set()
    excluded_labels = {exclusion.operation for exclusion in run.contract.excluded if exclusion.is_operation}
    for name in names:
        matching = [label for label in excluded_labels if fnmatchcase(label, name.value)]
        matching += [
            operation.label
            for operation in run.contract.operations
            if name.value == operation.operation_id or fnmatchcase(operation.label, name.value)
        ]
        if not matching:
            operations = run.contract.operations
            all_names = [text for operation in operations for text in (operation.operation_id, operation.label) if text]
            similar = get_close_matches(name.value, all_names, 3)
            hint = f"write an operationId, or METHOD /path, such as {' or '.join(all_names[:3])}"
            if similar:
                hint = f"did you mean {' or '.join(similar)}?"
            raise SettingError(f"no operation of the contract is {name.value!r}", where=name.where, hint=hint)
        labels.update(matching)
    return frozenset(labels)
