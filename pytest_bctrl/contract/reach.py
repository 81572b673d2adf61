"""The parts of a document that each operation consists of: its own, those of its path, and all that it refers to."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple, TypeAlias

from pytest_bctrl.contract.document import EXCLUDED, INLINED, SAMPLES, UNREAD, escape_token, unescape_token, value_at
from pytest_bctrl.contract.outline import METHODS
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
    """The operations of a document, and the pointers of the parts that each of them consists of.

    `excluded` has the reason for each operation, response and request body that is excluded, by its pointer.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document
        self._addresses = Addresses(document)
        self.references = sorted(self._find_references())
        self._pointers = [reference.pointer for reference in self.references]
        self._targets: dict[str, frozenset[str]] = {}
        self._parts: dict[str, frozenset[str]] = {}
        self.excluded: dict[str, str] = {}

    def _find_references(self) -> Iterator[Reference]:
        """Yield the references of the document, and those in the mappings of discriminators."""
        for value, pointer, base, _ in keyword_objects(self.document):
            text = value.get("$ref")
            if isinstance(text, str):
                yield Reference(pointer, text, self.existing_pointer(self._addresses.pointer(text, base)))
            elif "propertyName" in value and isinstance(value.get("mapping"), dict):
                for target in map(str, value["mapping"].values()):
                    component = f"/components/schemas/{escape_token(target)}"
                    existing = self.existing_pointer(component) or self.existing_pointer(
                        self._addresses.pointer(target, base)
                    )
                    if existing:
                        yield Reference(pointer, target, existing)

    def existing_pointer(self, pointer: str | None) -> str | None:
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
            pointer = self.existing_pointer(target) or ""
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
        """Return the pointers of the parts that an operation, given by its pointer, consists of; none are excluded."""
        if operation not in self._parts:
            bodies = self._bodies(operation)
            roots = [body for body in bodies if body not in self.excluded]
            if roots == bodies:
                # Another operation may refer to the whole operation.
                roots = [operation]
            self._parts[operation] = self._parts_with(operation, roots)
        return self._parts[operation]

    def _parts_with(self, operation: str, included: Iterable[str]) -> frozenset[str]:
        """Return the parts of an operation, of its responses and the body of its request only the included ones."""
        value, bodies = value_at(self.document, operation), self._bodies(operation)
        members = value if isinstance(value, Mapping) else ()
        roots = [f"{operation}/{escape_token(key)}" for key in members]
        roots = [root for root in roots if not any(f"{body}/".startswith(f"{root}/") for body in bodies)]
        roots += [*included, *self._security_pointers(operation)]
        trails: set[str] = set()
        for pointer, _, shared, trail in self._operations:
            if pointer == operation:
                roots += shared
                trails.update(trail)
        return self.reachable(roots) | trails

    def _bodies(self, operation: str) -> list[str]:
        """Return the pointers of the request body and the responses of an operation."""
        value = value_at(self.document, operation)
        if not isinstance(value, Mapping):
            return []
        bodies = [f"{operation}/requestBody"] if "requestBody" in value else []
        responses = value.get("responses")
        if isinstance(responses, Mapping) and "$ref" not in responses:
            statuses = [str(status) for status in responses if not str(status).startswith("x-")]
            bodies += [f"{operation}/responses/{escape_token(status)}" for status in statuses]
        return bodies

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
        if f"{operation}/".startswith(f"{pointer}/") and pointer.count("/") > 1:
            return True
        return _is_within(pointer, self.parts(operation))

    def dependents(self, operation: str, pointer: str) -> list[str]:
        """Return what the value at a pointer affects of an operation: the responses and the body that consist of it.

        If any other part consists of it, that is the operation as a whole; empty if nothing does.
        """
        if not self.affects(operation, pointer):
            return []
        bodies = [body for body in self._bodies(operation) if _is_within(pointer, self.reachable([body]))]
        if not bodies or _is_within(pointer, self._parts_with(operation, ())):
            return [operation]
        return [body for body in bodies if body not in self.excluded]

    def labels(self, operation: str, part: str) -> list[str]:
        """Return the labels of an operation, or of a response or the body of its request."""
        labels = self.operations[operation]
        if part == operation:
            return labels
        keys = part.removeprefix(f"{operation}/").split("/")
        noun = f"the response {unescape_token(keys[1])}" if keys[1:] else "the request body"
        return [f"{noun} of {label}" for label in labels]

    def can_be_used(self, operation: str, excluded: Collection[str]) -> bool:
        """Return whether an operation is not among the excluded parts, nor are all of its responses."""
        responses = [body for body in self._bodies(operation) if body != f"{operation}/requestBody"]
        return operation not in excluded and (not responses or not {*responses} <= {*excluded})

    def exclude(self, operation: str, part: str, reason: str) -> None:
        """Exclude an operation for a reason, or only its part: a response, or the body of the request."""
        self.excluded[part] = reason
        self._parts.pop(operation, None)

    def only(self, operations: Collection[str]) -> dict[str, Any]:
        """Return the document with these operations and the parts that they refer to; others may remain, but marked.

        Another operation is marked as excluded if these refer to a part of it, and an excluded body in any case.
        """
        tree = _key_tree(part for operation in operations for part in self.parts(operation))
        bodies = [body for operation in operations for body in self._bodies(operation) if body in self.excluded]
        for body in bodies:
            _branch(tree, body)
        retained: dict[str, Any] = {}
        for key, value in self.document.items():
            if key in tree:
                retained[key] = _with_only_keys(value, tree[key])
            elif key not in _SECTIONS and (key in _DATA or not key.startswith("x-")):
                retained[key] = value
        retained.setdefault("paths", {})
        for operation in self.operations.keys() - {*operations}:
            self._mark_excluded(retained, operation)
        for body in bodies:
            value = value_at(retained, body)
            mark = {EXCLUDED: self.excluded[body]}
            retained = _with_value_at(retained, _keys(body), {**value, **mark} if isinstance(value, Mapping) else mark)
        return retained

    def with_values_replaced(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the document with the values at their pointers replaced; None removes the member.

        Parts of a removed operation, or of an excluded body, remain if other operations refer to them.
        """
        removed = {pointer for pointer in values if pointer in self.operations}
        retained = set[str]()
        for operation in self.operations.keys() - removed:
            for body in values.keys() & {*self._bodies(operation)}:
                self.exclude(operation, body, values[body][EXCLUDED])
            retained |= self.parts(operation)
        document = dict(self.document)
        for pointer, value in values.items():
            if any(pointer.startswith(f"{operation}/") for operation in removed):
                continue
            tree = _key_tree(part for part in retained if part.startswith(f"{pointer}/"))
            if tree and (value is None or EXCLUDED in value):
                retained_value = _with_only_keys(value_at(self.document, pointer), _branch(tree, pointer))
                value = {**retained_value, EXCLUDED: True, **(value or {})}
            document = _with_value_at(document, _keys(pointer), value)
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
        _branch(tree, pointer)[None] = {}
    return tree


def _branch(tree: _Tree, pointer: str) -> _Tree:
    """Return the part of a tree of keys at a pointer, which is added if it is missing."""
    for key in _keys(pointer):
        tree = tree.setdefault(key, {})
    return tree


def _keys(pointer: str) -> list[str]:
    """Return the keys that lead from the root of a document to a pointer."""
    return [unescape_token(token) for token in pointer.split("/")[1:]]


def _is_within(pointer: str, parts: Collection[str]) -> bool:
    """Return whether a pointer is one of some parts, or below one."""
    while pointer and pointer not in parts:
        pointer = pointer.rpartition("/")[0]
    return pointer != ""


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
    last = max((int(index) for index in tree if index), default=-1)
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
