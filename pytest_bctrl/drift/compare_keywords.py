"""Compares the keywords of two schemas that hold no schemas themselves: types, values, bounds, formats."""

from __future__ import annotations

from typing import Any

from pytest_bctrl.contract.keywords import EXCLUSIVE_BOUNDS
from pytest_bctrl.contract.outline import value_key
from pytest_bctrl.drift.constraints import BOUNDS, narrow_enum, tightness
from pytest_bctrl.drift.node import Node, covers
from pytest_bctrl.drift.pair import Draft

_SCALARS = frozenset({"number", "integer", "boolean"})
_WITHIN = {
    ("float", "double"), ("int32", "int64"), ("int32", "bigint"), ("int64", "bigint"),
    ("date", "date-time"), ("time", "date-time"),
}  # fmt: skip
_ANY_TEXT = frozenset((".*", "^.*$", "", "^.*", ".*$"))
_ABSENT_IS = {"minContains": 1}


def compare_types(draft: Draft) -> bool:
    """Compare types and formats. Return False where no value could satisfy both, so that comparing on is noise."""
    old, new = draft.old, draft.new
    before, after = old.types, new.types
    widened = after is None or (before is not None and covers(after, before))
    narrowed = before is None or (after is not None and covers(before, after))
    values_tell = (old.enum is not None or new.enum is not None) and (widened or narrowed)
    both_enums = old.enum is not None and new.enum is not None and bool((before or set()) & (after or set()))
    if before == after or values_tell or both_enums:
        compare_formats(draft)
        return True
    draft.emit(_type_suffix(draft, widened, narrowed), show_types(old), show_types(new), "type")
    if not widened and not narrowed:
        return bool((before or set()) & (after or set()))
    old_format, new_format = old.constraints.get("format"), new.constraints.get("format")
    if not (widened and new_format is None) and not (narrowed and old_format is None):
        compare_formats(draft)
    return True


def _type_suffix(draft: Draft, widened: bool, narrowed: bool) -> str:
    old, new, request = draft.old, draft.new, draft.view.is_request
    before, after = old.types, new.types
    if before is not None and after is not None:
        if old.lists_types or new.lists_types:
            # Types that came and types that went at once: what counts is what the direction cannot bear.
            wider = widened if request else not narrowed
            return "list-of-types-widened" if wider else "list-of-types-narrowed"
        if not draft.view.strongly_typed and not widened:
            # Both are sent as text. A format, though, is what a reader parses it by.
            text = after == {"string"} and before <= _SCALARS | {"string"}
            if request and text and "format" not in new.constraints:
                return "type-generalized"
            if not request and not narrowed and before == {"string"} and "format" not in old.constraints:
                return "type-compatible"
    if widened:
        return "type-generalized"
    return "type-specialized" if narrowed and not request else "type-changed"


def show_types(node: Node) -> Any:
    """The types of a schema as a reader would write them."""
    if node.types is None:
        return "any"
    names = sorted(node.types) or ["nothing"]
    return names[0] if len(names) == 1 else names


def compare_formats(draft: Draft) -> None:
    """Compare formats: a consumer that validates holds a response to them."""
    before, after = draft.old.constraints.get("format"), draft.new.constraints.get("format")
    request = draft.view.is_request
    if before == after:
        return
    if after is None:
        suffix = "type-generalized" if request else "type-changed"
    elif before is None:
        suffix = "type-changed" if request else "type-specialized"
    else:
        pairs = [(one, other) for one in before for other in after]
        if request:
            suffix = "type-generalized" if all(pair in _WITHIN for pair in pairs) else "type-changed"
        else:
            suffix = "type-specialized" if all(pair[::-1] in _WITHIN for pair in pairs) else "type-changed"
    draft.emit(suffix, before, after, "format", f"format {_name(before)} → {_name(after)}")


def _name(format_: frozenset[str] | None) -> str:
    return " and ".join(sorted(format_)) if format_ else "(none)"


def compare_values(draft: Draft) -> None:
    """Compare `enum` and `const`."""
    old, new, emit = draft.old, draft.new, draft.emit
    before, after = old.enum, new.enum
    if before is None and after is None:
        return
    const = old.spells_const or new.spells_const
    if before is None:
        values = list((after or {}).values())
        emit("const-added" if const and len(values) == 1 else "became-enum", None, values, "enum")
    elif after is None:
        values = list(before.values())
        emit("const-removed" if const and len(values) == 1 else "became-not-enum", values, None, "enum")
    elif const and len(before) == len(after) == 1 and before.keys() != after.keys():
        emit("const-changed", next(iter(before.values())), next(iter(after.values())), "const")
    else:
        for key in (key for key in after if key not in before):
            emit("enum-value-added", None, after[key], "enum", f"{_quoted(after[key])}")
        for key in (key for key in before if key not in after):
            emit("enum-value-removed", before[key], None, "enum", f"{_quoted(before[key])}")


def _quoted(value: Any) -> str:
    return repr(value)[:80]


def compare_constraints(draft: Draft) -> None:
    """Compare everything that bounds a value."""
    old, new, emit = draft.old, draft.new, draft.emit
    if not old.constraints and not new.constraints:
        return
    told = _compare_respelled(draft) | _kept_by_values(old, new) | _kept_by_values(new, old)
    for keyword, (name, _) in BOUNDS.items():
        if keyword in told:
            continue
        before, after = (node.constraints.get(keyword, _ABSENT_IS.get(keyword)) for node in (old, new))
        if before == after:
            continue
        moved = None if before is None or after is None else "increased" if after > before else "decreased"
        emit(f"{name}-{moved or ('set' if before is None else 'unset')}", before, after, keyword)
    _compare_pattern(draft)
    _compare_multiple(draft)
    before, after = old.constraints.get("uniqueItems"), new.constraints.get("uniqueItems")
    if before != after:
        emit("unique-items-added" if after else "unique-items-removed", before, after, "uniqueItems")
    for keyword, name in (("contentEncoding", "content-encoding"), ("contentMediaType", "content-media-type")):
        before, after = old.constraints.get(keyword), new.constraints.get(keyword)
        if before != after:
            emit(f"{name}-changed", before, after, keyword)
    _compare_dependent(draft)


def _kept_by_values(one: Node, other: Node) -> set[str]:
    """The bounds of one schema that each value that another one lists keeps: those say it all."""
    if one.enum is not None or not other.enum:
        return set()
    return {
        keyword
        for keyword in one.constraints
        if narrow_enum(other.enum, {keyword: one.constraints[keyword]}) == other.enum
        and keyword in BOUNDS
        and keyword not in other.constraints
    }


def _compare_respelled(draft: Draft) -> set[str]:
    """Compare bounds that became exclusive, or no longer are. Return their keywords: each is reported as one change."""
    old, new, emit = draft.old, draft.new, draft.emit
    told: set[str] = set()
    for plain, exclusive in EXCLUSIVE_BOUNDS.items():
        both = {plain, exclusive}
        was, now = old.constraints.keys() & both, new.constraints.keys() & both
        if len(was) != 1 or len(now) != 1 or was == now:
            continue
        told |= both
        whole = old.types == new.types == frozenset({"integer"})
        before, after = (tightness(node.constraints, plain, whole) for node in (old, new))
        if before != after:
            (keyword,), action = (now, "set") if after > before else (was, "unset")
            values = old.constraints.get(keyword), new.constraints.get(keyword)
            emit(f"{BOUNDS[keyword][0]}-{action}", *values, keyword)
    return told


def _compare_pattern(draft: Draft) -> None:
    before: frozenset[str] | None = draft.old.constraints.get("pattern")
    after: frozenset[str] | None = draft.new.constraints.get("pattern")
    if before == after or all(given is None or not given - _ANY_TEXT for given in (before, after)):
        return
    if before is None or after is None:
        suffix = "added" if before is None else "removed"
    else:
        suffix = "generalized" if draft.view.is_request and not after - _ANY_TEXT else "changed"
    draft.emit(f"pattern-{suffix}", before, after, "pattern")


def _compare_multiple(draft: Draft) -> None:
    before: frozenset[float] | None = draft.old.constraints.get("multipleOf")
    after: frozenset[float] | None = draft.new.constraints.get("multipleOf")
    if before == after:
        return
    if before is None or after is None:
        suffix = "set" if before is None else "unset"
    elif all(any(_divides(one, other) for one in before) for other in after):
        suffix = "generalized"
    else:
        is_narrower = all(any(_divides(one, other) for one in after) for other in before)
        suffix = "specialized" if is_narrower else "changed"
    draft.emit(f"multiple-of-{suffix}", before, after, "multipleOf")


def _divides(whole: float, part: float) -> bool:
    return abs(whole / part - round(whole / part)) < 1e-9


def _compare_dependent(draft: Draft) -> None:
    before, after = (node.constraints.get("dependentRequired", {}) for node in (draft.old, draft.new))
    for name in sorted(before.keys() | after.keys()):
        one, other = before.get(name), after.get(name)
        if one == other:
            continue
        action = "added" if one is None else "removed" if other is None else "changed"
        draft.emit(f"dependent-required-{action}", one, other, "dependentRequired", name)


def compare_defaults(draft: Draft) -> None:
    """Compare `default`."""
    old, new = draft.old.flags, draft.new.flags
    given = "default" in old, "default" in new
    if any(given) and (not all(given) or value_key(old["default"]) != value_key(new["default"])):
        action = "changed" if all(given) else "removed" if given[0] else "added"
        draft.emit(f"default-value-{action}", old.get("default"), new.get("default"), "default")


def compare_extensible(draft: Draft) -> None:
    """Compare `x-extensible-enum`, whose additions a consumer has promised to bear."""
    before, after = draft.old.constraints.get("x-extensible-enum", {}), draft.new.constraints.get("x-extensible-enum")
    for key in (key for key in before if after is not None and key not in after):
        draft.emit("x-extensible-enum-value-removed", before[key], None, "x-extensible-enum", _quoted(before[key]))
