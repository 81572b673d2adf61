"""Pairs of documents that differ in what a request may hold, as `further_document_pairs` has them of the rest."""

from __future__ import annotations

from typing import Any

from .pairs import Doc, document, in_content, parameter

_TEXT: Doc = {"type": "string"}
_WHOLE: Doc = {"type": "integer"}
_OBJECT: Doc = {"type": "object"}
_OLD: Doc = {"deprecated": True}
_OK: Doc = {"description": "ok"}


def _path(name: str = "id", **values: Any) -> Doc:
    """Return a document with a path parameter; `values` are further fields of it."""
    parameter = {"name": name, "in": "path", "required": True, "schema": _TEXT, **values}
    get = {"responses": {"200": _OK}, "parameters": [parameter]}
    return {**document(), "paths": {f"/a/{{{name}}}": {"get": get}}}


def _query(**values: Any) -> Doc:
    """Return a document with the query parameter `q`, whose other fields are `values`."""
    return document({"parameters": [{"name": "q", "in": "query", **values}]})


def _objects(**values: Any) -> Doc:
    """Return a document with a query parameter whose schema is an object; `values` are its further fields."""
    return parameter(schema={"type": "object", "properties": {"a": _TEXT}}, **values)


PARAMETERS: dict[str, tuple[Any, ...]] = {
    "a part of a path of another type": (_path(), _path(schema={**_TEXT, "maxLength": 9}),
        "request-parameter-max-length-set @path {id}: 9 of GET /a/{id}",
        "request-parameter-max-length-unset @path {id}: 9 of GET /a/{id}"),
    "a list in a path with another explode": (
        _path(schema={"type": "array", "items": _TEXT}, explode=True),
        _path(schema={"type": "array", "items": _TEXT}, explode=False), "nothing"),
    "a part of a path that is called otherwise": (_path(), _path("key", schema={**_TEXT, "maxLength": 9}),
        "request-parameter-max-length-set @path {id}: 9 of GET /a/{id}",
        "request-parameter-max-length-unset @path {key}: 9 of GET /a/{key}"),
    "a parameter of no path": (
        parameter(**{"in": "path", "name": "#x", "schema": _TEXT}),
        parameter(**{"in": "path", "name": "#x", "schema": _WHOLE}),
        "request-parameter-type-changed @path {#x}: string → integer",
        "request-parameter-type-generalized @path {#x}: integer → string"),
    "headers in another case": (
        parameter(**{"in": "header", "name": "X-One"}),
        parameter(**{"in": "header", "name": "x-ONE", "schema": {**_TEXT, "maxLength": 9}}),
        "request-parameter-max-length-set @header x-one: 9", "request-parameter-max-length-unset @header x-one: 9"),
    "headers that say what is taken": (
        document(),
        document({"parameters": [{"name": name, "in": "header", "schema": _TEXT} for name in ("Accept", "Content-Type",
            "accept-language")]}),
        "new-optional-request-parameter @header accept-language: accept-language",
        "request-parameter-removed @header accept-language: accept-language"),
    "an integer that became a text": (parameter(schema=_WHOLE), parameter(schema=_TEXT),
        "request-parameter-type-generalized @query q: integer → string",
        "request-parameter-type-changed @query q: string → integer"),
    "an integer in JSON that became a text": (_query(**in_content(_WHOLE)), _query(**in_content(_TEXT)),
        "request-parameter-type-changed @query q: integer → string",
        "request-parameter-type-changed @query q: string → integer"),
    "an integer in plain text that became a text": (_query(**in_content(_WHOLE, "Text/Plain")),
        _query(**in_content(_TEXT, "text/plain")),
        "request-parameter-type-generalized @query q: integer → string",
        "request-parameter-type-changed @query q: string → integer"),
    "a format written otherwise in a parameter": (
        _query(**in_content(_TEXT, "application/json;charset=utf-8")),
        _query(**in_content(_TEXT, "Application/JSON; charset=UTF-8")), "nothing"),
    "an integer in JSON with a character set that became a text": (
        _query(**in_content(_WHOLE, "application/json; charset=utf-8")),
        _query(**in_content(_TEXT, "application/json; charset=utf-8")),
        "request-parameter-type-changed @query q: integer → string",
        "request-parameter-type-changed @query q: string → integer"),
    "a value in another format": (_query(**in_content(_TEXT)), _query(**in_content(_TEXT, "application/xml")),
        "request-parameter-style-changed @query q: application/json → application/xml",
        "request-parameter-style-changed @query q: application/xml → application/json"),
    "a value in one format and none": (_query(**in_content(_TEXT)), _query(schema=_TEXT),
        "request-parameter-style-changed @query q: application/json → form",
        "request-parameter-style-changed @query q: form → application/json"),
    "a value that says nothing": (_query(content={"application/json": {}}), _query(**in_content(_TEXT)),
        "request-parameter-type-changed @query q: any → string",
        "request-parameter-type-generalized @query q: string → any"),
    "a style that is written out": (parameter(), parameter(style="form", explode=True), "nothing"),
    "an object that is no longer exploded": (_objects(), _objects(explode=False),
        "request-parameter-explode-changed @query q: true → false",
        "request-parameter-explode-changed @query q: false → true"),
    "a text that is no longer exploded": (parameter(), parameter(explode=False), "nothing"),
    "a value that became a list": (parameter(), parameter(schema={"type": "array", "items": _TEXT}),
        "request-parameter-type-generalized @query q: string → array",
        "request-parameter-type-changed @query q: array → string"),
    "a value that became a short list": (parameter(),
        parameter(schema={"type": "array", "items": _TEXT, "maxItems": 3}),
        "request-parameter-type-generalized @query q: string → array",
        "request-parameter-type-changed @query q: array → string"),
    "a value that became a list of at least two": (parameter(),
        parameter(schema={"type": "array", "items": _TEXT, "minItems": 2}),
        "request-parameter-type-changed @query q: string → array",
        "request-parameter-type-changed @query q: array → string"),
    "a value that became a list of others": (parameter(), parameter(schema={"type": "array", "items": _WHOLE}),
        "request-parameter-type-changed @query q: string → array",
        "request-parameter-type-changed @query q: array → string"),
    "a value that became a list in one piece": (parameter(),
        parameter(schema={"type": "array", "items": _TEXT}, explode=False),
        "request-parameter-explode-changed @query q: true → false; request-parameter-type-changed @query q: string → "
        "array",
        "request-parameter-explode-changed @query q: false → true; request-parameter-type-changed @query q: array → "
        "string"),
    "a value that became a list of a first": (parameter(), parameter(schema={"type": "array", "prefixItems": [_TEXT]}),
        "request-parameter-type-changed @query q: string → array",
        "request-parameter-type-changed @query q: array → string"),
    "values of some that became a list": (
        parameter(schema={"enum": ["a", "b"]}), parameter(schema={"type": "array", "items": {"enum": ["a", "b", "c"]}}),
        "request-parameter-type-generalized @query q: string → array",
        "request-parameter-type-changed @query q: array → string"),
    "a parameter that is deprecated": (
        parameter(**_OLD), document(), "request-parameter-removed-with-deprecation @query q: q",
        "new-optional-request-parameter @query q: q"),
    "parameters that came and went": (document({"parameters": [{"name": name, "in": "query",
        "schema": _TEXT} for name in "abc"]}),
        document({"parameters": [{"name": name, "in": "cookie", "schema": _TEXT, "required": True} for name in "cd"]}),
        "new-required-request-parameter @cookie c: c; new-required-request-parameter @cookie d: d; "
        "request-parameter-removed @query a: a; "
        "request-parameter-removed @query b: b; request-parameter-removed @query c: c",
        "new-optional-request-parameter @query a: a; new-optional-request-parameter @query b: b; "
        "new-optional-request-parameter @query c: c; request-parameter-removed @cookie c: c; "
        "request-parameter-removed @cookie d: d"),
    "values that a consumer bears": (
        parameter(schema={**_TEXT, "x-extensible-enum": ["a", "b", "c"]}),
        parameter(schema={**_TEXT, "x-extensible-enum": ["c", "d"]}),
        "request-parameter-x-extensible-enum-value-removed @query q: 'a', 'b'",
        "request-parameter-x-extensible-enum-value-removed @query q: 'd'"),
    "an object that must hold something in a header": (
        parameter(**{"in": "header", "schema": _OBJECT}),
        parameter(**{"in": "header", "schema": {**_OBJECT, "required": ["a"], "properties": {"b": _TEXT}}}),
        "new-optional-request-parameter-property @header q.b: b; new-required-request-header-property @header q.a: a",
        "request-parameter-property-removed @header q.a: a; request-parameter-property-removed @header q.b: b"),
    "a list that is no longer exploded": (
        parameter(schema={"type": "array", "items": _TEXT}),
        parameter(schema={"type": "array", "items": _TEXT}, explode=False),
        "request-parameter-explode-changed @query q: true → false",
        "request-parameter-explode-changed @query q: false → true"),
    "an integer that became a text with a format": (parameter(schema=_WHOLE),
        parameter(schema={**_TEXT, "format": "date"}),
        "request-parameter-type-changed @query q: integer → string",
        "request-parameter-type-changed @query q: string → integer"),
    "a name with capitals": (parameter(name="pageSize", schema=_WHOLE), parameter(name="pageSize", schema=_TEXT),
        "request-parameter-type-generalized @query pageSize: integer → string",
        "request-parameter-type-changed @query pageSize: string → integer"),
}  # fmt: skip


def _body(content: Any = None, **more: Any) -> Doc:
    """Return a document with a request body of this content; without any if it is None."""
    return document({"requestBody": {"content": content, **more}} if content is not None else {})


def _in(schema: Doc, *media: str) -> Doc:
    """Return content with the schema in each media type, or in JSON if none is listed."""
    return {name: {"schema": schema} for name in media or ("application/json",)}


_MANY = ("a/b", "a/c", "a/d", "a/e", "a/f", "a/g")


def _each(change: str) -> str:
    """Return the text of a change in each of many media types."""
    return ", ".join(f"{change} in {media}" for media in _MANY)


BODIES: dict[str, tuple[Any, ...]] = {
    "a body in one format more": (_body(_in(_TEXT)), _body(_in(_TEXT, "application/json", "text/plain")),
        "request-body-media-type-added @requestBody text/plain: text/plain",
        "request-body-media-type-removed @requestBody text/plain: text/plain"),
    "a body of which nothing is said": (document({"requestBody": {}}), _body(None), "nothing"),
    "a body in another format": (_body(_in(_TEXT)), _body(_in(_TEXT, "text/plain")),
        "request-body-media-type-added @requestBody text/plain: text/plain; "
        "request-body-media-type-removed @requestBody application/json: application/json",
        "request-body-media-type-added @requestBody application/json: application/json; "
        "request-body-media-type-removed @requestBody text/plain: text/plain"),
    "a body in a format whose name is a suffix of the other": (_body(_in(_TEXT, "application/vnd.a+json")),
        _body(_in(_TEXT)),
        "request-body-media-type-added @requestBody application/json: application/json; "
        "request-body-media-type-removed @requestBody application/vnd.a+json: application/vnd.a+json",
        "request-body-media-type-added @requestBody application/vnd.a+json: application/vnd.a+json; "
        "request-body-media-type-removed @requestBody application/json: application/json"),
    "a body in one format more, and shorter": (
        _body(_in(_TEXT)), _body({**_in({**_TEXT, "maxLength": 3}), **_in(_TEXT, "text/plain")}),
        "request-body-max-length-set @requestBody: 3; "
        "request-body-media-type-added @requestBody text/plain: text/plain",
        "request-body-max-length-unset @requestBody: 3; "
        "request-body-media-type-removed @requestBody text/plain: text/plain"),
    "a body whose formats changed otherwise": (_body(_in(_TEXT, "application/json", "text/plain", "text/csv")),
        _body({**_in({**_TEXT, "maxLength": 3}), **_in({**_TEXT, "minLength": 0}, "text/plain"), "text/csv": {}}),
        "request-body-max-length-set @requestBody: 3; "
        "request-body-media-type-schema-removed @requestBody text/csv: in text/csv",
        "request-body-max-length-unset @requestBody: 3; "
        "request-body-media-type-schema-added @requestBody text/csv: in text/csv"),
    "a body of which one format of many is shorter": (
        _body(_in(_TEXT, "a/a", *_MANY)), _body({**_in({**_TEXT, "maxLength": 3}, "a/a"), **_in({}, *_MANY)}),
        f"request-body-max-length-set @requestBody: 3 in a/a; "
        f"request-body-type-generalized @requestBody: {_each('string → any')}",
        f"request-body-max-length-unset @requestBody: 3 in a/a; "
        f"request-body-type-changed @requestBody: {_each('any → string')}"),
    "a format written otherwise in a body": (
        _body(_in(_TEXT, "application/json;charset=utf-8")), _body(_in(_TEXT, "Application/JSON; charset=UTF-8")),
        "nothing"),
    "an integer that became a text in a body": (_body(_in(_WHOLE)), _body(_in(_TEXT)),
        "request-body-type-changed @requestBody: integer → string",
        "request-body-type-changed @requestBody: string → integer"),
    "an integer that became a text in a body with a character set": (
        _body(_in(_WHOLE, "application/json; charset=utf-8")), _body(_in(_TEXT, "application/json; charset=utf-8")),
        "request-body-type-changed @requestBody: integer → string in application/json; charset=utf-8",
        "request-body-type-changed @requestBody: string → integer in application/json; charset=utf-8"),
    "an integer that became a text in plain text": (_body(_in(_WHOLE, "text/plain")), _body(_in(_TEXT, "text/plain")),
        "request-body-type-generalized @requestBody: integer → string in text/plain",
        "request-body-type-changed @requestBody: string → integer in text/plain"),
    "a body that must be, and be shorter": (_body(_in(_TEXT)), _body(_in({**_TEXT, "maxLength": 3}), required=True),
        "request-body-became-required @requestBody: optional → required; request-body-max-length-set @requestBody: 3",
        "request-body-became-optional @requestBody: required → optional; "
        "request-body-max-length-unset @requestBody: 3"),
    "a body that must have a property": (
        _body(_in({**_OBJECT, "properties": {"a": _TEXT}})), _body(_in({**_OBJECT, "properties": {"a": _TEXT},
        "required": ["a"]})),
        "request-property-became-required @requestBody.a: optional → required",
        "request-property-became-optional @requestBody.a: required → optional"),
    "a body that says nothing": (
        _body({"application/json": {}}), _body(_in(_TEXT)),
        "request-body-media-type-schema-added @requestBody application/json",
        "request-body-media-type-schema-removed @requestBody application/json"),
}  # fmt: skip
