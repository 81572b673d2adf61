"""Records what the responses of exchanges contain, and measures how much of the contract they exercised."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cached_property, partial
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from pytest_bctrl.checks.response import Response, once
from pytest_bctrl.contract.credential_names import credentials_for
from pytest_bctrl.contract.model import Contract, Operation
from pytest_bctrl.observed.coverage import Coverage, coverage
from pytest_bctrl.observed.facts import Observation, as_data, from_data
from pytest_bctrl.secrets.credentials import placeholder

if TYPE_CHECKING:
    import httpx

    from pytest_bctrl.http.routes import Routes

Headers = Iterable[tuple[str, str]]


class Observer:
    """Records what responses contain, in bounded memory.

    `redact` removes secrets from recorded text; `sent_headers` are the header fields that the settings add to every
    request.

    `validated` observations come from responses that other tests validate, or that are broken on purpose: they only
    count for coverage. `unvalidated` observations come from ordinary tests, and nothing else reports how they differ
    from the contract. `minimum` is the required coverage in percent. `is_reported` means that the summary of a contract
    run reports the coverage, `interrupted_run` that a complete run ends with 2 because it cannot be measured.
    """

    minimum: float | None = None
    is_reported = False
    interrupted_run = False

    def __init__(
        self, contract: Contract, redact: Callable[[str], str] = str, sent_headers: Iterable[str] = ()
    ) -> None:
        self.contract = contract
        self._sent_headers = [(name, "") for name in sent_headers]
        self.validated = Observation()
        self.unvalidated = Observation()
        self._measured: tuple[Observation, Coverage] | None = None
        self._redact = redact
        # A test may send requests from several threads.
        self._lock = Lock()

    @cached_property
    def _routes(self) -> Routes:
        """The routes of the contract, by which `observe` finds the operation of a request."""
        from pytest_bctrl.http.routes import Routes

        return Routes(self.contract)

    @property
    def everything(self) -> Observation:
        """The observations of validated and other responses together."""
        observation = Observation()
        observation.add(self.validated)
        observation.add(self.unvalidated)
        return observation

    @property
    def coverage(self) -> Coverage:
        """The coverage of the contract, measured again only after further observations."""
        observation = self.everything
        if self._measured is None or self._measured[0] != observation:
            self._measured = observation, coverage(self.contract, observation)
        return self._measured[1]

    @property
    def shortfall(self) -> str:
        """A sentence if the run covered less of the contract than the minimum; empty if not, or if it is undecided."""
        if self.minimum is None or self.undecided:
            return ""
        percent = self.coverage.percent
        if percent >= self.minimum:
            return ""
        return f"coverage of {percent:.1f}% is below the minimum of {self.minimum:g}% (--bctrl-min-coverage)"

    @property
    def undecided(self) -> str:
        """A sentence if it is not known whether the minimum was covered; empty otherwise."""
        if self.minimum is None or not self.coverage.not_measured:
            return ""
        cause = self.coverage.not_measured[0]
        return f"whether the minimum of {self.minimum:g}% is covered (--bctrl-min-coverage) is not decided: {cause}"

    def observe(self, request: httpx.Request, received: httpx.Response, *, validated: bool) -> None:
        """Record a response of httpx, body unconsumed; ignores a request to no operation, and undecodable bodies."""
        import httpx

        match = self._routes.match(request.url.raw_path.decode("ascii").partition("?")[0])
        operation = match.operations.get(request.method) if match is not None else None
        if operation is None or match is None:
            return
        wire_bytes = b"".join(received.stream)  # type: ignore[arg-type]
        try:
            body = httpx.Response(received.status_code, headers=received.headers, content=wire_bytes).content
        except httpx.DecodingError:
            # The client of the test raises the same error.
            return
        headers = tuple(received.headers.multi_items())
        response = Response(self.contract, operation, received.status_code, headers, body, match.values)
        query = request.url.query.decode("ascii")
        self.observe_response(response, query, request.headers.multi_items(), validated=validated)

    def observe_response(
        self,
        response: Response,
        query: str = "",
        sent: Headers = (),
        *,
        validated: bool = True,
        is_repeated: bool = False,
    ) -> None:
        """Record a response and the parameters of its request; of a repeated response, only the status is counted.

        A response is repeated (`is_repeated`) if an earlier one had the same body.
        """
        response = once(response, ("redacted", id(self)), lambda: self._redacted(response)) or response
        label = response.operation.label
        observation = response.observed
        with self._lock:
            total = self.validated if validated else self.unvalidated
            if is_repeated:
                total.statuses.update(observation.statuses)
            else:
                total.add(observation)
            operation = self.contract.operation(label)
            for name in _sent_parameters(operation, query, (*sent, *self._sent_headers)):
                total.parameters[label, name] += 1

    def without_body(self, response: Response, *results: Callable[[Response], object]) -> Response:
        """Return a response without its body, for `observe_response`; it has its observation, and these results."""
        redacted = self._redacted(response) or response
        bodiless = replace(response, body=b"")
        once(bodiless, "observed", lambda: redacted.observed)
        for result in results:
            once(bodiless, result, partial(result, response))
        return bodiless

    def _redacted(self, response: Response) -> Response | None:
        """Return the response without secrets and credentials; None if it has none, or the body is not JSON.

        Undocumented names and values come from the API. A response must not reference itself, or it would live longer.
        """
        if not response.parsed.ok:
            return None
        credentials = credentials_for(self.contract, response.operation, placeholder)
        body = credentials.body(response.body, response.header("Content-Type") or "")
        text = body.decode("utf-8", "surrogateescape")
        redacted_text = self._redact(text)
        if redacted_text == text and body is response.body:
            return None
        return replace(response, body=redacted_text.encode("utf-8", "surrogateescape"))

    def pop(self) -> dict[str, Any] | None:
        """Return the observations since the last call as plain data, and remove them; None if there are none."""
        if not self.validated.statuses and not self.unvalidated.statuses:
            return None
        with self._lock:
            validated, self.validated = self.validated, Observation()
            unvalidated, self.unvalidated = self.unvalidated, Observation()
        return {"validated": as_data(validated), "unvalidated": as_data(unvalidated)}

    def add(self, data: Mapping[str, Any]) -> None:
        """Add the observations of another process, as its `pop` returned them."""
        self.validated.add(from_data(data["validated"]))
        self.unvalidated.add(from_data(data["unvalidated"]))


def _sent_parameters(operation: Operation, query: str, headers: Headers) -> Iterable[str]:
    """Yield the documented parameters of a request's path, query and header fields, as `in:name`."""
    queried = {name for name, _ in parse_qsl(query, keep_blank_values=True)}
    sent = {name.lower() for name, _ in headers}
    for parameter in operation.parameters:
        if (
            parameter.in_ == "path"
            or (parameter.in_ == "query" and parameter.name in queried)
            or (parameter.in_ == "header" and parameter.name.lower() in sent)
        ):
            yield f"{parameter.in_}:{parameter.name}"
