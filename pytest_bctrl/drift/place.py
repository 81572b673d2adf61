"""Where a comparison is in two documents."""

from __future__ import annotations

from typing import NamedTuple


class Place(NamedTuple):
    """Where the comparison is. `location` is generalised and the same however the schemas are composed."""

    operation: str = ""
    shape: str = ""
    """The operation with its path parameters nameless: what a fingerprint rests on."""
    location: str = ""
    context: tuple[tuple[str, str], ...] = ()
