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


def outline(contract: Contract, findings: Sequence[Finding], coverage: Coverage | None) -> list[dict[str, Any]]:
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


_Places = Mapping[tuple[str, str, str], "list[Point]"]


def _by_place(coverage: Coverage | None) -> dict[tuple[str, str, str], list[Point]]:
    places: dict[tuple[str, str, str], list[Point]] = {}
    for point in coverage.points if coverage else ():
        places.setdefault((point.operation, point.status, point.location), []).append(point)
    return places


def _node(documented: Documented, places: _Places, is_known: bool) -> dict[str, Any]:
    points = [
        point
        for location in documented.locations
        for point in places.get((documented.operation, documented.status, location), ())
        if documented.kind != "response" or point.kind == "status"
    ]
    return {
        "name": documented.name,
        "kind": documented.kind,
        "words": documented.words,
        "required": documented.required,
        "is_documented": True,
        "status": documented.status,
        "plain": [_TAG.sub("", location) for location in documented.locations],
        "seen": _seen(points) if is_known else None,
        "never": [point.label for point in points if not point.seen and point.kind not in ("property", "status")],
        "findings": [],
        "children": [_node(child, places, is_known) for child in documented.children],
    }


def _seen(points: Sequence[Point]) -> int | None:
    """How often the thing itself was seen; where no point says so, how often anything at its place was."""
    own = [point.seen for point in points if point.kind in ("property", "status", "parameter", "branch")]
    return max(own or [point.seen for point in points], default=None)


def _response_of(node: dict[str, Any], finding: Finding) -> dict[str, Any] | None:
    """The response that a finding is about: the answer's status, a drift's, or the first success."""
    responses = [child for child in node["children"] if child["kind"] == "response"]
    answered = str((finding.extra.get("response") or {}).get("status") or finding.extra.get("status") or "")
    wanted = (answered, f"{answered[:1]}XX", "default") if answered else ()
    named = next((child for status in wanted for child in responses if child["status"].upper() == status), None)
    return named or next((child for child in responses if child["status"].startswith("2")), None)


def _put(operation: dict[str, Any], response: dict[str, Any] | None, finding: Finding, index: int) -> None:
    """Hang a finding on the nodes of its place; on a new one where the contract has none; else on the operation."""
    location = finding.location
    if response is not None and location in ("", "$", "body"):
        response["findings"].append(index)
        return
    found = list(_at(response, location)) if response else []
    if response is not None and not found:
        found = [_undocumented(response, location)]
    for node in [node for node in found if node] or [response or operation]:
        node["findings"].append(index)


def _at(node: dict[str, Any], location: str) -> Iterator[dict[str, Any]]:
    if location in node["plain"] and node["kind"] != "response":
        yield node
    for child in node["children"]:
        yield from _at(child, location)


def _undocumented(response: dict[str, Any], location: str) -> dict[str, Any] | None:
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


def _settle(node: dict[str, Any], findings: Sequence[Finding], is_known: bool) -> None:
    """Decide on every node's state, and on the worst below it."""
    levels = [findings[index].level for index in node["findings"]]
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
