"""Which of the documented media types an answer is held to."""

from __future__ import annotations

from collections.abc import Iterable


def chosen(documented: Iterable[str], actual: str) -> str | None:
    """The documented media type or range whose schema a body is held to; None where it may not be JSON.

    An answer with a wrong or missing content type is held to the first that may be JSON: that its type is wrong is a
    finding of its own, and no reason to leave the body unseen.
    """
    documented = list(documented)
    covering = [media for media in documented if covers(media, actual)]
    # The most exact one: `application/json` before `application/*` before `*/*`.
    best = min(covering, key=lambda media: media.count("*"), default=None)
    if best is not None:
        return best if _may_be_json(actual) else None
    return next((media for media in documented if _may_be_json(media)), None)


def covers(documented: str, actual: str) -> bool:
    """Whether a documented media type or range (`application/*`, `*/*`) covers the actual one."""
    kind, _, subtype = documented.partition(";")[0].strip().lower().partition("/")
    actual_kind, _, actual_subtype = actual.partition("/")
    return bool(actual) and kind in ("*", actual_kind) and subtype in ("*", actual_subtype)


def _may_be_json(media: str) -> bool:
    """Whether a media type or range can name JSON (RFC 8259, 11; RFC 6839, 3.1)."""
    name = media.partition(";")[0].strip().lower()
    return name.endswith(("/json", "+json", "/*"))
