"""A contract in several files is one document: the files that it refers to are read with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from pytest_bctrl.contract.engine import accepts
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.contract.read import load
from pytest_bctrl.errors import DocumentError


def load_files(folder: Path, files: dict[str, Any], version: str = "3.0.3", **paths: Any) -> Contract:
    """Write the files and a main document with these paths, and load the contract."""
    main = {
        "openapi": version,
        "info": {"title": "Pets", "version": "1"},
        "paths": {f"/{name}": item for name, item in paths.items()},
        "components": {"parameters": {"Limit": {"name": "limit", "in": "query", "schema": {"type": "integer"}}}},
    }
    for name, content in {"api.json": main, **files}.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return load(folder / "api.json")


def get(schema: Any, **more: Any) -> dict[str, Any]:
    """Return a path item whose GET returns this schema; `more` are other members of the operation."""
    return {
        "get": {"responses": {"200": {"description": "", "content": {"application/json": {"schema": schema}}}}, **more}
    }


PET = """
Pet:
  type: object
  required: [name]
  properties:
    name: {type: string, nullable: true}
    parent:
      $ref: >-
        #/Pet
    size:
      $ref: >-
        a%20b.json#/properties/size
    shop: {$ref: "../api.json#/components/parameters/Limit/schema"}
Loop: {$ref: "gone.yaml"}
"""
LIMIT = {"$ref": "../api.json#/components/parameters/Limit"}
FILES = {
    "paths/pets.json": get({"$ref": "../schemas/pets.yaml#/Pet"}, parameters=[LIMIT]),
    "schemas/pets.yaml": PET,
    "schemas/a b.json": {"properties": {"size": {"type": "integer", "minimum": 3, "exclusiveMinimum": True}}},
}  # fmt: skip


def test_references_between_files_are_resolved(tmp_path: Path) -> None:
    """Operations have the parameters and schemas that other files define.

    Paths are relative to the referring file. A reference that nothing uses (`Loop`) is not followed.
    """
    contract = load_files(tmp_path, FILES, pets={"$ref": "paths/pets.json"}, own={"$ref": "./api.json#/paths/~1pets"})
    pets, itself = contract.operations
    (_, schema) = pets.responses["200"].json or ("", True)

    def accepts_pet(**more: Any) -> bool:
        """Return whether the schema accepts a pet with these members."""
        return accepts(contract, schema, {"name": None, **more})

    assert (["limit"], ["limit"]) == (
        [parameter.name for parameter in pets.parameters],
        [parameter.name for parameter in itself.parameters],
    )
    assert accepts_pet(parent={"name": "x", "size": 4}, shop=1)
    invalid: list[dict[str, Any]] = [{"size": 3}, {"parent": {}}, {"parent": {"name": "x", "size": 3}}, {"shop": "1"}]
    assert not any(accepts_pet(**members) for members in invalid)


def test_a_discriminator_mapping_can_refer_to_other_files(tmp_path: Path) -> None:
    mapping = {"cat": "./cats.yaml#/Cat", "dog": "#/Dog", "other": "Other"}
    discriminator = {"propertyName": "kind", "mapping": mapping}
    pets = {"oneOf": [{"$ref": "cats.yaml#/Cat"}, {"$ref": "#/Dog"}], "discriminator": discriminator}
    files = {"pets.json": {"Pet": pets, "Dog": {"type": "object"}}, "cats.yaml": "Cat: {type: object}"}
    data = load_files(tmp_path, files, pets=get({"$ref": "pets.json#/Pet"})).document
    mapped = data["x-bctrl-files"]["pets.json#/Pet"]["discriminator"]["mapping"]
    assert {**mapping, "cat": "#/x-bctrl-files/cats.yaml%23~1Cat", "dog": "#/x-bctrl-files/pets.json%23~1Dog"} == mapped


@pytest.mark.parametrize("suffix", [".json", ".yaml", ".yml"])
def test_a_document_that_refers_to_files_only_in_a_mapping_is_bundled(tmp_path: Path, suffix: str) -> None:
    """Also if the file of the document has no `$ref` at all."""
    discriminator = {"propertyName": "kind", "mapping": {"cat": f"cats{suffix}"}}
    schema = {"oneOf": [{"type": "object", "properties": {"kind": {"const": "cat"}}}], "discriminator": discriminator}
    files = {f"cats{suffix}": '{"type": "object"}'}
    document = load_files(tmp_path, files, "3.1.0", pets=get(schema)).document
    assert {f"cats{suffix}#": {"type": "object"}} == document["x-bctrl-files"]
    content = document["paths"]["/pets"]["get"]["responses"]["200"]["content"]["application/json"]
    assert {"cat": f"#/x-bctrl-files/cats{suffix}%23"} == content["schema"]["discriminator"]["mapping"]


def test_references_below_an_identifier_are_resolved_against_it_and_not_as_files(tmp_path: Path) -> None:
    """A schema with `$id` refers to a file that exists in the folder: the error names the reference."""
    schema = {"$id": "https://example.org/pets/", "properties": {"name": {"$ref": "name.yaml"}}}
    with pytest.raises(DocumentError, match=r"'name\.yaml' leads outside the document"):
        load_files(tmp_path, {"name.yaml": "type: string"}, "3.1.0", x=get(schema))


WRONG: dict[str, tuple[Any, str]] = {
    "missing": ("b.yaml", "b.yaml: the file cannot be read: No such file or directory (api.json refers to it: b.yaml)"),
    "nowhere": ("a.yaml#/gone", "a.yaml: #/gone: the reference leads nowhere"),
    "circle": ("a.yaml#/circle", "leads back to itself"),
    "no schema": ("a.yaml#/broken", 'it is not well-formed OpenAPI: minimum 0 is expected, not -1'),
    "no schema behind another": ("a.yaml#/next", 'it is not well-formed OpenAPI: minimum 0 is expected, not -1'),
    "a text": ("a.yaml#/text", 'the type ["boolean", "object"] is expected, not "a"'),
    "another host": ("https://api.example.org/a.yaml", "outside the document"),
    "an anchor": ("a.yaml#broken", "outside the document"),
    "a whole path": ("/a.yaml", "outside the document"),
    "no document by its name": ("secrets.env", "outside the document"),
    "not YAML": ("c.yaml", "c.yaml: not YAML"),
    "above its folder": ("../b.yaml", "b.yaml: it is outside the folder of the document (api.json refers to it: ../b"),
    "above, from another file": ("a.yaml#/up", "outside the folder of the document (a.yaml refers to it: d/../../b"),
    "above, by escapes": ("%2e%2e/b.yaml", "it is outside the folder of the document"),
    "a host, by escapes": ("http%3A//api.example.org/a.yaml", "outside the document"),
    "above and with a colon, by escapes": ("../o%3Ap/a.yaml", "outside the document"),
}  # fmt: skip
A = "{circle: {$ref: '#/circle'}, broken: {minItems: -1}, next: {items: {$ref: '#/broken'}}, text: a, \
up: {$ref: 'd/../../b.yaml'}}"


@pytest.mark.parametrize("name", WRONG)
def test_a_reference_to_no_readable_file_or_valid_schema_is_a_one_line_error(tmp_path: Path, name: str) -> None:
    """Loading the document, whose only operation has the reference, raises `DocumentError`."""
    reference, problem = WRONG[name]
    with pytest.raises(DocumentError) as caught:
        load_files(tmp_path, {"a.yaml": A, "c.yaml": "a: ["}, "3.1.0", x=get({"$ref": reference}))
    text = str(caught.value)
    assert (True, 1) == (problem in text, len(text.splitlines())), text


def test_a_percent_encoded_absolute_path_is_an_error(tmp_path: Path) -> None:
    """The `$ref` leads to an existing file of another folder."""
    secret = tmp_path / "elsewhere" / "secret.json"
    secret.parent.mkdir()
    secret.write_text('{"S": {"type": "string"}}', "utf-8")
    folder = tmp_path / "specs"
    folder.mkdir()
    with pytest.raises(DocumentError, match="outside the document"):
        load_files(folder, {}, x=get({"$ref": f"{quote(str(secret), safe='')}#/S"}))


def test_a_file_above_the_folder_of_the_document_is_read_if_the_working_directory_contains_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    specs = tmp_path / "project" / "specs"
    specs.mkdir(parents=True)
    (tmp_path / "project" / "common.yaml").write_text("type: string", "utf-8")
    monkeypatch.chdir(tmp_path / "project")
    contract = load_files(specs, {}, x=get({"$ref": "../common.yaml"}))
    assert {"type": "string"} == contract.document["x-bctrl-files"]["../common.yaml#"]
    with pytest.raises(DocumentError, match="it is outside the folder of the document"):
        load_files(specs, {}, x=get({"$ref": "../../common.yaml"}))


def test_the_size_limit_applies_to_all_files_together(tmp_path: Path) -> None:
    large = f"# {'x' * 4_000_000}\ntype: string\n"
    schema = {"anyOf": [{"$ref": f"{name}.yaml"} for name in "abc"]}
    with pytest.raises(DocumentError, match="what it refers to is larger than 10 MB"):
        load_files(tmp_path, {f"{name}.yaml": large for name in "abc"}, x=get(schema))
