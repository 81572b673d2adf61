"""Checks recorded exchanges against the contract.

A recording cannot state that it was checked, because anyone who can write the file could write that too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from pytest_bctrl.checks.response import Response
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.errors import DocumentError
from pytest_bctrl.exchanges.exchange_checks import ExchangeChecks
from pytest_bctrl.findings.finding import Finding, at_or_above
from pytest_bctrl.http.exchange import Exchange
from pytest_bctrl.http.routes import Match, Routes
from pytest_bctrl.reports.terminal import breach


def response_from(exchange: Exchange, contract: Contract) -> Response | None:
    """Return the response of an exchange; None if its operation or its body is unknown."""
    return ExchangeChecks(contract).check(exchange).response


def errors_of(exchange: Exchange, contract: Contract) -> list[Finding]:
    """Return the errors in a recorded response; none for one that no operation documents."""
    findings = ExchangeChecks(contract).check(exchange).findings
    return [finding for finding in at_or_above(findings, "error") if finding.direction != "request"]


def require_conforming(exchanges: Sequence[Exchange], contract: Contract, name: str, hint: str) -> None:
    """Raise `DocumentError`, naming the recording and its entry, for the first response that breaks the contract."""
    for number, exchange in enumerate(exchanges, 1):
        errors = errors_of(exchange, contract)
        if errors:
            where = f"{name}: entry {number} of {len(exchanges)}, {exchange.request.label}"
            raise DocumentError(f"it breaks the contract: {breach(errors)}", where=where, hint=hint)


def exchanges_with_route(exchanges: Iterable[Exchange], contract: Contract) -> Iterator[tuple[Exchange, Match]]:
    """Yield the exchanges whose request is for one of the contract's paths, with the route that matches."""
    routes = Routes(contract)
    for exchange in exchanges:
        match = routes.match(exchange.request.target)
        if match is not None:
            yield exchange, match


def recorded_space_id(exchanges: Iterable[Exchange], contract: Contract) -> str | None:
    """Return the space id in the first request that has one; None if no request has one."""
    spaces = (
        match.values.get(parameter.name)
        for _, match in exchanges_with_route(exchanges, contract)
        for operation in match.operations.values()
        for parameter in operation.path_parameters
        if parameter.setting == "space_id"
    )
    return next(spaces, None)


def base_path_of(exchange: Exchange, match: Match) -> str:
    """Return the part of an exchange's path in front of the operation's path; often empty."""
    segments = next(operation.path.count("/") for operation in match.operations.values())
    # A request may omit a leading version, so its path can be shorter than the operation's.
    before = exchange.request.path.split("/")[1:-segments]
    return "".join(f"/{segment}" for segment in before)
