"""The exact pointers of what changed, which reports show.

Fingerprints depend on the pointers of the keyword or object with the change instead: exact pointers may contain indices
of lists, which change when an item is added before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_bctrl.contract.document import escape_token, unescape_token
from pytest_bctrl.contract.spec import Part, value_key
from pytest_bctrl.drift.node import BESIDE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_bctrl.contract.spec import Spec
    from pytest_bctrl.drift.node import Node, Schema

_SPELLED = {"enum": "const"}
"""Keywords that are compared as another one."""


def exact_pointer(spec: Spec, pointer: str, *keys: Any) -> str:
    """Return the pointer of what the keys lead to from a pointer, or of the last value on the way that exists.

    A key of a list is an item of it.
    """
    reached = spec.root
    for token in pointer.split("/")[1:]:
        member = _item_at(reached, token) or _member(reached, unescape_token(token))
        if member is None:
            return reached.pointer
        reached = member
    for key in keys:
        member = _item(spec, reached, key) or _member(reached, key)
        if member is None:
            break
        reached = member
    return reached.pointer


def _member(container: Part, key: Any) -> Part | None:
    """Return the member of an object under a key; None if it has none, or for another value."""
    if isinstance(container.value, dict) and isinstance(key, str) and key in container.value:
        return container / key
    return None


def _item_at(container: Part, token: str) -> Part | None:
    """Return the item of a list at an index, which is the token of a pointer; None if there is none."""
    items = container.value
    if isinstance(items, list) and token.isdecimal() and int(token) < len(items):
        return Part(items[int(token)], f"{container.pointer}/{token}")
    return None


def _item(spec: Spec, container: Part, item: Any) -> Part | None:
    """Return the first item of a list that equals a value; None if there is none, or for another value."""
    if not isinstance(container.value, list):
        return None
    index = spec.item_index(container, item)
    if index is None:
        return None
    return Part(container.value[index], f"{container.pointer}/{index}")


def keyword_pointer(node: Node, at: str, keyword: str, value: Any, *keys: Any) -> str:
    """Return the exact pointer of a keyword with a value, or of what `keys` lead to from the keyword.

    A schema may have the keyword in several parts, as with `allOf`. Where no part has the value or the first key, it is
    the pointer of the first one; without any, it is `at`.
    """
    spec, written = node.normal.spec, list(_written(node, keyword))
    for part in written:
        if keys:
            has_value = _item(spec, part, keys[0]) is not None or _member(part, keys[0]) is not None
        else:
            has_value = value_key(part.value) == value_key(value)
        if has_value:
            return exact_pointer(spec, part.pointer, *keys)
    if written:
        return written[0].pointer
    return exact_pointer(spec, at)


def _written(node: Node, keyword: str) -> Iterator[Part]:
    """Yield the values of a keyword in the parts of a schema."""
    for name in filter(None, (keyword, _SPELLED.get(keyword))):
        for part in node.parts:
            if isinstance(part.schema, dict) and name in part.schema:
                yield Part(part.schema[name], f"{part.pointer.partition(BESIDE)[0]}/{escape_token(name)}")


def null_pointer(node: Node) -> str:
    """Return the exact pointer of what allows null: `nullable`, or an item of `type`; else of the type."""
    for part in _written(node, "nullable"):
        if part.value is True:
            return part.pointer
    return keyword_pointer(node, node.at("type"), "type", None, "null")


def branch_pointer(node: Node, keyword: str, branch: Schema | None) -> str:
    """Return the exact pointer of an alternative; of the keyword if there is none, or if it is written elsewhere."""
    spec, container = node.normal.spec, node.at(keyword)
    if branch:
        pointer = branch[0].pointer.partition(BESIDE)[0]
        if pointer.startswith(f"{container}/"):
            return exact_pointer(spec, pointer)
    return exact_pointer(spec, container)
