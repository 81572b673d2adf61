"""Compares the keywords that hold schemas: items, additional properties, conditions and their kin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_bctrl.drift.compare_properties import compare_undeclared
from pytest_bctrl.drift.spec import Part

if TYPE_CHECKING:
    from pytest_bctrl.drift.compare_keywords import Emit
    from pytest_bctrl.drift.compare_schema import SchemaComparison
    from pytest_bctrl.drift.node import Node, Schema
    from pytest_bctrl.drift.normalize import Normalizer
    from pytest_bctrl.drift.report import Place

_OPTIONAL = (
    ("propertyNames", "property-names"), ("contentSchema", "content-schema"), ("contains", "contains"),
    ("unevaluatedItems", "unevaluated-items"), ("unevaluatedProperties", "unevaluated-properties"),
    ("then", "then"), ("else", "else"),
)  # fmt: skip
_MAPS = (("patternProperties", "pattern-property"), ("dependentSchemas", "dependent-schema"))


def compare_subschemas(walk: SchemaComparison, old: Node, new: Node, place: Place, emit: Emit) -> None:
    """Note changes under every keyword that holds schemas, properties and alternatives aside."""
    if not (old.children or new.children or old.maps or new.maps or old.prefix or new.prefix):
        return
    if old.takes("array") and new.takes("array"):
        _compare_items(walk, old, new, place, emit)
    if old.takes("object") and new.takes("object"):
        _compare_additional(walk, old, new, place, emit)
    for keyword, name in _OPTIONAL:
        if keyword not in old.children and keyword not in new.children:
            continue
        before, after = _said(walk.old, old, keyword), _said(walk.new, new, keyword)
        if before is None and after is None:
            continue
        if before is None or after is None:
            emit(f"{name}-added" if before is None else f"{name}-removed", None, None, keyword)
        else:
            walk.compare(before, after, place.inside(f"<{keyword}>"))
    _compare_opposed(walk, old, new, place, emit)
    for keyword, name in _MAPS:
        _compare_map(walk, old, new, place, emit, keyword, name)


def _said(normal: Normalizer, node: Node, keyword: str) -> Schema | None:
    """The schema under a keyword, or None where there is none or it takes anything anyway."""
    schema = node.children.get(keyword)
    if schema is None or keyword == "contains":
        return schema
    return None if takes_anything(normal.node(schema)) else schema


def takes_anything(node: Node) -> bool:
    """Tell a schema that rules nothing out."""
    rules_out = node.never or node.types is not None or node.enum is not None or node.constraints or node.children
    return not (rules_out or node.maps or node.prefix or node.required or node.choices)


def _compare_items(walk: SchemaComparison, old: Node, new: Node, place: Place, emit: Emit) -> None:
    for index in range(max(len(old.prefix), len(new.prefix))):
        if index < min(len(old.prefix), len(new.prefix)):
            walk.compare(old.prefix[index], new.prefix[index], place.inside(f"[{index}]"))
            continue
        is_new = index < len(new.prefix)
        before = old.child("items") if is_new else old.prefix[index]
        after = new.prefix[index] if is_new else new.child("items")
        if not walk.equal(before, after, place):
            emit("prefix-items-added" if is_new else "prefix-items-removed", None, None, "prefixItems", f"item {index}")
            compare_undeclared(walk, before, after, place.inside(f"[{index}]"))
    if "items" in old.children or "items" in new.children:
        walk.compare(old.child("items"), new.child("items"), place.inside("[*]"))


def _compare_additional(walk: SchemaComparison, old: Node, new: Node, place: Place, emit: Emit) -> None:
    before, after = old.child("additionalProperties"), new.child("additionalProperties")
    if not before and not after:
        return
    was_closed, is_closed = walk.old.node(before).never, walk.new.node(after).never
    if was_closed != is_closed:
        suffix = "additional-properties-closed" if is_closed else "additional-properties-opened"
        emit(suffix, not was_closed, not is_closed, "additionalProperties")
    elif not was_closed:
        walk.compare(before, after, place.inside(".*"))


def _compare_opposed(walk: SchemaComparison, old: Node, new: Node, place: Place, emit: Emit) -> None:
    """`not` and `if` turn the direction round, so any change of theirs is told as a whole."""
    for keyword in ("not", "if"):
        before, after = old.children.get(keyword), new.children.get(keyword)
        if before is not None and after is not None:
            if walk.equal(before, after, place.inside("")):
                continue
            if keyword == "not":
                emit(f"not-{_excluded(walk.old.node(before), walk.new.node(after))}", None, None, "not")
            else:
                emit("if-removed", None, None, "if")
                emit("if-added", None, None, "if")
        elif before is not None or after is not None:
            emit(f"{keyword}-added" if before is None else f"{keyword}-removed", None, None, keyword)


def _tells_of_closed(walk: SchemaComparison, old: Node, new: Node, pattern: str, emit: Emit) -> bool:
    """Note a pattern that came to or left an object that is closed otherwise: what it names is let in, or shut out."""
    was_closed, is_closed = walk.old.node(old.undeclared).never, walk.new.node(new.undeclared).never
    if was_closed and is_closed:
        if pattern in old.maps.get("patternProperties", {}):
            emit("additional-properties-closed", pattern, None, "patternProperties")
        else:
            emit("additional-properties-opened", None, pattern, "patternProperties")
    return was_closed or is_closed


def _excluded(old: Node, new: Node) -> str:
    """How a schema under `not` changed what it rules out, where that is certain: values are listed on both sides.

    What else the side with more values says could spare some of them, so it must say no more.
    """
    if old.enum is not None and new.enum is not None and old.nullable == new.nullable:
        if old.enum.keys() <= new.enum.keys() and _only_lists(new):
            return "specialized"
        if new.enum.keys() <= old.enum.keys() and _only_lists(old):
            return "generalized"
    return "changed"


def _only_lists(node: Node) -> bool:
    return not (node.constraints or node.children or node.maps or node.prefix or node.required or node.choices)


def _compare_map(
    walk: SchemaComparison, old: Node, new: Node, place: Place, emit: Emit, keyword: str, name: str
) -> None:
    before, after = old.maps.get(keyword, {}), new.maps.get(keyword, {})
    for key in dict.fromkeys([*before, *after]):
        if key in before and key in after:
            walk.compare(before[key], after[key], place.inside(f".<{keyword} {key}>"))
        elif keyword == "patternProperties" and _tells_of_closed(walk, old, new, key, emit):
            continue
        elif key in before:
            emit(f"{name}-removed", key, None, keyword)
        else:
            emit(f"{name}-added", None, key, keyword)


def compare_discriminators(walk: SchemaComparison, old: Node, new: Node, place: Place, emit: Emit) -> None:
    """Note changes of the discriminator. What a value maps to is compared, not what that is called."""
    if "discriminator" not in old.flags and "discriminator" not in new.flags:
        return
    before, after = _discriminator(walk, old, is_new=False), _discriminator(walk, new, is_new=True)
    if not before or not after:
        if before or after:
            emit(
                "discriminator-added" if not before else "discriminator-removed",
                before or None,
                after or None,
                "discriminator",
            )
        return
    if before.get("propertyName") != after.get("propertyName"):
        emit(
            "discriminator-property-name-changed",
            before.get("propertyName"),
            after.get("propertyName"),
            "discriminator",
        )
    old_map, new_map = before.get("mapping") or {}, after.get("mapping") or {}
    for value in dict.fromkeys([*old_map, *new_map]):
        one, other = old_map.get(value), new_map.get(value)
        if one is None or other is None:
            emit("discriminator-mapping-added" if one is None else "discriminator-mapping-deleted", None, None,
                 "discriminator", str(value))  # fmt: skip
        elif not _same_target(walk, one, other, old, new, place):
            emit("discriminator-mapping-changed", None, None, "discriminator", str(value))


def _discriminator(walk: SchemaComparison, node: Node, is_new: bool) -> dict[str, Any]:
    value = node.flags.get("discriminator")
    spec = walk.report.revision if is_new else walk.report.base
    found = spec.mapping(Part(value, node.at("discriminator")))
    spec.mapping(Part(found.get("mapping"), f"{node.at('discriminator')}/mapping"))
    return found


def _same_target(walk: SchemaComparison, one: Any, other: Any, old: Node, new: Node, place: Place) -> bool:
    """Tell whether a value still leads to the same schema, which may have changed: no alternative is what it was."""
    schemas = []
    for spec, name, node in ((walk.report.base, one, old), (walk.report.revision, other, new)):
        known = spec.root / "components" / "schemas" / str(name)
        if known.value is not None:
            schemas.append(known)
        elif isinstance(name, str) and name.startswith("#/"):
            schemas.append(spec.target(Part({"$ref": name}, node.at("discriminator"))))
        else:
            return bool(one == other)
    inside = place.inside("")
    if walk.equal((schemas[0],), (schemas[1],), inside):
        return True
    elsewhere = [branch for choice in new.choices for branch in choice.branches]
    return bool(elsewhere) and not any(walk.equal((schemas[0],), (branch,), inside) for branch in elsewhere)
