"""Compares `oneOf`, `anyOf` and `allOf`."""

from __future__ import annotations

from pytest_bctrl.contract.spec import Part
from pytest_bctrl.drift.exclusive import are_exclusive
from pytest_bctrl.drift.match import Branch, Branches, branches, find_unmatched, match_branches
from pytest_bctrl.drift.nested_alternatives import ungrouped
from pytest_bctrl.drift.node import (
    BESIDE,
    Alternatives,
    Kind,
    Node,
    Schema,
    accepts_anything,
    is_list_of_types,
    is_within,
    says_more,
)
from pytest_bctrl.drift.normalize import Normalizer
from pytest_bctrl.drift.pair import SchemaComparison, Sides

_NAMES: dict[Kind, str] = {"oneOf": "one-of", "anyOf": "any-of"}


def compare_alternatives(comparison: SchemaComparison) -> bool:
    """Note added, removed and changed alternatives; return whether nothing else is left to compare."""
    old, new = comparison.old, comparison.new
    if old.choices and new.choices:
        for before, after in zip(old.choices, new.choices, strict=False):
            _compare_choice(comparison, before, after)
    elif (old.choices or new.choices) and (_is_wrapping(old, new) or _is_wrapping(new, old)):
        if not _compare_listed(comparison):
            _compare_wrapped(comparison)
        return True
    shared = min(len(old.choices), len(new.choices))
    for choice in old.choices[shared:]:
        comparison.emit(f"{_NAMES[choice.kind]}-unset", None, None, choice.kind, schemas=(_all_parts(choice), None))
    for choice in new.choices[shared:]:
        comparison.emit(f"{_NAMES[choice.kind]}-set", None, None, choice.kind, schemas=(None, _all_parts(choice)))
    return False


def _compare_choice(comparison: SchemaComparison, before: Alternatives, after: Alternatives) -> None:
    """Match the alternatives of two keywords, compare the matched ones, and note the others."""
    written_alike = comparison.sides.equality.written_alike
    if before.kind == after.kind and not any(find_unmatched(before.branches, after.branches, written_alike, [])):
        return
    sides = (
        _read_branches(comparison, before, comparison.sides.old),
        _read_branches(comparison, after, comparison.sides.new),
    )
    sides, matched = _matched(comparison.sides, *sides)
    for old_branch, new_branch, label in matched.both:
        comparison.follow(old_branch.schema, new_branch.schema, label, is_branch=True)
    if before.kind == after.kind == "anyOf" and len(matched.removed) == len(matched.added) == 1:
        # A single replaced alternative is compared: as an addition to anyOf it would be info, however it changed.
        (old_branch, old_label), (new_branch, new_label) = matched.removed[0], matched.added[0]
        label = "|".join(sorted({old_label.strip("<>"), new_label.strip("<>")}))
        comparison.follow(old_branch.schema, new_branch.schema, f"<{label}>", is_branch=True)
        return
    if before.kind == after.kind == "anyOf" and not matched.both and matched.removed and matched.added:
        # No alternative is left.
        old_labels = [label.strip("<>") for _, label in matched.removed]
        new_labels = [label.strip("<>") for _, label in matched.added]
        comparison.emit(
            "type-changed", old_labels, new_labels, after.kind, schemas=(_all_parts(before), _all_parts(after))
        )
        return
    _note_unmatched(comparison, before, after, sides, matched)


def _matched(sides: Sides, old: list[Branch], new: list[Branch]) -> tuple[tuple[list[Branch], list[Branch]], Branches]:
    """Return alternatives and how they match; ungrouped, if more of them then mean the same."""
    matched = match_branches(sides, old, new)
    inner_old, inner_new = ungrouped(old), ungrouped(new)
    if (len(inner_old), len(inner_new)) == (len(old), len(new)):
        return (old, new), matched
    inner_matched = match_branches(sides, inner_old, inner_new)
    if _equal_share(sides, matched) >= _equal_share(sides, inner_matched):
        return (old, new), matched
    return (inner_old, inner_new), inner_matched


def _equal_share(sides: Sides, matched: Branches) -> float:
    """Return the share of the alternatives that mean the same on both sides."""
    count = len(matched.both) + max(len(matched.removed), len(matched.added))
    return sum(sides.equality.equal(before.node, after.node) for before, after, _ in matched.both) / count


def _note_unmatched(
    comparison: SchemaComparison,
    before: Alternatives,
    after: Alternatives,
    sides: tuple[list[Branch], list[Branch]],
    matched: Branches,
) -> None:
    """Note the alternatives without a match as removed or added, or that one keyword became the other."""
    removed, added = matched.removed, matched.added
    if after.kind == "anyOf":
        removed = [(branch, label) for branch, label in removed if not _is_covered(branch, sides[1])]
    if before.kind == "anyOf":
        added = [(branch, label) for branch, label in added if not _is_covered(branch, sides[0])]
    for branch, label in removed:
        rule, schemas = f"{_NAMES[before.kind]}-removed", (branch.schema, None)
        comparison.emit(rule, label.strip("<>"), None, before.kind, schemas=schemas)
    kind_of_added = after.kind
    if before.kind == "oneOf":
        kind_of_added = "oneOf"
    for branch, label in added:
        rule = f"{_NAMES[kind_of_added]}-added"
        comparison.emit(rule, None, label.strip("<>"), after.kind, schemas=(None, branch.schema))
    # If no value can meet two alternatives of `oneOf`, it means the same as `anyOf`.
    exclusive = sides[after.kind == "oneOf"]
    if before.kind != after.kind and not matched.removed and not matched.added and not are_exclusive(exclusive):
        became = f"{_NAMES[before.kind]}-became-{_NAMES[after.kind]}"
        both = _all_parts(before), _all_parts(after)
        at = comparison.old.at(before.kind), comparison.new.at(after.kind)
        comparison.emit(became, before.kind, after.kind, before.kind, schemas=both, at=at)


def _all_parts(choice: Alternatives) -> Schema:
    """Return the parts of all alternatives."""
    return tuple(part for branch in choice.branches for part in branch)


def _read_branches(comparison: SchemaComparison, choice: Alternatives, normal: Normalizer) -> list[Branch]:
    """Return the alternatives as branches, without those of `anyOf` that mean the same as an earlier one."""
    all_branches = branches(choice.branches, normal)
    if choice.kind == "oneOf":
        return all_branches
    equal = comparison.sides.equality.equal
    distinct: list[Branch] = []
    for index, branch in enumerate(all_branches):
        if not any(equal(branch.node, earlier.node) for earlier in all_branches[:index]):
            distinct.append(branch)
    return distinct


def _is_covered(branch: Branch, candidates: list[Branch]) -> bool:
    """Return whether some candidate allows all values that an alternative allows."""
    return any(is_within(branch.node, candidate.node) for candidate in candidates)


def _is_wrapping(inner: Node, outer: Node) -> bool:
    """Return whether `outer` consists of alternatives only, and `inner` is a plain schema that is not empty."""
    if inner.choices or len(outer.choices) != 1 or accepts_anything(inner):
        return False
    return outer.enum is None and not says_more(outer, but_choices=True)


def _compare_listed(comparison: SchemaComparison) -> bool:
    """Compare a schema that only lists types with the alternatives of the other side, if one of them is alike.

    Each type is an alternative too. Return whether that was compared.
    """
    before, after = comparison.old.choices, comparison.new.choices
    if before:
        after = _listed_alternatives(comparison.new, before[0].kind)
    else:
        before = _listed_alternatives(comparison.old, after[0].kind)
    if not before or not after:
        return False
    matched = match_branches(
        comparison.sides,
        _read_branches(comparison, before[0], comparison.sides.old),
        _read_branches(comparison, after[0], comparison.sides.new),
    )
    if not matched.both:
        return False
    for old_branch, new_branch, label in matched.both:
        comparison.follow(old_branch.schema, new_branch.schema, label, is_branch=True)
    comparison.compare_nullable()
    removed = [(branch, label.strip("<>")) for branch, label in matched.removed]
    added = [(branch, label.strip("<>")) for branch, label in matched.added]
    _note_other_alternatives(comparison, before[0], removed, added=False)
    _note_other_alternatives(comparison, after[0], added, added=True)
    return True


def _listed_alternatives(node: Node, kind: Kind) -> list[Alternatives]:
    """Return the types of a schema that only lists several as alternatives of this kind; none for another schema."""
    if not is_list_of_types(node) or len(node.types or ()) < 2:
        return []
    at = node.at("type")
    schemas: list[Schema] = [(Part({"type": name}, f"{at}{BESIDE}{name}"),) for name in sorted(node.types or ())]
    return [Alternatives(kind, schemas, at, node.nullable)]


def _compare_wrapped(comparison: SchemaComparison) -> None:
    """Compare a plain schema with the most similar alternative of the other side, and note the other alternatives."""
    old, new, sides = comparison.old, comparison.new, comparison.sides
    added = not old.choices
    if added:
        inner, choice = old, new.choices[0]
        old_branches, new_branches = branches([inner.schema], sides.old), _read_branches(comparison, choice, sides.new)
    else:
        inner, choice = new, old.choices[0]
        old_branches, new_branches = _read_branches(comparison, choice, sides.old), branches([inner.schema], sides.new)
    matched = match_branches(sides, old_branches, new_branches)
    unmatched = matched.removed
    if added:
        unmatched = matched.added
    beside = [(branch, label.strip("<>")) for branch, label in unmatched if not is_within(branch.node, inner)]
    labels = [label for _, label in beside]
    is_wrapped = added and inner.only_choice is None and comparison.view.scope == "response-body" and bool(labels)
    if not is_wrapped:
        for old_branch, new_branch, _ in matched.both:
            comparison.follow_here(old_branch.schema, new_branch.schema)
    comparison.compare_nullable()
    if not matched.both:
        both, at = (old.schema, new.schema), (_kind_pointer(old), _kind_pointer(new))
        comparison.emit("type-changed", _kind_text(old), _kind_text(new), "type", schemas=both, at=at)
    elif is_wrapped:
        part, schemas = f"beside {', '.join(sorted(labels))}", (None, _all_parts(choice))
        comparison.emit("wrapped-in-one-of", None, None, choice.kind, part, schemas)
    else:
        _note_other_alternatives(comparison, choice, beside, added=added)


def _note_other_alternatives(
    comparison: SchemaComparison, choice: Alternatives, beside: list[tuple[Branch, str]], *, added: bool
) -> None:
    """Note the alternatives that stand beside the wrapped schema as added, or as removed."""
    if not added:
        for branch, label in beside:
            rule = f"{_NAMES[choice.kind]}-removed"
            comparison.emit(rule, label, None, choice.kind, schemas=(branch.schema, None))
        return
    suffix = f"{_NAMES[choice.kind]}-added"
    if choice.kind == "anyOf" and not comparison.view.is_request:
        # The schema had a single form before, so this is more than an alternative added to others, which is info.
        suffix = "type-generalized"
    for branch, label in beside:
        comparison.emit(suffix, None, label, choice.kind, schemas=(None, branch.schema))


def _kind_pointer(node: Node) -> str:
    """Return the pointer of the alternatives of a schema, or of its types."""
    if node.choices:
        return node.at(node.choices[0].kind)
    return node.at("type")


def _kind_text(node: Node) -> str:
    """Return how a message names a schema: the keyword of its alternatives, or its types."""
    if node.choices:
        return node.choices[0].kind
    return "|".join(sorted(node.types or ())) or "any"


def compare_all_of(comparison: SchemaComparison, *, on_both_sides: bool) -> None:
    """Note schemas of `allOf` without a match, if one side alone has some; with `on_both_sides`, if both have some.

    If both sides have some and the whole did not change, it is the same, divided differently. The `allOf` of a schema
    without a match is part of it.
    """
    sides = comparison.sides
    if not comparison.old.all_of or not comparison.new.all_of:
        return
    removed, added = find_unmatched(comparison.old.all_of, comparison.new.all_of, sides.equality.written_alike, [])
    before, after = branches(removed, sides.old), branches(added, sides.new)
    if bool(before and after) != on_both_sides:
        return
    matched = match_branches(sides, before, after, at_once=True)
    unmatched = [branch for branch, _ in matched.removed], [branch for branch, _ in matched.added]
    before, after = find_unmatched(*unmatched, _are_at_same_pointer, [])
    for branch in _outermost(before):
        _note_in_all_of(comparison, "all-of-removed", branch, (branch.schema, None))
    for branch in _outermost(after):
        _note_in_all_of(comparison, "all-of-added", branch, (None, branch.schema))


def _are_at_same_pointer(old: Branch, new: Branch) -> bool:
    """Return whether two schemas of `allOf` are the same component, or have the same pointer, however they differ."""
    return old.node.key[:1] == new.node.key[:1]


def _outermost(unmatched: list[Branch]) -> list[Branch]:
    """Return the schemas of `allOf` that are in no `allOf` of another one."""
    inside = {inner[0].pointer for branch in unmatched for inner in branch.node.all_of}
    return [branch for branch in unmatched if branch.schema[0].pointer not in inside]


def _note_in_all_of(
    comparison: SchemaComparison, rule: str, branch: Branch, schemas: tuple[Schema | None, Schema | None]
) -> None:
    """Note a schema that was added to `allOf` or removed from it, at the `allOf` that contains it."""
    keyword, _, name = branch.schema[0].pointer.rpartition("/")
    at = _all_of_at(comparison.old, keyword), _all_of_at(comparison.new, keyword)
    if not accepts_anything(branch.node):
        comparison.emit(rule, None, None, "allOf", name, schemas, at)
    elif comparison.sides.options.descriptions:
        comparison.emit(f"{rule}-annotation-only", None, None, "allOf", name, at=at)


def _all_of_at(node: Node, pointer: str) -> str:
    """Return the pointer of an `allOf` if a schema has one there, or of its part without one; else of its first one."""
    return node.nearest(pointer) or node.at("allOf")
