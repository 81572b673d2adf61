"""The control path of a mock: tests in any language open and control spaces over HTTP, as `control.yaml` documents."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from pytest_bctrl.checks.schema import violations
from pytest_bctrl.contract.engine import accepts
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
from pytest_bctrl.traffic.mock.change import Fault
from pytest_bctrl.traffic.mock.space import Space

DOCUMENT = Path(__file__).with_name("control.yaml")
PREFIX = "/__bctrl__/"
"""Prefix of the control path; a contract with operations there is rejected if the control path is on."""


class SpaceServer(Protocol):
    """A server whose spaces are opened, listed and closed over the control path; `MockServer` is the one."""

    contract: Contract
    space_id: str

    @property
    def url(self) -> str:
        """The base URL, without a slash at its end."""
        ...

    @property
    def spaces(self) -> Mapping[str, Space]:
        """The spaces that are open, by id."""
        ...

    def space(self, space_id: str | None = None) -> Space:
        """Open a space."""
        ...


class _Call(NamedTuple):
    """One control request: the server and the URL at which it was reached, the space, the path values and the body."""

    server: SpaceServer
    url: str
    space: Space
    values: Mapping[str, str]
    body: Mapping[str, Any]


class Control:
    """Handles requests below `PREFIX` that have the token."""

    def __init__(self, server: SpaceServer, token: Secret) -> None:
        for operation in server.contract.operations:
            if operation.path.startswith(PREFIX):
                hint = "start the mock without it"
                raise SettingError(f"the contract has {operation.label}", where="control", hint=hint)
        self._server = server
        self._token = token
        self._document = read_yaml(read_text(DOCUMENT), DOCUMENT.name)
        self._contract = from_document(self._document, DOCUMENT.name)
        self._routes = Routes(self._contract)

    def serves(self, request: Request) -> bool:
        """Return whether a request is for the control path."""
        return request.target.startswith(PREFIX)

    def respond(self, request: Request) -> MockResponse:
        """Return the response to one request."""
        status, data = self._handle(request)
        fields = (("WWW-Authenticate", "Bearer"),) if status == 401 else ()
        if data is None:
            return MockResponse(status, fields)
        return MockResponse(status, (("Content-Type", "application/json"), *fields), Payload(encode(data)))

    def _handle(self, request: Request) -> tuple[int, Any]:
        """Return the status of the response, and its JSON data or None."""
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
            return 404, {"error": f"there is no such space (GET {PREFIX}spaces lists those that are open)"}
        try:
            body = json.loads(request.body) if request.body else {}
        except (ValueError, RecursionError) as error:
            return 400, {"error": f"the body is not JSON: {error}"}
        try:
            self._require(operation, body)
            # In a container, or with a forwarded port, only the `Host` field has an address that clients can use.
            url = self._server.url
            if host := request.header("host"):
                url = f"http://{host}"
            result = _DO[operation.operation_id](_Call(self._server, url, space, values, body))
            return min(operation.success_statuses), result if isinstance(result, dict) else None
        except BctrlError as error:
            return 400, {"error": str(error)}

    def _require(self, operation: Operation, body: Any) -> None:
        """Raise `SettingError` if the body does not conform to the operation."""
        item = self._document["paths"][operation.path]
        documented = item[operation.method.lower()].get("requestBody", _NO_BODY)
        schema = documented["content"]["application/json"]["schema"]
        if not accepts(self._contract, schema, body):
            violation = violations(self._contract, schema, body)[0]
            location = exact_location(violation.path)
            hint = f"GET {PREFIX}openapi.json says what is taken"
            raise SettingError(violation.message, where=f"the body at {location}", hint=hint)


_NO_BODY = {"content": {"application/json": {"schema": {"maxProperties": 0}}}}


def _open(call: _Call) -> dict[str, Any]:
    space = call.server.space(call.body.get("id"))
    return {"id": space.space_id, "key": space.api_key.reveal(), "url": call.url}


def _close(call: _Call) -> None:
    if call.space.space_id == call.server.space_id:
        raise SettingError("it is the server's own", where="the space", hint="stop the server")
    call.space.close()


def _set(call: _Call) -> None:
    samples = call.space.samples
    # The id of the space is set here, so that the items need not contain it.
    body = samples.addressed(samples.with_items(call.body["runtimes"]), call.space.space_id)
    call.space.serve(samples.items(body), conforming=call.body.get("conforming", True))


def _sequence(call: _Call) -> None:
    steps = [
        call.space.step(
            next((step[name] for name in ("runtimes", "update", "fault") if name in step), None),
            responses=step.get("answers"),
            seconds=step.get("seconds"),
        )
        for step in call.body["steps"]
    ]
    call.space.sequence(*steps, conforming=call.body.get("conforming", True))


def _requests(call: _Call) -> dict[str, Any]:
    names = ("method", "path", "time", "status", "why")
    entries = [
        {
            **{name: getattr(entry, name) for name in names},
            "headers": dict(entry.headers),
            "body": entry.body.decode("utf-8", "replace"),
            "faults": [*entry.faults],
        }
        for entry in call.space.requests
    ]
    return {"requests": entries}


def _restore(call: _Call) -> None:
    call.space.serve(call.body["runtimes"], conforming=False)
    _behave(call)
    for fault in call.body["faults"]:
        call.space.fault(fault)


def _behave(call: _Call) -> None:
    for fault in call.space.faults:
        fault.undo()


def spelled(fault: Fault) -> str:
    """Return a fault as the call that creates it: `status(503, times=2)`."""
    name, _, arguments = fault.name.partition("(")
    defaults = {"times": None, "every": 1, "after": 0}
    timing = [f"{word}={getattr(fault, word)}" for word, value in defaults.items() if getattr(fault, word) != value]
    return f"{name}({', '.join(filter(None, [arguments.removesuffix(')'), *timing]))})"


_DO: Mapping[str, Callable[[_Call], object]] = {
    "list_spaces": lambda call: {"spaces": [*call.server.spaces]},
    "open_space": _open,
    "close_space": _close,
    "get_runtimes": lambda call: {"runtimes": call.space.runtimes},
    "set_runtimes": _set,
    "update_runtime": lambda call: call.space.update(call.values["id"], **call.body),
    "play_scenario": lambda call: call.space.scenario(call.body["scenario"]),
    "play_sequence": _sequence,
    "list_faults": lambda call: {
        "faults": [{"fault": spelled(active.fault), "applied": active.count} for active in call.space.faults]
    },
    "add_fault": lambda call: call.space.fault(call.body["fault"]),
    "remove_faults": _behave,
    "advance_clock": lambda call: call.space.advance(call.body["seconds"]),
    "list_requests": _requests,
    "reset_space": lambda call: call.space.reset(),
    "take_snapshot": lambda call: {
        "runtimes": call.space.runtimes,
        "faults": [spelled(active.fault) for active in call.space.faults],
    },
    "restore_snapshot": _restore,
}
"""The function of each operation of `control.yaml`; its result is the body of the response if it is an object."""
