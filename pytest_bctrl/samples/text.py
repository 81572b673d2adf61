"""Strings and numbers that a schema allows, and the order in which a schema's alternatives are used; JSON as bytes.

A text that matches a pattern (ECMA 262) is generated from the parts of the pattern. The engine determines which
characters match a part.
"""

from __future__ import annotations

import copy
import json
import re
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from itertools import chain, islice
from math import ceil, floor
from random import Random
from typing import Any, TypeAlias

from pytest_bctrl.contract.engine import conforms_to_format, matches
from pytest_bctrl.contract.schema.invariant import as_uuid, example_time
from pytest_bctrl.errors import DocumentError

_WORDS = (
    "amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heron", "iris",
    "juniper", "kestrel", "larch", "maple", "north", "opal", "prairie", "quartz", "river",
)  # fmt: skip
_TRIES = 20
_VARIANTS = 400
"""Maximum number of further texts of a format, of which a pattern may allow only a few."""
LONGEST = 20_000
"""Maximum number of characters of a generated text, and of members of a generated object."""


def string(schema: Mapping[str, Any], location: str, source: Random, minutes: int) -> str:
    """Return a random string that a schema allows, or the time of a minute. Raises `UnsampledError` if none is found.

    Times are those `minutes` after the first example; other strings do not depend on it.
    """
    format_text: FormatText | None = _words
    if "format" in schema:
        format_text = FORMATS.get(schema["format"])
    if format_text is not None and LIMITING.isdisjoint(schema):
        return format_text(location, source, minutes)
    parts = [schema, *schema.get("allOf", ())]
    patterns = [str(part["pattern"]) for part in parts if "pattern" in part]
    formats = [str(part["format"]) for part in parts if "format" in part]
    shortest, longest = int(schema.get("minLength", 0)), int(schema.get("maxLength", LONGEST))
    format_text = FORMATS.get("".join(formats[:1]), _words)
    text = format_text(location, source, minutes)
    if shortest > LONGEST:
        raise UnsampledError(
            f"a sample would be longer than {LONGEST:,} characters",
            where=location,
            hint="lower the schema's minLength",
        )
    if not FORMATS.keys() & formats:
        text = text.ljust(shortest, "x")[:longest]
    variants = (format_text(location, source, minutes + offset) for offset in range(1, _VARIANTS))
    for candidate in chain(_string_candidates(schema, text, patterns, source), variants):
        is_right_length = shortest <= len(candidate) <= longest
        is_in_formats = all(conforms_to_format(candidate, name) for name in formats)
        if is_right_length and is_in_formats and all(matches(pattern, candidate) for pattern in patterns):
            return candidate
    problem = "no sample of the format is short enough"
    if patterns:
        problem = f"no sample can be generated for the pattern {patterns[0]!r}"
    raise UnsampledError(problem, where=location, hint="add 'examples' to the schema")


LIMITING = frozenset({"allOf", "pattern", "minLength", "maxLength"})
"""Keywords that the text generated for a format may break."""


class UnsampledError(DocumentError):
    """No value was found that a schema allows; `where` is the schema's JSON pointer, or a location in the body."""


def _string_candidates(schema: Mapping[str, Any], text: str, patterns: list[str], source: Random) -> Iterator[str]:
    """Yield texts that a schema may allow: the plain one, examples, and texts that match the patterns."""
    yield text
    yield from _SHORT.get(str(schema.get("format", "")), ())
    yield from (example for example in schema.get("examples", ()) if isinstance(example, str))
    for pattern in patterns:
        # A few repetitions, none, more and more, and at last enough for the minimum length.
        for extra in (3, 0, *range(_TRIES), int(schema.get("minLength", 0))):
            match = text_matching(pattern, source, extra) or ""
            yield match
            # A pattern without `^` allows any text in front of the match, one without `$` any text after it.
            yield f"{source.choice(_WORDS)}{match}"
            yield f"{match}{text}"


def number(schema: Mapping[str, Any], kind: str, location: str, source: Random) -> int | float:
    """Return a random number within a schema's limits; raises `UnsampledError` if there is none."""
    step, first, last = multiples(schema, kind, location)
    if first is None:
        first = 0
        if last is not None and last <= 0:
            first = last - _STEPS
    if last is None:
        last = first + _STEPS
    value = source.randint(first, last) * step
    if kind == "integer":
        return int(value)
    return float(value)


_STEPS = 100


def multiples(schema: Mapping[str, Any], kind: str, location: str) -> tuple[Decimal, int | None, int | None]:
    """Return a step, and the lowest and highest integer by which it can be multiplied; None on a side without a limit.

    Raises `UnsampledError` if no number is within the limits.
    """
    # In decimals, as JSON writes them: in binary 41 times 0.01 is 0.41000000000000003, no multiple of 0.01.
    multiple = _decimal(schema.get("multipleOf", 1))
    if kind == "integer":
        # The integers among the multiples of a fraction in its lowest terms are those of its numerator.
        steps = [Decimal(multiple.as_integer_ratio()[0])]
    elif "multipleOf" in schema:
        steps = [multiple]
    else:
        steps = _FINER
    for step in steps:
        with suppress(ArithmeticError):
            firsts = [
                ceil(limit / step) + (is_exclusive and limit % step == 0)
                for limit, is_exclusive in _limits(schema, "minimum", "exclusiveMinimum")
            ]
            lasts = [
                floor(limit / step) - (is_exclusive and limit % step == 0)
                for limit, is_exclusive in _limits(schema, "maximum", "exclusiveMaximum")
            ]
            first, last = max(firsts, default=None), min(lasts, default=None)
            if first is None or last is None or first <= last:
                return step, first, last
    raise UnsampledError("no number fits the schema's limits", where=location, hint="widen minimum and maximum")


_FINER = [Decimal(5) / 10**digits for digits in range(1, 16)]
"""Steps for numbers without `multipleOf`, each tried until a multiple is within the limits."""


def _limits(schema: Mapping[str, Any], inclusive: str, exclusive: str) -> list[tuple[Decimal, bool]]:
    """Return the limits of a schema, and whether each is exclusive."""
    return [
        (_decimal(schema[keyword]), keyword == exclusive) for keyword in (inclusive, exclusive) if keyword in schema
    ]


def _decimal(value: Any) -> Decimal:
    """Return a number as an exact decimal."""
    return Decimal(str(value))


def _words(location: str, source: Random, _number: int) -> str:
    """Return a readable text for a location: the name of its property, and a random word."""
    return f"{_last_name(location)}-{source.choice(_WORDS)}"


@lru_cache(maxsize=256)
def _last_name(location: str) -> str:
    """Return the last member name in a location, or `text` if it has none."""
    names = re.split(r"\[[*\d]+\]|<[^<>]*>|[.*'\"\[\]]", location)
    return next(filter(None, reversed(names)), "text")


FormatText: TypeAlias = Callable[[str, Random, int], str]
"""Returns a text of a format, given the location, the source of randomness, and the minutes of a time."""

FORMATS: Mapping[str, FormatText] = {
    "byte": lambda _location, source, _minutes: b64encode(source.choice(_WORDS).encode()).decode("ascii"),
    "uuid": lambda _location, source, _minutes: as_uuid(f"{source.getrandbits(128):032x}"),
    "date-time": lambda _location, _source, minutes: example_time(minutes),
    "date": lambda _location, _source, minutes: example_time(minutes)[:10],
    "time": lambda _location, _source, minutes: example_time(minutes)[11:],
    "email": lambda _location, source, _minutes: f"{source.choice(_WORDS)}@example.com",
    "idn-email": lambda _location, source, _minutes: f"{source.choice(_WORDS)}@example.com",
    "iri": lambda _location, source, _minutes: f"https://example.com/{source.choice(_WORDS)}",
    "relative-json-pointer": lambda _location, source, _minutes: f"{source.randint(0, 9)}/{source.choice(_WORDS)}",
    "uri": lambda _location, source, _minutes: f"https://example.com/{source.choice(_WORDS)}",
    "uri-reference": lambda _location, source, _minutes: f"/{source.choice(_WORDS)}",
    "duration": lambda _location, source, _minutes: f"PT{source.randint(1, 59)}M",
    "json-pointer": lambda _location, source, _minutes: f"/{source.choice(_WORDS)}",
    "hostname": lambda _location, source, _minutes: f"{source.choice(_WORDS)}.example.com",
    "ipv4": lambda _location, source, _minutes: f"192.0.2.{source.randint(1, 254)}",
    "ipv6": lambda _location, source, _minutes: f"2001:db8::{source.randint(1, 9999)}",
}


_SHORT: Mapping[str, tuple[str, ...]] = {
    "email": ("a@example.com", "a@b.test"),
    "hostname": ("example.com", "a.test"),
    "uri": ("urn:a:b",),
    "uri-reference": ("/",),
}
"""Short texts by format, for a schema with a small maximum length."""


def encode(body: Any) -> bytes:
    """Return JSON data as UTF-8; raises `ValueError` for NaN and infinity, which JSON does not have (RFC 8259, 6)."""
    try:
        return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        # JSON can represent a lone surrogate by an escape, and UTF-8 cannot.
        return json.dumps(body, allow_nan=False, separators=(",", ":")).encode()


class RoundRobin:
    """Chooses alternatives in turn: each one at a location is used once before any is used again.

    So samples cover the contract by construction: after as many visits of a location as it has alternatives, each was
    used. The order depends on the seed alone. With `optional`, an object has all its optional members, or none.
    """

    def __init__(self, seed: int = 0, *, optional: bool | None = None) -> None:
        self._seed = seed
        self._optional = optional
        self._unused: dict[str, list[int]] = {}
        self._sources: dict[str, Random] = {}
        self._pending: dict[str, set[int]] = {}

    def choose(self, location: str, alternatives: int, *, counts: bool = True) -> int:
        """Return the index of the alternative to use at this visit; `counts` is whether each has to be used at all.

        `counts` is false if the alternatives are not those of the contract, and need no coverage.
        """
        unused = self._unused.get(location)
        if not unused:
            unused = list(range(alternatives))
            self.random(location).shuffle(unused)
            self._unused[location] = unused
        index = unused.pop()
        if counts:
            # Kept apart from `_unused`, which also holds choices that do not count.
            self._pending.setdefault(location, set(range(alternatives))).discard(index)
        return index

    def takes_optional(self, location: str) -> bool:
        """Return whether an object gets its optional member at this visit of `location`."""
        if self._optional is not None:
            return self._optional
        return self.choose(f"{location}?", 2) == 0

    def random(self, location: str) -> Random:
        """Return the random source of a location, seeded by it, so that other locations do not change its values."""
        source = self._sources.get(location)
        if source is None:
            # A name may contain a lone surrogate.
            seed = f"{self._seed}:{location}".encode("utf-8", "surrogatepass")
            source = self._sources[location] = Random(seed)  # noqa: S311
        return source

    def has_pending(self) -> bool:
        """Return whether a visited location has an alternative that was not used yet."""
        return any(self._pending.values())

    def length(self, location: str, shortest: int, longest: int) -> int:
        """Return a number of items for the list at `location`: 1, 2 or 3 in turn, or the nearest within the limits."""
        return max(shortest, min(longest, 1 + self.choose(f"{location}#", 3, counts=False)))

    def string(self, schema: Mapping[str, Any], location: str, minutes: int) -> str:
        """Return a random string that `schema` allows, or a time, `minutes` after the first example."""
        return string(schema, location, self.random(location), minutes)

    def number(self, schema: Mapping[str, Any], kind: str, location: str) -> int | float:
        """Return a number that `schema` allows."""
        return number(schema, kind, location, self.random(location))

    def any_value(self, location: str) -> Any:
        """Return one of a few JSON values for a location without a constraint."""
        return copy.deepcopy(_FREE[self.choose(location, len(_FREE), counts=False)])


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
_TIMES = re.compile(r"(?:(?P<sign>[*+?])|\{(?P<minimum>\d+)(?P<open>,(?P<maximum>\d*))?\})\??")
_SIGNS = {"*": (0, _REPEATED), "+": (1, _REPEATED), "?": (0, 1)}


def text_matching(pattern: str, source: Random, extra: int = 3) -> str | None:
    """Return a text that matches `pattern` from end to end, or None if none can be generated.

    A part is repeated at most `extra` times more than required. The text of a lookahead is written in its position at
    times, and other lookarounds are ignored, so the text is matched against the pattern at the end.
    """
    try:
        text = "".join(_PatternWriter(source, extra).text_of_one(_PatternParser(pattern).alternatives()))
    except (LookupError, RecursionError):
        return None
    if not matches(pattern, text):
        return None
    return text


@dataclass
class _PatternPart:
    """A part of a pattern with its repetitions: a group, a back reference, a lookaround, or a set of characters."""

    kind: str
    value: Any = None
    group: str = ""
    minimum: int = 1
    maximum: int = 1


@dataclass
class _PatternParser:
    pattern: str
    position: int = 0
    groups: int = 0

    def alternatives(self) -> list[list[_PatternPart]]:
        """Return the alternatives of the pattern up to the end of a group, each as a list of parts."""
        alternatives: list[list[_PatternPart]] = [[]]
        while token := _TOKEN.match(self.pattern, self.position):
            self.position = token.end()
            if token["close"] == ")":
                break
            if token["close"]:
                alternatives.append([])
            elif not token["edge"]:
                alternatives[-1].append(self._with_repetition(self._read_part(token)))
        return alternatives

    def _read_part(self, token: re.Match[str]) -> _PatternPart:
        """Return the part that begins with a token."""
        if token["open"] == "(?=":
            return _PatternPart("ahead", self.alternatives())
        if token["open"] in ("(?!", "(?<=", "(?<!"):
            return _PatternPart("aside", self.alternatives())
        if token["open"] == "(?:":
            return _PatternPart("group", self.alternatives())
        if token["open"]:
            self.groups += 1
            group = str(self.groups)
            return _PatternPart("group", self.alternatives(), group)
        if token["back"]:
            return _PatternPart("back", group=token["back"])
        return _PatternPart("set", token["set"])

    def _with_repetition(self, part: _PatternPart) -> _PatternPart:
        """Return a part with the number of repetitions that follows it in the pattern."""
        times = _TIMES.match(self.pattern, self.position)
        if times is None:
            return part
        self.position = times.end()
        if times["sign"]:
            part.minimum, part.maximum = _SIGNS[times["sign"]]
            return part
        part.minimum = part.maximum = int(times["minimum"])
        if times["open"]:
            part.maximum = int(times["maximum"] or _REPEATED)
        return part


@dataclass
class _PatternWriter:
    source: Random
    extra: int
    groups: dict[str, str] = field(default_factory=dict)
    remaining: int = _REPEATED

    def text_of_one(self, alternatives: list[list[_PatternPart]]) -> Iterator[str]:
        """Yield the texts of the parts of a random alternative, each repeated at random."""
        for part in self.source.choice(alternatives):
            most_times = max(part.minimum, min(part.maximum, part.minimum + self.extra))
            for _ in range(self.source.randint(part.minimum, most_times)):
                yield from self._text_of(part)

    def _text_of(self, part: _PatternPart) -> Iterator[str]:
        """Yield the text of one repetition of a part; raises `LookupError` if it is too long."""
        self.remaining -= 1
        if self.remaining < 0:
            raise LookupError("the pattern requires a text that is too long")
        if part.kind == "set":
            yield self.source.choice(_matching_characters(part.value))
        elif part.kind == "back":
            yield self.groups.get(part.group, "")
        elif part.kind == "group" and part.group:
            self.groups[part.group] = "".join(self.text_of_one(part.value))
            yield self.groups[part.group]
        elif part.kind == "group" or (part.kind == "ahead" and self.source.random() < 0.5):
            yield from self.text_of_one(part.value)


@lru_cache(maxsize=256)
def _matching_characters(character_set: str) -> list[str]:
    """Return characters that match a part of a pattern, letters and digits if possible."""
    if len(character_set) == 1 and character_set != ".":
        return [character_set]
    pattern = f"^{character_set}$"
    common = [letter for letter in map(chr, range(0x20, 0x7F)) if matches(pattern, letter)]
    alphanumeric = [letter for letter in common if letter.isalnum()]
    rare = map(chr, chain(range(0x20), range(0x7F, 0xD800), range(0x10000, 0x1F000, 7)))
    return alphanumeric or common or list(islice((letter for letter in rare if matches(pattern, letter)), 16))
