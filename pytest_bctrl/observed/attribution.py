"""Attributes each difference to a cause: compares the vendored spec, the upstream spec and the observed responses."""

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
from pytest_bctrl.findings.fingerprint import BY_VALUE, shape, with_fingerprint
from pytest_bctrl.observed.differences import every_difference
from pytest_bctrl.observed.facts import Facts, Observation, ObservedLocation, with_labels_replaced
from pytest_bctrl.observed.totals import Totals

Attribution: TypeAlias = Literal[
    "the API broke its contract",
    "the API is ahead of its documentation",
    "our copy is stale",
    "the documentation is ahead of the API",
    "not enough traffic to tell",
]

ORDER: tuple[Attribution, ...] = get_args(Attribution)
"""The attributions, from those that a consumer can do least about to the undecided ones."""

BROKEN, AHEAD, STALE, PROMISED, UNKNOWN = ORDER

ADDITIVE = frozenset({"undocumented-property", "unlisted-value", "new-branch", "status"})
"""Kinds of difference in which the API adds something to its documentation."""


def next_steps(check: str, suggest: str, update: str, again: str) -> Mapping[str, str]:
    """Return, for each attribution, which of these commands to run next.

    The commands check responses against the contract, suggest an overlay, update the copy of the spec, and repeat the
    run.
    """
    return dict(zip(ORDER, (check, suggest, update, again, again), strict=True))


def attribute_changes(
    vendored: Contract,
    upstream: Contract,
    observation: Observation,
    changes: Sequence[Finding],
    commands: Mapping[str, str],
) -> list[Finding]:
    """Return every difference between the two specs and the observed responses once, with its cause, in `ORDER`.

    `changes` are the findings of the drift gate from the vendored spec to the upstream spec. The observation is
    compared with both contracts. Differences that the observation does not decide are attributed to `not enough
    traffic to tell`. `extra` has the attribution as `moved`, a line for each source as `witnesses`, and one of the
    `commands` as `next`.
    """
    context = _ContractComparison(vendored, upstream, observation)
    findings = [_attributed_change(context, change_of(change)) for change in changes]
    keys = [*context.old, *context.new]
    findings += [_attributed_difference(context, key) for key in keys if key not in context.attributed]
    findings.sort(key=_attribution_order)
    return [with_fingerprint(_with_next_step(finding, commands)) for finding in findings]


def _attribution_order(finding: Finding) -> int:
    """Return the position of a finding's attribution in `ORDER`."""
    return ORDER.index(finding.extra["moved"])


def _with_next_step(finding: Finding, commands: Mapping[str, str]) -> Finding:
    """Return a finding with the command to run next."""
    return replace(finding, extra={**finding.extra, "next": commands[finding.extra["moved"]]})


def _with_attribution(
    finding: Finding, attribution: Attribution, vendored: str, upstream: str, observed: str
) -> Finding:
    """Return a finding with its attribution, and what each document and the observation say."""
    evidence = {"vendored": vendored, "upstream": upstream, "observed": observed}
    return replace(finding, extra={**finding.extra, "moved": attribution, "witnesses": evidence})


class Key(NamedTuple):
    """The identity of a difference: `operation` without parameter names, plain `location`, for some kinds a value."""

    operation: str
    status: str
    location: str
    kind: str
    value: str


UNDOCUMENTED = "does not document it"
AGREES = "agrees with the responses"


class _ContractComparison:
    """An observation compared with both contracts; operations match regardless of the names of path parameters.

    `old` are the differences from the vendored contract, `new` those from the upstream contract. `labels` are the
    observation's labels of operations, by shape; `removed` the shapes that upstream no longer has; `attributed` the
    differences that have an attribution already.
    """

    def __init__(self, vendored: Contract, upstream: Contract, observation: Observation) -> None:
        labels = {shape(operation.label): operation.label for operation in upstream.operations}
        vendored_labels = [operation.label for operation in vendored.operations]
        upstream_names = {label: labels.get(shape(label), label) for label in vendored_labels}
        self.vendored = vendored
        self.labels = {shape(label): label for label in vendored_labels}
        self.observation = observation
        self.totals = Totals(observation)
        self.old = _by_key(every_difference(vendored, observation))
        self.new = _by_key(every_difference(upstream, with_labels_replaced(observation, upstream_names)))
        self.removed = self.labels.keys() - labels.keys()
        self.attributed: set[Key] = set()


def _by_key(findings: list[Finding]) -> dict[Key, Finding]:
    """Return findings by the key of their difference."""
    return {_difference_key(finding): finding for finding in findings}


def _difference_key(finding: Finding) -> Key:
    """Return the key of a difference, equal for the same difference from either document."""
    kind = str(finding.extra["kind"])
    value = ""
    if kind in ("unlisted-value", "new-branch", "type"):
        value = str(finding.observed)
    return Key(shape(finding.operation), str(finding.extra["status"]), plain_location(finding.location), kind, value)


def _attributed_difference(context: _ContractComparison, key: Key) -> Finding:
    """Return an observed difference, which no change between the documents explains, with its attribution."""
    context.attributed.add(key)
    old = context.old.get(key)
    finding = context.new[key] if old is None else old
    if old is not None and key.operation in context.removed:
        return _with_attribution(
            finding, _ahead_or_broken(key), _document_text(old), "does not have this operation", _evidence_text(finding)
        )
    vendored, upstream = _document_position(context.old, key), _document_position(context.new, key)
    attribution = STALE if upstream == AGREES else PROMISED
    if old is None and key.kind == "missing":
        attribution = PROMISED
    elif AGREES not in (vendored, upstream):
        attribution = _ahead_or_broken(key)
    return _with_attribution(finding, attribution, vendored, upstream, _evidence_text(finding))


def _document_position(differences: Mapping[Key, Finding], key: Key) -> str:
    """Return what a document says about a difference, given its own differences from the observation."""
    finding = differences.get(key)
    if finding is None and _is_undocumented(differences, key):
        return UNDOCUMENTED
    return _document_text(finding)


def _ahead_or_broken(key: Key) -> Attribution:
    """Return `AHEAD` if the API adds something that neither document has, `BROKEN` for any other difference."""
    return AHEAD if key.kind in ADDITIVE else BROKEN


def _is_undocumented(differences: Mapping[Key, Finding], key: Key) -> bool:
    """Return whether a document lacks the property at the location of `key`, or one that contains it."""
    undocumented = (other for other in differences if other.kind == "undocumented-property" and other[:2] == key[:2])
    return any(re.match(rf"{re.escape(other.location)}([.\[]|$)", key.location) for other in undocumented)


def _document_text(finding: Finding | None) -> str:
    """Return what a document says about an observed value; `finding` is its difference from the value, if any."""
    if finding is None:
        return AGREES
    texts = _joined_text(finding.expected)
    return {
        "undocumented-property": UNDOCUMENTED,
        "missing": "requires it",
        "status": f"documents {texts}",
    }.get(str(finding.extra["kind"]), f"says {texts}")


def _joined_text(value: Any) -> str:
    """Return a list as text with commas, a boolean as in JSON, and any other value as text."""
    if isinstance(value, list):
        return ", ".join(map(_joined_text, value))
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def _evidence_text(finding: Finding) -> str:
    """Return what was observed, how often, and at which location: `null: 1 of 10, as at [3].name`."""
    kind, text = finding.extra["kind"], finding.message
    if kind in ("unlisted-value", "new-branch", "status"):
        text = str(finding.observed)
    elif kind == "undocumented-property":
        text = "present"
    evidence = f"{text}: {finding.count} of {finding.total}"
    if isinstance(finding.sample, dict) and finding.sample.get("location"):
        return f"{evidence}, as at {finding.sample['location']}"
    return evidence


def _attributed_change(context: _ContractComparison, change: DocumentChange) -> Finding:
    """Return a change between the documents with its attribution, by which of its sides was observed."""
    old = _differences_of(change, context.old, context.new)
    new = _differences_of(change, context.new, context.old)
    context.attributed.update(old)
    if old and new and change.kind == "undocumented-property":
        # The new property is one finding. If it breaks what upstream says about it, that is another.
        new = {}
    context.attributed.update(new)
    evidence = "; ".join(_evidence_text(next(iter(findings.values()))) for findings in (old, new) if findings)
    if old and new:
        attribution = BROKEN
    elif old:
        attribution = STALE
    elif new:
        attribution = PROMISED
    else:
        attribution, evidence = _unobserved_attribution(context, change)
    finding = change.finding
    vendored, upstream = _side_text(change, finding.expected), _side_text(change, finding.observed)
    return _with_attribution(finding, attribution, vendored, upstream, evidence)


def _differences_of(
    change: DocumentChange, differences: Mapping[Key, Finding], excluded: Mapping[Key, Finding]
) -> dict[Key, Finding]:
    """Return the differences that a change causes, except those from the other document too."""
    return {
        key: finding for key, finding in differences.items() if key not in excluded and change.is_about(key, finding)
    }


def _side_text(change: DocumentChange, value: Any) -> str:
    """Return what one document says about a change, for display; `none` if it says nothing."""
    if value is None:
        return "none"
    if isinstance(value, bool) and change.kind == "null":
        return "allows null" if value else "allows no null"
    return _joined_text(value)


def _unobserved_attribution(context: _ContractComparison, change: DocumentChange) -> tuple[Attribution, str]:
    """Return the attribution of a change that the observation contradicts on neither side, and the evidence."""
    label = context.labels.get(change.operation, change.operation)
    if change.finding.rule.startswith(("api-path-removed", "api-removed")):
        responses = sum(count for (name, _), count in context.observation.statuses.items() if name == label)
        if not responses:
            return UNKNOWN, "no request was sent to it"
        return PROMISED, f"still served (responses: {responses})"
    if change.kind is None:
        return UNKNOWN, "responses cannot show it: only properties, types, values and formats are recorded"
    if change.kind == "status":
        return UNKNOWN, "a status is observed only if a request causes it"
    location = ObservedLocation(label, change.status, change.location)
    count = context.totals.seen[location]
    if change.kind in ("undocumented-property", "missing"):
        count = context.totals.candidates(location)
    if not count:
        return UNKNOWN, "no value was observed there"
    if reason := _reason_inconclusive(context, change, location):
        return UNKNOWN, reason
    if any(change.is_about(key, finding) for key, finding in context.new.items()):
        return UNKNOWN, "the observed values match neither document"
    if change.adds:
        return PROMISED, f"not observed in {count} values that could show it"
    return UNKNOWN, f"{count} values match both documents; a value that only one of them allows would decide"


def _reason_inconclusive(context: _ContractComparison, change: DocumentChange, location: ObservedLocation) -> str:
    """Return why the values at the location of a change do not show it; empty if they could."""
    facts = Facts()
    for observed, observed_facts in context.observation.places.items():
        if observed[:2] == location[:2] and plain_location(observed.location) == location.location:
            facts.add(observed_facts)
    if change.kind == "unlisted-value" and not facts.values and not facts.others:
        return "values are recorded only if the vendored spec lists them"
    if change.kind == "format" and change.format not in facts.formats:
        return f"no check looked for the format {change.format}"
    if change.adds and change.kind == "undocumented-property" and _is_free_form(context.vendored, location):
        return "the object is free-form in the vendored spec, so its properties were not recorded"
    return ""


def _is_free_form(contract: Contract, location: ObservedLocation) -> bool:
    """Return whether the object that contains a location may have any property, or is undocumented itself."""
    parent = location.location.rpartition(".")[0]
    node = node_at(body_node(contract, location.operation, location.status), parent)
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
"""The kind of observed difference that a change causes, whether the change adds something, and its rules' suffixes.

A change that only removes something, or only permits an absence, adds nothing.
"""

_KINSHIP = {
    "undocumented-property": frozenset({"undocumented-property", "missing"}),
    "unlisted-value": frozenset({"unlisted-value", "new-branch"}),
    "type": frozenset({"type", "null", "format"}),
    "format": frozenset({"format", "type"}),
}
"""The kinds of observed difference that a kind of change can cause, if there are several."""


@dataclass(frozen=True, slots=True)
class DocumentChange:
    """One change between the documents.

    `kind` is None if no response can show the change. `adds` is whether upstream allows something that the vendored
    spec does not, so that a response can show it. `format` is the format that upstream now requires, if any.
    """

    finding: Finding
    operation: str
    status: str
    location: str
    kind: str | None
    adds: bool
    format: str = ""

    def is_about(self, key: tuple[str, ...], difference: Finding) -> bool:
        """Return whether this change explains an observed difference."""
        operation, status, location, kind, _ = key
        if self.kind is None or (operation, status) != (self.operation, self.status):
            return False
        if kind not in _KINSHIP.get(self.kind, frozenset({self.kind})):
            return False
        if self.kind == "new-branch":
            location = location.rpartition(".")[0]
        return location == self.location and (kind not in BY_VALUE or self._is_of_value(difference.observed))

    def _is_of_value(self, value: Any) -> bool:
        """Return whether the observed value was added or removed; true if the change has an old and a new value."""
        sides = [side for side in (self.finding.expected, self.finding.observed) if side is not None]
        if len(sides) == 2:
            return True
        texts: set[str] = set()
        for side in sides:
            texts.update(map(str, side if isinstance(side, list) else [side]))
        return any(text == str(value) or text.endswith(f"={value}") for text in texts)


def change_of(finding: Finding) -> DocumentChange:
    """Return the change that a finding of the drift gate is about."""
    kind, adds = _kind_of(finding)
    new_format, new_value = "", finding.observed
    if kind == "type" and not adds and isinstance(new_value, str) and new_value and new_value not in TYPES:
        kind, new_format = "format", new_value
    status = str(finding.extra.get("status", ""))
    location = "status"
    if kind != "status":
        location = plain_location(re.sub(r"<[^<>]*>", "", finding.location))
    return DocumentChange(finding, shape(finding.operation), status, location, kind, adds, new_format)


def _kind_of(finding: Finding) -> tuple[str | None, bool]:
    """Return the kind of difference by which responses show a change, or None, and whether it adds something."""
    if finding.direction == "response":
        for kind, adds, suffixes in _RULES:
            if finding.rule.endswith(suffixes):
                return kind, adds
    return None, False


def plain_location(location: str) -> str:
    """Return a location in the form that drift gate and observation share, or unchanged if it cannot be read."""
    if location in ("", "$"):
        return ""
    try:
        steps = list(parse_steps(location))
    except ValueError:
        return location
    parts = {"items": "[*]", "position": "[*]", "tag": ""}
    return "".join(parts.get(step.kind, f".{step.text}") for step in steps).removeprefix(".")
