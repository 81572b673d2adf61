"""Sample and generated bodies, built from the contract alone."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from math import isfinite
from typing import TYPE_CHECKING, Any

from pytest_bctrl.contract.in_force import current_contract
from pytest_bctrl.errors import SettingError
from pytest_bctrl.escaping import escape_json
from pytest_bctrl.samples.space_id import SPACE_ID

if TYPE_CHECKING:
    from pytest_bctrl.contract.model import Contract
    from pytest_bctrl.samples.sample import Samples

__all__ = ["SPACE_ID", "Samples", "response", "runtime", "runtimes"]


def current_samples() -> Samples:
    """Return the samples of the contract in force; the same object until the contract changes."""
    return samples_of(current_contract())


@lru_cache(maxsize=8)
def samples_of(contract: Contract, operation: str | None = None) -> Samples:
    """Return the samples of an operation, given by id or label, by default the main one; created once."""
    # Imported here, because the drift comparison imports another module of this package and starts faster without.
    from pytest_bctrl.samples.inputs import main_operation
    from pytest_bctrl.samples.sample import Samples

    if operation:
        return Samples(contract, contract.operation(operation))
    return Samples(contract, main_operation(contract))


def sample_text(contract: Contract) -> str:
    """Return a contract's sample as the text of a JSON file: a body of its main operation that covers every part."""
    return escape_json(json.dumps(samples_of(contract).sample(), indent=2, ensure_ascii=False)) + "\n"


def runtime(*, conforming: bool = True, **overrides: Any) -> dict[str, Any]:
    """Return one runtime that the contract allows, with some of its values replaced by `overrides`.

    Values that depend on an override are adjusted: `type` equals `kind`, and `updatedAt` is not before
    `createdAt`. Raises `SettingError` for an override that breaks the contract, unless `conforming` is false.
    """
    return runtimes(1, seed=1, conforming=conforming, **overrides)[0]


def runtimes(
    count: int, *, seed: int = 0, space_id: str = SPACE_ID, conforming: bool = True, **overrides: Any
) -> list[dict[str, Any]]:
    """Return `count` runtimes, the same for the same seed, each with the same `overrides`.

    Raises `SettingError` if `count` is not a whole number from 0 on, or if `overrides` are not JSON or break the
    contract; with `conforming=False` they may break it.
    """
    if type(count) is not int or count < 0:
        raise SettingError(f"{count!r} is not a count", where="runtimes()", hint="give a whole number from 0 on")
    _require_json(overrides, "runtimes()")
    samples = current_samples()
    items = samples.items(samples.generated(count, seed, str(overrides.get("spaceId", space_id))))
    return [samples.overridden(item, overrides, conforming=conforming) for item in items]


def response(
    items: list[dict[str, Any]] | None = None, *, space_id: str = SPACE_ID, conforming: bool = True
) -> dict[str, Any]:
    """Return a complete response body with `items`, by default the sample that covers every part of the contract.

    Raises `SettingError` for items that break the contract, alone or together, unless `conforming` is false; and for
    values that are not JSON.
    """
    samples = current_samples()
    for index, item in enumerate(items or ()):
        _require_json(item, where := f"response(): item {index}")
        if conforming:
            samples.require_valid_item(item, where)
    if items and conforming:
        samples.require_unique_items(items, "response()")
    body: dict[str, Any] = samples.sample(space_id) if items is None else samples.with_items(items)
    return body


def _require_json(value: object, where: str) -> None:
    """Raise `SettingError`, naming the location, if a value is not JSON data."""
    for location, inner in _non_json_values(value, ""):
        from pytest_bctrl.samples.sample import LENGTH

        raise SettingError(
            f"{location.removeprefix('.') or 'it'}: {repr(inner)[:LENGTH]} is not JSON",
            where=where,
            hint="give JSON data",
        )


def _non_json_values(value: object, location: str) -> Iterator[tuple[str, object]]:
    """Yield location and value of everything in a value that is not JSON: NaN, infinity, a set, a key not a string."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if isinstance(name, str):
                yield from _non_json_values(inner, f"{location}.{name}")
            else:
                yield f"{location}: the key", name
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from _non_json_values(inner, f"{location}[{index}]")
    elif (isinstance(value, float) and not isfinite(value)) or not isinstance(value, str | int | float | None):
        yield location, value


# As in `pytest_bctrl`: type checkers read the import above.
if not TYPE_CHECKING:  # pragma: no branch

    def __getattr__(name):
        """Import `Samples` when it is first used."""
        if name != "Samples":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from pytest_bctrl.samples.sample import Samples

        return Samples
