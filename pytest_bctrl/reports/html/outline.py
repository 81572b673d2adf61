"""The contract as a tree of plain data: what it documents, what responses exercised, and what they broke."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_bctrl.contract.budget import Budget, BudgetError
from pytest_bctrl.contract.engine import keyword_object_count
from pytest_bctrl.contract.schema.applicators import Condition
from pytest_bctrl.contract.schema.locations import split_location, without_tags
from pytest_bctrl.contract.schema.node import Node, build_body_node
from pytest_bctrl.contract.schema.ref import keywords_of as keywords
from pytest_bctrl.contract.show import schema_summary
from pytest_bctrl.findings.finding import LEVELS
from pytest_bctrl.reports.wording import is_change

if TYPE_CHECKING:
    from pytest_bctrl.contract.model import Contract, Operation
    from pytest_bctrl.contract.schema.applicators import Applicator
    from pytest_bctrl.findings.finding import Finding
    from pytest_bctrl.observed.coverage import Coverage, Point


def outline(contract: Contract, findings: Sequence[Finding], coverage: Coverage | None) -> list[_Node]:
    """Return a node per operation with its parameters, responses, coverage and findings.

    A node has `name`, `words` (its type), `required`, `state`, `seen` (how often it was exercised; null if unknown),
    `never` (labels of the points at it that were not exercised), `findings` (indices into `findings`) and `children`.
    The state is `error`, `warning` or `info` if the node has findings, else `seen`, `partly`, `never` or `unknown`. An
    undocumented property with a finding is a node too, with `is_documented` false. A response with more nodes than the
    budget allows has no children, and its text says so.
    """
    budget = Budget.of_contract(keyword_object_count(contract))
    points: dict[tuple[str, str, str], list[Point]] = {}
    for point in coverage.points if coverage else ():
        points.setdefault((point.operation, point.status, point.location), []).append(point)
    nodes = []
    for operation in contract.operations:
        node = _operation_node(contract, operation, points, budget)
        for index, finding in enumerate(findings):
            if finding.operation == operation.label:
                _add_finding(node, _response_node_of(node, finding), finding, index)
        _set_states(node, findings)
        nodes.append(node)
    return nodes


_Node = dict[str, Any]


def _new_node(kind: str, name: str, text: str, status: str, plain: list[str], *, is_documented: bool = True) -> _Node:
    """Return a node without coverage, findings and children."""
    identity = {"name": name, "kind": kind, "words": text, "is_documented": is_documented, "status": status}
    return {**identity, "plain": plain, "required": False, "seen": None, "never": [], "findings": [], "children": []}


_Above = frozenset[frozenset[str]]
_Points = Mapping[tuple[str, str, str], "list[Point]"]


def _operation_node(contract: Contract, operation: Operation, points: _Points, budget: Budget) -> _Node:
    """Return the node of an operation, with its parameters, responses and documented properties."""
    nodes = _DocumentedNodes(contract, points, operation.label, "", budget)
    operation_node = nodes.node("operation", operation.label, operation.summary, ())
    for parameter in operation.parameters:
        text = f"{schema_summary(contract, parameter.schema)}, in {parameter.in_}"
        node = nodes.node(
            "parameter", parameter.name, text, [parameter.in_], [parameter.name], required=parameter.required
        )
        operation_node["children"].append(node)
    for status, response in operation.responses.items():
        nodes = _DocumentedNodes(contract, points, operation.label, status, budget.part())
        node = nodes.node("response", status, response.description, [""])
        operation_node["children"].append(node)
        root = build_body_node(contract, operation.label, status)
        try:
            if root:
                node["children"] += nodes.members([root], frozenset())
        except BudgetError as error:
            node["children"].clear()
            node["words"] = f"{response.description} (not shown: {error.problem})"
    return operation_node


_EXISTENCE_KINDS = ("property", "status", "parameter", "branch")
"""Kinds of points that count the occurrences of a node; the others are about its values."""


@dataclass(frozen=True, slots=True)
class _DocumentedNodes:
    """Builds the nodes of one response, or of the operation itself, with their coverage.

    One node can have several locations: those of a list and its items, or of several tags of one branch.
    """

    contract: Contract
    points: _Points
    operation: str
    status: str
    budget: Budget

    def node(
        self,
        kind: str,
        name: str,
        text: str,
        locations: Sequence[str],
        labels: Sequence[str] = (),
        *,
        required: bool = False,
        default_seen: int | None = None,
    ) -> _Node:
        """Return a node without children; `default_seen` is its count if it has no points that count it."""
        points = [
            point
            for location in locations
            for point in self.points.get((self.operation, self.status, location), ())
            if _is_of(point, kind, labels)
        ]
        seen = max((point.seen for point in points if point.kind in _EXISTENCE_KINDS), default=default_seen)
        if seen is None:
            seen = max((point.seen for point in points), default=None)
        plain = [without_tags(location) for location in locations]
        never = [point.label for point in points if not point.seen and point.kind not in _EXISTENCE_KINDS]
        node = _new_node(kind, name, text, self.status, plain)
        return {**node, "required": required, "seen": seen, "never": never}

    def members(self, places: Sequence[Node], above: _Above) -> Iterator[_Node]:
        """Yield the nodes of the documented properties of objects, and of the items of lists.

        Raises `BudgetError` if there are more than the budget allows.
        """
        if places[0].schemas in above:
            return
        above |= {places[0].schemas}
        with self.budget.inside(places[0].schemas, places[0].where):
            items = _item_nodes(places)
            if items:
                yield from self.members(items, above)
            yield from self._property_nodes(places, above)

    def _property_nodes(
        self, places: Sequence[Node], above: _Above, tag_name: str | None = None, tag_count: int | None = None
    ) -> Iterator[_Node]:
        """Yield the nodes of the properties; `tag_name` is the property that selects the branch, with its count."""
        pending = places[0].applicators("object")
        if pending:
            yield from self._branch_nodes(places, pending[0], above)
            return
        schemas = places[0].schemas_for("object")
        names = (name for schema in schemas for name in keywords(schema).get("properties", ()))
        for name in dict.fromkeys(names):
            members = [member for place in places if (member := place.member(name)) is not None]
            if not members:
                # The end of a recursive schema.
                continue
            with_items, lists = [*members], members
            while lists := _item_nodes(lists):
                with_items += lists
            text = schema_summary(self.contract, members[0].certain[0].schema)
            required = name in places[0].required
            default_seen = tag_count if name == tag_name else None
            self.budget.spend(places[0].where, len(with_items))
            locations = [member.location for member in with_items]
            node = self.node("property", name, text, locations, required=required, default_seen=default_seen)
            node["children"] += self.members(members, above)
            yield node

    def _branch_nodes(self, places: Sequence[Node], split: Applicator, above: _Above) -> Iterator[_Node]:
        """Yield a node per branch of a schema, with the properties of that branch."""
        by_schema: dict[str, list[str]] = {}
        for tag in split.by_tag:
            by_schema.setdefault(str([schema.pointer for schema in split.schemas_for_tag(tag)[0]]), []).append(tag)
        for tags in by_schema.values():
            number = tags[0].partition(":")[2]
            is_numbered = split.name is None and number.isdigit()
            name, text = " or ".join(tags), ""
            if is_numbered:
                name = f"branch {int(number) + 1}"
                text = schema_summary(self.contract, split.schemas_for_tag(tags[0])[0][0].schema)
            self.budget.spend(places[0].where, len(places))
            node = self.node("branch", name, text, [place.location for place in places], tags)
            below = [place.narrowed_to_tag(split, tag) for place in places for tag in tags]
            node["children"] += self._property_nodes(below, above, split.name, node["seen"])
            yield node
        if isinstance(split, Condition) and split.name:
            yield from self._property_nodes([place.narrowed_to_tag(split, "") for place in places], above)


def _item_nodes(places: Sequence[Node]) -> list[Node]:
    """Return the nodes of the items of lists."""
    return [place.items for place in places if place.items is not None]


def _is_of(point: Point, kind: str, labels: Sequence[str]) -> bool:
    """Return whether a node shows a point of the coverage at its location."""
    if labels:
        return point.kind == kind and point.label in labels
    if kind == "response":
        return point.kind == "status"
    return point.kind not in ("status", "parameter", "branch")


def _response_node_of(node: _Node, finding: Finding) -> _Node | None:
    """Return the node of the response with the status of the finding, else of the first success response, or None."""
    responses: list[_Node] = [child for child in node["children"] if child["kind"] == "response"]
    status = str((finding.extra.get("response") or {}).get("status") or finding.extra.get("status") or "")
    if status:
        by_key = {child["status"].upper(): child for child in reversed(responses)}
        for key in (status, f"{status[:1]}XX", "DEFAULT"):
            if key in by_key:
                return by_key[key]
    return next((child for child in responses if child["status"].startswith("2")), None)


def _add_finding(operation: _Node, response: _Node | None, finding: Finding, index: int) -> None:
    """Add a finding to the nodes of its location, which may be new ones, else to the response or the operation."""
    location = finding.location
    is_whole_response = location in ("", "$", "body")
    if location in ("status", "response") and finding.sample is None and not is_change(finding):
        is_whole_response = True
    nodes: list[_Node] = []
    if response and not is_whole_response:
        nodes = list(_property_nodes_at(response, location)) or list(_undocumented_node(response, location))
    for node in nodes or [response or operation]:
        node["findings"].append(index)


def _property_nodes_at(node: _Node, location: str) -> Iterator[_Node]:
    """Yield the property nodes at a location."""
    if location in node["plain"] and node["kind"] == "property":
        yield node
    for child in node["children"]:
        yield from _property_nodes_at(child, location)


def _undocumented_node(response: _Node, location: str) -> Iterator[_Node]:
    """Yield a new node for an undocumented property, below the node of its object."""
    try:
        parent, last = split_location(location)
    except ValueError:
        return
    if last is None or last.kind != "member":
        return
    objects = _property_nodes_at(response, parent) if parent else [response]
    object_node = next((node for node in objects if node["children"]), None)
    if object_node is not None:
        node = _new_node("property", last.text, "not documented", response["status"], [location], is_documented=False)
        object_node["children"].append(node)
        yield node


def _set_states(node: _Node, findings: Sequence[Finding]) -> None:
    """Set the state of the node and its descendants, and the worst level below each."""
    # An accepted finding is shown, but not as a problem.
    levels = ["info" if findings[index].extra.get("accepted") else findings[index].level for index in node["findings"]]
    if levels:
        node["state"] = min(levels, key=LEVELS.index)
    elif node["seen"] is None:
        node["state"] = "unknown"
    elif not node["seen"]:
        node["state"] = "never"
    else:
        node["state"] = "partly" if node["never"] else "seen"
    for child in node["children"]:
        _set_states(child, findings)
    below = [level for child in node["children"] for level in (child["state"], child["below"]) if level in LEVELS]
    node["below"] = min(below, key=LEVELS.index) if below else ""
    del node["plain"]
