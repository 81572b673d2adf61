"""What must not be in a file: the key, `bctrl_secrets` and scrubbed identifiers are refused; identifiers replaced."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable, Iterator, Sequence, Set
from contextlib import suppress
from dataclasses import replace
from hashlib import blake2b
from typing import Any
from uuid import UUID

from pytest_bctrl.contract.schema.invariant import as_uuid
from pytest_bctrl.errors import BctrlError
from pytest_bctrl.files.limits import RECORDED
from pytest_bctrl.secrets.decoding import meanings, readings
from pytest_bctrl.secrets.redaction import Redaction
from pytest_bctrl.traffic.recordings.exchange import Exchange


class LeakError(BctrlError):
    """A recording was not written, because it held what must not be saved; it names the place, never the value."""


Finder = Callable[[str], str | None]
"""Says how what is looked for stands in a text, None where it does not; `Redaction.find` is one."""


def refuse(exchanges: Sequence[Exchange], name: str, find: Finder, what: str) -> None:
    """Raise `LeakError` where `find` finds something in `name` or in any text of `exchanges`; `what` names it."""
    how = find(name)
    if how is not None:
        raise LeakError(
            f"{what} is in the file's name ({how})", where="recording", hint="give the recording another name"
        )
    for number, exchange in enumerate(exchanges, 1):
        for place, text in texts(exchange):
            how = find(text)
            if how is not None:
                exact = _place_in_json(text, find) if place.endswith("body") else ""
                shown = "" if find(exchange.label) else f" ({exchange.label})"
                raise LeakError(
                    f"{what} is in the {place}{exact} ({how}), and nothing was written",
                    where=f"recording {name}: exchange {number} of {len(exchanges)}{shown}",
                    hint="keep it out of what the test sends and gets; a value that is not secret does not belong in "
                    "bctrl_secrets",
                )


def texts(exchange: Exchange) -> Iterator[tuple[str, str]]:
    """Yield every text of an exchange that reaches the file, with the name of its place."""
    yield "method", exchange.method
    yield "URL", exchange.url
    yield "base path", exchange.base_path
    for name, value in exchange.request_headers:
        yield f"request header {name}", value
    for name, value in exchange.headers:
        yield f"response header {name}", value
    for place, body in (("request body", exchange.request_body), ("response body", exchange.body)):
        for text in _readings(body):
            yield place, text
    yield "status text", exchange.reason
    yield "test's name", exchange.test


def _readings(body: bytes) -> Iterator[str]:
    """What a body says: as it is, without the zeros of UTF-16 and UTF-32, and unpacked where it was packed."""
    yield body.decode("utf-8", "surrogateescape")
    if b"\0" in body:
        yield body.replace(b"\0", b"").decode("utf-8", "surrogateescape")
    if body.startswith(_PACKED):
        with suppress(zlib.error):
            yield zlib.decompressobj(wbits=_GZIP_OR_ZLIB).decompress(body, RECORDED).decode("utf-8", "surrogateescape")


_PACKED = (b"\x1f\x8b", b"\x78\x01", b"\x78\x9c", b"\x78\xda")
"""How gzip begins (RFC 1952, 2.3.1), and zlib at its usual levels (RFC 1950, 2.2)."""
_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32


def _place_in_json(text: str, find: Finder) -> str:
    value = None
    with suppress(ValueError, RecursionError):
        value = json.loads(text)
    for place, leaf in _leaves(value):
        # A place's own words could hold the value: a key that is one is named by what is around it.
        if find(leaf) is not None and find(place) is None:
            return f" at {place or '(top)'}"
    return ""


def _leaves(value: Any) -> Iterator[tuple[str, str]]:
    waiting = [(value, "")]
    while waiting:
        value, place = waiting.pop()
        if isinstance(value, dict):
            for key, inner in value.items():
                yield f"{place} (a key)".strip(), key
                waiting.append((inner, f"{place}.{key}".removeprefix(".")))
        elif isinstance(value, list):
            waiting += [(inner, f"{place}[{index}]") for index, inner in enumerate(value)]
        elif value is not None:
            yield place, str(value)


# Whatever stands before and after it: `a` before an id must not hide it.
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
# Without its hyphens only what is known with them is an identifier: else it may be any digest.
_COMPACT = re.compile(r"(?<![0-9a-fA-F])[0-9a-fA-F]{32}(?![0-9a-fA-F])")
_IDENTIFIER = re.compile(f"{_UUID.pattern}|{_COMPACT.pattern}")
_LEGIBLE = re.compile(rb"[\t\n\r\x20-\x7e]{36,}")


def replacement(identifier: str) -> str:
    """Return what stands for an identifier: a UUID of version 4 that does not tell where it came from."""
    return as_uuid(blake2b(identifier.lower().encode("utf-8", "surrogateescape"), digest_size=16).hexdigest())


def without_uuids(text: str) -> str:
    """Return a text with every UUID replaced, the same one always by the same."""
    return _UUID.sub(lambda found: replacement(found[0]), text)


def scrubbed(exchanges: Sequence[Exchange], name: str, space_id: str) -> tuple[Exchange, ...]:
    """Return `exchanges` with every UUID and the space id replaced, in URLs, headers and bodies.

    Raises `LeakError` where one is left over in a spelling that cannot be replaced, such as base64; `name` is the
    recording's, which cannot be changed and is looked at too.
    """
    found = {one.lower() for exchange in exchanges for _, text in texts(exchange) for one in _uuids(text)}
    compact = frozenset(one.replace("-", "") for one in {*found, *_uuids(space_id.lower())})
    clean = tuple(_scrubbed(exchange, space_id, compact) for exchange in exchanges)
    refuse(clean, name, _finder({replacement(one) for one in (*found, space_id)}, compact, space_id), "an identifier")
    return clean


def _scrubbed(exchange: Exchange, space_id: str, compact: Set[str]) -> Exchange:
    # Not within a longer word: a space called `a` would take every `a` along.
    space = rf"(?<!\w){re.escape(space_id)}(?!\w)|{replacement(space_id)}"
    spaces = re.compile(space if space_id and not _UUID.fullmatch(space_id) else "(?!)")

    def identifier(match: re.Match[str]) -> str:
        if "-" not in match[0] and match[0].lower() not in compact:
            return match[0]
        hyphened = replacement(str(UUID(match[0])))
        instead = hyphened if "-" in match[0] else hyphened.replace("-", "")
        return instead.upper() if match[0].isupper() else instead

    def scrub(text: str) -> str:
        return replacement(space_id).join(_IDENTIFIER.sub(identifier, part) for part in spaces.split(text))

    def scrub_bytes(data: bytes) -> bytes:
        return scrub(data.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")

    return replace(
        exchange,
        url=scrub(exchange.url),
        base_path=scrub(exchange.base_path),
        request_headers=tuple((name, scrub(value)) for name, value in exchange.request_headers),
        headers=tuple((name, scrub(value)) for name, value in exchange.headers),
        request_body=scrub_bytes(exchange.request_body),
        body=scrub_bytes(exchange.body),
    )


def _uuids(text: str) -> set[str]:
    return {found for reading in readings(text) for found in _UUID.findall(reading)}


def _finder(replacements: Set[str], compact: Set[str], space_id: str) -> Finder:
    space = Redaction()
    if not _UUID.fullmatch(space_id):
        space.add(space_id, has_parts=False)

    def find(text: str) -> str | None:
        for how, reading in meanings(text, _LEGIBLE):
            if any(found.lower() not in replacements for found in _UUID.findall(reading)):
                return how
            if any(found.lower() in compact for found in _COMPACT.findall(reading)):
                return how
        return space.find(text)

    return find
