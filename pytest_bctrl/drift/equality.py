"""Compares two schemas for equality of meaning, recursive ones included.

Two schemas are equal if their keywords say the same and the schemas inside them are equal; pairs that are being
compared already count as equal. The result depends only on what the two lead to, not on earlier comparisons.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from pytest_bctrl.contract.document import escape_token
from pytest_bctrl.contract.spec import value_key
from pytest_bctrl.drift.alike import Contents
from pytest_bctrl.drift.walk import Pair, Walk

if TYPE_CHECKING:
    from collections.abc import Hashable

    from pytest_bctrl.drift.node import Node, Schema
    from pytest_bctrl.drift.normalize import Normalizer


class Equality:
    """Compares schemas of two documents, or of one, for equality. `words`: titles and descriptions count."""

    def __init__(self, old: Normalizer, new: Normalizer, words: bool) -> None:
        self.old = old
        self.new = new
        self._words: tuple[str, ...] = ()
        if words:
            self._words = ("title", "description")
        self._own: dict[Node, Hashable] = {}
        self._walk = Walk(self.own_key, self.written_alike)
        self._results: dict[Pair, bool] = {}
        self._unchanged: dict[tuple[int, int], tuple[Any, Any, bool]] = {}

    @cached_property
    def contents(self) -> tuple[Contents, Contents]:
        """The digests of the schemas of both documents."""
        return Contents(self.old.spec), Contents(self.new.spec)

    def written_alike(self, old: Schema, new: Schema) -> bool:
        """Return whether two schemas and all that they lead to are written alike, without normalising them."""
        if len(old) != len(new):
            return False
        return all(self.unchanged(before.value, after.value) for before, after in zip(old, new, strict=True))

    def unchanged(self, old: Any, new: Any) -> bool:
        """Return whether two parts of any kind and all that they lead to are written alike, with keys in any order."""
        key = id(old), id(new)
        if key not in self._unchanged:
            # Both are stored, so that neither id is reused for another object.
            references = self.references(old, new)
            self._unchanged[key] = old, new, references is not None and self.are_unchanged(references)
        return self._unchanged[key][2]

    def references(self, old: Any, new: Any) -> set[str] | None:
        """Return the references in two equal parts; None if the parts differ."""
        # Equality in Python is not enough: true equals 1 there.
        if old != new or value_key(old) != value_key(new):
            return None
        return self._references_in(old)

    def _references_in(self, value: Any) -> set[str]:
        """Return the references in a part, and to the components that its discriminators map values to."""
        references: set[str] = set()
        mapped: set[str] = set()
        waiting = [value]
        while waiting:
            inner = waiting.pop()
            if isinstance(inner, list):
                waiting += inner
            elif isinstance(inner, dict):
                waiting += inner.values()
                words = (inner.get("$ref"), inner.get("$dynamicRef"))
                references.update(word for word in words if isinstance(word, str))
                mapping = inner.get("mapping")
                if "propertyName" in inner and isinstance(mapping, dict):
                    mapped.update(_component_reference(str(name)) for name in mapping.values())
        return references | (mapped & self._component_references)

    @cached_property
    def _component_references(self) -> set[str]:
        """The references to all components of both documents."""
        return {f"#{pointer}" for side in (self.old, self.new) for pointer in side.spec.components}

    def are_unchanged(self, references: set[str]) -> bool:
        """Return whether all references lead to components that are written alike in both documents."""
        return _referenced_components(references) <= self.components

    @cached_property
    def components(self) -> set[str]:
        """The references to the components that are written alike on both sides, with all that they lead to."""
        if self.old.spec.is_30 != self.new.spec.is_30:
            return set()
        old, new = self.old.spec.components, self.new.spec.components
        shared = {f"#{pointer}": self.references(value, new.get(pointer)) for pointer, value in old.items()}
        alike = {
            name: _referenced_components(references | self._extensions(name))
            for name, references in shared.items()
            if references is not None
        }
        users: dict[str, list[str]] = {}
        for name, targets in alike.items():
            for target in targets:
                users.setdefault(target, []).append(name)
        changed = [target for target in users if target not in alike]
        while changed:
            changed += [user for user in users.get(changed.pop(), ()) if alike.pop(user, None) is not None]
        return set(alike)

    def _extensions(self, reference: str) -> set[str]:
        """Return references to the schemas that extend a component with a discriminator, in one document or both."""
        pointer = reference[1:]
        component = self.old.spec.components[pointer]
        if not isinstance(component, dict) or "discriminator" not in component:
            return set()
        extensions = self.old.spec.extensions, self.new.spec.extensions
        return {f"#{extending}" for side in extensions for extending in side.extending(pointer)}

    def equal(self, old: Node, new: Node) -> bool:
        """Return whether two schemas mean the same, recursive schemas included."""
        if self.own_key(old) != self.own_key(new):
            return False
        pair = old, new
        if pair not in self._results:
            self._results[pair] = self._walk.equal(old, new)
        return self._results[pair]

    def own_key(self, node: Node) -> Hashable:
        """Return a key of what a schema says itself, without the schemas inside it."""
        if node not in self._own:
            words = [(key, value_key(node.flags[key])) for key in self._words if key in node.flags]
            self._own[node] = (node.shallow_key, *words)
        return self._own[node]


def _component_reference(name: str) -> str:
    """Return the reference to a schema that a mapping names, by a reference or by the name of a component."""
    if name.startswith("#/"):
        return name
    return f"#/components/schemas/{escape_token(name)}"


def _referenced_components(references: set[str]) -> set[str]:
    """Return the components that references lead to, or into."""
    return {"/".join(ref.split("/", 4)[:4]) for ref in references}
