"""The error responses of the changed API: for removed operations, missing credentials and rejected requests."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from pytest_bctrl.http.message import MockResponse, with_headers
from pytest_bctrl.impact.change import ResponseContext
from pytest_bctrl.impact.contract_version import ContractVersion
from pytest_bctrl.traffic.mock.error_responses import ErrorResponses


class ChangedErrors:
    """Builds error responses in the shape that the new contract documents; the old one for a removed operation."""

    def __init__(self, old: ContractVersion, new: ContractVersion) -> None:
        self._old = old
        self._new = new

    @cached_property
    def _new_responses(self) -> ErrorResponses:
        """The error responses of the new contract."""
        return ErrorResponses(self._new.contract)

    @cached_property
    def _old_responses(self) -> ErrorResponses:
        """The error responses of the old contract."""
        return ErrorResponses(self._old.contract)

    def response(
        self, context: ResponseContext, status: int, message: str, headers: Mapping[str, str] | None = None
    ) -> MockResponse:
        """Return the error response as the new contract documents it, or as the old one if the operation is gone."""
        request_id = context.response.header("x-request-id") or ""
        operation = self._new.operations.get(context.operation_shape)
        responses = self._new_responses
        if operation is None:
            responses, operation = self._old_responses, context.operation
        response = responses.response(status, message, request_id, operation=operation, headers=headers)
        if not request_id:
            return with_headers(response, {"X-Request-Id": None})
        return response
