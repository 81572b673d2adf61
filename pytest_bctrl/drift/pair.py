"""A pair of schemas, one of each document, and the changes between them, located relative to the pair.

So each change is found once, for every location where the pair is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_bctrl.drift.binary import MULTIPART, OCTETS
from pytest_bctrl.drift.node import Node, Schema, accepts_anything, is_list_of_types
from pytest_bctrl.drift.rules import KEYWORD_CHANGED, rule_in_scope, rules

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_bctrl.drift.equality import Equality
    from pytest_bctrl.drift.normalize import Normalizer
    from pytest_bctrl.drift.options import Options
    from pytest_bctrl.drift.verification import Verification
    from pytest_bctrl.findings.finding import Level

_NESTED = {
    "response-body": "response-property",
    "request-body": "request-property",
    "request-parameter": "request-parameter-property",
}


class View(NamedTuple):
    """The context of a comparison, which decides the rule of a change.

    `scope` is the first words of a schema rule's id: `response-body`, `request-parameter`, ... `strongly_typed`: the
    value is written as JSON. `is_header`: it is sent in a header. `is_branch`: it is an alternative, so null is not
    compared. `is_subtype`: a discriminator selects the schema, so proofs about the schemas around it do not include it.
    `is_required`: it is a parameter that one of the documents requires, so its default has no effect. `binary`: the
    media type of a body or part that may be raw binary data, or `MULTIPART`.
    """

    scope: str
    strongly_typed: bool = True
    is_header: bool = False
    is_branch: bool = False
    is_subtype: bool = False
    is_required: bool = False
    binary: str = ""

    @property
    def inside(self) -> View:
        """The context of the schemas inside the schema."""
        scope = _NESTED.get(self.scope, self.scope)
        binary = ""
        if self.binary == MULTIPART:
            binary = OCTETS
        return self._replace(scope=scope, is_branch=False, is_subtype=False, is_required=False, binary=binary)

    @property
    def is_request(self) -> bool:
        """Whether the consumer sends the values that are compared."""
        return self.scope.startswith("request")

    @property
    def is_text(self) -> bool:
        """Whether the values are those of a parameter or header, which are sent as texts, without types and null."""
        return not self.strongly_typed and self.scope.startswith(("request-parameter", "response-header"))

    @property
    def property_subject(self) -> str:
        """The first words of the ids of rules about the properties of a request."""
        if self.scope.startswith("request-parameter"):
            return "request-parameter-property"
        return "request-property"


class Change(NamedTuple):
    """One thing that changed. `kind` is the rule without its scope and direction; `step` leads there from the pair.

    `part` identifies which part of the schema changed where the rule and both values do not; fingerprints depend on it,
    so it is never reworded. `detail` describes that part to people, and nothing depends on its wording. `content` is a
    digest of the schemas that changed, where the values do not contain them: another change has another fingerprint.
    `key` is the same for the same change at every location and under every rule. `old_at` and `new_at` are the pointers
    of the keyword that changed; where it is absent, of the object that would have it.
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
    content: str

    @property
    def what(self) -> str:
        """What changed, wherever it is: the same for a schema and for one that extends it."""
        return repr((self.kind, self.step, as_json(self.old), as_json(self.new), self.part, self.content))

    @property
    def mark(self) -> str:
        """What the fingerprint of a finding has beside the rule, the location and both values."""
        return f"{self.part} {self.content}".strip()


def described_change(
    kind: str,
    rule: str,
    step: str,
    values: tuple[Any, Any],
    at: tuple[str, str],
    part: str = "",
    content: str = "",
) -> Change:
    """Return a change; `values` and `at`, the pointers, have those of the old side and of the new one."""
    key = repr((kind, step, *map(as_json, values), at, part, content))
    return Change(kind, rule, step, *values, *at, part, part, key, content)


def as_json(value: Any) -> Any:
    """Return a value as JSON data: a set as a sorted list, or as its only item."""
    if not isinstance(value, (set, frozenset)):
        return value
    items = sorted(value, key=str)
    if len(items) == 1:
        return items[0]
    return items


Trail = tuple["Trail | None", tuple["Node", "Node"], str]
"""A pair of schemas, the step that leads to it, and the trail to what holds it; None where a schema is used.

The trail to a subtype begins with it, and its step is the whole path.
"""


Step = tuple[tuple["Node", "Node"], str]


def steps(trail: Trail) -> list[Step]:
    """Return the pairs from the first to the last, each with the step that leads to it."""
    path: list[Step] = []
    outer: Trail | None = trail
    while outer is not None:
        outer, nodes, step = outer
        path.insert(0, (nodes, step))
    return path


class Located(NamedTuple):
    """A change and where it is: its severity, the number of schemas above it, the path to it, and the pairs on it.

    `verification` is set if the engine detected the change, or decides its level. `view` is the context of a schema.
    """

    change: Change
    rank: int
    depth: int
    path: str
    trails: Sequence[Trail]
    verification: Verification | None = None
    view: View | None = None


RANK: dict[Level, int] = {"error": 0, "warning": 1, "info": 2}


def rank(rule: str, levels: Mapping[str, Level]) -> int:
    """Return the severity of a change under a rule, 0 for the worst; `levels` overrides the level of the rule."""
    return RANK[levels.get(rule) or rules()[rule].level]


class Edge(NamedTuple):
    """A pair inside a pair."""

    step: str
    old: Schema
    new: Schema
    view: View


class Sides(NamedTuple):
    """The two documents that are compared, and the options."""

    old: Normalizer
    new: Normalizer
    options: Options
    equality: Equality

    def equal(self, old: Schema, new: Schema) -> bool:
        """Return whether two schemas mean the same."""
        return self.equality.equal(self.old.node(old), self.new.node(new))

    def content(self, old: Schema | None, new: Schema | None) -> str:
        """Return a digest of a schema that was added, removed or changed; None stands for the side that lacks it."""
        before, after = self.equality.contents
        digests = ["" if old is None else before.digest(old), "" if new is None else after.digest(new)]
        return "|".join(digests)


class SchemaComparison:
    """Collects the changes between two schemas, and the pairs of schemas inside them."""

    def __init__(self, sides: Sides, old: Node, new: Node, view: View) -> None:
        self.sides = sides
        self.old = old
        self.new = new
        self.view = view
        self.changes: list[Change] = []
        self.edges: list[Edge] = []

    def emit(
        self,
        suffix: str,
        old: Any,
        new: Any,
        keyword: str,
        part: str = "",
        schemas: tuple[Schema | None, Schema | None] | None = None,
        at: tuple[str, str] | None = None,
    ) -> None:
        """Note a change of the schema itself: the end of the rule's id, both values, and the changed keyword.

        `schemas` are those under the keyword that changed, if the values do not contain them. `at` has the pointers
        if they are not those of the keyword with the values.
        """
        rule = rule_in_scope(self.view.scope, suffix)
        at, content = at or _pointers(self.old, self.new, keyword, (old, new)), ""
        if schemas is not None:
            content = self.sides.content(*schemas)
        self.changes.append(described_change(suffix, rule, "", (old, new), at, part, content))

    def note_keyword(self, keyword: str) -> None:
        """Note a change of a keyword whose level depends on the schema as a whole, which the engine compares."""
        direction = "response"
        if self.view.is_request:
            direction = "request"
        at = _pointers(self.old, self.new, keyword)
        content = self.sides.content(self.old.parts_with(keyword), self.new.parts_with(keyword))
        rule = f"{direction}-{KEYWORD_CHANGED}"
        self.changes.append(described_change(KEYWORD_CHANGED, rule, "", (None, None), at, keyword, content))

    def compare_nullable(self) -> None:
        """Note that null became valid, or is no longer valid, unless the value is sent as text, which is never null."""
        if self.view.is_text:
            return
        was, now = self.old.nullable, self.new.nullable
        if was == now:
            return
        at = self.old.null_at, self.new.null_at
        if now:
            self.emit("became-nullable", was, now, "type", "null", at=at)
        else:
            self.emit("became-not-nullable", was, now, "type", "not null", at=at)

    def add(
        self,
        kind: str,
        rule: str,
        step: str,
        values: tuple[Any, Any],
        at: tuple[str, str],
        content: str = "",
    ) -> None:
        """Note a change under the rule with this id."""
        self.changes.append(described_change(kind, rule, step, values, at, content=content))

    def follow(self, old: Schema, new: Schema, step: str, is_branch: bool = False) -> None:
        """Add a pair of inner schemas to compare, at `step` below this one."""
        view = self.view.inside._replace(is_branch=is_branch)
        if is_branch or (step == "[*]" and self.view.binary != MULTIPART):
            # An alternative is sent in the same way, and each item of an array in a form as a part.
            view = view._replace(binary=self.view.binary)
        self.edges.append(Edge(step, old, new, view))

    def follow_subtype(self, old: Schema, new: Schema, step: str) -> None:
        """Add a pair of schemas to compare that a discriminator selects by the same value."""
        self.edges.append(Edge(step, old, new, self.view.inside._replace(is_branch=True, is_subtype=True)))

    def follow_here(self, old: Schema, new: Schema) -> None:
        """Add a pair to compare at the same location: one side and a branch of the other."""
        self.edges.append(Edge("", old, new, self.view._replace(is_branch=True, is_subtype=False)))

    def follow_undeclared(self, old: Schema, new: Schema, step: str, *, is_any: bool = False) -> None:
        """Add a pair to compare of a property or item that only one side declares and the undeclared ones of the other.

        Nothing is compared if that side takes no undeclared value, or any; with `is_any`, also if it takes any.
        """
        if (is_any or (old and new)) and not (self.sides.old.node(old).never or self.sides.new.node(new).never):
            self.follow(old, new, step)

    def effective(self, keyword: str) -> tuple[Schema | None, Schema | None]:
        """Return the schemas under a keyword; None if there is none, or if it takes any value."""
        return _effective(self.sides.old, self.old, keyword), _effective(self.sides.new, self.new, keyword)


def _pointers(old: Node, new: Node, keyword: str, values: tuple[Any, Any] = (None, None)) -> tuple[str, str]:
    """Return the pointers of a keyword in both schemas; where it is absent, of the part that has it on the other side.

    If one side has no such part, it is the schema. Of several parts with the keyword, those with the values count.
    """
    was, now = values
    if isinstance(was, frozenset) and isinstance(now, frozenset):
        was, now = was - now, now - was
    old_at, new_at = old.at(keyword, as_json(was)), new.at(keyword, as_json(now))
    if new.has_keyword_or_alternatives(keyword) and not old.has_keyword_or_alternatives(keyword):
        old_at = old.nearest(new_at) or old_at
    elif old.has_keyword_or_alternatives(keyword) and not new.has_keyword_or_alternatives(keyword):
        new_at = new.nearest(old_at) or new_at
    return old_at, new_at


def _effective(normal: Normalizer, node: Node, keyword: str) -> Schema | None:
    """Return the schema under a keyword; None if there is none, or if it accepts any value (of names: any string)."""
    schema = node.children.get(keyword)
    if schema is None:
        return None
    inner = normal.node(schema)
    accepts_every_name = keyword == "propertyNames" and is_list_of_types(inner) and inner.takes("string")
    if accepts_every_name or accepts_anything(inner):
        return None
    return schema
