"""Breaks one rule of JSON (RFC 8259) in a body, for the faults of bodies; the rest of the body stays as it is.

Each function returns None for a body in which the rule cannot be broken, so that the fault does not apply to it.
"""

from __future__ import annotations

import json
import re
from itertools import count
from json import JSONDecoder

_NUMBER = re.compile(rb"[-+.0-9eE]+")
_STRING_OR_OBJECT = re.compile(r'"(?:[^"\\]|\\.)*"|\{\s*(?=")')
"""A complete string, or the start of an object that has members: in this order, so that a brace in a string is none."""

_COLON = re.compile(r"\s*:\s*")
_UNDOCUMENTED = "undocumented"


def parsable_text(body: bytes) -> str | None:
    """Return a body as text without surrounding whitespace; None unless it is JSON in UTF-8, NaN allowed."""
    try:
        text = body.decode().strip()
        json.loads(text)
    except (ValueError, RecursionError):
        return None
    return text


def without_last_character(body: bytes) -> bytes | None:
    """Return a body without its last character; None for a number, and for a body of at most one character."""
    text = body.strip()
    if len(text) < 2 or _NUMBER.fullmatch(text):
        return None
    return text[:-1]


def in_utf_16(body: bytes) -> bytes | None:
    """Return a UTF-8 body in UTF-16 with a byte order mark; None if the body is not UTF-8."""
    try:
        return body.decode().encode("utf-16")
    except UnicodeDecodeError:
        return None


def with_repeated_key(body: bytes) -> bytes | None:
    """Return a body with the first member of its first object with members repeated; None if all objects are empty.

    None as well if the body is not JSON.
    """
    text = parsable_text(body)
    if text is None:
        return None
    for match in _STRING_OR_OBJECT.finditer(text):
        if match[0].startswith("{"):
            decoder, start = JSONDecoder(), match.end()
            _, name_end = decoder.raw_decode(text, start)
            colon = _COLON.match(text, name_end)
            _, end = decoder.raw_decode(text, colon.end() if colon else name_end)
            return f"{text[:start]}{text[start:end]},{text[start:]}".encode()
    return None


def with_nan(body: bytes) -> bytes | None:
    """Return an object with a `NaN` member added, a list with a `NaN` item added, else `NaN`; None if not JSON."""
    text = parsable_text(body)
    if text is None:
        return None
    value = json.loads(text)
    if not isinstance(value, dict | list):
        return b"NaN"
    added = "NaN"
    if isinstance(value, dict):
        names = (f"{_UNDOCUMENTED}{number or ''}" for number in count())
        unused = next(name for name in names if name not in value)
        added = f'"{unused}":NaN'
    if value:
        added += ","
    return f"{text[0]}{added}{text[1:]}".encode()
