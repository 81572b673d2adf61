"""The metadata of installed distributions, read once per process: it takes a quarter of each start of pytest."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import cached_property, lru_cache
from importlib import metadata as installed
from importlib.metadata import Distribution, PathDistribution
from pathlib import Path
from typing import Any


class _RememberedDistribution(PathDistribution):
    """A distribution that reads each of its files once."""

    entry_points = cached_property(PathDistribution.entry_points.fget)  # type: ignore[attr-defined]
    files = cached_property(PathDistribution.files.fget)  # type: ignore[attr-defined]
    metadata = cached_property(PathDistribution.metadata.fget)  # type: ignore[attr-defined]


def remember_distributions() -> None:
    """Let each run of pytest in this process find the distributions of the runs before it.

    Each searches them for plugins, for modules whose assertions it rewrites, and for the versions in its header. A
    folder is searched again after its content has changed.
    """
    search = installed.distributions

    @lru_cache(maxsize=64)
    def in_folder(folder: str, _changed: int) -> tuple[Distribution, ...]:
        """Return the distributions of a folder; cached as long as `_changed`, its time of change, is the same."""
        distributions = tuple(search(path=[folder]))
        for distribution in distributions:
            if type(distribution) is PathDistribution:
                distribution.__class__ = _RememberedDistribution
        return distributions

    def distributions(**where: Any) -> Iterator[Distribution]:
        """Yield the distributions of `sys.path` from the cache; those of a narrower search without it."""
        if where:
            yield from search(**where)
            return
        for entry in sys.path:
            folder = Path(entry).absolute()
            if folder.exists():
                yield from in_folder(str(folder), folder.stat().st_mtime_ns)

    installed.distributions = distributions
