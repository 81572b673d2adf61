"""Compares discriminators, and the schemas that they select by a value."""

from __future__ import annotations

from collections.abc import Set
from typing import Any, NamedTuple

from pytest_bctrl.contract.document import unescape_token
from pytest_bctrl.contract.spec import Part
from pytest_bctrl.drift.node import BESIDE, Node, Schema
from pytest_bctrl.drift.normalize import Normalizer
from pytest_bctrl.drift.pair import SchemaComparison


class _Selector(NamedTuple):
    """A discriminator of one document, and the schemas that it selects, by value.

    `mapped` are those of its mapping. The values of the others are the names of their components: `named` are further
    alternatives, and `extending` further schemas that extend its schema by `allOf`.
    """

    normal: Normalizer
    base: Node
    property_name: str
    mapped: dict[str, Part]
    named: dict[str, Part]
    extending: dict[str, Part]

    @property
    def schemas(self) -> dict[str, Part]:
        """All schemas that the discriminator selects."""
        return {**self.extending, **self.named, **self.mapped}

    @property
    def bodies(self) -> list[list[Node]]:
        """For each selected schema, those that a body must satisfy; else the schema with the discriminator."""
        return [self.body(target) for target in self.schemas.values()] or [[self.base]]

    def body(self, target: Part) -> list[Node]:
        """Return the schemas that a body must satisfy: that with the discriminator, and a selected one."""
        return [self.base, self.normal.node((target,))]

    def values(self, body: list[Node], name: str) -> frozenset[Any] | None:
        """Return the values that the schemas of a body list for a property; None if they do not list any."""
        properties = [self.normal.node(node.maps.get("properties", {}).get(name, ())) for node in body]
        listed = [frozenset(node.enum) for node in properties if node.enum is not None]
        if not listed:
            return None
        return frozenset.intersection(*listed)

    def allows(self, body: list[Node], value: str) -> bool:
        """Return whether the schemas of a body may allow a value of the discriminating property."""
        values = self.values(body, self.property_name)
        return values is None or value in values


def compare_discriminators(comparison: SchemaComparison) -> None:
    """Note changes of the discriminator, and compare the schemas that it selects by a value."""
    if "discriminator" not in comparison.old.flags and "discriminator" not in comparison.new.flags:
        return
    before, after = (node.flags.get("discriminator") or {} for node in (comparison.old, comparison.new))
    if before and after:
        old, new = _selector(comparison.sides.old, comparison.old), _selector(comparison.sides.new, comparison.new)
        names = old.property_name, new.property_name
        # Where a discriminator selects the schemas, its values are compared already.
        if names[0] == names[1] and not comparison.view.is_subtype:
            _compare_values(comparison, old, new)
        elif names[0] != names[1] and _misses_property(comparison, old, new):
            comparison.emit("discriminator-property-name-changed", *names, "discriminator")
        _compare_subtypes(comparison, old, new)
    elif before:
        comparison.emit("discriminator-removed", before, None, "discriminator")
    elif after:
        comparison.emit("discriminator-added", None, after, "discriminator")


def _selector(normal: Normalizer, base: Node) -> _Selector:
    """Return the discriminator of a schema."""
    discriminator = base.flags["discriminator"]
    mapping = discriminator.get("mapping") or {}
    mapped = {str(value): _mapped_schema(normal, name) for value, name in mapping.items()}
    pointers = {target.pointer for target in mapped.values()}
    alternatives = {pointer for branch in _branches(base) for pointer in normal.node(branch).key[:1]}
    extending, _ = _extensions(normal, base)
    inheriting = _inheriting_component(normal, base)
    if inheriting:
        # A body of this component has its own value, or that of a component that extends it.
        extending |= {inheriting}
        mapped = {value: target for value, target in mapped.items() if target.pointer in extending}
    name = discriminator.get("propertyName")
    named = _by_name(normal, alternatives - pointers)
    return _Selector(normal, base, name, mapped, named, _by_name(normal, extending - alternatives - pointers))


def _mapped_schema(normal: Normalizer, name: Any) -> Part:
    """Return the schema that a mapping names; one that allows any value if it is outside of the document."""
    return normal.mapped_schema(name, Part({}, "")) or Part({}, f"{BESIDE}{name}")


def _branches(base: Node) -> list[Schema]:
    """Return the alternatives of a schema."""
    return [branch for choice in base.choices for branch in choice.branches]


def _by_name(normal: Normalizer, pointers: Set[str]) -> dict[str, Part]:
    """Return the schemas among components, by name."""
    schemas = normal.spec.root / "components" / "schemas"
    components = sorted(pointer for pointer in pointers if pointer.rpartition("/")[0] == schemas.pointer)
    names = [unescape_token(pointer.rpartition("/")[2]) for pointer in components]
    return {name: schemas / name for name in names}


def _misses_property(comparison: SchemaComparison, old: _Selector, new: _Selector) -> bool:
    """Return whether the reader of a body may miss the property that selects a schema, or a value of it.

    If the reader's schemas require the property and those of the writer do not, that is reported already.
    """
    writer, reader = new, old
    if comparison.view.is_request:
        writer, reader = old, new
    name, selected = reader.property_name, reader.schemas
    is_required = all(any(name in node.required for node in body) for body in reader.bodies)
    for body in writer.bodies:
        values = writer.values(body, name)
        if not any(name in node.required for node in body):
            if not is_required:
                return True
        elif values is None or not all(
            value in selected and _are_equal(comparison, (writer, body[-1].schema), (reader, (selected[value],)))
            for value in values
        ):
            return True
    return False


def _compare_values(comparison: SchemaComparison, old: _Selector, new: _Selector) -> None:
    """Note added and deleted values of a discriminator, and those that select another schema."""
    before, after, is_request = old.schemas, new.schemas, comparison.view.is_request
    for value in dict.fromkeys([*before, *after]):
        if value not in before:
            if _is_change(comparison, value, new, old, is_written=not is_request):
                _emit_value(comparison, "added", value, (None, (after[value],)))
        elif value not in after:
            if _is_change(comparison, value, old, new, is_written=is_request):
                _emit_value(comparison, "deleted", value, ((before[value],), None))
        elif not _have_same_target(comparison, value, old, new):
            _emit_value(comparison, "changed", value, ((before[value],), (after[value],)))


def _emit_value(
    comparison: SchemaComparison, action: str, value: str, schemas: tuple[Schema | None, Schema | None]
) -> None:
    """Note a value of a discriminator that was added, deleted or changed."""
    comparison.emit(f"discriminator-mapping-{action}", None, None, "discriminator", value, schemas)


def _is_change(
    comparison: SchemaComparison, value: str, side: _Selector, opposite: _Selector, *, is_written: bool
) -> bool:
    """Return whether to note a value that selects a schema on one side only; `is_written`: in bodies of this side.

    Then the reader does not know the value. If its schemas rule the value out, or the alternative was added or removed
    with it, that is reported already.
    """
    target = side.schemas[value]
    if not is_written:
        return value in side.mapped
    if not side.allows(side.body(target), value) or not any(opposite.allows(body, value) for body in opposite.bodies):
        return False
    contents = [comparison.sides.content(*schemas) for schemas in (((target,), None), (None, (target,)))]
    # An alternative of `anyOf` may allow nothing that the others rule out.
    if any(change.content in contents for change in comparison.changes if "one-of-" in change.kind):
        return False
    if not side.base.flags["discriminator"].get("mapping"):
        return True
    # Beside a mapping, the name of a component is often of no use as a value, unless it replaces another value.
    replaced = [selected for key, selected in opposite.schemas.items() if key not in side.schemas]
    return value in side.mapped or any(
        _are_equal(comparison, (side, (target,)), (opposite, (selected,)))
        or _are_matched(comparison, {target.pointer, selected.pointer})
        for selected in replaced
    )


def _are_matched(comparison: SchemaComparison, pointers: set[str]) -> bool:
    """Return whether the components at two pointers are compared as an alternative that changed."""
    return any({part.pointer for part in (*edge.old, *edge.new)} == pointers for edge in comparison.edges)


def _have_same_target(comparison: SchemaComparison, value: str, old: _Selector, new: _Selector) -> bool:
    """Return whether a value still selects the same schema, equal or changed; by names outside of the documents."""
    before, after = old.schemas[value], new.schemas[value]
    if BESIDE in before.pointer or BESIDE in after.pointer:
        return before.pointer == after.pointer
    if _are_equal(comparison, (old, (before,)), (new, (after,))):
        return True
    elsewhere = _branches(new.base)
    if not elsewhere:
        sides = comparison.sides
        was_renamed = before.pointer not in sides.new.spec.components or after.pointer not in sides.old.spec.components
        return before.pointer == after.pointer or was_renamed
    return not any(comparison.sides.equal((before,), branch) for branch in elsewhere)


def _are_equal(comparison: SchemaComparison, first: tuple[_Selector, Schema], second: tuple[_Selector, Schema]) -> bool:
    """Return whether two selected schemas mean the same, apart from the schemas with the discriminators."""
    own_parts = {id(side.normal): _own_parts(side.normal, schema, side.base) for side, schema in (first, second)}
    sides = comparison.sides
    return sides.equal(own_parts[id(sides.old)], own_parts[id(sides.new)])


def _compare_subtypes(comparison: SchemaComparison, old: _Selector, new: _Selector) -> None:
    """Compare the schemas that both discriminators select by the same value, if it selects no other schema now.

    Validators ignore discriminators, but clients read a body with the schema that its discriminator selects.
    """
    old_subtypes, new_subtypes = _subtypes(old), _subtypes(new)
    for value, subtype in old_subtypes.items():
        if value in new_subtypes and _have_same_target(comparison, value, old, new):
            comparison.follow_subtype((subtype,), (new_subtypes[value],), f"<{new.property_name}={value}>")


def _subtypes(side: _Selector) -> dict[str, Part]:
    """Return the selected schemas without alternatives, which are compared as such, and what they extend."""
    extending, related = _extensions(side.normal, side.base)
    alternatives = {part.pointer for branch in _branches(side.base) for part in side.normal.node(branch).parts}
    return {
        value: target
        for value, target in side.schemas.items()
        if target.pointer not in alternatives and (target.pointer in extending or target.pointer not in related)
    }


def _extensions(normal: Normalizer, base: Node) -> tuple[frozenset[str], frozenset[str]]:
    """Return the pointers of the components that extend all components of a schema, and of others related to it.

    The latter extend a part of the schema only, as another schema does that extends the same part, or are its parts.
    """
    components = [part.pointer for part in base.parts if part.pointer in normal.spec.components]
    extensions = [normal.spec.extensions.extending(pointer) for pointer in components]
    if not extensions:
        return frozenset(), frozenset()
    return frozenset.intersection(*extensions), frozenset.union(*extensions, components)


def _inheriting_component(normal: Normalizer, base: Node) -> str:
    """Return the pointer of the component that a schema is, if it inherits the discriminator by `allOf`; else ""."""
    components = {part.pointer for part in base.parts if part.pointer in normal.spec.components}
    owners = {part.pointer for part in base.parts if isinstance(part.schema, dict) and "discriminator" in part.schema}
    if not owners & components:
        return ""
    extended = normal.spec.extensions.extended
    # The component that extends all others.
    return next((pointer for pointer in components - owners if components - {pointer} <= extended(pointer)), "")


def _own_parts(normal: Normalizer, target: Schema, base: Node) -> Schema:
    """Return a mapped schema without the schema that has the discriminator, if it extends that by `allOf`.

    A change of the latter is one of each mapped schema too, and does not make it another schema.
    """
    inherited = {part.pointer for part in base.parts}
    parts = normal.node(target).parts
    if inherited.isdisjoint(part.pointer for part in parts):
        return target
    return tuple(
        Part({word: value for word, value in part.schema.items() if word != "allOf"}, f"{part.pointer}{BESIDE}own")
        for part in parts
        if part.pointer not in inherited and isinstance(part.schema, dict)
    )
