"""A path parameter without a value gets that of the first item of the list above it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from ..local_server import Handler, serving
from .test_operation_outcomes import outcomes, run_live, write_contract

__all__ = ["run_live"]

FIRST, SECOND = "0d9f2c34-6b0e-4f7e-9a55-3b6ad1c0e4f1", "7a3be1c2-1f7d-4c0b-8d43-55d0b5f6a901"


def path_parameter(name: str, **further: Any) -> dict[str, Any]:
    """Return a required path parameter, a string with further keywords."""
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}, **further}


def reading(name: str, schema: dict[str, Any], *parameters: str | dict[str, Any]) -> dict[str, Any]:
    """Return a path item with a GET that documents a JSON body, 401 and 404."""
    described = [path_parameter(text) if isinstance(text, str) else text for text in parameters]
    responses = {
        "200": {"description": "", "content": {"application/json": {"schema": schema}}},
        "401": {"description": ""},
        "404": {"description": ""},
    }
    return {"get": {"operationId": name, "responses": responses, "parameters": described}}


def listed(**properties: Any) -> dict[str, Any]:
    """Return the schema of a list of objects with these properties."""
    return {"type": "array", "items": {"type": "object", "properties": properties}}


STRING = {"type": "string"}
PET = {"type": "object", "properties": {"id": STRING}}
PETS = {"/pets": reading("pets", listed(id=STRING)), "/pets/{petId}": reading("pet", PET, "petId")}
TOYS = {
    "/pets/{petId}/toys": reading("toys", {"type": "object", "properties": {"data": listed(toyId=STRING)}}, "petId"),
    "/pets/{petId}/toys/{toy_id}": reading("toy", PET, "toy_id", "petId"),
}


@contextmanager
def serve(bodies: Mapping[str, Any], rejected: Mapping[str, int] | None = None) -> Iterator[tuple[str, list[str]]]:
    """Serve a JSON body per path, or a status without a body; yield the URL and the requested paths."""
    paths: list[str] = []
    statuses = rejected or {}

    class Shop(Handler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            paths.append(path)
            if path in bodies:
                self.respond(200, json.dumps(bodies[path]).encode())
            else:
                self.respond(statuses.get(path, 404), headers={})

    with serving(Shop) as url:
        yield url, paths


def reasons(report: dict[str, Any]) -> dict[str, str]:
    """Return why operations were not checked, by `operationId`."""
    return {entry["operation_id"]: entry["reason"] for entry in report["operations"] if entry["reason"]}


@pytest.mark.parametrize(
    "arguments", [(), ("-n", "2"), ("-k", "toy and not toys")], ids=["alone", "workers", "selected"]
)
def test_values_of_a_chain_come_from_the_first_items(run_live: Any, arguments: tuple[str, ...]) -> None:
    write_contract({**TOYS, **PETS})
    bodies = {
        "/pets": [{"id": FIRST}, {"id": SECOND}],
        f"/pets/{FIRST}": {"id": FIRST},
        f"/pets/{FIRST}/toys": {"data": [{"toyId": "ball"}, {"toyId": "bone"}]},
        f"/pets/{FIRST}/toys/ball": {"id": "ball"},
    }
    with serve(bodies) as (url, paths):
        result, report = run_live(url, *arguments)
    assert [] == report["findings"]
    assert {"passed"} == {*outcomes(report).values()}
    assert f"/pets/{FIRST}/toys/ball" in paths
    assert not [path for path in paths if SECOND in path or "bone" in path]
    values = {entry["operation_id"]: entry["values"] for entry in report["operations"]}
    assert {"petId": "GET /pets", "toy_id": "GET /pets/{petId}/toys"} == values["toy"]
    assert "petId from GET /pets (" in result.stdout.str()
    assert result.ret == pytest.ExitCode.OK


@pytest.mark.parametrize(("style", "prefix"), [("simple", ""), ("label", ".")])
def test_placeholder_is_never_sent(run_live: Any, style: str, prefix: str) -> None:
    """Neither if the list has an item, nor if it is empty; with parameters whose values are varied."""
    optional = {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1}}
    items = reading("pet", PET, path_parameter("petId", style=style), optional)
    items["get"]["responses"]["422"] = {"description": ""}
    write_contract({**PETS, "/pets/{petId}": items})
    sent = []
    for pets in ([{"id": FIRST}], []):
        with serve({"/pets": pets, f"/pets/{prefix}{FIRST}": {"id": FIRST}}) as (url, paths):
            run_live(url)
        sent += paths
    assert f"/pets/{prefix}{FIRST}" in sent
    assert not [path for path in sent if "{" in path or "%7B" in path]


def test_requests_are_those_for_the_same_value_in_a_setting(run_live: Any) -> None:
    """Besides the value itself, ids that differ little from it are sent; the header announces no fewer requests."""
    write_contract(PETS)
    requested = []
    for arguments in ((), ("-o", f"bctrl_values=petId = {FIRST}")):
        with serve({"/pets": [{"id": FIRST}], f"/pets/{FIRST}": {"id": FIRST}}) as (url, paths):
            result, _ = run_live(url, *arguments)
        requested.append(sorted(paths))
        (announced,) = re.findall(r"bctrl: sends (\d+) requests", result.stdout.str())
        assert len(paths) <= int(announced)
    assert requested[0] == requested[1]
    assert f"/pets/{FIRST[:-1]}" in requested[0]


def test_values_are_requested_once(run_live: Any) -> None:
    """The list is requested as often as without the operation that needs its item."""
    counts = []
    for paths in (PETS, {"/pets": PETS["/pets"]}):
        write_contract(paths)
        with serve({"/pets": [{"id": "a"}], "/pets/a": {"id": "a"}}) as (url, requested):
            run_live(url)
        counts.append(requested.count("/pets"))
    assert counts[0] == counts[1]


@pytest.mark.parametrize(
    ("pets", "rejected", "reason"),
    [
        ([], {}, "no value for petId: GET /pets: it returned no item"),
        ({"data": [{"id": "a"}]}, {}, "no value for petId: GET /pets: it returned no item"),
        ([{"name": "a"}], {}, "no value for petId: GET /pets: its first item has no id that can be sent"),
        ([{"id": None}], {}, "no value for petId: GET /pets: its first item has no id that can be sent"),
        ([{"id": ""}], {}, "no value for petId: GET /pets: its first item has no id that can be sent"),
        ([{"id": ".."}], {}, "no value for petId: GET /pets: its first item has no id that can be sent"),
        ([{"id": "x" * 100_000}], {}, "no value for petId: GET /pets: its first item has no id that can be sent"),
        ([{"id": "\ud800"}], {}, "no value for petId: GET /pets: its first item has no id that can be sent"),
        ([{"id": True}], {}, "no value for petId: GET /pets: its first item has no id that can be sent"),
        (None, {"/pets": 401}, "no value for petId: GET /pets: its request is rejected with 401"),
        (None, {"/pets": 500}, "no value for petId: GET /pets: it responds with 500"),
    ],
)
def test_operation_without_an_item_is_not_checked(
    run_live: Any, pets: Any, rejected: dict[str, int], reason: str
) -> None:
    """Only an unknown id is sent, whose test is not passed either."""
    write_contract({**PETS, "/shops": reading("shops", listed(name=STRING))})
    bodies = {"/shops": [], **({} if pets is None else {"/pets": pets})}
    with serve(bodies, rejected) as (url, paths):
        result, report = run_live(url)
    assert "not checked" == outcomes(report)["pet"]
    assert reasons(report)["pet"].startswith(reason)
    assert 1 == len([path for path in paths if path.startswith("/pets/")])
    tests = [test for test in report["tests"] if "[pet-" in test["id"] or test["id"].endswith("[pet]")]
    assert {"skipped"} == {test["outcome"] for test in tests}
    assert result.ret != pytest.ExitCode.OK


@pytest.mark.parametrize("arguments", [("-n", "2"), ("-k", "pet and not pets")], ids=["workers", "selected"])
def test_workers_and_selected_tests_do_not_check_an_operation_without_an_item(
    run_live: Any, arguments: tuple[str, ...]
) -> None:
    write_contract(PETS)
    with serve({"/pets": []}) as (url, _):
        result, report = run_live(url, *arguments)
    assert (
        "no value for petId: GET /pets: it returned no item; add to bctrl_values: petId = VALUE"
        == reasons(report)["pet"]
    )
    assert result.ret == pytest.ExitCode.INTERRUPTED


def test_optional_operation_without_an_item_does_not_fail_the_run(run_live: Any, pytester: pytest.Pytester) -> None:
    write_contract(PETS)
    pytester.makeini("[pytest]\nbctrl_optional = pet\n")
    with serve({"/pets": []}) as (url, _):
        result, report = run_live(url)
    assert "not checked" == outcomes(report)["pet"]
    assert result.ret == pytest.ExitCode.OK


def test_fault_of_the_response_to_an_unknown_id_is_found_without_an_item(run_live: Any) -> None:
    write_contract(PETS)
    path = "/pets/10ff4a95-4074-4292-924a-07cdbb0325ac"
    with serve({"/pets": []}, {path: 500}) as (url, _):
        result, report = run_live(url)
    assert {"not_a_server_error"} == {finding["rule"] for finding in report["findings"]}
    assert "failed" == outcomes(report)["pet"]
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_rejected_item_is_not_checked(run_live: Any) -> None:
    """The list names an item that the server does not have: another operation is still checked."""
    write_contract(PETS)
    with serve({"/pets": [{"id": "a"}]}) as (url, _):
        _, report = run_live(url)
    assert {"pets": "passed", "pet": "not checked"} == outcomes(report)
    assert "rejected with 404" in reasons(report)["pet"]


def test_wrong_base_url_is_an_outage_although_items_depend_on_the_list(run_live: Any) -> None:
    write_contract(PETS)
    with serve({}) as (url, paths):
        result, _ = run_live(url)
    assert "has nothing at this path: 404; check the base URL" in result.stdout.str()
    assert not [path for path in paths if path.startswith("/pets/")]


@pytest.mark.parametrize(
    ("parameter", "setting", "origin"),
    [
        (path_parameter("petId"), "bctrl_values = petId = mine", "bctrl_values"),
        (path_parameter("petId", example="mine"), "", "an example of the document"),
    ],
)
def test_settings_and_examples_take_precedence(
    run_live: Any, pytester: pytest.Pytester, parameter: dict[str, Any], setting: str, origin: str
) -> None:
    write_contract({**PETS, "/pets/{petId}": reading("pet", PET, parameter)})
    pytester.makeini(f"[pytest]\n{setting}\n")
    with serve({"/pets": [{"id": "theirs"}], "/pets/mine": {"id": "mine"}}) as (url, paths):
        _, report = run_live(url)
    assert "passed" == outcomes(report)["pet"]
    assert "/pets/theirs" not in paths
    assert [{"petId": origin}] == [entry["values"] for entry in report["operations"] if entry["operation_id"] == "pet"]


@pytest.mark.parametrize(
    ("path", "parameter", "properties", "item", "expected"),
    [
        ("/pets/{pet_id}", "pet_id", {"id": STRING, "petId": STRING}, {"id": "a", "petId": "b"}, "b"),
        ("/pets/{slug}", "slug", {"id": STRING, "slug": STRING}, {"id": "a", "slug": "b"}, "b"),
        ("/pets/{petSlug}", "petSlug", {"id": STRING, "slug": STRING}, {"id": "a", "slug": "b"}, "b"),
        ("/pets/{uuid}", "uuid", {"id": STRING}, {"id": FIRST}, FIRST),
        ("/pets/{pet}", "pet", {"id": {"type": "integer"}}, {"id": 7}, "7"),
        ("/pets/{番号}", "番号", {"名前": STRING, "番号": STRING}, {"名前": "a", "番号": "b"}, "b"),
        ("/pets/{id}.json", "id", {"id": {"type": ["string", "null"]}}, {"id": "a"}, "a.json"),
        ("/pets/{id}", "id", {"id": STRING}, {"id": "a b/c"}, "a%20b%2Fc"),
        ("/pets/{id}", "id", {"id": STRING}, {"id": "é\r\nX: 1"}, "%C3%A9%0D%0AX%3A%201"),
    ],
)
def test_property_is_found_by_its_name(
    run_live: Any, path: str, parameter: str, properties: dict[str, Any], item: dict[str, Any], expected: str
) -> None:
    write_contract({"/pets/": reading("pets", listed(**properties)), path: reading("pet", PET, parameter)})
    with serve({"/pets/": [item], f"/pets/{expected}": {"id": "a"}}) as (url, _):
        _, report = run_live(url)
    assert {"pets": "passed", "pet": "passed"} == outcomes(report)


@pytest.mark.parametrize(
    ("parameter", "properties"),
    [
        (path_parameter("username"), {"id": STRING}),
        (path_parameter("petId", schema={"type": "integer"}), {"id": STRING}),
        (path_parameter("petId"), {"id": {"type": "object"}}),
        (path_parameter("petId"), {"name": STRING}),
        (path_parameter("名前"), {"番号": STRING, "petId": STRING}),
    ],
)
def test_no_other_property_is_a_value(run_live: Any, parameter: dict[str, Any], properties: dict[str, Any]) -> None:
    path = f"/pets/{{{parameter['name']}}}"
    write_contract({"/pets": reading("pets", listed(**properties)), path: reading("pet", PET, parameter)})
    with serve({"/pets": [{"id": "a", "name": "a"}]}) as (url, paths):
        _, report = run_live(url)
    assert reasons(report)["pet"].startswith(f"no value for {parameter['name']}, and no example in the contract")
    assert "/pets/a" not in paths


def test_value_is_not_that_of_another_parameter_with_the_name(run_live: Any) -> None:
    query = {"name": "petId", "in": "query", "schema": STRING}
    write_contract({**PETS, "/pets/{petId}": reading("pet", PET, "petId", query)})
    with serve({"/pets": [{"id": "a"}]}) as (url, _):
        _, report = run_live(url)
    assert reasons(report)["pet"].startswith("no value for petId, and no example in the contract")


def test_list_of_another_parent_has_no_value(run_live: Any) -> None:
    """An item of the pet of the list need not belong to the pet of the setting."""
    write_contract({**TOYS, **PETS})
    bodies = {"/pets": [{"id": "a"}], "/pets/a": {"id": "a"}, "/pets/a/toys": {"data": [{"toyId": "ball"}]}}
    with serve(bodies) as (url, paths):
        _, report = run_live(url, "-o", "bctrl_values=toy.petId = b")
    assert reasons(report)["toy"].startswith("no value for toy_id")
    assert "/pets/b/toys/ball" not in paths


def test_values_of_responses_are_in_no_output_with_scrubbed_ids(run_live: Any, pytester: pytest.Pytester) -> None:
    write_contract(PETS)
    with serve({"/pets": [{"id": FIRST}], f"/pets/{FIRST}": {"id": 1}}) as (url, _):
        result, report = run_live(url, "-o", "bctrl_scrub=ids")
    assert "failed" == outcomes(report)["pet"]
    assert FIRST not in result.stdout.str()
    assert FIRST not in json.dumps(report["findings"])
