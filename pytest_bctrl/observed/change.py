"""A change between two documents, as far as traffic can witness it: read from a finding of the drift gate."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from pytest_bctrl.contract.schema.locations import steps
from pytest_bctrl.finding import Finding
from pytest_bctrl.fingerprint import shape

_RULES: tuple[tuple[str, bool, tuple[str, ...]], ...] = (
    ("undocumented-property", True, ("property-added-to-closed-object", "property-added")),
    ("undocumented-property", False, ("property-removed",)),
    ("unlisted-value", True, ("enum-value-added",)),
    ("unlisted-value", False, ("enum-value-removed", "became-enum", "became-not-enum")),
    ("unlisted-value", False, ("const-removed", "const-added", "const-changed")),
    ("new-branch", True, ("one-of-added", "any-of-added")),
    ("new-branch", False, ("one-of-removed", "any-of-removed")),
    ("null", True, ("became-nullable",)),
    ("null", False, ("became-not-nullable",)),
    ("type", True, ("list-of-types-widened", "type-generalized")),
    ("type", False, ("list-of-types-narrowed", "type-specialized", "type-changed")),
    ("missing", False, ("became-optional", "became-required")),
    ("status", True, ("status-added",)),
    ("status", False, ("status-removed",)),
)
"""The kind of difference by which traffic shows a change, whether it would show as something that was not there before
(a change that only takes away, or only permits an absence, does not), and the ends of the names of its rules."""

_KINSHIP = {
    "undocumented-property": frozenset({"undocumented-property", "missing"}),
    "unlisted-value": frozenset({"unlisted-value", "new-branch"}),
    "type": frozenset({"type", "null", "format"}),
    "format": frozenset({"format", "type"}),
}
"""Under which kinds a change may show, where it is not its own alone."""

_TYPES = frozenset({"null", "boolean", "integer", "number", "string", "array", "object"})


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a document.

    `kind` is None where no answer can show it. `adds` tells that upstream allows something that the vendored spec does
    not, so that it would show once the API sends it. `format` is the format that upstream now asks for, if that is it.
    """

    finding: Finding
    operation: str
    status: str
    location: str
    kind: str | None
    adds: bool
    format: str = ""

    def is_about(self, key: tuple[str, ...], seen: Finding) -> bool:
        """Whether a difference that was seen is this change's doing."""
        operation, status, location, kind, _ = key
        if self.kind is None or (operation, status) != (self.operation, self.status):
            return False
        if self.kind == "status":
            return kind == "status"
        if kind not in _KINSHIP.get(self.kind, frozenset({self.kind})):
            return False
        if self.kind == "new-branch":
            location = location.rpartition(".")[0]
        if kind in ("new-branch", "unlisted-value"):
            return location == self.location and self._names(seen.observed)
        return location == self.location

    def _names(self, value: Any) -> bool:
        """Whether the value that was seen is the one that came or went; a list that came whole names none."""
        named = [one for one in (self.finding.expected, self.finding.observed) if one is not None]
        texts = {str(one) for given in named for one in (given if isinstance(given, list) else [given])}
        return len(named) == 2 or any(text == str(value) or text.endswith(f"={value}") for text in texts)


def change_of(finding: Finding) -> Change:
    """Read a finding of the drift gate."""
    kind, adds = None, False
    if finding.direction == "response":
        kind, adds = next(((kind, adds) for kind, adds, ends in _RULES if finding.rule.endswith(ends)), (None, False))
    wanted = finding.observed if isinstance(finding.observed, str) else ""
    form = ""
    if kind == "type" and not adds and wanted and wanted not in _TYPES:
        kind, form = "format", wanted
    status = str(finding.extra.get("status", ""))
    location = "status" if kind == "status" else plain(re.sub(r"<[^<>]*>", "", finding.location))
    return Change(finding, shape(finding.operation), status, location, kind, adds, form)


def plain(location: str) -> str:
    """A location that the gate and an observation write the same: names as they are, the body itself empty."""
    if location in ("", "$"):
        return ""
    try:
        found = list(steps(location))
    except ValueError:
        return location
    parts = {"items": "[*]", "position": "[*]", "tag": ""}
    return "".join(parts.get(step.kind, f".{step.text}") for step in found).removeprefix(".")
