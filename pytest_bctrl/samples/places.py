"""Finds the places in a body that a generalised location such as `runtimes[*].id` names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

Slot: TypeAlias = tuple[Any, str | int]
"""A container and the key or index at which it holds the value."""


def slots(body: Any, location: str) -> Iterator[Slot]:
    """Yield the container and key of every value that `location` names; what is not there is passed over."""
    names = tokens(location)
    yield from _walk(body, names) if names else ()


def values(body: Any, location: str) -> Iterator[Any]:
    """Yield every value that `location` names in `body`."""
    for container, key in slots(body, location):
        yield container[key]


def tokens(location: str) -> list[str]:
    """Split a generalised location into names and `*`: `runtimes[*].id` is `runtimes`, `*`, `id`."""
    return [token for token in location.replace("[*]", ".*").split(".") if token]


def _walk(value: Any, names: list[str]) -> Iterator[Slot]:
    container: Any = value
    name, rest = names[0], names[1:]
    found: Iterator[str | int] = iter(())
    if name == "*" and isinstance(value, list):
        found = iter(range(len(value)))
    elif isinstance(value, dict) and name in value:
        found = iter((name,))
    for key in found:
        if rest:
            yield from _walk(container[key], rest)
        else:
            yield value, key
