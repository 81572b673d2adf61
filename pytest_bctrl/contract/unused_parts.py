"""Leaves out parts of a document that cannot be used and that no operation needs: links, examples, repeated ids.

Nothing is validated against a link or an example, so one that cannot be read does not make its operation invalid.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from pytest_bctrl.contract.document import escape_token, unread_references
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.contract.references import Addresses, keyword_objects, rewrite_objects
from pytest_bctrl.contract.soundness import reference_target
from pytest_bctrl.contract.spec import json_kind
from pytest_bctrl.contract.valid_parts import DocumentProblem, Exclusion
from pytest_bctrl.errors import DocumentError

_NOUNS = {"examples": "example", "links": "link"}


def without_unreadable_samples(document: Mapping[str, Any], name: str) -> tuple[Mapping[str, Any], list[Exclusion]]:
    """Return a document without links and examples that cannot be read, and an exclusion for each of them."""
    excluded = list(_unreadable_samples(document, name))
    if not excluded:
        return document, []
    unreadable = {exclusion.part for exclusion in excluded}
    holders = {pointer.rpartition("/")[0] for pointer in unreadable}

    def readable_members(pointer: str, value: dict[str, Any]) -> dict[str, Any]:
        """Return an object without its unreadable members."""
        return {key: member for key, member in value.items() if f"{pointer}/{escape_token(key)}" not in unreadable}

    changes = {pointer: partial(readable_members, pointer) for pointer in holders}
    readable: Mapping[str, Any] = rewrite_objects(document, changes)
    return readable, excluded


def _unreadable_samples(document: Mapping[str, Any], name: str) -> Iterator[Exclusion]:
    """Yield an exclusion for each link and example that cannot be read."""
    resolved, unread = Addresses(document).with_local_references(), unread_references(document)
    for value, pointer, _, _ in keyword_objects(resolved):
        for keyword, noun in _NOUNS.items():
            samples, part = value.get(keyword), f"{pointer}/{keyword}"
            if isinstance(samples, Mapping):
                for key, sample in samples.items():
                    sample_pointer = f"{part}/{escape_token(key)}"
                    try:
                        _require_readable(resolved, sample, sample_pointer, name, unread)
                    except DocumentError as error:
                        problem = DocumentProblem.of(error, sample_pointer)
                        yield Exclusion(f"the {noun} {key!r}", sample_pointer, *problem)
            elif samples is not None and "schema" in value:
                # In a schema, which has no keyword `schema`, the examples are a list.
                problem = DocumentProblem(part, _expected_mapping_text(samples), _HINT)
                yield Exclusion(f"the map of {keyword}", part, *problem)


_HINT = "see the OpenAPI specification"


def _expected_mapping_text(value: Any) -> str:
    """Return the problem of a value that should be a mapping."""
    return f"a {json_kind(value)} is where a mapping belongs"


def _require_readable(
    document: Mapping[str, Any], sample: Any, pointer: str, name: str, unread: Mapping[str, tuple[str, str]]
) -> None:
    """Raise `DocumentError` unless a link or an example is a mapping, or a reference that leads to one."""
    followed: set[str] = set()
    while isinstance(sample, Mapping) and isinstance(sample.get("$ref"), str):
        reference = sample["$ref"]
        if reference in followed:
            raise DocumentError("the reference leads back to itself", where=name, hint="break the circle").at(pointer)
        followed.add(reference)
        sample = reference_target(document, reference, pointer, name, unread)
    if not isinstance(sample, Mapping):
        raise DocumentError(_expected_mapping_text(sample), where=name, hint=_HINT).at(pointer)


def repeated_ids(ids: Iterable[tuple[str, str, str]]) -> Iterator[Exclusion]:
    """Yield an exclusion of the `operationId` of each operation that repeats an earlier one's.

    `ids` has the label, the `operationId` and the pointer of each operation.
    """
    owners: dict[str, str] = {}
    for label, operation_id, pointer in ids:
        owner = owners.setdefault(operation_id, label)
        if operation_id and owner != label:
            part = f"{pointer}/operationId"
            problem = f"{operation_id!r} is the operationId of {owner} too"
            yield Exclusion(f"the operationId of {label}", part, part, problem, "make it unique")


def without_repeated_ids(contract: Contract) -> Contract:
    """Return a contract in which only the first operation with an `operationId` keeps it; `excluded` has the rest."""
    operations = contract.operations
    repeated = {
        exclusion.operation: exclusion
        for exclusion in repeated_ids(
            (operation.label, operation.operation_id, operation.pointer) for operation in operations
        )
    }
    if not repeated:
        return contract
    unique = (
        replace(operation, operation_id="") if f"the operationId of {operation.label}" in repeated else operation
        for operation in operations
    )
    return replace(contract, operations=tuple(unique), excluded=(*contract.excluded, *repeated.values()))
