"""Compares discriminators, and the schemas that they select by a value."""

from __future__ import annotations

from typing import Any

from pytest_bctrl.contract.document import unescape_token
from pytest_bctrl.contract.spec import Part
from pytest_bctrl.drift.node import BESIDE, Node, Schema
from pytest_bctrl.drift.normalize import Normalizer
from pytest_bctrl.drift.pair import SchemaComparison


def compare_discriminators(comparison: SchemaComparison) -> None:
    """Note changes of the discriminator, and compare the schemas that it selects by a value."""
    if "discriminator" not in comparison.old.flags and "discriminator" not in comparison.new.flags:
        return
    before, after = (node.flags.get("discriminator") or {} for node in (comparison.old, comparison.new))
    if before and after:
        changed_values = _compare_mappings(comparison, before, after)
        _compare_subtypes(comparison, after.get("propertyName"), changed_values)
    elif before:
        comparison.emit("discriminator-removed", before, None, "discriminator")
    elif after:
        comparison.emit("discriminator-added", None, after, "discriminator")


def _compare_mappings(comparison: SchemaComparison, before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    """Note changes of a discriminator's property name and mappings; return the values that map to another schema."""
    changed_values: set[str] = set()
    names = before.get("propertyName"), after.get("propertyName")
    if names[0] != names[1]:
        comparison.emit("discriminator-property-name-changed", *names, "discriminator")
    old_map, new_map = before.get("mapping") or {}, after.get("mapping") or {}
    if old_map == new_map and not comparison.new.choices:
        return changed_values
    for value in dict.fromkeys([*old_map, *new_map]):
        if value not in old_map:
            _emit_mapping(comparison, "added", value, (None, new_map[value]))
        elif value not in new_map:
            _emit_mapping(comparison, "deleted", value, (old_map[value], None))
        elif not _have_same_target(comparison, old_map[value], new_map[value]):
            _emit_mapping(comparison, "changed", value, (old_map[value], new_map[value]))
            changed_values.add(str(value))
    return changed_values


def _emit_mapping(comparison: SchemaComparison, action: str, value: Any, names: tuple[Any, Any]) -> None:
    """Note a mapping of a discriminator that was added, deleted or changed."""
    sides, schemas = (comparison.sides.old, comparison.sides.new), list[Schema | None]()
    for normal, name in zip(sides, names, strict=True):
        target = None
        if name is not None:
            target = normal.mapped_schema(name, Part({}, ""))
        schemas.append(None if target is None else (target,))
    pair = schemas[0], schemas[1]
    comparison.emit(f"discriminator-mapping-{action}", None, None, "discriminator", str(value), pair)


def _have_same_target(comparison: SchemaComparison, old_name: Any, new_name: Any) -> bool:
    """Return whether a mapped value still leads to the same schema, equal or changed; by names if one is missing."""
    sides = comparison.sides
    before, after = sides.old.mapped_schema(old_name, Part({}, "")), sides.new.mapped_schema(new_name, Part({}, ""))
    if before is None or after is None:
        return bool(old_name == new_name)
    if sides.equal(_own_parts(sides.old, before, comparison.old), _own_parts(sides.new, after, comparison.new)):
        return True
    elsewhere = [branch for choice in comparison.new.choices for branch in choice.branches]
    if not elsewhere:
        was_renamed = before.pointer not in sides.new.spec.components or after.pointer not in sides.old.spec.components
        return before.pointer == after.pointer or was_renamed
    return not any(sides.equal((before,), branch) for branch in elsewhere)


def _compare_subtypes(comparison: SchemaComparison, property_name: Any, excluded: set[str]) -> None:
    """Compare the schemas that both discriminators select by the same value, without those of excluded values.

    Validators ignore discriminators, but clients read a body with the schema that its discriminator selects.
    """
    old_subtypes = _subtypes(comparison.sides.old, comparison.old)
    new_subtypes = _subtypes(comparison.sides.new, comparison.new)
    for value, old in old_subtypes.items():
        if value in new_subtypes and value not in excluded:
            comparison.follow_subtype((old,), (new_subtypes[value],), f"<{property_name}={value}>")


def _subtypes(normal: Normalizer, base: Node) -> dict[str, Part]:
    """Return the schemas that the discriminator of a schema selects, by its values.

    They are those of its mapping, and all others that extend the schema by `allOf`, by their names. Alternatives of the
    schema are not among them: they are compared as such.
    """
    extending, related = _extensions(normal, base)
    branches = [branch for choice in base.choices for branch in choice.branches]
    alternatives = {part.pointer for branch in branches for part in normal.node(branch).parts}
    mapped = normal.mapped_schemas(base)
    subtypes = {
        value: target
        for value, target in mapped.items()
        if target.pointer not in alternatives and (target.pointer in extending or target.pointer not in related)
    }
    schemas = normal.spec.root / "components" / "schemas"
    for pointer in sorted(extending.difference(alternatives, [target.pointer for target in mapped.values()])):
        name = unescape_token(pointer.rpartition("/")[2])
        subtypes.setdefault(name, schemas / name)
    return subtypes


def _extensions(normal: Normalizer, base: Node) -> tuple[frozenset[str], frozenset[str]]:
    """Return the pointers of the components that extend all components of a schema, and of others related to it.

    The latter extend a part of the schema only, as another schema does that extends the same part, or are its parts.
    """
    components = [part.pointer for part in base.parts if part.pointer in normal.spec.components]
    extensions = [normal.spec.extensions.extending(pointer) for pointer in components]
    if not extensions:
        return frozenset(), frozenset()
    return frozenset.intersection(*extensions), frozenset.union(*extensions, components)


def _own_parts(normal: Normalizer, target: Part, base: Node) -> Schema:
    """Return a mapped schema without the schema that has the discriminator, if it extends that by `allOf`.

    A change of the latter is one of each mapped schema too, and does not make it another schema.
    """
    inherited = {part.pointer for part in base.parts}
    parts = normal.node((target,)).parts
    if inherited.isdisjoint(part.pointer for part in parts):
        return (target,)
    return tuple(
        Part({word: value for word, value in part.schema.items() if word != "allOf"}, f"{part.pointer}{BESIDE}own")
        for part in parts
        if part.pointer not in inherited and isinstance(part.schema, dict)
    )
