"""What a request's header fields ask for: a media type, a coding, a preferred status."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

_CODE = re.compile(r"(?:^|[,;\s])code\s*=\s*\"?(\d{3})\"?", re.IGNORECASE)
_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,128}")


@lru_cache(maxsize=64)
def accepts(accept: str | None, media_type: str) -> bool:
    """Return whether an `Accept` field takes a media type (RFC 9110, 12.5.1); a missing one takes all."""
    if accept is None or not accept.strip():
        return True
    return _weight(media_type, list(_weighted(accept))) > 0


@lru_cache(maxsize=64)
def accepts_gzip(accept_encoding: str | None) -> bool:
    """Return whether an `Accept-Encoding` field takes gzip (RFC 9110, 12.5.3); a missing one does not ask for it."""
    if not accept_encoding:
        return False
    weights = dict(_weighted(accept_encoding))
    return weights.get("gzip", weights.get("x-gzip", weights.get("*", 0.0))) > 0


def preferred_status(prefer: str | None) -> int | None:
    """Return the status that `Prefer: code=404` asks for, as Prism understands it; None where it asks for none."""
    found = _CODE.search(prefer) if prefer else None
    return int(found[1]) if found and 200 <= int(found[1]) <= 599 else None


def usable_request_id(value: str | None) -> str | None:
    """Return a client's `X-Request-Id` where it can be sent back as it is: visible ASCII, 128 at most."""
    return value if value and _REQUEST_ID.fullmatch(value) else None


def _weight(media: str, ranges: list[tuple[str, float]]) -> float:
    kind = media.partition("/")[0]
    for wanted in (media.lower(), f"{kind}/*", "*/*"):
        found = [weight for name, weight in ranges if name == wanted]
        if found:
            return max(found)
    return 0.0


def _weighted(field: str) -> Iterator[tuple[str, float]]:
    for part in field.split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        weight = 1.0
        for parameter in parameters:
            key, _, value = parameter.partition("=")
            if key.strip().lower() == "q":
                try:
                    weight = float(value)
                except ValueError:
                    weight = 0.0
        if name:
            yield name.lower(), weight
