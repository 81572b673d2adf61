"""Compares `oneOf`, `anyOf` and `allOf`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_bctrl.drift.compare_subschemas import takes_anything
from pytest_bctrl.drift.match import Branch, branches, match_branches

if TYPE_CHECKING:
    from pytest_bctrl.drift.alternatives import Choice, Kind
    from pytest_bctrl.drift.compare_keywords import Emit
    from pytest_bctrl.drift.compare_schema import SchemaComparison
    from pytest_bctrl.drift.node import Node, Schema
    from pytest_bctrl.drift.report import Place

_NAMES: dict[Kind, str] = {"oneOf": "one-of", "anyOf": "any-of"}


def compare_alternatives(walk: SchemaComparison, old: Node, new: Node, place: Place, emit: Emit) -> bool:
    """Note alternatives that came, went or changed. Return True where that is all there was to compare."""
    if not old.choices and not new.choices:
        return False
    if old.choices and new.choices:
        for before, after in zip(old.choices, new.choices, strict=False):
            _compare_choice(walk, before, after, old, place, emit)
    elif _is_wrapping(old, new) or _is_wrapping(new, old):
        _compare_wrapped(walk, old, new, place, emit)
        return True
    shared = min(len(old.choices), len(new.choices))
    for choice in old.choices[shared:]:
        emit(f"{_NAMES[choice.kind]}-unset", None, None, choice.kind)
    for choice in new.choices[shared:]:
        emit(f"{_NAMES[choice.kind]}-set", None, None, choice.kind)
    return False


def _compare_choice(walk: SchemaComparison, before: Choice, after: Choice, old: Node, place: Place, emit: Emit) -> None:
    sides = branches(before.branches, walk.old), branches(after.branches, walk.new)
    matched = match_branches(walk, *sides, place)
    for one, other, label in matched.both:
        walk.compare((one.part,), (other.part,), place.inside(label), is_branch=True)
    if before.kind == after.kind == "anyOf" and len(matched.removed) == len(matched.added) == 1:
        # One for one is an alternative that changed: added to anyOf it would be info, whatever it became.
        (one, was), (other, now) = matched.removed[0], matched.added[0]
        label = "|".join(sorted({was.strip("<>"), now.strip("<>")}))
        walk.compare((one.part,), (other.part,), place.inside(f"<{label}>"), is_branch=True)
        return
    if before.kind == after.kind == "anyOf" and not matched.both and matched.removed and matched.added:
        # None is left of what it could be.
        gone, come = ([label.strip("<>") for _, label in side] for side in (matched.removed, matched.added))
        emit("type-changed", gone, come, after.kind)
        return
    for _, label in matched.removed:
        emit(f"{_NAMES[before.kind]}-removed", label.strip("<>"), None, before.kind)
    for _, label in matched.added:
        kind: Kind = "oneOf" if before.kind == "oneOf" else after.kind
        emit(f"{_NAMES[kind]}-added", None, label.strip("<>"), after.kind)
    if before.kind != after.kind and not matched.removed and not matched.added and not _apart(sides[0]):
        emit(f"{_NAMES[before.kind]}-became-{_NAMES[after.kind]}", before.kind, after.kind, before.kind)


def _apart(side: list[Branch]) -> bool:
    """Tell alternatives of which no value can satisfy two: then `oneOf` and `anyOf` mean the same."""
    return all(_differ(one, other) for index, one in enumerate(side) for other in side[index + 1 :])


def _differ(one: Branch, other: Branch) -> bool:
    types, others = one.node.types, other.node.types
    if types is not None and others is not None and not types & others:
        return not ("integer" in types | others and "number" in types | others)
    required = one.node.required & other.node.required
    return any(not one.values[name] & other.values[name] for name in required & one.values.keys() & other.values.keys())


def _is_wrapping(inner: Node, outer: Node) -> bool:
    """Tell a schema that says nothing but its alternatives, where the other side has none and says something."""
    if inner.choices or len(outer.choices) != 1 or takes_anything(inner):
        return False
    said = outer.enum is not None or outer.constraints or outer.children or outer.maps or outer.prefix or outer.required
    return not said


def _compare_wrapped(walk: SchemaComparison, old: Node, new: Node, place: Place, emit: Emit) -> None:
    """One side is one of the other's alternatives: compare it with the one most like it, and count the rest."""
    added = not old.choices
    outer, inner = (new, old) if added else (old, new)
    choice = outer.choices[0]
    many = branches(choice.branches, walk.new if added else walk.old)
    part = inner.schema[0]
    values = branches((part,), walk.old if added else walk.new)[0].values if len(inner.schema) == 1 else {}
    single = [Branch(part, inner, values)]
    matched = match_branches(walk, single, many, place) if added else match_branches(walk, many, single, place)
    rest = matched.added if added else matched.removed
    is_wrapped = added and inner.only_choice is None and place.scope == "response-body"
    for one, other, _ in () if is_wrapped else matched.both:
        before = old.schema if added else (one.part,)
        after = (other.part,) if added else new.schema
        walk.compare(before, after, place, is_branch=True)
    if old.nullable != new.nullable:
        suffix = "became-nullable" if new.nullable else "became-not-nullable"
        emit(suffix, old.nullable, new.nullable, "type", "null" if new.nullable else "not null")
    if not matched.both:
        emit("type-changed", _shape(old), _shape(new), "type")
        return
    action = "added" if added else "removed"
    if is_wrapped:
        beside = ", ".join(label.strip("<>") for _, label in rest)
        emit("wrapped-in-one-of", None, None, choice.kind, f"beside {beside}")
        return
    suffix = f"{_NAMES[choice.kind]}-{action}"
    if added and choice.kind == "anyOf" and not place.is_request:
        # It was one thing for certain: that is more than an alternative added to others, which is info.
        suffix = "type-generalized"
    for _, label in rest:
        name = label.strip("<>")
        emit(suffix, None if added else name, name if added else None, choice.kind)


def _shape(node: Node) -> str:
    if node.choices:
        return node.choices[0].kind
    return "|".join(sorted(node.types)) if node.types else "any"


def compare_all_of(walk: SchemaComparison, old: Node, new: Node, place: Place, emit: Emit, changed: bool) -> None:
    """Note a subschema that came to `allOf` or left it. What it changes is found where the whole is compared.

    `changed`: whether that found anything. If not, subschemas that differ on both sides are the same, cut otherwise.
    """
    if not old.all_of or not new.all_of or len(old.all_of) * len(new.all_of) > 400:
        return
    rest_new = list(new.all_of)
    rest_old = []
    for before in old.all_of:
        found = next((after for after in rest_new if walk.equal(before, after, place)), None)
        if found is None:
            rest_old.append(before)
        else:
            rest_new.remove(found)
    if rest_old and rest_new:
        if not changed:
            return
        rest_old, rest_new = _unlike(walk, rest_old, rest_new, place)
    for action, rest, normal in (("removed", rest_old, walk.old), ("added", rest_new, walk.new)):
        for schema in rest:
            if not takes_anything(normal.node(schema)):
                emit(f"all-of-{action}", None, None, "allOf", schema[0].pointer.rpartition("/")[2])
            elif walk.options.descriptions:
                emit(f"all-of-{action}-annotation-only", None, None, "allOf", schema[0].pointer.rpartition("/")[2])


def _unlike(
    walk: SchemaComparison, old: list[Schema], new: list[Schema], place: Place
) -> tuple[list[Schema], list[Schema]]:
    """What is left of either side when every subschema has met the one most like it."""
    before = branches(tuple(part for schema in old for part in schema), walk.old)
    after = branches(tuple(part for schema in new for part in schema), walk.new)
    matched = match_branches(walk, before, after, place)
    return [(branch.part,) for branch, _ in matched.removed], [(branch.part,) for branch, _ in matched.added]
