"""The location of a change in two documents."""

from __future__ import annotations

from typing import NamedTuple


class ChangeLocation(NamedTuple):
    """The location of a change. `path` is generalised and independent of how schemas are composed."""

    operation: str = ""
    shape: str = ""
    """The operation without the names of its path parameters, as fingerprints use it."""
    path: str = ""
    context: tuple[tuple[str, str], ...] = ()
