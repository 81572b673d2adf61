"""Sample and generated bodies, built from the contract: nothing here knows the API but through the document."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from math import isfinite
from typing import Any

from pytest_bctrl.contract.in_force import current_contract
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.errors import SettingError
from pytest_bctrl.escaping import escape_json
from pytest_bctrl.samples.inputs import main_operation
from pytest_bctrl.samples.sample import LENGTH, SPACE_ID, Samples

__all__ = ["SPACE_ID", "Samples", "response", "runtime", "runtimes"]


def current_samples() -> Samples:
    """Return the samples of the contract in force, made once."""
    return samples_of(current_contract())


@lru_cache(maxsize=8)
def samples_of(contract: Contract, operation: str | None = None) -> Samples:
    """Return the samples of an operation by its id or label, of the main one without, made once."""
    return Samples(contract, contract.operation(operation) if operation else main_operation(contract))


def sample_text(contract: Contract) -> str:
    """Return the file of a contract's sample: the body of its main operation that visits every part of it, in JSON."""
    return escape_json(json.dumps(samples_of(contract).sample(), indent=2, ensure_ascii=False)) + "\n"


def runtime(*, conforming: bool = True, **overrides: Any) -> dict[str, Any]:
    """Return one runtime that the contract allows, with `overrides` in place of its own values.

    What the contract ties to an override follows it: `type` is `kind`, and a later `createdAt` takes `updatedAt`
    along. Raises `SettingError` for an override that breaks the contract, unless `conforming` is false.
    """
    return runtimes(1, seed=1, conforming=conforming, **overrides)[0]


def runtimes(
    count: int, *, seed: int = 0, space_id: str = SPACE_ID, conforming: bool = True, **overrides: Any
) -> list[dict[str, Any]]:
    """Return `count` runtimes, the same ones for the same seed, each with the same `overrides`, as `runtime` does."""
    if type(count) is not int or count < 0:
        raise SettingError(f"{count!r} is not a count", where="runtimes()", hint="give a whole number from 0 on")
    _refuse_data(overrides, "runtimes()")
    samples = current_samples()
    items = samples.items(samples.generated(count, seed, str(overrides.get("spaceId", space_id))))
    return [samples.overridden(item, overrides, conforming=conforming) for item in items]


def response(
    items: list[dict[str, Any]] | None = None, *, space_id: str = SPACE_ID, conforming: bool = True
) -> dict[str, Any]:
    """Return a whole response body: with `items`, or the sample that visits every part of the contract.

    Raises `SettingError` for items that break the contract, alone or together, unless `conforming` is false; and for
    what is not JSON.
    """
    samples = current_samples()
    for index, item in enumerate(items or ()):
        _refuse_data(item, where := f"response(): item {index}")
        if conforming:
            samples.refuse_broken(item, where)
    if items and conforming:
        samples.refuse_repeated(items, "response()")
    body: dict[str, Any] = samples.sample(space_id) if items is None else samples.with_items(items)
    return body


def _refuse_data(value: object, where: str) -> None:
    """Raise `SettingError` for a value that JSON cannot hold: NaN, infinity, a set, a key that is no string."""
    for place, inner in _unjson(value, ""):
        raise SettingError(
            f"{place.removeprefix('.') or 'it'}: {repr(inner)[:LENGTH]} is not JSON", where=where, hint="give JSON data"
        )


def _unjson(value: object, place: str) -> Iterator[tuple[str, object]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if isinstance(name, str):
                yield from _unjson(inner, f"{place}.{name}")
            else:
                yield f"{place}: the key", name
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from _unjson(inner, f"{place}[{index}]")
    elif (isinstance(value, float) and not isfinite(value)) or not isinstance(value, str | int | float | None):
        yield place, value
