"""Whether a document is one that the kit can read: shape, schemas and references, told before anything is run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from pytest_bctrl.contract.cost import Cost
from pytest_bctrl.contract.document import escape_token, require_openapi
from pytest_bctrl.contract.engine import as_engine_input, is_pattern
from pytest_bctrl.contract.json_source import require_shallow
from pytest_bctrl.contract.keywords import is_wrapped, upgrade_schema
from pytest_bctrl.contract.model import resolve_pointer
from pytest_bctrl.contract.outline import METHODS
from pytest_bctrl.contract.references import FRAGMENT, Addresses, keyword_objects, rewrite_objects
from pytest_bctrl.contract.schema.locations import parse_steps
from pytest_bctrl.errors import DocumentError

if TYPE_CHECKING:
    from jsonschema_rs import ValidationError, ValidationErrorKind, Validator

_TEXT = {"type": "string"}
_SCHEMA = {"$ref": "https://json-schema.org/draft/2020-12/schema"}
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


_HEADER = _or_reference(_object({"schema": _SCHEMA}))
_MEDIA = _map(_object({"schema": _SCHEMA}))
_PARAMETER = _or_reference(
    _object(
        {
            "name": _TEXT,
            "in": {"enum": ["path", "query", "header", "cookie"]},
            "required": {"type": "boolean"},
            "schema": _SCHEMA,
            "style": {"enum": ["form", "simple", "matrix", "label", "spaceDelimited", "pipeDelimited", "deepObject"]},
            "explode": {"type": "boolean"},
            "examples": _map(_or_reference(_object({}))),
            "content": {**_MEDIA, "minProperties": 1, "maxProperties": 1},
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
    "patternProperties": {"^[^x]": _RESPONSE},
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
_PAGING_PARTS = ("size", "cursor", "item", "page", "offset", "next", "more", "total", "pages", "items", "id")
_PAGING = {
    "if": {"type": "object"},
    "then": {**_map(_TEXT), "propertyNames": {"enum": [*_PAGING_PARTS]}},
    "else": {"enum": [False]},
}
_OPERATION = _object(
    {
        "operationId": _TEXT,
        "summary": _TEXT,
        "parameters": _list(_PARAMETER),
        "responses": _RESPONSES,
        "security": _SECURITY,
        "x-bctrl-invariants": _list(_INVARIANT),
        "x-bctrl-paging": _PAGING,
    }
)
_PATH_ITEM = _or_reference(_object({"parameters": _list(_PARAMETER), **dict.fromkeys(METHODS, _OPERATION)}))
_SCHEME = _object(
    {"type": _TEXT, "scheme": _TEXT, "name": _TEXT, "in": {"enum": ["query", "header", "cookie"]}}, "type"
)
_COMPONENTS = {
    "schemas": _SCHEMA,
    "responses": _RESPONSE,
    "parameters": _PARAMETER,
    "headers": _HEADER,
    "pathItems": _PATH_ITEM,
    "securitySchemes": _or_reference(_SCHEME),
}
_DOCUMENT = _object(
    {
        "info": _object({}),
        "servers": _list(_object({"url": _TEXT, "variables": _map(_object({"default": _TEXT}, "default"))}, "url")),
        "paths": {"type": "object", "patternProperties": {"^/": _PATH_ITEM}, "propertyNames": {"pattern": "^(?:/|x-)"}},
        "security": _SECURITY,
        "components": _object({kind: _map(shape) for kind, shape in _COMPONENTS.items()}),
    }
)
"""What the kit reads of OpenAPI 3.1, and the types that it reads it with; the rest of a document is free."""

_DIALECTS = ("https://json-schema.org/draft/", "http://json-schema.org/draft-", "https://spec.openapis.org/oas/3.1/")


def validate_document(document: Any, name: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return a document as OpenAPI 3.1, and that with a pointer in place of each reference by identifier.

    Raises `DocumentError`, naming the place and what would be right, where the kit could not read it, or where to hold
    a value to it could take without bound.
    """
    require_openapi(document, name)
    require_shallow(document, name)
    modern = upgrade_document(document) if str(document["openapi"]).startswith("3.0") else document
    require_kind("document", modern, f"{name}: #")
    return modern, require_affordable(modern, name)


def require_affordable(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Do what `validate_document` does about references, patterns and cost, for a document of OpenAPI 3.0 too."""
    found = Addresses(document).local()
    root, known = "#", set[str]()
    for one in keyword_objects(found):
        root = one.pointer if one.is_root or one.pointer in known else root
        reference = one.value.get("$ref")
        if isinstance(reference, str):
            target = resolve_pointer(found, reference, name)
            is_schemas = one.pointer == root or one.pointer.startswith(f"{root}/")
            place = unquote(reference[1:])
            # What is in that folder is known to be a schema.
            is_component = reference.rpartition("/")[0] == "#/components/schemas"
            if is_schemas and place not in known and not is_component:
                known.add(place)
                require_kind("schemas", target, f"{name}: {reference}")
        _require_known(one.value, f"{name}: #{one.pointer}")
    Cost(found, name).require_bounded()
    return found


def _require_known(value: Mapping[str, Any], where: str) -> None:
    """Raise for a dialect and a pattern that the engine does not know, and for an invariant's place that is none."""
    for number, rule in enumerate(value.get("x-bctrl-invariants", ())):
        try:
            list(parse_steps(str(rule.get("each", rule.get("unique")))))
        except ValueError as error:
            raise DocumentError(
                str(error), where=f"{where}/x-bctrl-invariants/{number}", hint="write it as findings do: runtimes[*].id"
            ) from None
    dialect = value.get("$schema")
    if isinstance(dialect, str) and not dialect.startswith(_DIALECTS):
        raise DocumentError(
            f"the dialect {dialect[:80]!r} is not known", where=where, hint="use JSON Schema 2020-12, without $schema"
        )
    patterns = value.get("patternProperties")
    for pattern in (value.get("pattern"), *(patterns if isinstance(patterns, Mapping) else ())):
        if isinstance(pattern, str) and not is_pattern(pattern):
            raise DocumentError(
                f"the pattern {pattern[:80]!r} cannot be read, or is too large",
                where=where,
                hint="give a regular expression of ECMA 262, with smaller repetitions",
            )


@lru_cache
def _shape(kind: str) -> Validator:
    from jsonschema_rs import Draft202012Validator

    return Draft202012Validator(_COMPONENTS.get(kind, _DOCUMENT), offline=True)


def require_kind(kind: str, document: Any, where: str) -> None:
    """Raise `DocumentError` for what is no schema, response or whatever that folder of `components` is for.

    What is of none is held to what a whole document is.
    """
    found = list(_shape(kind).iter_errors(as_engine_input(document)))
    if found:
        error = min(found, key=lambda one: len(one.instance_path))
        while inner := list(_inside(error.kind)):
            error = max(inner, key=lambda one: len(one.instance_path))
        place = "".join(f"/{escape_token(str(key))}" for key in error.instance_path)
        raise DocumentError(
            f"it is not well-formed OpenAPI: {_wanted(error.kind)}, not {json.dumps(error.instance)[:60]}",
            where=f"{where}{place}",
            hint="validate it against OpenAPI 3.1, or against 3.0 where it says so",
        )


def _inside(kind: Any) -> Iterator[ValidationError]:
    """The errors that an error is about: of a name, or of the branches that a value is in none of."""
    yield from chain.from_iterable(getattr(kind, "context", ()))
    yield from [kind.error] if kind.name == "propertyNames" else ()


def _wanted(kind: ValidationErrorKind) -> str:
    if kind.name == "required":
        return f"an object with {kind.value} is expected"
    words = {"type": "the type", "enum": "one of", "pattern": "a text like"}
    value = kind.value[0] if kind.name == "type" and len(kind.value) == 1 else kind.value
    return f"{words.get(kind.name, kind.name)} {json.dumps(value)[:120]} is expected"


_MOVED = "/anyOf/0"


def upgrade_document(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a document of OpenAPI 3.0 as one of 3.1; what is not well-formed in it stays as it is."""
    found = {one.pointer: one.value for one in keyword_objects(document)}
    moved = {place for place, value in found.items() if is_wrapped(value)}

    def rewrite(schema: dict[str, Any]) -> dict[str, Any]:
        if isinstance(schema.get("$ref"), str):
            # What stands beside a reference is ignored (3.0.4, 4.7.23.1); that it may be null is what people mean.
            inner = {"$ref": _led(schema["$ref"], moved)}
            return upgrade_schema({**inner, "nullable": schema.get("nullable")})
        return upgrade_schema(schema)

    return {**rewrite_objects(document, dict.fromkeys(found, rewrite)), "openapi": "3.1.0"}


def _led(reference: str, moved: set[str]) -> str:
    """A reference, with the step that leads into each schema that was moved on its way."""
    if not reference.startswith("#/") or not moved:
        return reference
    place = made = ""
    for token in unquote(reference[1:]).split("/")[1:]:
        made += (_MOVED if place in moved else "") + f"/{token}"
        place += f"/{token}"
    return f"#{quote(made, safe=FRAGMENT)}"
