"""Renders a contract as a tree of text."""

from __future__ import annotations

import json
from collections.abc import Iterator

from pytest_bctrl.contract.model import Contract, Operation, Schema, SecurityScheme
from pytest_bctrl.contract.paging_read import read_paging
from pytest_bctrl.contract.schema.ref import flatten, listed_values, named_types

_DEPTH = 12


def contract_lines(contract: Contract) -> Iterator[str]:
    """Yield the lines of the tree; `*` marks required parameters and properties."""
    yield f"{contract.title} {contract.version}  (sha256 {contract.digest})"
    yield contract.described
    yield "servers"
    for server in contract.servers:
        yield f"  {server}"
    for operation in contract.operations:
        yield ""
        yield from _operation_lines(contract, operation)
    if contract.exclusions:
        yield ""
        yield from contract.exclusions


def _operation_lines(contract: Contract, operation: Operation) -> Iterator[str]:
    """Yield the lines about an operation: label, credential, parameters, pages and responses."""
    yield f"{operation.label}  {operation.operation_id}"
    if operation.summary:
        yield f"  {operation.summary}"
    for requirement in operation.security:
        schemes = " and ".join(f"{scheme.name} ({_credential_text(scheme)})" for scheme in requirement)
        yield f"  security    {schemes or 'none'}"
    for parameter in operation.parameters:
        star = "*" if parameter.required else ""
        setting = f", from the setting {parameter.setting}" if parameter.setting else ""
        summary = schema_summary(contract, parameter.schema)
        yield f"  parameter   {parameter.name}{star}  in {parameter.in_}, {summary}{setting}"
    yield from _response_lines(contract, operation)
    for rule in operation.invariants:
        yield f"  invariant   {rule['rule']} ({rule['level']}): {rule['because']}"
    paging = read_paging(contract, operation)
    if paging is not None:
        yield f"  pages       {paging}"


def _credential_text(scheme: SecurityScheme) -> str:
    """Return a security scheme as text: its type, HTTP scheme, and field and location."""
    location = f"{scheme.field} in {scheme.in_}" if scheme.field else ""
    return " ".join(filter(None, (scheme.type, scheme.scheme, location)))


def _response_lines(contract: Contract, operation: Operation) -> Iterator[str]:
    """Yield the lines about the documented responses of an operation."""
    shown: list[tuple[str, Schema]] = []
    for status, response in operation.responses.items():
        yield f"  response    {status}  {response.description}"
        for header in response.headers:
            note = ", required" if header.required else ""
            yield f"    header {header.name}: {schema_summary(contract, header.schema)}{note}"
        for media, schema in response.content.items():
            earlier_status = next((earlier for earlier, shown_schema in shown if shown_schema == schema), None)
            if earlier_status is not None:
                yield f"    {media}: as for {earlier_status}"
                continue
            yield f"    {media}: {schema_summary(contract, schema)}"
            shown.append((status, schema))
            yield from _member_lines(contract, schema, "    ", set())


def _member_lines(contract: Contract, schema: Schema, indent: str, seen: set[str]) -> Iterator[str]:
    """Yield the lines of the properties and branches of a schema, as a tree."""
    children = list(_labelled_children(contract, schema))
    for index, (label, child) in enumerate(children):
        is_last = index == len(children) - 1
        branch, line = ("└─ ", "   ") if is_last else ("├─ ", "│  ")
        key = json.dumps(child)
        is_repeated = key in seen and any(_labelled_children(contract, child))
        note = ", as above" if is_repeated else ""
        yield f"{indent}{branch}{label}{schema_summary(contract, child)}{note}"
        if not is_repeated:
            seen.add(key)
            yield from _member_lines(contract, child, indent + line, seen)


def _labelled_children(contract: Contract, schema: Schema, level: int = 0) -> Iterator[tuple[str, Schema]]:
    """Yield label and schema of each property and branch of a schema, list items looked through."""
    flat = flatten(contract, schema)
    if "items" in flat and level < _DEPTH:
        # The members of the items are shown as children of the list, which saves a line.
        yield from _labelled_children(contract, flat["items"], level + 1)
    for name, member in flat.get("properties", {}).items():
        star = "*" if name in flat.get("required", ()) else ""
        yield f"{name}{star}  ", member
    for keyword, label in (("oneOf", "either "), ("anyOf", "any of ")):
        for branch in flat.get(keyword, ()):
            yield label, branch


def schema_summary(contract: Contract, schema: Schema, level: int = 0) -> str:
    """Return a short description of a schema: `string (uuid)`, `"active" | "stopped"`, `array of object`."""
    flat = flatten(contract, schema)
    if flat.get("not") == {}:
        return "nothing"
    text = " | ".join(named_types(flat))
    if not text:
        text = next((label for keyword, label in _LABELS if keyword in flat), "anything")
    if "items" in flat:
        items = "…"
        if level < _DEPTH:
            items = schema_summary(contract, flat["items"], level + 1)
        return f"{text} of {items}"
    if (values := listed_values(flat)) is not None:
        return " | ".join(map(json.dumps, values))
    if "format" in flat:
        text += f" ({flat['format']})"
    if flat.get("additionalProperties", False) is not False and not flat.get("properties"):
        text += ", free-form"
    return text


_LABELS = (("oneOf", "one of"), ("anyOf", "any of"), ("properties", "object"))
