"""Caches the metadata of installed distributions, because reading it takes a quarter of each start of pytest."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import cached_property, lru_cache
from importlib import metadata as installed
from importlib.metadata import Distribution, PathDistribution
from pathlib import Path
from typing import Any


class _CachedDistribution(PathDistribution):
    """A distribution that reads each of its metadata files once."""

    entry_points = cached_property(PathDistribution.entry_points.fget)  # type: ignore[attr-defined]
    files = cached_property(PathDistribution.files.fget)  # type: ignore[attr-defined]
    metadata = cached_property(PathDistribution.metadata.fget)  # type: ignore[attr-defined]


def remember_distributions() -> None:
    """Make all pytest runs in this process share the metadata of the installed distributions.

    Each run searches it for plugins, for modules whose assertions are rewritten, and for the versions in the header. A
    folder is searched again after its contents have changed.
    """
    search = installed.distributions

    @lru_cache(maxsize=64)
    def in_folder(folder: str, _modification_time: int) -> tuple[Distribution, ...]:
        """Return the distributions of a folder, from the cache if its modification time is the same."""
        distributions = tuple(search(path=[folder]))
        for distribution in distributions:
            if type(distribution) is PathDistribution:
                distribution.__class__ = _CachedDistribution
        return distributions

    def distributions(**context: Any) -> Iterator[Distribution]:
        """Yield the distributions of `sys.path` from the cache; those of a narrower search without it."""
        if context:
            yield from search(**context)
            return
        for entry in sys.path:
            folder = Path(entry).absolute()
            if folder.exists():
                yield from in_folder(str(folder), folder.stat().st_mtime_ns)

    installed.distributions = distributions
