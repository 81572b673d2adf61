"""Compares the keywords that hold schemas: properties, items, additional properties, conditions and their kin."""

from __future__ import annotations

from typing import Any

from pytest_bctrl.contract.outline import Part
from pytest_bctrl.drift.lifecycle import PROPERTY, compare_lifecycle
from pytest_bctrl.drift.node import Node, Schema, says_more
from pytest_bctrl.drift.normalize import Normalizer
from pytest_bctrl.drift.pair import Draft
from pytest_bctrl.drift.rules import word

_OPTIONAL = (
    ("propertyNames", "property-names"), ("contentSchema", "content-schema"), ("contains", "contains"),
    ("unevaluatedItems", "unevaluated-items"), ("unevaluatedProperties", "unevaluated-properties"),
    ("then", "then"), ("else", "else"),
)  # fmt: skip
_MAPS = (("patternProperties", "pattern-property"), ("dependentSchemas", "dependent-schema"))


def compare_subschemas(draft: Draft) -> None:
    """Note changes under every keyword that holds schemas, properties and alternatives aside."""
    old, new = draft.old, draft.new
    if not (old.children or new.children or old.maps or new.maps or old.prefix or new.prefix):
        return
    if old.takes("array") and new.takes("array"):
        _compare_items(draft)
    if old.takes("object") and new.takes("object"):
        _compare_additional(draft)
    for keyword, name in _OPTIONAL:
        before, after = draft.said(keyword)
        if before is not None and after is not None:
            draft.follow(before, after, f"<{keyword}>")
        elif before is not None or after is not None:
            draft.emit(f"{name}-added" if before is None else f"{name}-removed", None, None, keyword)
    _compare_opposed(draft)
    for keyword, name in _MAPS:
        _compare_map(draft, keyword, name)


def _compare_items(draft: Draft) -> None:
    old, new = draft.old, draft.new
    for index in range(max(len(old.prefix), len(new.prefix))):
        if index < min(len(old.prefix), len(new.prefix)):
            draft.follow(old.prefix[index], new.prefix[index], f"[{index}]")
            continue
        is_new = index < len(new.prefix)
        before = _behind(old) if is_new else old.prefix[index]
        after = new.prefix[index] if is_new else _behind(new)
        if not draft.sides.equal(before, after):
            action = "added" if is_new else "removed"
            draft.emit(f"prefix-items-{action}", None, None, "prefixItems", f"item {index}")
            draft.follow_undeclared(before, after, f"[{index}]")
    if "items" in old.children or "items" in new.children:
        draft.follow(old.child("items"), new.child("items"), "[*]")


def _behind(node: Node) -> Schema:
    """What the items behind those of `prefixItems` may be, as far as nothing else evaluates them."""
    is_left_over = "items" not in node.children and "contains" not in node.children and not node.choices
    return node.child("unevaluatedItems" if is_left_over else "items")


def _compare_additional(draft: Draft) -> None:
    before, after = draft.old.child("additionalProperties"), draft.new.child("additionalProperties")
    if not before and not after:
        return
    was_closed, is_closed = draft.sides.old.node(before).never, draft.sides.new.node(after).never
    if was_closed != is_closed:
        suffix = "additional-properties-closed" if is_closed else "additional-properties-opened"
        draft.emit(suffix, not was_closed, not is_closed, "additionalProperties")
    elif not was_closed:
        draft.follow(before, after, ".*")


def _compare_opposed(draft: Draft) -> None:
    """`not` and `if` turn the direction round, so any change of theirs is reported as a whole."""
    for keyword in ("not", "if"):
        before, after = draft.old.children.get(keyword), draft.new.children.get(keyword)
        if before is not None and after is not None:
            if draft.sides.equal(before, after):
                continue
            if keyword == "not":
                excluded = _excluded(draft.sides.old.node(before), draft.sides.new.node(after))
                draft.emit(f"not-{excluded}", None, None, "not")
            else:
                draft.emit("if-removed", None, None, "if")
                draft.emit("if-added", None, None, "if")
        elif before is not None or after is not None:
            draft.emit(f"{keyword}-added" if before is None else f"{keyword}-removed", None, None, keyword)


def _tells_of_closed(draft: Draft, pattern: str) -> bool:
    """Note a pattern that came to or left an object that is closed otherwise: what it names is let in, or shut out."""
    was_closed = draft.sides.old.node(draft.old.undeclared).never
    is_closed = draft.sides.new.node(draft.new.undeclared).never
    if was_closed and is_closed:
        if pattern in draft.old.maps.get("patternProperties", {}):
            draft.emit("additional-properties-closed", pattern, None, "patternProperties")
        else:
            draft.emit("additional-properties-opened", None, pattern, "patternProperties")
    return was_closed or is_closed


def _excluded(old: Node, new: Node) -> str:
    """How a schema under `not` changed what it rules out, where that is certain: values are listed on both sides.

    What else the side with more values says could spare some of them, so it must say no more.
    """
    if old.enum is not None and new.enum is not None and old.nullable == new.nullable:
        if old.enum.keys() <= new.enum.keys() and not says_more(new):
            return "specialized"
        if new.enum.keys() <= old.enum.keys() and not says_more(old):
            return "generalized"
    return "changed"


def _compare_map(draft: Draft, keyword: str, name: str) -> None:
    before, after = draft.old.maps.get(keyword, {}), draft.new.maps.get(keyword, {})
    for key in dict.fromkeys([*before, *after]):
        if key in before and key in after:
            draft.follow(before[key], after[key], f".<{keyword} {key}>")
        elif keyword == "patternProperties" and _tells_of_closed(draft, key):
            continue
        elif key in before:
            draft.emit(f"{name}-removed", key, None, keyword)
        else:
            draft.emit(f"{name}-added", None, key, keyword)


def compare_discriminators(draft: Draft) -> None:
    """Note changes of the discriminator. What a value maps to is compared, not what that is called."""
    if "discriminator" not in draft.old.flags and "discriminator" not in draft.new.flags:
        return
    before, after = (node.flags.get("discriminator") or {} for node in (draft.old, draft.new))
    if not before or not after:
        if before or after:
            action = "removed" if before else "added"
            draft.emit(f"discriminator-{action}", before or None, after or None, "discriminator")
        return
    names = before.get("propertyName"), after.get("propertyName")
    if names[0] != names[1]:
        draft.emit("discriminator-property-name-changed", *names, "discriminator")
    old_map, new_map = before.get("mapping") or {}, after.get("mapping") or {}
    for value in dict.fromkeys([*old_map, *new_map]):
        if value not in old_map or value not in new_map:
            action = "added" if value in new_map else "deleted"
            draft.emit(f"discriminator-mapping-{action}", None, None, "discriminator", str(value))
        elif not _same_target(draft, old_map[value], new_map[value]):
            draft.emit("discriminator-mapping-changed", None, None, "discriminator", str(value))


def _same_target(draft: Draft, one: Any, other: Any) -> bool:
    """Tell whether a value still leads to the same schema, which may have changed: no alternative is what it was."""
    sides = draft.sides
    before, after = (side.named(name, Part({}, "")) for side, name in ((sides.old, one), (sides.new, other)))
    if before is None or after is None:
        return bool(one == other)
    if sides.equal((before,), (after,)):
        return True
    elsewhere = [branch for choice in draft.new.choices for branch in choice.branches]
    return bool(elsewhere) and not any(sides.equal((before,), branch) for branch in elsewhere)


def compare_properties(draft: Draft) -> None:
    """Note properties that appeared, disappeared or changed. One that is only required counts as declared."""
    old, new, sides = draft.old, draft.new, draft.sides
    before, after = old.maps.get("properties", {}), new.maps.get("properties", {})
    for name in dict.fromkeys([*before, *after, *sorted(old.required), *sorted(new.required)]):
        was, now = name in before or name in old.required, name in after or name in new.required
        one, other = before.get(name, ()), after.get(name, ())
        if was and now:
            _compare_property(draft, name, one, other)
        elif was and not _only_forbidden(sides.old, one, sides.new, new):
            _note_removed(draft, name, one)
        elif now and not _only_forbidden(sides.new, other, sides.old, old):
            _note_added(draft, name, other)


def _only_forbidden(normal: Normalizer, schema: Schema, other: Normalizer, elsewhere: Node) -> bool:
    """Tell a property that may not be (`false`) and is not declared on the other side, which is closed: no change."""
    return bool(schema) and normal.node(schema).never and other.node(elsewhere.undeclared).never


def _pointer(node: Node, name: str) -> str:
    declared = node.maps.get("properties", {}).get(name)
    return declared[0].pointer if declared else node.at("required")


def _note_removed(draft: Draft, name: str, schema: Schema) -> None:
    old, new, step = draft.old, draft.new, f".{name}"
    if draft.view.is_request:
        closed = draft.sides.new.node(new.undeclared).never
        rule = f"request-parameter-property-removed{'-from-closed-object' if closed else ''}"
    else:
        write_only = "-write-only" if draft.sides.old.node(schema).flags.get("writeOnly") else ""
        rule = f"response-{word(name in old.required)}{write_only}-property-removed"
        if not write_only:
            draft.follow_undeclared(schema, new.undeclared, step)
    draft.add("property-removed", rule, step, (name, None), (_pointer(old, name), new.at("properties")))


def _note_added(draft: Draft, name: str, schema: Schema) -> None:
    old, new, step = draft.old, draft.new, f".{name}"
    required = name in new.required
    if draft.view.is_request:
        header = required and draft.view.is_header
        rule = "new-required-request-header-property" if header else f"new-{word(required)}-request-parameter-property"
    elif draft.sides.new.node(schema).flags.get("writeOnly"):
        rule = f"response-{word(required)}-write-only-property-added"
    elif draft.sides.old.node(old.undeclared).never:
        rule = "response-property-added-to-closed-object"
    else:
        rule = f"response-{word(required)}-property-added"
        draft.follow_undeclared(old.undeclared, schema, step)
    draft.add("property-added", rule, step, (None, name), (old.at("properties"), _pointer(new, name)))


def _compare_property(draft: Draft, name: str, before: Schema, after: Schema) -> None:
    old, new, sides, step = draft.old, draft.new, draft.sides, f".{name}"
    was, now = name in old.required, name in new.required
    if was == now and sides.equality.written_alike(before, after):
        return
    is_request = draft.view.is_request
    one, other = sides.old.node(before), sides.new.node(after)
    at = (_pointer(old, name), _pointer(new, name))
    was_write_only = bool(one.flags.get("writeOnly")) and not is_request
    if was != now:
        subject = "request-parameter-property" if is_request else "response-property"
        subject = "response-write-only-property" if was_write_only else subject
        draft.add(f"became-{word(now)}", f"{subject}-became-{word(now)}", step, (word(was), word(now)), at)
    if not is_request:
        _compare_access(draft, one, other, now, step, at)
        for rule, was_so, is_so in compare_lifecycle(sides.options, PROPERTY, one.flags, other.flags):
            draft.add(rule, rule, step, (was_so, is_so), at)
    if not (was_write_only and other.flags.get("writeOnly")):
        draft.follow(before, after, step)
    elif one.enum is not None and other.enum is not None:
        for key in (key for key in other.enum if key not in one.enum):
            rule = "response-write-only-property-enum-value-added"
            draft.add("enum-value-added", rule, step, (None, other.enum[key]), (one.at("enum"), other.at("enum")))


def _compare_access(draft: Draft, old: Node, new: Node, required: bool, step: str, at: tuple[str, str]) -> None:
    for keyword, words in (("readOnly", "read-only"), ("writeOnly", "write-only")):
        before, after = bool(old.flags.get(keyword)), bool(new.flags.get(keyword))
        if before != after:
            became = f"became-{words if after else f'not-{words}'}"
            draft.add(became, f"response-{word(required)}-property-{became}", step, (before, after), at)
