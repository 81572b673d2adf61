"""`cover_pairs` covers each pair of choices, in far fewer rows than there are combinations."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from tests.redaction.pairs import all_rows, cover_pairs

AXES = st.dictionaries(
    st.sampled_from("abcde"), st.lists(st.sampled_from("123456"), min_size=1, max_size=4, unique=True), min_size=1
)


@given(AXES)
def test_every_pair_of_choices_is_in_some_row(axes: dict[str, list[str]]) -> None:
    """`cover_pairs` of any axes has the pairs of all rows, and each row has all axes in order."""

    def pairs(rows: list[dict[str, str]]) -> set[object]:
        return {frozenset(pair) for row in rows for pair in combinations(row.items(), 2)}

    rows = cover_pairs(axes)

    assert pairs(all_rows(axes)) == pairs(rows)
    assert all(list(row) == list(axes) for row in rows)


def test_covering_all_pairs_needs_few_rows() -> None:
    """At most 36 rows instead of 768."""
    axes = {"a": "12345678", "b": "1234", "c": "1234", "d": "12", "e": "123"}

    assert 768 == len(all_rows(axes))
    assert len(cover_pairs(axes)) <= 36
