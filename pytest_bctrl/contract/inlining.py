"""Replaces references where OpenAPI allows none, as to an operation or a whole section, by their targets.

Documents that are split into many files often have them, and bundlers follow them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import unquote

from pytest_bctrl.contract.document import FILES, INLINED, escape_token
from pytest_bctrl.contract.outline import METHODS
from pytest_bctrl.contract.references import NAMED, Change, keyword_objects, rewrite_objects
from pytest_bctrl.contract.schema_document import resolve_pointer
from pytest_bctrl.errors import DocumentError

_SECTIONS = ("paths", "webhooks", "components", "servers", "security", "tags")
_OF_ITEM = (*METHODS, "parameters", "servers")
_OF_OPERATION = ("parameters", "responses", "callbacks", "servers", "security", "tags")
_ROUNDS = 4
"""How many references to maps may lead into one another."""


def inline_references(document: dict[str, Any], *, with_maps: bool = False) -> dict[str, Any]:
    """Return a document with the targets of references to operations and sections; itself if it has none.

    With `with_maps`, also of those to maps of names, such as `properties`, for which all of it is read. A reference
    that leads nowhere remains. The pointers of the targets are listed under `INLINED`.
    """
    inliner = _Inliner(document)
    inliner.inline_operations()
    if with_maps:
        inliner.inline_maps()
    if not inliner.sources:
        return inliner.document
    return {**inliner.document, INLINED: inliner.sources}


class _Inliner:
    """A document in which references are replaced. `sources` are the pointers of the targets by that of the copy."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.sources: dict[str, str] = {}

    def inline_operations(self) -> None:
        """Replace references to sections of the document, to operations, and to sections of operations."""
        self.document = self._with_targets(self.document, _SECTIONS, "")
        components = self.document.get("components")
        if isinstance(components, dict):
            self._replace("components", self._with_targets(components, components, "/components"))
        for section in ("paths", "webhooks", FILES):
            items = self.document.get(section)
            if isinstance(items, dict):
                pointers = {name: f"/{section}/{escape_token(name)}" for name in items}
                inlined = {name: self._inlined_item(item, pointers[name]) for name, item in items.items()}
                if any(inlined[name] is not item for name, item in items.items()):
                    self._replace(section, inlined)

    def inline_maps(self) -> None:
        """Replace references to maps of names wherever such a map belongs."""
        for _ in range(_ROUNDS):
            objects = {pointer: value for value, pointer, _, _ in keyword_objects(self.document)}
            changes = {
                pointer: self._change_at(pointer)
                for pointer, value in objects.items()
                if _is_reference(value) and _is_map(objects, pointer)
            }
            if not changes:
                return
            self.document = rewrite_objects(self.document, changes)

    def _replace(self, section: str, value: Any) -> None:
        """Replace a section of the document."""
        if self.document[section] is not value:
            self.document = {**self.document, section: value}

    def _inlined_item(self, item: Any, pointer: str) -> Any:
        """Return a path item with the targets of its references to operations and their sections."""
        if not isinstance(item, dict):
            return item
        inlined = self._with_targets(item, _OF_ITEM, pointer)
        operations = {method: inlined[method] for method in METHODS if isinstance(inlined.get(method), dict)}
        for method, operation in operations.items():
            complete = self._with_targets(operation, _OF_OPERATION, f"{pointer}/{method}")
            if complete is not operation:
                inlined = {**inlined, method: complete}
        return inlined

    def _with_targets(self, holder: dict[str, Any], keys: Collection[str], pointer: str) -> dict[str, Any]:
        """Return the object at a pointer; references among its members under `keys` are replaced by their targets."""
        references = {key: holder[key] for key in keys if key in holder and _is_reference(holder[key])}
        if not references:
            return holder
        targets = {key: self._target(value, f"{pointer}/{escape_token(key)}") for key, value in references.items()}
        return {**holder, **targets}

    def _change_at(self, pointer: str) -> Change:
        """Return a function that replaces the reference at a pointer."""

        def change(reference: dict[str, Any]) -> Any:
            """Return what the reference leads to."""
            return self._target(reference, pointer)

        return change

    def _target(self, reference: dict[str, Any], pointer: str) -> Any:
        """Return the target of the reference at a pointer, with the members beside `$ref`; itself without a target."""
        value: Any = reference
        trail: list[str] = []
        while _is_reference(value):
            text = value["$ref"]
            if text in trail:
                return reference
            trail.append(text)
            try:
                value = resolve_pointer(self.document, text, "")
            except DocumentError:
                return reference
        siblings = {key: member for key, member in reference.items() if key != "$ref"}
        if siblings and isinstance(value, dict):
            return {**value, **siblings}
        self.sources[pointer] = unquote(trail[-1][1:])
        return value


def _is_reference(value: Any) -> bool:
    """Return whether a value is an object with a reference."""
    return isinstance(value, Mapping) and isinstance(value.get("$ref"), str)


def _is_map(objects: Mapping[str, Any], pointer: str) -> bool:
    """Return whether a map of names belongs at a pointer; `objects` are the objects whose keys are keywords."""
    parent, _, key = pointer.rpartition("/")
    return key in NAMED and parent in objects
