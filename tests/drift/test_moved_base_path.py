"""A base path that moved between the servers and the paths leaves the URLs as they were."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from pytest_bctrl.drift import compare

from .pairs import Doc

GET: Doc = {"get": {"responses": {"200": {"description": "ok"}}}}
HEAD: Doc = {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}}
X, Y = "https://x.example", "https://y.example"


def api(*servers: Any, **paths: Doc) -> Doc:
    """Return a document with servers, as URLs or objects, and paths, in whose names `__` is a slash."""
    items = {f"/{name.replace('__', '/')}": item for name, item in paths.items()}
    return {**HEAD, **listed(*servers), "paths": items}


def listed(*servers: Any) -> Doc:
    """Return `servers`, none if there is no URL."""
    return {"servers": [{"url": server} if isinstance(server, str) else server for server in servers]}


def at(*servers: Any, under: str = "path item") -> Doc:
    """Return a path item with servers of its own, or of its operation."""
    if under == "path item":
        return {**GET, **listed(*servers)}
    return {"get": {**GET["get"], **listed(*servers)}}


def variable(url: str, **variables: Any) -> Doc:
    """Return a server with variables, each with a default, or with a list of values that begins with it."""
    values = {name: value if isinstance(value, list) else [value] for name, value in variables.items()}
    return {
        "url": url,
        "variables": {
            name: {"default": value[0], **({"enum": value} if len(value) > 1 else {})} for name, value in values.items()
        },
    }


CALLBACK: Doc = {"get": {**GET["get"], "callbacks": {"done": {"{$request.query.url}": {"post": GET["get"]}}}}}
SAME: dict[str, list[Doc]] = {
    "an operation with a callback": [api(f"{X}/v1", jobs__1=CALLBACK), api(X, v1__jobs__1=CALLBACK)],
    "one server": [api(f"{X}/v1", items=GET), api(X, v1__items=GET), api(f"{X}/", v1__items=at(X))],
    "several": [api(f"{X}/v1", f"{Y}/v1", items=GET), api(X, Y, v1__items=GET)],
    "two segments, one of which moved": [
        api(f"{X}/api/v1", a=GET, b=GET), api(f"{X}/api", v1__a=GET, v1__b=GET),
        api(X, api__v1__a=GET, api__v1__b=GET)],
    "servers of a path item": [api(f"{X}/v1", items=GET), api(Y, items=at(f"{X}/v1")), api(Y, v1__items=at(X))],
    "servers of an operation": [
        api(f"{X}/v1", items=GET), api(Y, v1__items=at(X, under="operation")), api(v1__items=at(X, under="operation"))],
    "a part of the operations": [
        api(f"{X}/v1", a=GET, b=GET), api(X, v1__a=GET, v1__b=GET), api(X, v1__a=GET, b=at(f"{X}/v1"))],
    "relative": [api("/v1", items=GET), api("/", v1__items=GET), api(v1__items=GET)],
    "a variable of the base": [
        api(variable(f"{X}/{{base}}", base="v1"), items=GET), api(X, v1__items=GET),
        api(variable(f"{X}/{{base}}/", base="v1"), items=GET)],
    "a variable of the host": [
        api(variable("https://{h}.example/v1", h=["x", "y"]), items=GET),
        api(variable("https://{h}.example", h=["x", "y"]), v1__items=GET)],
    "with a parameter": [
        {**HEAD, **listed(server), "paths": {f"{base}/items/{{{name}}}": {**GET, "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}]}}}
        for server, base, name in ((f"{X}/v1", "", "id"), (X, "/v1", "item"))],
    "a path that other servers have too": [
        api(f"{X}/v1", a=GET, v1__a=GET), api(X, v1__a=GET, v1__v1__a=GET)],
    "a longer path of the same end": [api(f"{X}/v1", a=GET, b__a=GET), api(X, v1__a=GET, v1__b__a=GET)],
}  # fmt: skip


def errors(old: Doc, new: Doc) -> list[str]:
    """Return the rules of the errors, and the values or operations that they name."""
    findings = [finding for finding in compare(old, new) if finding.level != "info"]
    return [f"{finding.rule} {finding.expected}" for finding in findings]


@pytest.mark.parametrize("name", SAME)
def test_documents_with_the_same_urls_are_equal(name: str) -> None:
    for old, new in product(SAME[name], SAME[name]):
        assert compare(old, new) == []


LOST: dict[str, tuple[Doc, Doc, list[str], list[str]]] = {
    "one of the servers": (
        api(f"{X}/v1", f"{Y}/v1", items=GET), api(X, v1__items=GET), [f"api-server-removed {Y}/v1"], []),
    "the base of one server": (
        api(f"{X}/v1", f"{Y}/v1", items=GET), api(X, f"{Y}/v1", v1__items=GET),
        [f"api-server-removed {Y}/v1"], [f"api-server-removed {Y}/v1/v1"]),
    "an operation whose path stayed": (
        api(f"{X}/v1", a=GET, b=GET), api(X, v1__a=GET, b=GET),
        [f"api-server-removed {X}/v1"], [f"api-server-removed {X}"]),
    "another version": (
        api(f"{X}/v1", items=GET), api(X, v2__items=GET),
        ["api-path-removed-without-deprecation GET /items", f"api-server-removed {X}/v1"],
        ["api-path-removed-without-deprecation GET /v2/items", f"api-server-removed {X}"]),
    "another host": (
        api(f"{X}/v1", items=GET), api(Y, v1__items=GET),
        [f"api-server-removed {X}/v1"], [f"api-server-removed {Y}/v1"]),
    "an operation at the old path on the new server": (
        api(f"{X}/v1", a=GET), api(X, v1__a=GET, a=GET), [], ["api-removed-without-deprecation GET /a"]),
    "a path that became another operation's": (
        api(X, a=GET, v1__a=GET), api(f"{X}/v1", a=GET), ["api-removed-without-deprecation GET /a"], []),
    "a value of a variable": (
        api(variable(f"{X}/{{v}}", v=["v1", "v2"]), a=GET), api(X, v1__a=GET),
        [f"api-server-removed {X}/v2"], []),
}  # fmt: skip


@pytest.mark.parametrize("name", LOST)
def test_what_the_consumer_of_a_server_loses_is_an_error(name: str) -> None:
    old, new, forward, back = LOST[name]
    assert forward == errors(old, new)
    assert back == errors(new, old)


def test_a_change_of_an_operation_that_moved_is_reported() -> None:
    changed: Doc = {"get": {"responses": {"201": {"description": "made"}}}}
    assert errors(api(f"{X}/v1", a=GET), api(X, v1__a=changed)) == ["response-success-status-removed 200"]
