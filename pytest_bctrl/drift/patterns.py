"""Decides whether a text that matches one pattern matches another one, and finds texts for which patterns differ.

The automata of the patterns are followed in parallel, so the result holds for texts of any length. Patterns that are
not supported are left undecided, as are those that take too many steps.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

from pytest_bctrl.contract.engine import is_pattern, matches
from pytest_bctrl.drift.pattern_automaton import FIRST, LAST, Matches, Ranges, UndecidedError

NO_TEXT = "[^\\s\\S]"
"""A pattern that no text matches."""
_ANY_CHARACTER = "[\\x00-\U0010ffff]"
_STEPS = 5_000
_TYPICAL = (0x61, 0x30, 0x41, 0x2D, 0x20)


def limits_of_text(keywords: Mapping[str, Any]) -> dict[str, Any]:
    """Return the patterns, with those of the lengths, that a schema with these keywords demands of a text.

    Each has a schema of the same texts.
    """
    limits: dict[str, Any] = {}
    patterns = keywords.get("pattern", ())
    if isinstance(patterns, str):
        patterns = (patterns,)
    for pattern in patterns:
        limits[pattern] = {"pattern": pattern}
    for word, form in (("minLength", f"^{_ANY_CHARACTER}{{%d,}}$"), ("maxLength", f"^{_ANY_CHARACTER}{{0,%d}}$")):
        length = keywords.get(word)
        if isinstance(length, int | float) and length >= 0:
            limits[form % length] = {word: length}
    return limits


class Containment(NamedTuple):
    """The result: `is_contained` is None if it is undecided. `text` matches only the first pattern, if there is one."""

    is_contained: bool | None
    text: str = ""


class Language(Protocol):
    """Sorts texts by labels, reading one character after another.

    `start` is the state before the first character. A state or label is None if no text of the language is read.
    """

    start: Any

    def after(self, state: Any, character: int, /) -> Any:
        """Return the state that a character leads to from a state."""

    def label(self, state: Any, /) -> Any:
        """Return the label of the texts that lead to a state."""

    def ranges(self, state: Any, /) -> Iterable[Ranges]:
        """Return the characters that lead to different states."""
        ...


class Joined:
    """The texts that match all of some patterns, sorted by the labels that several languages have for them."""

    def __init__(self, patterns: Iterable[str], *languages: Language) -> None:
        """Join languages. Raises `UndecidedError` if a pattern is not supported."""
        required = list(map(Matches, patterns))
        self._languages: list[Language] = [*required, *languages]
        self._required = len(required)
        self.start = tuple(language.start for language in self._languages)

    def after(self, states: tuple[Any, ...], character: int) -> tuple[Any, ...] | None:
        """Return the states that a character leads to; None if no text that goes on from there matches."""
        after: list[Any] = []
        for language, state in zip(self._languages, states, strict=True):
            following = state if state is None else language.after(state, character)
            if following is None and len(after) < self._required:
                return None
            after.append(following)
        return tuple(after)

    def label(self, states: tuple[Any, ...]) -> tuple[Any, ...] | None:
        """Return the labels that the languages have for the text that ends here; None if it does not match."""
        both = zip(self._languages, states, strict=True)
        labels = tuple(state if state is None else language.label(state) for language, state in both)
        return labels[self._required :] if all(labels[: self._required]) else None

    def ranges(self, states: tuple[Any, ...]) -> Iterator[Ranges]:
        """Yield the characters that lead to different states of a language."""
        for language, state in zip(self._languages, states, strict=True):
            if state is not None:
                yield from language.ranges(state)


@lru_cache(maxsize=1024)
def _representatives(distinct: frozenset[Ranges], count: int) -> list[int]:
    """Return `count` characters of each class that ranges distinguish, or all if fewer; letters and digits first."""
    bounds = {FIRST}
    for ranges in distinct:
        for low, high in ranges:
            bounds |= {low, high + 1}
    starts = sorted(bound for bound in bounds if bound <= LAST)
    ends = [*starts[1:], LAST + 1]
    usual, rare = [], []
    for low, end in zip(starts, ends, strict=True):
        typical = [code for code in _TYPICAL if low <= code < end][:1]
        usual += typical
        rare += [code for code in range(low, min(end, low + count)) if code not in typical][: count - len(typical)]
    return usual + rare


def shortest_texts(language: Language, count: int) -> Iterator[tuple[Any, str]]:
    """Yield each label with `count` of the shortest texts that have it, or all if there are fewer.

    Raises `UndecidedError` at the limit.
    """
    labels, visits, waiting = Counter[Any](), Counter[Any](), [(language.start, "")]
    for number, (state, text) in enumerate(waiting):
        # The list grows while it is read.
        if number > _STEPS:
            raise UndecidedError
        label = language.label(state)
        labels[label] += 1
        if label is not None and labels[label] <= count:
            yield label, text
        for character in _representatives(frozenset(language.ranges(state)), count):
            after = language.after(state, character)
            if after is not None and visits[after] < count:
                visits[after] += 1
                waiting.append((after, text + chr(character)))


@lru_cache(maxsize=1024)
def contains(wide: str, *narrow: str) -> Containment:
    """Return whether each text that matches all of `narrow` also matches `wide`, with one that does not if known."""
    if wide in narrow:
        return Containment(True)
    if not all(map(is_pattern, (wide, *narrow))):
        return Containment(None)
    try:
        texts = shortest_texts(Joined(narrow, Matches(wide)), 1)
        text = next((text for (is_wide,), text in texts if not is_wide), None)
    except (UndecidedError, RecursionError):
        return Containment(None)
    if text is None:
        return Containment(True)
    if all(matches(pattern, text) for pattern in narrow) and not matches(wide, text):
        return Containment(False, text)
    return Containment(None)
