"""Parses a body as strict JSON (RFC 8259) and reports what lenient parsers accept."""

from __future__ import annotations

import codecs
import json
import re
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any

from pytest_bctrl.contract.json_source import (
    DEPTH,
    DIGITS,
    NotJsonError,
    is_deep,
    may_be_deep,
    parse_integer,
    parse_json,
    parse_number,
    read_quickly,
)
from pytest_bctrl.files.limits import parsing_problem


@dataclass(frozen=True, slots=True)
class Parsed:
    """The value of a body, or the reason why it has none and the byte offset `at` of the error.

    A body with duplicate keys has a value and `problems`.
    """

    ok: bool
    value: Any
    problems: tuple[str, ...]
    at: int = 0


def parse(body: bytes) -> Parsed:
    """Parse `body`; never raises. NaN, Infinity, a byte order mark, other encodings and trailing text are not JSON."""
    if not body.strip():
        return Parsed(False, None, ("the body is empty",))
    if body.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return Parsed(False, None, ("the body begins with a byte order mark, which JSON texts must not have",))
    if problem := parsing_problem(body):
        return Parsed(False, None, (f"the body is not read: {problem}",))
    with suppress(ValueError):
        return Parsed(True, read_quickly(body), ())
    return _read_with_care(body)


def _read_with_care(body: bytes) -> Parsed:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        problem = f"the body is not UTF-8: byte {error.start} is 0x{body[error.start]:02x}"
        return Parsed(False, None, (problem,), error.start)
    duplicates: dict[str, None] = {}
    try:
        value = _value(text, duplicates)
        if may_be_deep(body) and is_deep(value):
            raise RecursionError
    except json.JSONDecodeError as error:
        problem = f"the body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        return Parsed(False, None, (problem,), len(text[: error.pos].encode()))
    except NotJsonError as error:
        literal = re.search(rb"[\[,:\s]" + str(error).encode(), body)
        offset = literal.start() if literal else 0
        return Parsed(False, None, (f"the body holds {error}, which is not valid JSON",), offset)
    except ValueError:
        return Parsed(False, None, (f"the body holds a number with more than {DIGITS} digits",))
    except RecursionError:
        return Parsed(False, None, (f"the body is nested deeper than {DEPTH} levels",))
    problems = [f"the key {name!r} appears twice in one object" for name in islice(duplicates, _MAX_DUPLICATES)]
    if len(duplicates) > _MAX_DUPLICATES:
        problems.append(f"more than {_MAX_DUPLICATES} keys appear twice")
    return Parsed(True, value, tuple(problems))


def _value(text: str, duplicates: dict[str, None]) -> Any:
    try:
        return parse_json(text, duplicates, parse_float=parse_number)
    except (json.JSONDecodeError, NotJsonError):
        raise
    except ValueError:
        # An integer is too long for the interpreter. Parsing each integer in Python is slow, so only this body pays.
        return parse_json(text, duplicates, parse_float=parse_number, parse_int=parse_integer)


_MAX_DUPLICATES = 100
"""Maximum number of duplicate keys that are named."""
