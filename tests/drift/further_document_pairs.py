"""Pairs of documents in which more than one thing differs, or one thing in a way that no rule's smallest change shows."""
# ruff: noqa: E501 - a table is read across

from __future__ import annotations

from typing import Any

from .document_pairs import TODAY
from .pairs import Doc, answer, body, document, parameter

_TEXT: Doc = {"type": "string"}
_WHOLE: Doc = {"type": "integer"}
_OBJECT: Doc = {"type": "object"}
_OLD: Doc = {"deprecated": True, "x-sunset": TODAY.isoformat()}
_OK: Doc = {"description": "ok"}


def _key(name: str, where: str = "header") -> Doc:
    return {"type": "apiKey", "in": where, "name": name}


_SCHEMES: dict[str, Doc] = {
    **{name: _key(f"X-{name.upper()}") for name in "abcde"},
    "bearer": {"type": "http", "scheme": "Bearer"},
    "oauth": {"type": "oauth2", "flows": {}},
    "open": {"type": "openIdConnect", "openIdConnectUrl": "https://o"},
    "tls": {"type": "mutualTLS"},
    "asked": _key("Key", "query"),
    "kept": _key("Key", "cookie"),
}


def _secured(*requirements: Doc, parameters: list[Doc] | None = None, **root: Any) -> Doc:
    made = document({"security": list(requirements), "parameters": parameters or []}, **root)
    return {**made, "components": {"securitySchemes": _SCHEMES}}


def _each(*names: str) -> list[Doc]:
    return [{name: []} for name in names]


def _schemes(**schemes: Doc) -> Doc:
    return document(components={"securitySchemes": schemes})


def _flows(**flows: Doc) -> Doc:
    return _schemes(oauth={"type": "oauth2", "flows": flows})


def _flow(url: str, **scopes: str) -> Doc:
    return {"authorizationUrl": f"https://{url}", "tokenUrl": f"https://{url}/token", "scopes": scopes}


_HEADER: Doc = {"name": "X-A", "in": "header", "required": True, "schema": _TEXT}

_SECURITY: dict[str, tuple[Doc, Doc]] = {
    "several credentials, each enough": (_secured({"tls": []}), _secured(*_each("tls", "e", "c", "d", "a", "b"))),
    "one of several credentials": (_secured(*_each("bearer", "tls")), _secured(*_each("e", "c", "d", "a", "b"))),
    "two credentials at once": (_secured(), _secured({"bearer": [], "a": []})),
    "a credential that need not be": (_secured({}, {"a": []}), _secured({"a": []})),
    "two credentials of which none needs to be": (_secured({}, {"a": []}, {"b": []}), _secured({}, {"a": []})),
    "a credential that need not be, where none was asked": (_secured({}), _secured({}, {"a": []})),
    "another credential, that need not be": (_secured({"a": []}), _secured({}, {"b": []})),
    "scopes of several credentials": (
        _secured({"oauth": ["read"]}, {"open": ["x", "y"]}, {"a": ["one"], "b": []}),
        _secured({"oauth": ["write", "all"]}, {"open": ["y"]}, {"b": ["two"], "a": []}),
    ),
    "scopes, two lists of one credential": (
        _secured({"oauth": ["read"]}, {"oauth": ["write"]}), _secured({"oauth": ["admin"]}),
    ),
    "scopes and another credential": (_secured({"oauth": ["read"]}), _secured({"oauth": ["write"]}, {"a": []})),
    "keys in other places": (_secured({"asked": []}), _secured({"kept": []})),
    "a key that a parameter carried": (_secured(parameters=[_HEADER]), _secured({"a": []})),
    "a key that a parameter carries, and another": (
        _secured(parameters=[_HEADER]), _secured({"a": [], "b": []}, parameters=[_HEADER]),
    ),
    "a key that a parameter need not carry": (
        _secured(parameters=[{**_HEADER, "required": False}]), _secured({"a": []}, parameters=[{**_HEADER, "required": False}]),
    ),
    "a certificate": (_secured(parameters=[_HEADER]), _secured({"tls": []}, parameters=[_HEADER])),
    "a document's own and an operation's": (
        {**document(security=_each("a")), "components": {"securitySchemes": _SCHEMES}}, _secured({"a": []}, {"b": []}),
    ),
    "schemes of every kind": (document(), {**document(), "components": {"securitySchemes": _SCHEMES}}),
    "schemes that are called otherwise": (
        _schemes(one=_key("X-One"), two=_key("Two", "query")), _schemes(first=_key("x-one"), second=_key("two", "query")),
    ),
    "a scheme that became another": (
        _schemes(a={"type": "openIdConnect", "openIdConnectUrl": "https://o"}), _schemes(a={"type": "openIdConnect", "openIdConnectUrl": "https://p"}),
    ),
    "flows that came, went and changed": (
        _flows(implicit=_flow("a", read="r", write="w"), password=_flow("p")),
        _flows(implicit=_flow("b", read="reads", all="a"), clientCredentials=_flow("c")),
    ),
    "flows of a scheme that is called otherwise": (
        _schemes(one={"type": "oauth2", "flows": {"implicit": _flow("a", read="r")}}),
        _schemes(two={"type": "oauth2", "flows": {"implicit": _flow("a", read="r", write="w")}}),
    ),
}  # fmt: skip


def _path(name: str = "id", **values: Any) -> Doc:
    given = {"name": name, "in": "path", "required": True, "schema": _TEXT, **values}
    get = {"responses": {"200": _OK}, "parameters": [given]}
    return {**document(), "paths": {f"/a/{{{name}}}": {"get": get}}}


def _sent(**values: Any) -> Doc:
    return document({"parameters": [{"name": "q", "in": "query", **values}]})


def _json(schema: Doc, media: str = "application/json") -> Doc:
    return {"content": {media: {"schema": schema}}}


def _objects(**values: Any) -> Doc:
    return parameter(schema={"type": "object", "properties": {"a": _TEXT}}, **values)


_PARAMETERS: dict[str, tuple[Doc, Doc]] = {
    "a part of a path of another type": (_path(), _path(schema={**_TEXT, "maxLength": 9})),
    "a part of a path that is called otherwise": (_path(), _path("key", schema={**_TEXT, "maxLength": 9})),
    "a parameter of no path": (parameter(**{"in": "path", "name": "#x", "schema": _TEXT}), parameter(**{"in": "path", "name": "#x", "schema": _WHOLE})),
    "headers in another case": (
        parameter(**{"in": "header", "name": "X-One"}), parameter(**{"in": "header", "name": "x-ONE", "schema": {**_TEXT, "maxLength": 9}}),
    ),
    "headers that say what is taken": (
        document(), document({"parameters": [{"name": name, "in": "header", "schema": _TEXT} for name in ("Accept", "Content-Type", "accept-language")]}),
    ),
    "an integer that became a text": (parameter(schema=_WHOLE), parameter(schema=_TEXT)),
    "an integer in JSON that became a text": (_sent(**_json(_WHOLE)), _sent(**_json(_TEXT))),
    "an integer in plain text that became a text": (_sent(**_json(_WHOLE, "Text/Plain")), _sent(**_json(_TEXT, "text/plain"))),
    "a format written otherwise in a parameter": (
        _sent(**_json(_TEXT, "application/json;charset=utf-8")), _sent(**_json(_TEXT, "Application/JSON; charset=UTF-8")),
    ),
    "an integer in JSON with a character set that became a text": (
        _sent(**_json(_WHOLE, "application/json; charset=utf-8")), _sent(**_json(_TEXT, "application/json; charset=utf-8")),
    ),
    "a value in another format": (_sent(**_json(_TEXT)), _sent(**_json(_TEXT, "application/xml"))),
    "a value in one format and none": (_sent(**_json(_TEXT)), _sent(schema=_TEXT)),
    "a value that says nothing": (_sent(content={"application/json": {}}), _sent(**_json(_TEXT))),
    "a style that is written out": (parameter(), parameter(style="form", explode=True)),
    "an object that is no longer exploded": (_objects(), _objects(explode=False)),
    "a text that is no longer exploded": (parameter(), parameter(explode=False)),
    "a value that became a list": (parameter(), parameter(schema={"type": "array", "items": _TEXT})),
    "a value that became a short list": (parameter(), parameter(schema={"type": "array", "items": _TEXT, "maxItems": 3})),
    "a value that became a list of at least two": (parameter(), parameter(schema={"type": "array", "items": _TEXT, "minItems": 2})),
    "a value that became a list of others": (parameter(), parameter(schema={"type": "array", "items": _WHOLE})),
    "a value that became a list in one piece": (parameter(), parameter(schema={"type": "array", "items": _TEXT}, explode=False)),
    "a value that became a list of a first": (parameter(), parameter(schema={"type": "array", "prefixItems": [_TEXT]})),
    "values of some that became a list": (
        parameter(schema={"enum": ["a", "b"]}), parameter(schema={"type": "array", "items": {"enum": ["a", "b", "c"]}}),
    ),
    "a parameter that is deprecated": (parameter(**_OLD), document()),
    "parameters that came and went": (
        document({"parameters": [{"name": name, "in": "query", "schema": _TEXT} for name in "abc"]}),
        document({"parameters": [{"name": name, "in": "cookie", "schema": _TEXT, "required": True} for name in "cd"]}),
    ),
    "values that a consumer bears": (
        parameter(schema={**_TEXT, "x-extensible-enum": ["a", "b", "c"]}), parameter(schema={**_TEXT, "x-extensible-enum": ["c", "d"]}),
    ),
    "an object that must hold something in a header": (
        parameter(**{"in": "header", "schema": _OBJECT}), parameter(**{"in": "header", "schema": {**_OBJECT, "required": ["a"], "properties": {"b": _TEXT}}}),
    ),
}  # fmt: skip


def _taken(content: Any = None, **more: Any) -> Doc:
    return document({"requestBody": {"content": content, **more}} if content is not None else {})


def _in(schema: Doc, *media: str) -> Doc:
    return {name: {"schema": schema} for name in media or ("application/json",)}


_MANY = ("a/b", "a/c", "a/d", "a/e", "a/f", "a/g")

_BODIES: dict[str, tuple[Doc, Doc]] = {
    "a body in one format more": (_taken(_in(_TEXT)), _taken(_in(_TEXT, "application/json", "text/plain"))),
    "a body in another format": (_taken(_in(_TEXT)), _taken(_in(_TEXT, "text/plain"))),
    "a body in one format more, and shorter": (
        _taken(_in(_TEXT)), _taken({**_in({**_TEXT, "maxLength": 3}), **_in(_TEXT, "text/plain")}),
    ),
    "a body whose formats changed otherwise": (
        _taken(_in(_TEXT, "application/json", "text/plain", "text/csv")),
        _taken({**_in({**_TEXT, "maxLength": 3}), **_in({**_TEXT, "minLength": 0}, "text/plain"), "text/csv": {}}),
    ),
    "a body of which one format of many is shorter": (
        _taken(_in(_TEXT, "a/a", *_MANY)), _taken({**_in({**_TEXT, "maxLength": 3}, "a/a"), **_in({}, *_MANY)}),
    ),
    "a format written otherwise in a body": (
        _taken(_in(_TEXT, "application/json;charset=utf-8")), _taken(_in(_TEXT, "Application/JSON; charset=UTF-8")),
    ),
    "an integer that became a text in a body": (_taken(_in(_WHOLE)), _taken(_in(_TEXT))),
    "an integer that became a text in a body with a character set": (
        _taken(_in(_WHOLE, "application/json; charset=utf-8")), _taken(_in(_TEXT, "application/json; charset=utf-8")),
    ),
    "an integer that became a text in plain text": (_taken(_in(_WHOLE, "text/plain")), _taken(_in(_TEXT, "text/plain"))),
    "a body that must be, and be shorter": (
        _taken(_in(_TEXT)), _taken(_in({**_TEXT, "maxLength": 3}), required=True),
    ),
    "a body that must have a property": (
        _taken(_in({**_OBJECT, "properties": {"a": _TEXT}})), _taken(_in({**_OBJECT, "properties": {"a": _TEXT}, "required": ["a"]})),
    ),
    "a body that says nothing": (_taken({"application/json": {}}), _taken(_in(_TEXT))),
}  # fmt: skip


def _statuses(*statuses: str) -> Doc:
    return document({"responses": dict.fromkeys(statuses, _OK)})


def _media(*names: str, schema: Doc | None = None) -> Doc:
    return answer(content={name: {"schema": schema} if schema else {} for name in names})


def _headers(**headers: Doc) -> Doc:
    return answer(headers={name.replace("_", "-"): header for name, header in headers.items()})


_RESPONSES: dict[str, tuple[Doc, Doc]] = {
    "only a default": (_statuses("404"), _statuses("default")),
    "a default where there was none": (_statuses(), _statuses("default")),
    "a default beside success": (_statuses("200"), _statuses("200", "default")),
    "a default beside failure": (_statuses("200", "404"), _statuses("default")),
    "a default beside a range": (_statuses("2xx"), _statuses("2XX", "Default")),
    "only a default, and success": (_statuses("default"), _statuses("200", "404")),
    "a range of which two are left": (_statuses("2XX", "4XX"), _statuses("200", "204", "400", "500")),
    "two ranges": (_statuses("2XX"), _statuses("3XX")),
    "headers that came, went and changed": (
        _headers(X_A={"schema": _TEXT}, X_B={"schema": _TEXT, "required": True}, Content_Type={"schema": _TEXT}),
        _headers(x_b={"schema": _WHOLE}, X_C={"schema": _TEXT, "required": True}),
    ),
    "a header in JSON and in one piece": (_headers(X_A=_json(_TEXT)), _headers(X_A={"schema": _TEXT})),
    "a header in JSON and in XML": (_headers(X_A=_json(_TEXT)), _headers(X_A=_json(_TEXT, "application/xml"))),
    "a header in JSON, with an integer for a text": (_headers(X_A=_json(_TEXT)), _headers(X_A=_json(_WHOLE))),
    "a header with an integer for a text": (_headers(X_A={"schema": _TEXT}), _headers(X_A={"schema": _WHOLE})),
    "a header that says nothing": (_headers(X_A={}), _headers(X_A={"schema": _TEXT})),
    "a format of any kind": (_media("text/csv"), _media("*/*")),
    "a format of the same kind": (_media("text/csv"), _media("text/*")),
    "a format of any and of one kind": (_media("*/*"), _media("text/*")),
    "a format of another kind": (_media("text/csv"), _media("image/*")),
    "a format that is built on another": (_media("application/problem+json"), _media("application/json")),
    "a format that is built on two others": (_media("application/a+b+json"), _media("application/json")),
    "a format that is built on another, of another kind": (_media("image/svg+xml"), _media("application/xml")),
    "a format that is built on another than it was": (_media("application/problem+json"), _media("application/xml")),
    "a format that only looks built on another": (_media("application/x-json"), _media("application/json")),
    "a format of any kind beside one that is as it was": (_media("text/csv", "text/html"), _media("text/html", "text/*")),
    "a format with another character set": (_media("text/csv;charset=utf-8"), _media("text/csv; charset=ascii")),
    "a format with characters in a set, and any": (_media("text/csv; charset=utf-8"), _media("text/*; q=1")),
    "a format written otherwise": (_media("text/csv;b=1; a=2;"), _media("Text/CSV; A=2; B=1")),
    "formats that came and went": (_media("text/csv", "text/xml", "image/png"), _media("text/html", "image/png", "application/pdf")),
    "a text that became an integer": (_media("text/plain", schema=_TEXT), _media("text/plain", schema=_WHOLE)),
    "a text that became an integer in a problem": (
        _media("application/problem+json; a=1", schema=_TEXT), _media("application/problem+json; a=1", schema=_WHOLE),
    ),
    "a text that became an integer in a format of the same kind": (
        _media("application/json", schema=_TEXT), _media("application/*", schema=_WHOLE),
    ),
    "a schema that rules nothing out": (_media("text/csv"), answer(content={"text/csv": {"schema": {"title": "any"}}})),
    "a schema that rules something out, of two": (_media("text/csv", "text/xml"), answer(content={"text/csv": {"schema": _TEXT}, "text/xml": {"schema": {}}})),
}  # fmt: skip


def _told(old_or_new: Doc, **schemas: Doc) -> Doc:
    made = body({"type": "object", "properties": {"k": _TEXT}, "discriminator": old_or_new})
    return {**made, "components": {"schemas": {"A": _TEXT, "B": _WHOLE, "C": {"type": "boolean"}, **schemas}}}


def _mapped(name: str = "k", **mapping: Any) -> Doc:
    return {
        "propertyName": name,
        "mapping": {value: f"#/components/schemas/{target}" for value, target in mapping.items()},
    }


def _named(**mapping: str) -> Doc:
    return {"propertyName": "k", "mapping": mapping}


def _of(mapping: Doc, **schemas: Doc) -> Doc:
    """Two alternatives that a discriminator tells apart."""
    told = {"oneOf": [{"$ref": f"#/components/schemas/{name}"} for name in schemas], "discriminator": mapping}
    return {**body(told), "components": {"schemas": schemas}}


def _kind(value: str, **properties: Doc) -> Doc:
    return {"type": "object", "required": ["k"], "properties": {"k": {"const": value}, **properties}}


_DISCRIMINATORS: dict[str, tuple[Doc, Doc]] = {
    "values that came, went and lead elsewhere": (_told(_mapped(a="A", b="B", c="C")), _told(_mapped("l", a="A", b="C", d="C"))),
    "a value that leads to a schema by its name": (_told(_mapped(a="A")), _told(_named(a="A"))),
    "a value that leads to another schema by its name": (_told(_mapped(a="A")), _told(_named(a="B"))),
    "a value that leads to a schema that is called otherwise": (
        _told(_named(a="A")), {**_told(_named(a="One")), "components": {"schemas": {"One": _TEXT, "A": _WHOLE, "C": {"type": "boolean"}}}},
    ),
    "a value that leads out of the document": (_told(_named(a="a.yaml")), _told(_named(a="b.yaml"))),
    "a value that leads out of the document and back": (_told(_named(a="A")), _told(_named(a="a.yaml"))),
    "a value that leads out of the document as it did": (_told(_named(a="a.yaml")), _told(_named(a="a.yaml", b="B"))),
    "a value that leads to one that changed": (
        _of(_mapped(a="A", b="B"), A=_kind("a"), B=_kind("b")), _of(_mapped(a="A", b="B"), A=_kind("a", x=_TEXT), B=_kind("b")),
    ),
    "values that lead to each other's": (
        _of(_mapped(a="A", b="B"), A=_kind("a"), B=_kind("b")), _of(_mapped(a="B", b="A"), A=_kind("a"), B=_kind("b")),
    ),
    "values that lead where they did, to schemas that changed names": (
        _of(_mapped(a="A", b="B"), A=_kind("a"), B=_kind("b")), _of(_mapped(a="A", b="B"), A=_kind("b"), B=_kind("a")),
    ),
}  # fmt: skip


def _servers(*urls: str, **more: Any) -> Doc:
    return document({**more}, servers=[{"url": url} for url in urls])


def _variable(url: str, **variables: Doc) -> Doc:
    return document(servers=[{"url": url, "variables": variables}])


_REST: dict[str, tuple[Doc, Doc]] = {
    "servers that came and went": (_servers("https://a", "https://b"), _servers("https://b/", "https://c", "https://d")),
    "servers of one operation": (_servers("https://a"), _servers("https://a", servers=[{"url": "https://b"}])),
    "no server, and one": (document(), _servers("/v2")),
    "servers with and without their port": (_servers("http://a:80", "https://b:443", "ftp://c:"), _servers("http://a", "https://b", "ftp://c")),
    "a server with several values": (
        _variable("https://{a}.b:{c}", a={"enum": ["x", "y"]}, c={"default": 1, "enum": ["1", "2"]}), _variable("https://{a}.b:{c}", a={"default": "x"}, c={"default": 1}),
    ),
    "a server with a value that is nowhere": (_variable("https://{a}"), _variable("https://{a}", a={"default": "b"})),
    "names and tags": (
        document({"operationId": "a", "tags": ["x", "y", "z"]}), document({"operationId": "b", "tags": ["z", "w", "v"]}),
    ),
    "an operation that is gone on its day": (
        {**document(), "paths": {**document()["paths"], "/b": {"get": {"responses": {"200": _OK}, **_OLD}}}}, document(),
    ),
}  # fmt: skip


def _said(words: str) -> Doc:
    schema = {
        "type": "object",
        "title": f"title {words}",
        "description": f"schema {words}",
        "properties": {"p": {**_TEXT, "description": f"property {words}"}},
    }
    given = {
        "name": "q",
        "in": "query",
        "description": f"parameter {words}",
        "schema": {**_TEXT, "title": f"value {words}"},
    }
    answers = {"200": {"description": f"answer {words}", "content": {"application/json": {"schema": schema}}}}
    return document(
        {
            "summary": f"summary {words}",
            "description": f"operation {words}",
            "parameters": [given],
            "responses": answers,
        }
    )


def _unsaid() -> Doc:
    schema = {"type": "object", "properties": {"p": _TEXT}}
    given = {"name": "q", "in": "query", "schema": _TEXT}
    return document(
        {"parameters": [given], "responses": {"200": {"content": {"application/json": {"schema": schema}}}}}
    )


WORDS: dict[str, tuple[Doc, Doc]] = {
    "words everywhere": (_said("before"), _said("after")),
    "words where there were none": (_unsaid(), _said("after")),
    "words of a part": (
        body({"allOf": [{"type": "object"}, {"description": "a"}]}), body({"allOf": [{"type": "object"}, {"description": "b"}, {"examples": [1]}]}),
    ),
}  # fmt: skip

FURTHER_DOCUMENTS = {
    **_SECURITY, **_PARAMETERS, **_BODIES, **_RESPONSES, **_DISCRIMINATORS, **_REST,
}  # fmt: skip
"""What differs, and the document on either side."""
