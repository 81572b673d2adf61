"""How much of the contract a run really exercised: every point that it could have seen, and whether it did."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from pytest_bctrl.contract.budget import COMBINATIONS, Budget, BudgetError
from pytest_bctrl.contract.engine import schema_count
from pytest_bctrl.contract.model import Contract, Operation
from pytest_bctrl.contract.schema.applicators import Applicator, Condition
from pytest_bctrl.contract.schema.locations import display_location, split_location, without_tags
from pytest_bctrl.contract.schema.node import Node, build_body_node
from pytest_bctrl.contract.schema.ref import TYPES, kind_of
from pytest_bctrl.observed.facts import Facts, Observation

PointKind = Literal[
    "status", "parameter", "property", "absent", "type", "null", "enum", "branch", "items", "empty", "format"
]


@dataclass(frozen=True, slots=True)
class Point:
    """One thing that the contract allows and a run can show.

    `label` says it in a few words (`null`, `"failed"`, `absent`, `kind=browser`); `seen` is how often it was seen.
    `name` is what people call a branch.
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
    """All points of the contract's operations that can be asked, in the order of the document.

    `not_measured` has a line for each body, and each location, that has more combinations than the budget allows.
    """

    points: tuple[Point, ...]
    not_measured: tuple[str, ...] = ()

    @property
    def seen(self) -> int:
        """How many points were seen at least once."""
        return sum(1 for point in self.points if point.seen)

    @property
    def percent(self) -> float:
        """Seen points of all, 0 to 100; 0 where there is nothing to see."""
        return 100 * self.seen / len(self.points) if self.points else 0.0


def coverage(contract: Contract, observation: Observation) -> Coverage:
    """Measure what was seen against all that the contract's safe operations document.

    A branch that nothing tells from its rivals is told by the schemas that its values conform to. What a recursive
    schema repeats below itself is not counted again, and neither is what the contract leaves free-form.
    """
    measure = _Measure(contract, observation, Budget.of_contract(schema_count(contract)))
    points = [point for one in contract.operations if one.is_safe for point in measure.operation(one)]
    return Coverage(tuple(points), tuple(measure.not_measured))


@dataclass
class _Measure:
    """One measurement of a contract.

    `untold` has a line for each location, and `beyond` the responses by the error, with more combinations than the
    budget allows.
    """

    contract: Contract
    observation: Observation
    budget: Budget
    untold: list[str] = field(default_factory=list)
    beyond: dict[str, list[str]] = field(default_factory=dict)

    @property
    def not_measured(self) -> list[str]:
        """A line for each schema, and each location, that is beyond the budget."""
        lines = []
        for error, responses in self.beyond.items():
            others = len(responses) - 1
            more = f" and {others} other response{'s' if others > 1 else ''}" if others else ""
            lines.append(f"coverage of {responses[0]}{more}: {error}")
        return [*lines, *self.untold]

    def operation(self, operation: Operation) -> Iterator[Point]:
        """Yield the points of one operation."""
        label, seen = operation.label, self.observation
        for parameter in operation.parameters:
            count = seen.parameters[label, f"{parameter.in_}:{parameter.name}"]
            yield Point(label, "", parameter.in_, "parameter", parameter.name, count)
        answered = {code: operation.response_for(int(code)) for one, code in seen.statuses if one == label}
        for status in operation.responses:
            codes = {code for code, spec in answered.items() if spec is not None and spec.status == status}
            count = sum(seen.statuses[label, code] for code in codes)
            yield Point(label, status, "", "status", status, count)
            root = build_body_node(self.contract, label, status)
            if root is not None:
                yield from self._body(root, _Body(label, status, frozenset(codes), seen, self.budget.part()))

    def _body(self, root: Node, body: _Body) -> list[Point]:
        """Return the points of a body; none where there are more than the budget allows."""
        name = f"{body.operation} {body.status}"
        try:
            points = list(body.points(root, frozenset()))
        except BudgetError as error:
            self.beyond.setdefault(str(error), []).append(name)
            return []
        self.untold += [
            f"coverage of {name}, {location}: {where}: alternatives are not distinguished from here on: with those "
            f"before, they combine in more than {COMBINATIONS:,} ways"
            for location, where in body.untold.items()
        ]
        return points


@dataclass
class _Body:
    """The body of one documented status: what was seen of it under all codes that it stands for.

    `untold` has, by location, the pointer of the first schema whose alternatives are not distinguished there.
    Its methods raise `BudgetError` where there are more points than the budget allows.
    """

    operation: str
    status: str
    codes: frozenset[str]
    observation: Observation
    budget: Budget
    untold: dict[str, str] = field(default_factory=dict)

    @cached_property
    def _facts(self) -> dict[str, Facts]:
        known: dict[str, Facts] = {}
        for place, facts in self.observation.places.items():
            if place.operation == self.operation and place.status in self.codes:
                known.setdefault(place.location, Facts()).add(facts)
        return known

    @cached_property
    def _told(self) -> dict[str, dict[str, int]]:
        """How often each tag was seen, by the place that it is of."""
        told: dict[str, dict[str, int]] = {}
        for location, facts in self._facts.items():
            parent, last = split_location(location)
            if last is not None and last.kind == "tag":
                told.setdefault(parent, {})[last.text] = facts.seen
        return told

    def _at(self, node: Node) -> Facts:
        return self._facts.get(node.location, Facts())

    def _point(self, node: Node, kind: PointKind, label: str, seen: int, name: str = "") -> Point:
        self.budget.spend(node.where)
        return Point(self.operation, self.status, node.location, kind, label, seen, name)

    def points(self, node: Node, above: frozenset[frozenset[str]]) -> Iterator[Point]:
        """All points at a place and below it."""
        if node.schemas in above:
            return
        with self.budget.inside(node.schemas, node.where):
            yield from self._points(node, above | {node.schemas})

    def _points(self, node: Node, above: frozenset[frozenset[str]]) -> Iterator[Point]:
        facts = self._at(node)
        yield from self._types(node, facts)
        yield from self._values(node, facts)
        for name in node.formats:
            yield self._point(node, "format", name, facts.formats[name])
        if "object" in node.types:
            yield from self._inside(node, "object", above)
        if "array" in node.types:
            if node.items is not None or len(node.types) < len(TYPES):
                empty = facts.empty if facts.types["array"] else 0
                yield self._point(node, "items", "with items", max(0, facts.types["array"] - empty))
                yield self._point(node, "empty", "empty list", empty)
            yield from self._inside(node, "array", above)

    def _types(self, node: Node, facts: Facts) -> Iterator[Point]:
        names = [name for name in TYPES if name in node.types and not (name == "integer" and "number" in node.types)]
        if 1 < len(names) < len(TYPES) - 1:
            # Where values are listed, each of them says its type.
            for name in names if node.values is None else [name for name in names if name in ("array", "object")]:
                seen = facts.types[name] + (facts.types["integer"] if name == "number" else 0)
                yield self._point(node, "null" if name == "null" else "type", name, seen)

    def _values(self, node: Node, facts: Facts) -> Iterator[Point]:
        for text in node.values or ():
            if kind_of(json.loads(text)) in node.types:
                yield self._point(node, "null" if text == "null" else "enum", text, facts.values[text])

    def _inside(
        self, node: Node, kind: str, above: frozenset[frozenset[str]], told: tuple[str, ...] = ()
    ) -> Iterator[Point]:
        """What lies in the objects or lists at a place, branch by branch; `told` are the properties that tell them."""
        for untold in node.undecided(kind)[:1]:
            self.untold.setdefault(
                display_location(node.location), f"{node.contract.name}: #{untold.schema_ref.pointer}"
            )
        for split in node.applicators(kind)[:1]:
            # That a branch was seen says that the property which tells it was.
            told = (*told, split.name) if split.name else told
            for tag in split.by_tag:
                yield self._branch(node, split, tag)
                yield from self._inside(node.narrow(split, tag), kind, above, told)
            if isinstance(split, Condition) and split.name:
                yield from self._inside(node.narrow(split, ""), kind, above, told)
            return
        for name, member in node.documented if kind == "object" else ():
            if name in told:
                continue
            facts = self._at(member)
            yield self._point(member, "property", name, facts.seen)
            if name not in node.required:
                yield self._point(member, "absent", "absent", facts.of - facts.seen)
            yield from self.points(member, above)
        for inner in (node.others,) if kind == "object" else (*node.positions, node.items):
            if inner is not None:
                yield from self.points(inner, above)

    def _branch(self, node: Node, split: Applicator, tag: str) -> Point:
        """The point of a branch: how many values were of it, also of several at once (`anyOf:0+1`)."""
        word, _, number = tag.partition(":")
        seen = 0
        for text, count in self._told.get(node.location, {}).items():
            other, _, numbers = text.partition(":")
            is_one_of = number and other == word and number in numbers.split("+")
            seen += count if text == tag or is_one_of else 0
        return self._point(node, "branch", tag, seen, split.name_of(tag))


def never_seen(coverage: Coverage) -> list[str]:
    """Return a line for each place of which something was never seen; of what was never there, nothing below it."""
    labels: dict[str, list[str]] = {}
    gone: list[Point] = []
    has_several = len({one.operation for one in coverage.points}) > 1
    for point in sorted(coverage.points, key=lambda point: point.kind != "status"):
        if point.seen or any(_is_below(point, above) for above in gone):
            continue
        if point.kind in ("status", "property", "branch", "items"):
            gone.append(point)
        line = [point.operation] if has_several else []
        where = (
            f"{point.location} parameter"
            if point.kind == "parameter"
            else without_tags(point.location, positions=False) or "body"
        )
        line += ["status"] if point.kind == "status" else [point.status, f"{where}:"]
        labels.setdefault(" ".join(filter(None, line)), []).append(_label(point))
    return [f"{line} {', '.join(dict.fromkeys(found))}" for line, found in labels.items()]


def _is_below(point: Point, above: Point) -> bool:
    if (point.operation, point.status) != (above.operation, above.status):
        return False
    if above.kind == "status":
        return True
    start = {"branch": f"{above.location}<{above.label}>", "items": f"{above.location}[*]"}.get(
        above.kind, above.location
    )
    rest = point.location[len(start) :]
    return point.location.startswith(start) and (not rest or rest[0] in ".[<") and point is not above


def _label(point: Point) -> str:
    if point.kind == "property":
        return "never present"
    return {"type": f"as {point.label}", "format": f"in the format {point.label}"}.get(
        point.kind, point.name or point.label
    )
