"""The stable identifier of a finding: it survives moved lines, other counts and renamed path parameters."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_bctrl.findings.finding import Finding


def fingerprint(
    rule: str,
    shape: str,
    location: str,
    context: Sequence[tuple[str, str]] = (),
    old: Any = None,
    new: Any = None,
    kind: str = "",
) -> str:
    """Return 16 hex digits that identify a finding of a rule at a location.

    `shape` is the operation without the names of its path parameters, `location` is generalised, `context` has further
    parts of the location (status, media type), `old` and `new` are the values in both documents, and `kind` is the way
    in which the rule is broken.
    """
    import json

    parts = [rule, shape, location, list(context), old, new, kind]
    return sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:16]


def shape(label: str) -> str:
    """Return an operation's label with the names of its path parameters left out: `GET /spaces/{}`."""
    return re.sub(r"\{[^{}]*\}", "{}", label)


BY_VALUE = frozenset({"unlisted-value", "new-branch"})
"""Kinds with a separate finding per value: accepting one new value does not accept the next."""


LONGEST = 120
"""Maximum length of a text that is tracked individually; longer texts are counted together."""


def value_text(value: Any) -> str:
    """Return the text that identifies a value; it is the same for all texts of more than `LONGEST` characters."""
    import json

    if isinstance(value, str) and len(value) > LONGEST:
        value = "…"
    return json.dumps(value, sort_keys=True, default=str)


def with_fingerprint(finding: Finding) -> Finding:
    """Return a finding with a fingerprint: its own, or else that of its rule, operation, location, status and kind.

    For some kinds, the value is part of it, too.
    """
    from dataclasses import replace

    if finding.fingerprint:
        return finding
    status = finding.extra.get("status")
    context = [("status", str(status))] if status else []
    kind = str(finding.extra.get("kind", ""))
    value = value_text(finding.observed) if kind in BY_VALUE else None
    mark = fingerprint(finding.rule, shape(finding.operation), finding.location, context, new=value, kind=kind)
    return replace(finding, fingerprint=mark)
