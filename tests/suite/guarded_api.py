"""Documents of several security schemes, and a server that requires their credentials and logs what it received."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.local_server import Handler, serving

FLOWS = {"clientCredentials": {"tokenUrl": "https://id.test/token", "scopes": {}}}
HTTP, API_KEY = {"type": "http"}, {"type": "apiKey"}

SCHEMES: dict[str, tuple[dict[str, Any], str]] = {
    "bearer": (HTTP | {"scheme": "bearer"}, "Authorization: Bearer …"),
    "basic": (HTTP | {"scheme": "basic"}, "Authorization: Basic …"),
    "Apikey": (HTTP | {"scheme": "Apikey"}, "Authorization: Apikey …"),
    "oauth": ({"type": "oauth2", "flows": FLOWS}, "Authorization: Bearer …"),
    "openid": ({"type": "openIdConnect", "openIdConnectUrl": "https://id.test/c"}, "Authorization: Bearer …"),
    "bare": (API_KEY | {"in": "header", "name": "Authorization"}, "Authorization: …"),
    "described": (
        API_KEY | {"in": "header", "name": "Authorization", "description": "Send `Authorization: Token <key>`."},
        "Authorization: Token …",
    ),
    "header": (API_KEY | {"in": "header", "name": "X-Api-Key"}, "X-Api-Key: …"),
    "app": (API_KEY | {"in": "header", "name": "X-App-Id"}, "X-App-Id: …"),
    "query": (API_KEY | {"in": "query", "name": "api_key"}, "?api_key=…"),
    "cookie": (API_KEY | {"in": "cookie", "name": "sid"}, "Cookie: sid=…"),
    "csrf": (API_KEY | {"in": "cookie", "name": "csrf"}, "Cookie: csrf=…"),
    "digest": (HTTP | {"scheme": "digest"}, ""),
    "certificate": ({"type": "mutualTLS"}, ""),
}
"""Security schemes by name, each with its definition and the place of its credential in a request."""


def value_of(scheme: str) -> str:
    """Return the only value of a scheme that the server accepts; schemes of one kind of token have the same."""
    if scheme == "basic":
        return "alice:pw_6Hn2vXk9TqLr4"
    return {"oauth": "tk_bearer", "openid": "tk_bearer"}.get(scheme, f"tk_{scheme}") + "_4Kd9wQx2LmZ7"


def credential(scheme: str, value: str = "") -> str:
    """Return the credential of a scheme as the log of the server shows it."""
    value = value or value_of(scheme)
    if scheme == "basic":
        value = base64.b64encode(value.encode()).decode()
    return SCHEMES[scheme][1].replace("…", value)


def alternatives(security: str) -> list[list[str]]:
    """Return the alternatives of `a and b or c or nothing`, each as the names of its schemes."""
    return [[] if text == "nothing" else text.split(" and ") for text in security.split(" or ")]


def requirements(security: str) -> list[dict[str, list[str]]]:
    """Return a security as the keyword of OpenAPI; `public` is an empty list."""
    return [] if security == "public" else [{name: [] for name in names} for names in alternatives(security)]


def document(
    securities: Mapping[str, str | None], *unapplied: str, rejections: Sequence[int] = (401,)
) -> dict[str, Any]:
    """Return a document with an operation per path and its security; None leaves the keyword out.

    The path `*` is the document itself. Schemes that only `unapplied` names are defined as well.
    """
    item = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}
    success = {"description": "", "content": {"application/json": {"schema": item}}}
    failure = {"description": "", "content": {"application/json": {"schema": {"type": "object"}}}}
    responses = {"200": success} | {str(status): failure for status in rejections}
    names = {*unapplied} | {
        name
        for security in securities.values()
        if security and security != "public"
        for schemes in alternatives(security)
        for name in schemes
    }
    paths = {}
    for path, security in securities.items():
        if path != "*":
            stated = {} if security is None else {"security": requirements(security)}
            paths[path] = {"get": {"operationId": path.strip("/"), "responses": responses, **stated}}
    whole = securities.get("*")
    return {
        "openapi": "3.1.0",
        "info": {"title": "Shop", "version": "1"},
        "paths": paths,
        "components": {"securitySchemes": {name: SCHEMES[name][0] for name in SCHEMES if name in names}},
        **({} if whole is None else {"security": requirements(whole)}),
    }


@dataclass(frozen=True)
class Received:
    """A request: what sent it, its method and path, the credentials in it, and the status of the response.

    Every query parameter and every unusual header field counts as a credential.
    """

    agent: str
    method: str
    path: str
    credentials: frozenset[str]
    status: int


@dataclass
class Api:
    """A server and its log."""

    url: str = ""
    log: list[Received] = field(default_factory=list)

    def accepted(self, path: str, agent: str = "") -> set[frozenset[str]]:
        """Return the different credentials with which GET requests to a path were accepted."""
        return {
            request.credentials
            for request in self.log
            if request.path == path and request.agent.startswith(agent) and (request.method, request.status) == _READ
        }


_READ = ("GET", 200)
_USUAL = {"host", "accept", "accept-encoding", "connection", "user-agent", "content-length"}

Decide = Callable[[str, frozenset[str], Sequence[Received]], tuple[int, Any]]
"""Returns status and body for the path and credentials of a request, and the requests before it."""


THING = {"name": "x"}


def credentials_in(headers: Mapping[str, str], target: str) -> frozenset[str]:
    """Return the credentials of a request as `Name: value`, `Cookie: name=value` and `?name=value`."""
    shown = {name.lower(): name for _, place in SCHEMES.values() for name in [place.partition(":")[0]]}
    found = {
        f"{shown.get(name.lower(), name)}: {text}"
        for name, text in headers.items()
        if name.lower() not in {*_USUAL, "cookie"}
    }
    cookies = [text.strip() for text in headers.get("Cookie", "").split(";")]
    found |= {f"Cookie: {text}" for text in cookies if text}
    return frozenset(found | {f"?{name}={value}" for name, value in parse_qsl(urlsplit(target).query, True)})


@contextmanager
def serve(decide: Decide) -> Iterator[Api]:
    """Serve what a function decides, and log each request."""
    api = Api()

    class Shop(Handler):
        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            sent = credentials_in(dict(self.headers), self.path)
            status, body = decide(path, sent, tuple(api.log))
            api.log.append(Received(self.headers.get("User-Agent", ""), self.command, path, sent, status))
            self.respond(status, json.dumps(body).encode())

        do_HEAD = do_GET

    with serving(Shop) as api.url:
        yield api


def guard(securities: Mapping[str, str | None], base: str = "") -> Decide:
    """Return the decision of a server that requires the credentials of each path, and has no other path.

    `base` precedes the paths of the document.
    """

    def decide(path: str, sent: frozenset[str], _: Sequence[Received]) -> tuple[int, Any]:
        """Return a thing, 401 without one of the alternatives, or 404."""
        documented = path.removeprefix(base)
        if not path.startswith(base) or documented not in securities:
            return 404, {}
        security = securities[documented] or securities.get("*") or "nothing"
        if security == "public":
            return 200, THING
        # The server sees no certificate, and accepts no digest.
        usable = [names for names in alternatives(security) if all(SCHEMES[name][1] for name in names)]
        is_admitted = any({credential(name) for name in names} <= sent for names in usable)
        return (200, THING) if is_admitted else (401, {"message": "bad credentials"})

    return decide
