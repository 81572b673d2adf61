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
from pytest_bctrl.drift.patterns import Joined, SearchAutomaton, UndecidedError, limits_of_text, sort_texts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from jsonschema_rs import Validator

    from pytest_bctrl.drift.patterns import Ranges

_DECIMAL = r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?$"
_WHOLE = r"^-?(0|[1-9][0-9]*)(\.0+)?$"
_WRITTEN = r"^(0|-?[1-9][0-9]*|-?(0|[1-9][0-9]*)\.[0-9]*[1-9])$"
"""Patterns of the texts that are read as numbers, of those that are read as integers, and of those that are sent."""
_DIGITS = "0123456789"
_IS_NUMBER = re.compile(_DECIMAL.replace("$", r"\Z"), re.ASCII)
_MOST_READINGS = 4096
_MOST_REPEATED = 12
"""Maximum number of texts that stand for texts which a schema of unique items allows alike."""
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
    patterns, listed, bounds, steps, counts = dict[str, Any](), {"true", "false"}, set[Decimal](), set[Decimal](), [0]
    for words in keywords:
        if "format" in words:
            raise UndecidedError
        patterns |= limits_of_text(words)
        scalars = [*_scalars_in([*words.get("enum", ()), words.get("const")])]
        listed |= {value for value in scalars if isinstance(value, str)}
        scalars += [words[word] for word in _BOUNDS if word in words]
        bounds |= {_decimal(value) for value in scalars if _is_number(value)}
        steps |= {_decimal(words[word]) for word in ("multipleOf",) if word in words}
        counts += [words[word] for word in _COUNTS if word in words]
        counts += [len(words.get("prefixItems", ()))]
    count = 1
    if any("uniqueItems" in words for words in keywords):
        # As many items as any limit demands or allows, and more, may have texts that the schemas allow alike.
        count = int(max(counts)) + 2
    if count > _MOST_REPEATED:
        raise UndecidedError
    orders, multiples = map(_Order, sorted(bounds)), map(_Multiples, sorted(steps))
    numbers = Joined(_DECIMAL, *map(SearchAutomaton, (_WRITTEN, _WHOLE)), *orders, *multiples)
    language = Joined(ONE_LINE, numbers, _ListedTexts(listed), *map(SearchAutomaton, patterns))
    values: list[Any] = [True, False]
    for (number, *_), texts in sort_texts(language, count):
        values += texts
        if number and number[0]:
            values += map(json.loads, texts)
    return values


_BOUNDS = [word for word, (_, kind) in BOUNDS.items() if kind == "number"]
_COUNTS = ("minItems", "maxItems", "minContains", "maxContains")


def _scalars_in(value: Any) -> Iterator[Any]:
    """Yield the scalars in a value."""
    if isinstance(value, list | dict):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _scalars_in(inner)
    else:
        yield value


def _is_number(value: Any) -> bool:
    """Return whether a value is a number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _decimal(number: float) -> Decimal:
    """Return a number as it is written."""
    return Decimal(str(number))


def _digits(number: Decimal) -> tuple[str, str]:
    """Return the digits of a number before and after the point."""
    whole, _, fraction = f"{abs(number):f}".partition(".")
    return whole, fraction.rstrip("0")


class _ListedTexts:
    """Tells the texts of a list from one another, and from other texts; a state is the text so far, or None."""

    start = ""

    def __init__(self, texts: Iterable[str]) -> None:
        self._texts = frozenset(texts)
        self._following = {text[:end]: dict[int, None]() for text in texts for end in range(len(text) + 1)}
        for beginning in self._following.keys() - {""}:
            self._following[beginning[:-1]][ord(beginning[-1])] = None

    def after(self, state: str | None, character: int) -> str | None:
        """Return the text with a character; None if no text in the list begins with it."""
        if state is None or character not in self._following[state]:
            return None
        return f"{state}{chr(character)}"

    def label(self, state: str | None) -> str | None:
        """Return the text if it is in the list."""
        return state if state in self._texts else None

    def ranges(self, state: str | None) -> Iterator[Ranges]:
        """Yield the characters that texts in the list continue with."""
        if state is not None:
            for character in self._following[state]:
                yield ((character, character),)


class _Digits(NamedTuple):
    """What was read of the text of a number.

    `digits`: how many digits there were, before the point or after it, at most one more than the bound has there.
    `order`: whether the digits are those of a smaller number than the bound, -1, or of a larger one, 1; both unsigned.
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
        self._digits = _digits(bound)

    def after(self, state: _Digits | None, character: int) -> _Digits | None:
        """Return what was read with a character; None if it is not the text of a number."""
        if state is None:
            return None
        if chr(character) == "-":
            return state._replace(is_negative=True)
        if chr(character) == "." and not state.is_fraction:
            return _Digits(state.is_negative, is_fraction=True, order=self._order_of_whole(state))
        if chr(character) not in _DIGITS:
            return None
        digits = self._digits[state.is_fraction]
        order = state.order or _sign(character - self._next_digit(state))
        return state._replace(digits=min(state.digits + 1, len(digits) + 1), order=order)

    def label(self, state: _Digits | None) -> int | None:
        """Return the order of a number to the bound."""
        if state is None:
            return None
        _, fraction = self._digits
        order = state.order if state.is_fraction else self._order_of_whole(state)
        if not order and fraction and not (state.is_fraction and state.digits >= len(fraction)):
            order = -1
        if state.is_negative:
            return -1 if self._bound > 0 else -order
        return 1 if self._bound < 0 else order

    def ranges(self, state: _Digits | None) -> Iterator[Ranges]:
        """Yield the next digit of the bound."""
        if state is not None:
            digit = self._next_digit(state)
            yield ((digit, digit),)

    def _next_digit(self, state: _Digits) -> int:
        """Return the next digit of the bound as a character."""
        digits = self._digits[state.is_fraction]
        return ord(digits[state.digits]) if state.digits < len(digits) else ord("0")

    def _order_of_whole(self, state: _Digits) -> int:
        """Return the order of the digits before the point, which is decided by how many there are first."""
        return _sign(state.digits - len(self._digits[0])) or state.order


class _Multiples:
    """Tells texts of the multiples of a number from those of other numbers.

    A state is the remainder, as a whole number, and how many digits there were after the point, None before it.
    """

    start = (0, None)

    def __init__(self, step: Decimal) -> None:
        self._places = len(_digits(step)[1])
        self._step = int(step.scaleb(self._places))

    def after(self, state: _Remainder | None, character: int) -> _Remainder | None:
        """Return the remainder with a character; None if the text is that of no multiple."""
        if state is None or chr(character) == "-":
            return state
        remainder, places = state
        if chr(character) == "." and places is None:
            return remainder, 0
        if chr(character) not in _DIGITS or (places == self._places and chr(character) != "0"):
            return None
        if places is None:
            return (remainder * 10 + int(chr(character))) % self._step, None
        if places == self._places:
            return state
        return (remainder * 10 + int(chr(character))) % self._step, places + 1

    def label(self, state: _Remainder | None) -> bool:
        """Return whether the text is that of a multiple."""
        return state is not None and not state[0] * 10 ** (self._places - (state[1] or 0)) % self._step

    def ranges(self, state: _Remainder | None) -> Iterator[Ranges]:
        """Yield each digit."""
        if state is not None:
            for digit in map(ord, _DIGITS):
                yield ((digit, digit),)


_Remainder = tuple[int, int | None]


def _sign(number: int) -> int:
    """Return -1, 0 or 1 for a negative number, zero, and a positive number."""
    return (number > 0) - (number < 0)
