"""Compares the properties of two objects: which there are, which must be there, and what each holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_bctrl.drift.lifecycle import PROPERTY, compare_lifecycle
from pytest_bctrl.drift.report import word

if TYPE_CHECKING:
    from pytest_bctrl.drift.compare_schema import SchemaComparison
    from pytest_bctrl.drift.node import Node, Schema
    from pytest_bctrl.drift.report import Place


def compare_properties(walk: SchemaComparison, old: Node, new: Node, place: Place) -> None:
    """Note properties that appeared, disappeared or changed. One that is only required counts as declared."""
    before, after = old.maps.get("properties", {}), new.maps.get("properties", {})
    names = dict.fromkeys([*before, *after, *sorted(old.required), *sorted(new.required)])
    for name in names:
        here = place.inside(f".{name}")
        was, now = name in before or name in old.required, name in after or name in new.required
        if was and now:
            _compare_one(walk, name, old, new, before.get(name, ()), after.get(name, ()), here)
        elif was and not _only_forbidden(walk, before.get(name, ()), new, is_new=False):
            _note_removed(walk, name, old, new, here)
        elif now and not _only_forbidden(walk, after.get(name, ()), old, is_new=True):
            _note_added(walk, name, old, new, here)


def _only_forbidden(walk: SchemaComparison, schema: Schema, elsewhere: Node, is_new: bool) -> bool:
    """Tell a property that may not be (`false`) and is not declared on the other side, which is closed: no change."""
    if not schema:
        return False
    normal, other = (walk.new, walk.old) if is_new else (walk.old, walk.new)
    return normal.node(schema).never and other.node(elsewhere.undeclared).never


def _pointer(node: Node, name: str) -> str:
    declared = node.maps.get("properties", {}).get(name)
    return declared[0].pointer if declared else node.at("required")


def _note_removed(walk: SchemaComparison, name: str, old: Node, new: Node, place: Place) -> None:
    required = name in old.required
    if place.is_request:
        closed = walk.new.node(new.undeclared).never
        rule = f"request-parameter-property-removed{'-from-closed-object' if closed else ''}"
    else:
        schema = old.maps.get("properties", {}).get(name, ())
        write_only = "-write-only" if walk.old.node(schema).flags.get("writeOnly") else ""
        rule = f"response-{word(required)}{write_only}-property-removed"
        if not write_only:
            compare_undeclared(walk, schema, new.undeclared, place)
    walk.report.add(rule, place, name, None, _pointer(old, name), new.at("properties"))


def compare_undeclared(walk: SchemaComparison, old: Schema, new: Schema, place: Place) -> None:
    """Note where a property or item that is declared on one side only may hold what it could not.

    On the other side it is one of those that are not declared. Where nothing is said of such, nothing is noted.
    """
    if old and new and walk.worst(old, new, place) in ("error", "warning"):
        walk.compare(old, new, place)


def _note_added(walk: SchemaComparison, name: str, old: Node, new: Node, place: Place) -> None:
    required = name in new.required
    schema = new.maps.get("properties", {}).get(name, ())
    if place.is_request:
        header = required and place.location.startswith("header ")
        rule = "new-required-request-header-property" if header else f"new-{word(required)}-request-parameter-property"
    elif walk.new.node(schema).flags.get("writeOnly"):
        rule = f"response-{word(required)}-write-only-property-added"
    elif walk.old.node(old.undeclared).never:
        rule = "response-property-added-to-closed-object"
    else:
        rule = f"response-{word(required)}-property-added"
        compare_undeclared(walk, old.undeclared, schema, place)
    walk.report.add(rule, place, None, name, old.at("properties"), _pointer(new, name))


def _compare_one(
    walk: SchemaComparison, name: str, old: Node, new: Node, before: Schema, after: Schema, place: Place
) -> None:
    was, now = name in old.required, name in new.required
    if was == now and walk.same(before, after):
        return
    one, other = walk.old.node(before), walk.new.node(after)
    at = (_pointer(old, name), _pointer(new, name))
    was_write_only = bool(one.flags.get("writeOnly")) and not place.is_request
    write_only = was_write_only and bool(other.flags.get("writeOnly"))
    if was != now:
        subject = "request-parameter-property" if place.is_request else "response-property"
        subject = "response-write-only-property" if was_write_only else subject
        rule = f"{subject}-became-{word(now)}"
        walk.report.add(rule, place, word(was), word(now), *at)
    if not place.is_request:
        _compare_access(walk, one, other, now, place, at)
        compare_lifecycle(walk.report, walk.options, PROPERTY, one.flags, other.flags, place, at)
    if not write_only:
        walk.compare(before, after, place)
    elif one.enum is not None and other.enum is not None:
        for key in (key for key in other.enum if key not in one.enum):
            rule = "response-write-only-property-enum-value-added"
            walk.report.add(rule, place, None, other.enum[key], one.at("enum"), other.at("enum"))


def _compare_access(
    walk: SchemaComparison, old: Node, new: Node, required: bool, place: Place, at: tuple[str, str]
) -> None:
    for keyword, words in (("readOnly", "read-only"), ("writeOnly", "write-only")):
        before, after = bool(old.flags.get(keyword)), bool(new.flags.get(keyword))
        if before != after:
            rule = f"response-{word(required)}-property-became-{words if after else f'not-{words}'}"
            walk.report.add(rule, place, before, after, *at)
