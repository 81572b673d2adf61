"""Strings and numbers that a schema allows, readable enough to be recognised in a failure; and JSON as bytes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import ceil, floor
from random import Random
from typing import Any

from pytest_bctrl.contract.engine import conforms, matches
from pytest_bctrl.errors import DocumentError
from pytest_bctrl.samples.pattern import matching

_WORDS = (
    "amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heron", "iris",
    "juniper", "kestrel", "larch", "maple", "north", "opal", "prairie", "quartz", "river",
)  # fmt: skip
_TRIES = 20
LONGEST = 20_000
"""Characters of a text, and values in a sample, that are made at most."""

_EPOCH = datetime(2026, 1, 5, 9, tzinfo=UTC)


def string(schema: Mapping[str, Any], place: str, source: Random, number: int) -> str:
    """Return a string for `place`; `number` makes it distinct. Raises `DocumentError` where a pattern defeats it."""
    made = FORMATS.get(str(schema.get("format", "")), _words)(place, source, number)
    least, most = int(schema.get("minLength", 0)), int(schema.get("maxLength", LONGEST))
    if least > LONGEST:
        raise DocumentError(
            f"a sample would be longer than {LONGEST:,} characters", where=place, mend="lower the schema's minLength"
        )
    if schema.get("format") not in FORMATS:
        made = made.ljust(least, "x")[:most]
    pattern = schema.get("pattern")
    for candidate in _candidates(schema, made, source):
        is_long_enough = least <= len(candidate) <= most
        is_in_format = conforms(candidate, str(schema.get("format", "")))
        if is_long_enough and is_in_format and (pattern is None or matches(pattern, candidate)):
            return candidate
    raise DocumentError(
        f"no sample can be made for the pattern {pattern!r}" if pattern else "no sample of the format is short enough",
        where=place,
        mend="add 'examples' to the schema",
    )


def _candidates(schema: Mapping[str, Any], made: str, source: Random) -> Iterator[str]:
    yield made
    yield _SHORT.get(str(schema.get("format", "")), made)
    yield from (text for text in schema.get("examples", ()) if isinstance(text, str))
    if "pattern" in schema:
        # Repeated a few times, as few as may be, and then often enough for the least length.
        for more in (3, 0, *range(_TRIES), int(schema.get("minLength", 0))):
            found = matching(schema["pattern"], source, more) or ""
            yield found
            # Where it may begin with anything, what a format wants may stand there.
            yield f"{source.choice(_WORDS)}{found}"


def number(schema: Mapping[str, Any], kind: str, place: str, source: Random) -> int | float:
    """Return a number within the schema's limits."""
    # In decimals, as JSON writes them: in binary 41 times 0.01 is 0.41000000000000003, no multiple of 0.01.
    step = _decimal(schema.get("multipleOf", 1 if kind == "integer" else 0.5))
    highest = schema.get("maximum", schema.get("exclusiveMaximum"))
    below = Decimal(0) if highest is None or highest > 0 else _decimal(highest) - 100 * step
    least = _decimal(schema.get("minimum", schema.get("exclusiveMinimum", below)))
    most = least + 100 * step if highest is None else _decimal(highest)
    try:
        first = ceil(least / step) + ("exclusiveMinimum" in schema and least % step == 0)
        last = floor(most / step) - ("exclusiveMaximum" in schema and most % step == 0)
    except ArithmeticError:
        first, last = 1, 0
    if first > last:
        raise DocumentError("no number fits the schema's limits", where=place, mend="widen minimum and maximum")
    made = source.randint(first, last) * step
    return int(made) if kind == "integer" else float(made)


def _decimal(value: Any) -> Decimal:
    return Decimal(str(value))


def moment(minutes: int) -> str:
    """Return a time as the API writes it: ISO 8601, UTC, milliseconds, `Z`; `minutes` after a fixed beginning."""
    return (_EPOCH + timedelta(minutes=minutes)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def uuid(source: Random) -> str:
    """Return a random UUID of version 4 (RFC 9562, 5.4)."""
    return as_uuid(f"{source.getrandbits(128):032x}")


def as_uuid(digits: str) -> str:
    """Return 32 hex digits as a UUID of version 4; six of their bits give way to version and variant."""
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


def _words(place: str, source: Random, _number: int) -> str:
    name = re.sub(r"\[\*\]|<\d+>", "", place).rpartition(".")[2] or "text"
    return f"{name}-{source.choice(_WORDS)}"


FORMATS: Mapping[str, Callable[[str, Random, int], str]] = {
    "uuid": lambda _place, source, _number: uuid(source),
    "date-time": lambda _place, _source, number: moment(number),
    "date": lambda _place, _source, number: moment(number)[:10],
    "time": lambda _place, _source, number: moment(number)[11:],
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
