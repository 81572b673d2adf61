"""Validators of the contract's schemas (JSON Schema 2020-12), formats asserted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from functools import lru_cache
from math import isfinite
from typing import Any, cast

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

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
    return cast("Draft202012Validator", _Validator(contract.document, format_checker=checker()))


def _multiple_of(
    engine: Draft202012Validator, step: float, value: Any, _schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    """`multipleOf` of what is written: 0.58 is a multiple of 0.01, though 0.58 / 0.01 in binary is not quite 58."""
    if engine.is_type(value, "number") and (_is_infinite(value) or _exact(value) % _exact(step)):
        yield ValidationError(f"{value!r} is not a multiple of {step}")


def _is_infinite(number: float) -> bool:
    return isinstance(number, float) and not isfinite(number)


def _exact(number: float) -> Fraction:
    return Fraction(repr(number) if isinstance(number, float) else number)


_Validator = extend(Draft202012Validator, {"multipleOf": _multiple_of})  # type: ignore[no-untyped-call]
