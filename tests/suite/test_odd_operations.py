"""Rare features of contracts, all in one: the mock serves it as documented, and the suite reports no error."""

from __future__ import annotations

from typing import Any

from pytest_bctrl.contract.read import from_document
from pytest_bctrl.secrets.secret import Secret
from pytest_bctrl.suite.operations import requestable_operations
from pytest_bctrl.suite.report.results import RunResults
from pytest_bctrl.suite.run import ContractRun, with_mock
from pytest_bctrl.suite.sending.target import Target
from tests.contract.documents import document
from tests.run_probes import run_probes

KINDS = {"propertyName": "kind", "mapping": {"c": "#/components/schemas/C"}}
CONTRADICTED = {
    "type": "object",
    "properties": {"kind": {"enum": ["a", "b"]}},
    "required": ["kind"],
    "discriminator": KINDS,
}
ANIMALS = {
    name: {"type": "object", "properties": {"kind": {"enum": [name.lower()]}}, "required": ["kind"]}
    for name in ("Cat", "Dog")
}
IMPLIED = {
    "type": "array",
    "items": {
        "oneOf": [{"$ref": f"#/components/schemas/{name}"} for name in ANIMALS],
        "discriminator": {"propertyName": "kind"},
    },
}


def responses(schema: Any = None, media: str = "application/json", status: str = "200") -> dict[str, Any]:
    """Return documented responses: one of `status` with this body, and rejections with a text."""
    content = {} if schema is None else {"content": {media: {"schema": schema}}}
    rejection = {"description": "", "content": {"application/*": {"schema": {"type": "string"}}}}
    return {"responses": {status: {"description": "", **content}, "401": rejection, "404": rejection, "400": rejection}}


def path_parameter(name: str, schema: Any = True) -> dict[str, Any]:
    """Return a required path parameter."""
    return {"name": name, "in": "path", "required": True, "schema": schema}


def test_an_unusual_contract_passes_against_its_own_mock() -> None:
    """Operations with a redirect only, a media type range, an id inside a segment, and more: no error is found."""
    paths: dict[str, Any] = {
        "a HEAD that documents a body": ("/head", {"head": responses({"type": "object"})}),
        "nothing but a redirection": ("/moved", {"get": responses(status="302")}),
        "a range of media types": ("/range", {"get": responses({"type": "string"}, "application/*")}),
        "an id that is made up": (
            "/t/{id}",
            {"parameters": [path_parameter("id")], "get": responses({"type": "object"})},
        ),
        "another that is in a part of it": (
            "/t/key={key}",
            {
                "parameters": [path_parameter("key", {"type": "integer", "minimum": 3})],
                "get": responses({"type": "array"}),
            },
        ),
        "a list in a path": (
            "/l/{list}",
            {
                "parameters": [path_parameter("list", {"type": "array", "items": {"type": "number"}})],
                "get": responses(True),
            },
        ),
        "a name that is not the parameter's": (
            "/n/{name*}",
            {"parameters": [path_parameter("name")], "get": responses(True)},
        ),
        "a discriminator of other kinds": ("/kinds", {"get": responses(CONTRADICTED)}),
        "a discriminator of branches that list other kinds": ("/implied", {"get": responses(IMPLIED)}),
        "a path that equals another one but for a name": (
            "/same/{one}",
            {"parameters": [path_parameter("one", {"type": "string"})], "get": responses({"const": 1})},
        ),
        "that other path": (
            "/same/{two}",
            {"parameters": [path_parameter("two", {"type": "string"})], "get": responses({"const": 2})},
        ),
        "a third one, with numbers": (
            "/same/{three}",
            {"parameters": [path_parameter("three", {"type": "integer"})], "get": responses({"const": 3})},
        ),
        "a field whose definition is ignored": (
            "/media",
            {
                "parameters": [{"name": "Accept", "in": "header", "required": True, "schema": {"const": "text/html"}}],
                "get": responses(True),
            },
        ),
        "a field that every client writes": (
            "/own",
            {
                "parameters": [{"name": "Accept-Encoding", "in": "header", "schema": {"enum": ["br"]}}],
                "get": responses(True),
            },
        ),
    }
    spec = {**document(), "paths": dict(paths.values())}
    spec["components"]["schemas"] = {"C": {}, **ANIMALS}
    run = with_mock(ContractRun("mock", from_document(spec, "odd.json"), "", Secret(""), {}, "error", 3))

    assert list(spec["paths"]) == [operation.path for operation in requestable_operations(run)]
    target = Target(run)
    findings = run_probes(target)
    target.close()
    assert [] == [finding for finding in findings if finding.level == "error"]


def test_head_of_a_path_with_a_public_head_operation_needs_no_credential() -> None:
    """Although its GET needs one; HEAD is tested as an operation."""
    item = {"get": {**responses(True), "security": [{"key": []}]}, "head": {**responses(), "security": []}}
    spec = {**document(), "paths": {"/x": item}}
    spec["components"] = {"securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}}
    run = with_mock(ContractRun("mock", from_document(spec, "odd.json"), "", Secret("the-key-of-odd"), {}, "error", 3))

    target = Target(run)
    findings = run_probes(target)
    target.close()
    assert [] == [finding for finding in findings if finding.level == "error"]


def test_the_schema_of_a_body_other_than_json_is_reported_as_not_checked() -> None:
    """One that allows any text needs no check, and that of a HEAD operation applies to nothing."""
    text = {"type": "string"}
    schemas = {
        "/csv": ("text/csv", {**text, "pattern": "^id,"}),
        "/lines": ("application/x-ndjson", {"type": "object"}),
        "/any": ("text/plain", text),
        "/file": ("application/octet-stream", {}),
        "/json": ("application/json", {"type": "object"}),
        "/params": ("Text/CSV; charset=utf-8", {"type": "array"}),
    }
    spec = {**document(), "paths": {}}
    for path, (media_type, schema) in schemas.items():
        responses = {"200": {"description": "x", "content": {media_type: {"schema": schema}}}}
        spec["paths"][path] = {"get": {"responses": responses}, "head": {"responses": responses}}
    events = {"text/event-stream": {"itemSchema": {"type": "object"}}}
    spec["paths"]["/events"] = {"get": {"responses": {"200": {"description": "x", "content": events}}}}
    run = with_mock(ContractRun("mock", from_document(spec, "odd.json"), "", Secret(""), {}, "error", 3))

    assert [
        "GET /csv: the schema of its text/csv body, since only JSON bodies are validated",
        "GET /lines: the schema of its application/x-ndjson body, since only JSON bodies are validated",
        "GET /params: the schema of its Text/CSV; charset=utf-8 body, since only JSON bodies are validated",
        "GET /events: the schema of its text/event-stream body, since only JSON bodies are validated",
    ] == RunResults(run).not_checked()
