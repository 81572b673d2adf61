"""Rows of choices, one per axis, in which each pair of choices occurs at least once."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, product

Row = dict[str, str]


def cover_pairs(axes: Mapping[str, Sequence[str]]) -> list[Row]:
    """Return rows with one choice for each axis, such that every pair of choices of two axes is in at least one row.

    The rows are the same for the same axes. Each new row begins with a pair that no row has yet, and takes for each
    other axis the choice that brings the most new pairs.
    """
    missing = dict.fromkeys(_pairs(axes))
    rows = []
    while missing:
        row = dict(next(iter(missing)))
        for axis, choices in axes.items():
            if axis not in row:
                row[axis] = max(choices, key=lambda choice: _count_new_pairs(row, (axis, choice), missing))
        row = {axis: row[axis] for axis in axes}
        for pair in combinations(row.items(), 2):
            missing.pop(pair, None)
        rows.append(row)
    return rows


def all_rows(axes: Mapping[str, Sequence[str]]) -> list[Row]:
    """Return every row that can be built from the choices."""
    return [dict(zip(axes, choices, strict=True)) for choices in product(*axes.values())]


_Choice = tuple[str, str]
_Pair = tuple[_Choice, _Choice]


def _pairs(axes: Mapping[str, Sequence[str]]) -> Iterator[_Pair]:
    """Yield each pair of choices of two axes."""
    for (first, first_choices), (second, second_choices) in combinations(axes.items(), 2):
        for first_choice, second_choice in product(first_choices, second_choices):
            yield (first, first_choice), (second, second_choice)


def _count_new_pairs(row: Row, candidate: _Choice, missing: Mapping[_Pair, None]) -> int:
    """Return how many missing pairs a choice forms with the choices of a row."""
    pairs = [(choice, candidate) for choice in row.items()]
    return sum(pair in missing or pair[::-1] in missing for pair in pairs)
