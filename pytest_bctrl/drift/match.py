"""Finds what belongs together in two documents, operations and alternatives, and never by a component's name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_bctrl.drift.spec import Part, Spec

if TYPE_CHECKING:
    from pytest_bctrl.drift.compare_schema import SchemaComparison
    from pytest_bctrl.drift.node import Node
    from pytest_bctrl.drift.normalize import Normalizer
    from pytest_bctrl.drift.report import Place

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_TEMPLATE = re.compile(r"\{([^{}]*)\}")
_ALIKE = 0.34
_EXHAUSTIVE = 2500


class Operation(NamedTuple):
    """One method on one path."""

    method: str
    path: str
    shape: str
    item: Part
    part: Part

    @property
    def label(self) -> str:
        """As a reader writes it."""
        return f"{self.method.upper()} {self.path}"

    @property
    def key(self) -> tuple[str, str]:
        """What stays when a path parameter is renamed."""
        return self.method, self.shape

    @property
    def path_parameters(self) -> list[str]:
        """The names in the path's template, in order."""
        return _TEMPLATE.findall(self.path)


def operations(spec: Spec) -> list[Operation]:
    """Return the operations of a document, in its order. Raises `DocumentError` where a path item is none."""
    found = []
    for path, item in spec.fields(spec.root / "paths"):
        if not path.startswith("/"):
            raise spec.refuse(
                item, f"the path {path[:80]!r} does not begin with a slash", "see OpenAPI 3.1, section 4.8.8.1"
            )
        item = spec.resolve(item)
        spec.mapping(item)
        shape = _TEMPLATE.sub("{}", path)
        for method in METHODS:
            part = item / method
            if part.value is not None:
                spec.mapping(part)
                found.append(Operation(method, path, shape, item, part))
    return found


class Operations(NamedTuple):
    """Operations of two documents, matched."""

    both: list[tuple[Operation, Operation]]
    removed: list[Operation]
    added: list[Operation]


def match_operations(old: list[Operation], new: list[Operation]) -> Operations:
    """Match operations by method and path; where the text of the path differs, by its shape."""
    by_text = {(one.method, one.path): one for one in new}
    both: dict[tuple[str, str], tuple[Operation, Operation]] = {}
    for one in old:
        if (one.method, one.path) in by_text:
            both[one.method, one.path] = (one, by_text.pop((one.method, one.path)))
    by_shape: dict[tuple[str, str], list[Operation]] = {}
    for one in by_text.values():
        by_shape.setdefault(one.key, []).append(one)
    removed = []
    for one in old:
        if (one.method, one.path) in both:
            continue
        others = by_shape.get(one.key)
        if others:
            both[one.method, one.path] = (one, others.pop(0))
        else:
            removed.append(one)
    matched = {id(other) for _, other in both.values()}
    return Operations(
        [both[one.method, one.path] for one in old if (one.method, one.path) in both],
        removed,
        [one for one in new if id(one) not in matched],
    )


class Branch(NamedTuple):
    """One alternative: where it stands, what it says, and by which values of its properties it is told apart."""

    part: Part
    node: Node
    values: dict[str, frozenset[Any]]


class Branches(NamedTuple):
    """Alternatives of two schemas, matched; with each pair, what to call it."""

    both: list[tuple[Branch, Branch, str]]
    removed: list[tuple[Branch, str]]
    added: list[tuple[Branch, str]]


def branches(parts: tuple[Part, ...], normal: Normalizer) -> list[Branch]:
    """Read alternatives for matching."""
    found = []
    for part in parts:
        node = normal.node((part,))
        values = {}
        for name, schema in node.maps.get("properties", {}).items():
            enum = normal.node(schema).enum
            if enum:
                values[name] = frozenset(enum)
        found.append(Branch(part, node, values))
    return found


def match_branches(walk: SchemaComparison, old: list[Branch], new: list[Branch], place: Place) -> Branches:
    """Match alternatives: by the value of a property that tells them apart, then by equality, then by likeness."""
    teller = _telling_property(old, new)
    pairs = [
        (one, other)
        for one in old
        for other in new
        if teller and one.values.get(teller, frozenset()) & other.values.get(teller, frozenset())
    ]
    rest_old, rest_new = _without(old, pairs, 0), _without(new, pairs, 1)
    small = len(rest_old) * len(rest_new) <= _EXHAUSTIVE
    rest_old, rest_new = _pair_up(
        pairs, rest_old, rest_new, lambda one, other: float(small and _equal(walk, one, other, place)), 1
    )
    rest_old, rest_new = _pair_up(pairs, rest_old, rest_new, lambda one, other: _likeness(one, other, teller), _ALIKE)
    order = {id(one): index for index, one in enumerate(old)}
    pairs.sort(key=lambda pair: order[id(pair[0])])
    return Branches(
        [(one, other, _label(one, other, teller)) for one, other in pairs],
        [(one, _label(one, one, teller)) for one in rest_old],
        [(one, _label(one, one, teller)) for one in rest_new],
    )


def _telling_property(old: list[Branch], new: list[Branch]) -> str:
    """The property whose values tell the alternatives of each side apart and match most of them; or none."""
    best, most = "", 0
    for name in dict.fromkeys(name for branch in old for name in branch.values):
        sides = [[branch.values[name] for branch in side if name in branch.values] for side in (old, new)]
        if any(sum(map(len, side)) != len(frozenset[Any]().union(*side)) for side in sides):
            continue
        matched = sum(bool(one & other) for one in sides[0] for other in sides[1])
        if matched > most:
            best, most = name, matched
    return best


def _without(side: list[Branch], pairs: list[tuple[Branch, Branch]], index: int) -> list[Branch]:
    taken = {id(pair[index]) for pair in pairs}
    return [branch for branch in side if id(branch) not in taken]


def _pair_up(
    pairs: list[tuple[Branch, Branch]], old: list[Branch], new: list[Branch], score: Any, least: float
) -> tuple[list[Branch], list[Branch]]:
    """Move the best-scoring pairs out of what is left."""
    scored = [(score(one, other), i, j) for i, one in enumerate(old) for j, other in enumerate(new)]
    taken_old: set[int] = set()
    taken_new: set[int] = set()
    for value, i, j in sorted(scored, key=lambda entry: (-entry[0], entry[1], entry[2])):
        if value >= least and i not in taken_old and j not in taken_new:
            taken_old.add(i)
            taken_new.add(j)
            pairs.append((old[i], new[j]))
    return (
        [one for i, one in enumerate(old) if i not in taken_old],
        [one for j, one in enumerate(new) if j not in taken_new],
    )


def _equal(walk: SchemaComparison, old: Branch, new: Branch, place: Place) -> bool:
    return _overlap(old.node, new.node) and walk.equal((old.part,), (new.part,), place)


def _overlap(old: Node, new: Node) -> bool:
    return old.types is None or new.types is None or bool(old.types & new.types) or old.types == new.types


def _likeness(old: Branch, new: Branch, teller: str) -> float:
    if (teller and teller in old.values and teller in new.values) or not _overlap(old.node, new.node):
        return 0.0
    one, other = old.node.maps.get("properties", {}).keys(), new.node.maps.get("properties", {}).keys()
    if not one and not other:
        return 1.0 if old.node.types == new.node.types else 0.5
    return len(one & other) / len(one | other)


def _label(old: Branch, new: Branch, teller: str) -> str:
    if teller in old.values:
        values = sorted(map(str, old.values[teller] & new.values.get(teller, frozenset()) or old.values[teller]))
        return f"<{teller}={'|'.join(values)}>"
    names = sorted(old.node.maps.get("properties", {}).keys() & new.node.maps.get("properties", {}).keys())
    if names:
        return f"<{{{', '.join(names[:4])}}}>"
    kinds = {kind for branch in (old, new) for kind in branch.node.types or ("any",)}
    return f"<{'|'.join(sorted(kinds))}>"
