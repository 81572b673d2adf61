"""Takes a value out of a text, however it is spelled there (`spellings`), and leaves the rest to be read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from html.entities import html5

from pytest_bctrl.traffic.recordings.spellings import SHORTEST, Sought, found_as, sought

_ENCODED = re.compile(r"[%\\&+]|[A-Za-z0-9/_-]{16}")
"""What a text has that can hold a value in another spelling than its plain one."""

_PARTS = [
    re.compile(pattern)
    for pattern in (
        r"[A-Za-z0-9+/_-]{6,}={0,2}",
        r"""[^\s"'<>(),]+""",
        r"\S+",
        r"[^\r\n]+",
        r"(?s:.+)",
    )
]
"""What is hidden whole where the value is in it, the smallest first: a run of base64 digits, a word, a line, all."""


def hidden(text: str, value: str, mask: str) -> str:
    """Return `text` with `mask` in place of `value`; one that is shorter than `SHORTEST` only where it is plain."""
    if not value:
        return text
    # A value that is a word of the mask is not looked for in the mask.
    return mask.join(_hidden(part, value, mask) for part in text.split(mask))


def _hidden(text: str, value: str, mask: str) -> str:
    text = text.replace(value, mask)
    if len(value) < SHORTEST:
        return text
    wanted = sought(value)
    if not _ENCODED.search(text) and not any(core in text for core in wanted.cores):
        return text
    text = _pattern(value).sub(lambda _: mask, text)
    for parts in _PARTS:
        if not _is_in(text, wanted, mask):
            break
        text = mask.join(
            parts.sub(lambda match: mask if found_as(match[0], wanted) else match[0], piece)
            for piece in text.split(mask)
        )
    return text


def _is_in(text: str, wanted: Sought, mask: str) -> bool:
    return any(found_as(piece, wanted) for piece in text.split(mask))


@lru_cache(maxsize=32)
def _pattern(value: str) -> re.Pattern[str]:
    """Match `value` with any of its letters escaped, each in its own way: the exact place, so that JSON stays JSON."""
    return re.compile("".join(_letter(letter) for letter in re.findall(r"(?s:\\+|.)", value)))


def _letter(letter: str) -> str:
    if letter.startswith("\\"):
        # Several in a row are one, so that the search does not try every way to share them out.
        other = "|".join(_escapes("\\"))
        return rf"(?:\\{{{len(letter)},{8 * len(letter)}}}|(?:{other}){{{len(letter)}}})"
    return f"(?:{'|'.join((re.escape(letter), *_escapes(letter)))})"


def _escapes(letter: str) -> Iterator[str]:
    code = ord(letter)
    if letter == " ":
        yield r"\+"
    encoded = letter.encode("utf-8", "surrogateescape")
    yield "(?i:" + "".join(f"%(?:25){{0,3}}{byte:02x}" for byte in encoded) + ")"
    units = letter.encode("utf-16-be", "surrogatepass").hex()
    yield "".join(rf"\\{{1,8}}u(?i:{units[at : at + 4]})" for at in range(0, len(units), 4))
    if letter in "\"'/":
        yield rf"\\{{1,8}}{letter}"
    names = [name for name in _NAMES.get(letter, ()) if name.endswith(";")]
    yield f"&(?:amp;){{0,3}}(?:#0{{0,5}}{code};|#(?i:x)0{{0,5}}(?i:{code:x});" + "".join(f"|{n}" for n in names) + ")"


_NAMES: dict[str, list[str]] = {}
for _name, _meant in html5.items():
    _NAMES.setdefault(_meant, []).append(_name)
