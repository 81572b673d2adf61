"""Samples with other content in the places that the contract leaves free."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import cycle
from typing import Any

from pytest_bctrl.contract.model import Contract
from pytest_bctrl.samples.sample import Samples
from pytest_bctrl.samples.shapes import Shape, shapes, types
from pytest_bctrl.samples.spots import Spot, Trail, changed, spots

_BOUNDS = frozenset({"format", "enum", "const", "pattern", "minLength", "maxLength"})


def worded(samples: Samples, texts: Sequence[str], space_id: str) -> Any:
    """Return the sample with `texts` in turn in place of every string that the contract leaves free."""
    turn = cycle(texts)
    return _filled(samples, space_id, _is_free_text, lambda: next(turn))


def with_free_form(samples: Samples, content: Any, space_id: str) -> Any:
    """Return the sample with `content` in every object whose properties the contract leaves open."""
    return _filled(samples, space_id, partial(_is_free_form, samples.contract), lambda: {"content": content})


def _filled(samples: Samples, space_id: str, is_free: Callable[[Spot], bool], make: Callable[[], Any]) -> Any:
    body = samples.outlined(space_id, optional=True)
    found = list(spots(samples.contract, samples.schema, body))
    # Items that must differ are left alone, and so is what lies in a place that was filled.
    distinct = {f"{spot.location}[*]" for spot in found if spot.schema.get("uniqueItems")}
    filled: list[Trail] = []
    for spot in found:
        is_inside = any(spot.trail[: len(trail)] == trail for trail in filled)
        if is_free(spot) and not is_inside and spot.location not in distinct:
            filled.append(spot.trail)
            body = changed(body, spot.trail, partial(_instead, make()))
    return samples.coherent(body, space_id)


def _instead(value: Any, _old: Any) -> Any:
    return value


def _is_free_text(spot: Spot) -> bool:
    return isinstance(spot.value, str) and "string" in types(spot.schema) and not spot.schema.keys() & _BOUNDS


def _is_free_form(contract: Contract, spot: Spot) -> bool:
    extra = spot.schema.get("additionalProperties", True)
    open_ended = extra is not False and shapes(contract, extra) == (Shape("any"),) and "properties" not in spot.schema
    return "object" in types(spot.schema) and open_ended and spot.value is not None
