"""What the contract documents, as a tree of places: operations, their parameters, responses and bodies."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pytest_bctrl.contract.schema.branches import Branch, discriminator
from pytest_bctrl.contract.tree import words

if TYPE_CHECKING:
    from pytest_bctrl.contract.model import Contract, Operation, ResponseSpec, Schema

_DEPTH = 12
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


@dataclass(frozen=True, slots=True)
class Documented:
    """One documented thing.

    `locations` are all places that are shown as this one, as coverage has them: a list stands for its items too, and
    behind a `oneOf` or `anyOf` a place carries what tells its branch, as in `backing<kind=profile>.profile`. A
    parameter and a branch are points of the place around them, told by `labels`. `told_by` is the property that tells
    a branch.
    """

    operation: str
    status: str
    kind: Literal["operation", "parameter", "response", "property", "branch"]
    name: str
    words: str
    locations: tuple[str, ...] = ()
    required: bool = False
    children: tuple[Documented, ...] = ()
    labels: tuple[str, ...] = ()
    told_by: str = ""


def operations(contract: Contract) -> Iterator[Documented]:
    """Yield every operation with all that is below it."""
    for operation in contract.operations:
        label = operation.label
        parameters = [
            Documented(
                label,
                "",
                "parameter",
                parameter.name,
                f"{words(contract, parameter.schema)}, in {parameter.place}",
                (parameter.place,),
                parameter.required,
                labels=(parameter.name,),
            )
            for parameter in operation.parameters
        ]
        responses = [
            _response(contract, operation, status, response) for status, response in operation.responses.items()
        ]
        yield Documented(label, "", "operation", label, operation.summary, children=(*parameters, *responses))


def _response(contract: Contract, operation: Operation, status: str, response: ResponseSpec) -> Documented:
    schema = next(iter(response.content.values()), None)
    children = () if schema is None else tuple(_members(contract, operation.label, status, schema, ("",), 0))
    return Documented(operation.label, status, "response", status, response.description, ("",), children=children)


def _members(
    contract: Contract, operation: str, status: str, schema: Schema, at: tuple[str, ...], depth: int
) -> Iterator[Documented]:
    resolved = contract.resolve(schema)
    if isinstance(resolved, bool) or depth > _DEPTH:
        return
    if "items" in resolved:
        items = tuple(f"{place}[*]" for place in at)
        yield from _members(contract, operation, status, resolved["items"], items, depth + 1)
    for name, member in resolved.get("properties", {}).items():
        places = tuple(_below(place, name) for place in at)
        yield Documented(
            operation,
            status,
            "property",
            name,
            words(contract, member),
            (*places, *_items(contract, member, places)),
            name in resolved.get("required", ()),
            tuple(_members(contract, operation, status, member, places, depth + 1)),
        )
    for part in resolved.get("allOf", ()):
        yield from _members(contract, operation, status, part, at, depth + 1)
    for word in ("oneOf", "anyOf"):
        yield from _branches(contract, operation, status, resolved.get(word, ()), word, at, depth)


def _branches(
    contract: Contract, operation: str, status: str, branches: Any, word: str, at: tuple[str, ...], depth: int
) -> Iterator[Documented]:
    read = [Branch.of(contract, branch) for branch in branches]
    name = discriminator(read) if read else None
    if sum(not branch.types or "object" in branch.types for branch in read) < 2:
        # One object beside null needs nothing to tell it: its members are the place's own.
        for schema in branches:
            yield from _members(contract, operation, status, schema, at, depth + 1)
        return
    for number, (branch, schema) in enumerate(zip(read, branches, strict=True)):
        tags = tuple(_tags(branch, name)) or (f"{word}:{number}",)
        tagged = tuple(f"{place}<{tag}>" for place in at for tag in tags)
        yield Documented(
            operation,
            status,
            "branch",
            " or ".join(tags) if name else f"way {number + 1}",
            "" if name else words(contract, schema),
            at,
            children=tuple(_members(contract, operation, status, schema, tagged, depth + 1)),
            labels=tags,
            told_by=name or "",
        )


def _tags(branch: Branch, name: str | None) -> list[str]:
    """What tells a branch: its values of the discriminating property, as `kind=profile`."""
    values = branch.values_of(name) if name else ()
    return [f"{name}={value if _is_plain(value) else json.dumps(value)}" for value in values]


def _is_plain(value: Any) -> bool:
    return isinstance(value, str) and bool(_PLAIN.fullmatch(value)) and value not in ("true", "false", "null")


def _items(contract: Contract, schema: Schema, at: tuple[str, ...]) -> tuple[str, ...]:
    """The places of a list's items, which are shown as the list."""
    resolved = contract.resolve(schema)
    if not isinstance(resolved, Mapping) or "items" not in resolved:
        return ()
    below = tuple(f"{place}[*]" for place in at)
    return (*below, *_items(contract, resolved["items"], below)) if below[0].count("[*]") <= _DEPTH else ()


def _below(place: str, name: str) -> str:
    if _PLAIN.fullmatch(name):
        return f"{place}.{name}" if place else name
    return f"{place}[{name!r}]"
