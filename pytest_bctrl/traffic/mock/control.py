"""The control path of a mock: tests in any language open and control spaces over HTTP, as `control.yaml` documents."""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from pytest_bctrl.checks.schema import violations
from pytest_bctrl.contract.engine import accepts, iter_errors
from pytest_bctrl.contract.model import Contract, Operation
from pytest_bctrl.contract.read import from_document
from pytest_bctrl.contract.schema.locations import exact_location
from pytest_bctrl.contract.yaml_source import read_yaml
from pytest_bctrl.errors import BctrlError, SettingError
from pytest_bctrl.files.limits import read_text
from pytest_bctrl.http.message import MockResponse, Payload, Request
from pytest_bctrl.http.routes import Routes
from pytest_bctrl.samples.text import encode
from pytest_bctrl.secrets.secret import Secret
from pytest_bctrl.traffic.hosts import PREFIX
from pytest_bctrl.traffic.mock.adjustable import UnknownOperationError
from pytest_bctrl.traffic.mock.change import FaultInPlay, timed_name
from pytest_bctrl.traffic.mock.data import SequenceStep
from pytest_bctrl.traffic.mock.journal import Journal
from pytest_bctrl.traffic.mock.operation_mock import OperationMock
from pytest_bctrl.traffic.mock.space import Space

DOCUMENT = Path(__file__).with_name("control.yaml")


class SpaceServer(Protocol):
    """A server whose spaces are opened, listed and closed over the control path; `MockServer` is the one."""

    contract: Contract
    space_id: str

    @property
    def url(self) -> str:
        """The base URL of the server, without a slash at its end."""
        ...

    @property
    def spaces(self) -> Mapping[str, Space]:
        """The open spaces by id."""
        ...

    def space(self, space_id: str | None = None) -> Space:
        """Open and return a new space, with a generated id if `space_id` is None."""
        ...


class _Call(NamedTuple):
    """One control request: the server and the URL at which it was reached, the space, the path values and the body."""

    server: SpaceServer
    url: str
    space: Space
    values: Mapping[str, str]
    body: Mapping[str, Any]

    @property
    def operation(self) -> OperationMock:
        """The operation that the path names."""
        return self.space.operation(self.values["operation"])


@cache
def _document() -> Any:
    """Return the document of the control path."""
    return read_yaml(read_text(DOCUMENT), DOCUMENT.name)


@cache
def _contract() -> Contract:
    """Return the contract of the control path. All mocks share it: reading it takes most of the time of a start."""
    return from_document(_document(), DOCUMENT.name)


class Control:
    """Handles requests below `PREFIX` that have the token."""

    def __init__(self, server: SpaceServer, token: Secret) -> None:
        for operation in server.contract.operations:
            if operation.path.startswith(PREFIX):
                hint = "start the mock without it"
                raise SettingError(f"the contract has {operation.label}", where="control", hint=hint)
        self._server = server
        self._token = token
        self._document = _document()
        self._contract = _contract()
        self._routes = Routes(self._contract)

    def serves(self, request: Request) -> bool:
        """Return whether a request is for the control path."""
        return request.target.startswith(PREFIX)

    def respond(self, request: Request) -> MockResponse:
        """Return the response to a control request: the result as JSON, or an error."""
        status, data = self._handle(request)
        fields = (("WWW-Authenticate", "Bearer"),) if status == 401 else ()
        if data is None:
            return MockResponse(status, fields)
        return MockResponse(status, (("Content-Type", "application/json"), *fields), Payload(encode(data)))

    def _handle(self, request: Request) -> tuple[int, Any]:
        """Carry out a control request, and return the status of the response with its JSON data or None."""
        credential, expected = request.header("authorization") or "", f"Bearer {self._token.reveal()}"
        if not hmac.compare_digest(credential.encode(), expected.encode()):
            return 401, {"error": "the token is missing or wrong (it is in the ready-file)"}
        if request.target == f"{PREFIX}openapi.json":
            return 200, self._document
        operation, values = self._routes.operation_and_values(request.method, request.target)
        if operation is None:
            return 404, {"error": f"there is no {request.method} here (GET {PREFIX}openapi.json lists what there is)"}
        space = self._server.spaces.get(values.get("space", self._server.space_id))
        if space is None:
            return 404, {"error": f"unknown space (GET {PREFIX}spaces lists those that are open)"}
        try:
            body = json.loads(request.body) if request.body else {}
        except json.JSONDecodeError as error:
            return 400, {"error": f"the body is not JSON from line {error.lineno}, column {error.colno}"}
        except (ValueError, RecursionError):
            return 400, {"error": "the body is not JSON in UTF-8, or is nested too deeply"}
        try:
            self._require(operation, body)
            # In a container, or with a forwarded port, only the `Host` field has an address that clients can use.
            url = self._server.url
            if host := request.header("host"):
                url = f"http://{host}"
            result = _DO[operation.operation_id](_Call(self._server, url, space, values, body))
            return min(operation.success_statuses), result if isinstance(result, dict) else None
        except UnknownOperationError as error:
            return 404, {"error": _error_text(error)}
        except BctrlError as error:
            return 400, {"error": _error_text(error)}

    def _require(self, operation: Operation, body: Any) -> None:
        """Raise `SettingError` if the body of a control request does not conform to the schema of its operation."""
        item = self._document["paths"][operation.path]
        documented = item[operation.method.lower()].get("requestBody", _NO_BODY)
        schema = documented["content"]["application/json"]["schema"]
        if not accepts(self._contract, schema, body):
            hint = f"GET {PREFIX}openapi.json documents the body"
            for error in iter_errors(self._contract, schema, body):
                if error.keyword == "additionalProperties":
                    fields = ", ".join(_QUOTED.findall(error.message))
                    where = f"the body at {exact_location(error.path)}"
                    raise SettingError(f"unknown field {fields}", where=where, hint=hint)
            violation = violations(self._contract, schema, body)[0]
            raise SettingError(violation.message, where=f"the body at {exact_location(violation.path)}", hint=hint)


_QUOTED = re.compile(r"'([^']*)'")
"""The names of the unexpected properties in a message of the engine."""
_NO_BODY = {"content": {"application/json": {"schema": {"type": "object", "additionalProperties": False}}}}


def _error_text(error: BctrlError) -> str:
    """Return the text of an error for clients in any language, without the names of Python methods and arguments."""
    where = error.where.removeprefix("mock.")
    hint = error.hint.replace("say conforming=False", 'send "conforming": false')
    return str(BctrlError(error.problem, where, hint))


def _open_space(call: _Call) -> dict[str, Any]:
    """Open a space with the id in the request, and return its id, key and URL."""
    space = call.server.space(call.body.get("id"))
    return {"id": space.space_id, "key": space.api_key, "url": call.url}


def _close_space(call: _Call) -> None:
    """Close a space. Raises `SettingError` for the default space of the server."""
    if call.space.space_id == call.server.space_id:
        raise SettingError("it is the server's own", where="the space", hint="stop the server")
    call.space.close()


def _serve_runtimes(call: _Call) -> None:
    """Serve the runtimes in the request from the main operation of a space."""
    samples = call.space.samples
    # The id of the space is set here, so that the items need not contain it.
    body = samples.set_space_id(samples.with_items(call.body["runtimes"]), call.space.space_id)
    call.space.serve(samples.items(body), conforming=call.body.get("conforming", True))


def _set_sequence(call: _Call) -> None:
    """Serve the steps in the request as a sequence from the main operation of a space."""
    call.space.sequence(*_sequence_steps(call), conforming=call.body.get("conforming", True))


def _sequence_steps(call: _Call) -> list[SequenceStep]:
    """Return the steps in the request, each with its state or fault and its number of responses or seconds."""
    return [
        call.space.step(
            next((step[name] for name in ("runtimes", "body", "update", "fault") if name in step), None),
            responses=step.get("answers"),
            seconds=step.get("seconds"),
        )
        for step in call.body["steps"]
    ]


def _journal_data(journal: Journal) -> dict[str, Any]:
    """Return the exchanges of a journal as JSON data, without response bodies."""
    names = ("method", "path", "time", "status", "why")
    entries = [
        {
            **{name: getattr(entry, name) for name in names},
            "headers": dict(entry.headers),
            "body": entry.body.decode("utf-8", "replace"),
            "faults": [*entry.faults],
            "findings": [finding.as_dict() for finding in entry.findings],
        }
        for entry in (entry.redacted() for entry in journal)
    ]
    return {"requests": entries}


def _restore_space(call: _Call) -> None:
    """Serve the runtimes in the request in a space, and replace its faults by those in the request."""
    call.space.serve(call.body["runtimes"], conforming=False)
    _remove_faults(call)
    for fault in call.body["faults"]:
        call.space.fault(fault)


def _remove_faults(call: _Call) -> None:
    """Remove all faults of a space."""
    for fault in call.space.faults:
        fault.undo()


def _faults_data(active_faults: Iterable[FaultInPlay]) -> dict[str, Any]:
    """Return active faults as JSON data: each as text, and how often it was applied."""
    return {"faults": [{"fault": timed_name(active.fault), "applied": active.count} for active in active_faults]}


def _serve_body(call: _Call) -> None:
    """Serve the body or the items in the request from the operation that the path names."""
    body = call.body["body"]
    if not isinstance(body, str):
        samples = call.space.samples_of(call.operation.operation)
        is_item_list = isinstance(body, list) and samples.lists
        # The id of the space is set here, so that the body need not contain it.
        body = samples.set_space_id(samples.with_items(body) if is_item_list else body, call.space.space_id)
    call.operation.serve(body, conforming=call.body.get("conforming", True))


def _sequence_of_operation(call: _Call) -> None:
    """Serve the steps in the request as a sequence from the operation that the path names."""
    call.operation.sequence(*_sequence_steps(call), conforming=call.body.get("conforming", True))


def _remove_operation_faults(call: _Call) -> None:
    """Remove the faults of the operation that the path names; those of all operations stay."""
    for fault in call.operation.faults:
        fault.undo()


_OF_OPERATION: Mapping[str, Callable[[_Call], object]] = {
    "get_body": lambda call: {"body": call.operation.body},
    "serve_body": _serve_body,
    "play_operation_scenario": lambda call: call.operation.scenario(call.body["scenario"]),
    "play_operation_sequence": _sequence_of_operation,
    "list_operation_faults": lambda call: _faults_data(call.operation.faults),
    "add_operation_fault": lambda call: call.operation.fault(call.body["fault"]),
    "remove_operation_faults": _remove_operation_faults,
    "list_operation_requests": lambda call: _journal_data(call.operation.requests),
}
"""The functions for one operation of a space; those for the space of the server have the same names with `own_`."""

_DO: Mapping[str, Callable[[_Call], object]] = {
    "list_spaces": lambda call: {"spaces": [*call.server.spaces]},
    "open_space": _open_space,
    "close_space": _close_space,
    "get_runtimes": lambda call: {"runtimes": call.space.runtimes},
    "set_runtimes": _serve_runtimes,
    "update_runtime": lambda call: call.space.update_item(call.values["id"], call.body),
    "play_scenario": lambda call: call.space.scenario(call.body["scenario"]),
    "play_sequence": _set_sequence,
    "list_faults": lambda call: _faults_data(call.space.faults),
    "add_fault": lambda call: call.space.fault(call.body["fault"]),
    "remove_faults": _remove_faults,
    "advance_clock": lambda call: call.space.advance(call.body["seconds"]),
    "list_requests": lambda call: _journal_data(call.space.requests),
    "reset_space": lambda call: call.space.reset(),
    "take_snapshot": lambda call: {
        "runtimes": call.space.runtimes,
        "faults": [timed_name(active.fault) for active in call.space.faults],
    },
    "restore_snapshot": _restore_space,
    "get_health": lambda _call: {"status": "ok"},
    **_OF_OPERATION,
    **{f"own_{name}": function for name, function in _OF_OPERATION.items()},
}
"""The function of each operation of `control.yaml`; its result is the body of the response if it is an object."""
