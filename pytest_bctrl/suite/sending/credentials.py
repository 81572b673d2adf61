"""The credentials of the requests of a contract run: right ones, and the kinds of wrong ones."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from pytest_bctrl.checks.credentials import Credential, wrong_credentials
from pytest_bctrl.contract.key_fields import KeyField, key_fields
from pytest_bctrl.contract.model import Operation
from pytest_bctrl.contract.scheme_values import fields_with_values
from pytest_bctrl.secrets.secret import KEY_VARIABLE, Secret
from pytest_bctrl.suite.run import ContractRun

_UNKNOWN_KEY = Secret("key_of_a_fixture_that_is_not_known_yet")
"""Stands for the key of an overridden `bctrl_api_key` while the tests are collected."""


def invalid_credentials(run: ContractRun, operation: Operation, field: KeyField) -> list[Credential]:
    """Return the kinds of invalid credentials for a field of an operation.

    None contains the key if the fixture `bctrl_auth` provides it, so that it is not known.
    """
    value = next((value for known, value in fields_with_values(operation, run.credentials) if known == field), None)
    key, variable = Secret(""), KEY_VARIABLE
    if value is not None:
        key = value.secret
        if re.fullmatch(r"\$\w+", value.shell):
            variable = value.shell[1:]
    elif "bctrl_api_key" in run.own_fixtures:
        key = _UNKNOWN_KEY
    contains_key = run.sends_key_in_wrong_credentials
    credentials = wrong_credentials(key, field, contains_key=contains_key)
    return [replace(credential, shell=credential.shell.replace(KEY_VARIABLE, variable)) for credential in credentials]


def sent_credentials(
    run: ContractRun, operation: Operation, invalid: Credential | None, *, is_known: bool
) -> Iterator[tuple[KeyField, Secret, str]]:
    """Yield the fields of a request, each with its value and the expression of that in a shell.

    An invalid credential is in the first field. The right ones have no value if `bctrl_auth` adds them (not
    `is_known`).
    """
    values = dict(fields_with_values(operation, run.credentials))
    for number, field in enumerate(key_fields(operation) or ()):
        value = values.get(field)
        if invalid is not None and number == 0:
            if invalid.header is not None:
                known = _with_known_key(run, operation, field, invalid)
                yield field, known.header or Secret(""), known.shell
        elif not is_known:
            yield field, Secret(""), field.shell(f"${KEY_VARIABLE}")
        elif value is not None:
            yield field, Secret(field.value(value.secret.reveal())), field.shell(value.shell)


def _with_known_key(run: ContractRun, operation: Operation, field: KeyField, invalid: Credential) -> Credential:
    """Return an invalid credential; one that was derived before the key was known, as it is for the key."""
    if "bctrl_api_key" not in run.own_fixtures:
        return invalid
    kinds = {kind.name: kind for kind in invalid_credentials(run, operation, field)}
    return kinds.get(invalid.name, invalid)
