"""`undocumented_property`: what the API sends and the contract does not say.

No object of the published spec is closed, so such a property is valid; it is drift all the same. Objects that
are free-form by the contract (`additionalProperties`, or no property documented at all) are never searched.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pytest_bctrl.checks.answer import Answer
from pytest_bctrl.checks.branches import Branch, branch_meant
from pytest_bctrl.checks.schema import validator
from pytest_bctrl.checks.select import Path
from pytest_bctrl.checks.show import type_name
from pytest_bctrl.checks.violation import Violation
from pytest_bctrl.contract.model import Contract, Schema

RULE = "undocumented_property"


def check_undocumented(answer: Answer) -> Iterator[Violation]:
    """Yield a warning for every property at every depth that the documented schema does not name."""
    if answer.schema is not None and answer.parsed.ok:
        yield from _search(answer.contract, [answer.schema], answer.data, ())


@dataclass(slots=True)
class _Shape:
    """What all schemas that apply to one place say together about its members."""

    properties: dict[str, list[Schema]] = field(default_factory=dict)
    items: list[Schema] = field(default_factory=list)
    prefix: dict[int, list[Schema]] = field(default_factory=dict)
    others: list[Schema] = field(default_factory=list)
    is_free: bool = False


def _search(contract: Contract, schemas: list[Schema], value: Any, path: Path) -> Iterator[Violation]:
    if not schemas or not isinstance(value, dict | list):
        return
    shape = _Shape()
    for schema in schemas:
        _collect(contract, schema, value, shape)
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _search(contract, shape.prefix.get(index, shape.items), item, (*path, index))
        return
    is_open = shape.is_free or not shape.properties
    for name, member in value.items():
        if name in shape.properties:
            yield from _search(contract, shape.properties[name], member, (*path, name))
        elif shape.others:
            yield from _search(contract, shape.others, member, (*path, name))
        elif not is_open:
            yield Violation(
                RULE,
                "warning",
                f"the contract does not document this property ({type_name(member)})",
                (*path, name),
                expected=sorted(shape.properties),
                observed=member,
            )


def _collect(contract: Contract, schema: Schema, value: Any, shape: _Shape) -> None:
    """Add what `schema` says to `shape`, through every applicator that applies to the same place."""
    resolved = contract.resolve(schema)
    if isinstance(resolved, bool):
        return
    _collect_members(resolved, shape)
    for applied in _applied(contract, resolved, value):
        _collect(contract, applied, value, shape)


def _collect_members(schema: Mapping[str, Any], shape: _Shape) -> None:
    for name, member in schema.get("properties", {}).items():
        shape.properties.setdefault(name, []).append(member)
    for word in ("additionalProperties", "unevaluatedProperties"):
        if schema.get(word, False) is not False:
            shape.is_free = True
            shape.others.append(schema[word])
    if schema.get("patternProperties"):
        shape.is_free = True
    if "items" in schema:
        shape.items.append(schema["items"])
    for index, member in enumerate(schema.get("prefixItems", ())):
        shape.prefix.setdefault(index, []).append(member)


def _applied(contract: Contract, schema: Mapping[str, Any], value: Any) -> Iterator[Schema]:
    yield from schema.get("allOf", ())
    for word in ("oneOf", "anyOf"):
        if word in schema:
            yield from _branches(contract, schema[word], value)
    if "if" in schema:
        holds = validator(contract, schema["if"]).is_valid(value)
        yield from [schema["if"], schema.get("then", True)] if holds else [schema.get("else", True)]
    for name, dependent in schema.get("dependentSchemas", {}).items():
        if isinstance(value, dict) and name in value:
            yield dependent


def _branches(contract: Contract, schemas: list[Schema], value: Any) -> list[Schema]:
    """The branches that the value is; where it is none, the one it means to be, or all, to stay silent in doubt."""
    chosen = branch_meant([Branch.of(contract, schema) for schema in schemas], value)
    if chosen is not None:
        return [schemas[chosen]]
    valid = [schema for schema in schemas if validator(contract, schema).is_valid(value)]
    return valid or schemas
