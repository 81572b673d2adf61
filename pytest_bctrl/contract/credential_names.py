"""The names under which a contract documents credentials, in addition to the conventional ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from pytest_bctrl.contract.model import Contract
from pytest_bctrl.contract.references import keyword_objects
from pytest_bctrl.contract.schema_document import resolve_pointer
from pytest_bctrl.errors import BctrlError
from pytest_bctrl.secrets.credentials import Credentials, redacted


def credentials_for(contract: Contract, replace: Callable[[str], str] = redacted) -> Credentials:
    """Return what finds and replaces the credentials in exchanges of a contract; each call returns a new one."""
    return Credentials(credential_names(contract), replace)


@lru_cache(maxsize=8)
def credential_names(contract: Contract) -> frozenset[str]:
    """Return the names of API keys, of passwords (`format: password`) and of write-only texts.

    A write-only property does not count if another schema documents a property of the same name that is not write-only.
    """
    schemes = (
        scheme for operation in contract.operations for requirement in operation.security for scheme in requirement
    )
    certain = {scheme.field for scheme in schemes if scheme.field}
    write_only, others = set(), set()
    for name, schema in _named_schemas(contract):
        if schema.get("format") == "password":
            certain.add(name)
        elif schema.get("writeOnly") is True and schema.get("type", "string") in ("string", ["string", "null"]):
            write_only.add(name)
        else:
            others.add(name)
    return frozenset(certain | (write_only - others))


def _named_schemas(contract: Contract) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the name and the schema of each property, parameter and header field of a contract."""
    for part in keyword_objects(contract.document):
        properties = part.value.get("properties")
        if isinstance(properties, Mapping):
            for name, schema in properties.items():
                yield name, _resolved(contract, schema)
        name, schema = part.value.get("name"), part.value.get("schema")
        if isinstance(name, str) and "in" in part.value:
            yield name, _resolved(contract, schema)


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
