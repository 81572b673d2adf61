"""The alternatives of a schema, and those that a body contains: written apart from the code that builds samples."""

from __future__ import annotations

from typing import Any

from jsonschema import Draft202012Validator

from pytest_bctrl.contract.model import Contract
from tests.contract.documents import rooted


def alternatives_of(contract: Contract, schema: Any, at: str = "") -> set[str]:
    """Return the alternatives of a schema as texts: enum values, branches, null, booleans, [], optionals in and out."""
    schema = contract.resolve(schema)
    names = {f"{at} = {value!r}" for value in schema.get("enum", ())}
    types = schema.get("type", [])
    types = types if isinstance(types, list) else [types]
    names |= {f"{at} is null" for name in types if name == "null"}
    names |= {f"{at} = {value}" for name in types if name == "boolean" for value in (True, False)}
    names |= {f"{at} is empty" for name in types if name == "array"}
    for index, branch in enumerate(schema.get("oneOf", ())):
        names |= {f"{at} branch {index}"} | alternatives_of(contract, branch, f"{at}|{index}")
    for name, inner in schema.get("properties", {}).items():
        names |= alternatives_of(contract, inner, f"{at}.{name}")
        if name not in schema.get("required", ()):
            names |= {f"{at}.{name} left out", f"{at}.{name} there"}
    if "items" in schema:
        names |= alternatives_of(contract, schema["items"], f"{at}[*]")
    return names


def alternatives_in(contract: Contract, schema: Any, value: Any, at: str = "") -> set[str]:
    """Return the alternatives of `alternatives_of` that occur in a value, which is valid under the schema."""
    schema = contract.resolve(schema)
    names = {f"{at} = {value!r}"} if "enum" in schema or isinstance(value, bool) else set()
    names |= {f"{at} is null"} if value is None else set()
    for index, branch in enumerate(schema.get("oneOf", ())):
        if Draft202012Validator(rooted(contract, branch)).is_valid(value):
            names |= {f"{at} branch {index}"} | alternatives_in(contract, branch, value, f"{at}|{index}")
    if isinstance(value, dict):
        for name, inner in schema.get("properties", {}).items():
            if name in value:
                names |= {f"{at}.{name} there"} | alternatives_in(contract, inner, value[name], f"{at}.{name}")
            else:
                names.add(f"{at}.{name} left out")
    if isinstance(value, list):
        names |= set() if value else {f"{at} is empty"}
        for item in value:
            names |= alternatives_in(contract, schema["items"], item, f"{at}[*]")
    return names
