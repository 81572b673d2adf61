"""Strings and numbers that a schema allows, readable in a failure; which alternative is next; and JSON as bytes.

A text that matches a pattern of ECMA 262 is made by walking it; what a character may be, the engine is asked.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from itertools import chain, islice
from math import ceil, floor
from random import Random
from typing import Any

from pytest_bctrl.contract.engine import conforms_to_format, matches
from pytest_bctrl.contract.schema.invariant import as_uuid, example_time
from pytest_bctrl.errors import DocumentError

_WORDS = (
    "amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heron", "iris",
    "juniper", "kestrel", "larch", "maple", "north", "opal", "prairie", "quartz", "river",
)  # fmt: skip
_TRIES = 20
LONGEST = 20_000
"""Characters of a text, and values in a sample, that are made at most."""


def string(schema: Mapping[str, Any], place: str, source: Random, number: int) -> str:
    """Return a string for `place`; `number` makes it distinct. Raises `DocumentError` where a pattern defeats it."""
    usual = FORMATS.get(schema["format"]) if "format" in schema else _words
    if usual is not None and LIMITING.isdisjoint(schema):
        return usual(place, source, number)
    said = [schema, *schema.get("allOf", ())]
    patterns = [str(part["pattern"]) for part in said if "pattern" in part]
    formats = [str(part["format"]) for part in said if "format" in part]
    usual = FORMATS.get("".join(formats[:1]), _words)
    made = usual(place, source, number)
    least, most = int(schema.get("minLength", 0)), int(schema.get("maxLength", LONGEST))
    if least > LONGEST:
        raise UnsampledError(
            f"a sample would be longer than {LONGEST:,} characters", where=place, hint="lower the schema's minLength"
        )
    if not FORMATS.keys() & formats:
        made = made.ljust(least, "x")[:most]
    further = (usual(place, source, number + more) for more in range(1, _TRIES))
    for candidate in chain(_candidates(schema, made, patterns, source), further):
        is_long_enough = least <= len(candidate) <= most
        is_in_formats = all(conforms_to_format(candidate, one) for one in formats)
        if is_long_enough and is_in_formats and all(matches(one, candidate) for one in patterns):
            return candidate
    raise UnsampledError(
        f"no sample can be made for the pattern {patterns[0]!r}"
        if patterns
        else "no sample of the format is short enough",
        where=place,
        hint="add 'examples' to the schema",
    )


LIMITING = frozenset({"allOf", "pattern", "minLength", "maxLength"})
"""Keywords that the usual text of a format may break."""


class UnsampledError(DocumentError):
    """No value was found that a schema allows; `where` is its pointer, or its place in the body."""


def _candidates(schema: Mapping[str, Any], made: str, patterns: list[str], source: Random) -> Iterator[str]:
    yield made
    yield _SHORT.get(str(schema.get("format", "")), made)
    yield from (text for text in schema.get("examples", ()) if isinstance(text, str))
    for pattern in patterns:
        # Repeated a few times, as few as may be, and then often enough for the least length.
        for more in (3, 0, *range(_TRIES), int(schema.get("minLength", 0))):
            found = matching(pattern, source, more) or ""
            yield found
            # Where it may begin with anything, what a format wants may stand there.
            yield f"{source.choice(_WORDS)}{found}"
            yield f"{found}{made}"


def number(schema: Mapping[str, Any], kind: str, place: str, source: Random) -> int | float:
    """Return a number within the schema's limits."""
    step, first, last = multiples(schema, kind, place)
    if first is None:
        first = 0 if last is None or last > 0 else last - _STEPS
    made = source.randint(first, first + _STEPS if last is None else last) * step
    return int(made) if kind == "integer" else float(made)


_STEPS = 100


def multiples(schema: Mapping[str, Any], kind: str, place: str) -> tuple[Decimal, int | None, int | None]:
    """Return a step of a schema's numbers, and which multiples of it are the least and the greatest, if any are."""
    # In decimals, as JSON writes them: in binary 41 times 0.01 is 0.41000000000000003, no multiple of 0.01.
    said = _decimal(schema.get("multipleOf", 1))
    # The integers among the multiples of a fraction in its lowest terms are those of its numerator.
    steps = [Decimal(Fraction(said).numerator) if kind == "integer" else said]
    for step in steps if kind == "integer" or "multipleOf" in schema else _FINER:
        with suppress(ArithmeticError):
            firsts = [ceil(least / step) + (side and least % step == 0) for least, side in _limits(schema, *_LEAST)]
            lasts = [floor(most / step) - (side and most % step == 0) for most, side in _limits(schema, *_MOST)]
            first, last = max(firsts, default=None), min(lasts, default=None)
            if first is None or last is None or first <= last:
                return step, first, last
    raise UnsampledError("no number fits the schema's limits", where=place, hint="widen minimum and maximum")


_FINER = [Decimal(5) / 10**digits for digits in range(1, 16)]
"""Steps of numbers that may have any fraction, until one is within their limits."""

_LEAST = (("minimum", 0), ("exclusiveMinimum", 1))
_MOST = (("maximum", 0), ("exclusiveMaximum", 1))


def _limits(schema: Mapping[str, Any], *words: tuple[str, int]) -> list[tuple[Decimal, int]]:
    return [(_decimal(schema[word]), side) for word, side in words if word in schema]


def _decimal(value: Any) -> Decimal:
    return Decimal(str(value))


def _words(place: str, source: Random, _number: int) -> str:
    return f"{_last_name(place)}-{source.choice(_WORDS)}"


@lru_cache(maxsize=256)
def _last_name(place: str) -> str:
    return next(filter(None, reversed(re.split(r"\[[*\d]+\]|<[^<>]*>|[.*'\"\[\]]", place))), "text")


FORMATS: Mapping[str, Callable[[str, Random, int], str]] = {
    "uuid": lambda _place, source, _number: as_uuid(f"{source.getrandbits(128):032x}"),
    "date-time": lambda _place, _source, number: example_time(number),
    "date": lambda _place, _source, number: example_time(number)[:10],
    "time": lambda _place, _source, number: example_time(number)[11:],
    "email": lambda _place, source, _number: f"{source.choice(_WORDS)}@example.test",
    "idn-email": lambda _place, source, _number: f"{source.choice(_WORDS)}@example.test",
    "iri": lambda _place, source, _number: f"https://example.test/{source.choice(_WORDS)}",
    "relative-json-pointer": lambda _place, source, _number: f"{source.randint(0, 9)}/{source.choice(_WORDS)}",
    "uri": lambda _place, source, _number: f"https://example.test/{source.choice(_WORDS)}",
    "uri-reference": lambda _place, source, _number: f"/{source.choice(_WORDS)}",
    "duration": lambda _place, source, _number: f"PT{source.randint(1, 59)}M",
    "json-pointer": lambda _place, source, _number: f"/{source.choice(_WORDS)}",
    "hostname": lambda _place, source, _number: f"{source.choice(_WORDS)}.example.test",
    "ipv4": lambda _place, source, _number: f"192.0.2.{source.randint(1, 254)}",
    "ipv6": lambda _place, source, _number: f"2001:db8::{source.randint(1, 9999)}",
}


_SHORT: Mapping[str, str] = {"email": "a@b.test", "uri": "urn:a:b", "hostname": "a.test", "uri-reference": "/"}
"""Where the usual is longer than it may be."""


def encode(body: Any) -> bytes:
    """Return JSON data as UTF-8; raises `ValueError` for what JSON cannot hold, such as NaN (RFC 8259, 6)."""
    return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


class RoundRobin:
    """Deals the alternatives of every place of a schema like cards: none comes twice before all came once.

    That is what makes samples cover the contract by construction: after as many visits of a place as it has
    alternatives, each was taken. The same seed deals the same way. With `optional`, every optional property is there,
    or none is.
    """

    def __init__(self, seed: int = 0, *, optional: bool | None = None) -> None:
        self._seed = seed
        self._optional = optional
        self._hands: dict[str, list[int]] = {}
        self._sources: dict[str, Random] = {}
        self._pending: dict[str, set[int]] = {}

    def deal(self, place: str, alternatives: int, *, counts: bool = True) -> int:
        """Return the index of the alternative to take at this visit of `place`.

        `counts` is false where the alternatives are of our making and not the contract's.
        """
        hand = self._hands.get(place)
        if not hand:
            hand = list(range(alternatives))
            self.random(place).shuffle(hand)
            self._hands[place] = hand
        dealt = hand.pop()
        if counts:
            # What is free at a place is dealt from the same hand, and is none of its alternatives.
            self._pending.setdefault(place, set(range(alternatives))).discard(dealt)
        return dealt

    def takes_optional(self, place: str) -> bool:
        """Return whether the optional property at `place` is there this time."""
        return self.deal(f"{place}?", 2) == 0 if self._optional is None else self._optional

    def random(self, place: str) -> Random:
        """Return the source of randomness that belongs to `place` alone."""
        source = self._sources.get(place)
        if source is None:
            source = self._sources[place] = Random(f"{self._seed}:{place}")  # noqa: S311
        return source

    def pending(self) -> bool:
        """Return whether a place that was visited has an alternative not yet taken."""
        return any(self._pending.values())

    def length(self, place: str, least: int, most: int) -> int:
        """Return how many items a list at `place` has, or how many names a free-form object has at most."""
        return max(least, min(most, 1 + self.deal(f"{place}#", 3, counts=False)))

    def string(self, schema: Mapping[str, Any], place: str, number: int) -> str:
        """Return a string that `schema` allows; `number` makes it distinct."""
        return string(schema, place, self.random(place), number)

    def number(self, schema: Mapping[str, Any], kind: str, place: str) -> int | float:
        """Return a number that `schema` allows."""
        return number(schema, kind, place, self.random(place))

    def anything(self, place: str) -> Any:
        """Return a value for a place of which the contract says nothing."""
        return copy.deepcopy(_FREE[self.deal(place, len(_FREE), counts=False)])


_FREE: tuple[Any, ...] = (
    "plain text",
    42,
    {"nested": {"list": [1, "two", None, {"three": 3.5}]}, "flag": True},
    None,
    ["a", "list", "of", "words"],
    False,
    {},
    "Grüße, 世界 🌍",
    -0.25,
    [],
)


_REPEATED = 10_000
_TOKEN = re.compile(
    r"(?P<edge>[\^$]|\\[bB]|\(\?[a-z]+\))|(?P<open>\((?:\?(?::|<?[=!]|<[^>]*>))?)|(?P<close>[|)])"
    r"|\\(?P<back>[1-9]\d*)"
    r"|(?P<set>\[(?:\\.|[^\]\\])*\]|\\[pP]\{[^}]*\}|\\u\{[^}]*\}|\\u[0-9a-fA-F]{4}|\\x[0-9a-fA-F]{2}|\\c[A-Za-z]|\\.|.)",
    re.DOTALL,
)
_TIMES = re.compile(r"(?:(?P<sign>[*+?])|\{(?P<least>\d+)(?P<open>,(?P<most>\d*))?\})\??")
_SIGNS = {"*": (0, _REPEATED), "+": (1, _REPEATED), "?": (0, 1)}


def matching(pattern: str, source: Random, more: int = 3) -> str | None:
    """Return a text that matches `pattern` from end to end, or None where none can be made.

    A repetition is made `more` times more often than it has to be, at most. What a pattern wants to see ahead is
    written there at times, and the rest of what it looks at left aside: whatever was made is tried against it.
    """
    try:
        made = "".join(_Walk(source, more).one_of(_Parser(pattern).alternatives()))
    except (LookupError, RecursionError):
        return None
    return made if matches(pattern, made) else None


@dataclass
class _Part:
    """A piece of a pattern and how often it is repeated: a group, a group's text again, or a character of a set."""

    kind: str
    value: Any = None
    key: str = ""
    least: int = 1
    most: int = 1


@dataclass
class _Parser:
    pattern: str
    at: int = 0
    groups: int = 0

    def alternatives(self) -> list[list[_Part]]:
        """Read up to the end of a group, or of the pattern."""
        found: list[list[_Part]] = [[]]
        while token := _TOKEN.match(self.pattern, self.at):
            self.at = token.end()
            if token["close"] == ")":
                break
            if token["close"]:
                found.append([])
            elif not token["edge"]:
                found[-1].append(self._repeated(self._part(token)))
        return found

    def _part(self, token: re.Match[str]) -> _Part:
        if token["open"] in ("(?=", "(?!", "(?<=", "(?<!"):
            return _Part("ahead" if token["open"] == "(?=" else "aside", self.alternatives())
        if token["open"]:
            self.groups += token["open"] != "(?:"
            key = "" if token["open"] == "(?:" else str(self.groups)
            return _Part("group", self.alternatives(), key)
        return _Part("back", key=token["back"]) if token["back"] else _Part("set", token["set"])

    def _repeated(self, part: _Part) -> _Part:
        times = _TIMES.match(self.pattern, self.at)
        if times is not None:
            self.at = times.end()
            if times["sign"]:
                part.least, part.most = _SIGNS[times["sign"]]
            else:
                part.least = int(times["least"])
                part.most = int(times["most"] or _REPEATED) if times["open"] else part.least
        return part


@dataclass
class _Walk:
    source: Random
    more: int
    known: dict[str, str] = field(default_factory=dict)
    left: int = _REPEATED

    def one_of(self, alternatives: list[list[_Part]]) -> Iterator[str]:
        for part in self.source.choice(alternatives):
            for _ in range(self.source.randint(part.least, max(part.least, min(part.most, part.least + self.more)))):
                yield from self._made(part)

    def _made(self, part: _Part) -> Iterator[str]:
        self.left -= 1
        if self.left < 0:
            raise LookupError("the pattern asks for a text that is too long")
        if part.kind == "set":
            yield self.source.choice(_characters(part.value))
        elif part.kind == "back":
            yield self.known.get(part.key, "")
        elif part.kind == "group" and part.key:
            self.known[part.key] = "".join(self.one_of(part.value))
            yield self.known[part.key]
        elif part.kind == "group" or (part.kind == "ahead" and self.source.random() < 0.5):
            yield from self.one_of(part.value)


@lru_cache(maxsize=256)
def _characters(one: str) -> list[str]:
    """Characters that a piece of a pattern takes: the most readable ones that it does."""
    if len(one) == 1 and one != ".":
        return [one]
    common = [letter for letter in map(chr, range(0x20, 0x7F)) if matches(f"^{one}$", letter)]
    rare = (letter for letter in map(chr, chain(range(0x20), range(0x7F, 0xD800), range(0x10000, 0x1F000, 7))))
    return (
        [letter for letter in common if letter.isalnum()]
        or common
        or list(islice((letter for letter in rare if matches(f"^{one}$", letter)), 16))
    )
