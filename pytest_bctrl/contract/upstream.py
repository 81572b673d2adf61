"""The published spec as a contract of its own: with the overlay applied as it is to the vendored one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_bctrl.contract import overlay as overlays
from pytest_bctrl.contract.read import from_document
from pytest_bctrl.contract.yaml_source import read_yaml
from pytest_bctrl.errors import DocumentError
from pytest_bctrl.incoming import read_text

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_bctrl.contract.document import Document
    from pytest_bctrl.contract.model import Contract


def contract_of(document: Document, overlay: Path | None) -> Contract:
    """Return a document as a contract, with an overlay applied or, without one, as it stands.

    Raises `DocumentError` where the overlay no longer applies to it, naming the action, and where it is no sound
    OpenAPI 3.1.
    """
    if overlay is None:
        return from_document(document.data, document.name)
    try:
        data: Any = read_yaml(read_text(overlay), str(overlay))
    except OSError as error:
        raise DocumentError(
            f"it cannot be read: {error.strerror}", where=str(overlay), mend="restore it from the project"
        ) from None
    try:
        merged = overlays.apply(data, document.data, str(overlay))
    except DocumentError as error:
        raise DocumentError(
            f"the overlay no longer applies to it, so that it cannot be held to traffic: {error.problem}",
            where=f"{document.name}, {error.where}",
            mend="change the action in the overlay",
        ) from None
    return from_document(merged, document.name)
