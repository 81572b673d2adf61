"""Finds out which of many literals a text contains, in one pass.

A secret of mostly punctuation has more than a hundred literals: it is searched for as it is, in each encoding.
"""

from __future__ import annotations

from collections.abc import Iterable

from pytest_bctrl.secrets.encodings import PLAIN, KeyEncoding
from pytest_bctrl.secrets.search import PAIRS, WINDOW, Index

_FEW = 8
"""Maximum number of literals that are searched for one after the other, which is fastest for a few."""
_GRAM = 6
_SEVEN_BITS = bytes(byte & 0x7F for byte in range(256))
"""The bytes of a text for its pairs, which must be no surrogates."""


class LiteralSearch:
    """Some literals of more than six bytes, and an index of them if they are many."""

    def __init__(self, literals: Iterable[bytes]) -> None:
        self._literals = sorted(literals, key=len, reverse=True)
        self._index: Index | None = None
        if len(self._literals) > _FEW:
            self._by_encoding = {_as_encoding(literal): literal for literal in self._literals}
            self._index = Index(self._by_encoding, _GRAM)

    def candidates(self, data: bytes) -> list[bytes]:
        """Return the literals that a text may contain, and all that it does contain; the longest first."""
        if self._index is None:
            return self._literals
        present: set[bytes] = set()
        for start in range(0, len(data), WINDOW):
            window = data[start : start + WINDOW + 2 * _GRAM].translate(_SEVEN_BITS)
            pairs = window[: len(window) & ~1].decode(PAIRS)
            present.update(self._by_encoding[encoding] for _, encoding, _ in self._index.hits(window, pairs))
        return [literal for literal in self._literals if literal in present]

    def is_in(self, data: bytes) -> bool:
        """Return whether a text contains one of the literals."""
        return any(literal in data for literal in self.candidates(data))


def _as_encoding(literal: bytes) -> KeyEncoding:
    """Return a literal as an encoding, so that an index can search for it."""
    return KeyEncoding(PLAIN, literal.translate(_SEVEN_BITS), (), len(literal))
