"""The mock server as people use it: in a `with` block, from a fixture, or from the command line."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import cached_property
from itertools import count
from typing import NamedTuple, Self

from pytest_bctrl.contract.engine import accepts, schema_pointer
from pytest_bctrl.contract.model import Contract, Operation, Schema
from pytest_bctrl.contract.schema.invariant import as_uuid
from pytest_bctrl.errors import DocumentError, SettingError
from pytest_bctrl.http.message import MockResponse, Payload, Request
from pytest_bctrl.samples.build import Builder
from pytest_bctrl.samples.space_id import SPACE_ID
from pytest_bctrl.samples.text import RoundRobin
from pytest_bctrl.secrets.secret import Secret, secret
from pytest_bctrl.traffic.hosts import PREFIX, is_allowed, name_of
from pytest_bctrl.traffic.mock.journal import JournalEntry
from pytest_bctrl.traffic.mock.listener import Listener
from pytest_bctrl.traffic.mock.parse import RequestProblem, ServerLimits
from pytest_bctrl.traffic.mock.shared import Shared
from pytest_bctrl.traffic.mock.source import BodySource
from pytest_bctrl.traffic.mock.space import Space

HEALTH = f"{PREFIX}health"
"""Path that responds with 200 while the mock runs; absent if the contract has paths below the same prefix."""
MOCK_KEY = "bctrl-mock-key-that-opens-nothing"
"""The default key; fixed, because it protects nothing."""


class MockServer(Space):
    """A server on a loopback port that responds as its contract says.

    `with MockServer(contract) as mock:` starts and stops it, and so do `.start()` and `.stop()`. `port=0` selects a
    free port. `log` is called with every exchange, on the server's thread; the journal keeps the latest `remembered`
    of them. The server has one space, and `space()` opens further ones. `control` is the token of the control path,
    which is off without a token. Web pages of `origins` and of this machine may read the responses. The control path,
    and with `is_private` everything, is only for requests to its `host`, to `hosts`, and to names that no page of
    another site can have.

    `is_exhaustive` is for contract runs: the initial data cover the contract instead of repeating its examples, and
    only the ids in the contract exist.

    `start` raises `SettingError` if the address is not available, and the constructor if `control` is given and the
    contract has a path below the control path.
    """

    _settable = Space._settable | {"last_word", "space_id"}

    def __init__(
        self,
        contract: Contract,
        *,
        api_key: Secret | str | None = None,
        space_id: str | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        source: BodySource | None = None,
        limits: ServerLimits | None = None,
        log: Callable[[JournalEntry], None] | None = None,
        remembered: int = 10_000,
        control: Secret | str | None = None,
        origins: Collection[str] = (),
        hosts: Collection[str] = (),
        is_private: bool = False,
        is_exhaustive: bool = False,
    ) -> None:
        key = secret(api_key or MOCK_KEY).reveal()
        shared = Shared(contract, is_exhaustive=is_exhaustive)
        super().__init__(shared, key, space_id or SPACE_ID, source=source, log=log, remembered=remembered)
        self._address = host, port
        self._listener = Listener(self.respond, self.reject, limits)
        self._url = ""
        self._has_health = not any(operation.path.startswith(PREFIX) for operation in contract.operations)
        self._numbers = count(1)
        self._spaces: dict[str, Space] = {}
        self._unused_in_closed: list[str] = []
        self._origins = frozenset(origins)
        self._hosts = frozenset({host, *hosts})
        self._is_private = is_private
        self.last_word: Callable[[Request, MockResponse], MockResponse] | None = None
        """Called with each request and its response, after scenario and faults; returns the response to send."""
        self._control: Control | None = None
        if control is not None:
            from pytest_bctrl.traffic.mock.control import Control

            self._control = Control(self, secret(control))

    def start(self) -> Self:
        """Start listening; returns the server once the port is open."""
        self._url = self._listener.start(*self._address)
        return self

    def response_errors(self) -> dict[str, DocumentError]:
        """Return, by label, why a documented response of an operation cannot be generated."""
        operations = self.contract.operations
        # Many operations have the same body, such as that of an error.
        schemas = {_schema_key(schema): schema for operation in operations for schema in _body_schemas(operation)}
        bodies = {key: self._shortest_body(schema) for key, schema in schemas.items()}
        errors: dict[str, DocumentError] = {}
        for operation in operations:
            documented = [bodies[_schema_key(schema)] for schema in _body_schemas(operation)]
            error = next((body.error for body in documented if body.error is not None), None)
            error = error or self._error_of_fields(operation)
            error = error or self._error_of_sample(operation, are_valid=all(body.is_valid for body in documented))
            if error is not None:
                errors[operation.label] = error
        return errors

    def _shortest_body(self, schema: Schema) -> _ShortestBody:
        """Build a value without optional properties, and return whether the schema allows it, or why there is none."""
        try:
            value = Builder(self.contract, RoundRobin(optional=False)).value(schema)
        except DocumentError as error:
            # The error of the schema of a complete body has no location.
            error.where = error.where or f"{self.contract.name}: #{schema_pointer(self.contract, schema)}"
            return _ShortestBody(error, is_valid=False)
        return _ShortestBody(None, is_valid=accepts(self.contract, schema, value))

    def _error_of_fields(self, operation: Operation) -> DocumentError | None:
        """Return why a documented header field of a response cannot be generated; None if all can."""
        try:
            for spec in operation.responses.values():
                self._shared.documented.header_fields(spec, only_required=self._shared.is_exhaustive)
        except DocumentError as error:
            return error
        return None

    def _error_of_sample(self, operation: Operation, *, are_valid: bool) -> DocumentError | None:
        """Return why no success response can be generated; None if one can.

        If the shortest bodies `are_valid`, only the invariants of the operation can exclude a sample.
        """
        success, samples = self._shared.success[operation.label], self._shared.samples.get(operation.label)
        try:
            if success.invalid:
                self._shared.documented.response(success, success.code)
            elif samples is not None and (samples.invariants or not are_valid):
                samples.sample_with_optionals(self.space_id, optional=False)
        except DocumentError as error:
            return error
        return None

    def stop(self, grace: float = 0.0) -> None:
        """Stop the server and close all connections; a second call does nothing.

        Requests in progress are completed, for at most `grace` seconds.
        """
        self._listener.stop(grace)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The base URL, without a trailing slash; empty before the first start."""
        return self._url

    def space(self, space_id: str | None = None, *, api_key: Secret | str | None = None) -> Space:
        """Open a space with a separate key, data, faults, clock and journal: `with mock.space() as space:`.

        The default id is `space-1`, `space-2`, …, or a UUID with this number if the contract requires one. Raises
        `SettingError` for the id or key of another space.
        """
        number = next(self._numbers)
        if not space_id:
            space_id = f"space-{number}" if self._allows_names else as_uuid(f"{number:032x}")
        key = secret(api_key or f"{MOCK_KEY}-{number}").reveal()
        space = Space(self._shared, key, space_id, server_url=lambda: self.url, log=self._log, close=self._remove_space)
        keys = [open_space.api_key for open_space in self.spaces.values()]
        for what, value, used in (("id", space_id, self.spaces), ("key", key, keys)):
            if value in used:
                raise SettingError(f"another space has this {what}", where="mock.space", hint=f"give another {what}")
        self._spaces[space_id] = space
        return space

    @property
    def spaces(self) -> Mapping[str, Space]:
        """The open spaces by id, including that of the server."""
        return {self.space_id: self, **self._spaces}

    @cached_property
    def _allows_names(self) -> bool:
        """Whether the contract allows a readable id of a space, in path and response."""
        main = self._shared.main
        parameters = [parameter for parameter in main.path_parameters if parameter.setting == "space_id"]
        if len(main.path_parameters) == 1:
            parameters = list(main.path_parameters)
        if not all(accepts(self.contract, parameter.schema, "space-1") for parameter in parameters):
            return False
        samples = self._shared.samples.get(main.label)
        if samples is None or self._shared.obstacle(main, self.space_id):
            return True
        return accepts(self.contract, samples.schema, samples.sample("space-1"))

    @property
    def unused(self) -> list[str]:
        """A line per fault, scenario and sequence that was set up and not used up, in this space or a further one."""
        further = [line for space in self._spaces.values() for line in space.unused]
        return [*super().unused, *self._unused_in_closed, *further]

    def _remove_space(self, space: Space) -> None:
        """Close a space in the server, keeping its lines about unused setup."""
        # If it was closed before, its id may belong to another space.
        if self._spaces.get(space.space_id) is space:
            self._unused_in_closed += space.unused
            del self._spaces[space.space_id]

    def reset(self) -> None:
        """Forget requests, scenario and faults, and close the connections, as between two tests; spaces stay.

        A request of an earlier test that is still running then fails, and does not appear in a later test.
        """
        self._listener.drop_connections()
        super().reset()
        self._unused_in_closed.clear()

    def respond(self, request: Request) -> MockResponse:
        """Return and record the response of the space that a request names or whose key it has, else of the server."""
        if request.path == HEALTH and self._has_health:
            return _health_response(request)
        is_guarded = self._is_private or (self._control is not None and self._control.serves(request))
        if is_guarded and not is_allowed(request.header("host"), self._hosts):
            host = name_of(request.header("host") or "")
            message = f"this mock is not for requests to the host {host}; --allow-host {host} allows them"
            return self.reject(RequestProblem(421, message, request))
        if request.header("origin") is None:
            return self._route_request(request)
        from pytest_bctrl.traffic.mock.cors import with_cors

        return with_cors(request, self._origins, self._route_request)

    def _route_request(self, request: Request) -> MockResponse:
        """Return the response of the control path, or of the request's space as `last_word` changes it."""
        if self._control is not None and self._control.serves(request):
            return self._control.respond(request)
        space = self._space_of(request) if self._spaces else None
        response = super().respond(request) if space is None else space.respond(request)
        if self.last_word is None:
            return response
        return self.last_word(request, response)

    def _space_of(self, request: Request) -> Space | None:
        """Return the further space that a path value or a key in a header names; None for the server's own space."""
        match = self._shared.routes.match(request.target)
        for value in match.values.values() if match else ():
            space = self._spaces.get(value)
            if space is not None:
                return space
        words = {word for _, value in request.headers for word in value.split()}
        return next((space for space in [*self._spaces.values()] if space.api_key in words), None)


def _health_response(request: Request) -> MockResponse:
    """Return the response of the health endpoint, which no journal contains."""
    if request.method not in ("GET", "HEAD"):
        return MockResponse(405, (("Allow", "GET, HEAD"),))
    return MockResponse(200, (("Content-Type", "application/json"),), Payload(b'{"status":"ok"}'))


class _ShortestBody(NamedTuple):
    """Whether a body without optional properties is valid, or why it cannot be built."""

    error: DocumentError | None
    is_valid: bool


def _body_schemas(operation: Operation) -> list[Schema]:
    """Return the schemas of all documented bodies of an operation's responses."""
    return [schema for spec in operation.responses.values() for schema in spec.content.values()]


def _schema_key(schema: Schema) -> str:
    """Return a text that is equal for equal references and for the same schema object."""
    if isinstance(schema, Mapping):
        return str(schema.get("$ref", id(schema)))
    return str(schema)
