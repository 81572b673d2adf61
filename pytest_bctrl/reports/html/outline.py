"""The contract as a tree of plain data: what is documented, what of it was seen, and what broke."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pytest_bctrl.contract.schema.applicators import Branch, discriminator
from pytest_bctrl.contract.schema.locations import ITEMS, member, tagged, untagged, value_tag
from pytest_bctrl.contract.show import words
from pytest_bctrl.finding import LEVELS

if TYPE_CHECKING:
    from pytest_bctrl.contract.model import Contract, Schema
    from pytest_bctrl.finding import Finding
    from pytest_bctrl.observed.coverage import Coverage, Point

_DEPTH = 12
_STEP = re.compile(r"\[\*\]|\[\d+\]|\[(?:'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")\]|\.?[A-Za-z_][A-Za-z0-9_-]*")


@dataclass(frozen=True, slots=True)
class Documented:
    """One documented thing.

    `locations` are all places that are shown as this one, as coverage has them: a list stands for its items too, and
    behind a `oneOf` or `anyOf` a place carries what tells its branch, as in `backing<kind=profile>.profile`. A
    parameter and a branch are points of the place around them, told by `labels`. `told_by` is the property that tells
    a branch.
    """

    operation: str
    status: str
    kind: Literal["operation", "parameter", "response", "property", "branch"]
    name: str
    words: str
    locations: tuple[str, ...] = ()
    required: bool = False
    children: tuple[Documented, ...] = ()
    labels: tuple[str, ...] = ()
    told_by: str = ""


def operations(contract: Contract) -> Iterator[Documented]:
    """Yield every operation with all that is below it."""
    for operation in contract.operations:
        label, children = operation.label, []
        for one in operation.parameters:
            said = f"{words(contract, one.schema)}, in {one.place}"
            at = (one.place,)
            children.append(Documented(label, "", "parameter", one.name, said, at, one.required, labels=(one.name,)))
        for status, response in operation.responses.items():
            body = _Body(contract, label, status)
            below = tuple(body.members(next(iter(response.content.values()), True), ("",), 0))
            children.append(Documented(label, status, "response", status, response.description, ("",), children=below))
        yield Documented(label, "", "operation", label, operation.summary, children=tuple(children))


@dataclass(frozen=True)
class _Body:
    """The body of one response, and what is documented at the places `at` of it."""

    contract: Contract
    operation: str
    status: str

    def members(self, schema: Schema, at: tuple[str, ...], depth: int) -> Iterator[Documented]:
        resolved = self.contract.resolve(schema)
        if isinstance(resolved, bool) or depth > _DEPTH:
            return
        if "items" in resolved:
            yield from self.members(resolved["items"], tuple(place + ITEMS for place in at), depth + 1)
        for name, inner in resolved.get("properties", {}).items():
            places = tuple(member(place, name) for place in at)
            yield Documented(
                self.operation,
                self.status,
                "property",
                name,
                words(self.contract, inner),
                (*places, *self._items(inner, places)),
                name in resolved.get("required", ()),
                tuple(self.members(inner, places, depth + 1)),
            )
        for part in resolved.get("allOf", ()):
            yield from self.members(part, at, depth + 1)
        for word in ("oneOf", "anyOf"):
            yield from self._branches(resolved.get(word, ()), word, at, depth)

    def _branches(self, branches: Any, word: str, at: tuple[str, ...], depth: int) -> Iterator[Documented]:
        read = [Branch.of(self.contract, branch) for branch in branches]
        name = discriminator(read) if read else None
        if sum(not branch.types or "object" in branch.types for branch in read) < 2:
            # One object beside null needs nothing to tell it: its members are the place's own.
            for schema in branches:
                yield from self.members(schema, at, depth + 1)
            return
        for number, (branch, schema) in enumerate(zip(read, branches, strict=True)):
            values = branch.values_of(name) if name else ()
            tags = tuple(value_tag(str(name), value) for value in values) or (f"{word}:{number}",)
            yield Documented(
                self.operation,
                self.status,
                "branch",
                " or ".join(tags) if name else f"way {number + 1}",
                "" if name else words(self.contract, schema),
                at,
                children=tuple(self.members(schema, tuple(tagged(a, tag) for a in at for tag in tags), depth + 1)),
                labels=tags,
                told_by=name or "",
            )

    def _items(self, schema: Schema, at: tuple[str, ...]) -> tuple[str, ...]:
        """The places of a list's items, which are shown as the list."""
        resolved = self.contract.resolve(schema)
        if isinstance(resolved, bool) or "items" not in resolved:
            return ()
        below = tuple(place + ITEMS for place in at)
        return (*below, *self._items(resolved["items"], below)) if below[0].count(ITEMS) <= _DEPTH else ()


def outline(contract: Contract, findings: Sequence[Finding], coverage: Coverage | None) -> list[_Node]:
    """Return a node an operation, each with its parameters and responses below it.

    A node has `name`, `words` (its type), `required`, `state`, `seen` (how often; null where that is unknown),
    `never` (labels of what was never seen at it), `findings` (indices into `findings`) and `children`. The state is
    `error`, `warning`, `info` where a finding is at the node, else `seen`, `partly`, `never` or `unknown`. A property
    that was found and is not documented is a node too, with `is_documented` false.
    """
    points = _by_place(coverage)
    nodes = []
    for operation in operations(contract):
        node = _node(operation, points, coverage is not None)
        for index, finding in enumerate(findings):
            if finding.operation == operation.operation:
                _put(node, _response_of(node, finding), finding, index)
        _settle(node, findings, is_known=coverage is not None)
        nodes.append(node)
    return nodes


_Node = dict[str, Any]
_Places = Mapping[tuple[str, str, str], "list[Point]"]


def _by_place(coverage: Coverage | None) -> dict[tuple[str, str, str], list[Point]]:
    places: dict[tuple[str, str, str], list[Point]] = {}
    for point in coverage.points if coverage else ():
        places.setdefault((point.operation, point.status, point.location), []).append(point)
    return places


def _node(documented: Documented, places: _Places, is_known: bool, told: tuple[str, int | None] = ("", None)) -> _Node:
    """The node of a documented thing; `told` is what tells the branch that it is in, and how often that was seen."""
    points = list(_points(documented, places))
    seen = max((point.seen for point in points if point.kind in _OWN), default=None)
    if seen is None:
        seen = told[1] if told[0] == documented.name else max((point.seen for point in points), default=None)
    below = (documented.told_by, seen) if documented.kind == "branch" else ("", None)
    return {
        "name": documented.name,
        "kind": documented.kind,
        "words": documented.words,
        "required": documented.required,
        "is_documented": True,
        "status": documented.status,
        "plain": [untagged(location) for location in documented.locations],
        "seen": seen if is_known else None,
        "never": [point.label for point in points if not point.seen and point.kind not in _OWN],
        "findings": [],
        "children": [_node(child, places, is_known, below) for child in documented.children],
    }


_OWN = ("property", "status", "parameter", "branch")
"""Kinds of points that say whether a thing itself was seen; the others are about what was seen of it."""


def _points(documented: Documented, places: _Places) -> Iterator[Point]:
    """The points of coverage that are shown at a node."""
    for location in documented.locations:
        for point in places.get((documented.operation, documented.status, location), ()):
            if documented.labels:
                if point.kind == documented.kind and point.label in documented.labels:
                    yield point
            elif documented.kind == "response":
                if point.kind == "status":
                    yield point
            elif point.kind not in ("status", "parameter", "branch"):
                yield point


def _response_of(node: _Node, finding: Finding) -> _Node | None:
    """The response that a finding is about: the answer's status, a drift's, or the first success."""
    responses = [child for child in node["children"] if child["kind"] == "response"]
    answered = str((finding.extra.get("response") or {}).get("status") or finding.extra.get("status") or "")
    wanted = (answered, f"{answered[:1]}XX", "default") if answered else ()
    named = next((child for status in wanted for child in responses if child["status"].upper() == status), None)
    return named or next((child for child in responses if child["status"].startswith("2")), None)


def _put(operation: _Node, response: _Node | None, finding: Finding, index: int) -> None:
    """Hang a finding on the nodes of its place; on a new one where the contract has none; else on the operation."""
    location = finding.location
    if response is not None and location in ("", "$", "body"):
        response["findings"].append(index)
        return
    found = list(_at(response, location)) if response else []
    if response is not None and not found:
        made = _undocumented(response, location)
        found = [made] if made else []
    for node in found or [response or operation]:
        node["findings"].append(index)


def _at(node: _Node, location: str) -> Iterator[_Node]:
    if location in node["plain"] and node["kind"] == "property":
        yield node
    for child in node["children"]:
        yield from _at(child, location)


def _undocumented(response: _Node, location: str) -> _Node | None:
    """A node for a property that the contract does not name, below the object that holds it; None for no property."""
    steps = _STEP.findall(location)
    if "".join(steps) != location:
        return None
    parent = "".join(steps[:-1])
    holders = [response] if not parent else list(_at(response, parent))
    holder = next((node for node in holders if node["children"] or node is response), None)
    is_top = not parent and response["children"]
    if holder is None or (holder is response and not is_top):
        return None
    made = {
        "name": steps[-1].removeprefix("."), "kind": "property", "words": "not documented", "required": False,
        "is_documented": False, "status": response["status"], "plain": [location], "seen": None, "never": [],
        "findings": [], "children": [],
    }  # fmt: skip
    holder["children"].append(made)
    return made


def _settle(node: _Node, findings: Sequence[Finding], is_known: bool) -> None:
    """Decide on every node's state, and on the worst below it."""
    # What is accepted is told, and breaks nothing.
    levels = ["info" if findings[index].extra.get("accepted") else findings[index].level for index in node["findings"]]
    if levels:
        node["state"] = min(levels, key=LEVELS.index)
    elif not is_known or node["seen"] is None:
        node["state"] = "unknown"
    elif not node["seen"]:
        node["state"] = "never"
    else:
        node["state"] = "partly" if node["never"] else "seen"
    for child in node["children"]:
        _settle(child, findings, is_known)
    below = [level for child in node["children"] for level in (child["state"], child["below"]) if level in LEVELS]
    node["below"] = min(below, key=LEVELS.index) if below else ""
    del node["plain"]
