"""Applies an OpenAPI Overlay 1.0 document (https://spec.openapis.org/overlay/v1.0.0.html)."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from pytest_bctrl.contract.jsonpath import Location, find
from pytest_bctrl.errors import DocumentError


def apply(overlay: Mapping[str, Any], document: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return a copy of `document` with the overlay's actions applied in order.

    The specification lets an action that selects nothing pass; here it is a `DocumentError` that names the
    action, because an overlay that no longer applies would silently weaken the contract. `name` is what
    errors call the overlay.
    """
    if not isinstance(overlay, Mapping) or not str(overlay.get("overlay", "")).startswith("1."):
        raise DocumentError(
            "it is not an OpenAPI Overlay 1.x document",
            where=name,
            mend="it should begin with 'overlay: 1.0.0'",
        )
    result: dict[str, Any] = fresh(document)
    actions = overlay.get("actions")
    if not isinstance(actions, list) or not actions:
        raise DocumentError("it has no list of actions", where=name, mend="give it 'actions:' with at least one")
    for index, action in enumerate(actions):
        where = f"{name}, action {index + 1}"
        if not isinstance(action, Mapping) or not isinstance(action.get("target"), str):
            raise DocumentError("the action has no target", where=where, mend="give it 'target:' with a JSONPath")
        _apply_action(action, result, f"{where} ({action['target']})")
    return result


def fresh(value: Any) -> Any:
    """A copy of JSON data in which no two places share a value, as an alias in YAML makes them."""
    if isinstance(value, Mapping):
        return {key: fresh(member) for key, member in value.items()}
    return [fresh(item) for item in value] if isinstance(value, list) else value


def _apply_action(action: Mapping[str, Any], document: dict[str, Any], where: str) -> None:
    # A nodelist may name a node twice (RFC 9535, 2.1.2); an action applies to it once.
    matches = list(dict(find(action["target"], document)).items())
    if not matches:
        raise DocumentError(
            "the action selects nothing in the document, so the overlay no longer applies",
            where=where,
            mend="change or remove the action in the overlay, then run: pytest-bctrl contract build",
        )
    if action.get("remove") is True:
        for location, _ in reversed(matches):
            del _parent(document, location, where)[location[-1]]
        return
    if "update" not in action:
        raise DocumentError("the action has neither 'update' nor 'remove: true'", where=where, mend="add one of them")
    for location, value in matches:
        _update(document, location, value, action["update"], where)


def _update(document: dict[str, Any], location: Location, value: Any, update: Any, where: str) -> None:
    if isinstance(value, list):
        value.append(copy.deepcopy(update))
    elif isinstance(value, dict) and isinstance(update, Mapping):
        merge(value, update)
    else:
        raise DocumentError(
            f"the target is {type(value).__name__}, the update {type(update).__name__}: they cannot be merged",
            where=f"{where}, at {'/'.join(map(str, location)) or 'the root'}",
            mend="an update is an object merged into an object, or anything appended to an array",
        )


def merge(target: dict[str, Any], update: Mapping[str, Any]) -> None:
    """Merge `update` into `target` in place: objects key by key, arrays end to end, anything else replaced."""
    for key, value in update.items():
        current = target.get(key)
        if isinstance(current, dict) and isinstance(value, Mapping):
            merge(current, value)
        elif isinstance(current, list) and isinstance(value, list):
            current.extend(copy.deepcopy(value))
        else:
            target[key] = copy.deepcopy(value)


def _parent(document: Any, location: Location, where: str) -> Any:
    if not location:
        raise DocumentError("the document itself cannot be removed", where=where, mend="name a part of it")
    for key in location[:-1]:
        document = document[key]
    return document
