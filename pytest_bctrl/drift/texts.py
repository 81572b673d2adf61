"""The values that parameters are sent and read as: a parameter is text, which has no type and is never null."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from functools import cache
from itertools import islice, product
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_bctrl.contract.keywords import APPLICATORS, subschemas
from pytest_bctrl.drift.constraints import BOUNDS
from pytest_bctrl.drift.pattern_automaton import Matches, UndecidedError
from pytest_bctrl.drift.patterns import Joined, limits_of_text, shortest_texts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from jsonschema_rs import Validator

    from pytest_bctrl.drift.pattern_automaton import Ranges

_DECIMAL = r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?$"
_INTEGRAL = r"^-?(0|[1-9][0-9]*)(\.0+)?$"
_WRITTEN = r"^(0|-?[1-9][0-9]*|-?(0|[1-9][0-9]*)\.[0-9]*[1-9])$"
"""Patterns of the texts that are read as numbers, of those that are read as integers, and of those that are sent."""
_IS_NUMBER = re.compile(_DECIMAL.replace("$", r"\Z"), re.ASCII)
_MOST_READINGS = 4096
_MOST_ALIKE = 12
"""Maximum number of texts that stand for all those which schemas of unique items allow alike."""
SUBSCHEMAS = APPLICATORS | {"$defs"}
ONE_LINE = "^.*$"
"""The pattern of the texts that are sent: `.` is meant to be any character, and a header cannot contain two lines."""


def readings(value: Any) -> Iterable[Any]:
    """Return the values that may be read from the texts which a value is sent as, the value itself first."""
    if isinstance(value, list):
        return _readings_of_items(value)
    if isinstance(value, dict):
        each = islice(product(*map(readings, value.values())), _MOST_READINGS)
        return (dict(zip(value, members, strict=True)) for members in each)
    if not isinstance(value, str):
        texts = [json.dumps(value)]
        if isinstance(value, float) and value.is_integer():
            # Not every client writes the fraction.
            texts.append(json.dumps(int(value)))
        return [value, *texts]
    if value in ("true", "false") or _IS_NUMBER.fullmatch(value):
        return [value, json.loads(value)]
    return [value]


def _readings_of_items(items: list[Any]) -> Iterator[list[Any]]:
    """Yield up to `_MOST_READINGS` lists of what items may be read as; equal items are read alike."""
    keys = list(map(repr, items))
    distinct = {key: readings(item) for key, item in zip(keys, items, strict=True)}
    for combination in islice(product(*distinct.values()), _MOST_READINGS):
        chosen = dict(zip(distinct, combination, strict=True))
        yield [chosen[key] for key in keys]


def is_rejected(value: Any, validator: Validator, *, is_text: bool) -> bool:
    """Return whether a validator rejects a value, or, if it is sent as text, each value that the text may be read as.

    A value for which no texts stand is not rejected.
    """
    if is_text:
        return _is_sent()(value) and not any(map(validator.is_valid, readings(value)))
    return not validator.is_valid(value)


def sent_as_text(scalars: Any) -> dict[str, Any]:
    """Return a schema of the values for which texts stand, with those scalars that the schema `scalars` allows.

    No text stands for null, nor for an empty list or object in another one.
    """
    sent = {"anyOf": [{"type": ["array", "object"]}, scalars]}
    inside = {**sent, "minItems": 1, "items": sent, "minProperties": 1, "additionalProperties": sent}
    return {**sent, "items": inside, "additionalProperties": inside}


SCALARS = {"type": ["boolean", "number", "string"], "pattern": ONE_LINE}
"""A schema of all scalars for which texts stand."""


@cache
def _is_sent() -> Callable[[Any], bool]:
    """Return a function that returns whether texts stand for a value."""
    from jsonschema_rs import Draft202012Validator

    return Draft202012Validator(sent_as_text(SCALARS)).is_valid


def schemas_in(schema: Any) -> Iterator[dict[str, Any]]:
    """Yield a schema and each schema in it, without those that are true or false."""
    waiting = [schema]
    for inner in waiting:
        # The list grows while it is read.
        if isinstance(inner, dict):
            yield inner
            waiting += [child for _, _, child in subschemas(inner, SUBSCHEMAS)]


def representatives(*schemas: Any) -> list[Any]:
    """Return scalars that stand for all others: the schemas allow each other one exactly if they allow one of these.

    So they tell which texts the schemas allow, and texts of which values. Raises `UndecidedError` for schemas with a
    format, or with patterns that cannot be decided, and for too many texts.
    """
    keywords = [inner for schema in schemas for inner in schemas_in(schema)]
    if any("format" in words for words in keywords):
        raise UndecidedError
    patterns = {pattern for words in keywords for pattern in limits_of_text(words)}
    listed = [scalar for words in keywords for scalar in _scalars_in([*words.get("enum", ()), words.get("const")])]
    texts = {"true", "false", *(scalar for scalar in listed if isinstance(scalar, str))}
    bounds = [scalar for scalar in listed if isinstance(scalar, int | float)] + _values_of(_BOUNDS, keywords)
    orders = map(_Order, sorted({Decimal(str(+bound)) for bound in bounds}))
    multiples = map(_Multiples, sorted({Decimal(str(step)) for step in _values_of(("multipleOf",), keywords)}))
    numbers = Joined([_DECIMAL], *map(Matches, (_WRITTEN, _INTEGRAL)), *orders, *multiples)
    language = Joined([ONE_LINE], numbers, _ListedTexts(texts), *map(Matches, sorted(patterns)))
    values: list[Any] = [True, False]
    for (number, *_), text in shortest_texts(language, _most_alike(keywords)):
        values.append(text)
        if number and number[0]:
            values.append(json.loads(text))
    return values


def _most_alike(keywords: list[dict[str, Any]]) -> int:
    """Return how many texts that the schemas allow alike a list of unique items may need.

    Raises `UndecidedError` if they are too many.
    """
    if not any("uniqueItems" in words for words in keywords):
        return 1
    # Any more items of a list are as good as one more than each limit.
    counts = [*_values_of(_COUNTS, keywords), *(len(words.get("prefixItems", ())) for words in keywords)]
    count = int(max(counts)) + 2
    if count > _MOST_ALIKE:
        raise UndecidedError
    return count


def _values_of(words: Iterable[str], keywords: list[dict[str, Any]]) -> list[Any]:
    """Return the values of some keywords of schemas."""
    return [schema[word] for schema in keywords for word in words if word in schema]


_BOUNDS = [word for word, (_, kind) in BOUNDS.items() if kind == "number"]
_COUNTS = ("minItems", "maxItems", "minContains", "maxContains")


def _scalars_in(value: Any) -> Iterator[Any]:
    """Yield the scalars in a value."""
    if isinstance(value, list | dict):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _scalars_in(inner)
    else:
        yield value


class _ListedTexts:
    """Labels the texts of a list, each with itself; a state is the text so far."""

    start = ""

    def __init__(self, texts: Iterable[str]) -> None:
        self._texts = frozenset(texts)
        self._following = {text[:end]: set[int]() for text in texts for end in range(len(text) + 1)}
        for beginning in self._following.keys() - {""}:
            self._following[beginning[:-1]].add(ord(beginning[-1]))

    def after(self, state: str, character: int) -> str | None:
        """Return the text with a character; None if no text in the list begins with it."""
        return f"{state}{chr(character)}" if character in self._following[state] else None

    def label(self, state: str) -> str | None:
        """Return the text if it is in the list."""
        return state if state in self._texts else None

    def ranges(self, state: str) -> Iterator[Ranges]:
        """Yield the characters that texts in the list continue with."""
        return (((character, character),) for character in sorted(self._following[state]))


class _Digits(NamedTuple):
    """What was read of the text of a number.

    `digits`: the number of digits, of those after the point if it `is_fraction`, at most one more than the bound has.
    `order`: whether they are those of a smaller number than the bound, -1, or of a larger one, 1, without the signs.
    """

    is_negative: bool = False
    is_fraction: bool = False
    digits: int = 0
    order: int = 0


class _Order:
    """Sorts texts of numbers into those below a bound, -1, the bound itself, 0, and those above it, 1."""

    start = _Digits()

    def __init__(self, bound: Decimal) -> None:
        self._bound = bound
        self._digits = _digits_of(bound)

    def after(self, state: _Digits, character: int) -> _Digits:
        """Return what was read with a further character of a number."""
        if chr(character) == "-":
            return state._replace(is_negative=True)
        if chr(character) == ".":
            return _Digits(state.is_negative, is_fraction=True, order=self._unsigned_order(state))
        digits = min(state.digits + 1, len(self._digits[state.is_fraction]) + 1)
        return state._replace(digits=digits, order=state.order or _sign(character - self._next_digit(state)))

    def label(self, state: _Digits) -> int:
        """Return the order of a number to the bound."""
        order, digits = self._unsigned_order(state), self._digits[1]
        if digits and not (state.is_fraction and state.digits >= len(digits)):
            order = order or -1
        if state.is_negative:
            return -1 if self._bound > 0 else -order
        return 1 if self._bound < 0 else order

    def ranges(self, state: _Digits) -> list[Ranges]:
        """Return the next digit of the bound."""
        digit = self._next_digit(state)
        return [((digit, digit),)]

    def _next_digit(self, state: _Digits) -> int:
        """Return the next digit of the bound as a character."""
        return ord((self._digits[state.is_fraction][state.digits :] or "0")[0])

    def _unsigned_order(self, state: _Digits) -> int:
        """Return the order of the digits to those of the bound; before the point, more digits are a larger number."""
        if state.is_fraction:
            return state.order
        return _sign(state.digits - len(self._digits[0])) or state.order


class _Multiples:
    """Labels the texts of the multiples of a number.

    A state is the remainder, in units of the last decimal place of the number, and how many places of the text were
    read, -1 before its point.
    """

    start = (0, -1)

    def __init__(self, step: Decimal) -> None:
        self._places = len(_digits_of(step)[1])
        self._step = int(step.scaleb(self._places))

    def after(self, state: tuple[int, int], character: int) -> tuple[int, int] | None:
        """Return the state after a further character of a number; None if it is no multiple."""
        remainder, places = state
        if chr(character) == "-":
            return state
        if chr(character) == ".":
            return remainder, 0
        if places == self._places:
            return state if chr(character) == "0" else None
        return (remainder * 10 + int(chr(character))) % self._step, places + (places >= 0)

    def label(self, state: tuple[int, int]) -> bool | None:
        """Return true if the text is that of a multiple."""
        remainder, places = state
        return remainder * 10 ** (self._places - max(places, 0)) % self._step == 0 or None

    def ranges(self, _: tuple[int, int]) -> list[Ranges]:
        """Return each digit."""
        return [((digit, digit),) for digit in range(ord("0"), ord("9") + 1)]


def _digits_of(number: Decimal) -> tuple[str, str]:
    """Return the digits of a number before and after the point."""
    before, _, after = f"{abs(number):f}".partition(".")
    return before, after.rstrip("0")


def _sign(number: int) -> int:
    """Return -1, 0 or 1 for a negative number, zero, and a positive number."""
    return (number > 0) - (number < 0)
