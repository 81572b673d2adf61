"""Who moved: places each difference by three witnesses, the vendored spec, the upstream spec and what was observed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple, TypeAlias, get_args

from pytest_bctrl.contract.model import Contract
from pytest_bctrl.contract.schema.locations import parse_steps
from pytest_bctrl.contract.schema.node import body_node, node_at, with_open_branches
from pytest_bctrl.contract.schema.ref import TYPES
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.findings.fingerprint import BY_VALUE, named, shape
from pytest_bctrl.observed.differences import every_difference
from pytest_bctrl.observed.facts import Facts, Observation, Place, relabelled
from pytest_bctrl.observed.totals import Totals

Moved: TypeAlias = Literal[
    "the API broke its contract",
    "the API is ahead of its documentation",
    "our copy is stale",
    "the documentation is ahead of the API",
    "not enough traffic to tell",
]

ORDER: tuple[Moved, ...] = get_args(Moved)
"""From what a consumer can do least about to what nobody can tell yet."""

BROKEN, AHEAD, STALE, PROMISED, UNKNOWN = ORDER

ADDITIVE = frozenset({"undocumented-property", "unlisted-value", "new-branch", "status"})
"""Kinds of difference by which an API says more than its documentation, rather than something else."""


def next_steps(check: str, suggest: str, update: str, again: str) -> Mapping[str, str]:
    """Return the command to type next for each name, of those that hold answers to the contract, write what was seen as
    an overlay, update the copy of the spec, and ask again.
    """
    return dict(zip(ORDER, (check, suggest, update, again, again), strict=True))


def place(
    vendored: Contract,
    upstream: Contract,
    observation: Observation,
    changes: Sequence[Finding],
    commands: Mapping[str, str],
) -> list[Finding]:
    """Return every difference between the three witnesses once, in `ORDER`.

    `changes` is what the drift gate found from the vendored spec to the upstream one. The same observation is held to
    both contracts. What traffic cannot tell is placed under `not enough traffic to tell`, never under one of the names.
    `extra` has who `moved`, what each of the `witnesses` says, in a line each, and which of the `commands` is `next`.
    """
    context = _Scene(vendored, upstream, observation)
    placed = [_changed(context, change_of(change)) for change in changes]
    placed += [_seen(context, key) for key in [*context.old, *context.new] if key not in context.told]
    placed.sort(key=lambda one: ORDER.index(one.extra["moved"]))
    return [named(replace(one, extra={**one.extra, "next": commands[one.extra["moved"]]})) for one in placed]


def _placed(finding: Finding, moved: Moved, vendored: str, upstream: str, observed: str) -> Finding:
    witnesses = {"vendored": vendored, "upstream": upstream, "observed": observed}
    return replace(finding, extra={**finding.extra, "moved": moved, "witnesses": witnesses})


class Key(NamedTuple):
    """What makes a difference one: `operation` without names, plain `location`, and the value where that tells."""

    operation: str
    status: str
    location: str
    kind: str
    value: str


UNDOCUMENTED = "does not document it"
AGREES = "agrees with what was seen"


class _Scene:
    """What was seen, held to both contracts; operations belong together whatever their path parameters are called.

    `labels` are the observation's names of operations, by shape; `lacking` those that upstream no longer has; `told`
    are the differences that have been placed.
    """

    def __init__(self, vendored: Contract, upstream: Contract, observation: Observation) -> None:
        labels = {shape(operation.label): operation.label for operation in upstream.operations}
        names = {one.label: labels.get(shape(one.label), one.label) for one in vendored.operations}
        self.vendored = vendored
        self.labels = {shape(label): label for label in names}
        self.observation = observation
        self.totals = Totals(observation)
        self.old = {_key(one): one for one in every_difference(vendored, observation)}
        self.new = {_key(one): one for one in every_difference(upstream, relabelled(observation, names))}
        self.lacking = self.labels.keys() - labels.keys()
        self.told: set[Key] = set()


def _key(finding: Finding) -> Key:
    kind = str(finding.extra["kind"])
    which = str(finding.observed) if kind in ("unlisted-value", "new-branch", "type") else ""
    return Key(shape(finding.operation), str(finding.extra["status"]), plain(finding.location), kind, which)


def _seen(context: _Scene, key: Key) -> Finding:
    """Place a difference that was seen and that no change of the documents explains."""
    context.told.add(key)
    old, new = context.old.get(key), context.new.get(key)
    finding = context.old[key] if old is not None else context.new[key]
    if old is not None and key.operation in context.lacking:
        return _placed(finding, _by_api(key), _says(old), "has no such operation", _evidence(finding))
    vendored = UNDOCUMENTED if old is None and _is_unknown(context.old, key) else _says(old)
    upstream = UNDOCUMENTED if new is None and _is_unknown(context.new, key) else _says(new)
    moved = STALE if upstream == AGREES else PROMISED
    if old is None and key.kind == "missing":
        moved = PROMISED
    elif AGREES not in (vendored, upstream):
        moved = _by_api(key)
    return _placed(finding, moved, vendored, upstream, _evidence(finding))


def _by_api(key: Key) -> Moved:
    """Who moved where the API does what none of the documents says."""
    return AHEAD if key.kind in ADDITIVE else BROKEN


def _is_unknown(found: Mapping[Key, Finding], key: Key) -> bool:
    """Whether a document does not know of the property at a place, or of one above: what it is, it leaves open."""
    above = (one for one in found if one.kind == "undocumented-property" and one[:2] == key[:2])
    return any(re.match(rf"{re.escape(one.location)}([.\[]|$)", key.location) for one in above)


def _says(finding: Finding | None) -> str:
    """What a document says of a place at which something was seen."""
    if finding is None:
        return AGREES
    expected = finding.expected
    texts = ", ".join(map(str, expected)) if isinstance(expected, list) else str(expected)
    return {
        "undocumented-property": UNDOCUMENTED,
        "missing": "requires it",
        "status": f"documents {texts}",
    }.get(str(finding.extra["kind"]), f"says {texts}")


def _evidence(finding: Finding) -> str:
    where = finding.sample.get("location") if isinstance(finding.sample, dict) else None
    kind = finding.extra["kind"]
    what = f"{finding.observed} seen" if kind in ("unlisted-value", "new-branch", "status") else finding.message
    what = "seen" if kind == "undocumented-property" else what
    at = f", as at {where}" if where else ""
    return f"{what}: {finding.count} of {finding.total}{at}"


def _changed(context: _Scene, change: Change) -> Finding:
    """Place a change of the documents, by what was seen of it."""
    old = {key: one for key, one in context.old.items() if key not in context.new and change.is_about(key, one)}
    new = {key: one for key, one in context.new.items() if key not in context.old and change.is_about(key, one)}
    context.told.update(old)
    if old and new and change.kind == "undocumented-property":
        # That it came is reported; what else upstream says of it, and the API does otherwise, is a finding of its own.
        new = {}
    context.told.update(new)
    evidence = "; ".join(_evidence(next(iter(found.values()))) for found in (old, new) if found)
    moved = (BROKEN if new else STALE) if old else PROMISED
    if not old and not new:
        moved, evidence = _unseen(context, change)
    finding = change.finding
    return _placed(finding, moved, _shown(change, finding.expected), _shown(change, finding.observed), evidence)


def _shown(change: Change, value: Any) -> str:
    if value is None:
        return "nothing of the kind"
    if isinstance(value, bool):
        return ("allows null" if value else "allows no null") if change.kind == "null" else ("yes" if value else "no")
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _unseen(context: _Scene, change: Change) -> tuple[Moved, str]:
    """Who moved, where what was seen contradicts neither document; and how much could have shown it."""
    label = context.labels.get(change.operation, change.operation)
    if change.finding.rule.startswith(("api-path-removed", "api-removed")):
        asked = sum(count for (name, _), count in context.observation.statuses.items() if name == label)
        return (PROMISED, f"still answered, {asked} times") if asked else (UNKNOWN, "it was not asked")
    if change.kind is None:
        return UNKNOWN, "answers cannot show it: they are kept by property, type, value and format alone"
    if change.kind == "status":
        return UNKNOWN, "a status shows only where a request provokes it"
    at = Place(label, change.status, change.location)
    of_objects = change.kind in ("undocumented-property", "missing")
    looked = context.totals.looked_at(at) if of_objects else context.totals.seen[at]
    why = _blind(context, change, at) if looked else "nothing like it was seen"
    if not why and any(change.is_about(key, one) for key, one in context.new.items()):
        why = "what was seen there is as neither document says"
    if not why and change.adds:
        return PROMISED, f"never seen in {looked} that could have shown it"
    return (
        UNKNOWN,
        why or f"{looked} seen, and all are as both documents say; what only one allows would decide",
    )


def _blind(context: _Scene, change: Change, at: Place) -> str:
    """Why what was seen says nothing of a change, though something was seen at its place; empty where it does."""
    facts = Facts()
    for place_, one in context.observation.places.items():
        if place_[:2] == at[:2] and plain(place_.location) == at.location:
            facts.add(one)
    if change.kind == "unlisted-value" and not facts.values and not facts.others:
        return "values are kept only where the vendored spec lists them"
    if change.kind == "format" and change.format not in facts.formats:
        return f"nobody looked for the format {change.format}"
    if change.adds and change.kind == "undocumented-property" and _is_free(context.vendored, at):
        return "the vendored spec leaves the object free-form, so that nobody looked into it"
    return ""


def _is_free(contract: Contract, at: Place) -> bool:
    node = node_at(body_node(contract, at.operation, at.status), at.location.rpartition(".")[0])
    return node is None or with_open_branches(node, "object").is_open


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
        if kind not in _KINSHIP.get(self.kind, frozenset({self.kind})):
            return False
        if self.kind == "new-branch":
            location = location.rpartition(".")[0]
        return location == self.location and (kind not in BY_VALUE or self._names(seen.observed))

    def _names(self, value: Any) -> bool:
        """Whether the value that was seen is the one that came or went; a list that came whole names none."""
        named = [one for one in (self.finding.expected, self.finding.observed) if one is not None]
        texts = {str(one) for given in named for one in (given if isinstance(given, list) else [given])}
        return len(named) == 2 or any(text == str(value) or text.endswith(f"={value}") for text in texts)


def change_of(finding: Finding) -> Change:
    """Read a finding of the drift gate."""
    shows = (one[:2] for one in _RULES if finding.direction == "response" and finding.rule.endswith(one[2]))
    kind, adds = next(shows, (None, False))
    wanted = finding.observed if isinstance(finding.observed, str) else ""
    form = ""
    if kind == "type" and not adds and wanted and wanted not in TYPES:
        kind, form = "format", wanted
    status = str(finding.extra.get("status", ""))
    location = "status" if kind == "status" else plain(re.sub(r"<[^<>]*>", "", finding.location))
    return Change(finding, shape(finding.operation), status, location, kind, adds, form)


def plain(location: str) -> str:
    """A location that the gate and an observation write the same: names as they are, the body itself empty."""
    if location in ("", "$"):
        return ""
    try:
        found = list(parse_steps(location))
    except ValueError:
        return location
    parts = {"items": "[*]", "position": "[*]", "tag": ""}
    return "".join(parts.get(step.kind, f".{step.text}") for step in found).removeprefix(".")
