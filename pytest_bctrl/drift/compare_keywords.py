"""Compares the keywords that contain no schemas: types, values, bounds, formats."""

from __future__ import annotations

from typing import Any

from pytest_bctrl.contract.keywords import EXCLUSIVE_BOUNDS
from pytest_bctrl.contract.spec import value_key
from pytest_bctrl.drift.binary import content_media_type
from pytest_bctrl.drift.constraints import BOUNDS, narrow_enum, tightness
from pytest_bctrl.drift.node import Node, covers
from pytest_bctrl.drift.pair import SchemaComparison

_SCALARS = frozenset({"number", "integer", "boolean"})
_WITHIN = {("int32", "int64")}
"""Pairs of formats of which the second contains every value of the first."""
_ANY_TEXT = frozenset((".*", "^.*$", "", "^.*", ".*$"))


def compare_types(comparison: SchemaComparison) -> bool:
    """Note changed types and formats; return whether a value can satisfy both, so that more comparison makes sense."""
    old, new = comparison.old, comparison.new
    before, after = old.types, new.types
    widened = after is None or (before is not None and covers(after, before))
    narrowed = before is None or (after is not None and covers(before, after))
    values_tell = (old.enum is not None or new.enum is not None) and (widened or narrowed)
    both_enums = old.enum is not None and new.enum is not None and bool((before or set()) & (after or set()))
    if before == after or values_tell or both_enums:
        compare_formats(comparison)
        return True
    is_comparable = widened or narrowed or bool((before or set()) & (after or set()))
    schemas = None
    if not is_comparable:
        # Nothing inside is compared, so another schema of the same type is another change.
        schemas = old.schema, new.schema
    suffix = _type_rule_suffix(comparison, widened, narrowed)
    comparison.emit(suffix, show_types(old), show_types(new), "type", schemas=schemas)
    if not widened and not narrowed:
        return is_comparable
    old_format, new_format = old.constraints.get("format"), new.constraints.get("format")
    if not (widened and new_format is None) and not (narrowed and old_format is None):
        compare_formats(comparison)
    return True


def _type_rule_suffix(comparison: SchemaComparison, widened: bool, narrowed: bool) -> str:
    """Return the end of the rule's id for a changed type, which depends on direction and on widening or narrowing."""
    old, new, request = comparison.old, comparison.new, comparison.view.is_request
    before, after = old.types, new.types
    if before is not None and after is not None:
        if old.lists_types or new.lists_types:
            # If types were both added and removed, the change that the direction cannot tolerate decides.
            if (request and widened) or (not request and not narrowed):
                return "list-of-types-widened"
            return "list-of-types-narrowed"
        if not comparison.view.strongly_typed and not widened:
            # Both are sent as text, but a reader parses the text by its format.
            text = after == {"string"} and before <= _SCALARS | {"string"}
            if request and text and _allows_text_of(new, old):
                return "type-generalized"
            if not request and not narrowed and before == {"string"} and _allows_text_of(old, new):
                return "type-compatible"
    if widened:
        return "type-generalized"
    if narrowed and not request:
        return "type-specialized"
    return "type-changed"


def _allows_text_of(node: Node, scalars: Node) -> bool:
    """Return whether texts have no constraint that the numbers or booleans that are sent as text do not have."""
    has_same_constraints = node.constraints.items() <= scalars.constraints.items()
    return node.enum is None and "format" not in node.constraints and has_same_constraints


def show_types(node: Node) -> Any:
    """Return the types of a schema for display: a name, a list of names, `any` or `nothing`."""
    if node.types is None:
        return "any"
    names = sorted(node.types) or ["nothing"]
    if len(names) == 1:
        return names[0]
    return names


def compare_formats(comparison: SchemaComparison) -> None:
    """Note a changed format: a consumer that validates responses rejects those with another format."""
    before, after = comparison.old.constraints.get("format"), comparison.new.constraints.get("format")
    if before != after:
        suffix = _format_suffix(before, after, is_request=comparison.view.is_request)
        comparison.emit(suffix, before, after, "format", f"format {_format_text(before)} → {_format_text(after)}")


def _format_suffix(before: frozenset[str] | None, after: frozenset[str] | None, *, is_request: bool) -> str:
    """Return the end of the rule's id for a changed format, which depends on direction and on the range of values."""
    if is_request:
        generalized = before is not None and (
            after is None or all((old, new) in _WITHIN for old in before for new in after)
        )
        if generalized:
            return "type-generalized"
    elif after is not None and (before is None or all((new, old) in _WITHIN for old in before for new in after)):
        return "type-specialized"
    return "type-changed"


def _format_text(format_: frozenset[str] | None) -> str:
    """Return formats as text, `(none)` if there is none."""
    return " and ".join(sorted(format_ or ())) or "(none)"


def compare_values(comparison: SchemaComparison) -> None:
    """Note changes of `enum` and `const`."""
    old, new, emit = comparison.old, comparison.new, comparison.emit
    before, after = old.enum, new.enum
    if before is None and after is None:
        return
    const = old.spells_const or new.spells_const
    if before is None:
        values = list((after or {}).values())
        suffix = "became-enum"
        if const and len(values) == 1:
            suffix = "const-added"
        emit(suffix, None, values, "enum")
    elif after is None:
        values = list(before.values())
        suffix = "became-not-enum"
        if const and len(values) == 1:
            suffix = "const-removed"
        emit(suffix, values, None, "enum")
    elif const and len(before) == len(after) == 1 and before.keys() != after.keys():
        emit("const-changed", next(iter(before.values())), next(iter(after.values())), "const")
    else:
        for key in (key for key in after if key not in before):
            emit("enum-value-added", None, after[key], "enum", f"{_quoted(after[key])}")
        for key in (key for key in before if key not in after):
            emit("enum-value-removed", before[key], None, "enum", f"{_quoted(before[key])}")


def _quoted(value: Any) -> str:
    """Return a value as text of at most 80 characters."""
    return repr(value)[:80]


def compare_constraints(comparison: SchemaComparison) -> None:
    """Note changes of bounds, patterns, multiples and the other keywords that constrain a value."""
    old, new, emit = comparison.old, comparison.new, comparison.emit
    if not old.constraints and not new.constraints:
        return
    already_noted = _compare_exclusive(comparison) | _implied_bounds(old, new) | _implied_bounds(new, old)
    for keyword, (name, _) in BOUNDS.items():
        if keyword not in already_noted:
            before, after = (node.constraints.get(keyword) for node in (old, new))
            if before != after:
                emit(f"{name}-{_bound_action(before, after)}", before, after, keyword)
    _compare_pattern(comparison)
    _compare_multiple(comparison)
    before, after = old.constraints.get("uniqueItems"), new.constraints.get("uniqueItems")
    if after and not before:
        emit("unique-items-added", before, after, "uniqueItems")
    elif before and not after:
        emit("unique-items-removed", before, after, "uniqueItems")
    before, after = (node.constraints.get("contentEncoding") for node in (old, new))
    if before != after:
        emit("content-encoding-changed", before, after, "contentEncoding")
    before, after = (content_media_type(node, comparison.view.binary) for node in (old, new))
    if before != after:
        emit("content-media-type-changed", before, after, "contentMediaType")


def _bound_action(before: Any, after: Any) -> str:
    """Return the word for a changed bound: `set`, `unset`, `increased` or `decreased`."""
    if before is None:
        return "set"
    if after is None:
        return "unset"
    if after > before:
        return "increased"
    return "decreased"


def _implied_bounds(node: Node, listing: Node) -> set[str]:
    """Return the bounds of a schema without enum that all values in the enum of `listing` satisfy anyway."""
    if node.enum is not None or not listing.enum:
        return set()
    return {
        keyword
        for keyword in node.constraints
        if narrow_enum(listing.enum, {keyword: node.constraints[keyword]}) == listing.enum
        and keyword in BOUNDS
        and keyword not in listing.constraints
    }


def _compare_exclusive(comparison: SchemaComparison) -> set[str]:
    """Note bounds that became exclusive or inclusive; return their keywords, which need no further comparison."""
    old, new = comparison.old, comparison.new
    compared: set[str] = set()
    for inclusive, exclusive in EXCLUSIVE_BOUNDS.items():
        both = {inclusive, exclusive}
        was, now = old.constraints.keys() & both, new.constraints.keys() & both
        if len(was) != 1 or len(now) != 1 or was == now:
            continue
        compared |= both
        are_integers = old.types == new.types == frozenset({"integer"})
        before, after = (tightness(node.constraints, inclusive, are_integers) for node in (old, new))
        if after > before:
            _emit_bound(comparison, now, "set")
        elif after < before:
            _emit_bound(comparison, was, "unset")
    return compared


def _emit_bound(comparison: SchemaComparison, keywords: set[str], action: str) -> None:
    """Note that an exclusive or inclusive bound was set or unset."""
    (keyword,) = keywords
    values = comparison.old.constraints.get(keyword), comparison.new.constraints.get(keyword)
    comparison.emit(f"{BOUNDS[keyword][0]}-{action}", *values, keyword)


def _compare_pattern(comparison: SchemaComparison) -> None:
    """Note an added, removed, changed or generalised pattern; equivalent patterns are no change."""
    before: frozenset[str] | None = comparison.old.constraints.get("pattern")
    after: frozenset[str] | None = comparison.new.constraints.get("pattern")
    if before == after or all(pattern is None or not pattern - _ANY_TEXT for pattern in (before, after)):
        return
    if before is None:
        suffix = "added"
    elif after is None:
        suffix = "removed"
    else:
        is_wider = _are_all_within(before, after)
        if is_wider and _are_all_within(after, before):
            return
        suffix = "changed"
        if is_wider and comparison.view.is_request:
            suffix = "generalized"
    comparison.emit(f"pattern-{suffix}", before, after, "pattern")


def _are_all_within(narrow: frozenset[str], wide: frozenset[str]) -> bool:
    """Return whether each text that matches all patterns of the first set certainly matches all of the second."""
    from pytest_bctrl.drift.patterns import contains

    return all(any(contains(pattern, candidate).is_contained for candidate in narrow) for pattern in wide - _ANY_TEXT)


def _compare_multiple(comparison: SchemaComparison) -> None:
    """Note a set, unset, changed, generalised or specialised `multipleOf`."""
    before: frozenset[float] | None = comparison.old.constraints.get("multipleOf")
    after: frozenset[float] | None = comparison.new.constraints.get("multipleOf")
    if before == after:
        return
    if before is None:
        suffix = "set"
    elif after is None:
        suffix = "unset"
    elif all(any(_is_multiple(old, new) for old in before) for new in after):
        suffix = "generalized"
    elif all(any(_is_multiple(new, old) for new in after) for old in before):
        suffix = "specialized"
    else:
        suffix = "changed"
    comparison.emit(f"multiple-of-{suffix}", before, after, "multipleOf")


def _is_multiple(number: float, divisor: float) -> bool:
    """Return whether a number is a multiple of a divisor, within rounding."""
    return abs(number / divisor - round(number / divisor)) < 1e-9


def compare_defaults(comparison: SchemaComparison) -> None:
    """Note an added, removed or changed `default`."""
    old, new = comparison.old.flags, comparison.new.flags
    if "default" in old and "default" in new:
        if value_key(old["default"]) != value_key(new["default"]):
            comparison.emit("default-value-changed", old["default"], new["default"], "default")
    elif "default" in old:
        comparison.emit("default-value-removed", old["default"], None, "default")
    elif "default" in new:
        comparison.emit("default-value-added", None, new["default"], "default")


def compare_extensible(comparison: SchemaComparison) -> None:
    """Note values removed from `x-extensible-enum` of a request; values may be added to it at any time."""
    before, after = (
        comparison.old.constraints.get("x-extensible-enum", {}),
        comparison.new.constraints.get("x-extensible-enum"),
    )
    for key in (key for key in before if after is not None and key not in after):
        value, keyword = before[key], "x-extensible-enum"
        comparison.emit(f"{keyword}-value-removed", value, None, keyword, _quoted(value))
