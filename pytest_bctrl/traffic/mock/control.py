"""The control path of a mock: a test in any language opens spaces and steers them, as `control.yaml` documents."""

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
"""Where the control path begins; a contract that has operations there is refused with it."""


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
    """What one request asks for: where it reached the server, in which space, by which path values, and with what."""

    server: SpaceServer
    url: str
    space: Space
    values: Mapping[str, str]
    body: Mapping[str, Any]


class Control:
    """Answers what is asked below `PREFIX`, for who has the token."""

    def __init__(self, server: SpaceServer, token: Secret) -> None:
        claimed = [one.label for one in server.contract.operations if one.path.startswith(PREFIX)]
        if claimed:
            raise SettingError(f"the contract has {claimed[0]}", where="control", hint="start the mock without it")
        self._server = server
        self._token = token
        self._document = read_yaml(read_text(DOCUMENT), DOCUMENT.name)
        self._contract = from_document(self._document, DOCUMENT.name)
        self._routes = Routes(self._contract)

    def serves(self, request: Request) -> bool:
        """Return whether a request is for the control path."""
        return request.target.startswith(PREFIX)

    def respond(self, request: Request) -> MockResponse:
        """Return the answer to one request."""
        status, data = self._answered(request)
        fields = (("WWW-Authenticate", "Bearer"),) if status == 401 else ()
        if data is None:
            return MockResponse(status, fields)
        return MockResponse(status, (("Content-Type", "application/json"), *fields), Payload(encode(data)))

    def _answered(self, request: Request) -> tuple[int, Any]:
        given, wanted = request.header("authorization") or "", f"Bearer {self._token.reveal()}"
        if not hmac.compare_digest(given.encode(), wanted.encode()):
            return 401, {"error": "the token is missing or wrong (it is in the ready-file)"}
        if request.target == f"{PREFIX}openapi.json":
            return 200, self._document
        operation, values = self._routes.asked(request.method, request.target)
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
            # In a container, or behind a forwarded port, the server knows no address that its clients could use.
            url = f"http://{host}" if (host := request.header("host")) else self._server.url
            done = _DO[operation.operation_id](_Call(self._server, url, space, values, body))
            return min(operation.success_statuses), done if isinstance(done, dict) else None
        except BctrlError as error:
            return 400, {"error": str(error)}

    def _require(self, operation: Operation, body: Any) -> None:
        """Raise `SettingError` for a body that is not as the operation documents it."""
        said = self._document["paths"][operation.path][operation.method.lower()].get("requestBody", _NO_BODY)
        schema = said["content"]["application/json"]["schema"]
        if not accepts(self._contract, schema, body):
            found = violations(self._contract, schema, body)
            place = exact_location(found[0].path)
            hint = f"GET {PREFIX}openapi.json says what is taken"
            raise SettingError(found[0].message, where=f"the body at {place}", hint=hint)


_NO_BODY = {"content": {"application/json": {"schema": {"maxProperties": 0}}}}


def _open(call: _Call) -> dict[str, Any]:
    made = call.server.space(call.body.get("id"))
    return {"id": made.space_id, "key": made.api_key.reveal(), "url": call.url}


def _close(call: _Call) -> None:
    if call.space.space_id == call.server.space_id:
        raise SettingError("it is the server's own", where="the space", hint="stop the server")
    call.space.close()


def _set(call: _Call) -> None:
    samples = call.space.samples
    # Whoever writes the items down need not know the space that they will be in.
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
    shown = [
        {
            **{name: getattr(entry, name) for name in names},
            "headers": dict(entry.headers),
            "body": entry.body.decode("utf-8", "replace"),
            "faults": [*entry.faults],
        }
        for entry in call.space.requests
    ]
    return {"requests": shown}


def _restore(call: _Call) -> None:
    call.space.serve(call.body["runtimes"], conforming=False)
    _behave(call)
    for fault in call.body["faults"]:
        call.space.fault(fault)


def _behave(call: _Call) -> None:
    for fault in call.space.faults:
        fault.undo()


def spelled(fault: Fault) -> str:
    """Return a fault as a call that makes it again: `status(503, times=2)`."""
    name, _, rest = fault.name.partition("(")
    usual = {"times": None, "every": 1, "after": 0}
    further = [f"{word}={getattr(fault, word)}" for word, value in usual.items() if getattr(fault, word) != value]
    return f"{name}({', '.join(filter(None, [rest.removesuffix(')'), *further]))})"


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
        "faults": [{"fault": spelled(one.fault), "applied": one.count} for one in call.space.faults]
    },
    "add_fault": lambda call: call.space.fault(call.body["fault"]),
    "remove_faults": _behave,
    "advance_clock": lambda call: call.space.advance(call.body["seconds"]),
    "list_requests": _requests,
    "reset_space": lambda call: call.space.reset(),
    "take_snapshot": lambda call: {
        "runtimes": call.space.runtimes,
        "faults": [spelled(one.fault) for one in call.space.faults],
    },
    "restore_snapshot": _restore,
}
"""What each operation of `control.yaml` does; one that has nothing to tell gives no object."""
