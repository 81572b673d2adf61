"""Verifies that two schemas about which the rules report no error keep their promise to the consumer.

Schemas that are written alike need no proof. Others are divided as far as the rules are exact: an object keeps its
promise if its properties do. What cannot be divided is a question for the engine.
"""

from __future__ import annotations

from contextlib import suppress
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any

from pytest_bctrl.contract.spec import Part
from pytest_bctrl.drift.alike import Spellings
from pytest_bctrl.drift.alternatives import null_alternatives
from pytest_bctrl.drift.declared_names import are_declared
from pytest_bctrl.drift.exclusive import are_exclusive, may_meet_several
from pytest_bctrl.drift.match import branches, match_branches
from pytest_bctrl.drift.node import is_null
from pytest_bctrl.drift.verification import Verification

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_bctrl.drift.candidates import Side
    from pytest_bctrl.drift.containment import Overlaps, Question
    from pytest_bctrl.drift.match import Branch
    from pytest_bctrl.drift.node import Alternatives, Node, NodeReader, Schema
    from pytest_bctrl.drift.pair import Sides, View

_MOST_ALTERNATIVES = 20
"""Maximum number of alternatives of a `oneOf` whose overlaps are compared."""
_TRIES = 300
"""Maximum number of values per question."""
_KEEPS_OWN = frozenset(("not", "if", "contains", "contentSchema", "unevaluatedItems", "unevaluatedProperties"))
"""Keywords under which a schema that allows less may make the whole allow more, or that depend on other keywords."""
_OBJECT = frozenset(("properties", "patternProperties", "additionalProperties", "unevaluatedProperties"))
_LIST = frozenset(("items", "prefixItems", "unevaluatedItems", "contains"))


_Key = tuple["Node", "Node", bool, bool]
"""Two schemas, whether the consumer sends their values, and whether the values are sent as text."""


_Offer = tuple["Node", "Alternatives"]
"""A schema and one of the sets of alternatives that it offers."""


class Verifier:
    """Verifies pairs of schemas of two documents, within a budget of `steps`: the sizes of all questions together."""

    def __init__(self, sides: Sides) -> None:
        self._sides = sides
        self._spellings = Spellings(sides.old.spec, sides.new.spec)
        self._but_access = Spellings(sides.old.spec, sides.new.spec, but_access=True)
        self._steps = sides.options.steps
        self._questions: dict[_Key, Question | None] = {}
        self._verifications: dict[_Key, Verification] = {}
        self._names: dict[Node, Any] = {}
        self._divisible: dict[tuple[Node, Node, bool], bool] = {}

    def are_written_alike(self, old: Node, new: Node) -> bool:
        """Return whether two schemas are written alike, without annotations."""
        return self._spellings.are_alike(old.schema, new.schema)

    def can_divide(self, old: Node, new: Node, view: View) -> bool:
        """Return whether two schemas keep their promise if the schemas inside them do and the rules report no error."""
        return (
            _list_values_alike(old, new)
            and _have_same_types_beside_alternatives(old, new)
            and not _depend_on_parts(old)
            and not _depend_on_parts(new)
            and self._keep_uncovered_keywords(old, new)
            and self._have_same_conditions(old, new)
            and _have_same_names(old, new)
            and self.can_divide_alternatives(old, new, is_request=view.is_request)
        )

    def _keep_uncovered_keywords(self, old: Node, new: Node) -> bool:
        """Return whether the keywords that the rules do not cover are written alike in both schemas."""
        keywords = _KEEPS_OWN & (old.children.keys() | new.children.keys())
        return all(self._alike_under(old, new, keyword) for keyword in keywords)

    def _have_same_conditions(self, old: Node, new: Node) -> bool:
        """Return whether both schemas or neither have an `if`."""
        return ("if" in old.children) == ("if" in new.children)

    def _alike_under(self, old: Node, new: Node, keyword: str) -> bool:
        """Return whether the schemas under a keyword exist on both sides and are written alike."""
        before, after = old.children.get(keyword), new.children.get(keyword)
        if before is None or after is None:
            return False
        # Several schemas under one keyword were merged from `allOf`.
        return len(before) == len(after) == 1 and self._spellings.are_alike(before, after)

    def may_become_alternative(self, old: Node, new: Node, *, is_request: bool) -> bool:
        """Return whether a schema and alternatives of the other side keep their promise if it does with one of them."""
        _, forbidding = _in_direction(old, new, is_request=is_request)
        return not _has_merged_one_of(forbidding) and all(
            may_meet_several(forbidding.normal, choice.kind, choice.branches) for choice in forbidding.choices
        )

    def can_divide_alternatives(self, old: Node, new: Node, *, is_request: bool) -> bool:
        """Return whether two schemas keep their promise if each of their alternatives does."""
        key = old, new, is_request
        if key not in self._divisible:
            self._divisible[key] = self._compute_divisible(*key)
        return self._divisible[key]

    def _compute_divisible(self, old: Node, new: Node, is_request: bool) -> bool:
        """Return what `can_divide_alternatives` returns, without a cache."""
        if len(old.choices) != len(new.choices) or _has_merged_one_of(old) or _has_merged_one_of(new):
            return False
        allowing, forbidding = _in_direction(old, new, is_request=is_request)
        pairs = list(zip(allowing.choices, forbidding.choices, strict=True))
        differing = [(choice, opposite) for choice, opposite in pairs if choice.with_null != opposite.with_null]
        if any(
            opposite.kind == "oneOf" and not _only_gain_null((allowing, choice), (forbidding, opposite))
            for choice, opposite in differing
        ):
            # Null may be valid because of another alternative, which no longer is the only one, or is the only one now.
            return False
        if any(_null_may_meet_two(forbidding.normal, opposite) for _, opposite in pairs):
            return False
        return all(
            may_meet_several(forbidding.normal, opposite.kind, opposite.branches)
            or self._stay_exclusive((allowing, choice), (forbidding, opposite), is_request=is_request)
            for choice, opposite in pairs
        )

    def _stay_exclusive(self, allowing: _Offer, forbidding: _Offer, *, is_request: bool) -> bool:
        """Return whether the engine proves that a value that met one alternative of `oneOf` meets no second one now.

        Let a value meet the alternative N of the allowing side alone, and with it W of the other side. If it met a
        second alternative V there, it would be in N and V. It is in no M that became V, so that is impossible if each
        value in N and V is in M. If no alternative became V, it is impossible if N and V have no value in common.
        """
        from pytest_bctrl.drift.containment import Overlaps

        (node, choice), (opposite_node, opposite) = allowing, forbidding
        if choice.kind != "oneOf" or opposite.kind != "oneOf":
            return False
        allowed, forbidden = branches(choice.branches, node.normal), branches(opposite.branches, opposite_node.normal)
        if is_request:
            matched = match_branches(self._sides, allowed, forbidden)
            pairs, unmatched = [(old, new) for old, new, _ in matched.both], matched.added
        else:
            matched = match_branches(self._sides, forbidden, allowed)
            pairs, unmatched = [(new, old) for old, new, _ in matched.both], matched.removed
        if len(pairs) != len(allowed) or len(forbidden) > _MOST_ALTERNATIVES:
            return False
        changed: list[tuple[Branch | None, Branch]] = [(None, branch) for branch, _ in unmatched]
        changed += [pair for pair in pairs if not self._spellings.are_alike(*_in_order(pair, is_request=is_request))]
        access = "writeOnly"
        if is_request:
            access = "readOnly"
        overlaps = Overlaps(node, choice, access)
        return all(
            self._overlap_is_within(overlaps, branch, changed_branch, counterpart)
            for counterpart, changed_branch in changed
            for branch in allowed
            if branch is not counterpart
        )

    def _overlap_is_within(
        self, overlaps: Overlaps, branch: Branch, opposite: Branch, counterpart: Branch | None
    ) -> bool:
        """Return whether it is proven that `counterpart`, if any, allows each value that `branch` and `opposite` allow.

        Without a counterpart, return whether it is proven that there is no such value.
        """
        from pytest_bctrl.drift.containment import FAILURES

        if are_exclusive([branch, opposite]) and not (branch.node.nullable and opposite.node.nullable):
            return True
        containing = None
        if counterpart is not None:
            containing = counterpart.node
        with suppress(*FAILURES):
            self._steps -= overlaps.size(branch.node, opposite.node)
            return self._steps > 0 and overlaps.are_within(branch.node, opposite.node, containing)
        return False

    def _differ_in_access(self, old: Node, new: Node, question: Question) -> bool:
        """Return whether two schemas allow a consumer the same values because they differ in access flags alone."""
        return question.allows_as_written and self._but_access.are_alike(old.schema, new.schema)

    def is_proven(self, old: Node, new: Node, view: View) -> bool:
        """Return whether the engine proves that the consumer sends or receives no value that breaks the promise."""
        question = self._question((old, new, view.is_request, view.is_text))
        return question is not None and question.verdict == "proven"

    def are_sent_alike(self, old: Node, new: Node, view: View) -> bool:
        """Return whether the values of two schemas are texts, and the engine proves that both allow the same texts."""
        if not view.is_text:
            return False
        questions = [self._question((old, new, is_request, True)) for is_request in (True, False)]
        return all(question is not None and question.verdict == "proven" for question in questions)

    def verification(self, old: Node, new: Node, view: View) -> Verification:
        """Return what the engine says about two schemas, with a counterexample if there is one."""
        key = old, new, view.is_request, not view.strongly_typed
        if key not in self._verifications:
            self._verifications[key] = self._verify(key)
        return self._verifications[key]

    def has_declared_names(self, value: Any, node: Node) -> bool:
        """Return whether a value of a schema has no undeclared names; false if the schema is too large."""
        from pytest_bctrl.drift.containment import FAILURES, names_validator

        if are_declared(value, node):
            return True
        if node not in self._names:
            self._names[node] = None
            with suppress(*FAILURES):
                self._names[node] = names_validator(node)
        names = self._names[node]
        return names is not None and bool(names.is_valid(value))

    def _question(self, key: _Key) -> Question | None:
        """Return the question about two schemas; None if it is too large, or the budget is used up."""
        from pytest_bctrl.drift.containment import FAILURES, Question

        if key not in self._questions:
            old, new, is_request, is_text = key
            allowing, forbidding, access = new, old, "writeOnly"
            if is_request:
                allowing, forbidding, access = old, new, "readOnly"
            self._questions[key] = None
            if self._steps > 0:
                with suppress(*FAILURES):
                    question = self._questions[key] = Question(allowing, forbidding, access, is_text=is_text)
                    self._steps -= question.size
        return self._questions[key]

    def _verify(self, key: _Key) -> Verification:
        """Return what the engine can say about a pair: proven, refuted with a value, or undecided."""
        question, (old, new, is_request, _) = self._question(key), key
        if question is None:
            return Verification("undecided")
        if question.verdict == "proven" or self._differ_in_access(old, new, question):
            return Verification("proven")
        from jsonschema_rs import ReferencingError

        from pytest_bctrl.drift.candidates import candidates_of
        from pytest_bctrl.drift.containment import FAILURES

        step = (old, new), ""
        with suppress(*FAILURES, ReferencingError):
            values = candidates_of(question, step, int(not is_request), self._samples, self._spend)
            for value in islice(values, _TRIES):
                if question.is_counterexample(value):
                    return Verification("refuted", value, has_value=True)
        return Verification(question.verdict)

    def _spend(self, steps: int) -> None:
        """Take steps from the budget."""
        self._steps -= steps

    @cached_property
    def _samples(self) -> tuple[Side, Side]:
        """The generators of values for the old and the new document."""
        from pytest_bctrl.drift.candidates import Side

        return Side(self._sides.old, "urn:old"), Side(self._sides.new, "urn:new")


def _in_direction(old: Node, new: Node, *, is_request: bool) -> tuple[Node, Node]:
    """Return the schema that allows a value and the schema that must allow it too."""
    if is_request:
        return old, new
    return new, old


def _in_order(pair: tuple[Branch, Branch], *, is_request: bool) -> tuple[Schema, Schema]:
    """Return the schemas of the old document and the new one, of a pair that begins with the allowing side."""
    first, second = pair[0].schema, pair[1].schema
    if is_request:
        return first, second
    return second, first


def _only_gain_null(allowing: _Offer, forbidding: _Offer) -> bool:
    """Return whether null is an alternative of the forbidding side, and meets no other alternative of either side."""
    alternatives = [
        branch for node, choice in (allowing, forbidding) for branch in branches(choice.branches, node.normal)
    ]
    return forbidding[1].with_null and not any(branch.node.nullable for branch in alternatives)


def _null_may_meet_two(normal: NodeReader, choice: Alternatives) -> bool:
    """Return whether null may meet an alternative of `oneOf` besides the alternative that is null."""
    is_doubled = choice.kind == "oneOf" and choice.with_null
    return is_doubled and any(branch.node.nullable for branch in branches(choice.branches, normal))


def _list_values_alike(old: Node, new: Node) -> bool:
    """Return whether both schemas or neither list values, and both or neither allow no type except null.

    Otherwise the rules about types and values are not exact: a value may be of another type than a listed one.
    """
    allow_no_type = [node.types == frozenset() for node in (old, new)]
    return (old.enum is None) == (new.enum is None) and allow_no_type[0] == allow_no_type[1]


def _have_same_types_beside_alternatives(old: Node, new: Node) -> bool:
    """Return whether both schemas allow the same types if they have alternatives, whose types alone are compared."""
    return old.types == new.types or not (old.choices and new.choices)


def _has_merged_one_of(node: Node) -> bool:
    """Return whether a schema has a `oneOf` that its normal form has no longer: a list of types, or of values.

    It may also be within an `anyOf`, whose normal form allows the same values as the alternatives as they are read.
    """
    # Many alternatives may lead to the same schema, which is read once.
    seen, waiting = {node}, [node]
    while waiting:
        outer = waiting.pop()
        if _has_merged(outer, "oneOf"):
            return True
        if _has_merged(outer, "anyOf"):
            inside = set(_written_alternatives(outer)) - seen
            seen |= inside
            waiting += inside
    return False


def _has_merged(node: Node, kind: str) -> bool:
    """Return whether the normal form of a schema lacks alternatives of this kind that the schema is written with.

    A schema or null does not count: its normal form allows the same values, however the alternatives are combined.
    """
    written = sum(
        not _is_schema_or_null(node.normal, Part(part.schema, part.pointer) / kind)
        for part in node.parts
        if isinstance(part.schema, dict) and part.schema.get(kind)
    )
    return written != sum(choice.kind == kind for choice in node.choices)


def _is_schema_or_null(normal: NodeReader, alternatives: Part) -> bool:
    """Return whether alternatives are a schema that does not allow null and, at most once, null."""
    written = normal.spec.items(alternatives)
    nulls = null_alternatives([alternative.value for alternative in written])
    nodes = [normal.node((alternative,)) for alternative in written if alternative.value not in nulls]
    schemas = [node for node in nodes if not is_null(node)]
    return len(schemas) == 1 and len(written) <= 2 and not schemas[0].nullable


def _written_alternatives(node: Node) -> Iterator[Node]:
    """Yield the alternatives of each `anyOf` that a schema is written with."""
    for part in node.parts:
        if isinstance(part.schema, dict) and part.schema.get("anyOf"):
            for branch in node.normal.spec.items(Part(part.schema, part.pointer) / "anyOf"):
                yield node.normal.node((branch,))


def _depend_on_parts(node: Node) -> bool:
    """Return whether the effect of a keyword depends on how a schema is divided by `allOf`."""
    if len(node.parts) < 2:
        return False
    words = [part.schema.keys() for part in node.parts if isinstance(part.schema, dict)]
    objects = [keys for keys in words if _OBJECT & keys]
    lists = [keys for keys in words if _LIST & keys]
    depends_on_names = any({"additionalProperties", "unevaluatedProperties"} & keys for keys in objects)
    depends_on_items = any({"prefixItems", "unevaluatedItems", "contains"} & keys for keys in lists)
    conditions = sum("if" in keys for keys in words)
    exclusions = sum("not" in keys for keys in words)
    return (
        (len(objects) > 1 and depends_on_names)
        or (len(lists) > 1 and depends_on_items)
        or conditions > 1
        or exclusions > 1
    )


def _have_same_names(old: Node, new: Node) -> bool:
    """Return whether names and patterns select the same schemas for a property on both sides."""
    patterns = [node.maps.get("patternProperties", {}).keys() for node in (old, new)]
    if not (old.undeclared or new.undeclared or any(patterns)):
        return True
    if patterns[0] != patterns[1]:
        return False
    return not patterns[0] or old.maps.get("properties", {}).keys() == new.maps.get("properties", {}).keys()
