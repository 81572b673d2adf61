"""Compares `oneOf`, `anyOf` and `allOf`."""

from __future__ import annotations

from pytest_bctrl.drift.match import Branch, branches, match_branches, unlike
from pytest_bctrl.drift.node import Choice, Kind, Node, is_within, says_more, takes_anything
from pytest_bctrl.drift.normalize import Normalizer
from pytest_bctrl.drift.pair import Draft

_NAMES: dict[Kind, str] = {"oneOf": "one-of", "anyOf": "any-of"}


def compare_alternatives(draft: Draft) -> bool:
    """Note alternatives that came, went or changed. Return True where that is all there was to compare."""
    old, new = draft.old, draft.new
    if old.choices and new.choices:
        for before, after in zip(old.choices, new.choices, strict=False):
            _compare_choice(draft, before, after)
    elif (old.choices or new.choices) and (_is_wrapping(old, new) or _is_wrapping(new, old)):
        _compare_wrapped(draft)
        return True
    shared = min(len(old.choices), len(new.choices))
    for choice in old.choices[shared:]:
        draft.emit(f"{_NAMES[choice.kind]}-unset", None, None, choice.kind)
    for choice in new.choices[shared:]:
        draft.emit(f"{_NAMES[choice.kind]}-set", None, None, choice.kind)
    return False


def _compare_choice(draft: Draft, before: Choice, after: Choice) -> None:
    if before.kind == after.kind and not any(
        unlike(before.branches, after.branches, draft.sides.equality.written_alike, [])
    ):
        return
    sides = _read(draft, before, draft.sides.old), _read(draft, after, draft.sides.new)
    matched = match_branches(draft.sides, *sides)
    for one, other, label in matched.both:
        draft.follow(one.schema, other.schema, label, is_branch=True)
    if before.kind == after.kind == "anyOf" and len(matched.removed) == len(matched.added) == 1:
        # One for one is an alternative that changed: added to anyOf it would be info, whatever it became.
        (one, was), (other, now) = matched.removed[0], matched.added[0]
        label = "|".join(sorted({was.strip("<>"), now.strip("<>")}))
        draft.follow(one.schema, other.schema, f"<{label}>", is_branch=True)
        return
    if before.kind == after.kind == "anyOf" and not matched.both and matched.removed and matched.added:
        # None is left of what it could be.
        gone, come = ([label.strip("<>") for _, label in side] for side in (matched.removed, matched.added))
        draft.emit("type-changed", gone, come, after.kind)
        return
    removed, added = matched.removed, matched.added
    if after.kind == "anyOf":
        removed = [(one, label) for one, label in removed if not _is_held(one, sides[1])]
    if before.kind == "anyOf":
        added = [(one, label) for one, label in added if not _is_held(one, sides[0])]
    for _, label in removed:
        draft.emit(f"{_NAMES[before.kind]}-removed", label.strip("<>"), None, before.kind)
    for _, label in added:
        kind: Kind = "oneOf" if before.kind == "oneOf" else after.kind
        draft.emit(f"{_NAMES[kind]}-added", None, label.strip("<>"), after.kind)
    # Where none of `oneOf` can hold beside another, it is what `anyOf` is.
    exclusive = sides[after.kind == "oneOf"]
    if before.kind != after.kind and not matched.removed and not matched.added and not _apart(exclusive):
        became = f"{_NAMES[before.kind]}-became-{_NAMES[after.kind]}"
        draft.emit(became, before.kind, after.kind, before.kind)


def _read(draft: Draft, choice: Choice, normal: Normalizer) -> list[Branch]:
    """Read alternatives; one of `anyOf` that means what another means says nothing."""
    found = branches(choice.branches, normal)
    if choice.kind == "oneOf":
        return found
    equal = draft.sides.equality.equal
    return [one for index, one in enumerate(found) if not any(equal(one.node, other.node) for other in found[:index])]


def _is_held(one: Branch, others: list[Branch]) -> bool:
    """Tell an alternative of which another side's takes all, so that its coming and going changes nothing by itself."""
    return any(is_within(one.node, other.node) for other in others)


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
    return outer.enum is None and not says_more(outer, but_choices=True)


def _compare_wrapped(draft: Draft) -> None:
    """One side is one of the other's alternatives: compare it with the one most like it, and count the rest."""
    old, new, sides = draft.old, draft.new, draft.sides
    added = not old.choices
    outer, inner = (new, old) if added else (old, new)
    choice = outer.choices[0]
    many = _read(draft, choice, sides.new if added else sides.old)
    single = branches([inner.schema], sides.old if added else sides.new)
    matched = match_branches(sides, single, many) if added else match_branches(sides, many, single)
    rest = [
        (one, label) for one, label in (matched.added if added else matched.removed) if not is_within(one.node, inner)
    ]
    is_wrapped = added and inner.only_choice is None and draft.view.scope == "response-body" and bool(rest)
    for one, other, _ in () if is_wrapped else matched.both:
        draft.follow_here(one.schema, other.schema)
    if old.nullable != new.nullable:
        suffix = "became-nullable" if new.nullable else "became-not-nullable"
        draft.emit(suffix, old.nullable, new.nullable, "type", "null" if new.nullable else "not null")
    if not matched.both:
        draft.emit("type-changed", _shape(old), _shape(new), "type")
        return
    action = "added" if added else "removed"
    if is_wrapped:
        beside = ", ".join(sorted(label.strip("<>") for _, label in rest))
        draft.emit("wrapped-in-one-of", None, None, choice.kind, f"beside {beside}")
        return
    suffix = f"{_NAMES[choice.kind]}-{action}"
    if added and choice.kind == "anyOf" and not draft.view.is_request:
        # It was one thing for certain: that is more than an alternative added to others, which is info.
        suffix = "type-generalized"
    for _, label in rest:
        name = label.strip("<>")
        draft.emit(suffix, None if added else name, name if added else None, choice.kind)


def _shape(node: Node) -> str:
    if node.choices:
        return node.choices[0].kind
    return "|".join(sorted(node.types)) if node.types else "any"


def compare_all_of(draft: Draft, changed: bool) -> None:
    """Note a subschema that came to `allOf` or left it. What it changes is found where the whole is compared.

    Where some are left on both sides they are told apart if the whole `changed`: else it is the same, cut otherwise.
    """
    sides = draft.sides
    if not draft.old.all_of or not draft.new.all_of:
        return
    gone, come = unlike(draft.old.all_of, draft.new.all_of, sides.equality.written_alike, [])
    before, after = branches(gone, sides.old), branches(come, sides.new)
    if bool(before and after) != changed:
        return
    matched = match_branches(sides, before, after, at_once=True)
    for action, rest in (("removed", matched.removed), ("added", matched.added)):
        for branch, _ in rest:
            name = branch.schema[0].pointer.rpartition("/")[2]
            if not takes_anything(branch.node):
                draft.emit(f"all-of-{action}", None, None, "allOf", name)
            elif sides.options.descriptions:
                draft.emit(f"all-of-{action}-annotation-only", None, None, "allOf", name)
