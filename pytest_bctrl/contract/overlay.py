"""Applies an OpenAPI Overlay 1.0 or 1.1 document (https://spec.openapis.org/overlay/v1.1.0.html), and writes one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pytest_bctrl.contract.schema.locations import PLAIN, Path
from pytest_bctrl.errors import DocumentError

_VERSIONS = ("1.0", "1.1")


def apply(
    overlay: Mapping[str, Any],
    document: Mapping[str, Any],
    name: str,
    refused: list[DocumentError] | None = None,
) -> dict[str, Any]:
    """Return a copy of `document` with the overlay's actions applied in order.

    The specification lets an action that selects nothing pass; here it is a `DocumentError` that names the
    action, because an overlay that no longer applies would silently weaken the contract. `name` is what
    errors call the overlay. With a list of `refused` errors, an action that does not apply is left out and its error
    added to the list.
    """
    version = str(overlay.get("overlay", "")) if isinstance(overlay, Mapping) else ""
    if ".".join(version.split(".")[:2]) not in _VERSIONS:
        raise DocumentError(
            f"it is an OpenAPI Overlay {version}" if version else "it is not an OpenAPI Overlay document",
            where=name,
            hint=f"it should begin with 'overlay: 1.0.0'; {' and '.join(_VERSIONS)} are read",
        )
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


def select_nodes(expression: str, document: Any) -> dict[Path, Any]:
    """Return what a JSONPath (RFC 9535) selects, by its location, each node once and in document order.

    Raises `DocumentError` for what is not a JSONPath.
    """
    # Imported where an overlay is applied, which few runs do.
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
    """A copy of JSON data in which no two places share a value, as an alias in YAML makes them."""
    if isinstance(value, Mapping):
        return {key: unshared_copy(member) for key, member in value.items()}
    return [unshared_copy(item) for item in value] if isinstance(value, list) else value


def _apply_action(action: Mapping[str, Any], document: dict[str, Any], where: str, *, is_1_0: bool) -> None:
    # A nodelist may name a node twice (RFC 9535, 2.1.2); an action applies to it once.
    matches = select_nodes(action["target"], document)
    if not matches:
        raise DocumentError(
            "the action selects nothing in the document, so the overlay no longer applies",
            where=where,
            hint="change or remove the action in the overlay, then run: pytest-bctrl contract build",
        )
    if action.get("remove") is True:
        for location in reversed(matches):
            del _parent(document, location, where)[location[-1]]
        return
    if ("update" in action) + ("copy" in action and not is_1_0) != 1:
        raise DocumentError(
            "the action needs one of 'update', 'remove: true' and, in Overlay 1.1, 'copy'",
            where=where,
            hint="give it one",
        )
    update = action["update"] if "update" in action else _copied(action["copy"], document, where)
    if len({_kind(value) for value in matches.values()}) > 1 and not is_1_0:
        raise DocumentError(
            "the target selects objects, arrays or single values at once", where=where, hint="write an action for each"
        )
    for location, value in matches.items():
        _update(document, location, value, update, where, is_1_0=is_1_0)


def _copied(expression: Any, document: dict[str, Any], where: str) -> Any:
    found = list(select_nodes(str(expression), document).values())
    if len(found) != 1:
        raise DocumentError(f"'copy' selects {len(found)} nodes", where=where, hint="let it select one")
    return unshared_copy(found[0])


def _kind(value: Any) -> str:
    return "object" if isinstance(value, Mapping) else "array" if isinstance(value, list) else "single"


def _update(document: dict[str, Any], location: Path, value: Any, update: Any, where: str, *, is_1_0: bool) -> None:
    """Change one node; Overlay 1.1 concatenates arrays, replaces single values, and takes no other mixture."""
    place = f"{where}, at {'/'.join(map(str, location)) or 'the root'}"
    if isinstance(value, list):
        value.extend(unshared_copy(update) if isinstance(update, list) and not is_1_0 else [unshared_copy(update)])
    elif isinstance(value, dict) and isinstance(update, Mapping):
        merge(value, update, "" if is_1_0 else place)
    elif location and {_kind(value), _kind(update)} == {"single"} and not is_1_0:
        _parent(document, location, where)[location[-1]] = update
    else:
        raise _mixture(value, update, place)


def _mixture(value: Any, update: Any, place: str) -> DocumentError:
    return DocumentError(
        f"the target is {type(value).__name__}, the update {type(update).__name__}: they cannot be merged",
        where=place,
        hint="an update is an object merged into an object, anything added to an array, or (1.1) a value for a value",
    )


def merge(target: dict[str, Any], update: Mapping[str, Any], strict: str = "") -> None:
    """Merge `update` into `target` in place: objects key by key, arrays end to end, anything else replaced.

    With `strict`, the name of the place, an object, an array and a single value are not put in each other's place.
    """
    for key, value in update.items():
        current = target.get(key)
        if isinstance(current, dict) and isinstance(value, Mapping):
            merge(current, value, strict and f"{strict}/{key}")
        elif isinstance(current, list) and isinstance(value, list):
            current.extend(unshared_copy(value))
        elif strict and key in target and {_kind(current), _kind(value)} != {"single"}:
            raise _mixture(current, value, f"{strict}/{key}")
        else:
            target[key] = unshared_copy(value)


def _parent(document: Any, location: Path, where: str) -> Any:
    if not location:
        raise DocumentError("the document itself cannot be removed", where=where, hint="name a part of it")
    for key in location[:-1]:
        document = document[key]
    return document


_SIMPLE = re.compile(r"[^'\\\x00-\x1f\x7f]*")

Action = dict[str, Any]


def actions(old: Mapping[str, Any], new: Mapping[str, Any], target: str = "$") -> Iterator[Action]:
    """Yield the actions that make `new` of `old`, both JSON objects, as few and as narrow as an overlay can say.

    What goes is removed, what is added to the end of an array is appended; anything else is merged into its object.
    """
    later: list[Action] = []
    update: dict[str, Any] = {}
    for key, value in old.items():
        at = target + segment(key)
        if key not in new:
            yield {"target": at, "remove": True}
        elif not is_same_json(value, new[key]):
            inner = list(_inside(value, new[key], at))
            if inner:
                later += inner
                continue
            if isinstance(value, dict | list):
                # A merge would keep what is to go.
                yield {"target": at, "remove": True}
            update[key] = new[key]
    update |= {key: value for key, value in new.items() if key not in old}
    if update:
        yield {"target": target, "update": update}
    yield from later


def _inside(old: Any, new: Any, target: str) -> Iterator[Action]:
    """The actions inside a value that stays what it is; none where it has to be replaced."""
    if isinstance(old, dict) and isinstance(new, dict):
        yield from actions(old, new, target)
    elif isinstance(old, list) and isinstance(new, list):
        if len(new) > len(old) and is_same_json(new[: len(old)], old):
            yield from ({"target": target, "update": value} for value in new[len(old) :])
        elif len(new) == len(old):
            yield from _items(old, new, target)
        else:
            yield from _without(old, new, target)


def _items(old: list[Any], new: list[Any], target: str) -> Iterator[Action]:
    """The actions inside the items of an array, where all that differ are objects."""
    pairs = [
        (index, one, other)
        for index, (one, other) in enumerate(zip(old, new, strict=True))
        if not is_same_json(one, other)
    ]
    if all(isinstance(one, dict) and isinstance(other, dict) for _, one, other in pairs):
        for index, one, other in pairs:
            yield from actions(one, other, f"{target}[{index}]")


def _without(old: list[Any], new: list[Any], target: str) -> Iterator[Action]:
    """The actions that take texts out of an array, each by its value, whatever its place will be."""
    gone = [value for value in old if value not in new]
    if all(isinstance(value, str) for value in old) and [value for value in old if value in new] == new:
        yield from ({"target": f"{target}[?@ == {_quoted(value)}]", "remove": True} for value in dict.fromkeys(gone))


def segment(key: str) -> str:
    """A key as a segment of a JSONPath (RFC 9535, 2.3.1)."""
    return f".{key}" if PLAIN.fullmatch(key) else f"[{_quoted(key)}]"


def _quoted(text: str) -> str:
    return f"'{text}'" if _SIMPLE.fullmatch(text) else json.dumps(text)


def is_same_json(one: Any, other: Any) -> bool:
    """Equality as JSON has it: true is not 1."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
