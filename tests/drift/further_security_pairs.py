"""Pairs of documents that differ in the required credentials, in the form of `further_document_pairs`."""

from __future__ import annotations

from typing import Any

from .pairs import Doc, document

_TEXT: Doc = {"type": "string"}


def _key(name: str, in_: str = "header") -> Doc:
    """Return the scheme of an API key."""
    return {"type": "apiKey", "in": in_, "name": name}


_SCHEMES: dict[str, Doc] = {
    **{name: _key(f"X-{name.upper()}") for name in "abcde"},
    "bearer": {"type": "http", "scheme": "Bearer"},
    "oauth": {"type": "oauth2", "flows": {}},
    "open": {"type": "openIdConnect", "openIdConnectUrl": "https://o"},
    "tls": {"type": "mutualTLS"},
    "query_key": _key("Key", "query"),
    "cookie_key": _key("Key", "cookie"),
}


def _secured(*requirements: Doc, parameters: list[Doc] | None = None, **root: Any) -> Doc:
    """Return a document with all `_SCHEMES`, whose operation has these alternative requirements and parameters."""
    spec = document({"security": list(requirements), "parameters": parameters or []}, **root)
    return {**spec, "components": {"securitySchemes": _SCHEMES}}


def _each(*names: str) -> list[Doc]:
    """Return a requirement per scheme."""
    return [{name: []} for name in names]


def _schemes(**schemes: Doc) -> Doc:
    """Return a document with these security schemes, which no operation requires."""
    return document(components={"securitySchemes": schemes})


def _keyed(**scheme: Doc) -> Doc:
    """Return a document whose operation requires its only scheme."""
    return {**_schemes(**scheme), "paths": document({"security": _each(*scheme)})["paths"]}


def _flows(**flows: Doc) -> Doc:
    """Return a document with an OAuth scheme with these flows."""
    return _schemes(oauth={"type": "oauth2", "flows": flows})


def _flow(url: str, **scopes: str) -> Doc:
    """Return an OAuth flow at a host, with scopes and their descriptions."""
    return {"authorizationUrl": f"https://{url}", "tokenUrl": f"https://{url}/token", "scopes": scopes}


def _oauth(url: str) -> Doc:
    """Return an OAuth scheme at a host."""
    return {"type": "oauth2", "flows": {"implicit": _flow(url)}}


_BEARER: Doc = {"type": "http", "scheme": "bearer"}


def _two_tokens(requirement: Doc) -> Doc:
    """Return a document with two bearer tokens and two OAuth schemes, whose operation has a requirement."""
    schemes = {"user": _BEARER, "admin": _BEARER, "first": {"type": "oauth2"}, "second": {"type": "oauth2"}}
    return {**_schemes(**schemes), "paths": document({"security": [requirement]})["paths"]}


_HEADER: Doc = {"name": "X-A", "in": "header", "required": True, "schema": _TEXT}
_TOKEN: Doc = {**_HEADER, "name": "Authorization"}

SECURITY: dict[str, tuple[Any, ...]] = {
    "several credentials, each enough": (_secured({"tls": []}), _secured(*_each("tls", "e", "c", "d", "a", "b")),
        "api-security-alternative-added @security: apiKey header x-a, apiKey header x-b, apiKey header x-c, apiKey "
        "header x-d, apiKey header x-e",
        "api-security-alternative-removed @security: apiKey header x-a, apiKey header x-b, apiKey header x-c, apiKey "
        "header x-d, "
        "apiKey header x-e"),
    "one of several credentials": (_secured(*_each("bearer", "tls")), _secured(*_each("e", "c", "d", "a", "b")),
        "api-security-added @security: apiKey header x-a, apiKey header x-b, apiKey header x-c, apiKey header x-d, "
        "apiKey header x-e; "
        "api-security-removed @security: http bearer, mutualTLS",
        "api-security-added @security: http bearer, mutualTLS; api-security-removed @security: apiKey header x-a, "
        "apiKey header x-b, "
        "apiKey header x-c, apiKey header x-d, apiKey header x-e"),
    "two credentials at once": (_secured(), _secured({"bearer": [], "a": []}),
        "api-security-added @security: apiKey header x-a and http bearer",
        "api-security-removed @security: apiKey header x-a and http bearer"),
    "a credential that need not be": (_secured({}, {"a": []}), _secured({"a": []}),
        "api-security-added @security: optional → required",
        "api-security-alternative-added @security: required → optional"),
    "two credentials of which none needs to be": (_secured({}, {"a": []}, {"b": []}), _secured({}, {"a": []}),
        "api-security-removed @security: apiKey header x-b",
        "api-security-alternative-added @security: apiKey header x-b"),
    "a credential that need not be, where none was required": (_secured({}), _secured({}, {"a": []}),
        "api-security-alternative-added @security: apiKey header x-a",
        "api-security-removed @security: apiKey header x-a"),
    "another credential, that need not be": (_secured({"a": []}), _secured({}, {"b": []}),
        "api-security-alternative-added @security: apiKey header x-b; api-security-removed @security: apiKey header "
        "x-a",
        "api-security-added @security: apiKey header x-a; api-security-removed @security: apiKey header x-b"),
    "another credential, and one of two that no longer is enough": (
        _secured({"a": []}, {"b": [], "c": []}), _secured({"a": []}, {"bearer": [], "d": []}),
        "api-security-alternative-added @security: apiKey header x-d and http bearer; "
        "api-security-alternative-removed @security: apiKey header x-b and apiKey header x-c",
        "api-security-alternative-added @security: apiKey header x-b and apiKey header x-c; "
        "api-security-alternative-removed @security: apiKey header x-d and http bearer"),
    "another credential, where none was needed": (_secured({}, {"a": []}), _secured({"a": []}, {"b": []}),
        "api-security-added @security: optional → required; "
        "api-security-alternative-added @security: apiKey header x-b",
        "api-security-removed @security: apiKey header x-b"),
    "scopes of several credentials": (_secured({"oauth": ["read"]}, {"open": ["x", "y"]}, {"a": ["one"], "b": []}),
        _secured({"oauth": ["write", "all"]}, {"open": ["y"]}, {"b": ["two"], "a": []}),
        "api-security-scope-added @security: all, two, write; api-security-scope-removed @security: one, read, x",
        "api-security-scope-added @security: one, read, x; api-security-scope-removed @security: all, two, write"),
    "scopes, two lists of one credential": (_secured({"oauth": ["read"]}, {"oauth": ["write"]}),
        _secured({"oauth": ["admin"]}),
        "api-security-added @security: oauth2 admin; api-security-removed @security: oauth2 read, oauth2 write",
        "api-security-added @security: oauth2 read, oauth2 write; api-security-removed @security: oauth2 admin"),
    "another of two schemes of one kind": (_two_tokens({"user": []}), _two_tokens({"admin": []}),
        "api-security-added @security: http bearer admin; api-security-removed @security: http bearer user",
        "api-security-added @security: http bearer user; api-security-removed @security: http bearer admin"),
    "scopes that two schemes of one kind swap": (
        _two_tokens({"first": ["read"], "second": ["write"]}), _two_tokens({"first": ["write"], "second": ["read"]}),
        "api-security-scope-added @security: read, write; api-security-scope-removed @security: read, write",
        "api-security-scope-added @security: read, write; api-security-scope-removed @security: read, write"),
    "one of two schemes of one kind, called otherwise": (
        _keyed(user=_BEARER, admin=_BEARER), _keyed(user=_BEARER, root=_BEARER), "nothing"),
    "scopes and another credential": (_secured({"oauth": ["read"]}), _secured({"oauth": ["write"]}, {"a": []}),
        "api-security-added @security: apiKey header x-a, oauth2 write; api-security-removed @security: oauth2 read",
        "api-security-added @security: oauth2 read; api-security-removed @security: apiKey header x-a, oauth2 write"),
    "keys in other places": (_secured({"query_key": []}), _secured({"cookie_key": []}),
        "api-security-added @security: apiKey cookie Key; api-security-removed @security: apiKey query Key",
        "api-security-added @security: apiKey query Key; api-security-removed @security: apiKey cookie Key"),
    "a key that a parameter carried": (
        _secured(parameters=[_HEADER]), _secured({"a": []}),
        "api-security-added-for-known-credential @security: apiKey header x-a",
        "api-security-removed @security: apiKey header x-a; new-request-parameter-for-known-credential @header x-a: "
        "X-A"),
    "a key that a parameter carries, and another": (_secured(parameters=[_HEADER]),
        _secured({"a": [], "b": []}, parameters=[_HEADER]),
        "api-security-added @security: apiKey header x-a and apiKey header x-b",
        "api-security-removed @security: apiKey header x-a and apiKey header x-b"),
    "a key that a parameter need not carry": (
        _secured(parameters=[{**_HEADER, "required": False}]),
        _secured({"a": []}, parameters=[{**_HEADER, "required": False}]),
        "api-security-added @security: apiKey header x-a", "api-security-removed @security: apiKey header x-a"),
    "a certificate": (_secured(parameters=[_TOKEN]), _secured({"tls": []}, parameters=[_TOKEN]),
        "api-security-added @security: mutualTLS", "api-security-removed @security: mutualTLS"),
    "a document's own and an operation's": (
        {**document(security=_each("a")), "components": {"securitySchemes": _SCHEMES}}, _secured({"a": []}, {"b": []}),
        "api-security-alternative-added @security: apiKey header x-b",
        "api-security-alternative-removed @security: apiKey header x-b"),
    "schemes of every kind": (document(), {**document(), "components": {"securitySchemes": _SCHEMES}},
        "api-security-component-added @securitySchemes: apiKey cookie Key, apiKey header x-a, apiKey header x-b, "
        "apiKey header x-c, "
        "apiKey header x-d, apiKey header x-e, apiKey query Key, http bearer, mutualTLS, oauth2, openIdConnect "
        "https://o",
        "api-security-component-removed @securitySchemes: apiKey cookie Key, apiKey header x-a, apiKey header x-b, "
        "apiKey header x-c, "
        "apiKey header x-d, apiKey header x-e, apiKey query Key, http bearer, mutualTLS, oauth2, openIdConnect "
        "https://o"),
    "schemes that are called otherwise": (
        _schemes(one=_key("X-One"), two=_key("Two", "query")),
        _schemes(first=_key("x-one"), second=_key("two", "query")),
        "api-security-component-added @securitySchemes: apiKey query two; api-security-component-removed "
        "@securitySchemes: apiKey query Two",
        "api-security-component-added @securitySchemes: apiKey query Two; api-security-component-removed "
        "@securitySchemes: apiKey query two"),
    "a scheme that became another": (
        _schemes(a={"type": "openIdConnect", "openIdConnectUrl": "https://o"}),
        _schemes(a={"type": "openIdConnect", "openIdConnectUrl": "https://p"}),
        "api-security-component-type-changed @securitySchemes: openIdConnect https://o → openIdConnect https://p",
        "api-security-component-type-changed @securitySchemes: openIdConnect https://p → openIdConnect https://o"),
    "flows that came, went and changed": (_flows(implicit=_flow("a", read="r", write="w"), password=_flow("p")),
        _flows(implicit=_flow("b", read="reads", all="a"), clientCredentials=_flow("c")),
        "api-security-component-added @securitySchemes oauth2 clientCredentials: oauth2 clientCredentials; "
        "api-security-component-oauth-scope-added @securitySchemes oauth2 implicit: all; "
        'api-security-component-oauth-scope-changed @securitySchemes oauth2 implicit: (read) "r" → "reads"; '
        "api-security-component-oauth-scope-removed @securitySchemes oauth2 implicit: write; "
        "api-security-component-oauth-token-url-changed @securitySchemes oauth2 implicit: https://a/token → "
        "https://b/token; "
        "api-security-component-oauth-url-changed @securitySchemes oauth2 implicit: https://a → https://b; "
        "api-security-component-removed @securitySchemes oauth2 password: oauth2 password",
        "api-security-component-added @securitySchemes oauth2 password: oauth2 password; "
        "api-security-component-oauth-scope-added @securitySchemes oauth2 implicit: write; "
        'api-security-component-oauth-scope-changed @securitySchemes oauth2 implicit: (read) "reads" → "r"; '
        "api-security-component-oauth-scope-removed @securitySchemes oauth2 implicit: all; "
        "api-security-component-oauth-token-url-changed @securitySchemes oauth2 implicit: https://b/token → "
        "https://a/token; "
        "api-security-component-oauth-url-changed @securitySchemes oauth2 implicit: https://b → https://a; "
        "api-security-component-removed @securitySchemes oauth2 clientCredentials: oauth2 clientCredentials"),
    "flows of a scheme that is called otherwise": (_schemes(one={"type": "oauth2",
        "flows": {"implicit": _flow("a", read="r")}}),
        _schemes(two={"type": "oauth2", "flows": {"implicit": _flow("a", read="r", write="w")}}),
        "api-security-component-oauth-scope-added @securitySchemes oauth2 implicit: write",
        "api-security-component-oauth-scope-removed @securitySchemes oauth2 implicit: write"),
    "flows of two schemes, one of which is called otherwise": (_schemes(one=_oauth("a"), two=_oauth("b")),
        _schemes(three=_oauth("a"), two=_oauth("b")), "nothing"),
    "certificates that are called otherwise": (_keyed(k={"type": "mutualTLS"}), _keyed(l={"type": "mutualTLS"}),
        "nothing"),
    "OAuth that is called otherwise": (_keyed(k={"type": "oauth2"}), _keyed(l={"type": "oauth2"}), "nothing"),
    "OpenID Connect of another provider": (
        _keyed(k={"type": "openIdConnect", "openIdConnectUrl": "https://a"}),
        _keyed(k={"type": "openIdConnect", "openIdConnectUrl": "https://b"}),
        "api-security-added @security: openIdConnect https://b; "
        "api-security-component-type-changed @securitySchemes: openIdConnect https://a → openIdConnect https://b; "
        "api-security-removed @security: openIdConnect https://a",
        "api-security-added @security: openIdConnect https://a; "
        "api-security-component-type-changed @securitySchemes: openIdConnect https://b → openIdConnect https://a; "
        "api-security-removed @security: openIdConnect https://b"),
}  # fmt: skip
