"""Finds the places of a body that a generalised location names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

Path: TypeAlias = tuple[str | int, ...]
"""The exact place of a value: names and indexes from the top of the body."""


def select(value: Any, place: str) -> Iterator[tuple[Path, Any]]:
    """Yield path and value of every place that a generalised location such as `runtimes[*].id` names."""
    found: list[tuple[Path, Any]] = [((), value)]
    for segment in place.replace("[*]", ".[*]").split("."):
        if segment == "[*]":
            found = [
                ((*path, index), item)
                for path, items in found
                if isinstance(items, list)
                for index, item in enumerate(items)
            ]
        elif segment:
            found = [
                ((*path, segment), item[segment]) for path, item in found if isinstance(item, dict) and segment in item
            ]
    yield from found
