"""What every check and the drift gate return, all that a report reads.

Its fingerprint is a name that stays: when lines move, counts differ or path parameters are renamed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

Level = Literal["error", "warning", "info"]
FailOn = Literal["error", "warning", "info", "never"]
Direction = Literal["none", "request", "response"]

LEVELS: tuple[Level, ...] = get_args(Level)
"""From worst to mildest."""

FAIL_ON: tuple[FailOn, ...] = get_args(FailOn)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check or the drift gate found.

    `location` is generalised (`runtimes[*].status`): a list index never appears in it. `count` of `total`
    places that were looked at show the finding; `sample` is one of them, with its exact place. In a drift
    finding `expected` is the old side and `observed` the new one.
    """

    rule: str
    level: Level
    location: str
    message: str
    expected: Any = None
    observed: Any = None
    count: int = 1
    total: int | None = None
    sample: Any = None
    operation: str = ""
    direction: Direction = "none"
    fingerprint: str = ""
    reproduce: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The finding as plain JSON data, keys in the order of the fields."""
        values = {name: getattr(self, name) for name in self.__slots__ if name != "extra"}
        return {**values, **self.extra}


def from_dict(values: Mapping[str, Any]) -> Finding:
    """Return the finding that `as_dict` wrote; what is no field of it is `extra`."""
    own = {name: value for name, value in values.items() if name in Finding.__slots__ and name != "extra"}
    return Finding(**own, extra={name: value for name, value in values.items() if name not in Finding.__slots__})


def at_or_above(findings: Iterable[Finding], fail_on: FailOn) -> list[Finding]:
    """Return the findings that fail a run under `fail_on`, in their order; accepted ones never do."""
    if fail_on == "never":
        return []
    limit = LEVELS.index(fail_on)
    return [
        finding for finding in findings if LEVELS.index(finding.level) <= limit and not finding.extra.get("accepted")
    ]


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
    shape = re.sub(r"\{[^{}]*\}", "{}", place["operation"])
    values = finding.expected, finding.observed, finding.extra.get("detail", "")
    return fingerprint(place["rule"], shape, place["location"], context, *values)


BY_VALUE = frozenset({"unlisted-value", "new-branch"})
"""Kinds of which each value is a finding of its own: who bears one new value has not borne the next."""


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
    shape = re.sub(r"\{[^{}]*\}", "{}", finding.operation)
    kind = str(finding.extra.get("kind", ""))
    value = value_text(finding.observed) if kind in BY_VALUE else None
    mark = fingerprint(finding.rule, shape, finding.location, context, new=value, kind=kind)
    return replace(finding, fingerprint=mark)
