"""The contract as requests see it.

Read-only properties are not required (OpenAPI 3.1, 4.8.24.5), and integers have the range of their format (`int32`,
`int64`), which servers cannot exceed and JSON Schema does not define.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any

from pytest_bctrl.contract.engine import accepts
from pytest_bctrl.contract.model import Contract, Operation, Schema
from pytest_bctrl.contract.read import from_validated
from pytest_bctrl.contract.references import Change, keyword_objects, rewrite_objects
from pytest_bctrl.contract.schema.locations import Path
from pytest_bctrl.contract.schema.ref import named_types
from pytest_bctrl.contract.schema.shapes import located_values
from pytest_bctrl.contract.schema_document import resolve_pointer
from pytest_bctrl.errors import DocumentError

_NEGATED = re.compile(r"/(?:not|if)(?:/|$)")
_ALL_OF = re.compile(r"(.*)/allOf/\d+")


@lru_cache(maxsize=8)
def request_contract(contract: Contract) -> Contract:
    """Return the contract whose schemas apply to requests; the contract itself if none differs.

    Each `required` loses the properties that its schema, or one that applies with it, marks as `readOnly`. Integers
    have the range of their format.
    """
    objects = {pointer: value for value, pointer, _, _ in keyword_objects(contract.document)}
    changes: dict[str, Change] = {}
    for pointer, value in objects.items():
        if _NEGATED.search(pointer):
            continue
        required = value.get("required")
        if isinstance(required, list):
            names = set(_read_only_names(contract, value)) | set(_inherited_names(contract, objects, pointer))
            remaining = [name for name in required if name not in names]
            if len(remaining) < len(required):
                changes[pointer] = partial(_with_required, remaining)
        bits = _BITS.get(str(value.get("format")))
        if bits is not None and {*named_types(value)} <= {"integer", "number", "null"}:
            changes[pointer] = partial(_with_range, 2 ** (bits - 1))
    if not changes:
        return contract
    document, source = (rewrite_objects(data, changes) for data in (contract.document, contract.source))
    return from_validated(document, contract.name, source, contract.digest, origin=contract.origin)


_BITS = {"int32": 32, "int64": 64}


def operation_view(contract: Contract, operation: Operation) -> tuple[Contract, Operation]:
    """Return the contract as requests see it, and the operation with its schemas."""
    view = request_contract(contract)
    if view is contract:
        return contract, operation
    seen = view.operation(operation.label)
    schemas = {(parameter.in_, parameter.name): parameter.schema for parameter in seen.parameters}
    parameters = [
        replace(parameter, schema=schemas.get((parameter.in_, parameter.name), parameter.schema))
        for parameter in operation.parameters
    ]
    body = seen.request_body if operation.request_body is not None else None
    return view, replace(operation, parameters=tuple(parameters), request_body=body)


def _with_range(limit: int, schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema with its range narrowed to that of a sized integer: from `-limit` to `limit - 1`."""
    lowest, highest = schema.get("minimum", -limit), schema.get("maximum", limit - 1)
    return {**schema, "minimum": max(lowest, -limit), "maximum": min(highest, limit - 1)}


def _with_required(required: list[str], schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema with these names as its required properties."""
    return {**schema, "required": required}


def _read_only_names(contract: Contract, schema: Any, seen: tuple[int, ...] = ()) -> Iterator[str]:
    """Yield the read-only properties of a schema, of the schema that it refers to, and of its `allOf`."""
    if not isinstance(schema, Mapping) or id(schema) in seen:
        return
    seen = (*seen, id(schema))
    for name, inner in _as_mapping(schema.get("properties")).items():
        if _is_read_only(contract, inner):
            yield name
    for inner in _applied(contract, schema):
        yield from _read_only_names(contract, inner, seen)


def _inherited_names(contract: Contract, objects: Mapping[str, Any], pointer: str) -> Iterator[str]:
    """Yield the read-only properties of the schemas whose `allOf` contains the schema at a pointer."""
    while match := _ALL_OF.fullmatch(pointer):
        pointer = match[1]
        yield from _read_only_names(contract, objects.get(pointer))


def _is_read_only(contract: Contract, schema: Any, seen: tuple[int, ...] = ()) -> bool:
    """Return whether a schema or one of its branches is read-only."""
    if not isinstance(schema, Mapping) or id(schema) in seen:
        return False
    if schema.get("readOnly") is True:
        return True
    # A nullable schema of OpenAPI 3.0 is the first branch of an `anyOf`.
    branches = [*_applied(contract, schema), *_as_list(schema.get("anyOf"))]
    return any(_is_read_only(contract, inner, (*seen, id(schema))) for inner in branches)


def _applied(contract: Contract, schema: Mapping[str, Any]) -> list[Any]:
    """Return the schemas that always apply with a schema: the target of its reference and its `allOf`."""
    applied = _as_list(schema.get("allOf"))
    if isinstance(schema.get("$ref"), str):
        # A reference that leads nowhere makes its operation invalid, which others report.
        with suppress(DocumentError):
            applied.append(resolve_pointer(contract.document, schema["$ref"], contract.name))
    return applied


def _as_mapping(value: Any) -> Mapping[str, Any]:
    """Return a value if it is a mapping, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def _as_list(value: Any) -> list[Any]:
    """Return a list as a new list; empty for other values."""
    return list(value) if isinstance(value, list) else []


@lru_cache(maxsize=8)
def has_read_only(contract: Contract) -> bool:
    """Return whether the contract marks any property as `readOnly`."""
    return any(value.get("readOnly") is True for value, _, _, _ in keyword_objects(contract.document))


def read_only_paths(contract: Contract, schema: Schema, value: Any) -> list[Path]:
    """Return the paths of the read-only properties in a valid value, the outermost only."""
    if not has_read_only(contract) or not accepts(contract, schema, value):
        return []
    # A dictionary, because it keeps the order.
    paths: dict[Path, None] = {}
    for located in located_values(contract, schema, value):
        outer = (located.path[:length] for length in range(1, len(located.path)))
        if located.path and _is_read_only(contract, located.schema) and not any(path in paths for path in outer):
            paths[located.path] = None
    return list(paths)
