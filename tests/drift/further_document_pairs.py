"""Pairs of documents with several differences, or with a difference that no example of a rule shows."""

from __future__ import annotations

from typing import Any

from .further_request_pairs import BODIES, PARAMETERS
from .further_security_pairs import SECURITY
from .pairs import Doc, body, document, in_content, response

_TEXT: Doc = {"type": "string"}
_WHOLE: Doc = {"type": "integer"}
_OLD: Doc = {"deprecated": True}
_OK: Doc = {"description": "ok"}


def _statuses(*statuses: str) -> Doc:
    """Return a document with these response statuses."""
    return document({"responses": dict.fromkeys(statuses, _OK)})


def _media(*names: str, schema: Doc | None = None) -> Doc:
    """Return a document whose response has these media types, each with the schema if there is one."""
    return response(content={name: {"schema": schema} if schema else {} for name in names})


def _headers(**headers: Doc) -> Doc:
    """Return a document with these response headers; `_` in a name stands for `-`."""
    return response(headers={name.replace("_", "-"): header for name, header in headers.items()})


_RESPONSES: dict[str, tuple[Any, ...]] = {
    "only a default": (_statuses("404"), _statuses("default"),
        "response-status-generalized @404: 404 → default", "response-status-specialized @default: default → 404"),
    "a range and a default": (_statuses("200", "404"), _statuses("200", "4XX", "default"),
        "response-non-success-status-added @default: default; response-status-generalized @404: 404 → 4XX",
        "response-non-success-status-removed @default: default; response-status-specialized @4XX: 4XX → 404"),
    "a default of which a range was kept": (_statuses("200", "4XX", "default"), _statuses("200", "4XX", "404", "503"),
        "response-non-success-status-added @404: 404; response-status-specialized @default: default → 503",
        "response-non-success-status-removed @404: 404; response-status-generalized @503: 503 → default"),
    "a default before a range": (_statuses("200", "404"), _statuses("200", "default", "4XX"),
        "response-non-success-status-added @default: default; response-status-generalized @404: 404 → 4XX",
        "response-non-success-status-removed @default: default; response-status-specialized @4XX: 4XX → 404"),
    "a default where there was none": (
        _statuses(), _statuses("default"), "response-success-status-added @default: default",
        "response-success-status-removed @default: default"),
    "a default beside success": (_statuses("200"), _statuses("200", "default"),
        "response-non-success-status-added @default: default", "response-non-success-status-removed @default: default"),
    "a default beside failure": (_statuses("200", "404"), _statuses("default"),
        "response-status-generalized @200: 200 → default; response-status-generalized @404: 404 → default",
        "response-status-specialized @default: default → 200, default → 404"),
    "a default beside a range": (_statuses("2xx"), _statuses("2XX", "Default"),
        "response-non-success-status-added @default: default", "response-non-success-status-removed @default: default"),
    "a range of which two are left": (_statuses("2XX", "4XX"), _statuses("200", "204", "400", "500"),
        "response-non-success-status-added @500: 500; response-status-specialized @2XX: 2XX → 200, 2XX → 204; "
        "response-status-specialized @4XX: 4XX → 400",
        "response-non-success-status-removed @500: 500; response-status-generalized @200: 200 → 2XX; "
        "response-status-generalized @204: 204 → 2XX; response-status-generalized @400: 400 → 4XX"),
    "two ranges": (_statuses("2XX"), _statuses("3XX"),
        "response-non-success-status-added @3XX: 3XX; response-success-status-removed @2XX: 2XX",
        "response-non-success-status-removed @3XX: 3XX; response-success-status-added @2XX: 2XX"),
    "headers that came, went and changed": (_headers(X_A={"schema": _TEXT}, X_B={"schema": _TEXT, "required": True},
        Content_Type={"schema": _TEXT}),
        _headers(x_b={"schema": _WHOLE}, X_C={"schema": _TEXT, "required": True}),
        "optional-response-header-removed @header x-a: X-A; response-header-added @header x-c: X-C; "
        "response-header-became-optional @header x-b: required → optional; response-header-type-compatible @header "
        "x-b: string → integer",
        "required-response-header-removed @header x-c: X-C; response-header-added @header x-a: X-A; "
        "response-header-became-required @header x-b: optional → required; response-header-type-changed @header x-b: "
        "integer → string"),
    "a header in JSON and in one piece": (_headers(X_A=in_content(_TEXT)), _headers(X_A={"schema": _TEXT}),
        "response-header-type-changed @header x-a: application/json → simple",
        "response-header-type-changed @header x-a: simple → application/json"),
    "a header in JSON and in XML": (_headers(X_A=in_content(_TEXT)), _headers(X_A=in_content(_TEXT, "application/xml")),
        "response-header-type-changed @header x-a: application/json → application/xml",
        "response-header-type-changed @header x-a: application/xml → application/json"),
    "a header in JSON, with an integer for a text": (_headers(X_A=in_content(_TEXT)), _headers(X_A=in_content(_WHOLE)),
        "response-header-type-changed @header x-a: string → integer",
        "response-header-type-changed @header x-a: integer → string"),
    "a header with an integer for a text": (_headers(X_A={"schema": _TEXT}), _headers(X_A={"schema": _WHOLE}),
        "response-header-type-compatible @header x-a: string → integer",
        "response-header-type-changed @header x-a: integer → string"),
    "a header that says nothing": (_headers(X_A={}), _headers(X_A={"schema": _TEXT}),
        "response-header-type-specialized @header x-a: any → string",
        "response-header-type-generalized @header x-a: string → any"),
    "a format of any kind": (_media("text/csv"), _media("*/*"),
        "response-media-type-name-generalized @200 text/csv: text/csv → */*",
        "response-media-type-name-specialized @200 */*: */* → text/csv"),
    "a format of any and of one kind": (_media("*/*"), _media("text/*"),
        "response-media-type-name-specialized @200 */*: */* → text/*",
        "response-media-type-name-generalized @200 text/*: text/* → */*"),
    "a format of another kind": (
        _media("text/csv"), _media("image/*"),
        "response-media-type-added @200 image/*: image/*; response-media-type-removed @200 text/csv: text/csv",
        "response-media-type-added @200 text/csv: text/csv; response-media-type-removed @200 image/*: image/*"),
    "a format that is built on another": (_media("application/problem+json"), _media("application/json"),
        "response-media-type-name-generalized @200 application/problem+json: application/problem+json → "
        "application/json",
        "response-media-type-added @200 application/problem+json: application/problem+json; "
        "response-media-type-removed @200 application/json: application/json"),
    "a format that is built on two others": (_media("application/a+b+json"), _media("application/json"),
        "response-media-type-name-generalized @200 application/a+b+json: application/a+b+json → application/json",
        "response-media-type-added @200 application/a+b+json: application/a+b+json; "
        "response-media-type-removed @200 application/json: application/json"),
    "a format that is built on another, of another kind": (_media("image/svg+xml"), _media("application/xml"),
        "response-media-type-added @200 application/xml: application/xml; response-media-type-removed @200 "
        "image/svg+xml: image/svg+xml",
        "response-media-type-added @200 image/svg+xml: image/svg+xml; response-media-type-removed @200 "
        "application/xml: application/xml"),
    "a format that is built on another than it was": (_media("application/problem+json"), _media("application/xml"),
        "response-media-type-added @200 application/xml: application/xml; "
        "response-media-type-removed @200 application/problem+json: application/problem+json",
        "response-media-type-added @200 application/problem+json: application/problem+json; "
        "response-media-type-removed @200 application/xml: application/xml"),
    "a format that only looks built on another": (_media("application/x-json"), _media("application/json"),
        "response-media-type-added @200 application/json: application/json; "
        "response-media-type-removed @200 application/x-json: application/x-json",
        "response-media-type-added @200 application/x-json: application/x-json; "
        "response-media-type-removed @200 application/json: application/json"),
    "a format of any kind beside one that is as it was": (_media("text/csv", "text/html"),
        _media("text/html", "text/*"),
        "response-media-type-name-generalized @200 text/csv: text/csv → text/*",
        "response-media-type-name-specialized @200 text/*: text/* → text/csv"),
    "a format with another character set": (_media("text/csv;charset=utf-8"), _media("text/csv; charset=ascii"),
        "response-media-type-name-changed @200 text/csv; charset=utf-8: text/csv; charset=utf-8 → text/csv; "
        "charset=ascii",
        "response-media-type-name-changed @200 text/csv; charset=ascii: text/csv; charset=ascii → text/csv; "
        "charset=utf-8"),
    "a format with characters in a set, and any": (_media("text/csv; charset=utf-8"), _media("text/*; q=1"),
        "response-media-type-name-generalized @200 text/csv; charset=utf-8: text/csv; charset=utf-8 → text/*; q=1",
        "response-media-type-name-specialized @200 text/*; q=1: text/*; q=1 → text/csv; charset=utf-8"),
    "a format written otherwise": (_media("text/csv;b=1; a=2;"), _media("Text/CSV; A=2; B=1"), "nothing"),
    "formats that came and went": (_media("text/csv", "text/xml", "image/png"),
        _media("text/html", "image/png", "application/pdf"),
        "response-media-type-added @200 application/pdf: application/pdf; response-media-type-added @200 text/html: "
        "text/html; "
        "response-media-type-removed @200 text/csv: text/csv; response-media-type-removed @200 text/xml: text/xml",
        "response-media-type-added @200 text/csv: text/csv; response-media-type-added @200 text/xml: text/xml; "
        "response-media-type-removed @200 application/pdf: application/pdf; response-media-type-removed @200 "
        "text/html: text/html"),
    "a text that became an integer": (_media("text/plain", schema=_TEXT), _media("text/plain", schema=_WHOLE),
        "response-body-type-compatible: string → integer in text/plain",
        "response-body-type-changed: integer → string in text/plain"),
    "a text that became an integer in a problem": (
        _media("application/problem+json; a=1", schema=_TEXT), _media("application/problem+json; a=1", schema=_WHOLE),
        "response-body-type-changed: string → integer in application/problem+json; a=1",
        "response-body-type-changed: integer → string in application/problem+json; a=1"),
    "a text that became an integer in a format of the same kind": (_media("application/json", schema=_TEXT),
        _media("application/*", schema=_WHOLE),
        "response-body-type-changed: string → integer; "
        "response-media-type-name-generalized @200 application/json: application/json → application/*",
        "response-body-type-changed: integer → string in application/*; "
        "response-media-type-name-specialized @200 application/*: application/* → application/json"),
    "a schema that rules nothing out": (_media("text/csv"),
        response(content={"text/csv": {"schema": {"title": "any"}}}), "nothing"),
    "a schema that rules something out, of two": (
        _media("text/csv", "text/xml"), response(content={"text/csv": {"schema": _TEXT}, "text/xml": {"schema": {}}}),
        "response-body-media-type-schema-added @200 text/csv: in text/csv",
        "response-body-media-type-schema-removed @200 text/csv: in text/csv"),
    "a default for every failure": (_statuses("200", "404", "500"), _statuses("200", "default"),
        "response-status-generalized @404: 404 → default; response-status-generalized @500: 500 → default",
        "response-status-specialized @default: default → 404, default → 500"),
    "a status beside the range it was of": (_statuses("200", "4XX"), _statuses("200", "404", "4XX"),
        "response-non-success-status-added @404: 404", "response-non-success-status-removed @404: 404"),
}  # fmt: skip


def _tagged(discriminator: Doc, **schemas: Doc) -> Doc:
    """Return a document whose response has a discriminator, with the components A, B, C and these schemas."""
    document = body({"type": "object", "properties": {"k": _TEXT}, "discriminator": discriminator})
    return {**document, "components": {"schemas": {"A": _TEXT, "B": _WHOLE, "C": {"type": "boolean"}, **schemas}}}


def _mapped(name: str = "k", **mapping: Any) -> Doc:
    """Return a discriminator that maps values to references to components."""
    return {
        "propertyName": name,
        "mapping": {value: f"#/components/schemas/{target}" for value, target in mapping.items()},
    }


def _named(**mapping: str) -> Doc:
    """Return a discriminator that maps values to names."""
    return {"propertyName": "k", "mapping": mapping}


def _of(mapping: Doc, **schemas: Doc) -> Doc:
    """Return a document whose response is one of these schemas, with a discriminator."""
    schema = {"oneOf": [{"$ref": f"#/components/schemas/{name}"} for name in schemas], "discriminator": mapping}
    return {**body(schema), "components": {"schemas": schemas}}


def _kind(value: str, **properties: Doc) -> Doc:
    """Return an object schema whose property `k` has one value."""
    return {"type": "object", "required": ["k"], "properties": {"k": {"const": value}, **properties}}


_DISCRIMINATORS: dict[str, tuple[Any, ...]] = {
    "values that came, went and lead elsewhere": (_tagged(_mapped(a="A", b="B", c="C")),
        _tagged(_mapped(a="A", b="C", d="C")),
        "response-body-discriminator-mapping-added: (d); response-body-discriminator-mapping-changed: (b); "
        "response-body-discriminator-mapping-deleted: (c)",
        "response-body-discriminator-mapping-added: (c); response-body-discriminator-mapping-changed: (b); "
        "response-body-discriminator-mapping-deleted: (d)"),
    "values of another property": (_tagged(_mapped(a="A", b="B", c="C")), _tagged(_mapped("l", a="A", b="C", d="C")),
        "response-body-discriminator-property-name-changed: k → l",
        "response-body-discriminator-property-name-changed: l → k"),
    "a value that leads to a schema by its name": (_tagged(_mapped(a="A")), _tagged(_named(a="A")), "nothing"),
    "a value that leads to another schema by its name": (
        _tagged(_mapped(a="A")), _tagged(_named(a="B")), "response-body-discriminator-mapping-changed: (a)"),
    "a value that leads to a schema that is called otherwise": (
        _tagged(_named(a="A")),
        {**_tagged(_named(a="One")), "components": {"schemas": {"One": _TEXT, "A": _WHOLE, "C": {"type": "boolean"}}}},
        "nothing"),
    "a value that leads out of the document": (
        _tagged(_named(a="a.yaml")), _tagged(_named(a="b.yaml")), "response-body-discriminator-mapping-changed: (a)"),
    "a value that leads out of the document and back": (
        _tagged(_named(a="A")), _tagged(_named(a="a.yaml")), "response-body-discriminator-mapping-changed: (a)"),
    "a value that leads out of the document as it did": (
        _tagged(_named(a="a.yaml")), _tagged(_named(a="a.yaml", b="B")),
        "response-body-discriminator-mapping-added: (b)", "response-body-discriminator-mapping-deleted: (b)"),
    "a value that leads to one that changed": (
        _of(_mapped(a="A", b="B"), A=_kind("a"), B=_kind("b")),
        _of(_mapped(a="A", b="B"), A=_kind("a", x=_TEXT), B=_kind("b")),
        "response-optional-property-added @<k=a>.x: x", "response-optional-property-removed @<k=a>.x: x"),
    "values that lead to each other's": (
        _of(_mapped(a="A", b="B"), A=_kind("a"), B=_kind("b")), _of(_mapped(a="B", b="A"), A=_kind("a"), B=_kind("b")),
        "response-body-discriminator-mapping-changed: (a), (b)"),
    "values that lead where they did, to schemas that changed names": (
        _of(_mapped(a="A", b="B"), A=_kind("a"), B=_kind("b")), _of(_mapped(a="A", b="B"), A=_kind("b"), B=_kind("a")),
        "response-body-discriminator-mapping-changed: (a), (b)"),
}  # fmt: skip


def _servers(*urls: str, **more: Any) -> Doc:
    """Return a document with these servers; `more` are fields of its operation."""
    return document({**more}, servers=[{"url": url} for url in urls])


def _variable(url: str, **variables: Doc) -> Doc:
    """Return a document with a server with variables."""
    return document(servers=[{"url": url, "variables": variables}])


def _region(default: str) -> Doc:
    """Return a server at `https://x.b` and `https://y.b`, whose variable has a default."""
    return {"url": "https://{a}.b", "variables": {"a": {"enum": ["x", "y"], "default": default}}}


def _several(*servers: Doc) -> Doc:
    """Return a document with servers."""
    return document(servers=list(servers))


def _mutual(first: str, second: str, last: Doc) -> Doc:
    """Return a document with two components of these names that refer to each other; `last` is a property."""
    refs = {name: {"$ref": f"#/components/schemas/{name}"} for name in (first, second)}
    schemas = {
        first: {"type": "object", "properties": {"next": refs[second], "last": last}},
        second: {"type": "object", "properties": {"back": refs[first]}},
    }
    return {**body(refs[first]), "components": {"schemas": schemas}}


def _anchored(schema: Doc) -> Doc:
    """Return a document with two properties that refer to the same anchor, that of the schema."""
    inside = {"type": "object", "properties": {"a": {"$ref": "#kept"}, "b": {"$ref": "#kept"}}}
    return {**body(inside), "components": {"schemas": {"Kept": {"$anchor": "kept", **schema}}}}


_REST: dict[str, tuple[Any, ...]] = {
    "servers that came and went": (_servers("https://a", "https://b"), _servers("https://b/", "https://c", "https://d"),
        "api-server-added @servers: https://c, https://d; api-server-removed @servers: https://a",
        "api-server-added @servers: https://a; api-server-removed @servers: https://c, https://d"),
    "servers of one operation": (_servers("https://a"), _servers("https://a", servers=[{"url": "https://b"}]),
        "api-server-added @servers: https://b of GET /a; api-server-removed @servers: https://a of GET /a",
        "api-server-added @servers: https://a of GET /a; api-server-removed @servers: https://b of GET /a"),
    "no server, and one": (document(), _servers("/v2"),
        "api-server-added @servers: /v2; api-server-removed @servers: /",
        "api-server-added @servers: /; api-server-removed @servers: /v2"),
    "servers with and without their port": (
        _servers("http://a:80", "https://b:443", "ftp://c:"), _servers("http://a", "https://b", "ftp://c"), "nothing"),
    "a server with several values": (
        _variable("https://{a}.b:{c}", a={"enum": ["x", "y"]}, c={"default": 1, "enum": ["1", "2"]}),
        _variable("https://{a}.b:{c}", a={"default": "x"}, c={"default": 1}),
        "api-server-removed @servers: https://x.b:2, https://y.b:1, https://y.b:2",
        "api-server-added @servers: https://x.b:2, https://y.b:1, https://y.b:2"),
    "a server with a value that is nowhere": (_variable("https://{a}"), _variable("https://{a}", a={"default": "b"}),
        "api-server-added @servers: https://b; api-server-removed @servers: https://{a}",
        "api-server-added @servers: https://{a}; api-server-removed @servers: https://b"),
    "names and tags": (document({"operationId": "a", "tags": ["x", "y", "z"]}),
        document({"operationId": "b", "tags": ["z", "w", "v"]}),
        "api-operation-id-removed @operationId: a → b; api-tag-added @tags: v, w; api-tag-removed @tags: x, y",
        "api-operation-id-removed @operationId: b → a; api-tag-added @tags: x, y; api-tag-removed @tags: v, w"),
    "a deprecated operation that is gone": (
        {**document(), "paths": {**document()["paths"], "/b": {"get": {"responses": {"200": _OK}, **_OLD}}}},
        document(),
        "api-path-removed-with-deprecation: GET /b of GET /b", "endpoint-added: GET /b of GET /b"),
    "a server with a value that became one server": (
        _variable("https://{h}.x/v1", h={"default": "a", "enum": ["a", "b"]}), _servers("https://a.x/v1"),
        "api-server-removed @servers: https://b.x/v1", "api-server-added @servers: https://b.x/v1"),
    "a server whose open value is called otherwise": (_servers("https://{h}.x/v1"), _servers("https://{g}.x/v1"),
        "api-server-added @servers: https://{g}.x/v1; api-server-removed @servers: https://{h}.x/v1",
        "api-server-added @servers: https://{h}.x/v1; api-server-removed @servers: https://{g}.x/v1"),
    "a server with more values than are written out": (_variable("https://{a}-{b}.x", a={"enum": [*"hgfedcba"]},
        b={"enum": [*"ihgfedcba"]}),
        _variable("https://{b}-{a}.x", b={"enum": [*"abcdefgh"]}, a={"enum": [*"abcdefghij"]}),
        "api-server-added @servers: https://{a|b|c|d|e|f|g|h}-{a|b|c|d|e|f|g|h|i|j}.x; "
        "api-server-removed @servers: https://{a|b|c|d|e|f|g|h}-{a|b|c|d|e|f|g|h|i}.x",
        "api-server-added @servers: https://{a|b|c|d|e|f|g|h}-{a|b|c|d|e|f|g|h|i}.x; "
        "api-server-removed @servers: https://{a|b|c|d|e|f|g|h}-{a|b|c|d|e|f|g|h|i|j}.x"),
    "a server with another default": (_variable("https://{a}.b", a={"enum": ["x", "y"], "default": "x"}),
        _variable("https://{a}.b", a={"enum": ["y", "x"], "default": "y"}),
        "api-server-default-changed @servers: https://x.b → https://y.b",
        "api-server-default-changed @servers: https://y.b → https://x.b"),
    "a server with another default and other names": (
        _variable("https://{a}.{b}.c", a={"enum": ["x", "y"], "default": "x"}, b={"default": "d"}),
        _variable("https://{e}.{f}.c/", e={"enum": ["x", "y"], "default": "y"}, f={"default": "d"}),
        "api-server-default-changed @servers: https://x.d.c → https://y.d.c",
        "api-server-default-changed @servers: https://y.d.c → https://x.d.c"),
    "a server whose default is no longer offered": (_variable("https://{a}.b", a={"enum": ["x", "y"], "default": "x"}),
        _variable("https://{a}.b", a={"enum": ["y"], "default": "y"}),
        "api-server-removed @servers: https://x.b",
        "api-server-added @servers: https://x.b; api-server-default-changed @servers: https://y.b → https://x.b"),
    "a server that got a variable with another default": (_servers("https://x.b"),
        _variable("https://{a}.b", a={"enum": ["x", "y"], "default": "y"}),
        "api-server-added @servers: https://y.b; api-server-default-changed @servers: https://x.b → https://y.b",
        "api-server-removed @servers: https://y.b"),
    "a server with more values than are written out and another default": (
        _variable("https://{a}-{b}", a={"enum": [*"abcdefgh"], "default": "a"},
            b={"enum": [*"abcdefghi"], "default": "b"}),
        _variable("https://{a}-{b}", a={"enum": [*"hgfedcba"], "default": "a"},
            b={"enum": [*"abcdefghi"], "default": "c"}),
        "api-server-default-changed @servers: https://a-b → https://a-c",
        "api-server-default-changed @servers: https://a-c → https://a-b"),
    "a server beside one with variables": (_servers("https://x.b"), _several({"url": "https://x.b"}, _region("y")),
        "api-server-added @servers: https://y.b", "api-server-removed @servers: https://y.b"),
    "servers with variables in another order": (_several(_region("x"), _region("y")),
        _several(_region("y"), _region("x")), "nothing"),
    "a server with variables that became two": (
        _several({"url": "https://{a}.b", "variables": {"a": {"enum": ["x", "y", "z"], "default": "x"}}}),
        _several(_region("x"), {"url": "https://{a}.b", "variables": {"a": {"enum": ["z"], "default": "z"}}}),
        "nothing", "api-server-default-changed @servers: https://z.b → https://x.b"),
    "servers that became one with a default": (_servers("https://x.b", "https://y.b"),
        _variable("https://{a}.b", a={"enum": ["x", "y"], "default": "y"}), "nothing"),
    "an operation's servers that said what the document says": (
        _servers("https://a/", servers=[{"url": "https://a"}]), _servers("https://a/"), "nothing"),
    "schemas that hold each other, under other names": (_mutual("A", "B", _TEXT), _mutual("X", "Y", _TEXT), "nothing"),
    "schemas that hold each other, one of which changed": (_mutual("A", "B", _TEXT), _mutual("X", "Y", _WHOLE),
        "response-property-type-changed @last: string → integer",
        "response-property-type-changed @last: integer → string"),
    "an anchor that two properties name": (_anchored(_TEXT), _anchored(_WHOLE),
        "response-property-type-changed @a: string → integer 2 times",
        "response-property-type-changed @a: integer → string 2 times"),
    "schemas that no operation leads to": (
        document(components={"schemas": {"A": _TEXT, "B": _WHOLE}}),
        document(components={"schemas": {"C": _WHOLE, "D": {"type": "number"}}}),
        "api-schema-added @schemas: D; api-schema-removed @schemas: A",
        "api-schema-added @schemas: A; api-schema-removed @schemas: D"),
}  # fmt: skip


def _with_texts(words: str) -> Doc:
    """Return a document with summaries, titles and descriptions that end with `words`."""
    schema = {
        "type": "object",
        "title": f"title {words}",
        "description": f"schema {words}",
        "properties": {"p": {**_TEXT, "description": f"property {words}"}},
    }
    operation = {
        "name": "q",
        "in": "query",
        "description": f"parameter {words}",
        "schema": {**_TEXT, "title": f"value {words}"},
    }
    responses = {"200": {"description": f"answer {words}", "content": {"application/json": {"schema": schema}}}}
    return document(
        {
            "summary": f"summary {words}",
            "description": f"operation {words}",
            "parameters": [operation],
            "responses": responses,
        }
    )


def _without_texts() -> Doc:
    """Return the document of `_with_texts` without texts."""
    schema = {"type": "object", "properties": {"p": _TEXT}}
    parameter = {"name": "q", "in": "query", "schema": _TEXT}
    return document(
        {"parameters": [parameter], "responses": {"200": {"content": {"application/json": {"schema": schema}}}}}
    )


WORDS: dict[str, tuple[Any, ...]] = {
    "words everywhere": (_with_texts("before"), _with_texts("after"),
        "description-changed: schema before → schema after, title before → title after; "
        "description-changed @200: answer before → answer after; description-changed @description: operation before → "
        "operation after; "
        "description-changed @p: property before → property after; description-changed @query q: parameter before → "
        "parameter after, "
        "value before → value after; description-changed @summary: summary before → summary after",
        "description-changed: schema after → schema before, title after → title before; "
        "description-changed @200: answer after → answer before; description-changed @description: operation after → "
        "operation before; "
        "description-changed @p: property after → property before; description-changed @query q: parameter after → "
        "parameter before, "
        "value after → value before; description-changed @summary: summary after → summary before"),
    "words where there were none": (_without_texts(), _with_texts("after"),
        "description-changed: schema after, title after; description-changed @200: answer after; "
        "description-changed @description: operation after; description-changed @p: property after; "
        "description-changed @query q: parameter after, value after; description-changed @summary: summary after"),
    "words of a part": (
        body({"allOf": [{"type": "object"}, {"description": "a"}]}),
        body({"allOf": [{"type": "object"}, {"description": "b"}, {"examples": [1]}]}),
        "description-changed: a → b; response-body-all-of-added-annotation-only: (2)",
        "description-changed: b → a; response-body-all-of-removed-annotation-only: (2)"),
}  # fmt: skip

FURTHER_DOCUMENTS = {
    **SECURITY, **PARAMETERS, **BODIES, **_RESPONSES, **_DISCRIMINATORS, **_REST,
}  # fmt: skip
"""The difference; both documents; the findings in both directions, in the format of `expected`."""
