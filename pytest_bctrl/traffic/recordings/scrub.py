"""Replaces identifiers, the same one always by the same, so that relations survive (`bctrl_scrub = ids`)."""

from __future__ import annotations

import re
from collections.abc import Sequence, Set
from dataclasses import replace
from hashlib import blake2b
from uuid import UUID

from pytest_bctrl.contract.schema.invariant import as_uuid
from pytest_bctrl.spellings import found_as, meanings, readings, sought
from pytest_bctrl.traffic.recordings.exchange import Exchange
from pytest_bctrl.traffic.recordings.guard import Finder, refuse, texts

# Whatever stands before and after it: `a` before an id must not hide it.
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
# Without its hyphens only what is known with them is an identifier: else it may be any digest.
_COMPACT = re.compile(r"(?<![0-9a-fA-F])[0-9a-fA-F]{32}(?![0-9a-fA-F])")
_LEGIBLE = re.compile(rb"[\t\n\r\x20-\x7e]{36,}")


def replacement(identifier: str) -> str:
    """Return what stands for an identifier: a UUID of version 4 that does not tell where it came from."""
    return as_uuid(blake2b(identifier.lower().encode("utf-8", "surrogateescape"), digest_size=16).hexdigest())


def scrubbed(exchanges: Sequence[Exchange], name: str, space_id: str) -> tuple[Exchange, ...]:
    """Return `exchanges` with every UUID and the space id replaced, in URLs, headers and bodies.

    Raises `LeakError` where one is left over in a spelling that cannot be replaced, such as base64; `name` is the
    recording's, which cannot be changed and is looked at too.
    """
    found = {one.lower() for exchange in exchanges for _, text in texts(exchange) for one in _uuids(text)}
    compact = frozenset(one.replace("-", "") for one in {*found, *_uuids(space_id.lower())})
    made = tuple(_scrubbed(exchange, space_id, compact) for exchange in exchanges)
    refuse(made, name, _finder({replacement(one) for one in (*found, space_id)}, compact, space_id), "an identifier")
    return made


def _scrubbed(exchange: Exchange, space_id: str, compact: Set[str]) -> Exchange:
    def anew(text: str) -> str:
        return _COMPACT.sub(lambda match: _anew_compact(match[0], compact), _replaced(text, space_id))

    def anew_bytes(data: bytes) -> bytes:
        return anew(data.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")

    return replace(
        exchange,
        url=anew(exchange.url),
        base_path=anew(exchange.base_path),
        request_headers=tuple((name, anew(value)) for name, value in exchange.request_headers),
        headers=tuple((name, anew(value)) for name, value in exchange.headers),
        request_body=anew_bytes(exchange.request_body),
        body=anew_bytes(exchange.body),
    )


def _replaced(text: str, space_id: str) -> str:
    if space_id and not _UUID.fullmatch(space_id):
        # Not within a longer word: a space called `a` would take every `a` along.
        text = re.sub(rf"(?<!\w){re.escape(space_id)}(?!\w)", replacement(space_id), text)
        # Its replacement is a UUID by now, and must not be replaced again.
        parts = text.split(replacement(space_id))
        return replacement(space_id).join(_UUID.sub(_in_its_case, part) for part in parts)
    return _UUID.sub(_in_its_case, text)


def _in_its_case(match: re.Match[str]) -> str:
    made = replacement(match.group())
    return made.upper() if match.group().isupper() else made


def _anew_compact(digits: str, compact: Set[str]) -> str:
    if digits.lower() not in compact:
        return digits
    made = replacement(str(UUID(digits))).replace("-", "")
    return made.upper() if digits.isupper() else made


def _uuids(text: str) -> set[str]:
    return {found for reading in readings(text) for found in _UUID.findall(reading)}


def _finder(replacements: Set[str], compact: Set[str], space_id: str) -> Finder:
    space = None if _UUID.fullmatch(space_id) else sought(space_id)

    def find(text: str) -> str | None:
        for how, reading in meanings(text, _LEGIBLE):
            if any(found.lower() not in replacements for found in _UUID.findall(reading)):
                return how
            if any(found.lower() in compact for found in _COMPACT.findall(reading)):
                return how
        return None if space is None else found_as(text, space)

    return find
