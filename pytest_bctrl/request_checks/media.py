"""Media types of request bodies: the `Content-Type` field, and the documented media type that it selects."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"


class ContentType(NamedTuple):
    """A media type in lower case, such as `text/plain`, and its parameters by name in lower case."""

    essence: str
    parameters: Mapping[str, str]

    @property
    def charset(self) -> str:
        """The value of the `charset` parameter in lower case, by default `utf-8`."""
        return self.parameters.get("charset", "utf-8").lower()


def parse_content_type(field: str | None) -> ContentType:
    """Return the media type of a `Content-Type` field (RFC 9110, 8.3); its essence is empty if there is none."""
    essence, semicolon, parameter_text = (field or "").partition(";")
    parameters: dict[str, str] = {}
    for name, value in _PARAMETER.findall(semicolon + parameter_text):
        if value.startswith('"'):
            value = _QUOTED_PAIR.sub(r"\1", value[1:].removesuffix('"'))
        parameters.setdefault(name.lower(), value)
    return ContentType(essence.strip().lower(), parameters)


# Not parsed by `email`, which takes quadratic time and raises `TypeError` for some fields.
_PARAMETER = re.compile(r""";\s*+([^\s;="]++)\s*+=\s*+("(?:[^"\\]|\\.?)*+(?:"|\Z)|[^;\s"]*+)""", re.DOTALL)
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)


def select_documented(documented: Iterable[str], content_type: ContentType) -> str | None:
    """Return the most specific documented media type or range that includes the actual one; None if none does.

    Parameters of a documented media type must be those of the body, except `charset` and `boundary`.
    """
    candidates = [(media, parse_content_type(media)) for media in documented]
    including = [(media, parsed) for media, parsed in candidates if _includes(parsed, content_type)]
    if not including:
        return None
    media, _ = max(including, key=lambda pair: (-pair[1].essence.count("*"), len(pair[1].parameters)))
    return media


_IGNORED = frozenset({"charset", "boundary"})


def _includes(documented: ContentType, actual: ContentType) -> bool:
    """Return whether a documented media type, which may have wildcards, includes the actual one."""
    kind, _, subtype = documented.essence.partition("/")
    actual_kind, _, actual_subtype = actual.essence.partition("/")
    if kind not in ("*", actual_kind) or subtype not in ("*", actual_subtype):
        return False
    return all(
        actual.parameters.get(name, "").lower() == value.lower()
        for name, value in documented.parameters.items()
        if name not in _IGNORED
    )
