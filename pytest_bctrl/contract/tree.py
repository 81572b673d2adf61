"""Writes a contract as a tree that a person reads: operations, parameters, responses and schemas."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pytest_bctrl.contract.model import Contract, Operation, Schema, SecurityScheme

_DEPTH = 12


def lines(contract: Contract) -> Iterator[str]:
    """Yield the tree line by line; `*` marks what is required."""
    yield f"{contract.title} {contract.version}  (sha256 {contract.digest})"
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
        type_ = words(contract, parameter.schema)
        yield f"  parameter   {parameter.name}{star}  in {parameter.place}, {type_}{setting}"
    yield from _responses(contract, operation)
    for rule in operation.invariants:
        yield f"  invariant   {rule['rule']} ({rule['level']}): {rule['because']}"


def _credential(scheme: SecurityScheme) -> str:
    where = f"{scheme.field} in {scheme.place}" if scheme.field else ""
    return " ".join(word for word in (scheme.type, scheme.scheme, where) if word)


def _responses(contract: Contract, operation: Operation) -> Iterator[str]:
    shown: list[tuple[str, Schema]] = []
    for status, response in operation.responses.items():
        yield f"  response    {status}  {response.description}"
        for header in response.headers:
            needed = ", required" if header.required else ""
            yield f"    header {header.name}: {words(contract, header.schema)}{needed}"
        for media, schema in response.content.items():
            same = next((other for other, known in shown if known == schema), None)
            yield f"    {media}: {f'as for {same}' if same else words(contract, schema)}"
            if same is None:
                shown.append((status, schema))
                yield from _members(contract, schema, "    ", set())


def _members(contract: Contract, schema: Schema, indent: str, seen: set[str | int]) -> Iterator[str]:
    children = list(_children(contract, schema))
    for index, (label, child) in enumerate(children):
        last = index == len(children) - 1
        key = str(child["$ref"]) if isinstance(child, Mapping) and "$ref" in child else id(child)
        repeated = key in seen and any(_children(contract, child))
        yield f"{indent}{'└─ ' if last else '├─ '}{label}{words(contract, child)}{', as above' if repeated else ''}"
        if not repeated:
            seen.add(key)
            yield from _members(contract, child, indent + ("   " if last else "│  "), seen)


def _children(contract: Contract, schema: Schema, level: int = 0) -> Iterator[tuple[str, Schema]]:
    resolved = contract.resolve(schema)
    if isinstance(resolved, bool):
        return
    if "items" in resolved and level < _DEPTH:
        # A list shows its items' members as its own: one line less, and nothing lost.
        yield from _children(contract, resolved["items"], level + 1)
    required = resolved.get("required", ())
    for name, member in resolved.get("properties", {}).items():
        yield f"{name}{'*' if name in required else ''}  ", member
    for word, label in (("oneOf", "either "), ("anyOf", "any of "), ("allOf", "and ")):
        for branch in resolved.get(word, ()):
            yield label, branch


def words(contract: Contract, schema: Schema, level: int = 0) -> str:
    """Return what a schema says in a few words: `string (uuid)`, `"active" | "stopped"`, `array of object`."""
    resolved = contract.resolve(schema)
    if isinstance(resolved, bool):
        return "anything" if resolved else "nothing"
    if "items" in resolved:
        inner = words(contract, resolved["items"], level + 1) if level < _DEPTH else "…"
        return f"{_types(resolved)} of {inner}"
    if "const" in resolved:
        return json.dumps(resolved["const"])
    if "enum" in resolved:
        return " | ".join(json.dumps(value) for value in resolved["enum"])
    text = _types(resolved)
    if "format" in resolved:
        text += f" ({resolved['format']})"
    if resolved.get("additionalProperties", False) is not False and not resolved.get("properties"):
        text += ", free-form"
    return text


def _types(schema: Mapping[str, Any]) -> str:
    types = schema.get("type")
    if types is None:
        return next((words for word, words in _COMBINED if word in schema), "anything")
    return types if isinstance(types, str) else " | ".join(types)


_COMBINED = (("oneOf", "one of"), ("anyOf", "any of"), ("allOf", "all of"), ("properties", "object"))
