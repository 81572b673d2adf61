"""Whether a document is one that the kit can read: shape, schemas and references, told before anything is run."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pytest_bctrl.contract.model import pointer
from pytest_bctrl.errors import DocumentError

_TEXT = {"type": "string"}
_SCHEMA = {"$ref": "https://json-schema.org/draft/2020-12/schema"}
_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_LEVELS = ["error", "warning", "info"]
_PAIR = {"type": "array", "items": _TEXT, "minItems": 2, "maxItems": 2}


def _object(properties: Mapping[str, Any], *required: str) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required)}


def _map(values: Any) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": values}


def _list(items: Any) -> dict[str, Any]:
    return {"type": "array", "items": items}


def _or_reference(described: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "if": {"required": ["$ref"]}, "then": _object({"$ref": _TEXT}), "else": described}


_STYLES = ("form", "simple", "matrix", "label", "spaceDelimited", "pipeDelimited", "deepObject")
_HEADER = _or_reference(_object({"schema": _SCHEMA}))
_MEDIA = _map(_object({"schema": _SCHEMA}))
_PARAMETER = _or_reference(
    _object(
        {
            "name": _TEXT,
            "in": {"enum": ["path", "query", "header", "cookie"]},
            "required": {"type": "boolean"},
            "schema": _SCHEMA,
            "style": {"enum": [*_STYLES]},
            "explode": {"type": "boolean"},
            "examples": _map(_or_reference(_object({}))),
            "content": {**_map(_object({"schema": _SCHEMA})), "minProperties": 1, "maxProperties": 1},
            "x-bctrl-setting": _TEXT,
        },
        "name",
        "in",
    )
)
_RESPONSE = _or_reference(_object({"description": _TEXT, "content": _MEDIA, "headers": _map(_HEADER)}))
_RESPONSES = {
    "type": "object",
    "propertyNames": {"pattern": r"^(?:[1-5](?:[0-9]{2}|XX|xx)|default|x-.*)$"},
    "additionalProperties": _RESPONSE,
}
_SECURITY = _list(_map(_list(_TEXT)))
_INVARIANT = {
    **_object(
        {
            "rule": _TEXT,
            "level": {"enum": _LEVELS},
            "because": _TEXT,
            "unique": _TEXT,
            "each": _TEXT,
            "equals": {"type": "string", "pattern": r"^path\."},
            "same": _PAIR,
            "times": _list(_TEXT),
            "ordered": _PAIR,
        },
        "rule",
        "level",
        "because",
    ),
    "if": {"required": ["unique"]},
    "else": {"required": ["each"], "anyOf": [{"required": [word]} for word in ("equals", "same", "times", "ordered")]},
}
_OPERATION = _object(
    {
        "operationId": _TEXT,
        "summary": _TEXT,
        "parameters": _list(_PARAMETER),
        "responses": _RESPONSES,
        "security": _SECURITY,
        "x-bctrl-invariants": _list(_INVARIANT),
    }
)
_PATH_ITEM = _or_reference(_object({"parameters": _list(_PARAMETER), **dict.fromkeys(_METHODS, _OPERATION)}))
_SCHEME = _object(
    {"type": _TEXT, "scheme": _TEXT, "name": _TEXT, "in": {"enum": ["query", "header", "cookie"]}}, "type"
)
_DOCUMENT = _object(
    {
        "info": _object({}),
        "servers": _list(_object({"url": _TEXT, "variables": _map(_object({"default": _TEXT}, "default"))}, "url")),
        "paths": {**_map(_PATH_ITEM), "propertyNames": {"pattern": "^(?:/|x-)"}},
        "security": _SECURITY,
        "components": _object(
            {
                "schemas": _map(_SCHEMA),
                "responses": _map(_RESPONSE),
                "parameters": _map(_PARAMETER),
                "headers": _map(_HEADER),
                "pathItems": _map(_PATH_ITEM),
                "securitySchemes": _map(_or_reference(_SCHEME)),
            }
        ),
    }
)
"""What the kit reads of OpenAPI 3.1, and the types that it reads it with; the rest of a document is free."""

_IN_PLACE = ("allOf", "anyOf", "oneOf")
_DATA = frozenset({"example", "default", "const", "enum", "value"})
"""Keywords that hold data: what looks like a reference in it is none."""

_NAMED = frozenset(
    {"properties", "patternProperties", "dependentSchemas", "$defs", "schemas", "responses", "parameters", "headers"}
    | {"content", "paths", "pathItems", "securitySchemes", "requestBodies", "links", "callbacks"}
)
"""Keywords whose members have names of the author's choice, which may be those of keywords."""


def require_sound(document: Any, name: str) -> None:
    """Raise `DocumentError`, naming the place and what would be right, where the kit could not read a document."""
    version = str(document.get("openapi", "")) if isinstance(document, Mapping) else ""
    if re.fullmatch(r"3\.1(?:\.\d+)?(?:-.*)?", version) is None:
        raise DocumentError(
            "it is not an OpenAPI 3.1 document", where=name, mend="it should have 'openapi: 3.1.0' at its top"
        )
    _require_shape(document, name)
    for keyworded in _keyworded(document):
        if isinstance(keyworded.get("$ref"), str):
            pointer(document, keyworded["$ref"], name)
    _require_no_circle(document, name)


def _require_shape(document: Any, name: str) -> None:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    error = best_match(Draft202012Validator(_DOCUMENT).iter_errors(document))
    if error is not None:
        place = "/".join(str(key).replace("~", "~0").replace("/", "~1") for key in error.absolute_path)
        found = json.dumps(error.instance, default=str)
        raise DocumentError(
            f"it is not well-formed OpenAPI: {_wanted(error.validator, error.validator_value)}, not {found[:60]}",
            where=f"{name}: #/{place}",
            mend="validate it against OpenAPI 3.1",
        )


def _wanted(keyword: Any, value: Any) -> str:
    if keyword == "required":
        return f"an object with {' and '.join(map(str, value))} is expected"
    words = {"type": "the type", "enum": "one of", "pattern": "a text like"}
    return f"{words.get(str(keyword), str(keyword))} {json.dumps(value, default=str)[:120]} is expected"


def _keyworded(value: Any, *, are_names: bool = False) -> Iterator[Mapping[str, Any]]:
    """Every object of a document whose keys are keywords: neither data, nor names of the author's choice."""
    if isinstance(value, Mapping):
        if not are_names:
            yield value
        for key, member in value.items():
            if are_names or key not in _DATA:
                yield from _keyworded(member, are_names=not are_names and key in _NAMED)
    elif isinstance(value, list):
        for item in value:
            yield from _keyworded(item)


def _require_no_circle(document: Mapping[str, Any], name: str) -> None:
    """Raise for schemas that lead back to themselves without a step into the value: no validator ever ends on them."""
    done: set[int] = set()

    def visit(schema: Any, above: tuple[int, ...], reference: str) -> None:
        if not isinstance(schema, Mapping) or id(schema) in done:
            return
        if id(schema) in above:
            raise DocumentError(
                "the reference leads back to itself", where=f"{name}: {reference}", mend="break the circle"
            )
        inside = (*above, id(schema))
        if isinstance(schema.get("$ref"), str):
            visit(pointer(document, schema["$ref"], name), inside, schema["$ref"])
        for word in _IN_PLACE:
            for branch in schema.get(word, ()) if isinstance(schema.get(word), list) else ():
                visit(branch, inside, reference)
        for word in ("not", "if", "then", "else"):
            visit(schema.get(word), inside, reference)
        dependent = schema.get("dependentSchemas")
        for branch in dependent.values() if isinstance(dependent, Mapping) else ():
            visit(branch, inside, reference)
        done.add(id(schema))

    for schema in _keyworded(document):
        visit(schema, (), "")
