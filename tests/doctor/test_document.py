"""`pytest-bctrl doctor --contract`: what it reports about a document."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_bctrl.cli import main
from tests.doctor.conftest import Doctor

PETS: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Pets", "version": "1"},
    "paths": {
        "/pets": {
            "get": {"operationId": "listPets", "responses": {"200": {"description": "Pets"}}},
            "post": {"responses": {"201": {"description": "Created"}}},
        },
        "/pets/{petId}": {
            "get": {
                "security": [{"key": []}],
                "parameters": [{"name": "petId", "in": "path", "required": True, "schema": {"type": "string"}}],
                "responses": {"200": {"description": "A pet"}},
            }
        },
        "/pets/{petId}/toys": {
            "get": {
                "security": [{"key": []}],
                "parameters": [{"name": "petId", "in": "path", "required": True, "schema": {"type": "string"}}],
                "responses": {"200": {"description": "Toys"}},
            }
        },
        "/certified": {"get": {"security": [{"mutual": []}], "responses": {"200": {"description": "Certified"}}}},
        "/broken": {"get": {"parameters": [{"$ref": "#/components/parameters/missing"}], "responses": {}}},
        "/invalid": {"get": {"responses": {"200": {"$ref": "#/components/responses/missing"}}}},
    },
    "components": {
        "securitySchemes": {
            "key": {"type": "apiKey", "in": "header", "name": "X-Key"},
            "mutual": {"type": "mutualTLS"},
        }
    },
}


@pytest.fixture
def pets(tmp_path: Path) -> str:
    """Return the name of a document with an operation of each state, in the folder of the test."""
    (tmp_path / "pets.json").write_text(json.dumps(PETS))
    return "pets.json"


def test_a_document_is_explained_by_operation_with_the_lines_to_paste(doctor: Doctor, pets: str) -> None:
    """`--contract` lists the operations by state, and prints the settings that the ini file needs."""
    code, line = doctor("--contract", pets)

    assert 0 == code
    assert "7: 1 checked, 2 no value, 2 not checked, 1 unsafe, 1 excluded" == line("operations")["text"]
    assert "GET /pets  listPets" == line("checked")["text"]
    assert ("GET /pets/{petId}: petId", "note") == (line("no value")["text"], line("no value")["state"])
    assert line("not checked")["text"].startswith("GET /certified: its security is not a bearer token")
    assert "POST /pets" == line("unsafe")["text"]
    assert "at #/paths/~1broken/get/parameters/0" in line("excluded")["text"]
    assert line("invalid")["text"].startswith("the response 200 of GET /invalid: the reference")
    assert (
        "BCTRL_API_KEY, sent as X-Key: … (key) to 2 operations: GET /pets/{petId}, GET /pets/{petId}/toys"
        == line("key")["text"]
    )
    expected = [
        "[pytest]",
        "bctrl_contract = pets.json",
        "bctrl_base_url = …",
        "bctrl_values =",
        "  # for GET /pets/{petId} and 1 more",
        "  petId = VALUE",
    ]
    assert expected == line("paste")["text"].splitlines()
    assert "BCTRL_API_KEY=… pytest --bctrl-live --bctrl-contract=pets.json bctrl" in line("next")["text"]


def test_the_longest_topic_is_separated_from_its_text_by_a_space(
    doctor: Doctor, pets: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """`not checked` is as wide as the column of the topics."""
    doctor("--contract", pets)
    main(["doctor", "--contract", pets])
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("- not checked GET /certified: ") for line in lines)
    assert "  checked    GET /pets  listPets" in lines


def test_the_pasted_lines_leave_no_operation_without_a_value(doctor: Doctor, pets: str, tmp_path: Path) -> None:
    """In the ini file, with values: three operations are checked instead of one, and none has "no value"."""
    _, line = doctor("--contract", pets)
    (tmp_path / "pytest.ini").write_text(
        line("paste")["text"].replace("bctrl_base_url = …\n", "").replace("VALUE", "rex")
    )

    _, line = doctor("--offline")

    assert "7: 3 checked, 2 not checked, 1 unsafe, 1 excluded" == line("operations")["text"]


def test_a_name_that_means_different_things_is_set_per_operation(doctor: Doctor, tmp_path: Path) -> None:
    """If two paths share the parameter `petId`, the settings to paste name the operation: `catsGet.petId`."""
    operation = PETS["paths"]["/pets/{petId}"]["get"]
    paths = {
        f"/{kind}/{{petId}}": {"get": {**operation, "operationId": f"{kind}Get"}, "head": operation}
        for kind in ("cats", "dogs")
    }
    (tmp_path / "kinds.json").write_text(json.dumps({**PETS, "paths": paths}))
    _, line = doctor("--contract", "kinds.json")
    pasted = line("paste")["text"]
    assert "  catsGet.petId = VALUE" in pasted.splitlines()

    (tmp_path / "pytest.ini").write_text(pasted.replace("bctrl_base_url = …\n", "").replace("VALUE", "rex"))

    _, line = doctor("--offline")
    assert "4: 4 checked" == line("operations")["text"]


def test_public_operations_need_no_key_and_other_invalid_parts_are_listed(doctor: Doctor, tmp_path: Path) -> None:
    """Only operations that require the key are counted. A repeated operationId excludes no operation."""
    public = {**PETS["paths"]["/pets"]["get"], "security": [{}, {"key": []}]}
    secured = {**public, "security": [{"key": []}]}
    document = {**PETS, "paths": {"/pets": {"get": public}, "/mine": {"get": secured}}}
    (tmp_path / "public.json").write_text(json.dumps(document))

    _, line = doctor("--contract", "public.json")

    assert "2: 2 checked" == line("operations")["text"]
    assert "BCTRL_API_KEY, sent as X-Key: … (key) to 1 operation: GET /mine" == line("key")["text"]
    assert line("invalid")["text"].startswith("the operationId of ")


def test_a_value_that_a_list_has_is_not_among_the_lines_to_paste(doctor: Doctor, tmp_path: Path) -> None:
    """The operations with the parameter are checked, and the line says which response has its value."""
    pets = {"type": "array", "items": {"properties": {"id": {"type": "string"}}}}
    success = {"200": {"description": "Pets", "content": {"application/json": {"schema": pets}}}}
    document = {**PETS, "paths": {**PETS["paths"], "/pets": {"get": {"responses": success}}}}
    (tmp_path / "pets.json").write_text(json.dumps(document))

    code, line = doctor("--contract", "pets.json")

    assert 0 == code
    assert "6: 3 checked, 2 not checked, 1 excluded" == line("operations")["text"]
    assert "GET /pets/{petId}/toys: petId from the response of GET /pets" == line("checked", "toys")["text"]
    assert "bctrl_values" not in line("paste")["text"]


def test_a_document_is_explained_as_text_with_a_block_to_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], pets: str
) -> None:
    """The output has the operation without a value and the lines for `pytest.ini`."""
    monkeypatch.chdir(tmp_path)

    assert 0 == main(["doctor", "--contract", pets])

    output = capsys.readouterr().out
    assert "\n- no value   GET /pets/{petId}: petId\n" in output
    assert "\n[pytest]\nbctrl_contract = pets.json\n" in output


def test_at_most_forty_operations_per_state_are_listed_as_text(
    doctor: Doctor, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    operation = PETS["paths"]["/pets"]["get"]
    paths = {f"/pets/{number}": {"get": {**operation, "operationId": f"pets{number}"}} for number in range(45)}
    (tmp_path / "many.json").write_text(json.dumps({**PETS, "paths": paths}))

    assert 0 == main(["doctor", "--contract", "many.json"])

    output = capsys.readouterr().out
    assert 40 == output.count("  checked    GET ")
    assert "  checked    and 5 more (--format json lists all)\n" in output
    assert "  key        not needed: no operation requires one" in output
    _, line = doctor("--contract", "many.json")
    assert "GET /pets/44  pets44" == line("checked", "pets44")["text"]


def test_the_space_id_is_a_variable_of_the_suggested_command(doctor: Doctor) -> None:
    """It has a setting of its own, so that it is not among the values to paste."""
    code, line = doctor("--contract", "published")

    assert (0, "[pytest]\nbctrl_contract = published") == (code, line("paste")["text"])
    assert "BCTRL_API_KEY=… BCTRL_SPACE_ID=… pytest --bctrl-live" in line("next")["text"]
    _, line = doctor("--contract", "published", BCTRL_SPACE_ID="x")
    assert "1: 1 checked" == line("operations")["text"]


def test_the_space_id_is_suggested_if_operations_lack_another_value_too(doctor: Doctor, tmp_path: Path) -> None:
    parameters = [
        {"name": "id", "in": "path", "required": True, "x-bctrl-setting": "space_id", "schema": {"type": "string"}},
        {"name": "item", "in": "path", "required": True, "schema": {"type": "string"}},
    ]
    responses = {"200": {"description": "x"}}
    document = {"openapi": "3.1.0", "info": {"title": "Shop", "version": "1"}}
    document["paths"] = {"/spaces/{id}/{item}": {"get": {"parameters": parameters, "responses": responses}}}
    (tmp_path / "shop.json").write_text(json.dumps(document))
    _, line = doctor("--contract", "shop.json")
    assert "; BCTRL_SPACE_ID=… pytest --bctrl-live" in line("next")["text"]
    assert "  item = VALUE" in line("paste")["text"]


def test_the_key_prefix_is_part_of_the_lines_to_paste_and_of_the_next_command(doctor: Doctor, tmp_path: Path) -> None:
    document = {**PETS, "components": {"securitySchemes": {**PETS["components"]["securitySchemes"]}}}
    document["components"]["securitySchemes"]["key"] = {"type": "apiKey", "in": "header", "name": "Authorization"}
    (tmp_path / "pets.json").write_text(json.dumps(document))
    _, line = doctor("--contract", "pets.json")
    assert "# if the API expects a word in front of the key: bctrl_key_prefix = Token" in line("paste")["text"]
    _, line = doctor("--contract", "pets.json", "--", "-o", "bctrl_key_prefix=Token")
    assert "\nbctrl_key_prefix = Token\n" in line("paste")["text"]
    assert 2 == line("next")["text"].count(" --bctrl-contract=pets.json -o bctrl_key_prefix=Token bctrl ")


@pytest.mark.parametrize("arguments", [["--contract", "pets.json"], ["--offline", "--", "--bctrl-contract=pets.json"]])
def test_a_wrong_line_of_values_is_reported(doctor: Doctor, tmp_path: Path, pets: str, arguments: list[str]) -> None:
    """`bctrl_values` with a name but no value is "wrong", with exit code 1."""
    (tmp_path / "pytest.ini").write_text("[pytest]\nbctrl_values =\n  petId\n")

    code, line = doctor(*arguments)

    assert (1, "wrong") == (code, line("setting", "bctrl_values")["state"])


def test_a_large_document_is_rejected_with_the_way_to_make_it_smaller(doctor: Doctor, tmp_path: Path) -> None:
    (tmp_path / "large.json").write_text(" " * 10_000_001)
    code, line = doctor("--contract", "large.json")
    assert (2, "larger than 10 MB" in line("contract")["text"]) == (code, True)
    assert "without indentation it may be small enough: jq -c . large.json > small.json" == line("contract")["fix"]


def test_a_missing_document_exits_with_2_and_is_named(doctor: Doctor) -> None:
    code, line = doctor("--contract", "nowhere.json")

    assert (2, "unknown") == (code, line("contract", "nowhere.json")["state"])
