"""Parses a body as strict JSON (RFC 8259) and reports what lenient parsers accept."""

from __future__ import annotations

import codecs
import json
import re
import sys
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any

from pytest_bctrl.contract.json_source import (
    DEPTH,
    NotJsonError,
    is_deep,
    may_be_deep,
    parse_json,
    parse_number,
    read_quickly,
)
from pytest_bctrl.files.limits import parsing_problem


@dataclass(frozen=True, slots=True)
class Parsed:
    """The value of a body, or the reason why it has none and the byte offset `at` of the error.

    A body with duplicate keys has a value and `problems`. `kinds` identify the problems, in the same order, however
    they are worded.
    """

    ok: bool
    value: Any
    problems: tuple[str, ...]
    at: int = 0
    kinds: tuple[str, ...] = ()


def parse(body: bytes) -> Parsed:
    """Return a body parsed as strict JSON, or its problems, such as NaN, a byte order mark or another encoding."""
    if not body.strip():
        return _failed_parse("empty", "the body is empty")
    if body.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _failed_parse(
            "byte-order-mark", "the body begins with a byte order mark, which JSON texts must not have"
        )
    if problem := parsing_problem(body):
        return _failed_parse("too-large", f"the body was not parsed: {problem}")
    with suppress(ValueError):
        return Parsed(True, read_quickly(body), ())
    return _parse_carefully(body)


def _failed_parse(kind: str, message: str, offset: int = 0) -> Parsed:
    """Return the result for a body that is not strict JSON."""
    return Parsed(False, None, (message,), offset, (kind,))


def _parse_carefully(body: bytes) -> Parsed:
    """Return a body parsed by the standard library, with its exact problems and duplicate keys."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        message = f"the body is not UTF-8: byte {error.start} is 0x{body[error.start]:02x}"
        return _failed_parse("encoding", message, error.start)
    duplicates: dict[str, None] = {}
    try:
        value = parse_json(text, duplicates, parse_float=parse_number)
        if may_be_deep(body) and is_deep(value):
            raise RecursionError
    except json.JSONDecodeError as error:
        message = f"the body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        return _failed_parse("syntax", message, len(text[: error.pos].encode()))
    except NotJsonError as error:
        literal = re.search(rb"[\[,:\s]" + str(error).encode(), body)
        offset = literal.start() if literal else 0
        return _failed_parse(f"literal {error}", f"the body contains {error}, which is not valid JSON", offset)
    except ValueError:
        message = f"the body contains a number with more than {sys.get_int_max_str_digits()} digits"
        return _failed_parse("digits", message)
    except RecursionError:
        return _failed_parse("depth", f"the body is nested deeper than {DEPTH} levels")
    names = list(islice(duplicates, _MAX_DUPLICATES))
    problems = [f"the key {name!r} appears twice in one object" for name in names]
    kinds = [f"duplicate {name}" for name in names]
    if len(duplicates) > _MAX_DUPLICATES:
        problems.append(f"more than {_MAX_DUPLICATES} keys appear twice")
        kinds.append("duplicates")
    return Parsed(True, value, tuple(problems), kinds=tuple(kinds))


_MAX_DUPLICATES = 100
"""Maximum number of duplicate keys that are named."""
