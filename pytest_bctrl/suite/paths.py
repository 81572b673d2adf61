"""Path values that name nothing: a server must refuse them, whatever is in them."""

from __future__ import annotations

import uuid
from typing import NamedTuple

REFUSED = frozenset({400, 403, 404})
"""Statuses that refuse a path value; 404 is the documented one, 400 and 403 say as much."""

_NAMESPACE = uuid.UUID("6f6d9a0c-9c1d-4f0e-8d5e-2f9a2a0f7b11")


class PathValue(NamedTuple):
    """One value, its name in test ids, and statuses beyond the documented ones that HTTP itself has for it."""

    name: str
    value: str
    refused_too: frozenset[int] = frozenset()


UNKNOWN = PathValue("unknown", str(uuid.uuid5(_NAMESPACE, "a space that does not exist")))

ODD = (
    PathValue("not-a-uuid", "no-such-space"),
    PathValue("long", "x" * 2000, frozenset({414})),
    PathValue("unicode", "空間-ruimte-🚀"),
    PathValue("control-characters", "a\x01b\x1f\x7f"),
    PathValue("line-break", "a\r\nX-Injected: 1"),
    PathValue("null-byte", "a\x00b"),
    PathValue("not-utf-8", "a\udcffb"),
    PathValue("encoded-slash", "a/b"),
    PathValue("dot-segments", ".."),
    PathValue("percent", "100%"),
    PathValue("quotes", "'\"; --"),
)


def probes(limit: int) -> tuple[PathValue, ...]:
    """Return the values to try, at most `limit`; the unknown one always comes first."""
    return (UNKNOWN, *ODD)[:limit]


def generated(limit: int) -> int:
    """Return how many generated values are left to try under `limit`: at least one."""
    return max(1, limit - len(probes(limit)))
