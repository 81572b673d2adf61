"""Checks of requests, by `check_request` and by the mock, which rejects those that break the contract."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.mock.test_request_validation import ROWS, shop
from tests.request_checks.orders import ORDER, body, contract_of_body, contract_of_paths
from tests.request_checks.test_independent import PATHS
from tests.request_checks.test_parameters import PATH_CASES, QUERY_CASES, contract_of_get, parameter_p

from .inputs import Input, Options
from .kit import Fact, Kit

Sent = list[Any]
"""Name, method, target, header fields and body of a request."""

_JSON = {"Content-Type": "application/json"}


def requests(_options: Options) -> Iterator[Input]:
    """Yield the checks of parameters in each style, of bodies, and of generated requests to a contract of each kind."""
    rows: list[tuple[Any, ...]] = [*PATH_CASES]
    for number, (members, schema, valid, invalid) in enumerate(rows):
        document = contract_of_get(parameter_p("path", schema, **members), path="/orders/{p}").source
        sent: list[Sent] = [[value, "GET", f"/orders/{value}", {}, None] for value in (valid, invalid)]
        yield _input(f"path parameter {number}", document, sent)
    rows = [*QUERY_CASES]
    for number, (members, schema, valid, invalid) in enumerate(rows):
        document = contract_of_get(parameter_p("query", schema, **members)).source
        sent = [[value, "GET", f"/orders?{value}", {}, None] for value in (valid, invalid)]
        yield _input(f"query parameter {number}", document, sent)
    for in_, field in (("header", "P"), ("cookie", "Cookie")):
        document = contract_of_get(parameter_p(in_, {"type": "integer"})).source
        prefix = "p=" if in_ == "cookie" else ""
        sent = [[value, "GET", "/orders", {field: f"{prefix}{value}"}, None] for value in ("7", "x", "")]
        yield _input(f"{in_} parameter", document, sent)
    yield _input("orders", contract_of_body(ORDER).source, list(_orders()))
    yield _input("independent paths", contract_of_paths(PATHS).source, [])
    yield _input("shop", shop("400", "415", "422").source, [*_shop(), *_orders()])
    secured = contract_of_paths(
        {"/orders": {"post": {**body(ORDER), "security": [{"key": []}]}}},
        components={"securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}},
    )
    yield _input("credentials", secured.source, list(_orders()))


def _orders() -> Iterator[Sent]:
    """Yield requests that create an order: a valid one, and ones with one value changed."""
    valid: dict[str, Any] = {"qty": 1, "size": "s", "notes": ["a"], "password": "12345678"}
    yield ["valid", "POST", "/orders", _JSON, valid]
    yield ["with credentials", "POST", "/orders", {**_JSON, "Authorization": "Bearer x"}, valid]
    others: list[Any] = [None, 0, -1, 1.5, "", "x", "long text", [], ["long"], {}, True]
    for name in valid:
        yield [f"no {name}", "POST", "/orders", _JSON, {key: value for key, value in valid.items() if key != name}]
        for value in others:
            yield [f"{name}={value!r}", "POST", "/orders", _JSON, {**valid, name: value}]
    yield ["read-only", "POST", "/orders", _JSON, {**valid, "id": 1}]
    yield ["extra", "POST", "/orders", _JSON, {**valid, "colour": "red"}]
    for media in ("text/plain", "application/xml", "application/json; charset=utf-16", "nonsense"):
        yield [media, "POST", "/orders", {"Content-Type": media}, json.dumps(valid)]
    for name, text in {"cut": "{", "twice": '{"qty": 1, "qty": 2, "size": "s"}', "NaN": '{"qty": NaN}'}.items():
        yield [name, "POST", "/orders", _JSON, text]
    for method, target in (("GET", "/orders"), ("PUT", "/orders"), ("POST", "/orderz"), ("POST", "/orders?x=1")):
        yield [f"{method} {target}", method, target, _JSON, valid]


def _shop() -> Iterator[Sent]:
    """Yield the requests that the tests of the mock send, except multipart bodies."""
    for name, (values, _, _) in ROWS.items():
        method, path = values.get("method", "POST"), values.get("path", "/orders")
        if "files" not in values and "data" not in values:
            content = values.get("content")
            content = content.decode() if isinstance(content, bytes) else content
            sent_body = values.get("json", content)
            headers = values.get("headers", _JSON if "json" in values else {})
            yield [name, method, path, headers, json.dumps(sent_body) if "json" in values else sent_body]
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    yield ["form", "POST", "/form", form, "name=a"]
    yield ["form without a field", "POST", "/form", form, "other=x"]
    multipart = {"Content-Type": "multipart/form-data; boundary=b"}
    part = '--b\r\nContent-Disposition: form-data; name="{}"\r\n\r\nx\r\n--b--\r\n'
    yield ["upload without file", "POST", "/upload", multipart, part.format("name")]
    yield ["upload", "POST", "/upload", multipart, part.format("file")]


def _input(name: str, document: Any, sent: list[Sent]) -> Input:
    """Return the checks of requests to a contract; without requests, of those that the contract suggests."""

    def collect(kit: Kit, folder: Path) -> Iterator[Fact]:
        (folder / "contract.json").write_text(json.dumps(document), "utf-8")
        result = kit.run(folder, "requests", document=str(folder / "contract.json"), requests=sent, mock=True)
        yield from result.facts()
        yield from (tuple(row) for row in result.data("rows.json") or ())

    return Input(name, collect)
