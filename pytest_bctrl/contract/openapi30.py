"""OpenAPI 3.0 as 3.1 says the same, so that nothing behind the loading of a document has to know both.

Places stay where they are, but for a schema that may be null and says more than its type: it is the first of two
alternatives, of which null is the other, and references into it lead there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote

from pytest_bctrl.contract.references import FRAGMENT, keyworded, rewritten

_MOVING = frozenset({"$ref", "allOf", "anyOf", "oneOf", "not"})
_MOVED = "/anyOf/0"


def as_31(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a document of OpenAPI 3.0 as one of 3.1; what is not well-formed in it stays as it is."""
    found = {one.pointer: one.value for one in keyworded(document)}
    moved = {place for place, value in found.items() if _is_moved(value)}

    def modern(schema: dict[str, Any]) -> dict[str, Any]:
        if isinstance(schema.get("$ref"), str):
            # What stands beside a reference is ignored (3.0.4, 4.7.23.1); that it may be null is what people mean.
            inner = {"$ref": _led(schema["$ref"], moved)}
            return {"anyOf": [inner, {"type": "null"}]} if _is_moved(schema) else inner
        return _modern(schema)

    return {**rewritten(document, dict.fromkeys(found, modern)), "openapi": "3.1.0"}


def _modern(schema: dict[str, Any]) -> dict[str, Any]:
    made = {key: value for key, value in schema.items() if key != "nullable"}
    for bound in ("minimum", "maximum"):
        exclusive = f"exclusive{bound.capitalize()}"
        if isinstance(schema.get(exclusive), bool):
            del made[exclusive]
            if schema[exclusive] and bound in made:
                made[exclusive] = made.pop(bound)
    if _is_moved(schema):
        return {"anyOf": [made, {"type": "null"}]}
    if schema.get("nullable") is True:
        if isinstance(made.get("type"), str):
            made["type"] = [made["type"], "null"]
        if isinstance(made.get("enum"), list) and None not in made["enum"]:
            made["enum"] = [*made["enum"], None]
    return made


def _is_moved(schema: Mapping[str, Any]) -> bool:
    return schema.get("nullable") is True and not _MOVING.isdisjoint(schema)


def _led(reference: str, moved: set[str]) -> str:
    """A reference, with the step that leads into each schema that was moved on its way."""
    if not reference.startswith("#/") or not moved:
        return reference
    place = made = ""
    for token in unquote(reference[1:]).split("/")[1:]:
        made += (_MOVED if place in moved else "") + f"/{token}"
        place += f"/{token}"
    return f"#{quote(made, safe=FRAGMENT)}"
