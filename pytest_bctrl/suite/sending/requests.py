"""The probes of the plan: their requests, and the exchanges with the target."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field, replace
from functools import partial

from pytest_bctrl.checks.credentials import NONE, Credential
from pytest_bctrl.checks.response import Response
from pytest_bctrl.contract.model import Contract, Operation, path_pattern
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.http.exchange import Exchange
from pytest_bctrl.samples.inputs import Inputs, inputs
from pytest_bctrl.suite.run import ContractRun
from pytest_bctrl.suite.sending.tally import Tally
from pytest_bctrl.traffic.flow import Attempt


@dataclass(frozen=True, slots=True, eq=False)
class TargetExchange:
    """One attempt at a planned request, and its response as checks examine it; the status is 0 without a response.

    `transfer` says how the response arrived, until `ended` (seconds, monotonic), and `previous_shell` reproduces the
    previous request on the same connection. `findings` are about the transfer itself. `pause` numbers the pauses of the
    target (a 503 with `Retry-After`) and is 0 if this request met none. The whole run shares `tally`.
    """

    exchange: Exchange
    transfer: Attempt
    response: Response
    previous_shell: str = ""
    ended: float = 0.0
    findings: tuple[Finding, ...] = ()
    pause: int = 0
    tally: Tally = field(default_factory=Tally)

    @property
    def is_doubtful(self) -> bool:
        """Whether further bytes followed the response: it may be truncated or belong to another request."""
        surplus = self.transfer.surplus
        return surplus is not None and not surplus.is_body


def no_findings(_exchange: TargetExchange) -> list[Finding]:
    """Return no findings: a check for a request whose response other requests check."""
    return []


def no_follow_up(_exchange: TargetExchange) -> None:
    """Send no further request after a response."""


@dataclass(frozen=True, slots=True)
class PlannedRequest:
    """One planned request, and the check of its response.

    Requests with equal keys are sent once and share their response; `number` distinguishes repetitions.

    - Without `inputs` it is the operation's plain request.
    - `credential` replaces the key, `method` the operation's method, `path` its path and query; `content` is the body.
    - `opens_connection`: it is sent over a new connection.
    - `waits`: it is sent when the earlier requests of its probe were answered, and before all later requests.
    - `optional_above`: it is left out unless more than this number of requests remain for the operation.
    - `is_invalid`: the target should reject it.
    - `tolerated` statuses are right for this request even if the contract does not document them.
    - `is_unusual`: if the target rejects it wrongly, the finding has a lower level (`softened`).
    - `is_shared`: another test reports how the response arrived.
    - `is_independent`: it is sent although the operation has no plain request, for lack of values.
    - `follow_up` returns the next request after the response was checked, such as the one for the next page.
    """

    operation: Operation
    check: Callable[[TargetExchange], list[Finding]]
    inputs: Inputs | None = None
    credential: Credential | None = None
    method: str = ""
    path: str = ""
    content: bytes = b""
    number: int = 0
    opens_connection: bool = False
    waits: bool = False
    optional_above: int | None = None
    is_invalid: bool = False
    tolerated: frozenset[int] = frozenset()
    is_unusual: bool = False
    is_shared: bool = False
    is_independent: bool = False
    follow_up: Callable[[TargetExchange], PlannedRequest | None] = no_follow_up

    @property
    def has_usual_method(self) -> bool:
        """Whether it has the method of its operation."""
        return self.method in ("", self.operation.method)

    @property
    def key(self) -> Hashable:
        """A key of the request, the operation's label if it is the plain one: equal keys share one exchange."""
        if self.inputs is None:
            return self.operation.label
        method = self.method or self.operation.method
        parameters = request_key(self.inputs, self.credential)
        return self.operation.label, method, self.path, parameters, self.content, self.number


def to_unknown_path(request: PlannedRequest, contract: Contract) -> PlannedRequest:
    """Return a request without a credential to a path that no operation of the contract has, as near as possible."""
    path = request.operation.url_path((request.inputs or Inputs()).path)
    candidates = [f"{path.rpartition('/')[0]}/{_UNKNOWN}", f"{path}/{_UNKNOWN}", f"/{_UNKNOWN}"]
    patterns = [path_pattern(operation.path)[0] for operation in contract.operations]
    unknown = [text for text in candidates if not any(pattern.fullmatch(text) for pattern in patterns)]
    return _compared(replace(request, credential=NONE, path=next(iter(unknown), candidates[-1])))


def with_key(request: PlannedRequest) -> PlannedRequest:
    """Return a request with the key."""
    return _compared(replace(request, credential=None))


def _compared(request: PlannedRequest) -> PlannedRequest:
    """Return a request on a new connection, whose response is compared with another one."""
    return replace(request, check=no_findings, number=0, opens_connection=True)


_UNKNOWN = "no-such-path-of-this-api"


def request_key(inputs: Inputs, credential: Credential | None) -> Hashable:
    """Return a key of the parameters of a request and of the credential that replaces the key."""
    credential_key: tuple[str | None, ...] = ()
    if credential is not None:
        credential_key = (None,) if credential.header is None else (credential.header.reveal(),)
    return tuple(sorted(inputs.path.items())), inputs.query, inputs.headers, credential_key


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """One or more requests that test the same aspect of an operation; `name` is its part of the test id.

    `requests` may raise `NotCheckedError`. An `is_repeated` probe sends its requests again after the first pause of the
    target. `kind` describes the requests in the announcement of a run. The probe has checked nothing unless each check
    in `required_checks` has examined a response.
    """

    name: str
    operation: Operation
    requests: Callable[[], Iterable[PlannedRequest]]
    is_repeated: bool = False
    kind: str = ""
    required_checks: frozenset[str] = frozenset()


def plain(run: ContractRun, operation: Operation) -> Inputs:
    """Return the inputs of the plain request: real path values and required parameters; empty if one has no value.

    They are computed once per operation, and again when a path value arrives.
    """
    return run.once(("plain", operation.label, run.awaited_names(operation)), partial(_derive_plain, run, operation))


def _derive_plain(run: ContractRun, operation: Operation) -> Inputs:
    """Return the inputs of the plain request; empty if a required parameter has no value."""
    return inputs(run.contract, operation, run.values_of(operation)) or Inputs()
