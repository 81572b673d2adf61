"""Holds recorded exchanges to the contract."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pytest_bctrl.checks.answer import Answer
from pytest_bctrl.checks.run import check_answer
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.finding import Finding, at_or_above
from pytest_bctrl.recorded.checked import Checked
from pytest_bctrl.traffic.mock.routes import Match, Routes
from pytest_bctrl.traffic.recordings.exchange import Exchange


def answer_of(exchange: Exchange, contract: Contract) -> Answer | None:
    """Return what one exchange answers; None where the contract has no such operation, or the body is not there."""
    match = Routes(contract).match(exchange.target)
    operation = match.operations.get(exchange.method) if match else None
    if operation is None or match is None or exchange.method == "HEAD" or not exchange.is_complete:
        return None
    return Answer(contract, operation, exchange.status, exchange.headers, exchange.body, dict(match.values))


def failing(exchange: Exchange, contract: Contract, checked: Checked) -> list[Finding]:
    """Return the errors of one exchange; it is not looked at again where it is in `checked`, and added where it has
    none.
    """
    if exchange in checked:
        return []
    answer = answer_of(exchange, contract)
    found = [] if answer is None else at_or_above(check_answer(answer), "error")
    if not found:
        checked.add(exchange)
    return found


def listing(exchanges: Iterable[Exchange], contract: Contract) -> Iterator[tuple[Exchange, Match]]:
    """Yield the exchanges that ask for one of the contract's paths, with what their paths say."""
    routes = Routes(contract)
    for exchange in exchanges:
        match = routes.match(exchange.target)
        if match is not None:
            yield exchange, match


def space_of(exchanges: Iterable[Exchange], contract: Contract) -> str | None:
    """Return the space that the first of the exchanges asks for; None where none asks for one."""
    spaces = (
        match.values.get(parameter.name)
        for _, match in listing(exchanges, contract)
        for operation in match.operations.values()
        for parameter in operation.path_parameters
        if parameter.setting == "space_id"
    )
    return next(spaces, None)


def base_path(exchange: Exchange, contract: Contract) -> str:
    """Return what stands in an exchange's path before the path of the contract's operation; often nothing."""
    operations = (one for _, match in listing([exchange], contract) for one in match.operations.values())
    segments = next((len(operation.path.split("/")) - 1 for operation in operations), 0)
    # A leading version may be left out of a request, so that there is less than the whole path.
    before = exchange.path.split("/")[1:-segments]
    return "".join(f"/{segment}" for segment in before)
