"""Validates a document before anything is run: its structure, its schemas and its references."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from pytest_bctrl.contract.cost import Cost
from pytest_bctrl.contract.document import EXCLUDED, bundling_hint, escape_token, unread_references
from pytest_bctrl.contract.engine import as_engine_input, is_pattern, path_and_value
from pytest_bctrl.contract.outline import METHODS
from pytest_bctrl.contract.references import Addresses, KeywordObject, keyword_objects
from pytest_bctrl.contract.schema.locations import parse_steps
from pytest_bctrl.contract.schema_document import resolve_pointer
from pytest_bctrl.contract.upgrade import upgrade_supported
from pytest_bctrl.contract.valid_parts import DocumentProblem
from pytest_bctrl.errors import DocumentError

if TYPE_CHECKING:
    from jsonschema_rs import ValidationError, ValidationErrorKind, Validator

_TEXT = {"type": "string"}
_SCHEMA = {"$ref": "https://json-schema.org/draft/2020-12/schema"}
_LEVELS = ["error", "warning", "info"]
_PAIR = {"type": "array", "items": _TEXT, "minItems": 2, "maxItems": 2}


def _object(properties: Mapping[str, Any], *required: str) -> dict[str, Any]:
    """Return the JSON Schema of an object with these properties."""
    return {"type": "object", "properties": properties, "required": list(required)}


def _map(values: Any) -> dict[str, Any]:
    """Return the JSON Schema of an object with any names and these values."""
    return {"type": "object", "additionalProperties": values}


def _list(items: Any) -> dict[str, Any]:
    """Return the JSON Schema of a list of these items."""
    return {"type": "array", "items": items}


def _or_reference(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the JSON Schema of a value that is a reference or valid against `schema`."""
    return {"type": "object", "if": {"required": ["$ref"]}, "then": _object({"$ref": _TEXT}), "else": schema}


def _unless_excluded(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the JSON Schema of a value that is excluded or valid against `schema`."""
    return {"if": _object({}, EXCLUDED), "else": schema}


_HEADER = _or_reference(_object({"schema": _SCHEMA}))
_MEDIA_TYPE = _or_reference(_object({"schema": _SCHEMA, "itemSchema": _SCHEMA}))
_MEDIA = _map(_MEDIA_TYPE)
_PARAMETER = _or_reference(
    _object(
        {
            "name": _TEXT,
            "in": {"enum": ["path", "query", "header", "cookie", "querystring"]},
            "required": {"type": "boolean"},
            "schema": _SCHEMA,
            "style": {
                "enum": [
                    *("form", "simple", "matrix", "label"),
                    *("spaceDelimited", "pipeDelimited", "deepObject", "cookie"),
                ]
            },
            "explode": {"type": "boolean"},
            "allowEmptyValue": {"type": "boolean"},
            "examples": _map(_or_reference(_object({}))),
            "content": {**_MEDIA, "minProperties": 1, "maxProperties": 1},
            "x-bctrl-setting": _TEXT,
        },
        "name",
        "in",
    )
)
_ENCODING = _object({"contentType": _TEXT, "style": _TEXT, "explode": {"type": "boolean"}, "headers": _map(_HEADER)})
_REQUEST_BODY = _or_reference(
    _object(
        {"content": _map(_object({"schema": _SCHEMA, "encoding": _map(_ENCODING)})), "required": {"type": "boolean"}}
    )
)
_RESPONSE = _or_reference(_object({"description": _TEXT, "content": _MEDIA, "headers": _map(_HEADER)}))
_RESPONSES = {
    "type": "object",
    "propertyNames": {"pattern": r"^(?:[1-5](?:[0-9]{2}|XX|xx)|default|x-.*)$"},
    "patternProperties": {"^[^x]": _unless_excluded(_RESPONSE)},
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
_OPERATION_OBJECT = _object(
    {
        "operationId": _TEXT,
        "summary": _TEXT,
        "parameters": _list(_PARAMETER),
        "requestBody": _unless_excluded(_REQUEST_BODY),
        "responses": _RESPONSES,
        "security": _SECURITY,
        "x-bctrl-invariants": _list(_INVARIANT),
        "x-bctrl-paging": _PAGING,
    }
)
_OPERATION = _unless_excluded(_OPERATION_OBJECT)
_PATH_ITEM = _or_reference(
    _object(
        {
            "parameters": _list(_PARAMETER),
            **dict.fromkeys(METHODS, _OPERATION),
            "additionalOperations": _map(_OPERATION),
        }
    )
)
_SCHEME = _object(
    {"type": _TEXT, "scheme": _TEXT, "name": _TEXT, "in": {"enum": ["query", "header", "cookie"]}}, "type"
)
_COMPONENTS = {
    "schemas": _SCHEMA,
    "responses": _RESPONSE,
    "parameters": _PARAMETER,
    "requestBodies": _REQUEST_BODY,
    "headers": _HEADER,
    "mediaTypes": _MEDIA_TYPE,
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
"""The parts of OpenAPI 3.1 and 3.2 that the kit reads, and their types; other parts of a document are not validated."""

_DIALECTS = (
    *("https://json-schema.org/draft/", "http://json-schema.org/draft-"),
    *("https://spec.openapis.org/oas/3.1/", "https://spec.openapis.org/oas/3.2/"),
)


def validate_document(document: Any, name: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return a document upgraded to OpenAPI 3.1 or 3.2, and that with local references; raises if it is invalid.

    The `DocumentError` has the location and a hint. It is also raised if the kit cannot read the document, or if
    validating a value against it could take too long.
    """
    upgraded = upgrade_supported(document, name)
    return upgraded, require_valid(upgraded, name)


def require_valid(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return a valid document with references by identifier replaced by pointers; raises `DocumentError` if invalid.

    Raises `DocumentError` as `validate_document` does.
    """
    require_kind("document", document, f"{name}: #")
    return require_affordable(document, name)


def require_affordable(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return a document with local references only; raises `DocumentError` if it is unsupported or too costly.

    It does so for an invalid reference, dialect, pattern or invariant, and if validating a value costs too much. Of the
    structure, only schemas are validated that references in schemas lead to.
    """
    resolved, objects = _resolved(document)
    root, validated = "#", set[str]()
    unread = unread_references(document)
    for value, pointer, _, is_root in objects:
        if is_root or pointer in validated:
            root = pointer
        reference = value.get("$ref")
        if isinstance(reference, str):
            target = reference_target(resolved, reference, pointer, name, unread)
            is_in_schema = pointer == root or pointer.startswith(f"{root}/")
            target_pointer = unquote(reference[1:])
            # The components in this section are validated as schemas anyway.
            is_component = reference.rpartition("/")[0] == "#/components/schemas"
            if is_in_schema and target_pointer not in validated and not is_component:
                validated.add(target_pointer)
                require_kind("schemas", target, f"{name}: {reference}")
        _require_supported(value, pointer, name)
    Cost(resolved, name, objects).require_bounded()
    return resolved


def _resolved(document: Mapping[str, Any]) -> tuple[Mapping[str, Any], list[KeywordObject]]:
    """Return a document with references by identifier replaced by pointers, and its objects whose keys are keywords."""
    addresses = Addresses(document)
    resolved = addresses.with_local_references()
    return resolved, addresses.objects if resolved is document else list(keyword_objects(resolved))


def reference_target(
    document: Mapping[str, Any], reference: str, pointer: str, name: str, unread: Mapping[str, tuple[str, str]]
) -> Any:
    """Return the target of the reference at a pointer; raises `DocumentError` if it has none."""
    try:
        return resolve_pointer(document, reference, name)
    except DocumentError as error:
        where = f"{name}: #{pointer}"
        if reference in unread:
            problem, hint = unread[reference]
            raise DocumentError(problem, where=where, hint=hint).at(pointer) from None
        problem = error.problem.replace("the reference", f"the reference {reference[:200]!r}")
        hint = error.hint
        if "outside" in problem:
            hint = bundling_hint(name)
        raise DocumentError(problem, where=where, hint=hint).at(pointer) from None


def find_problems(document: Mapping[str, Any], name: str) -> Iterator[DocumentProblem]:
    """Yield the problems of a document of OpenAPI 3.1, except those of referenced schemas and of cost."""
    yield from _structure_problems("document", document)
    unread, (resolved, objects) = unread_references(document), _resolved(document)
    for value, pointer, _, _ in objects:
        reference = value.get("$ref")
        try:
            if isinstance(reference, str):
                reference_target(resolved, reference, pointer, name, unread)
            _require_supported(value, pointer, name)
        except DocumentError as error:
            yield DocumentProblem.of(error, pointer)


def _require_supported(value: Mapping[str, Any], pointer: str, name: str) -> None:
    """Raise `DocumentError` for an unknown dialect, an invalid pattern, or an invalid location of an invariant."""
    where = f"{name}: #{pointer}"
    invariants = value.get("x-bctrl-invariants")
    for number, rule in enumerate(invariants if isinstance(invariants, list) else ()):
        if not isinstance(rule, Mapping):
            continue
        try:
            list(parse_steps(str(rule.get("each", rule.get("unique")))))
        except ValueError as error:
            raise DocumentError(
                str(error), where=f"{where}/x-bctrl-invariants/{number}", hint="write it as findings do: runtimes[*].id"
            ).at(f"{pointer}/x-bctrl-invariants/{number}") from None
    dialect = value.get("$schema")
    if isinstance(dialect, str) and not dialect.startswith(_DIALECTS):
        raise DocumentError(
            f"the dialect {dialect[:80]!r} is not known", where=where, hint="use JSON Schema 2020-12, without $schema"
        ).at(pointer)
    patterns = value.get("patternProperties")
    for pattern in (value.get("pattern"), *(patterns if isinstance(patterns, Mapping) else ())):
        if isinstance(pattern, str) and not is_pattern(pattern):
            raise DocumentError(
                f"the pattern {pattern[:80]!r} cannot be read, or is too large",
                where=where,
                hint="give a regular expression of ECMA 262, with smaller repetitions",
            ).at(pointer)


@lru_cache
def _structure_validator(kind: str) -> Validator:
    """Return the validator for a component of an OpenAPI document, or for the whole document."""
    from jsonschema_rs import Draft202012Validator

    return Draft202012Validator(_COMPONENTS.get(kind, _DOCUMENT), offline=True)


def require_kind(kind: str, value: Any, where: str) -> None:
    """Raise `DocumentError` unless a value has the structure of a component kind, such as `schemas` or `responses`.

    For any other kind, it must be valid as a document.
    """
    for problem in _structure_problems(kind, value):
        location = f"{where}{problem.pointer}"
        raise DocumentError(problem.text, where=location, hint=problem.hint).at(location.partition(": #")[2])


def _structure_problems(kind: str, value: Any) -> Iterator[DocumentProblem]:
    """Yield the problems in the structure of a component: wrong types and missing members, the outermost first."""
    data = as_engine_input(value)
    for error in sorted(_structure_validator(kind).iter_errors(data), key=_depth):
        path = [*path_and_value(error, data)[0]]
        if error.kind.name == "propertyNames":
            # The instance is the name, and the path that of its object.
            path += [str(cause.instance) for cause in _causes(error.kind)]
        while causes := list(_causes(error.kind)):
            error = max(causes, key=_depth)
            path = max(path, [*path_and_value(error, data)[0]], key=len)
        pointer = "".join(f"/{escape_token(str(key))}" for key in path)
        yield DocumentProblem(
            pointer,
            f"it is not well-formed OpenAPI: {_expectation_text(error.kind)}, not {json.dumps(error.instance)[:60]}",
            "validate it against OpenAPI 3.1, or against 3.0 where it says so",
        )


def _depth(error: ValidationError) -> int:
    """Return how deep in the document an error is."""
    return len(error.instance_path)


def _causes(kind: Any) -> Iterator[ValidationError]:
    """Yield the errors that cause an error: those of a property name, or of the branches of `oneOf` or `anyOf`."""
    yield from chain.from_iterable(getattr(kind, "context", ()))
    if kind.name == "propertyNames":
        yield kind.error


def _expectation_text(kind: ValidationErrorKind) -> str:
    """Return the expectation that an error violates, for its message."""
    if kind.name == "required":
        return f"an object with {kind.value} is expected"
    if kind.name == "uniqueItems":
        return "a list without duplicates is expected"
    labels = {"type": "the type", "enum": "one of", "pattern": "a text like"}
    value = kind.value
    if kind.name == "type" and len(value) == 1:
        value = value[0]
    return f"{labels.get(kind.name, kind.name)} {json.dumps(value)[:120]} is expected"
