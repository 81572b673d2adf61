"""A finding's name that stays: when lines move, counts differ or path parameters are renamed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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
    """Return 16 hex digits for a rule broken at a place.

    `shape` is the operation with its path parameters nameless, `location` generalised, `context` what else tells
    places apart (status, media type), `old` and `new` what a document said before and after, `kind` which way of
    breaking the rule it is.
    """
    import json
    from hashlib import sha256

    parts = [rule, shape, location, list(context), old, new, kind]
    return sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:16]


def place_fingerprint(finding: Finding, place: Mapping[str, Any]) -> str:
    """Return the name of a change of two documents at one of its places, as if it showed nowhere else."""
    context = [(key, place[key]) for key in ("status", "media_type") if key in place]
    values = finding.expected, finding.observed, finding.extra.get("detail", "")
    return fingerprint(place["rule"], shape(place["operation"]), place["location"], context, *values)


def shape(label: str) -> str:
    """An operation's label with its path parameters nameless."""
    return re.sub(r"\{[^{}]*\}", "{}", label)


BY_VALUE = frozenset({"unlisted-value", "new-branch"})
"""Kinds of which each value is a finding of its own: who accepts one new value has not accepted the next."""


LONGEST = 120
"""Characters of a text that is told from others; longer ones are not, since nobody keeps them whole."""


def value_text(value: Any) -> str:
    """A value as the text by which it is told from others; the same for all texts of more than `LONGEST` characters."""
    import json

    if isinstance(value, str) and len(value) > LONGEST:
        value = "…"
    return json.dumps(value, sort_keys=True, default=str)


def named(finding: Finding) -> Finding:
    """Return a check's finding with its fingerprint: rule, operation, status, place, kind, and the value `BY_VALUE`."""
    from dataclasses import replace

    if finding.fingerprint:
        return finding
    status = finding.extra.get("status")
    context = [("status", str(status))] if status else []
    kind = str(finding.extra.get("kind", ""))
    value = value_text(finding.observed) if kind in BY_VALUE else None
    mark = fingerprint(finding.rule, shape(finding.operation), finding.location, context, new=value, kind=kind)
    return replace(finding, fingerprint=mark)
