"""Where two documents differ, determined without the gate."""

from __future__ import annotations

from typing import Any

from pytest_bctrl.contract.document import escape_token
from pytest_bctrl.contract.spec import value_key


def changed_pointers(old: Any, new: Any, old_at: str = "", new_at: str = "") -> tuple[str, str]:
    """Return the pointers, into both documents, of the smallest values that contain all that differs.

    For a value that one document lacks, the pointer into the other is that of the object or list which would have it.
    Two keys of which each document has one are a renamed key.
    """
    if isinstance(old, dict) and isinstance(new, dict):
        changed = [key for key in {**old, **new} if not _is_equal_member(old, new, key)]
        removed, added = [key for key in changed if key not in new], [key for key in changed if key not in old]
        if len(changed) == 1 and not removed and not added:
            token = escape_token(changed[0])
            return changed_pointers(old[changed[0]], new[changed[0]], f"{old_at}/{token}", f"{new_at}/{token}")
        if len(removed) <= 1 and len(added) <= 1 and len(removed) + len(added) == len(changed):
            return "/".join([old_at, *map(escape_token, removed)]), "/".join([new_at, *map(escape_token, added)])
    elif isinstance(old, list) and isinstance(new, list):
        start = _equal_items(old, new)
        end = _equal_items(old[start:][::-1], new[start:][::-1])
        removed_items, added_items = old[start : len(old) - end], new[start : len(new) - end]
        if len(removed_items) == len(added_items) == 1:
            return changed_pointers(removed_items[0], added_items[0], f"{old_at}/{start}", f"{new_at}/{start}")
        if len(removed_items) + len(added_items) == 1:
            return f"{old_at}/{start}" if removed_items else old_at, f"{new_at}/{start}" if added_items else new_at
    return old_at, new_at


def is_inside(pointer: str, container: str) -> bool:
    """Return whether a pointer is another one, or leads further from there."""
    return pointer == container or pointer.startswith(f"{container}/")


def _is_equal_member(old: dict[str, Any], new: dict[str, Any], key: str) -> bool:
    """Return whether both objects have a member under a key, with equal values."""
    return key in old and key in new and value_key(old[key]) == value_key(new[key])


def _equal_items(old: list[Any], new: list[Any]) -> int:
    """Return how many items at the start of two lists are equal."""
    count = 0
    for before, after in zip(old, new, strict=False):
        if value_key(before) != value_key(after):
            break
        count += 1
    return count
