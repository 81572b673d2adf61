"""Asks a target once whether it answers, and says in words why it does not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import httpx

from pytest_bctrl.contract.model import Contract
from pytest_bctrl.samples.inputs import Inputs, inputs, main_operation
from pytest_bctrl.secret import Secret
from pytest_bctrl.suite.troubles import explained
from pytest_bctrl.traffic.client import client
from pytest_bctrl.traffic.flow import ATTEMPTS
from pytest_bctrl.traffic.mock.routes import fields_for
from pytest_bctrl.traffic.origin import Connection
from pytest_bctrl.traffic.retry import RetryPolicy

State = Literal["ok", "note", "wrong", "unknown"]
ONCE = RetryPolicy(attempts=1)


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that is told: its topic, its words, whether it is as it should be, and what would fix it.

    `unknown` stands for what could not be checked.
    """

    topic: str
    text: str
    state: State = "ok"
    hint: str = ""


_STATUSES = {
    401: ("the key is refused: 401", "see that BCTRL_API_KEY holds a key of this API, whole and not revoked"),
    403: ("the key may not do this: 403", "give a key that may list the space"),
    404: ("there is no such space: 404", "see that BCTRL_SPACE_ID or --bctrl-space-id names a space of this key"),
    410: ("the route is gone: 410", "see what is published now: pytest-bctrl drift"),
    429: ("too many requests: 429", "wait a while and run it again"),
}


def probe(
    contract: Contract,
    base_url: str,
    key: Secret,
    values: Mapping[str, str],
    timeout: float = 10.0,
    hide: Callable[[str], str] = str,
    connection: Connection | None = None,
) -> Line:
    """Send one GET with the key, and tell what came of it; `hide` takes secrets out of what the target says."""
    operation = main_operation(contract)
    asked = inputs(contract, operation, values) or Inputs()
    with client(base_url, key, live=True, retry=ONCE, fields=fields_for(contract), connection=connection) as made:
        made.timeout = httpx.Timeout(timeout)
        try:
            status = made.get(asked.target(operation), headers=dict(asked.headers)).status_code
        except httpx.TransportError as error:
            last = error.request.extensions[ATTEMPTS][-1]
            # Hidden before it is cut: a part of a secret is not known for one.
            text, hint = explained(type(error).__name__, hide(last.detail)[:120], last.begun)
            return Line("target", f"{base_url}: {text}", "unknown", hint)
    return _answered(status, base_url, operation.success_statuses)


def _answered(status: int, base_url: str, expected: frozenset[int]) -> Line:
    if status in expected:
        return Line("target", f"{base_url} answers: {status}")
    text, hint = _STATUSES.get(status, (f"it answers {status}", "see what it says with curl -i"))
    if status >= 500:
        text, hint = f"the server fails: {status}", "try again later, or ask those who run it"
    elif 300 <= status < 400:
        text, hint = f"it redirects: {status}, and the key follows no redirect", "set the base URL to the final address"
    return Line("target", f"{base_url}: {text}", "unknown" if status == 429 else "wrong", hint)
