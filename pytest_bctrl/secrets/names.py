"""Names of header fields, query parameters and properties whose values are credentials by convention."""

from __future__ import annotations

import re

_CREDENTIAL = re.compile(
    "(x|proxy|xamz)?(auth(orization)?|cookie|credentials?|(api|access|private|secret)?key|(api|client)?secret|jwt|bearer"
    "|(access|api|auth|bearer|id|refresh|session)?token|pass(phrase|wd|word)?|pwd|session(id)?|sig(nature)?)"
)
"""Matches plain names. `pageToken` and the like are not among them, because tests assert on their values."""


def plain_name(name: str) -> str:
    """Return a name in lower case, without `-` and `_`."""
    return name.lower().replace("-", "").replace("_", "")


def is_credential_name(name: str) -> bool:
    """Return whether a field or parameter of this name has a credential as its value, by convention."""
    return _CREDENTIAL.fullmatch(plain_name(name)) is not None
