"""Decides on which changes the budget for counterexamples and proofs is spent first: those in the shortest schemas."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from pytest_bctrl.contract.document import value_at
from pytest_bctrl.contract.spec import Part
from pytest_bctrl.drift.node import BESIDE
from pytest_bctrl.drift.pair import steps
from pytest_bctrl.errors import DocumentError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_bctrl.contract.spec import Spec
    from pytest_bctrl.drift.pair import Located, Sides


def budget_order(sides: Sides, worst: Sequence[Located]) -> list[int]:
    """Return the indices of changes, the worst first, and of equally bad ones those in the shortest schemas.

    `worst` has each change at its worst location.
    """
    lengths = _Lengths(sides)
    keys = [(located.rank, lengths.of_change(located)) for located in worst]
    return sorted(range(len(worst)), key=keys.__getitem__)


class _Lengths:
    """The lengths of schemas as text, with all that they refer to."""

    def __init__(self, sides: Sides) -> None:
        self._sides = sides
        self._written: dict[tuple[Spec, str], tuple[int, list[str]]] = {}

    def of_change(self, located: Located) -> int:
        """Return the length of the body, parameter or header that changed, in both documents; 0 if it has no schema."""
        length = 0
        for trail in located.trails[:1]:
            nodes, _ = steps(trail)[0]
            for normal, node in zip((self._sides.old, self._sides.new), nodes, strict=True):
                length += self._length(normal.spec, node.key)
        return length

    def _length(self, spec: Spec, pointers: Iterable[str]) -> int:
        """Return the length of schemas and of all that they refer to, each counted once."""
        length, seen = 0, set[str]()
        waiting = [pointer for pointer in pointers if BESIDE not in pointer]
        while waiting:
            pointer = waiting.pop()
            if pointer not in seen:
                seen.add(pointer)
                own_length, targets = self._read(spec, pointer)
                length += own_length
                waiting += targets
        return length

    def _read(self, spec: Spec, pointer: str) -> tuple[int, list[str]]:
        """Return the length of a schema, and the pointers of what it refers to."""
        if (spec, pointer) not in self._written:
            value = value_at(spec.document.data, pointer)
            targets: list[str] = []
            for reference in sorted(self._sides.equality.references(value, value) or ()):
                with suppress(DocumentError):
                    # What looks like a reference in an extension may name nothing.
                    targets.append(spec.target(Part({"$ref": reference}, pointer)).pointer)
            self._written[spec, pointer] = len(repr(value)), targets
        return self._written[spec, pointer]
