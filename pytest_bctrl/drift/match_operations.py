"""Matches the operations of two documents: by URL if the servers changed, else by path."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from pytest_bctrl.contract.outline import RawOperation
from pytest_bctrl.contract.spec import Spec
from pytest_bctrl.drift.compare_servers import operation_urls, own_servers, url_path


class Operations(NamedTuple):
    """Operations of two documents, matched."""

    both: list[tuple[RawOperation, RawOperation]]
    removed: list[RawOperation]
    added: list[RawOperation]


def match_operations(specs: tuple[Spec, Spec], old: list[RawOperation], new: list[RawOperation]) -> Operations:
    """Match operations by method and URL, by method and path, or by method and the path of the URL.

    The names of path parameters do not count unless a name is needed to tell two operations apart.
    """
    both: list[tuple[RawOperation, RawOperation]] = []
    removed, added = old, new
    for keys in (_paths_with_servers, operation_urls, _paths, _shapes, _url_paths):
        removed, added = _match_by_keys(specs, removed, added, keys, both)
    order = {id(operation): index for index, operation in enumerate(old)}
    return Operations(sorted(both, key=lambda pair: order[id(pair[0])]), removed, added)


def _match_by_keys(
    specs: tuple[Spec, Spec],
    old: list[RawOperation],
    new: list[RawOperation],
    keys: Callable[[Spec, RawOperation], list[str]],
    both: list[tuple[RawOperation, RawOperation]],
) -> tuple[list[RawOperation], list[RawOperation]]:
    """Return the operations of each side without one of the same method and key; adds the matched ones to `both`."""
    if not old or not new:
        return old, new
    removed: list[RawOperation] = []
    added = {id(operation): operation for operation in new}
    candidates: dict[tuple[str, str], list[RawOperation]] = {}
    for operation in new:
        for key in keys(specs[1], operation):
            candidates.setdefault((operation.method, key), []).append(operation)
    for operation in old:
        same = [
            candidate for key in keys(specs[0], operation) for candidate in candidates.get((operation.method, key), ())
        ]
        match = next((candidate for candidate in same if id(candidate) in added), None)
        if match is None:
            removed.append(operation)
        else:
            both.append((operation, added.pop(id(match))))
    return removed, list(added.values())


def _paths_with_servers(spec: Spec, operation: RawOperation) -> list[str]:
    """Return the path of an operation and its servers, as written."""
    return [repr((operation.path, (own_servers(operation) or spec.root / "servers").value))]


def _paths(_: Spec, operation: RawOperation) -> list[str]:
    """Return the path of an operation."""
    return [operation.path]


def _shapes(_: Spec, operation: RawOperation) -> list[str]:
    """Return the path of an operation without the names of its parameters."""
    return [operation.shape]


def _url_paths(spec: Spec, operation: RawOperation) -> list[str]:
    """Return the paths of the URLs of an operation."""
    return [url_path(url) for url in operation_urls(spec, operation)]
