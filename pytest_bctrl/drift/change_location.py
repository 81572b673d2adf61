"""The location of a change in two documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pytest_bctrl.contract.outline import RawOperation


class ChangeLocation(NamedTuple):
    """The location of a change. `path` is generalised and independent of how schemas are composed."""

    operation: str = ""
    shape: str = ""
    """The operation without the names of its path parameters, as fingerprints use it."""
    path: str = ""
    context: tuple[tuple[str, str], ...] = ()

    @property
    def is_outgoing(self) -> bool:
        """Whether the API sends the request, as that of a webhook or callback, and the consumer responds."""
        return " callback:" in self.operation or self.operation.partition(" ")[2].startswith("webhook:")


def operation_location(operation: RawOperation) -> ChangeLocation:
    """Return the location of an operation, a webhook or a callback."""
    return ChangeLocation(operation.label, f"{operation.method.upper()} {operation.shape}")
