"""Reads patterns into automata, which sort texts into those in which the pattern is found and others.

Patterns with lookarounds, back references, word boundaries or flags are not supported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache

_STATES = 2_000
FIRST, LAST = 0, 0x10FFFF
"""The first and the last character."""
_BEGIN, _END = LAST + 1, LAST + 2
"""The edges of a text, as characters of their own: `^` consumes the first one, `$` the last one."""
Ranges = tuple[tuple[int, int], ...]
_EDGE_BEFORE: Ranges = ((_BEGIN, _BEGIN),)
_DIGITS: Ranges = ((0x30, 0x39),)
_WORDS: Ranges = ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A))
_BLANKS: Ranges = (
    (0x09, 0x0D), (0x20, 0x20), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A), (0x2028, 0x2029), (0x202F, 0x202F),
    (0x205F, 0x205F), (0x3000, 0x3000), (0xFEFF, 0xFEFF),
)  # fmt: skip
_LINE_ENDS: Ranges = ((0x0A, 0x0A), (0x0D, 0x0D), (0x2028, 0x2029))
_ANY: Ranges = ((FIRST, LAST),)
_CONTROLS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v"}
_PLAIN = frozenset("()[]{}.*+?^$|\\/-,:;=!<>\"'#%&@_~` ")
_NAMED: dict[str, Ranges] = {"d": _DIGITS, "w": _WORDS, "s": _BLANKS}


class UndecidedError(Exception):
    """A pattern is not supported, or takes too many steps."""


def _require(is_readable: bool) -> None:
    """Raise `UndecidedError` unless a pattern can be read."""
    if not is_readable:
        raise UndecidedError


def _complement(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """Return the ranges of all characters that are in none of these ranges."""
    gaps, start = [], FIRST
    for low, high in sorted(ranges):
        if low > start:
            gaps.append((start, low - 1))
        start = max(start, high + 1)
    if start <= LAST:
        gaps.append((start, LAST))
    return tuple(gaps)


def _has_begin(text: str) -> bool:
    """Return whether a part of a pattern contains a `^` other than the first character of a set."""
    return text.count("^") > text.count("[^")


def _has_edge(text: str) -> bool:
    """Return whether a part of a pattern contains `^`, other than the first character of a set, or `$`."""
    return "$" in text or _has_begin(text)


class _Automaton:
    """The states of a pattern: transitions that consume a character, and those that consume nothing."""

    def __init__(self) -> None:
        self.moves: list[list[tuple[Ranges, int]]] = []
        self.skips: list[list[int]] = []

    def state(self) -> int:
        """Add a state and return its number. Raises `UndecidedError` at the limit."""
        if len(self.moves) >= _STATES:
            raise UndecidedError
        self.moves.append([])
        self.skips.append([])
        return len(self.moves) - 1

    def closure(self, states: Iterable[int]) -> frozenset[int]:
        """Return the states, and all that are reachable from them without a character."""
        reached = set(states)
        waiting = list(reached)
        while waiting:
            for state in self.skips[waiting.pop()]:
                if state not in reached:
                    reached.add(state)
                    waiting.append(state)
        return frozenset(reached)

    def after(self, states: frozenset[int], character: int) -> frozenset[int]:
        """Return the states that a character leads to."""
        return self.closure(
            target
            for state in states
            for ranges, target in self.moves[state]
            if any(low <= character <= high for low, high in ranges)
        )

    def leading_to(self, end: int) -> frozenset[int]:
        """Return the states from which a text may lead to a state after the beginning was read."""
        sources: list[list[int]] = [[] for _ in self.moves]
        for state, moves in enumerate(self.moves):
            for target in (*self.skips[state], *(target for ranges, target in moves if ranges != _EDGE_BEFORE)):
                sources[target].append(state)
        leading, waiting = {end}, [end]
        while waiting:
            before = set(sources[waiting.pop()]) - leading
            leading |= before
            waiting += before
        return frozenset(leading)


Fragment = Callable[[int, int], None]
"""Adds a part of a pattern to an automaton, between two states."""


class _Parser:
    """Reads a pattern (ECMA-262) into an automaton; all methods raise `UndecidedError` for what is not supported."""

    def __init__(self, pattern: str, automaton: _Automaton) -> None:
        self._pattern = pattern
        self._position = 0
        self._automaton = automaton

    def read(self) -> Fragment:
        """Return the fragment of the whole pattern. Raises `UndecidedError` for a pattern that cannot be read."""
        fragment = self._read_alternatives(is_first=True)
        _require(self._position == len(self._pattern))
        return fragment

    def _next_character(self) -> str:
        """Return the next character of the pattern; empty at its end."""
        return self._pattern[self._position : self._position + 1]

    def _skip(self, text: str) -> bool:
        """Go past a text if the pattern continues with it, and return whether it does."""
        if self._pattern.startswith(text, self._position):
            self._position += len(text)
            return True
        return False

    def _read_alternatives(self, *, is_first: bool) -> Fragment:
        """Read alternatives separated by `|`, and return their fragment."""
        branches = [self._read_sequence(is_first=is_first)]
        while self._skip("|"):
            branches.append(self._read_sequence(is_first=is_first))

        def add(start: int, end: int) -> None:
            """Add all branches between two states."""
            for branch in branches:
                branch(start, end)

        return add

    def _read_sequence(self, *, is_first: bool) -> Fragment:
        """Read parts until the end of an alternative, and return their fragment."""
        parts: list[Fragment] = []
        has_ended = False
        while self._next_character() not in ("", "|", ")"):
            if has_ended and _has_edge(self._pattern[self._position :]):
                # Both edges of an empty text match in any order.
                raise UndecidedError
            if self._skip("^"):
                # It may match at a beginning that another one has consumed.
                if (parts or not is_first) and _has_begin(self._pattern[: self._position - 1]):
                    raise UndecidedError
                parts.append(self._consume(_EDGE_BEFORE))
            elif self._skip("$"):
                has_ended = True
                parts.append(self._consume(((_END, _END),)))
            else:
                parts.append(self._read_repetition(self._read_atom(is_first=is_first and not parts)))
        return self._chained(parts)

    def _chained(self, parts: list[Fragment]) -> Fragment:
        """Return the fragment of parts that follow one another."""
        automaton = self._automaton

        def add(start: int, end: int) -> None:
            """Add the parts one after another between two states."""
            for part in parts:
                after = automaton.state()
                part(start, after)
                start = after
            automaton.skips[start].append(end)

        return add

    def _consume(self, ranges: Ranges) -> Fragment:
        """Return the fragment that consumes one character of these ranges."""

        def add(start: int, end: int) -> None:
            """Add a transition for one character between two states."""
            self._automaton.moves[start].append((ranges, end))

        return add

    def _read_atom(self, *, is_first: bool) -> Fragment:
        """Read a group or a character, and return its fragment."""
        if self._skip("("):
            if self._skip("?") and not self._skip(":"):
                raise UndecidedError
            start = self._position
            group = self._read_alternatives(is_first=is_first)
            _require(self._skip(")"))
            text = self._pattern[start : self._position - 1]
            if "$" in text and self._next_character() not in ("", ")", "|"):
                raise UndecidedError
            if _has_edge(text) and self._next_character() in ("*", "+", "?", "{"):
                raise UndecidedError
            return group
        return self._consume(self._read_characters())

    def _read_characters(self) -> Ranges:
        """Read a set, a dot, an escape or a plain character, and return its ranges."""
        if self._skip("["):
            return self._read_set()
        if self._skip("."):
            return _complement(_LINE_ENDS)
        if self._skip("\\"):
            return self._read_escape()
        character = self._next_character()
        _require(character not in ("*", "+", "?", "{", ")"))
        self._position += 1
        return ((ord(character), ord(character)),)

    def _read_escape(self) -> Ranges:
        """Read an escape after its backslash, and return its ranges."""
        character = self._next_character()
        self._position += 1
        if character in _NAMED:
            return _NAMED[character]
        if character and character.lower() in _NAMED:
            return _complement(_NAMED[character.lower()])
        if character in ("u", "x"):
            return self._read_code({"u": 4, "x": 2}[character])
        if character in _CONTROLS:
            character = _CONTROLS[character]
        elif character not in _PLAIN:
            raise UndecidedError
        return ((ord(character), ord(character)),)

    def _read_code(self, length: int) -> Ranges:
        """Read a character code of this many hexadecimal digits, and return its range."""
        digits = self._pattern[self._position : self._position + length]
        try:
            code = int(digits, 16)
        except ValueError:
            raise UndecidedError from None
        self._position += length
        return ((code, code),)

    def _read_set(self) -> Ranges:
        """Read a character set after `[`, and return its ranges."""
        is_negated, ranges = self._skip("^"), list[tuple[int, int]]()
        while not self._skip("]"):
            low = self._read_set_member()
            if self._next_character() == "-" and not self._pattern.startswith("-]", self._position):
                self._position += 1
                high = self._read_set_member()
                _require(len(low) == len(high) == 1 and low[0][0] <= high[0][0])
                ranges.append((low[0][0], high[0][0]))
                continue
            ranges += low
        if is_negated:
            return _complement(ranges)
        return tuple(ranges)

    def _read_set_member(self) -> Ranges:
        """Read a member of a character set, and return its ranges."""
        if self._skip("\\"):
            return self._read_escape()
        character = self._next_character()
        _require(character not in ("", "[") and not self._pattern.startswith(("&&", "--", "~~"), self._position))
        self._position += 1
        return ((ord(character), ord(character)),)

    def _read_repetition(self, part: Fragment) -> Fragment:
        """Read the quantifier after a part, and return the fragment of all its repetitions."""
        minimum, maximum = self._read_quantifier()
        if (minimum, maximum) == (1, 1):
            return part
        automaton = self._automaton

        def add(start: int, end: int) -> None:
            """Add the repetitions of the part between two states."""
            for _ in range(minimum):
                after = automaton.state()
                part(start, after)
                start = after
            if maximum is None:
                loop = automaton.state()
                automaton.skips[start].append(loop)
                part(loop, loop)
                automaton.skips[loop].append(end)
                return
            for _ in range(maximum - minimum):
                automaton.skips[start].append(end)
                after = automaton.state()
                part(start, after)
                start = after
            automaton.skips[start].append(end)

        return add

    def _read_quantifier(self) -> tuple[int, int | None]:
        """Read a quantifier and return the minimum and the maximum, which is None if unlimited."""
        times: tuple[int, int | None] = (1, 1)
        if self._skip("*"):
            times = 0, None
        elif self._skip("+"):
            times = 1, None
        elif self._skip("?"):
            times = 0, 1
        elif self._skip("{"):
            times = self._read_bounds()
        else:
            return times
        # What is preferred changes no match.
        self._skip("?")
        _require(self._next_character() not in ("*", "+", "?", "{"))
        return times

    def _read_bounds(self) -> tuple[int, int | None]:
        """Read the bounds of `{m,n}` after the brace, and return minimum and maximum."""
        text, closing, _ = self._pattern[self._position :].partition("}")
        minimum, comma, maximum = text.partition(",")
        _require(bool(closing) and minimum.isdecimal() and (maximum.isdecimal() or not maximum))
        self._position += len(text) + 1
        if not comma:
            return int(minimum), int(minimum)
        if not maximum:
            return int(minimum), None
        return int(minimum), int(maximum)


class Matches:
    """The texts in which a pattern is found; a state is a set of the states of an automaton."""

    def __init__(self, pattern: str) -> None:
        """Read a pattern. Raises `UndecidedError` if that is not supported."""
        self._automaton = automaton = _Automaton()
        start, inside, matched, self._accepting = (automaton.state() for _ in range(4))
        automaton.moves[start].append((_EDGE_BEFORE, inside))
        automaton.moves[inside].append((_ANY, inside))
        _Parser(pattern, automaton).read()(start, matched)
        _Parser(pattern, automaton).read()(inside, matched)
        automaton.skips[matched].append(self._accepting)
        automaton.moves[self._accepting].append((((FIRST, _END),), self._accepting))
        self._live = automaton.leading_to(self._accepting)
        self.after = cache(self._after)
        """The state that a character leads to from a state."""
        self.start = self.after(automaton.closure([start]), _BEGIN)

    def _after(self, states: frozenset[int], character: int) -> frozenset[int] | None:
        """Return what `after` returns, without a cache."""
        after = self._automaton.after(states, character)
        if self._accepting in after:
            # Each text that goes on from here matches.
            return frozenset((self._accepting,))
        return (after & self._live) or None

    def label(self, states: frozenset[int]) -> bool | None:
        """Return true if the text that ends here matches the pattern."""
        return self._accepting in (self.after(states, _END) or ()) or None

    def ranges(self, states: frozenset[int]) -> Iterator[Ranges]:
        """Yield the characters that lead to different states."""
        for state in states:
            for ranges, _ in self._automaton.moves[state]:
                yield ranges
