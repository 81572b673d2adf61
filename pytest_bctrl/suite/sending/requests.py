"""The requests of a probe, and their responses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field

import httpx

from pytest_bctrl.checks.credentials import Credential
from pytest_bctrl.checks.response import Response
from pytest_bctrl.contract.model import Operation
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.samples.inputs import Inputs, inputs
from pytest_bctrl.suite.run import ContractRun
from pytest_bctrl.traffic.surplus import WatchedStream


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request with its answer: as data for our checks, as httpx has it for Schemathesis's.

    `findings` are what is wrong with how it came; it is `doubtful` where bytes follow it, so that it may be cut, or
    meant for another request, which `connection` may show later. `pause` counts the pauses of the target up to the one
    it met, a 503 that says when to come back; it is 0 where it met none. `tally` counts what the engines validated,
    `gaps` takes what they left out: both are the run's.
    """

    response: Response
    received: httpx.Response
    findings: tuple[Finding, ...] = ()
    pause: int = 0
    is_doubtful: bool = False
    connection: WatchedStream | None = None
    tally: Counter[str] = field(default_factory=Counter, compare=False)
    gaps: dict[str, None] = field(default_factory=dict, compare=False)


def nothing_more(_exchange: Exchange) -> None:
    """Ask nothing after an answer."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One request of the plan, and what holds its answer to the contract.

    Without `inputs` it looks at the answer to the operation's plain request, which is sent once. `credential` stands in
    the key's place, `method` in that of the operation's, `content` is the body. A `fresh` one opens a
    connection; one that `follows` is sent when those of its probe before it are answered, and all others after it; a
    `spare` one is left out where the operation was asked as often as a run may. One that is `unwelcome` should be
    refused. `then` gives what is asked next, by the
    answer, when that was judged: the page after it.

    Requests that are equal are sent once, and share their answer; `number` tells apart those that repeat one another.
    `tolerated` are statuses that are right for this request whatever the contract says. What is wrong with the refusal
    of an `is_odd` one is reported at a lower level (`softened`). With `is_shared` another test reports how the answer
    came.
    """

    operation: Operation
    judge: Callable[[Exchange], list[Finding]]
    inputs: Inputs | None = None
    credential: Credential | None = None
    method: str = ""
    content: bytes = b""
    number: int = 0
    fresh: bool = False
    follows: bool = False
    spare: bool = False
    unwelcome: bool = False
    tolerated: frozenset[int] = frozenset()
    is_odd: bool = False
    is_shared: bool = False
    then: Callable[[Exchange], Ask | None] = nothing_more

    @property
    def key(self) -> Hashable:
        """Identify the request: asks with equal keys share one exchange."""
        if self.inputs is None:
            return self.operation.label
        method = self.method or self.operation.method
        return self.operation.label, method, request_key(self.inputs, self.credential), self.content, self.number


def request_key(inputs: Inputs, wrong: Credential | None) -> Hashable:
    """Identify the parameters and the credential of a request."""
    credential = () if wrong is None else (None if wrong.header is None else wrong.header.reveal(),)
    return tuple(sorted(inputs.path.items())), inputs.query, inputs.headers, credential


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """One thing that is asked about one operation, in one request or several; `name` is its part of the id of a test.

    `asks` may raise `NotCheckedError`. What is `repeated` is asked as often after a first pause of the target. `kind`
    names its requests where a run announces them. Unless each of the checks in `needs` has looked at an answer, the
    probe has checked nothing.
    """

    name: str
    operation: Operation
    asks: Callable[[], Iterable[Ask]]
    is_repeated: bool = False
    kind: str = ""
    needs: frozenset[str] = frozenset()


def plain(run: ContractRun, operation: Operation) -> Inputs:
    """Return the plainest request: real values in the path, and what else is required."""
    return inputs(run.contract, operation, run.values) or Inputs()
