"""Compares the keywords that contain schemas: properties, items, additional properties and others."""

from __future__ import annotations

from pytest_bctrl.drift.declared_names import is_open
from pytest_bctrl.drift.node import Node, Schema, says_more
from pytest_bctrl.drift.normalize import Normalizer
from pytest_bctrl.drift.pair import SchemaComparison
from pytest_bctrl.drift.rules import deprecation_word, requirement_word

_OPTIONAL = (("propertyNames", "property-names"), ("contentSchema", "content-schema"))
_DECIDED_BY_ENGINE = (
    ("if", "then", "else"), ("contains", "minContains", "maxContains"), ("patternProperties",), ("dependentSchemas",),
    ("dependentRequired",), ("unevaluatedItems",), ("unevaluatedProperties",),
)  # fmt: skip
"""Keywords whose effect depends on others, so that the engine decides the level of a change; grouped by the effect."""


def compare_subschemas(comparison: SchemaComparison) -> None:
    """Note changes under every keyword that contains schemas, except properties and alternatives."""
    old, new = comparison.old, comparison.new
    if not (old.children or new.children or old.maps or new.maps or old.prefix or new.prefix):
        return
    if old.takes("array") and new.takes("array"):
        _compare_items(comparison)
    if old.takes("object") and new.takes("object"):
        _compare_additional_properties(comparison)
    for keyword, name in _OPTIONAL:
        before, after = comparison.effective(keyword)
        if before is not None and after is not None:
            comparison.follow(before, after, f"<{keyword}>")
        elif before is not None:
            comparison.emit(f"{name}-removed", None, None, keyword, schemas=(before, None))
        elif after is not None:
            comparison.emit(f"{name}-added", None, None, keyword, schemas=(None, after))
    _compare_not(comparison)


def compare_with_engine(comparison: SchemaComparison) -> None:
    """Note changes of the keywords whose level the engine decides, and compare the schemas under them on both sides."""
    old, new = comparison.old, comparison.new
    for keywords in _DECIDED_BY_ENGINE:
        changed = [keyword for keyword in keywords if _is_changed(comparison, keyword)]
        # Another keyword of the group may have changed only because it has no effect without this one.
        written = [keyword for keyword in changed if old.has_keyword(keyword) != new.has_keyword(keyword)]
        if changed:
            comparison.note_keyword((written or changed)[0])


def _is_changed(comparison: SchemaComparison, keyword: str) -> bool:
    """Return whether a keyword was added, removed or changed, apart from schemas under it that are compared."""
    before, after = comparison.old.schemas_under(keyword), comparison.new.schemas_under(keyword)
    is_changed = comparison.old.constraints.get(keyword) != comparison.new.constraints.get(keyword)
    for name in dict.fromkeys([*before, *after]):
        if name not in before or name not in after:
            is_changed = True
        elif keyword == "if":
            # A condition that allows less makes the whole allow more.
            is_changed = not comparison.sides.equal(before[name], after[name])
        else:
            comparison.follow(before[name], after[name], f".<{keyword} {name}>" if name else f"<{keyword}>")
    return is_changed


def _compare_items(comparison: SchemaComparison) -> None:
    """Note changes of `prefixItems` and compare the schemas of items."""
    old, new = comparison.old, comparison.new
    for index in range(max(len(old.prefix), len(new.prefix))):
        if index < min(len(old.prefix), len(new.prefix)):
            comparison.follow(old.prefix[index], new.prefix[index], f"[{index}]")
            continue
        if index < len(new.prefix):
            action, before, after = "added", _items_after_prefix(old), new.prefix[index]
        else:
            action, before, after = "removed", old.prefix[index], _items_after_prefix(new)
        if not comparison.sides.equal(before, after):
            part, schemas = f"item {index}", (before, after)
            comparison.emit(f"prefix-items-{action}", None, None, "prefixItems", part, schemas)
            comparison.follow_undeclared(before, after, f"[{index}]")
    if "items" in old.children or "items" in new.children:
        comparison.follow(old.child("items"), new.child("items"), "[*]")


def _items_after_prefix(node: Node) -> Schema:
    """Return the schema of the items after `prefixItems`: `items`, or `unevaluatedItems` if nothing else applies."""
    if "items" not in node.children and "contains" not in node.children and not node.choices:
        return node.child("unevaluatedItems")
    return node.child("items")


def _compare_additional_properties(comparison: SchemaComparison) -> None:
    """Note that objects were closed or opened, or compare the schemas of additional properties."""
    before, after = comparison.old.child("additionalProperties"), comparison.new.child("additionalProperties")
    if not before and not after:
        return
    was_closed, is_closed = comparison.sides.old.node(before).never, comparison.sides.new.node(after).never
    values = not was_closed, not is_closed
    if is_closed and not was_closed:
        comparison.emit("additional-properties-closed", *values, "additionalProperties", schemas=(before, after))
    elif was_closed and not is_closed:
        comparison.emit("additional-properties-opened", *values, "additionalProperties", schemas=(before, after))
    elif not was_closed:
        comparison.follow(before, after, ".*")


def _compare_not(comparison: SchemaComparison) -> None:
    """Note a change of `not` as a whole: it reverses the direction of the changes inside."""
    before, after = comparison.old.children.get("not"), comparison.new.children.get("not")
    if before is not None and after is not None:
        if not comparison.sides.equal(before, after):
            excluded = _exclusion_change(comparison.sides.old.node(before), comparison.sides.new.node(after))
            comparison.emit(f"not-{excluded}", None, None, "not", schemas=(before, after))
    elif before is not None:
        comparison.emit("not-removed", None, None, "not", schemas=(before, None))
    elif after is not None:
        comparison.emit("not-added", None, None, "not", schemas=(None, after))


def _exclusion_change(old: Node, new: Node) -> str:
    """Return `specialized` if `not` excludes more values than before, `generalized` if fewer, `changed` if unclear.

    Any further keyword of the side with more values could exempt some of them, so it must have none.
    """
    if old.enum is not None and new.enum is not None and old.nullable == new.nullable:
        if old.enum.keys() <= new.enum.keys() and not says_more(new):
            return "specialized"
        if new.enum.keys() <= old.enum.keys() and not says_more(old):
            return "generalized"
    return "changed"


def compare_properties(comparison: SchemaComparison) -> None:
    """Note added, removed and changed properties. A property that is only required counts as declared."""
    old, new, sides = comparison.old, comparison.new, comparison.sides
    before, after = old.maps.get("properties", {}), new.maps.get("properties", {})
    for name in dict.fromkeys([*before, *after, *sorted(old.required), *sorted(new.required)]):
        was, now = name in before or name in old.required, name in after or name in new.required
        old_schema, new_schema = before.get(name, old.undeclared), after.get(name, new.undeclared)
        if was and now:
            _compare_property(comparison, name, old_schema, new_schema)
        elif was and not _is_only_forbidden(sides.old, before.get(name, ()), sides.new, new):
            _note_removed(comparison, name, old_schema)
        elif now and not _is_only_forbidden(sides.new, after.get(name, ()), sides.old, old):
            _note_added(comparison, name, new_schema)


def _is_only_forbidden(normal: Normalizer, schema: Schema, opposite: Normalizer, elsewhere: Node) -> bool:
    """Return whether a property is declared as forbidden where the other side excludes it by being closed."""
    return bool(schema) and normal.node(schema).never and opposite.node(elsewhere.undeclared).never


def _pointer_without_property(node: Node, pointer: str) -> str:
    """Return the pointer of the `properties` that lack a property whose schema the other side has at `pointer`."""
    return node.nearest(pointer.rpartition("/")[0]) or node.at("properties")


def _property_pointer(node: Node, name: str) -> str:
    """Return the pointer to the schema of a property, or to `required` if it is only required."""
    declared = node.maps.get("properties", {}).get(name)
    if declared:
        return declared[0].pointer
    return node.at("required")


def _note_removed(comparison: SchemaComparison, name: str, schema: Schema) -> None:
    """Note a removed property, under a rule that depends on direction and on whether it was required or write-only."""
    old, new, step = comparison.old, comparison.new, f".{name}"
    flags = comparison.sides.old.node(schema).flags
    if comparison.view.is_request:
        if flags.get("readOnly"):
            # No request contains the property.
            return
        rule = f"{comparison.view.property_subject}-removed"
        if comparison.sides.new.node(new.undeclared).never:
            rule += "-from-closed-object"
        else:
            comparison.follow_undeclared(schema, new.undeclared, step)
    elif flags.get("writeOnly"):
        rule = f"response-{requirement_word(name in old.required)}-write-only-property-removed"
    else:
        rule = f"response-{requirement_word(name in old.required)}-property-removed"
        # Without the property, which was required, consumers break anyway.
        is_any = name not in old.required and is_open(new)
        comparison.follow_undeclared(schema, new.undeclared, step, is_any=is_any)
    pointer = _property_pointer(old, name)
    comparison.add("property-removed", rule, step, (name, None), (pointer, _pointer_without_property(new, pointer)))


def _note_added(comparison: SchemaComparison, name: str, schema: Schema) -> None:
    """Note an added property, under a rule that depends on direction and on whether it is required or write-only."""
    old, new, step = comparison.old, comparison.new, f".{name}"
    required, flags = name in new.required, comparison.sides.new.node(schema).flags
    if comparison.view.is_request:
        if flags.get("readOnly"):
            return
        rule = f"new-{requirement_word(required)}-{comparison.view.property_subject}"
        if required and comparison.view.is_header:
            rule = "new-required-request-header-property"
        if not required:
            is_any = is_open(old) and not (
                comparison.view.is_text and _allows_all_texts(comparison.sides.new.node(schema))
            )
            comparison.follow_undeclared(old.undeclared, schema, step, is_any=is_any)
    elif flags.get("writeOnly"):
        rule = f"response-{requirement_word(required)}-write-only-property-added"
    elif comparison.sides.old.node(old.undeclared).never:
        rule = "response-property-added-to-closed-object"
    else:
        rule = f"response-{requirement_word(required)}-property-added"
        comparison.follow_undeclared(old.undeclared, schema, step)
    pointer, content = _property_pointer(new, name), comparison.sides.content(None, schema)
    comparison.add(
        "property-added", rule, step, (None, name), (_pointer_without_property(old, pointer), pointer), content
    )


def _allows_all_texts(node: Node) -> bool:
    """Return whether a schema allows every text."""
    return node.takes("string") and node.enum is None and not says_more(node)


def _compare_property(comparison: SchemaComparison, name: str, before: Schema, after: Schema) -> None:
    """Note the changes of a property that both schemas have, and compare its schemas."""
    old, new, sides, step = comparison.old, comparison.new, comparison.sides, f".{name}"
    was, now = name in old.required, name in new.required
    if was == now and sides.equality.written_alike(before, after):
        return
    old_node, new_node = sides.old.node(before), sides.new.node(after)
    at = (_property_pointer(old, name), _property_pointer(new, name))
    if comparison.view.is_request:
        _compare_sent_property(comparison, name, before, after, at)
        return
    was_write_only = bool(old_node.flags.get("writeOnly"))
    if was != now:
        subject = "response-property"
        if was_write_only:
            subject = "response-write-only-property"
        comparison.add(
            f"became-{requirement_word(now)}",
            f"{subject}-became-{requirement_word(now)}",
            step,
            (requirement_word(was), requirement_word(now)),
            _required_at(comparison, name, at),
        )
    # A property that is no longer received breaks those who relied on it, as its removal does.
    is_lost = not was_write_only and bool(new_node.flags.get("writeOnly"))
    _compare_access(comparison, old_node, new_node, was if is_lost else now, step, at)
    _compare_deprecation(comparison, old_node, new_node, step, at)
    if not (was_write_only and new_node.flags.get("writeOnly")):
        comparison.follow(before, after, step)
    elif old_node.enum is not None and new_node.enum is not None:
        for key in (key for key in new_node.enum if key not in old_node.enum):
            rule = "response-write-only-property-enum-value-added"
            value = new_node.enum[key]
            at = old_node.at("enum"), new_node.at("enum", value)
            comparison.add("enum-value-added", rule, step, (None, value), at)


def _compare_sent_property(
    comparison: SchemaComparison, name: str, before: Schema, after: Schema, at: tuple[str, str]
) -> None:
    """Note the changes of a property of a request that both schemas have; a read-only property is never sent."""
    step, old, new = f".{name}", comparison.sides.old.node(before), comparison.sides.new.node(after)
    was, now = name in comparison.old.required, name in comparison.new.required
    was_read_only, is_read_only = bool(old.flags.get("readOnly")), bool(new.flags.get("readOnly"))
    if comparison.view.property_subject == "request-property" or (is_read_only and not was_read_only):
        _compare_access(comparison, old, new, now, step, at)
    elif was_read_only and now and not is_read_only:
        values = requirement_word(required=False), requirement_word(required=True)
        rule = f"{comparison.view.property_subject}-became-required"
        comparison.add("became-required", rule, step, values, _flag_at(old, new, "readOnly", at))
    if was_read_only or is_read_only:
        return
    if comparison.view.property_subject == "request-property":
        _compare_deprecation(comparison, old, new, step, at)
    if was != now:
        rule = f"{comparison.view.property_subject}-became-{requirement_word(now)}"
        values, at = (requirement_word(was), requirement_word(now)), _required_at(comparison, name, at)
        comparison.add(f"became-{requirement_word(now)}", rule, step, values, at)
    comparison.follow(before, after, step)


def _compare_deprecation(comparison: SchemaComparison, old: Node, new: Node, step: str, at: tuple[str, str]) -> None:
    """Note that a property was deprecated or reactivated."""
    was, now = bool(old.flags.get("deprecated")), bool(new.flags.get("deprecated"))
    if was == now:
        return
    subject, word = "response-property", deprecation_word(now)
    if comparison.view.is_request:
        subject = "request-property"
    comparison.add(word, f"{subject}-{word}", step, (was, now), _flag_at(old, new, "deprecated", at))


def _compare_access(
    comparison: SchemaComparison, old: Node, new: Node, required: bool, step: str, at: tuple[str, str]
) -> None:
    """Note that a property became or is no longer read-only or write-only."""
    for keyword, words in (("readOnly", "read-only"), ("writeOnly", "write-only")):
        before, after = bool(old.flags.get(keyword)), bool(new.flags.get(keyword))
        if before != after:
            became = f"became-{words}"
            if before:
                became = f"became-not-{words}"
            direction = "response"
            if comparison.view.is_request:
                direction = "request"
            rule = f"{direction}-{requirement_word(required)}-property-{became}"
            comparison.add(became, rule, step, (before, after), _flag_at(old, new, keyword, at))


def _required_at(comparison: SchemaComparison, name: str, at: tuple[str, str]) -> tuple[str, str]:
    """Return the pointers of the `required` that lists a property; those of the property in `at` where none does."""
    pointers = []
    for node, pointer in zip((comparison.old, comparison.new), at, strict=True):
        if name in node.required:
            pointer = node.at("required", name)
        pointers.append(pointer)
    return pointers[0], pointers[1]


def _flag_at(old: Node, new: Node, keyword: str, at: tuple[str, str]) -> tuple[str, str]:
    """Return the pointers of a flag of a property; those of the property in `at` where it lacks the flag."""
    pointers = []
    for node, pointer in zip((old, new), at, strict=True):
        if node.has_keyword(keyword):
            pointer = node.at(keyword, node.flags.get(keyword))
        pointers.append(pointer)
    return pointers[0], pointers[1]
