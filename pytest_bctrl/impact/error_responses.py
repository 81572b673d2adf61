"""The error responses of the changed API: for removed operations, missing credentials and rejected requests."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from pytest_bctrl.http.message import MockResponse
from pytest_bctrl.impact.change import ResponseContext
from pytest_bctrl.impact.contract_version import ContractVersion
from pytest_bctrl.traffic.mock.error_responses import ErrorResponses


class ChangedErrors:
    """Builds error responses in the shape that the new contract documents."""

    def __init__(self, new: ContractVersion) -> None:
        self._new = new

    @cached_property
    def _responses(self) -> ErrorResponses:
        return ErrorResponses(self._new.contract)

    def response(
        self, context: ResponseContext, status: int, message: str, headers: Mapping[str, str] | None = None
    ) -> MockResponse:
        """Return the error response to the request of a context."""
        operation = self._new.operations.get(context.operation_shape)
        request_id = context.response.header("x-request-id") or ""
        return self._responses.response(status, message, request_id, operation=operation, headers=headers)
