"""The components of a document that extend others by `allOf`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from pytest_bctrl.contract.document import escape_token


class Extensions:
    """Which components extend which schemas by `allOf`, directly or not; schemas are given by pointer."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._extending: dict[str, frozenset[str]] = {}

    def extending(self, pointer: str) -> frozenset[str]:
        """Return the pointers of the components that extend the schema at a pointer."""
        if pointer not in self._extending:
            self._extending[pointer] = _reachable(pointer, self._directly_extending)
        return self._extending[pointer]

    def extended(self, pointer: str) -> frozenset[str]:
        """Return the pointers of the schemas that the component at a pointer extends; some may not exist."""
        return _reachable(pointer, self._directly_extended)

    @cached_property
    def _directly_extended(self) -> dict[str, list[str]]:
        """The pointers of the schemas to which each component refers in its `allOf`, by its pointer."""
        components = self._document.get("components")
        schemas = components.get("schemas") if isinstance(components, Mapping) else None
        if not isinstance(schemas, Mapping):
            return {}
        return {f"/components/schemas/{escape_token(name)}": _bases(schema) for name, schema in schemas.items()}

    @cached_property
    def _directly_extending(self) -> dict[str, list[str]]:
        """The pointers of the components that refer to each schema in their `allOf`, by the pointer of the latter."""
        extending: dict[str, list[str]] = {}
        for pointer, bases in self._directly_extended.items():
            for base in bases:
                extending.setdefault(base, []).append(pointer)
        return extending


def _bases(schema: Any) -> list[str]:
    """Return the pointers of the schemas to which the `allOf` of a schema refers."""
    branches = schema.get("allOf") if isinstance(schema, Mapping) else None
    if not isinstance(branches, list):
        return []
    references = [branch.get("$ref") for branch in branches if isinstance(branch, Mapping)]
    return [reference[1:] for reference in references if isinstance(reference, str) and reference.startswith("#/")]


def _reachable(start: str, steps: Mapping[str, Sequence[str]]) -> frozenset[str]:
    """Return what a number of steps, at least one, leads to from a start."""
    reached: set[str] = set()
    waiting = [start]
    while waiting:
        for target in steps.get(waiting.pop(), ()):
            if target not in reached:
                reached.add(target)
                waiting.append(target)
    return frozenset(reached)
