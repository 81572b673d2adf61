"""Refuses to write what must not be in a file: the key, the values of `bctrl_secrets`, and scrubbed identifiers."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from pytest_bctrl.errors import BctrlError
from pytest_bctrl.incoming import RECORDED
from pytest_bctrl.traffic.recordings.exchange import Exchange


class LeakError(BctrlError):
    """A recording was not written, because it held what must not be saved; it names the place, never the value."""


Finder = Callable[[str], str | None]
"""Says how what is looked for stands in a text, None where it does not; `Hiding.found_as` is one."""


def refuse(exchanges: Sequence[Exchange], name: str, find: Finder, what: str) -> None:
    """Raise `LeakError` where `find` finds something in `name` or in any text of `exchanges`; `what` names it."""
    how = find(name)
    if how is not None:
        raise LeakError(f"{what} stands in the file's name ({how})", where="recording", mend="name the recording anew")
    for number, exchange in enumerate(exchanges, 1):
        for place, text in texts(exchange):
            how = find(text)
            if how is not None:
                exact = _place_in_json(text, find) if place.endswith("body") else ""
                shown = "" if find(exchange.label) else f" ({exchange.label})"
                raise LeakError(
                    f"{what} stands in the {place}{exact} ({how}), and nothing was written",
                    where=f"recording {name}: exchange {number} of {len(exchanges)}{shown}",
                    mend="keep it out of what the test sends and gets; a value that is no secret does not belong in "
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
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    for place, leaf in _leaves(value, ""):
        # A place's own words could hold the value: a key that is one is named by what is around it.
        if find(leaf) is not None and find(place) is None:
            return f" at {place or '(top)'}"
    return ""


def _leaves(value: Any, place: str) -> Iterator[tuple[str, str]]:
    waiting = [(value, place)]
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
