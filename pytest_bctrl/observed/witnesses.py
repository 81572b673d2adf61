"""Who moved: places each difference by three witnesses, the vendored spec, the upstream spec and what was observed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

from pytest_bctrl.contract.model import Contract
from pytest_bctrl.finding import Finding
from pytest_bctrl.fingerprint import named
from pytest_bctrl.observed.change import Change, change_of, plain, shape
from pytest_bctrl.observed.differences import every_difference
from pytest_bctrl.observed.facts import Facts, Observation, Place
from pytest_bctrl.observed.location import untagged
from pytest_bctrl.observed.node import body_node, node_at
from pytest_bctrl.observed.relabel import relabelled
from pytest_bctrl.observed.totals import Totals

Moved: TypeAlias = Literal[
    "the API broke its contract",
    "the API is ahead of its documentation",
    "our copy is stale",
    "the documentation is ahead of the API",
    "no witness",
]

ORDER: tuple[Moved, ...] = (
    "the API broke its contract",
    "the API is ahead of its documentation",
    "our copy is stale",
    "the documentation is ahead of the API",
    "no witness",
)
"""From what a consumer can do least about to what nobody can tell yet."""

ADDITIVE = frozenset({"undocumented-property", "unlisted-value", "new-branch", "status"})
"""Kinds of difference by which an API says more than its documentation, rather than something else."""


@dataclass(frozen=True, slots=True)
class Placed:
    """One difference, with who moved and what each witness says, in a line each."""

    finding: Finding
    moved: Moved
    vendored: str
    upstream: str
    observed: str

    def as_finding(self, command: str) -> Finding:
        """The finding with all of it under `moved`, `witnesses` and `next`, which is the command to type."""
        said = {"vendored": self.vendored, "upstream": self.upstream, "observed": self.observed}
        extra = {**self.finding.extra, "moved": self.moved, "witnesses": said, "next": command}
        return named(replace(self.finding, extra=extra))


def place(vendored: Contract, upstream: Contract, observation: Observation, changes: Sequence[Finding]) -> list[Placed]:
    """Return every difference between the three witnesses once, in `ORDER`.

    `changes` is what the drift gate found from the vendored spec to the upstream one. The same observation is held to
    both contracts. What traffic cannot tell is placed under `no witness`, and never under one of the names.
    """
    scene = _Scene.of(vendored, upstream, observation)
    placed = [_changed(scene, change_of(change)) for change in changes]
    placed += [_seen(scene, key) for key in [*scene.old, *scene.new] if key not in scene.told]
    return sorted(placed, key=lambda one: ORDER.index(one.moved))


Key: TypeAlias = tuple[str, str, str, str, str]
"""Shape of the operation, status, plain location, kind, and the value where each is a difference of its own."""


@dataclass(slots=True)
class _Scene:
    """What was seen, held to both contracts."""

    vendored: Contract
    observation: Observation
    totals: Totals
    old: dict[Key, Finding]
    new: dict[Key, Finding]
    lacking: frozenset[str]
    told: set[Key] = field(default_factory=set)

    @classmethod
    def of(cls, vendored: Contract, upstream: Contract, observation: Observation) -> _Scene:
        """Compute both sets of differences; operations belong together whatever their path parameters are called."""
        labels = {shape(operation.label): operation.label for operation in upstream.operations}
        names = {one.label: labels.get(shape(one.label), one.label) for one in vendored.operations}
        old = _keyed(every_difference(vendored, observation))
        there = relabelled(observation, names)
        new = _keyed(every_difference(upstream, there))
        lacking = frozenset(shape(label) for label in names) - labels.keys()
        return cls(vendored, observation, Totals.of(observation), old, new, lacking)

    def label(self, operation: str) -> str:
        """The observation's name of an operation, by its shape."""
        known = (one.label for one in self.vendored.operations if shape(one.label) == operation)
        return next(known, operation)


def _keyed(found: Sequence[Finding]) -> dict[Key, Finding]:
    return {_key(finding): finding for finding in found}


def _key(finding: Finding) -> Key:
    kind = str(finding.extra["kind"])
    which = str(finding.observed) if kind in ("unlisted-value", "new-branch", "type") else ""
    return shape(finding.operation), str(finding.extra["status"]), plain(finding.location), kind, which


def _seen(scene: _Scene, key: Key) -> Placed:
    """Place a difference that was seen and that no change of the documents explains."""
    scene.told.add(key)
    old, new = scene.old.get(key), scene.new.get(key)
    finding = scene.old[key] if old is not None else scene.new[key]
    is_gone = old is not None and key[0] in scene.lacking
    moved: Moved
    if old is not None and (new is not None or is_gone):
        moved = "the API is ahead of its documentation" if key[3] in ADDITIVE else "the API broke its contract"
    else:
        moved = "our copy is stale" if old is not None else "the documentation is ahead of the API"
    return Placed(finding, moved, _says(old), "has no such operation" if is_gone else _says(new), _evidence(finding))


def _says(finding: Finding | None) -> str:
    """What a document says of a place at which something was seen."""
    if finding is None:
        return "agrees with what was seen"
    expected = finding.expected
    texts = ", ".join(map(str, expected)) if isinstance(expected, list) else str(expected)
    return {
        "undocumented-property": "does not document it",
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


def _changed(scene: _Scene, change: Change) -> Placed:
    """Place a change of the documents, by what was seen of it."""
    old = [one for key, one in scene.old.items() if key not in scene.new and change.is_about(key, one)]
    new = [one for key, one in scene.new.items() if key not in scene.old and change.is_about(key, one)]
    scene.told.update(key for key, one in [*scene.old.items(), *scene.new.items()] if one in old or one in new)
    if old:
        return _placed(change, "our copy is stale", _evidence(old[0]))
    if new:
        return _placed(change, "the documentation is ahead of the API", _evidence(new[0]))
    return _placed(change, *_unseen(scene, change))


def _placed(change: Change, moved: Moved, observed: str) -> Placed:
    finding = change.finding
    return Placed(finding, moved, _shown(finding.expected), _shown(finding.observed), observed)


def _shown(value: Any) -> str:
    if value is None:
        return "nothing of the kind"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _unseen(scene: _Scene, change: Change) -> tuple[Moved, str]:
    """Who moved, where what was seen contradicts neither document; and how much could have shown it."""
    label = scene.label(change.operation)
    if change.removes_operation:
        asked = sum(count for (name, _), count in scene.observation.statuses.items() if name == label)
        if asked:
            return "the documentation is ahead of the API", f"still answered, {asked} times"
        return "no witness", "it was not asked"
    if change.kind is None:
        return "no witness", "answers cannot show it: they are kept by property, type, value and format alone"
    at = Place(label, change.status, change.location)
    of_objects = change.kind in ("undocumented-property", "missing")
    looked = scene.totals.looked_at(at) if of_objects else scene.totals.seen[at]
    if not looked:
        return "no witness", "nothing like it was seen"
    blind = _blind(scene, change, at)
    if blind:
        return "no witness", blind
    if change.adds:
        return "the documentation is ahead of the API", f"never seen in {looked} that could have shown it"
    return "our copy is stale", f"{looked} seen, and all are as upstream says"


def _blind(scene: _Scene, change: Change, at: Place) -> str:
    """Why what was seen says nothing of a change, though something was seen at its place; empty where it does."""
    facts = Facts()
    for place_, one in scene.observation.places.items():
        if place_[:2] == at[:2] and plain(untagged(place_.location)) == at.location:
            facts.add(one)
    if change.kind == "status":
        return "a status shows only where a request provokes it"
    if change.kind == "unlisted-value" and not facts.values and not facts.others:
        return "values are kept only where the vendored spec lists them"
    if change.kind == "format" and change.format not in facts.formats:
        return f"nobody looked for the format {change.format}"
    if change.adds and change.kind == "undocumented-property" and _is_free(scene.vendored, at):
        return "the vendored spec leaves the object free-form, so that nobody looked into it"
    return ""


def _is_free(contract: Contract, at: Place) -> bool:
    root = body_node(contract, at.operation, at.status)
    parent = at.location.rpartition(".")[0]
    node = None if root is None else node_at(root, parent)
    return node is None or node.is_open
