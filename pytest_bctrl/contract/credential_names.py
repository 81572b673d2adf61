"""The names under which a contract documents credentials, in addition to the conventional ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from pytest_bctrl.contract.model import Contract, Operation
from pytest_bctrl.contract.reach import Reach
from pytest_bctrl.contract.references import keyword_objects
from pytest_bctrl.contract.schema_document import resolve_pointer
from pytest_bctrl.errors import BctrlError
from pytest_bctrl.secrets.credentials import Credentials, redacted


class _DocumentedName(NamedTuple):
    """A name whose values are credentials, and the pointer of the object that documents it."""

    name: str
    pointer: str
    is_property: bool


def credentials_for(
    contract: Contract, operation: Operation | None = None, replace: Callable[[str], str] = redacted
) -> Credentials:
    """Return what finds and replaces the credentials in exchanges of an operation; each call returns a new one.

    Of a request to no operation, only the conventional names and those of security schemes are known.
    """
    fields, properties = _names(contract, operation.label if operation else "")
    return Credentials(fields, properties, replace)


@lru_cache(maxsize=1024)
def _names(contract: Contract, label: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return the names of fields (of header, query, cookie and path), and those of properties, for an operation.

    They are those of API keys, of passwords (`format: password`), and of write-only texts.
    """
    alternatives = [alternative for operation in contract.operations for alternative in operation.security]
    alternatives += [(operation.assumed,) for operation in contract.operations if operation.assumed]
    fields = {scheme.field for alternative in alternatives for scheme in alternative if scheme.field}
    documented = _documented_names(contract)
    if not documented or not label:
        return frozenset(fields), frozenset()
    reach = _reach(contract)
    pointers = [pointer for pointer, labels in reach.operations.items() if label in labels]
    names = [entry for entry in documented if any(reach.affects(pointer, entry.pointer) for pointer in pointers)]
    fields |= {entry.name for entry in names if not entry.is_property}
    return frozenset(fields), frozenset(entry.name for entry in names if entry.is_property)


@lru_cache(maxsize=8)
def _reach(contract: Contract) -> Reach:
    """Return the parts of the operations of a contract."""
    return Reach(contract.document)


@lru_cache(maxsize=8)
def _documented_names(contract: Contract) -> list[_DocumentedName]:
    """Return the names of passwords and write-only texts in a contract."""
    return [entry for entry, schema in _named_schemas(contract) if _is_credential(_resolved(contract, schema))]


def _is_credential(schema: Mapping[str, Any]) -> bool:
    """Return whether the values of a schema are passwords, or texts that no response has."""
    if schema.get("format") == "password":
        return True
    return schema.get("writeOnly") is True and schema.get("type", "string") in ("string", ["string", "null"])


def _named_schemas(contract: Contract) -> Iterator[tuple[_DocumentedName, Any]]:
    """Yield each property, parameter and header field of a contract with its schema."""
    for value, pointer, _, _ in keyword_objects(contract.document):
        properties, headers = value.get("properties"), value.get("headers")
        if isinstance(properties, Mapping):
            for name, schema in properties.items():
                yield _DocumentedName(name, pointer, is_property=True), schema
        if isinstance(headers, Mapping):
            for name, header in headers.items():
                yield _DocumentedName(name, pointer, is_property=False), _resolved(contract, header).get("schema")
        if isinstance(value.get("name"), str) and "in" in value:
            yield _DocumentedName(value["name"], pointer, is_property=False), value.get("schema")


def _resolved(contract: Contract, schema: Any) -> Mapping[str, Any]:
    """Return a schema with the keywords of the one that its `$ref` names; empty for a schema that is a boolean."""
    if not isinstance(schema, Mapping):
        return {}
    reference = schema.get("$ref")
    if not isinstance(reference, str):
        return schema
    try:
        target = resolve_pointer(contract.document, reference, contract.name)
    except BctrlError:
        return schema
    return {**target, **schema} if isinstance(target, Mapping) else schema
