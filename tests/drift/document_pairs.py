"""The pairs of the rules that are about more than a schema."""
# ruff: noqa: E501 - a table is read across

from __future__ import annotations

from datetime import date
from typing import Any

from pytest_bctrl.drift.options import Options

from .pairs import Doc, Pair, answer, body, document, parameter

TODAY = date(2026, 11, 1)
_PLAIN, _POLICY = Options(today=TODAY), Options(today=TODAY, sunset_days=30)
_PAST, _SOON, _LATER, _NEVER = "2026-10-01", "2026-11-05", "2027-06-01", "2099-01-01"
_OLD = {"deprecated": True}


def _object(required: bool = False, **properties: Any) -> Doc:
    schema: Doc = {"type": "object", "properties": properties}
    return body({**schema, "required": list(properties)} if required else schema)


def _with(values: Doc, required: bool = False) -> Doc:
    return _object(required, p={"type": "string", **values})


def _response(**media: Any) -> Doc:
    return answer(content={name.replace("__", "/").replace("_PLUS_", "+"): value for name, value in media.items()})


def _statuses(*statuses: str) -> Doc:
    return document({"responses": {status: {"description": "ok"} for status in statuses}})


def _paths(*paths: str, operation: Doc | None = None) -> Doc:
    get = {"responses": {"200": {"description": "ok"}}, **(operation or {})}
    return {**document(), "paths": {path: {"get": get} for path in paths}}


def _methods(operation: Doc, *methods: str) -> Doc:
    answers = {"responses": {"200": {"description": "ok"}}}
    return {**document(), "paths": {"/a": {method: {**answers, **operation} for method in methods}}}


_SCHEMES: dict[str, Doc] = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "key": {"type": "apiKey", "in": "header", "name": "X-Key"},
    "oauth": {"type": "oauth2", "flows": {}},
}


def _secured(*requirements: Doc, parameters: list[Doc] | None = None, whole: bool = False) -> Doc:
    security = {"security": list(requirements)} if requirements else {}
    given = {"parameters": parameters} if parameters else {}
    made = document({**given, **({} if whole else security)}, **(security if whole else {}))
    return {**made, "components": {"securitySchemes": _SCHEMES}}


def _schemes(**schemes: Doc) -> Doc:
    return document(components={"securitySchemes": schemes})


def _flow(**flow: Any) -> Doc:
    given = {"authorizationUrl": "https://a", "tokenUrl": "https://t", "scopes": {"read": "r"}, **flow}
    return _schemes(oauth={"type": "oauth2", "flows": {"authorizationCode": given}})


_AUTHORIZATION = {"name": "Authorization", "in": "header", "required": True, "schema": {"type": "string"}}
_BODY = {"content": {"application/json": {"schema": {"type": "string"}}}}
_SHORT = {"content": {"application/json": {"schema": {"type": "string", "maxLength": 5}}}}


def _taken(body_: Doc | None) -> Doc:
    return document({"requestBody": body_} if body_ else {})


def _header(**values: Any) -> Doc:
    return answer(headers={"X-H": {"schema": {"type": "string"}, **values}})


def _sent(where: str, schema: Doc) -> Doc:
    return parameter(**{"in": where, "schema": schema})


_A = {"type": "object", "properties": {"a": {"type": "string"}}}
_A_REQUIRED = {**_A, "required": ["a"]}


def _security_pairs(prefix: str, whole: bool) -> dict[str, tuple[Doc, Doc]]:
    def secured(*requirements: Doc, parameters: list[Doc] | None = None) -> Doc:
        return _secured(*requirements, parameters=parameters, whole=whole)

    bearer: Doc = {"bearer": []}
    key: Doc = {"key": []}
    return {
        f"{prefix}-added": (secured(), secured(bearer)),
        f"{prefix}-removed": (secured(bearer), secured()),
        f"{prefix}-alternative-added": (secured(bearer), secured(bearer, key)),
        f"{prefix}-alternative-removed": (secured(bearer, key), secured(bearer)),
        f"{prefix}-scope-added": (secured({"oauth": ["read"]}), secured({"oauth": ["read", "write"]})),
        f"{prefix}-scope-removed": (secured({"oauth": ["read", "write"]}), secured({"oauth": ["read"]})),
        f"{prefix}-added-for-known-credential": (
            secured(parameters=[_AUTHORIZATION]),
            secured(bearer, parameters=[_AUTHORIZATION]),
        ),
    }


_DOCUMENTS: dict[str, tuple[Doc, Doc]] = {
    "endpoint-added": (_paths("/a"), _paths("/a", "/b")),
    "api-path-removed-without-deprecation": (_paths("/a", "/b"), _paths("/a")),
    "api-removed-without-deprecation": (_methods({}, "get", "head"), _methods({}, "get")),
    "endpoint-deprecated": (document(), document(_OLD)),
    "endpoint-reactivated": (document(_OLD), document()),
    "endpoint-deprecated-with-sunset": (document(), document({**_OLD, "x-sunset": _LATER})),
    "api-deprecated-sunset-parse": (document(), document({**_OLD, "x-sunset": "soon"})),
    "api-sunset-date-changed-too-small": (
        document({**_OLD, "x-sunset": _NEVER}), document({**_OLD, "x-sunset": _PAST}),
    ),
    "sunset-deleted": (document({**_OLD, "x-sunset": _NEVER}), document(_OLD)),
    "api-stability-decreased": (document({"x-stability-level": "stable"}), document({"x-stability-level": "beta"})),
    "api-stability-increased": (document({"x-stability-level": "alpha"}), document({"x-stability-level": "beta"})),
    "api-invalid-stability-level": (document(), document({"x-stability-level": "solid"})),
    "api-operation-id-added": (document(), document({"operationId": "list"})),
    "api-operation-id-removed": (document({"operationId": "list"}), document()),
    "api-tag-added": (document(), document({"tags": ["a"]})),
    "api-tag-removed": (document({"tags": ["a"]}), document()),
    "api-schema-added": (document(), document(components={"schemas": {"A": {"type": "string"}}})),
    "api-schema-removed": (document(components={"schemas": {"A": {"type": "string"}}}), document()),
    "api-server-added": (document(servers=[{"url": "https://a"}]), document(servers=[{"url": "https://a"}, {"url": "https://b"}])),
    "api-server-removed": (document(servers=[{"url": "https://a"}, {"url": "https://b"}]), document(servers=[{"url": "https://a"}])),
    **_security_pairs("api-security", False),
    **_security_pairs("api-global-security", True),
    "api-security-component-added": (document(), _schemes(a=_SCHEMES["key"])),
    "api-security-component-removed": (_schemes(a=_SCHEMES["key"]), document()),
    "api-security-component-type-changed": (_schemes(a=_SCHEMES["key"]), _schemes(a=_SCHEMES["bearer"])),
    "api-security-component-oauth-url-changed": (_flow(), _flow(authorizationUrl="https://b")),
    "api-security-component-oauth-token-url-changed": (_flow(), _flow(tokenUrl="https://b")),
    "api-security-component-oauth-scope-added": (_flow(), _flow(scopes={"read": "r", "write": "w"})),
    "api-security-component-oauth-scope-removed": (_flow(scopes={"read": "r", "write": "w"}), _flow()),
    "api-security-component-oauth-scope-changed": (_flow(), _flow(scopes={"read": "reads"})),
    "new-required-request-parameter": (document(), parameter(required=True)),
    "new-optional-request-parameter": (document(), parameter()),
    "new-optional-request-default-parameter-to-existing-path": (document(), parameter(schema={"type": "string", "default": "a"})),
    "new-request-path-parameter": (document(), parameter(**{"in": "path", "required": True})),
    "new-request-parameter-for-known-credential": (
        _secured({"bearer": []}), _secured({"bearer": []}, parameters=[_AUTHORIZATION]),
    ),
    "request-parameter-removed": (parameter(), document()),
    "request-parameter-removed-with-deprecation": (parameter(**_OLD), document()),
    "request-parameter-removed-before-sunset": (parameter(**_OLD, **{"x-sunset": _NEVER}), document()),
    "request-parameter-sunset-parse": (parameter(**_OLD, **{"x-sunset": "soon"}), document()),
    "request-parameter-became-required": (parameter(), parameter(required=True)),
    "request-parameter-became-optional": (parameter(required=True), parameter()),
    "request-parameter-deprecated": (parameter(), parameter(**_OLD)),
    "request-parameter-reactivated": (parameter(**_OLD), parameter()),
    "request-parameter-sunset-date-changed-too-small": (
        parameter(**_OLD, **{"x-sunset": _NEVER}), parameter(**_OLD, **{"x-sunset": _PAST}),
    ),
    "request-parameter-sunset-deleted": (parameter(**_OLD, **{"x-sunset": _NEVER}), parameter(**_OLD)),
    "request-parameter-x-extensible-enum-value-removed": (
        parameter(schema={"type": "string", "x-extensible-enum": ["a", "b"]}),
        parameter(schema={"type": "string", "x-extensible-enum": ["a"]}),
    ),
    "request-parameter-style-changed": (
        parameter(schema={"type": "array"}), parameter(schema={"type": "array"}, style="spaceDelimited"),
    ),
    "request-parameter-explode-changed": (parameter(schema={"type": "array"}), parameter(schema={"type": "array"}, explode=False)),
    "new-required-request-header-property": (_sent("header", {"type": "object"}), _sent("header", _A_REQUIRED)),
    "new-required-request-parameter-property": (_sent("query", {"type": "object"}), _sent("query", _A_REQUIRED)),
    "new-optional-request-parameter-property": (_sent("query", {"type": "object"}), _sent("query", _A)),
    "request-parameter-property-removed": (_sent("query", _A), _sent("query", {"type": "object"})),
    "request-parameter-property-removed-from-closed-object": (
        _sent("query", {**_A, "additionalProperties": False}), _sent("query", {"type": "object", "additionalProperties": False}),
    ),
    "request-parameter-property-became-required": (_sent("query", _A), _sent("query", _A_REQUIRED)),
    "request-parameter-property-became-optional": (_sent("query", _A_REQUIRED), _sent("query", _A)),
    "request-body-added-required": (_taken(None), _taken({**_BODY, "required": True})),
    "request-body-added-optional": (_taken(None), _taken(_BODY)),
    "request-body-removed": (_taken(_BODY), _taken(None)),
    "request-body-became-required": (_taken(_BODY), _taken({**_BODY, "required": True})),
    "request-body-became-optional": (_taken({**_BODY, "required": True}), _taken(_BODY)),
    "request-body-may-be-narrowed": (
        _taken({"content": {"application/json": {"schema": {"type": "object", "properties": {"p": {}, "q": {}}}}}}),
        _taken({"content": {"application/json": {"schema": {"type": "object", "properties": {"q": {}}}}}}),
    ),
    "request-body-narrowed": (_taken(_BODY), _taken(_SHORT)),
    "request-body-widened": (_taken(_SHORT), _taken(_BODY)),
    "response-success-status-added": (_statuses("200"), _statuses("200", "204")),
    "response-success-status-removed": (_statuses("200", "204"), _statuses("200")),
    "response-non-success-status-added": (_statuses("200"), _statuses("200", "404")),
    "response-non-success-status-removed": (_statuses("200", "404"), _statuses("200")),
    "response-status-generalized": (_statuses("200"), _statuses("2XX")),
    "response-status-specialized": (_statuses("2XX"), _statuses("200")),
    "response-header-added": (answer(), _header()),
    "required-response-header-removed": (_header(required=True), answer()),
    "optional-response-header-removed": (_header(), answer()),
    "response-header-became-optional": (_header(required=True), _header()),
    "response-header-became-required": (_header(), _header(required=True)),
    "response-media-type-added": (_response(text__csv={}), _response(text__csv={}, text__html={})),
    "response-media-type-removed": (_response(text__csv={}, text__html={}), _response(text__csv={})),
    "response-media-type-name-changed": (_response(text__csv={}), answer(content={"text/csv; header=present": {}})),
    "response-media-type-name-generalized": (_response(text__csv={}), answer(content={"text/*": {}})),
    "response-media-type-name-specialized": (answer(content={"text/*": {}}), _response(text__csv={})),
    "response-body-media-type-schema-added": (_response(text__csv={}), _response(text__csv={"schema": {"type": "string"}})),
    "response-body-media-type-schema-removed": (_response(text__csv={"schema": {"type": "string"}}), _response(text__csv={})),
    "response-property-added-to-closed-object": (
        body({"type": "object", "additionalProperties": False}), body({**_A, "additionalProperties": False}),
    ),
    "response-property-became-optional": (_with({}, required=True), _with({})),
    "response-property-became-required": (_with({}), _with({}, required=True)),
    "response-write-only-property-became-optional": (_with({"writeOnly": True}, required=True), _with({"writeOnly": True})),
    "response-write-only-property-became-required": (_with({"writeOnly": True}), _with({"writeOnly": True}, required=True)),
    "response-write-only-property-enum-value-added": (
        _with({"writeOnly": True, "enum": ["a"]}), _with({"writeOnly": True, "enum": ["a", "b"]}),
    ),
    "response-property-deprecated": (_with({}), _with(_OLD)),
    "response-property-reactivated": (_with(_OLD), _with({})),
    "response-property-deprecated-with-sunset": (_with({}), _with({**_OLD, "x-sunset": _LATER})),
    "response-property-deprecated-sunset-invalid": (_with({}), _with({**_OLD, "x-sunset": "soon"})),
    "response-property-stability-decreased": (_with({"x-stability-level": "stable"}), _with({"x-stability-level": "beta"})),
    "response-property-stability-increased": (_with({"x-stability-level": "alpha"}), _with({"x-stability-level": "beta"})),
}  # fmt: skip

for _is_path, _subject in ((True, "api-path-removed"), (False, "api-removed")):
    for _suffix, _values in (("with-deprecation", {}), ("before-sunset", {"x-sunset": _NEVER})):
        _operation = {**_OLD, **_values}
        _DOCUMENTS[f"{_subject}-{_suffix}"] = (
            (
                {**document(), "paths": {**document()["paths"], **_paths("/b", operation=_operation)["paths"]}},
                document(),
            )
            if _is_path
            else (_methods(_operation, "get", "head"), _methods(_operation, "get"))
        )
_DOCUMENTS["api-path-sunset-parse"] = (
    {**document(), "paths": {**document()["paths"], **_paths("/b", operation={**_OLD, "x-sunset": "soon"})["paths"]}},
    document(),
)
for _required in (True, False):
    _kind = "required" if _required else "optional"
    _empty = body({"type": "object"})
    for _words, _flag in (("", {}), ("-write-only", {"writeOnly": True})):
        _DOCUMENTS[f"response-{_kind}{_words}-property-added"] = (_empty, _with(_flag, _required))
        _DOCUMENTS[f"response-{_kind}{_words}-property-removed"] = (_with(_flag, _required), _empty)
    for _flag_name, _words in (("readOnly", "read-only"), ("writeOnly", "write-only")):
        _on, _off = _with({_flag_name: True}, _required), _with({}, _required)
        _DOCUMENTS[f"response-{_kind}-property-became-{_words}"] = (_off, _on)
        _DOCUMENTS[f"response-{_kind}-property-became-not-{_words}"] = (_on, _off)

_UNDER_POLICY: dict[str, tuple[Doc, Doc]] = {
    "api-deprecated-sunset-missing": (document(), document(_OLD)),
    "api-sunset-date-too-small": (document(), document({**_OLD, "x-sunset": _SOON})),
    "request-parameter-deprecated-sunset-missing": (parameter(), parameter(**_OLD)),
    "request-parameter-sunset-date-too-small": (parameter(), parameter(**_OLD, **{"x-sunset": _SOON})),
    "response-property-deprecated-sunset-missing": (_with({}), _with(_OLD)),
    "response-property-sunset-date-too-small": (_with({}), _with({**_OLD, "x-sunset": _SOON})),
}


def document_pairs() -> dict[str, Pair]:
    """The pairs, what is shown of them being what they differ in."""
    pairs = {rule: Pair(*pair, _difference(*pair), _PLAIN) for rule, pair in _DOCUMENTS.items()}
    pairs |= {rule: Pair(*pair, _difference(*pair), _POLICY) for rule, pair in _UNDER_POLICY.items()}
    words = document({"summary": "a"}), document({"summary": "b"})
    pairs["description-changed"] = Pair(*words, _difference(*words), Options(descriptions=True))
    return pairs


def _difference(base: Any, revision: Any) -> tuple[Any, Any]:
    """Both documents without what they share, as far down as only one member differs."""
    while isinstance(base, dict) and isinstance(revision, dict):
        differing = [key for key in {**base, **revision} if base.get(key) != revision.get(key)]
        if len(differing) != 1 or differing[0] not in base or differing[0] not in revision:
            break
        base, revision = base[differing[0]], revision[differing[0]]
    return base, revision
