"""A custom document is read, or rejected in one line that names the location of the problem."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_bctrl.conformance import check
from pytest_bctrl.contract import show
from pytest_bctrl.contract.files import packaged
from pytest_bctrl.contract.model import Parameter, SecurityScheme
from pytest_bctrl.contract.read import digest, from_document, load
from pytest_bctrl.errors import DocumentError
from tests.observed.bodies import places

from .documents import document

MERGED: dict[str, Any] = json.loads(packaged().merged.read_text("utf-8"))
SAMPLE: dict[str, Any] = json.loads(packaged().sample.read_text("utf-8"))


def test_the_packaged_contract_passes_the_validation_of_custom_ones() -> None:
    """`from_document`, which validates, reads the merged document with the digest that `load` has."""
    assert load().digest == from_document(MERGED, "merged").digest


def test_the_packaged_contract_has_one_operation_with_key_and_space_id() -> None:
    (operation,) = load().operations
    assert ("GET /v1/spaces/{id}/runtimes", ((SecurityScheme("bearerAuth", "http", "bearer"),),)) == (
        operation.label,
        operation.security,
    )
    parameter = Parameter("id", "path", True, {"type": "string"}, "space_id", style="simple", explode=False)
    assert (parameter,) == operation.parameters


def test_json_and_yaml_are_the_same_contract(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(document()), "utf-8")
    (tmp_path / "a.yaml").write_text(f"# mine\n{json.dumps(document())}", "utf-8")
    assert load(tmp_path / "a.json").digest == load(tmp_path / "a.yaml").digest


def test_unquoted_statuses_and_dates_in_yaml_are_strings(tmp_path: Path) -> None:
    """The version `2026-01-01` and the status `200`."""
    path = tmp_path / "a.yaml"
    path.write_text(
        "openapi: 3.1.0\ninfo: {title: T, version: 2026-01-01}\n"
        "paths: {/x: {get: {responses: {200: {description: a}, default: {description: b}}}}}\n",
        "utf-8",
    )
    contract = load(path)
    assert ("2026-01-01", ["200", "default"]) == (contract.version, list(contract.operations[0].responses))


def test_the_digest_depends_on_the_order_of_items_but_not_of_keys() -> None:
    assert digest({"a": 1, "b": [1, 2]}) == digest({"b": [1, 2], "a": 1})
    assert digest([1, 2]) != digest([2, 1])


def test_the_trailing_slash_of_a_server_url_is_removed() -> None:
    assert ("https://api.example.org",) == from_document(document(), "x").servers


def test_a_parameter_of_an_operation_overrides_that_of_its_path() -> None:
    spec = document(parameters=[{"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}])
    spec["paths"]["/v1/things/{id}"]["parameters"] = [{"name": "id", "in": "path", "schema": {"type": "string"}}]
    parameter = Parameter("id", "path", True, {"type": "integer"}, style="simple", explode=False)
    assert (parameter,) == from_document(spec, "x").operations[0].parameters


def test_examples_of_a_parameter_include_those_of_its_schema() -> None:
    """Named, by reference, `example`, `examples` and `default`, in this order; external ones are left out."""
    named = {"a": {"value": 1}, "b": {"externalValue": "https://api.example.org/b"}, "c": {"$ref": "#/x-examples/c"}}
    schema = {"example": 3, "examples": [4, 5], "default": 6}
    spec = document(parameters=[{"name": "id", "in": "path", "examples": named, "schema": schema}])
    spec["x-examples"] = {"c": {"value": 2}}

    (operation,) = from_document(spec, "x").operations

    assert (1, 2, 3, 4, 5, 6) == operation.parameters[0].examples


def test_references_are_resolved_everywhere() -> None:
    """In parameters, responses, headers and security schemes."""
    spec = document(parameters=[{"$ref": "#/components/parameters/Id"}], security=[{"key": []}])
    spec["components"] |= {
        "parameters": {"Id": {"name": "id", "in": "path"}},
        "responses": {"R": {"description": "r", "headers": {"X-A": {"$ref": "#/components/headers/H"}}}},
        "headers": {"H": {"schema": {"type": "string"}}},
        "securitySchemes": {"key": {"$ref": "#/components/securitySchemes/other"}, "other": {"type": "apiKey"}},
    }
    spec["paths"]["/v1/things/{id}"]["get"]["responses"] = {"200": {"$ref": "#/components/responses/R"}}
    (operation,) = from_document(spec, "x").operations
    assert ("id", [("X-A", {"type": "string"})], "apiKey") == (
        operation.parameters[0].name,
        [(header.name, header.schema) for header in operation.responses["200"].headers],
        operation.security[0][0].type,
    )


def test_a_recursive_schema_is_accepted() -> None:
    """`from_document` reads an operation whose schema contains itself."""
    spec = document({"$ref": "#/components/schemas/Node"})
    spec["components"]["schemas"] = {
        "Node": {"type": "object", "properties": {"next": {"$ref": "#/components/schemas/Node"}}}
    }
    assert 1 == len(from_document(spec, "x").operations)


def test_a_ref_inside_data_is_not_a_reference() -> None:
    """A `const` or `default` with a `$ref` that leads nowhere is accepted."""
    assert from_document(document({"const": {"$ref": "#/nowhere"}, "default": {"$ref": "x"}}), "x").operations


def test_extensions_and_descriptions_are_not_interpreted() -> None:
    """Invalid references and patterns in `x-` members and descriptions are accepted; an `x-` response is left out."""
    gone = {"get": {"source": {"$ref": "example.php"}}, "pattern": "("}
    spec = document(True, **{"x-code": gone, "description": {"$ref": "text.md"}})
    spec["paths"]["x-notes"] = gone
    spec["paths"]["/v1/things/{id}"]["get"]["responses"] |= {"x-note": gone, "404": {"description": "none"}}
    (operation,) = from_document(spec, "x").operations
    assert ["200", "404"] == list(operation.responses)


def _with(**changes: Any) -> Any:
    """Return a document with some of its members replaced."""
    return {**document(), **changes}


def _schemas(**schemas: Any) -> Any:
    """Return a document with these component schemas, whose only response is that of schema `A`."""
    return {**document({"$ref": "#/components/schemas/A"}), "components": {"schemas": schemas}}


A, B = {"$ref": "#/components/schemas/A"}, {"$ref": "#/components/schemas/B"}

BROKEN: dict[str, tuple[Any, str]] = {
    "null": (None, "not an OpenAPI document"),
    "list": ([], "not an OpenAPI document"),
    "no version": ({}, "it has no 'openapi' key"),
    "2.0": ({"swagger": "2.0"}, "a Swagger 2.0 document"),
    "3.10": (_with(openapi="3.10.0"), "its OpenAPI version is '3.10.0'"),
    "no paths": (_with(paths={}), "it has no operation"),
    "webhooks alone": (
        {"openapi": "3.1.0", "webhooks": {"w": {"get": {"responses": {}}}}},
        "it has no operation",
    ),
    "paths": (_with(paths=[]), "#/paths"),
    "operation": (_with(paths={"/x": {"get": None}}), "#/paths/~1x/get"),
    "status": (document(responses={"2OO": {}}), "responses"),
    "response": (document(responses={"200": []}), "responses/200"),
    "parameter without a name": (document(parameters=[{"in": "path"}]), "an object with name is expected"),
    "parameter in nothing": (document(parameters=[{"name": "id", "in": "body"}]), "parameters/0/in"),
    "unknown scheme": (document(security=[{"nobody": []}]), "'nobody', which is not defined"),
    "security": (document(security={"a": []}), "security"),
    "type": (document({"type": "text"}), "schema/type"),
    "type of a property with an empty name": (document({"properties": {"": {"type": "text"}}}), "/properties"),
    "schema": (document("string"), "schema"),
    "properties": (document({"properties": []}), "schema/properties"),
    "dangling": (document({"$ref": "#/components/schemas/Gone"}), "leads nowhere"),
    "dangling in items": (document({"items": {"$ref": "#/gone"}}), "leads nowhere"),
    "dangling in a property named default": (document({"properties": {"default": {"$ref": "#/gone"}}}), "nowhere"),
    "dangling response": (document(responses={"200": {"$ref": "#/components/responses/X"}}), "leads nowhere"),
    "header for a parameter": (
        {**document(parameters=[{"$ref": "#/components/headers/H"}]), "components": {"headers": {"H": {}}}},
        "#/components/headers/H: it is not well-formed OpenAPI: an object with",
    ),
    "schema outside the components": (
        {**document({"items": {"$ref": "#/x-a/A"}}), "x-a": {"A": {"minItems": -1}}},
        "A/minIt",
    ),
    "outside": (document({"$ref": "other.yaml#/a"}), "outside the document"),
    "outside of 3.0": ({**document({"$ref": "other.yaml#/a"}), "openapi": "3.0.3"}, "outside the document"),
    "anchor": (document({"$ref": "#here"}), "leads nowhere"),
    "negative index": (document({"$ref": "#/servers/-1"}), "leads nowhere"),
    "itself": (_schemas(A=A), "back to itself"),
    "circle": (_schemas(A=B, B=A), "back to itself"),
    "circle through allOf": (_schemas(A={"allOf": [B]}, B={"oneOf": [A]}), "back to itself"),
    "circle through dependentSchemas": (_schemas(A={"dependentSchemas": {"a": B}}, B=A), "back to itself"),
    "circle of parameters": (
        {**document(parameters=[A]), "components": {"schemas": {"A": A}}},
        "back to itself",
    ),
    "list of security schemes": (
        {**document(security=[{"0": []}]), "components": {"securitySchemes": []}},
        "securitySchemes",
    ),
    "version as an integer": (_with(openapi=3), "its OpenAPI version is '3'"),
    "invariants": (document(**{"x-bctrl-invariants": {}}), "invariants"),
    "invariant of an invalid location": (
        document(**{"x-bctrl-invariants": [{"rule": "a", "level": "info", "because": "", "unique": "a["}]}),
        "invariants/0: ",
    ),
    "invariant": (document(**{"x-bctrl-invariants": ["unique"]}), "invariants/0"),
    "half an invariant": (document(**{"x-bctrl-invariants": [{"rule": "a"}]}), "invariants/0"),
    "invariant without a check": (
        document(**{"x-bctrl-invariants": [{"rule": "a", "level": "error", "because": "b", "each": "x"}]}),
        "invariants/0",
    ),
    "invariant of one name": (
        document(**{"x-bctrl-invariants": [{"rule": "a", "level": "info", "because": "", "each": "x", "same": ["a"]}]}),
        "invariants/0/same",
    ),
    "invariant of another level": (
        document(**{"x-bctrl-invariants": [{"rule": "a", "level": "bad", "because": "", "unique": "x"}]}),
        "invariants/0/level",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_an_invalid_document_is_an_error_with_the_location(name: str) -> None:
    broken, problem = BROKEN[name]
    with pytest.raises(DocumentError) as caught:
        from_document(broken, "mine.json")
    text = str(caught.value)
    assert (True, True, 1) == (text.startswith("mine.json"), problem in text, len(text.splitlines()))


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("specs/api.yaml", "specs/api.yaml"),
        ("https://api.example.org/api.json", "openapi.yaml"),
        ("git:HEAD:api.yaml", "openapi.yaml"),
    ],
)
def test_the_hint_for_an_external_reference_is_the_command_that_bundles_the_document(name: str, file: str) -> None:
    """The command names a local file; it names `openapi.yaml` for a document from a URL or from Git."""
    with pytest.raises(DocumentError) as caught:
        from_document(document({"$ref": "other.yaml#/a"}), name)
    assert f"npx @redocly/cli bundle {file} --output bundled.yaml" in caught.value.hint


def _changed(path: tuple[Any, ...], junk: Any) -> Any:
    """Return a copy of the packaged contract's document with the value at a path replaced by `junk`."""
    changed = copy.deepcopy(MERGED)
    if not path:
        return junk
    inner: Any = changed
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = junk
    return changed


_JUNK = st.sampled_from([None, 1, "x", True, 1.5, [], {}, [1], [None], {"x": None}, {"$ref": "#/no"}, {"$ref": 7}])


@example(path=("components", "securitySchemes"), junk=[])
@example(path=("components", "securitySchemes"), junk=None)
@given(st.sampled_from([(), *places(MERGED)]), _JUNK)
def test_junk_in_a_document_is_a_one_line_error_or_harmless(path: tuple[Any, ...], junk: Any) -> None:
    """The packaged contract with junk at one path is read, shown and used for a check, or rejected in one line."""
    refusal = "x"
    try:
        contract = from_document(_changed(path, junk), "x")
        list(show.contract_lines(contract))
        check(SAMPLE, contract=contract, operation="GET /v1/spaces/{id}/runtimes")
    except DocumentError as error:
        refusal = str(error)
    assert ("x", 1) == (refusal[0], len(refusal.splitlines()))


@pytest.mark.parametrize(
    "text", ["", "{", "nonsense", "[1]", "{}", "a: [", '{"openapi": "3.1.0", "x": ' + "[" * 200_000, "\x00", "a: *b"]
)
def test_a_file_that_is_not_a_contract_is_a_one_line_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mine.json"
    path.write_text(text, "utf-8")
    with pytest.raises(DocumentError) as caught:
        load(path)
    assert 1 == len(str(caught.value).splitlines())


@pytest.mark.parametrize(
    ("name", "problem"),
    [("", "cannot be read"), ("missing.json", "cannot be read"), ("a\x00b", "cannot be read"), ("a.json", "not UTF-8")],
)
def test_an_unreadable_file_is_an_error(tmp_path: Path, name: str, problem: str) -> None:
    (tmp_path / "a.json").write_bytes(b'{"openapi": "\xff"}')
    with pytest.raises(DocumentError, match=problem):
        load(f"{tmp_path}/{name}")
