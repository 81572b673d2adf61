"""The exact pointers of what changed, which reports show.

Fingerprints depend on the pointers of the keyword or object with the change instead: exact pointers may contain indices
of lists, which change when an item is added before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_bctrl.contract.document import escape_token, unescape_token
from pytest_bctrl.contract.outline import value_key
from pytest_bctrl.drift.node import BESIDE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_bctrl.drift.node import Node, Schema

_SPELLED = {"enum": "const"}
"""Keywords that are compared as another one."""


def exact_pointer(document: Any, pointer: str, *keys: Any) -> str:
    """Return the pointer of what the keys lead to from a pointer, or of the last value on the way that exists.

    A key of a list is an item of it.
    """
    reached, value = "", document
    for token in pointer.split("/")[1:]:
        key: Any = unescape_token(token)
        if isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            key = int(key)
        elif not isinstance(value, dict) or key not in value:
            return reached
        reached, value = f"{reached}/{token}", value[key]
    for key in keys:
        if isinstance(value, dict) and key in value:
            reached, value = f"{reached}/{escape_token(key)}", value[key]
            continue
        index = _index(value, key)
        if index is None:
            break
        reached, value = f"{reached}/{index}", value[index]
    return reached


def _index(items: Any, item: Any) -> int | None:
    """Return the index of an item in a list; None if it is not in there, or for another value."""
    if not isinstance(items, list):
        return None
    wanted = value_key(item)
    return next((index for index, other in enumerate(items) if value_key(other) == wanted), None)


def keyword_pointer(node: Node, keyword: str, value: Any, *keys: Any) -> str:
    """Return the exact pointer of a keyword with a value, or of what `keys` lead to from the keyword.

    A schema may have the keyword in several parts, as with `allOf`. Where no part has the value or the first key, it is
    the pointer of the first one.
    """
    document = node.normal.spec.root.value
    first = ""
    for written, pointer in _written_values(node, keyword):
        first = first or pointer
        if keys:
            has_value = isinstance(written, dict) and keys[0] in written
            has_value = has_value or _index(written, keys[0]) is not None
        else:
            has_value = value_key(written) == value_key(value)
        if has_value:
            return exact_pointer(document, pointer, *keys)
    return first or exact_pointer(document, node.at(keyword))


def _written_values(node: Node, keyword: str) -> Iterator[tuple[Any, str]]:
    """Yield each value of a keyword in the parts of a schema, with its pointer."""
    for name in filter(None, (keyword, _SPELLED.get(keyword))):
        for part in node.parts:
            if isinstance(part.schema, dict) and name in part.schema:
                yield part.schema[name], f"{part.pointer.partition(BESIDE)[0]}/{escape_token(name)}"


def null_pointer(node: Node) -> str:
    """Return the exact pointer of what allows null: `nullable`, or an item of `type`; else of the type."""
    for written, pointer in _written_values(node, "nullable"):
        if written is True:
            return pointer
    return keyword_pointer(node, "type", None, "null")


def branch_pointer(node: Node, keyword: str, branch: Schema | None) -> str:
    """Return the exact pointer of an alternative; of the keyword if there is none, or if it is written elsewhere."""
    document, container = node.normal.spec.root.value, node.at(keyword)
    if branch:
        pointer = branch[0].pointer.partition(BESIDE)[0]
        if pointer.startswith(f"{container}/"):
            return exact_pointer(document, pointer)
    return exact_pointer(document, container)
