"""A pair of schemas, one of each document, and what changed between the two: located from the pair, so that it is found
once and holds wherever the pair is used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_bctrl.drift.node import Node, Schema, takes_anything
from pytest_bctrl.drift.rules import rules

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_bctrl.drift.equality import Equality
    from pytest_bctrl.drift.normalize import Normalizer
    from pytest_bctrl.drift.options import Options
    from pytest_bctrl.findings.finding import Level

_NESTED = {"response-body": "response-property", "request-parameter": "request-parameter-property"}
_SPELLED = {("response-body", "enum-value-removed"): "response-mediatype-enum-value-removed"}


class View(NamedTuple):
    """How a pair is looked at, which decides under which rule a change is noted.

    `scope` is the first words of a schema rule's id: `response-body`, `request-parameter`, ... `strongly_typed`: the
    value is written as JSON. `is_header`: it is sent in a header. `is_branch`: it is an alternative, and is not asked
    about null.
    """

    scope: str
    strongly_typed: bool = True
    is_header: bool = False
    is_branch: bool = False

    @property
    def inside(self) -> View:
        """How what a schema holds is looked at."""
        return self._replace(scope=_NESTED.get(self.scope, self.scope), is_branch=False)

    @property
    def is_request(self) -> bool:
        """Whether what is compared is sent by the consumer."""
        return self.scope.startswith("request")


class Change(NamedTuple):
    """One thing that changed. `kind` is the rule without its scope and direction; `step` leads there from the pair.

    `part` identifies which part of the schema changed where the rule and both values do not; fingerprints depend on it,
    so it is never reworded. `detail` describes that part to people, and nothing depends on its wording.
    `key` is the same for the same change at every location and under every rule.
    """

    kind: str
    rule: str
    step: str
    old: Any
    new: Any
    old_at: str
    new_at: str
    part: str
    detail: str
    key: str


def changed(
    kind: str, rule: str, step: str, values: tuple[Any, Any], at: tuple[str, str], part: str = "", detail: str = ""
) -> Change:
    """Return a change; `values` and `at` hold those of the old side and the new one, `detail` defaults to `part`."""
    key = repr((kind, step, *map(plain, values), at, part))
    return Change(kind, rule, step, *values, *at, part, detail or part, key)


def plain(value: Any) -> Any:
    """A value as JSON data; sets in order."""
    if isinstance(value, (set, frozenset)):
        items = sorted(value, key=str)
        return items[0] if len(items) == 1 else items
    return value


Trail = tuple["Trail | None", tuple["Node", "Node"], str]
"""A pair of schemas, the step that leads to it, and the trail to what holds it; None where a schema is used."""


Step = tuple[tuple["Node", "Node"], str]


def steps(trail: Trail) -> list[Step]:
    """The pairs from the first to the last, each with the step that leads to it."""
    found: list[Step] = []
    rest: Trail | None = trail
    while rest is not None:
        rest, nodes, step = rest
        found.insert(0, (nodes, step))
    return found


class Located(NamedTuple):
    """A change, how bad it is, how many schemas lead to it from where a schema is used, the way, and its pairs.

    `made_of`: the changes of schemas that it stands for, where it is one for many.
    """

    change: Change
    rank: int
    depth: int
    way: str
    trails: Sequence[Trail]
    made_of: Sequence[Located] = ()


RANK: dict[Level, int] = {"error": 0, "warning": 1, "info": 2}


def rank(rule: str, levels: Mapping[str, Level]) -> int:
    """How bad a change is under a rule: 0 for the worst; `levels` has those that are not the rule's own."""
    return RANK[levels.get(rule) or rules()[rule].level]


class Edge(NamedTuple):
    """A pair inside a pair."""

    step: str
    old: Schema
    new: Schema
    view: View


class Sides(NamedTuple):
    """The two documents that are compared, and what is asked for."""

    old: Normalizer
    new: Normalizer
    options: Options
    equality: Equality

    def equal(self, old: Schema, new: Schema) -> bool:
        """Tell whether two schemas mean the same."""
        return self.equality.equal(self.old.node(old), self.new.node(new))


class Draft:
    """Takes down what changed between two schemas, and which pairs they hold."""

    def __init__(self, sides: Sides, old: Node, new: Node, view: View) -> None:
        self.sides = sides
        self.old = old
        self.new = new
        self.view = view
        self.changes: list[Change] = []
        self.edges: list[Edge] = []

    def emit(self, suffix: str, old: Any, new: Any, keyword: str, part: str = "") -> None:
        """Note a change of the schema itself: the rule's last words, both values, and the keyword it is found at."""
        scope = self.view.scope
        rule = _SPELLED.get((scope, suffix)) or f"{scope}-{suffix}"
        self.changes.append(changed(suffix, rule, "", (old, new), (self.old.at(keyword), self.new.at(keyword)), part))

    def add(self, kind: str, rule: str, step: str, values: tuple[Any, Any], at: tuple[str, str]) -> None:
        """Note a change under a rule of its own."""
        self.changes.append(changed(kind, rule, step, values, at))

    def follow(self, old: Schema, new: Schema, step: str, is_branch: bool = False) -> None:
        """Note that the pair holds another one, a step further in."""
        self.edges.append(Edge(step, old, new, self.view.inside._replace(is_branch=is_branch)))

    def follow_here(self, old: Schema, new: Schema) -> None:
        """Note that one side is an alternative of the other: what changed is found in the same place."""
        self.edges.append(Edge("", old, new, self.view._replace(is_branch=True)))

    def follow_undeclared(self, old: Schema, new: Schema, step: str) -> None:
        """Note a property or item that is declared on one side only, and may hold other values there.

        On the other side it is one of those that are not declared. Where nothing is said of such, nothing is noted, nor
        where there can be none.
        """
        if old and new and not (self.sides.old.node(old).never or self.sides.new.node(new).never):
            self.follow(old, new, step)

    def said(self, keyword: str) -> tuple[Schema | None, Schema | None]:
        """The schemas under a keyword; None where there is none or it takes anything anyway."""
        return _said(self.sides.old, self.old, keyword), _said(self.sides.new, self.new, keyword)


def _said(normal: Normalizer, node: Node, keyword: str) -> Schema | None:
    schema = node.children.get(keyword)
    if schema is None or keyword == "contains":
        return schema
    return None if takes_anything(normal.node(schema)) else schema
