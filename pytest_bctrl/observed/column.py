"""All values of one body at one generalised place, and where exactly each of them stands."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any, NamedTuple, TypeVar

Path = tuple[str | int, ...]
Key = TypeVar("Key", bound=Hashable)


class Column(NamedTuple):
    """The values, and a function from a value's index to its path; paths are only found for samples."""

    values: Sequence[Any]
    where: Callable[[int], Path]

    def chosen(self, indices: Sequence[int]) -> Column:
        """The values at some of the indices."""
        return Column([self.values[index] for index in indices], lambda index: self.where(indices[index]))

    def grouped(self, keys: Sequence[Key]) -> dict[Key, Column]:
        """The values by a key of each, in the order in which the keys are first met."""
        groups: dict[Key, list[int]] = {}
        for index, key in enumerate(keys):
            groups.setdefault(key, []).append(index)
        if len(groups) == 1:
            return {keys[0]: self}
        return {key: self.chosen(indices) for key, indices in groups.items()}

    def member(self, name: str, everywhere: bool, values: Sequence[Any] | None = None) -> Column:
        """A member of each object, or of each that has it; `values` are its values, where they were taken out."""
        if everywhere:
            found = list(map(itemgetter(name), self.values)) if values is None else values
            return Column(found, lambda index: (*self.where(index), name))

        def where(index: int) -> Path:
            holders = (at for at, value in enumerate(self.values) if name in value)
            return (*self.where(next(at for count, at in enumerate(holders) if count == index)), name)

        found = [value[name] for value in self.values if name in value] if values is None else values
        return Column(found, where)

    def items(self, start: int = 0) -> Column:
        """The items of all lists, from an index on."""

        def where(index: int) -> Path:
            for at, value in enumerate(self.values):
                if index < len(value) - start:
                    return (*self.where(at), index + start)
                index -= max(0, len(value) - start)
            raise IndexError(index)  # pragma: no cover - an index is always that of an item

        lists = [value[start:] for value in self.values] if start else self.values
        return Column(list(chain.from_iterable(lists)), where)

    def position(self, index: int) -> Column:
        """The item at one index of each list that is so long."""
        long = [at for at, value in enumerate(self.values) if len(value) > index]
        return Column([self.values[at][index] for at in long], lambda number: (*self.where(long[number]), index))


def whole(data: Any) -> Column:
    """A body as the column of itself."""
    return Column([data], lambda index: ())
