"""References where OpenAPI allows none, as split documents have them, are followed as bundlers follow them."""

from __future__ import annotations

import json
import re
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from pytest_bctrl.contract.model import Contract
from pytest_bctrl.contract.read import load
from pytest_bctrl.drift import compare
from pytest_bctrl.drift.sources import read_source
from pytest_bctrl.errors import DocumentError

DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Pets", "version": "1"},
    "servers": [{"url": "https://api.example.org"}],
    "paths": {
        "/pets": {
            "parameters": [{"name": "X-Tenant", "in": "header", "schema": {"type": "string"}}],
            "get": {
                "operationId": "listPets",
                "security": [{"key": []}],
                "parameters": [{"name": "limit", "in": "query", "schema": {"type": "integer"}}],
                "responses": {
                    "200": {
                        "description": "Pets",
                        "headers": {"X-Total": {"schema": {"type": "integer"}}},
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Pet"}}},
                    }
                },
            },
        }
    },
    "components": {
        "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-Key"}},
        "schemas": {
            "Pet": {
                "type": "object",
                "required": ["name"],
                "properties": {"name": {"type": "string"}, "properties": {"$ref": "#/components/schemas/headers"}},
            },
            # Names that are also those of maps: a reference there is that of a schema, and remains one.
            "headers": {"$ref": "#/components/schemas/Text"},
            "Text": {"type": "string"},
        },
    },
}
PLACES: dict[str, list[str]] = {
    "paths": ["paths"],
    "item": ["paths", "/pets"],
    "parameters of an item": ["paths", "/pets", "parameters"],
    "operation": ["paths", "/pets", "get"],
    "security": ["paths", "/pets", "get", "security"],
    "parameters": ["paths", "/pets", "get", "parameters"],
    "responses": ["paths", "/pets", "get", "responses"],
    "headers": ["paths", "/pets", "get", "responses", "200", "headers"],
    "content": ["paths", "/pets", "get", "responses", "200", "content"],
    "components": ["components"],
    "schemas": ["components", "schemas"],
    "properties": ["components", "schemas", "Pet", "properties"],
    "servers": ["servers"],
}


def split(folder: Path, *places: str, chain: bool = False) -> Path:
    """Write the document with the parts at these places in files of their own; with `chain`, behind a second file."""
    document = deepcopy(DOCUMENT)
    for number, place in enumerate(places):
        *parents, key = PLACES[place]
        holder = document
        for parent in parents:
            holder = holder[parent]
        name = f"part{number}.json"
        text = json.dumps(holder[key]).replace('"#/', '"api.json#/')
        if chain:
            (folder / f"to-{name}").write_text(json.dumps({"$ref": name}), "utf-8")
        (folder / name).write_text(text, "utf-8")
        holder[key] = {"$ref": f"to-{name}" if chain else name}
    (folder / "api.json").write_text(json.dumps(document), "utf-8")
    return folder / "api.json"


def essence(contract: Contract) -> Any:
    """Return what the kit reads of the only operation of a contract, and the servers."""
    (operation,) = contract.operations
    response = operation.responses["200"]
    return (
        contract.servers,
        operation.label,
        operation.operation_id,
        [(parameter.in_, parameter.name, parameter.schema) for parameter in operation.parameters],
        operation.security,
        [(header.name, header.schema) for header in response.headers],
        [*response.content],
        contract.excluded,
    )


@pytest.mark.parametrize("chain", [False, True], ids=["", "behind a second file"])
@pytest.mark.parametrize("place", PLACES)
def test_a_part_in_a_file_of_its_own_is_read_like_one_in_the_document(tmp_path: Path, place: str, chain: bool) -> None:
    """The contract is the same, and the drift comparison of both documents has no finding, except for a change."""
    whole = tmp_path / "whole.json"
    whole.write_text(json.dumps(DOCUMENT), "utf-8")
    changed = tmp_path / "changed.json"
    changed.write_text(json.dumps(DOCUMENT).replace('"type": "integer"', '"type": "boolean"'), "utf-8")
    path = split(tmp_path, place, chain=chain)

    assert essence(load(whole)) == essence(load(path))
    documents = [read_source(str(file)) for file in (path, whole, changed)]
    assert [] == compare(documents[0], documents[1])
    of_split, of_whole = (
        [(finding.rule, finding.operation, finding.location) for finding in compare(old, documents[2])]
        for old in documents[:2]
    )
    assert of_split == of_whole != []


def test_parts_of_parts_in_files_of_their_own_are_read(tmp_path: Path) -> None:
    """A path item in a file, whose operation is in a file, whose responses are in a file."""
    path = split(tmp_path, "properties", "content", "responses", "operation", "item", "schemas")
    whole = tmp_path / "whole.json"
    whole.write_text(json.dumps(DOCUMENT), "utf-8")
    assert essence(load(whole)) == essence(load(path))


@pytest.mark.parametrize(
    ("places", "file", "pointer", "line"),
    [
        (["operation"], "part0.json", "/parameters/0/schema/type", None),
        (["parameters", "operation", "item"], "part0.json", "/0/schema/type", None),
        (["paths"], "part0.json", "/~1pets/get/parameters/0/schema/type", None),
        (["properties"], "api.json", "/paths/~1pets/get/parameters/0/schema/type", 1),
    ],
)
def test_a_change_is_located_in_the_file_that_has_it(
    tmp_path: Path, places: list[str], file: str, pointer: str, line: int | None
) -> None:
    changed = tmp_path / "changed.json"
    changed.write_text(json.dumps(DOCUMENT).replace('"type": "integer"', '"type": "boolean"', 1), "utf-8")
    findings = compare(read_source(str(split(tmp_path, *places))), read_source(str(changed)))
    (base,) = [finding.extra["base"] for finding in findings]
    assert {"document": str(tmp_path / file), "pointer": pointer, "line": line} == base


def test_members_beside_the_reference_of_an_operation_override_those_of_its_target(tmp_path: Path) -> None:
    document = deepcopy(DOCUMENT)
    item = document["paths"]["/pets"]
    document["x-operations"] = {"list": item["get"]}
    item["get"] = {"$ref": "#/x-operations/list", "operationId": "pets"}
    (tmp_path / "api.json").write_text(json.dumps(document), "utf-8")

    (operation,) = load(tmp_path / "api.json").operations
    assert ("pets", ["200"]) == (operation.operation_id, [*operation.responses])


@pytest.mark.parametrize(
    ("reference", "problem"),
    [
        ("#/x-operations/none", "the reference '#/x-operations/none' leads nowhere"),
        ("none.json", "none.json: the file cannot be read: No such file or directory"),
        ("api.json#/paths/~1pets/get", "#/paths/~1pets/get: the reference leads back to itself"),
    ],
)
def test_an_operation_whose_reference_leads_nowhere_is_an_error_and_not_empty(
    tmp_path: Path, reference: str, problem: str
) -> None:
    document = deepcopy(DOCUMENT)
    document["paths"]["/pets"]["get"] = {"$ref": reference}
    (tmp_path / "api.json").write_text(json.dumps(document), "utf-8")
    with pytest.raises(DocumentError, match=re.escape(problem)):
        load(tmp_path / "api.json")


def test_a_document_without_components_may_have_operations_in_files(tmp_path: Path) -> None:
    responses = {"204": {"description": ""}}
    document = {**DOCUMENT, "paths": {"/pets": {"get": {"responses": {"$ref": "part.json"}}}}}
    del document["components"]
    (tmp_path / "part.json").write_text(json.dumps(responses), "utf-8")
    (tmp_path / "api.json").write_text(json.dumps(document), "utf-8")
    (operation,) = load(tmp_path / "api.json").operations
    assert ["204"] == [*operation.responses]


def test_properties_that_lead_back_to_themselves_are_an_error(tmp_path: Path) -> None:
    """`properties` in a file that contain a reference to the same file cannot be written out."""
    document = deepcopy(DOCUMENT)
    document["components"]["schemas"]["Pet"] = {"properties": {"$ref": "part.json"}}
    part = {"child": {"properties": {"$ref": "part.json"}}}
    (tmp_path / "part.json").write_text(json.dumps(part), "utf-8")
    (tmp_path / "api.json").write_text(json.dumps(document), "utf-8")
    with pytest.raises(DocumentError, match="is not well-formed OpenAPI"):
        load(tmp_path / "api.json")
