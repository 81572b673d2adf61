"""Holds recorded exchanges to the contract, and seals those that passed so that loading them costs little."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from hashlib import sha256

from pytest_bctrl._version import __version__
from pytest_bctrl.checks.answer import Answer
from pytest_bctrl.checks.own import Check
from pytest_bctrl.checks.run import check_answer
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.finding import Finding, at_or_above
from pytest_bctrl.traffic.mock.routes import Match, Routes
from pytest_bctrl.traffic.recordings.exchange import Exchange
from pytest_bctrl.traffic.recordings.har_write import digest


def findings_of(exchange: Exchange, contract: Contract, own: Iterable[Check] = ()) -> list[Finding] | None:
    """Return what is wrong with one exchange, worst first; None where the contract has no such operation."""
    match = Routes(contract).match(_target(exchange))
    operation = match.of(exchange.method) if match else None
    if operation is None or match is None:
        return None
    if exchange.method == "HEAD" or not exchange.is_complete:
        return None
    return check_answer(
        Answer(contract, operation, exchange.status, exchange.headers, exchange.body, dict(match.values)), own=own
    )


def failing(exchange: Exchange, contract: Contract) -> list[Finding]:
    """Return the errors of one exchange; none where it bears the seal of this contract and this version."""
    if exchange.checked and exchange.checked == seal(exchange, contract):
        return []
    return at_or_above(findings_of(exchange, contract) or [], "error")


def sealed(exchange: Exchange, contract: Contract) -> Exchange:
    """Return an exchange that was checked, with the seal that says so."""
    return replace(exchange, contract=contract.digest, checked=seal(exchange, contract))


def seal(exchange: Exchange, contract: Contract) -> str:
    """Return a digest of all that a check looks at: one change to any of it, and the exchange is checked again."""
    looked_at = (
        __version__,
        contract.digest,
        exchange.method,
        _target(exchange),
        str(exchange.status),
        *(f"{name}: {value}" for name, value in exchange.headers),
        digest(exchange.body),
    )
    return sha256("\n".join(looked_at).encode("utf-8", "surrogateescape")).hexdigest()[:32]


def listing(exchanges: Iterable[Exchange], contract: Contract) -> Iterator[tuple[Exchange, Match]]:
    """Yield the exchanges that ask for one of the contract's paths, with what their paths say."""
    routes = Routes(contract)
    for exchange in exchanges:
        match = routes.match(_target(exchange))
        if match is not None:
            yield exchange, match


def space_of(exchanges: Iterable[Exchange], contract: Contract) -> str | None:
    """Return the space that the first of the exchanges asks for; None where none asks for one."""
    for _, match in listing(exchanges, contract):
        for operation in match.operations.values():
            for parameter in operation.path_parameters:
                if parameter.setting == "space_id":
                    return match.values.get(parameter.name)
    return None


def base_path(exchange: Exchange, contract: Contract) -> str:
    """Return what stands in an exchange's path before the path of the contract's operation; often nothing."""
    for _, match in listing([exchange], contract):
        for operation in match.operations.values():
            segments = len(operation.path.split("/")) - 1
            # A leading version may be left out of a request, so that there is less than the whole path.
            before = exchange.path.split("/")[1:-segments]
            return "".join(f"/{segment}" for segment in before)
    return ""


def _target(exchange: Exchange) -> str:
    return f"{exchange.path}?{exchange.query}"
