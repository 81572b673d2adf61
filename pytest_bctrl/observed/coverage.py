"""Measures how much of a contract the observed responses exercised: every point, and how often it was seen."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from pytest_bctrl.contract.budget import COMBINATIONS, Budget, BudgetError
from pytest_bctrl.contract.engine import keyword_object_count
from pytest_bctrl.contract.model import Contract, Operation
from pytest_bctrl.contract.schema.applicators import Applicator, Condition
from pytest_bctrl.contract.schema.locations import display_location, split_location, without_tags
from pytest_bctrl.contract.schema.node import Node, build_body_node
from pytest_bctrl.contract.schema.ref import TYPES, json_type_of
from pytest_bctrl.contract.unvalidated_bodies import unvalidated_media_types
from pytest_bctrl.observed.facts import Facts, Observation

PointKind = Literal[
    "status", "parameter", "property", "absent", "type", "null", "enum", "branch", "items", "empty", "format", "body"
]


@dataclass(frozen=True, slots=True)
class Point:
    """One thing that the contract allows and a run can exercise.

    `label` is a short description (`null`, `"failed"`, `absent`, `kind=browser`); `seen` is how often it was observed.
    `name` is the display name of a branch.
    """

    operation: str
    status: str
    location: str
    kind: PointKind
    label: str
    seen: int
    name: str = ""


@dataclass(frozen=True, slots=True)
class Coverage:
    """All points of the operations that have a safe method or were exercised, in the order of the document.

    `not_measured` has a line for each body that is not validated, and for each body or location with more combinations
    than the budget allows.
    """

    points: tuple[Point, ...]
    not_measured: tuple[str, ...] = ()

    @property
    def seen(self) -> int:
        """The number of points that were exercised at least once."""
        return sum(1 for point in self.points if point.seen)

    @property
    def percent(self) -> float:
        """The percentage of points that were exercised; 0 if there are none."""
        if not self.points:
            return 0.0
        return 100 * self.seen / len(self.points)


def coverage(contract: Contract, observation: Observation) -> Coverage:
    """Return the coverage of the contract by an observation.

    An operation with an unsafe method counts if it was exercised, because the contract suite never sends its requests.
    Branches without a distinguishing property are identified by the schemas that a value conforms to. A recursive
    schema is counted once, and values that the contract leaves free-form are not counted.
    """
    measure = _Measure(contract, observation, Budget.of_contract(keyword_object_count(contract)))
    exercised = {label for label, _ in observation.statuses}
    counted = (operation for operation in contract.operations if operation.is_safe or operation.label in exercised)
    points = [point for operation in counted for point in measure.operation(operation)]
    return Coverage(tuple(points), tuple(measure._reasons_not_measured))


@dataclass
class _Measure:
    """One measurement of a contract.

    `ambiguous` has a line for each location with more combinations than the budget allows, and `beyond` the names of
    such responses, and of those with a body that is not validated, by the reason.
    """

    contract: Contract
    observation: Observation
    budget: Budget
    ambiguous: list[str] = field(default_factory=list)
    beyond: dict[str, list[str]] = field(default_factory=dict)

    @property
    def _reasons_not_measured(self) -> list[str]:
        """The lines for each body that is not validated, and each schema and location that is beyond the budget."""
        lines = []
        for reason, responses in self.beyond.items():
            further = len(responses) - 1
            suffix = ""
            if further == 1:
                suffix = " and 1 other response"
            elif further:
                suffix = f" and {further} other responses"
            lines.append(f"coverage of {responses[0]}{suffix}: {reason}")
        return [*lines, *self.ambiguous]

    def operation(self, operation: Operation) -> Iterator[Point]:
        """Yield the points of one operation: parameters, statuses and bodies."""
        label, seen = operation.label, self.observation
        for parameter in operation.parameters:
            count = seen.parameters[label, f"{parameter.in_}:{parameter.name}"]
            yield Point(label, "", parameter.in_, "parameter", parameter.name, count)
        documented = {code: operation.response_for(int(code)) for name, code in seen.statuses if name == label}
        for status, response in operation.responses.items():
            codes = {code for code, spec in documented.items() if spec is not None and spec.status == status}
            count = sum(seen.statuses[label, code] for code in codes)
            yield Point(label, status, "", "status", status, count)
            for media_type in unvalidated_media_types(self.contract, response) if operation.method != "HEAD" else ():
                self.beyond.setdefault(f"its {media_type} body is not validated", []).append(f"{label} {status}")
                yield Point(label, status, "", "body", media_type, 0)
            root = build_body_node(self.contract, label, status)
            if root is not None:
                yield from self._body_points(root, _Body(label, status, frozenset(codes), seen, self.budget.part()))

    def _body_points(self, root: Node, body: _Body) -> list[Point]:
        """Return the points of a body; none, and a note in `beyond`, if there are more than the budget allows."""
        name = f"{body.operation} {body.status}"
        try:
            points = list(body.points(root, frozenset()))
        except BudgetError as error:
            self.beyond.setdefault(str(error), []).append(name)
            return []
        self.ambiguous += [
            f"coverage of {name}, {location}: {where}: alternatives are not distinguished from here on: with those "
            f"before, they combine in more than {COMBINATIONS:,} ways"
            for location, where in body.ambiguous.items()
        ]
        return points


@dataclass
class _Body:
    """The body of one documented status, with the facts observed under all codes that the status covers.

    `ambiguous` has, by location, the pointer of the first schema whose alternatives are not distinguished there.
    The methods raise `BudgetError` if there are more points than the budget allows.
    """

    operation: str
    status: str
    codes: frozenset[str]
    observation: Observation
    budget: Budget
    ambiguous: dict[str, str] = field(default_factory=dict)

    @cached_property
    def _facts(self) -> dict[str, Facts]:
        """The observed facts by location, added over all status codes that the response covers."""
        by_location: dict[str, Facts] = {}
        for place, facts in self.observation.places.items():
            if place.operation == self.operation and place.status in self.codes:
                by_location.setdefault(place.location, Facts()).add(facts)
        return by_location

    @cached_property
    def _tag_counts(self) -> dict[str, dict[str, int]]:
        """The number of observed values of each branch, by the location of the branches and the branch's tag."""
        counts: dict[str, dict[str, int]] = {}
        for location, facts in self._facts.items():
            parent, last = split_location(location)
            if last is not None and last.kind == "tag":
                counts.setdefault(parent, {})[last.text] = facts.seen
        return counts

    def _facts_at(self, node: Node) -> Facts:
        """Return the facts observed at the location of a node."""
        return self._facts.get(node.location, Facts())

    def _point(self, node: Node, kind: PointKind, label: str, seen: int, name: str = "") -> Point:
        """Return a point of the coverage at a node."""
        self.budget.spend(node.where)
        return Point(self.operation, self.status, node.location, kind, label, seen, name)

    def points(self, node: Node, above: frozenset[frozenset[str]]) -> Iterator[Point]:
        """Yield the points of a location and of all below it; a location that a recursion repeats has none."""
        if node.schemas in above:
            return
        with self.budget.inside(node.schemas, node.where):
            yield from self._points_of_node(node, above | {node.schemas})

    def _points_of_node(self, node: Node, above: frozenset[frozenset[str]]) -> Iterator[Point]:
        """Yield the points of a node: types, values, formats, and what is inside."""
        facts = self._facts_at(node)
        yield from self._type_points(node, facts)
        yield from self._value_points(node, facts)
        for name in node.formats:
            yield self._point(node, "format", name, facts.formats[name])
        if "object" in node.types:
            yield from self._inner_points(node, "object", above)
        if "array" in node.types:
            if node.items is not None or len(node.types) < len(TYPES):
                # `empty` counts objects too.
                lists = facts.types["array"]
                empty = facts.empty if lists else 0
                yield self._point(node, "items", "with items", max(0, lists - empty))
                yield self._point(node, "empty", "empty list", empty)
            yield from self._inner_points(node, "array", above)

    def _type_points(self, node: Node, facts: Facts) -> Iterator[Point]:
        """Yield a point per documented type if there are several, but not all; none for scalars with listed values."""
        type_names = [
            name for name in TYPES if name in node.types and not (name == "integer" and "number" in node.types)
        ]
        if not 1 < len(type_names) < len(TYPES) - 1:
            return
        if node.values is not None:
            # The types of scalars are covered by the listed values.
            type_names = [name for name in type_names if name in ("array", "object")]
        for name in type_names:
            seen = facts.types[name]
            if name == "number":
                seen += facts.types["integer"]
            kind: PointKind = "null" if name == "null" else "type"
            yield self._point(node, kind, name, seen)

    def _value_points(self, node: Node, facts: Facts) -> Iterator[Point]:
        """Yield a point for each value that the contract lists."""
        for text in node.values or ():
            if json_type_of(json.loads(text)) in node.types:
                kind: PointKind = "null" if text == "null" else "enum"
                yield self._point(node, kind, text, facts.values[text])

    def _inner_points(
        self, node: Node, kind: str, above: frozenset[frozenset[str]], tag_properties: tuple[str, ...] = ()
    ) -> Iterator[Point]:
        """Yield the points inside the objects or lists at a location, branch by branch.

        `tag_properties` are the properties that distinguish the branches entered so far.
        """
        for undecided in node.undecided(kind)[:1]:
            self.ambiguous.setdefault(
                display_location(node.location), f"{node.contract.name}: #{undecided.schema_ref.pointer}"
            )
        for split in node.applicators(kind)[:1]:
            if split.name:
                # The points of the branches cover the property that distinguishes them.
                tag_properties = (*tag_properties, split.name)
            for tag in split.by_tag:
                yield self._branch_point(node, split, tag)
                yield from self._inner_points(node.narrowed_to_tag(split, tag), kind, above, tag_properties)
            if isinstance(split, Condition) and split.name:
                yield from self._inner_points(node.narrowed_to_tag(split, ""), kind, above, tag_properties)
            return
        children = [*node.positions, node.items]
        if kind == "object":
            yield from self._property_points(node, above, tag_properties)
            children = [node.others]
        for child in children:
            if child is not None:
                yield from self.points(child, above)

    def _property_points(
        self, node: Node, above: frozenset[frozenset[str]], excluded: tuple[str, ...]
    ) -> Iterator[Point]:
        """Yield the points of each property: present, absent, and those inside."""
        for name, member in node.documented:
            if name in excluded:
                continue
            facts = self._facts_at(member)
            yield self._point(member, "property", name, facts.seen)
            if name not in node.required:
                yield self._point(member, "absent", "absent", facts.of - facts.seen)
            yield from self.points(member, above)

    def _branch_point(self, node: Node, split: Applicator, tag: str) -> Point:
        """Return the point of a branch, which counts the values that match several branches too (`anyOf:0+1`)."""
        keyword, _, number = tag.partition(":")
        seen = 0
        for observed_tag, count in self._tag_counts.get(node.location, {}).items():
            observed_keyword, _, numbers = observed_tag.partition(":")
            is_included = number and observed_keyword == keyword and number in numbers.split("+")
            if observed_tag == tag or is_included:
                seen += count
        return self._point(node, "branch", tag, seen, split.name_of(tag))


def unexercised_lines(coverage: Coverage) -> list[str]:
    """Return a line for each location with points that were never exercised, except those below a missing location."""
    labels: dict[str, list[str]] = {}
    missing: list[Point] = []
    has_several = len({point.operation for point in coverage.points}) > 1
    for point in sorted(coverage.points, key=_is_not_status):
        if point.seen or any(_is_below(point, above) for above in missing):
            continue
        if point.kind in ("status", "property", "branch", "items"):
            missing.append(point)
        heading = _heading(point)
        if has_several:
            heading = f"{point.operation} {heading}"
        labels.setdefault(heading, []).append(_point_label(point))
    return [f"{heading} {', '.join(dict.fromkeys(texts))}" for heading, texts in labels.items()]


def _is_not_status(point: Point) -> bool:
    """Return whether a point is not a response status, for sorting."""
    return point.kind != "status"


def _heading(point: Point) -> str:
    """Return the heading of a point: its parameter, or its status and location."""
    if point.kind == "status":
        return "status"
    if point.kind == "parameter":
        return f"{point.location} parameter:"
    return f"{point.status} {without_tags(point.location, positions=False) or 'body'}:"


def _is_below(point: Point, above: Point) -> bool:
    """Return whether `point` is inside the status, property, branch or items that `above` stands for."""
    if (point.operation, point.status) != (above.operation, above.status):
        return False
    if above.kind == "status":
        return True
    start = {"branch": f"{above.location}<{above.label}>", "items": f"{above.location}[*]"}.get(
        above.kind, above.location
    )
    rest = point.location[len(start) :]
    return point.location.startswith(start) and (not rest or rest[0] in ".[<") and point is not above


def _point_label(point: Point) -> str:
    """Return the text of a point that was not exercised, under its heading."""
    if point.kind == "property":
        return "never present"
    return {"type": f"as {point.label}", "format": f"in the format {point.label}"}.get(
        point.kind, point.name or point.label
    )
