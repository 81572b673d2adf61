"""The contract as a tree of plain data: what is documented, what of it was seen, and what broke."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_bctrl.contract.budget import Budget, BudgetError
from pytest_bctrl.contract.engine import schema_count
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
    """Return a node an operation, each with its parameters and responses below it.

    A node has `name`, `words` (its type), `required`, `state`, `seen` (how often; null where that is unknown),
    `never` (labels of what was never seen at it), `findings` (indices into `findings`) and `children`. The state is
    `error`, `warning`, `info` where a finding is at the node, else `seen`, `partly`, `never` or `unknown`. A property
    that was found and is not documented is a node too, with `is_documented` false. A response with more nodes than the
    budget allows says so, and has none.
    """
    budget = Budget.of_contract(schema_count(contract))
    points: dict[tuple[str, str, str], list[Point]] = {}
    for point in coverage.points if coverage else ():
        points.setdefault((point.operation, point.status, point.location), []).append(point)
    nodes = []
    for operation in contract.operations:
        node = _operation(contract, operation, points, budget)
        for index, finding in enumerate(findings):
            if finding.operation == operation.label:
                _put(node, _response_of(node, finding), finding, index)
        _settle(node, findings)
        nodes.append(node)
    return nodes


_Node = dict[str, Any]


def _made(kind: str, name: str, said: str, status: str, plain: list[str], *, is_documented: bool = True) -> _Node:
    """A node of which nothing was seen, and that has nothing below it."""
    what = {"name": name, "kind": kind, "words": said, "is_documented": is_documented, "status": status}
    return {**what, "plain": plain, "required": False, "seen": None, "never": [], "findings": [], "children": []}


_Above = frozenset[frozenset[str]]
_Points = Mapping[tuple[str, str, str], "list[Point]"]


def _operation(contract: Contract, operation: Operation, points: _Points, budget: Budget) -> _Node:
    whole = _Documented(contract, points, operation.label, "", budget)
    made = whole.node("operation", operation.label, operation.summary, ())
    for one in operation.parameters:
        said = f"{schema_summary(contract, one.schema)}, in {one.in_}"
        made["children"].append(whole.node("parameter", one.name, said, [one.in_], [one.name], required=one.required))
    for status, response in operation.responses.items():
        documented = _Documented(contract, points, operation.label, status, budget.part())
        node = documented.node("response", status, response.description, [""])
        made["children"].append(node)
        root = build_body_node(contract, operation.label, status)
        try:
            node["children"] += documented.members([root], frozenset()) if root else ()
        except BudgetError as error:
            node["children"].clear()
            node["words"] = f"{response.description} (not shown: {error.problem})"
    return made


_OWN = ("property", "status", "parameter", "branch")
"""Kinds of points that say whether a thing itself was seen; the others are about what was seen of it."""


@dataclass(frozen=True, slots=True)
class _Documented:
    """What is documented of one response, or of the operation itself, as nodes with what coverage says of them.

    Several places are shown as one node: a list with its items, and the values of several tags of one branch.
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
        said: str,
        locations: Sequence[str],
        labels: Sequence[str] = (),
        *,
        required: bool = False,
        told: int | None = None,
    ) -> _Node:
        """A node without children; `told` is how often it was seen, where it has no points that say so."""
        points = [
            point
            for location in locations
            for point in self.points.get((self.operation, self.status, location), ())
            if _is_of(point, kind, labels)
        ]
        seen = max((point.seen for point in points if point.kind in _OWN), default=told)
        if seen is None:
            seen = max((point.seen for point in points), default=None)
        plain = [without_tags(location) for location in locations]
        never = [point.label for point in points if not point.seen and point.kind not in _OWN]
        made = _made(kind, name, said, self.status, plain)
        return {**made, "required": required, "seen": seen, "never": never}

    def members(self, places: Sequence[Node], above: _Above) -> Iterator[_Node]:
        """The nodes of what is documented in the objects at places, and of the items of the lists there.

        Raises `BudgetError` where there are more than the budget allows.
        """
        if places[0].schemas in above:
            return
        above |= {places[0].schemas}
        with self.budget.inside(places[0].schemas, places[0].where):
            items = _items(places)
            if items:
                yield from self.members(items, above)
            yield from self._objects(places, above)

    def _objects(
        self, places: Sequence[Node], above: _Above, told_by: str | None = None, times: int | None = None
    ) -> Iterator[_Node]:
        """`told_by` is the property that tells the branch of the objects, `times` how often that was seen."""
        pending = places[0].applicators("object")
        if pending:
            yield from self._branches(places, pending[0], above)
            return
        names = (name for spot in places[0].schemas_for("object") for name in keywords(spot).get("properties", ()))
        for name in dict.fromkeys(names):
            members = [member for place in places if (member := place.member(name)) is not None]
            if not members:
                # The deepest level of a recursive schema.
                continue
            shown, lists = [*members], members
            while lists := _items(lists):
                shown += lists
            said = schema_summary(self.contract, members[0].certain[0].schema)
            required, told = name in places[0].required, times if name == told_by else None
            self.budget.spend(places[0].where, len(shown))
            node = self.node("property", name, said, [one.location for one in shown], required=required, told=told)
            node["children"] += self.members(members, above)
            yield node

    def _branches(self, places: Sequence[Node], split: Applicator, above: _Above) -> Iterator[_Node]:
        by_schema: dict[str, list[str]] = {}
        for tag in split.by_tag:
            by_schema.setdefault(str([spot.pointer for spot in split.schemas_for_tag(tag)[0]]), []).append(tag)
        for tags in by_schema.values():
            number = tags[0].partition(":")[2]
            is_numbered = split.name is None and number.isdigit()
            name = f"way {int(number) + 1}" if is_numbered else " or ".join(tags)
            said = schema_summary(self.contract, split.schemas_for_tag(tags[0])[0][0].schema) if is_numbered else ""
            self.budget.spend(places[0].where, len(places))
            node = self.node("branch", name, said, [place.location for place in places], tags)
            below = [place.narrow(split, tag) for place in places for tag in tags]
            node["children"] += self._objects(below, above, split.name, node["seen"])
            yield node
        if isinstance(split, Condition) and split.name:
            yield from self._objects([place.narrow(split, "") for place in places], above)


def _items(places: Sequence[Node]) -> list[Node]:
    return [place.items for place in places if place.items is not None]


def _is_of(point: Point, kind: str, labels: Sequence[str]) -> bool:
    """Whether a point of coverage at its place is shown at a node."""
    if labels:
        return point.kind == kind and point.label in labels
    return (point.kind == "status") if kind == "response" else point.kind not in ("status", "parameter", "branch")


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
    is_answers = location in ("status", "response") and finding.sample is None and not is_change(finding)
    is_whole = is_answers or location in ("", "$", "body")
    below = None if is_whole else response
    found = (list(_at(below, location)) or list(_undocumented(below, location))) if below else []
    for node in found or [response or operation]:
        node["findings"].append(index)


def _at(node: _Node, location: str) -> Iterator[_Node]:
    if location in node["plain"] and node["kind"] == "property":
        yield node
    for child in node["children"]:
        yield from _at(child, location)


def _undocumented(response: _Node, location: str) -> Iterator[_Node]:
    """A node for a property that the contract does not name, below the object that holds it; none for no property."""
    try:
        parent, last = split_location(location)
    except ValueError:
        return
    if last is None or last.kind != "member":
        return
    holders = _at(response, parent) if parent else [response]
    holder = next((node for node in holders if node["children"]), None)
    if holder is not None:
        made = _made("property", last.text, "not documented", response["status"], [location], is_documented=False)
        holder["children"].append(made)
        yield made


def _settle(node: _Node, findings: Sequence[Finding]) -> None:
    """Decide on every node's state, and on the worst below it."""
    # What is accepted is reported, and breaks nothing.
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
        _settle(child, findings)
    below = [level for child in node["children"] for level in (child["state"], child["below"]) if level in LEVELS]
    node["below"] = min(below, key=LEVELS.index) if below else ""
    del node["plain"]
