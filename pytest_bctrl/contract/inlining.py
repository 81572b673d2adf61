"""Replaces references where OpenAPI allows none, as to an operation or a whole section, by their targets.

Documents that are split into many files often have them, and bundlers follow them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial
from typing import Any

from pytest_bctrl.contract.document import FILES
from pytest_bctrl.contract.outline import METHODS
from pytest_bctrl.contract.references import NAMED, keyword_objects, rewrite_objects
from pytest_bctrl.contract.schema_document import follow_references
from pytest_bctrl.errors import DocumentError

_SECTIONS = ("paths", "webhooks", "components", "servers", "security", "tags")
_OF_ITEM = (*METHODS, "parameters", "servers")
_OF_OPERATION = ("parameters", "responses", "callbacks", "servers", "security", "tags")


_ROUNDS = 4
"""How many references to maps may lead into one another."""


def inline_references(document: dict[str, Any]) -> dict[str, Any]:
    """Return a document with the targets of references to operations and sections; itself if it has none.

    A reference that leads nowhere remains.
    """
    inlined = _with_targets(document, document, _SECTIONS)
    components = inlined.get("components")
    if isinstance(components, dict):
        inlined = _with_member(inlined, "components", _with_targets(inlined, components, components))
    for section in ("paths", "webhooks", FILES):
        items = inlined.get(section)
        if isinstance(items, dict):
            changed = {name: new for name, item in items.items() if (new := _inlined_item(inlined, item)) is not item}
            if changed:
                inlined = {**inlined, section: {**items, **changed}}
    return inlined


def inline_maps(document: dict[str, Any]) -> dict[str, Any]:
    """Return a document with the targets of references to maps of names, such as `properties`; itself if it has none.

    A reference that leads nowhere remains.
    """
    for _ in range(_ROUNDS):
        objects = {pointer: value for value, pointer, _, _ in keyword_objects(document)}
        changes = {
            pointer: partial(_target, document)
            for pointer, value in objects.items()
            if isinstance(value.get("$ref"), str) and _is_map(objects, pointer)
        }
        if not changes:
            break
        document = rewrite_objects(document, changes)
    return document


def _is_map(objects: Mapping[str, Any], pointer: str) -> bool:
    """Return whether a map of names belongs at a pointer; `objects` are the objects whose keys are keywords."""
    parent, _, key = pointer.rpartition("/")
    return key in NAMED and parent in objects


def _inlined_item(document: Mapping[str, Any], item: Any) -> Any:
    """Return a path item with the targets of its references to operations and their sections."""
    if not isinstance(item, dict):
        return item
    inlined = _with_targets(document, item, _OF_ITEM)
    for method in METHODS:
        operation = inlined.get(method)
        if isinstance(operation, dict):
            inlined = _with_member(inlined, method, _with_targets(document, operation, _OF_OPERATION))
    return inlined


def _with_targets(document: Mapping[str, Any], holder: dict[str, Any], keys: Collection[str]) -> dict[str, Any]:
    """Return an object in which the members with some keys that are references are replaced by their targets."""
    targets = {key: _target(document, holder[key]) for key in keys if key in holder and _is_reference(holder[key])}
    return {**holder, **targets} if targets else holder


def _with_member(holder: dict[str, Any], key: str, value: Any) -> dict[str, Any]:
    """Return an object with a member; the object itself if it has that very value."""
    return holder if holder[key] is value else {**holder, key: value}


def _is_reference(value: Any) -> bool:
    """Return whether a value is an object with a reference."""
    return isinstance(value, dict) and isinstance(value.get("$ref"), str)


def _target(document: Mapping[str, Any], reference: dict[str, Any]) -> Any:
    """Return what a reference leads to, with its other members added; the reference if it leads nowhere."""
    value: Any = reference
    try:
        for target in follow_references(document, reference, ""):
            value = target
    except DocumentError:
        return reference
    siblings = {key: member for key, member in reference.items() if key != "$ref"}
    return {**value, **siblings} if siblings and isinstance(value, dict) else value
