"""Checks requests to one operation, and describes requests to none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property

from pytest_bctrl.checks.violation import Violation
from pytest_bctrl.contract.model import Contract, Operation
from pytest_bctrl.http.message import Request, accepts
from pytest_bctrl.http.routes import Match
from pytest_bctrl.request_checks.body import BodyChecks
from pytest_bctrl.request_checks.credentials import credential_violations
from pytest_bctrl.request_checks.parameters import ParameterChecks
from pytest_bctrl.request_checks.view import operation_view
from pytest_bctrl.request_checks.violation import ACCEPT, TARGET


class OperationChecks:
    """The requirements of one operation on its requests; what depends on the contract alone is prepared once."""

    def __init__(self, contract: Contract, operation: Operation) -> None:
        self._contract = contract
        self.operation = operation

    @cached_property
    def _view(self) -> tuple[Contract, Operation]:
        """The contract and the operation as requests see them: read-only properties are not required."""
        return operation_view(self._contract, self.operation)

    @cached_property
    def parameters(self) -> ParameterChecks:
        """The checks of the operation's parameters."""
        return ParameterChecks(*self._view)

    @cached_property
    def body(self) -> BodyChecks:
        """The checks of the operation's body."""
        return BodyChecks(*self._view)

    def violations(self, request: Request, path_values: Mapping[str, str]) -> Iterator[Violation]:
        """Yield the violations of a request."""
        yield from credential_violations(self.operation, request)
        yield from self.parameters.path_violations(path_values)
        yield from self.parameters.violations(request)
        yield from self.accept_violations(request)
        yield from self.body.violations(request)

    def accept_violations(self, request: Request) -> Iterator[Violation]:
        """Yield a violation if `Accept` excludes all media types of the success response (RFC 9110, 12.5.1)."""
        accept = request.header("accept")
        if accept is None or not self._response_media_types:
            return
        if not any(accepts(accept, media) for media in self._response_media_types):
            message = "the documented response is in none of the accepted media types"
            yield Violation(
                ACCEPT, "warning", message, (), "header Accept", list(self._response_media_types), accept[:200]
            )

    @cached_property
    def _response_media_types(self) -> tuple[str, ...]:
        """The documented media types of the success response; empty if one of them is a range."""
        success = self.operation.success
        if success is None or any("*" in media for media in success.content):
            return ()
        return tuple(media.partition(";")[0].strip() for media in success.content)


def target_violation(contract: Contract, request: Request, match: Match | None) -> Violation:
    """Return the violation of a request to an undocumented path; with a match, that of an undocumented method."""
    if match is None:
        paths = list(dict.fromkeys(operation.path for operation in contract.operations))
        message = "the contract documents no operation at this path"
        return Violation(TARGET, "error", message, (), "path", paths, request.path, "path")
    message = "the contract does not document this method"
    return Violation(TARGET, "error", message, (), "method", sorted(match.operations), request.method, "method")
