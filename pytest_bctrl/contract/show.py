"""Renders a contract as a tree of text."""

from __future__ import annotations

import json
from collections.abc import Iterator

from pytest_bctrl.contract.model import Contract, Operation, Schema, SecurityScheme
from pytest_bctrl.contract.schema.ref import flatten, listed_values, named_types

_DEPTH = 12


def contract_lines(contract: Contract) -> Iterator[str]:
    """Yield the tree line by line; `*` marks what is required."""
    yield f"{contract.title} {contract.version}  (sha256 {contract.digest})"
    yield contract.described
    yield "servers"
    for server in contract.servers:
        yield f"  {server}"
    for operation in contract.operations:
        yield ""
        yield from _operation(contract, operation)


def _operation(contract: Contract, operation: Operation) -> Iterator[str]:
    yield f"{operation.label}  {operation.operation_id}"
    if operation.summary:
        yield f"  {operation.summary}"
    for requirement in operation.security:
        schemes = " and ".join(f"{scheme.name} ({_credential(scheme)})" for scheme in requirement)
        yield f"  security    {schemes or 'none'}"
    for parameter in operation.parameters:
        star = "*" if parameter.required else ""
        setting = f", from the setting {parameter.setting}" if parameter.setting else ""
        type_ = schema_summary(contract, parameter.schema)
        yield f"  parameter   {parameter.name}{star}  in {parameter.in_}, {type_}{setting}"
    yield from _responses(contract, operation)
    for rule in operation.invariants:
        yield f"  invariant   {rule['rule']} ({rule['level']}): {rule['because']}"
    # Locations are written with what is above.
    from pytest_bctrl.contract.paging_read import read_paging

    if (found := read_paging(contract, operation)) is not None:
        yield f"  pages       {found}"


def _credential(scheme: SecurityScheme) -> str:
    where = f"{scheme.field} in {scheme.in_}" if scheme.field else ""
    return " ".join(word for word in (scheme.type, scheme.scheme, where) if word)


def _responses(contract: Contract, operation: Operation) -> Iterator[str]:
    shown: list[tuple[str, Schema]] = []
    for status, response in operation.responses.items():
        yield f"  response    {status}  {response.description}"
        for header in response.headers:
            needed = ", required" if header.required else ""
            yield f"    header {header.name}: {schema_summary(contract, header.schema)}{needed}"
        for media, schema in response.content.items():
            same = next((other for other, known in shown if known == schema), None)
            yield f"    {media}: {f'as for {same}' if same else schema_summary(contract, schema)}"
            if same is None:
                shown.append((status, schema))
                yield from _members(contract, schema, "    ", set())


def _members(contract: Contract, schema: Schema, indent: str, seen: set[str]) -> Iterator[str]:
    children = list(_children(contract, schema))
    for index, (label, child) in enumerate(children):
        last = index == len(children) - 1
        key = json.dumps(child)
        repeated = key in seen and any(_children(contract, child))
        branch = "└─ " if last else "├─ "
        note = ", as above" if repeated else ""
        yield f"{indent}{branch}{label}{schema_summary(contract, child)}{note}"
        if not repeated:
            seen.add(key)
            yield from _members(contract, child, indent + ("   " if last else "│  "), seen)


def _children(contract: Contract, schema: Schema, level: int = 0) -> Iterator[tuple[str, Schema]]:
    flat = flatten(contract, schema)
    if "items" in flat and level < _DEPTH:
        # A list shows its items' members as its own: one line less, and nothing lost.
        yield from _children(contract, flat["items"], level + 1)
    for name, member in flat.get("properties", {}).items():
        yield f"{name}{'*' if name in flat.get('required', ()) else ''}  ", member
    for word, label in (("oneOf", "either "), ("anyOf", "any of ")):
        for branch in flat.get(word, ()):
            yield label, branch


def schema_summary(contract: Contract, schema: Schema, level: int = 0) -> str:
    """Return what a schema says in a few words: `string (uuid)`, `"active" | "stopped"`, `array of object`."""
    flat = flatten(contract, schema)
    if flat.get("not") == {}:
        return "nothing"
    text = " | ".join(named_types(flat)) or next((words for word, words in _COMBINED if word in flat), "anything")
    if "items" in flat:
        return f"{text} of {schema_summary(contract, flat['items'], level + 1) if level < _DEPTH else '…'}"
    if (values := listed_values(flat)) is not None:
        return " | ".join(map(json.dumps, values))
    if "format" in flat:
        text += f" ({flat['format']})"
    if flat.get("additionalProperties", False) is not False and not flat.get("properties"):
        text += ", free-form"
    return text


_COMBINED = (("oneOf", "one of"), ("anyOf", "any of"), ("properties", "object"))
