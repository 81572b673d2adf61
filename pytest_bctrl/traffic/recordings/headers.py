"""Which header fields a recording keeps. Everything else is dropped: an unknown field may hold a credential."""

from __future__ import annotations

from collections.abc import Iterable

from pytest_bctrl.traffic.recordings.exchange import Headers

REQUEST = frozenset({"accept", "content-type", "prefer"})
"""Names of request fields that are kept, in lower case."""

RESPONSE = frozenset(
    {
        "allow",
        "cache-control",
        "content-language",
        "content-type",
        "etag",
        "last-modified",
        "link",
        "location",
        "preference-applied",
        "ratelimit-limit",
        "ratelimit-remaining",
        "ratelimit-reset",
        "retry-after",
        "www-authenticate",
        "x-request-id",
    }
)
"""Names of answer fields that are kept, in lower case; codings and lengths are gone with the coding itself."""


def kept(headers: Iterable[tuple[str, str]], allowed: frozenset[str]) -> Headers:
    """Return the header fields that may be kept, in their order."""
    return tuple((name, value) for name, value in headers if name.lower() in allowed)
