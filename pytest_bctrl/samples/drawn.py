"""Choices of samples that Hypothesis draws, instead of `RoundRobin`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from random import Random
from typing import Any

from hypothesis import strategies as st

from pytest_bctrl.samples.text import FORMATS, LIMITING, RoundRobin, multiples, string


def drawn(draw: st.DrawFn, letters: str | None = None) -> RoundRobin:
    """Return choices drawn by Hypothesis, which shrinks towards the first alternative.

    Strings consist of `letters`, or of any characters.
    """
    return _Drawn(draw, letters)


class _Drawn(RoundRobin):
    def __init__(self, draw: st.DrawFn, letters: str | None) -> None:
        super().__init__()
        self._draw = draw
        self._letters = letters

    def choose(self, location: str, alternatives: int, *, counts: bool = True) -> int:
        """Return the drawn index of an alternative."""
        return self._draw(st.integers(0, alternatives - 1))

    def takes_optional(self, location: str) -> bool:
        """Return whether an optional member is included, as drawn."""
        return self._draw(st.booleans())

    def length(self, location: str, shortest: int, longest: int) -> int:
        """Return a drawn length within the limits."""
        return self._draw(st.integers(shortest, max(shortest, longest)))

    def random(self, location: str) -> Random:
        """Return a drawn source of randomness."""
        return self._draw(st.randoms(use_true_random=False))

    def string(self, schema: Mapping[str, Any], location: str, minutes: int) -> str:
        """Return a drawn string that the schema allows."""
        return self._draw(text(schema, self._letters))

    def number(self, schema: Mapping[str, Any], kind: str, location: str) -> int | float:
        """Return a drawn number that the schema allows."""
        number: int | float = self._draw(_number_strategy(schema, kind))
        return number

    def any_value(self, location: str) -> Any:
        """Return drawn JSON data."""
        return self._draw(_JSON)


def text(schema: Mapping[str, Any], letters: str | None = None) -> st.SearchStrategy[str]:
    """Return a Hypothesis strategy for the strings that a schema without alternatives allows."""
    kind = str(schema.get("format", ""))
    if kind in _OF_FORMAT and LIMITING.isdisjoint(schema):
        return _OF_FORMAT[kind]
    if kind in FORMATS or "pattern" in schema:
        if "pattern" in schema:
            # Otherwise only the few examples would be drawn.
            schema = {key: value for key, value in schema.items() if key != "examples"}
        return st.integers(0, 10**6).map(lambda seed: string(schema, "text", Random(seed), seed))  # noqa: S311
    shortest, longest = int(schema.get("minLength", 0)), schema.get("maxLength")
    return st.text(letters or st.characters(codec="utf-8"), min_size=shortest, max_size=longest)


_OF_FORMAT: Mapping[str, st.SearchStrategy[str]] = {
    "uuid": st.uuids(version=4).map(str),
    "date": st.dates().map(str),
    "date-time": st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)).map(
        datetime.isoformat
    ),
}


def _number_strategy(schema: Mapping[str, Any], kind: str) -> st.SearchStrategy[Any]:
    """Return a Hypothesis strategy for the numbers that a schema allows."""
    if kind == "integer" or "multipleOf" in schema:
        step, first, last = multiples(schema, kind, "")
        number_type = int if kind == "integer" else float
        return st.integers(first, last).map(lambda number: number_type(number * step))
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    return st.floats(
        schema.get("minimum") if above is None else above,
        schema.get("maximum") if below is None else below,
        exclude_min=above is not None,
        exclude_max=below is not None,
        allow_nan=False,
        allow_infinity=False,
    )


_JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
