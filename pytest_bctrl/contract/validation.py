"""Validators of the contract's schemas (JSON Schema 2020-12), formats asserted."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, cast

from jsonschema import Draft202012Validator

from pytest_bctrl.contract.formats import checker
from pytest_bctrl.contract.model import Contract, Schema


def validator(contract: Contract, schema: Schema) -> Draft202012Validator:
    """Return a validator of one schema of the contract; its references lead into the contract's document."""
    return cast("Draft202012Validator", _root(contract).evolve(schema=schema))


def is_valid(contract: Contract, schema: Schema, value: Any) -> bool:
    """Whether a value conforms to a schema of the contract."""
    return validator(contract, schema).is_valid(value)


@lru_cache(maxsize=8)
def _root(contract: Contract) -> Draft202012Validator:
    return Draft202012Validator(contract.document, format_checker=checker())
