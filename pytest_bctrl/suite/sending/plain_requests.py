"""Sends the plain request of each operation, and decides what a rejection of it means for the run."""

from __future__ import annotations

from pytest_bctrl.checks.credentials import REFUSED
from pytest_bctrl.checks.protocol import is_retired
from pytest_bctrl.checks.response import Response
from pytest_bctrl.contract.key_fields import requirement
from pytest_bctrl.contract.model import Operation
from pytest_bctrl.contract.scheme_values import needs_credential
from pytest_bctrl.samples.parameter_settings import setting_lines
from pytest_bctrl.suite.operations import LINES_TO_ADD, requestable_operations
from pytest_bctrl.suite.sending.access import (
    expired_credential,
    forbidden,
    is_rejected,
    missing_key,
    outage,
    rejected_credential,
    rejected_operation,
    require_access,
)
from pytest_bctrl.suite.sending.requests import PlannedRequest, TargetExchange, no_findings, plain
from pytest_bctrl.suite.sending.sender import Sender
from pytest_bctrl.suite.sending.tally import CHECKED
from pytest_bctrl.suite.sending.transport_errors import NoAnswerError, NotCheckedError, OperationNotCheckedError

NUMBER_OF_REPEATED_PLAIN = 300
"""Added to the number of a plain request that is sent again, so that it is not equal to the first."""

_MAX_TRIED = 20
"""Maximum number of other operations that are tried with a credential that one operation rejects."""


class PlainRequests:
    """The plain requests of a run, each sent once, and the values of parameters that their responses have."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self._exchanges: dict[str, TargetExchange | NoAnswerError | OperationNotCheckedError] = {}
        self._rejected_operations: set[str] = set()
        # The others are requested with values from the responses of these.
        requestable = requestable_operations(sender.run)
        self._independent = {operation.label for operation in requestable} - sender.run.sources.keys()

    def exchange(self, operation: Operation) -> TargetExchange:
        """Return the exchange of the operation's plain request, sent once; raises its error each time.

        Raises `NoAnswerError` if the target cannot be tested, and `OperationNotCheckedError` if only this operation
        cannot be, each time without sending the request again.
        """
        exchange = self._exchanges.get(operation.label)
        if exchange is None:
            try:
                exchange = self._accepted_exchange(operation)
                self._sender.usual[operation.label] = exchange.response
            except (NoAnswerError, OperationNotCheckedError) as error:
                exchange = error
            self._exchanges[operation.label] = exchange
        if isinstance(exchange, Exception):
            raise exchange
        return exchange

    def _accepted_exchange(self, operation: Operation) -> TargetExchange:
        """Send the plain request and return its exchange; raises an error if it is rejected or gets no response."""
        request = self._request(operation)
        try:
            exchange = self._sender.exchange(request)
        except NoAnswerError as error:
            if error.is_final or self._sender.operation_count <= 1:
                raise NoAnswerError(error.finding, is_final=True, is_outage=error.is_outage) from None
            message = error.finding.message.partition(";")[0]
            raise OperationNotCheckedError(message, [error.finding]) from None
        response = exchange.response
        if is_rejected(response):
            self._require_credential(operation, exchange)
            self._rejected_operations.add(operation.label)
            if self._rejected_operations >= self._independent:
                # The target rejects every operation.
                require_access(response)
            self._sender.tally.settle(exchange, response.unvalidated or CHECKED)
            raise rejected_operation(response)
        return exchange

    def _request(self, operation: Operation, number: int = 0) -> PlannedRequest:
        """Return the plain request of an operation; each repetition has another `number`."""
        self.receive_values(operation)
        # On a new connection, it gets no late bytes of another operation.
        inputs = plain(self._sender.run, operation)
        return PlannedRequest(operation, no_findings, inputs, number=number, opens_connection=True)

    def receive_values(self, operation: Operation) -> None:
        """Take the values of path parameters from the responses that have them, which are requested first.

        Raises `NoAnswerError` if the target cannot be tested, and `OperationNotCheckedError` if a response has none.
        """
        for name, source in self._sender.run.sources.get(operation.label, {}).items():
            if name not in self._sender.run.awaited_names(operation):
                continue
            try:
                value = source.value_in(self.exchange(source.operation).response)
            except (LookupError, OperationNotCheckedError) as error:
                lines = ", ".join(setting_lines(self._sender.run.contract, operation, [name]))
                reason = f"no value for {name}: {source.operation.label}: {error.args[0]}{LINES_TO_ADD}{lines}"
                raise OperationNotCheckedError(reason) from None
            self._sender.run.received[operation.label, name] = value

    def _require_credential(self, operation: Operation, exchange: TargetExchange) -> None:
        """Raise an error if the target rejects the credential of a plain request, or the lack of one.

        Raises `NoAnswerError` if no key is set, or if the credential has expired. Raises `OperationNotCheckedError` if
        another operation accepts the credential, or else for all operations that need it, once for each.
        """
        response = exchange.response
        if not needs_credential(self._sender.run.contract, operation) or is_retired(response):
            return
        if not self._sender.has_credentials and operation.security:
            self._sender.tally.settle(exchange, CHECKED)
            raise missing_key(response)
        if response.status not in REFUSED or not self._sender.has_credentials:
            return
        self._sender.tally.settle(exchange, CHECKED)
        accepting = self._operation_that_accepts(operation)
        if accepting is None:
            raise self._rejection(operation, response)
        if accepting.label in self._exchanges:
            self.require_unexpired(accepting)
        raise forbidden(self._sender.run, response, accepting.label)

    def _operation_that_accepts(self, operation: Operation) -> Operation | None:
        """Return an operation that accepts the credential of another one, after trying some; None if none does."""
        candidates = [
            candidate
            for candidate in requestable_operations(self._sender.run)
            if self._has_same_credential(operation, candidate)
        ]
        for candidate in candidates:
            if isinstance(self._exchanges.get(candidate.label), TargetExchange):
                return candidate
        independent = [candidate for candidate in candidates if candidate.label in self._independent]
        for candidate in independent[:_MAX_TRIED]:
            try:
                response = self._sender.exchange(self._request(candidate)).response
            except (NoAnswerError, NotCheckedError):
                continue
            if response.status in candidate.success_statuses:
                return candidate
        return None

    def _has_same_credential(self, operation: Operation, candidate: Operation) -> bool:
        """Return whether another operation requires the credential of an operation."""
        is_authenticated = self._sender.connections.auth is not None and needs_credential(
            self._sender.run.contract, candidate
        )
        has_same_schemes = {*requirement(operation)} == {*requirement(candidate)}
        return candidate is not operation and (is_authenticated or has_same_schemes)

    def _rejection(self, operation: Operation, response: Response) -> NoAnswerError | OperationNotCheckedError:
        """Return the error for a credential that no operation accepts: final if all operations need it."""
        message = rejected_credential(self._sender.run, response)
        operations = requestable_operations(self._sender.run)
        if all(each is operation or self._has_same_credential(operation, each) for each in operations):
            return outage(response, message)
        return OperationNotCheckedError(message)

    def require_unexpired(self, operation: Operation) -> None:
        """Send the plain request of an operation that was accepted again; raises `NoAnswerError` if it is rejected now.

        Nothing is sent if the operation has used up its requests.
        """
        if self._sender.remaining_unplanned(operation) < 1:
            return
        self._sender.unplanned_count[operation.label] += 1
        number = NUMBER_OF_REPEATED_PLAIN + self._sender.unplanned_count[operation.label]
        exchange = self._sender.exchange(self._request(operation, number))
        self._sender.tally.settle(exchange, CHECKED)
        if exchange.response.status in REFUSED:
            raise expired_credential(self._sender.run, exchange.response)
