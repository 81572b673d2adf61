"""Applies OpenAPI Overlay 1.0 and 1.1 documents (https://spec.openapis.org/overlay/v1.1.0.html), and writes them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pytest_bctrl.contract.schema.locations import PLAIN, Path
from pytest_bctrl.errors import DocumentError

_VERSIONS = ("1.0", "1.1")


def apply_overlay(
    overlay: Mapping[str, Any],
    document: Mapping[str, Any],
    name: str,
    refused: list[DocumentError] | None = None,
) -> dict[str, Any]:
    """Return a copy of `document` with an overlay applied; an action's error is raised, or added to `refused` if given.

    The specification allows an action that selects nothing. Here it raises `DocumentError`, which names the action,
    because an overlay that no longer applies would silently weaken the contract. `name` is the overlay's name in
    errors. With a list of `refused` errors, an action that does not apply is skipped and its error added to the list.
    """
    version = _overlay_version(overlay, name)
    result: dict[str, Any] = unshared_copy(document)
    actions = overlay.get("actions")
    if not isinstance(actions, list) or not actions:
        raise DocumentError("it has no list of actions", where=name, hint="give it 'actions:' with at least one")
    for index, action in enumerate(actions):
        where = f"{name}, action {index + 1}"
        if not isinstance(action, Mapping) or not isinstance(action.get("target"), str):
            raise DocumentError("the action has no target", where=where, hint="give it 'target:' with a JSONPath")
        try:
            _apply_action(action, result, f"{where} ({action['target']})", is_1_0=version.startswith("1.0"))
        except DocumentError as error:
            if refused is None:
                raise
            refused.append(error)
    return result


def _overlay_version(overlay: Mapping[str, Any], name: str) -> str:
    """Return the version of an overlay; raises `DocumentError` if it is not supported."""
    version = ""
    if isinstance(overlay, Mapping):
        version = str(overlay.get("overlay", ""))
    if ".".join(version.split(".")[:2]) in _VERSIONS:
        return version
    problem = "it is not an OpenAPI Overlay document"
    if version:
        problem = f"it is an OpenAPI Overlay {version}"
    raise DocumentError(
        problem, where=name, hint=f"it should begin with 'overlay: 1.0.0'; {' and '.join(_VERSIONS)} are read"
    )


def select_nodes(expression: str, document: Any) -> dict[Path, Any]:
    """Return the values that a JSONPath (RFC 9535) selects, by path, each once and in the order of the selection.

    Raises `DocumentError` if the expression is not a JSONPath.
    """
    # Imported here, because most runs apply no overlay.
    from jsonpath import JSONPathEnvironment
    from jsonpath.exceptions import JSONPathError

    try:
        return {match.parts: match.obj for match in JSONPathEnvironment(strict=True).finditer(expression, document)}
    except (JSONPathError, RecursionError) as error:
        raise DocumentError(
            f"the JSONPath is not understood: {next(iter(error.args), 'it is nested too deep')}",
            where=expression,
            hint="write it as RFC 9535 has it, such as $.paths['/v1/x'].get.parameters[?@.in == 'path']",
        ) from None


def unshared_copy(value: Any) -> Any:
    """Return a copy of JSON data without shared containers, which YAML aliases create."""
    if isinstance(value, Mapping):
        return {key: unshared_copy(member) for key, member in value.items()}
    if isinstance(value, list):
        return [unshared_copy(item) for item in value]
    return value


def _apply_action(action: Mapping[str, Any], document: dict[str, Any], where: str, *, is_1_0: bool) -> None:
    """Apply one action in place: remove, update or copy; raises `DocumentError` if it selects nothing or is invalid."""
    # A nodelist may name a node twice (RFC 9535, 2.1.2); an action applies to it once.
    matches = select_nodes(action["target"], document)
    if not matches:
        raise DocumentError(
            "the action selects nothing in the document, so the overlay no longer applies",
            where=where,
            hint="change or remove the action in the overlay, then run: pytest-bctrl contract build",
        )
    if action.get("remove") is True:
        for location in sorted(matches, key=_removal_key, reverse=True):
            del _container_of(document, location, where)[location[-1]]
        return
    if ("update" in action) + ("copy" in action and not is_1_0) != 1:
        raise DocumentError(
            "the action needs one of 'update', 'remove: true' and, in Overlay 1.1, 'copy'",
            where=where,
            hint="give it one",
        )
    update = action["update"] if "update" in action else _copied_node(action["copy"], document, where)
    if len({_merge_kind(value) for value in matches.values()}) > 1 and not is_1_0:
        raise DocumentError(
            "the target selects objects, arrays or single values at once", where=where, hint="write an action for each"
        )
    for location, value in matches.items():
        _update_node(document, location, value, update, where, is_1_0=is_1_0)


def _removal_key(location: Path) -> list[tuple[bool, str | int]]:
    """Return a sort key that puts a path after its parents, and items of a list in order of their positions."""
    return [(isinstance(key, int), key) for key in location]


def _copied_node(expression: Any, document: dict[str, Any], where: str) -> Any:
    """Return a copy of the node that an expression selects. Raises `DocumentError` unless it selects exactly one."""
    nodes = list(select_nodes(str(expression), document).values())
    if len(nodes) != 1:
        raise DocumentError(f"'copy' selects {len(nodes)} nodes", where=where, hint="let it select one")
    return unshared_copy(nodes[0])


def _merge_kind(value: Any) -> str:
    """Return `object`, `array` or `single`, which decides how an update is merged."""
    if isinstance(value, Mapping):
        return "object"
    if isinstance(value, list):
        return "array"
    return "single"


def _update_node(
    document: dict[str, Any], location: Path, value: Any, update: Any, where: str, *, is_1_0: bool
) -> None:
    """Update a node in place by the rules of Overlay 1.0 or 1.1; raises `DocumentError` if it cannot be merged."""
    place = f"{where}, at {'/'.join(map(str, location)) or 'the root'}"
    if isinstance(value, list):
        if isinstance(update, list) and not is_1_0:
            value.extend(unshared_copy(update))
        else:
            value.append(unshared_copy(update))
    elif isinstance(value, dict) and isinstance(update, Mapping):
        merge_update(value, update, "" if is_1_0 else place)
    elif location and {_merge_kind(value), _merge_kind(update)} == {"single"} and not is_1_0:
        _container_of(document, location, where)[location[-1]] = update
    else:
        raise _type_mismatch_error(value, update, place)


def _type_mismatch_error(value: Any, update: Any, where: str) -> DocumentError:
    """Return the error for an update whose type does not fit its target."""
    return DocumentError(
        f"the target is {type(value).__name__}, the update {type(update).__name__}: they cannot be merged",
        where=where,
        hint="an update is an object merged into an object, anything added to an array, or (1.1) a value for a value",
    )


def merge_update(target: dict[str, Any], update: Mapping[str, Any], strict: str = "") -> None:
    """Merge `update` into `target` in place: objects by key, arrays by concatenation; other values are replaced.

    `strict` is the location of `target` for errors. With it, a value is replaced only by a value of the same kind.
    """
    for key, value in update.items():
        current = target.get(key)
        if isinstance(current, dict) and isinstance(value, Mapping):
            merge_update(current, value, strict and f"{strict}/{key}")
        elif isinstance(current, list) and isinstance(value, list):
            current.extend(unshared_copy(value))
        elif strict and key in target and {_merge_kind(current), _merge_kind(value)} != {"single"}:
            raise _type_mismatch_error(current, value, f"{strict}/{key}")
        else:
            target[key] = unshared_copy(value)


def _container_of(document: Any, location: Path, where: str) -> Any:
    """Return the object or list that contains a location. Raises `DocumentError` for the document itself."""
    if not location:
        raise DocumentError("the document itself cannot be removed", where=where, hint="name a part of it")
    for key in location[:-1]:
        document = document[key]
    return document


_SIMPLE = re.compile(r"[^'\\\x00-\x1f\x7f]*")

Action = dict[str, Any]


def overlay_actions(old: Mapping[str, Any], new: Mapping[str, Any], target: str = "$") -> Iterator[Action]:
    """Yield the actions that turn `old` into `new`, both JSON objects; they are as few and as specific as possible.

    Removed members are removed, items added at the end of an array are appended, other changes are merged.
    """
    inner_actions: list[Action] = []
    update: dict[str, Any] = {}
    for key, value in old.items():
        member = target + path_segment(key)
        if key not in new:
            yield {"target": member, "remove": True}
        elif not is_same_json(value, new[key]):
            changes = list(_inner_actions(value, new[key], member))
            if changes:
                inner_actions += changes
                continue
            if isinstance(value, dict | list):
                # Merging would keep members that are not in the new value.
                yield {"target": member, "remove": True}
            update[key] = new[key]
    update |= {key: value for key, value in new.items() if key not in old}
    if update:
        yield {"target": target, "update": update}
    yield from inner_actions


def _inner_actions(old: Any, new: Any, target: str) -> Iterator[Action]:
    """Yield the actions on the contents of a value, none if the value must be replaced."""
    if isinstance(old, dict) and isinstance(new, dict):
        yield from overlay_actions(old, new, target)
    elif isinstance(old, list) and isinstance(new, list):
        if len(new) > len(old) and is_same_json(new[: len(old)], old):
            yield from ({"target": target, "update": value} for value in new[len(old) :])
        elif len(new) == len(old):
            yield from _item_actions(old, new, target)
        else:
            yield from _removal_actions(old, new, target)


def _item_actions(old: list[Any], new: list[Any], target: str) -> Iterator[Action]:
    """Yield the actions on the items of an array; none if an item that is not an object differs."""
    pairs = enumerate(zip(old, new, strict=True))
    changed = [(index, before, after) for index, (before, after) in pairs if not is_same_json(before, after)]
    if all(isinstance(before, dict) and isinstance(after, dict) for _, before, after in changed):
        for index, before, after in changed:
            yield from overlay_actions(before, after, f"{target}[{index}]")


def _removal_actions(old: list[Any], new: list[Any], target: str) -> Iterator[Action]:
    """Yield the actions that remove strings from an array by value; none if more than that changed."""
    removed = [value for value in old if value not in new]
    if all(isinstance(value, str) for value in old) and [value for value in old if value in new] == new:
        for value in dict.fromkeys(removed):
            yield {"target": f"{target}[?@ == {quoted(value)}]", "remove": True}


def path_segment(key: str) -> str:
    """Return a key as a segment of a JSONPath (RFC 9535, 2.3.1): `.name` or `['name']`."""
    if PLAIN.fullmatch(key):
        return f".{key}"
    return f"[{quoted(key)}]"


def quoted(text: str) -> str:
    """Return a text as a string in a JSONPath."""
    if _SIMPLE.fullmatch(text):
        return f"'{text}'"
    return json.dumps(text)


def is_same_json(first: Any, second: Any) -> bool:
    """Return whether two values have the same JSON text with sorted keys: `true` is not 1, and 1 is not 1.0."""
    return json.dumps(first, sort_keys=True) == json.dumps(second, sort_keys=True)
