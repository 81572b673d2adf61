"""Compares the properties of two objects: which there are, which must be there, and what each holds."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from pytest_bctrl.drift.lifecycle import PROPERTY, compare_lifecycle
from pytest_bctrl.drift.spec import word

if TYPE_CHECKING:
    from pytest_bctrl.drift.node import Node, Schema
    from pytest_bctrl.drift.normalize import Normalizer
    from pytest_bctrl.drift.pair import Draft


def compare_properties(draft: Draft) -> None:
    """Note properties that appeared, disappeared or changed. One that is only required counts as declared."""
    old, new, sides = draft.old, draft.new, draft.sides
    before, after = old.maps.get("properties", {}), new.maps.get("properties", {})
    for name in dict.fromkeys([*before, *after, *sorted(old.required), *sorted(new.required)]):
        was, now = name in before or name in old.required, name in after or name in new.required
        one, other = before.get(name, ()), after.get(name, ())
        if was and now:
            _compare_one(draft, name, one, other)
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


def _compare_one(draft: Draft, name: str, before: Schema, after: Schema) -> None:
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
        compare_lifecycle(partial(_add, draft, step, at), sides.options, PROPERTY, one.flags, other.flags)
    if not (was_write_only and other.flags.get("writeOnly")):
        draft.follow(before, after, step)
    elif one.enum is not None and other.enum is not None:
        for key in (key for key in other.enum if key not in one.enum):
            rule = "response-write-only-property-enum-value-added"
            draft.add("enum-value-added", rule, step, (None, other.enum[key]), (one.at("enum"), other.at("enum")))


def _add(draft: Draft, step: str, at: tuple[str, str], rule: str, old: Any, new: Any) -> None:
    draft.add(rule, rule, step, (old, new), at)


def _compare_access(draft: Draft, old: Node, new: Node, required: bool, step: str, at: tuple[str, str]) -> None:
    for keyword, words in (("readOnly", "read-only"), ("writeOnly", "write-only")):
        before, after = bool(old.flags.get(keyword)), bool(new.flags.get(keyword))
        if before != after:
            became = f"became-{words if after else f'not-{words}'}"
            draft.add(became, f"response-{word(required)}-property-{became}", step, (before, after), at)
