"""Strings and numbers that a schema allows, readable enough to be recognised in a failure; and JSON as bytes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import ceil, floor
from random import Random
from typing import Any

from pytest_bctrl.errors import DocumentError
from pytest_bctrl.samples.pattern import matching

_WORDS = (
    "amber",
    "birch",
    "cedar",
    "delta",
    "ember",
    "fjord",
    "grove",
    "heron",
    "iris",
    "juniper",
    "kestrel",
    "larch",
    "maple",
    "north",
    "opal",
    "prairie",
    "quartz",
    "river",
)
_EPOCH = datetime(2026, 1, 5, 9, tzinfo=UTC)


def string(schema: Mapping[str, Any], place: str, source: Random, number: int) -> str:
    """Return a string for `place`; `number` makes it distinct. Raises `DocumentError` where a pattern defeats it."""
    made = _FORMATS.get(str(schema.get("format", "")), _words)(place, source, number)
    if schema.get("format") in _FORMATS:
        return made
    least, most = int(schema.get("minLength", 0)), schema.get("maxLength")
    made = made.ljust(least, "x")[:most]
    pattern = schema.get("pattern")
    candidates = [made, *(text for text in schema.get("examples", ()) if isinstance(text, str))]
    if pattern is None:
        return made
    candidates.append(matching(pattern, source) or "")
    for candidate in candidates:
        if re.search(pattern, candidate) and least <= len(candidate) <= (len(candidate) if most is None else most):
            return candidate
    raise DocumentError(
        f"no sample can be made for the pattern {pattern!r}", where=place, mend="add 'examples' to the schema"
    )


def number(schema: Mapping[str, Any], kind: str, place: str, source: Random) -> int | float:
    """Return a number within the schema's limits."""
    # In decimals, as JSON writes them: in binary 41 times 0.01 is 0.41000000000000003, no multiple of 0.01.
    step = _decimal(schema.get("multipleOf", 1 if kind == "integer" else 0.5))
    least = _decimal(schema.get("minimum", schema.get("exclusiveMinimum", 0)))
    most = _decimal(schema.get("maximum", schema.get("exclusiveMaximum", least + 100 * step)))
    first = ceil(least / step) + ("exclusiveMinimum" in schema and least % step == 0)
    last = floor(most / step) - ("exclusiveMaximum" in schema and most % step == 0)
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


_FORMATS: Mapping[str, Callable[[str, Random, int], str]] = {
    "uuid": lambda _place, source, _number: uuid(source),
    "date-time": lambda _place, _source, number: moment(number),
    "date": lambda _place, _source, number: moment(number)[:10],
    "time": lambda _place, _source, number: moment(number)[11:],
    "email": lambda _place, source, _number: f"{source.choice(_WORDS)}@example.test",
    "uri": lambda _place, source, _number: f"https://example.test/{source.choice(_WORDS)}",
    "uri-reference": lambda _place, source, _number: f"/{source.choice(_WORDS)}",
    "duration": lambda _place, source, _number: f"PT{source.randint(1, 59)}M",
    "json-pointer": lambda _place, source, _number: f"/{source.choice(_WORDS)}",
    "hostname": lambda _place, source, _number: f"{source.choice(_WORDS)}.example.test",
    "ipv4": lambda _place, source, _number: f"192.0.2.{source.randint(1, 254)}",
    "ipv6": lambda _place, source, _number: f"2001:db8::{source.randint(1, 9999)}",
}


def encode(body: Any) -> bytes:
    """Return JSON data as UTF-8; raises `ValueError` for what JSON cannot hold, such as NaN (RFC 8259, 6)."""
    return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
