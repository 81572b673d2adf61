"""The parts of a document that each operation consists of: its own, those of its path, and all that it refers to."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple, TypeAlias

from pytest_bctrl.contract.document import INLINED, SAMPLES, UNREAD, escape_token, unescape_token, value_at
from pytest_bctrl.contract.outline import EXCLUDED, METHODS
from pytest_bctrl.contract.references import Addresses, keyword_objects

_SECTIONS = frozenset({"paths", "webhooks", "components"})
_DATA = frozenset({INLINED, SAMPLES, UNREAD})
"""Extensions without schemas; of another extension, only the parts are retained that references lead to."""


_Tree: TypeAlias = "dict[str | None, _Tree]"


class Reference(NamedTuple):
    """A `$ref`: the pointer of the object that has it, its text, and the pointer of its target, if it has one."""

    pointer: str
    text: str
    target: str | None


class _OperationPart(NamedTuple):
    """An operation: its pointer, label, the parts that it shares with others of its path, and the path's references."""

    pointer: str
    label: str
    shared: list[str]
    trail: list[str]


class Reach:
    """The operations of a document, and the pointers of the parts that each of them consists of."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document
        self._addresses = Addresses(document)
        self.references = sorted(self._find_references())
        self._pointers = [reference.pointer for reference in self.references]
        self._targets: dict[str, frozenset[str]] = {}
        self._parts: dict[str, frozenset[str]] = {}

    def _find_references(self) -> Iterator[Reference]:
        """Yield the references of the document, and those in the mappings of discriminators."""
        for value, pointer, base, _ in keyword_objects(self.document):
            text = value.get("$ref")
            if isinstance(text, str):
                yield Reference(pointer, text, self._existing_pointer(self._addresses.pointer(text, base)))
            elif "propertyName" in value and isinstance(value.get("mapping"), dict):
                for target in map(str, value["mapping"].values()):
                    component = f"/components/schemas/{escape_token(target)}"
                    existing = self._existing_pointer(component) or self._existing_pointer(
                        self._addresses.pointer(target, base)
                    )
                    if existing:
                        yield Reference(pointer, target, existing)

    def _existing_pointer(self, pointer: str | None) -> str | None:
        """Return the pointer if there is a value at it, else None."""
        if pointer is None or not (pointer == "" or pointer.startswith("/")):
            return None
        try:
            value_at(self.document, pointer)
        except (LookupError, TypeError, ValueError):
            return None
        return pointer

    @cached_property
    def operations(self) -> dict[str, list[str]]:
        """The labels of each operation by its pointer; a path whose item cannot be read counts as an operation.

        An operation of a path item that several paths refer to has several labels.
        """
        labels: dict[str, list[str]] = {}
        for pointer, label, _, _ in self._operations:
            labels.setdefault(pointer, []).append(label)
        return labels

    @cached_property
    def _operations(self) -> list[_OperationPart]:
        """The operations of the document with the parts that each shares with its path."""
        return [*self._find_operations()]

    def _find_operations(self) -> Iterator[_OperationPart]:
        """Yield the operations of all paths and webhooks."""
        for section, is_webhook in (("paths", False), ("webhooks", True)):
            items = self.document.get(section)
            if not isinstance(items, Mapping):
                continue
            for name, item in items.items():
                if name.startswith("x-") and not is_webhook:
                    continue
                label = f"webhook {name}" if is_webhook else name
                yield from self._operations_of(item, f"/{section}/{escape_token(name)}", label)

    def _operations_of(self, item: Any, pointer: str, name: str) -> Iterator[_OperationPart]:
        """Yield the operations of a path item, its reference followed; the path itself if the item cannot be read."""
        path, trail = pointer, list[str]()
        while isinstance(item, Mapping) and isinstance(item.get("$ref"), str) and pointer not in trail:
            trail.append(pointer)
            target = self._addresses.pointer(item["$ref"], self._addresses.base(pointer))
            pointer = self._existing_pointer(target) or ""
            item = value_at(self.document, pointer) if pointer else None
        if not isinstance(item, Mapping) or pointer in trail:
            yield _OperationPart(path, name, [], [])
            return
        shared = [f"{pointer}/{key}" for key in ("parameters", "servers") if key in item]
        methods = [(method.upper(), f"{pointer}/{method}") for method in METHODS if method in item]
        additional = item.get("additionalOperations")
        if isinstance(additional, Mapping):
            parent = f"{pointer}/additionalOperations"
            methods += [(method, f"{parent}/{escape_token(method)}") for method in additional]
        for method, at in methods:
            yield _OperationPart(at, f"{method} {name}", shared, trail)

    def parts(self, operation: str) -> frozenset[str]:
        """Return the pointers of the parts that an operation, given by its pointer, consists of."""
        if operation not in self._parts:
            roots = [operation, *self._security_pointers(operation)]
            trails: set[str] = set()
            for pointer, _, shared, trail in self._operations:
                if pointer == operation:
                    roots += shared
                    trails.update(trail)
            self._parts[operation] = self.reachable(roots) | trails
        return self._parts[operation]

    def reachable(self, pointers: Iterable[str]) -> frozenset[str]:
        """Return pointers, and those of all parts that references at or below them lead to."""
        pending, parts = [*pointers], set[str]()
        while pending:
            pointer = pending.pop()
            if pointer not in parts:
                parts.add(pointer)
                pending += self._targets_below(pointer)
        return frozenset(parts)

    def _targets_below(self, pointer: str) -> frozenset[str]:
        """Return the targets of the references at or below a pointer."""
        if pointer not in self._targets:
            start, end = bisect_left(self._pointers, f"{pointer}/"), bisect_left(self._pointers, f"{pointer}0")
            first = bisect_left(self._pointers, pointer)
            references = self.references[start:end]
            while first < len(self._pointers) and self._pointers[first] == pointer:
                references.append(self.references[first])
                first += 1
            self._targets[pointer] = frozenset(
                reference.target for reference in references if reference.target is not None
            )
        return self._targets[pointer]

    def _security_pointers(self, operation: str) -> Iterator[str]:
        """Yield the pointers of the security schemes that an operation names, and of `security` if it is inherited."""
        value = value_at(self.document, operation)
        requirements = value.get("security") if isinstance(value, Mapping) else None
        if requirements is None:
            requirements = self.document.get("security")
            yield "/security"
        if isinstance(requirements, list):
            for requirement in requirements:
                for name in requirement if isinstance(requirement, Mapping) else ():
                    yield f"/components/securitySchemes/{escape_token(name)}"

    def affects(self, operation: str, pointer: str) -> bool:
        """Return whether the value at a pointer is within a part of an operation or contains it; never for `/paths`."""
        if operation.startswith(f"{pointer}/") and pointer.count("/") > 1:
            return True
        parts = self.parts(operation)
        while pointer and pointer not in parts:
            pointer = pointer.rpartition("/")[0]
        return pointer != ""

    def only(self, operations: Collection[str]) -> dict[str, Any]:
        """Return the document with these operations and the parts that they refer to; others may remain, but marked.

        Another operation is marked as excluded if these refer to a part of it.
        """
        tree = _key_tree(part for operation in operations for part in self.parts(operation))
        retained: dict[str, Any] = {}
        for key, value in self.document.items():
            if key in tree:
                retained[key] = _with_only_keys(value, tree[key])
            elif key not in _SECTIONS and (key in _DATA or not key.startswith("x-")):
                retained[key] = value
        retained.setdefault("paths", {})
        for operation in self.operations.keys() - {*operations}:
            self._mark_excluded(retained, operation)
        return retained

    def with_values_replaced(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the document with the values at their pointers replaced; None removes the member.

        Parts of a removed operation remain if other operations refer to them.
        """
        removed = {pointer for pointer, value in values.items() if value is None and pointer in self.operations}
        retained = {part for operation in self.operations.keys() - removed for part in self.parts(operation)}
        document = dict(self.document)
        for pointer, value in values.items():
            tree = _key_tree(part for part in retained if part.startswith(f"{pointer}/"))
            if value is None and tree:
                for token in pointer.split("/")[1:]:
                    tree = tree[unescape_token(token)]
                value = {**_with_only_keys(value_at(self.document, pointer), tree), EXCLUDED: True}
            document = _with_value_at(document, [unescape_token(token) for token in pointer.split("/")[1:]], value)
        return document

    def _mark_excluded(self, document: Mapping[str, Any], operation: str) -> None:
        """Mark an operation as excluded if a reduced document has it, but not all of it."""
        try:
            value = value_at(document, operation)
        except LookupError:
            return
        if value is not value_at(self.document, operation):
            value[EXCLUDED] = True


def _key_tree(pointers: Iterable[str]) -> _Tree:
    """Return a tree of the keys on the way to pointers; None is a key where a pointer ends."""
    tree: _Tree = {}
    for pointer in pointers:
        branch = tree
        for token in pointer.split("/")[1:]:
            branch = branch.setdefault(unescape_token(token), {})
        branch[None] = {}
    return tree


def _with_only_keys(value: Any, tree: _Tree) -> Any:
    """Return a value with only the parts that a tree of keys leads to; an item of a list keeps its index.

    A value of a type that cannot have these parts, such as a list of security schemes, is returned as it is.
    """
    if None in tree:
        return value
    if isinstance(value, Mapping):
        return {key: _with_only_keys(inner, tree[key]) for key, inner in value.items() if key in tree}
    if not isinstance(value, list) or not tree.keys() <= set(map(str, range(len(value)))):
        return value
    last = max(int(index) for index in tree if index)
    return [
        _with_only_keys(value[index], tree[str(index)]) if str(index) in tree else True for index in range(last + 1)
    ]


def _with_value_at(document: Mapping[str, Any], keys: Sequence[str], value: Any) -> dict[str, Any]:
    """Return a copy of a document with the value at a path of keys replaced; None removes the member."""
    key, *inner = keys
    copy = dict(document)
    if inner:
        copy[key] = _with_value_at(copy[key], inner, value)
    elif value is None:
        copy.pop(key, None)
    else:
        copy[key] = value
    return copy
