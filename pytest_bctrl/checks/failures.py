"""Finds what of a body breaks its schema, and lets jsonschema explain that alone.

jsonschema takes some 0.2 ms for a runtime, and finds nothing to say of most. So the way down to the items of long
lists is gone here, past all that is accepted, and only items that are not are given to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema.exceptions import ValidationError

from pytest_bctrl.checks.select import Path
from pytest_bctrl.contract.model import Contract, pointer
from pytest_bctrl.contract.validation import validator
from pytest_bctrl.observed.split import accepts
from pytest_bctrl.observed.spot import Spot

_FEW = 8
"""Items of a list that are explained without asking first which of them fail."""

_LEVELS = 16
"""Levels that are gone down; a recursive schema and its body may go deeper than is worth it."""

_WHOLE = frozenset({"unevaluatedProperties", "unevaluatedItems", "$dynamicRef", "$recursiveRef"})
"""Words whose meaning depends on what the other words have looked at: their schema is never taken apart."""


def failures(contract: Contract, spot: Spot, value: Any, path: Path = ()) -> Iterator[tuple[Path, ValidationError]]:
    """Yield what jsonschema finds wrong with a value, in its order, each with the path that stands before its own."""
    schema = spot.schema
    if not _may_be_long(value) or not isinstance(schema, Mapping) or _WHOLE & schema.keys() or len(path) > _LEVELS:
        yield from ((path, error) for error in validator(contract, schema).iter_errors(value))
        return
    rest = dict(_other_errors(contract, schema, value))
    for word in schema:
        if word == "$ref":
            target = Spot(pointer(contract.document, str(schema[word]), contract.name), str(schema[word])[1:])
            yield from failures(contract, target, value, path)
        elif word == "properties" and isinstance(value, dict):
            for name in schema[word]:
                if name in value:
                    yield from _below(contract, spot.below(word, name), value[name], (*path, name))
        elif word == "items" and isinstance(value, list):
            start = len(schema.get("prefixItems", ()))
            for index in range(start, len(value)):
                yield from _below(contract, spot.below(word), value[index], (*path, index))
        else:
            yield from ((path, error) for error in rest.get(word, ()))


def _may_be_long(value: Any) -> bool:
    """Whether there may be a long list in a value: one that is none, or an item of one, is explained at once."""
    if isinstance(value, list):
        return len(value) > _FEW
    return isinstance(value, dict) and any(isinstance(member, list) and len(member) > _FEW for member in value.values())


def _below(contract: Contract, spot: Spot, value: Any, path: Path) -> Iterator[tuple[Path, ValidationError]]:
    if not accepts(contract, spot, value):
        yield from failures(contract, spot, value, path)


def _other_errors(
    contract: Contract, schema: Mapping[str, Any], value: Any
) -> Iterator[tuple[str, list[ValidationError]]]:
    """Yield the errors of all words but those that lead down, by word; the names they speak of are kept."""
    others = {word: said for word, said in schema.items() if word != "$ref"}
    if "properties" in others:
        others["properties"] = dict.fromkeys(others["properties"], True)
    if "items" in others:
        others["items"] = True
    found: dict[str, list[ValidationError]] = {}
    for error in validator(contract, others).iter_errors(value):
        found.setdefault(str(error.relative_schema_path[0]) if error.relative_schema_path else "", []).append(error)
    yield from found.items()
