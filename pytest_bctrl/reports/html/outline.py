"""The contract as a tree of plain data: what is documented, what of it was seen, and what broke."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pytest_bctrl.finding import LEVELS
from pytest_bctrl.reports.html.documented import Documented, operations

if TYPE_CHECKING:
    from pytest_bctrl.contract.model import Contract
    from pytest_bctrl.finding import Finding
    from pytest_bctrl.observed.coverage import Coverage, Point

_TAG = re.compile(r"<[^<>]*>")
_STEP = re.compile(r"\[\*\]|\[\d+\]|\[(?:'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")\]|\.?[A-Za-z_][A-Za-z0-9_-]*")


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
        "plain": [_TAG.sub("", location) for location in documented.locations],
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
