"""What every check and the drift gate return, and all that a report reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
