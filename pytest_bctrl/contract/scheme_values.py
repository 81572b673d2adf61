"""The values of security schemes, and the credentials of requests that follow from them."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from pytest_bctrl.contract.key_fields import KeyField, field_of, requirement, schemes_in_order
from pytest_bctrl.contract.model import Contract, Operation
from pytest_bctrl.secrets.secret import KEY_VARIABLE, Secret
from pytest_bctrl.settings.secret_settings import SchemeValue

Credentials: TypeAlias = Sequence[tuple[KeyField, Secret]]
"""Header fields and query parameters with their values, such as `Bearer …` for `Authorization`."""


def values_by_scheme(
    contract: Contract, key: Secret, given: Mapping[str, SchemeValue], source: str = KEY_VARIABLE
) -> dict[str, SchemeValue]:
    """Return the values of security schemes by name: those that are given, and the key.

    The key is the value of the first scheme in order of preference that has no other value, and of schemes that put
    it in the same place.
    """
    values = dict(given)
    schemes = [scheme for scheme in schemes_in_order(contract) if scheme.name not in given]
    if key and schemes:
        first = field_of(schemes[0])
        key_value = SchemeValue(key, source, f"${KEY_VARIABLE}")
        values |= {scheme.name: key_value for scheme in schemes if scheme == schemes[0] or field_of(scheme) == first}
    return values


def values_of_mock(contract: Contract, key: Secret) -> dict[str, SchemeValue]:
    """Return the key of the mock as the value of each security scheme."""
    value = SchemeValue(key, "the mock", f"${KEY_VARIABLE}")
    return {scheme.name: value for scheme in schemes_in_order(contract)}


def fields_with_values(operation: Operation, values: Mapping[str, SchemeValue]) -> list[tuple[KeyField, SchemeValue]]:
    """Return the fields of the requirement that applies to an operation, with their values; only those with a value."""
    fields = ((field_of(scheme), values.get(scheme.name)) for scheme in requirement(operation))
    return [(field, value) for field, value in fields if field is not None and value is not None]


def credentials_of(operation: Operation, values: Mapping[str, SchemeValue]) -> Credentials:
    """Return the credentials of requests to an operation; empty if it needs none."""
    fields = fields_with_values(operation, values)
    return [(field, Secret(field.value(value.secret.reveal()))) for field, value in fields]


def needs_credential(contract: Contract, operation: Operation) -> bool:
    """Return whether requests to an operation carry credentials: it requires some, or the document does not say so."""
    unapplied = contract.unapplied
    return bool(requirement(operation)) or (unapplied is not None and operation.label in unapplied.operations)


def curl_url(url: str, credentials: Iterable[tuple[KeyField, str]]) -> str:
    """Return a URL for a shell command, with the keys that belong into its query."""
    pairs = [f"{field.name}={value}" for field, value in credentials if field.in_query]
    if not pairs:
        return shlex.quote(url)
    return f'{shlex.quote(url)}"{"&" if "?" in url else "?"}{"&".join(pairs)}"'
