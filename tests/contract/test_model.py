"""Operations, paths, statuses, references and servers of a contract."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import permutations
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_bctrl.checks.response import path_values
from pytest_bctrl.contract.model import Operation, ResponseSpec, encode_segment
from pytest_bctrl.contract.read import from_document
from pytest_bctrl.contract.schema_document import resolve_pointer
from pytest_bctrl.errors import DocumentError
from pytest_bctrl.http.routes import Routes

from .documents import contract_of, document


def operation(*statuses: str, **changes: Any) -> Operation:
    """Return an operation that documents these statuses, with some attributes replaced."""
    unchanged = contract_of().operations[0]
    return replace(unchanged, responses={status: ResponseSpec(status, "", {}, ()) for status in statuses}, **changes)


@pytest.mark.parametrize("order", list(permutations(["/a/cover.{f}", "/a/c{x}.{f}", "/a/{p}.{f}", "/a/{p}"])))
def test_the_path_template_with_more_literal_text_matches(order: tuple[str, ...]) -> None:
    """In any order of the paths in the document."""
    paths = {
        path: {
            "parameters": [
                {"name": name, "in": "path", "required": True, "schema": {}} for name in re.findall(r"\{(.)\}", path)
            ],
            "get": {"responses": {"204": {"description": ""}}},
        }
        for path in order
    }
    contract = from_document({"openapi": "3.1.0", "info": {"title": "a", "version": "1"}, "paths": paths}, "a.json")
    targets = ["/a/cover.png", "/a/cat.png", "/a/page.png", "/a/page"]
    matches = [Routes(contract).match(target) for target in targets]
    assert ["/a/cover.{f}", "/a/c{x}.{f}", "/a/{p}.{f}", "/a/{p}"] == [
        match and match.operations["GET"].path for match in matches
    ]


SCHEMAS = {"name": {"type": "string"}, "number": {"type": "integer"}, "uuid": {"type": "string", "format": "uuid"}}


@pytest.mark.parametrize("order", list(permutations(SCHEMAS)))
def test_of_equal_path_templates_the_one_whose_parameter_fits_best_matches(order: tuple[str, ...]) -> None:
    """In any order of the paths; a value that no parameter accepts is that of the first path."""
    paths = {
        f"/things/{{{name}}}": {
            "parameters": [{"name": name, "in": "path", "required": True, "schema": SCHEMAS[name]}],
            "get": {"responses": {"204": {"description": ""}}},
        }
        for name in order
    }
    spec = {"openapi": "3.1.0", "info": {"title": "a", "version": "1"}, "paths": paths}
    routes = Routes(from_document(spec, "a.json"))
    values = {"name": "a name", "number": "17", "uuid": "4fd4d9f5-3c7f-4b8c-9dc1-3b0e3a8a7d10"}
    for name, value in values.items():
        operation, path_values = routes.operation_and_values("HEAD", f"/things/{quote(value)}")
        assert (f"/things/{{{name}}}", value) == (operation and operation.path, path_values[name])
    del paths["/things/{name}"]
    operation, _ = Routes(from_document(spec, "a.json")).operation_and_values("GET", "/things/other")
    assert next(iter(paths)) == (operation and operation.path)


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("/pets/1", "/pets/{id}"),
        ("/v2/pets/1", "/v2/pets/{id}"),
        ("/api/pets/1", "/pets/{id}"),
        ("/api/v2/pets/1", "/v2/pets/{id}"),
        ("/api/v2/v2/pets/1", None),
        ("/v2/shops", "/v2/shops"),
        ("/shops", "/v2/shops"),
        ("/v2/v2/shops", "/v2/shops"),
        ("/api/orders", "/api/orders"),
        ("/api/api/orders", "/api/orders"),
    ],
)
@pytest.mark.parametrize("is_reversed", [False, True])
def test_a_documented_path_is_never_that_of_another_version_or_base(
    target: str, path: str | None, is_reversed: bool
) -> None:
    """Only a path that the contract does not document may lack the version or the base path of another one."""
    paths = ["/pets/{id}", "/v2/pets/{id}", "/v2/shops", "/api/orders"]
    spec = {
        "openapi": "3.1.0",
        "info": {"title": "a", "version": "1"},
        "servers": [{"url": "https://api.example.org/api"}],
        "paths": {
            path: {"get": {"responses": {"204": {"description": ""}}}}
            for path in (reversed(paths) if is_reversed else paths)
        },
    }
    match = Routes(from_document(spec, "a.json")).match(target)
    assert path == (match and match.operations["GET"].path)


@pytest.mark.parametrize(
    "server", ["v2", "./v2", "../v2/", "/v2", "//host.test/v2", "https://host.test/v2", "/x/../v2"]
)
def test_the_base_path_of_a_relative_server_is_resolved(server: str) -> None:
    spec = document()
    spec["servers"] = [{"url": server}, {"url": "https://[invalid"}]
    spec["paths"] = {"/things": {"get": {"responses": {"204": {"description": ""}}}}}
    routes = Routes(from_document(spec, "a.json"))
    assert [True, True, False] == [routes.match(path) is not None for path in ("/things", "/v2/things", "/v3/things")]


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("/pets/", None),
        ("/pets/?limit=1", None),
        ("/pets/7", "/pets/{id}"),
        ("/shops/", "/shops/{id}"),
        ("/shops//pets", "/shops/{id}/pets"),
        ("/shops//pets/", None),
    ],
)
def test_a_slash_at_the_end_of_a_documented_path_is_no_empty_identifier(target: str, path: str | None) -> None:
    """`/pets/` is not `/pets/{id}`, because there is `/pets`; there is no `/shops`."""
    paths = ["/pets", "/pets/{id}", "/shops/{id}", "/shops/{id}/pets", "/shops/{id}/pets/{pet}"]
    spec = {
        "openapi": "3.1.0",
        "info": {"title": "a", "version": "1"},
        "paths": {path: {"get": {"responses": {"204": {"description": ""}}}} for path in paths},
    }
    match = Routes(from_document(spec, "a.json")).match(target)
    assert path == (match and match.operations["GET"].path)


def test_a_documented_path_has_no_method_of_another_version() -> None:
    """A POST to `/pets` is not that of `/v2/pets`."""
    responses = {"responses": {"204": {"description": ""}}}
    paths = {"/pets": {"get": responses}, "/v2/pets": {"get": responses, "post": responses}}
    routes = Routes(
        from_document({"openapi": "3.1.0", "info": {"title": "a", "version": "1"}, "paths": paths}, "a.json")
    )
    match = routes.match("/pets")
    assert match is not None
    assert {"GET"} == match.operations.keys()


@pytest.mark.parametrize(
    ("statuses", "status", "expected"),
    [
        (["200"], 200, "200"),
        (["200"], 201, None),
        (["2XX", "200"], 200, "200"),
        (["2XX"], 299, "2XX"),
        (["4xx"], 404, "4xx"),
        (["default", "4XX"], 404, "4XX"),
        (["default"], 503, "default"),
        ([], 200, None),
    ],
)
def test_response_for_returns_the_exact_status_else_the_range_else_default(
    statuses: list[str], status: int, expected: str | None
) -> None:
    documented = operation(*statuses).response_for(status)
    assert expected == (documented.status if documented else None)


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        (["200", "204", "302", "404"], {200, 204}),
        (["2XX"], {*range(200, 300)}),
        (["2xx"], {*range(200, 300)}),
        (["303", "401"], {303}),
        (["default"], set()),
    ],
)
def test_success_statuses_begin_with_2_or_else_with_3(statuses: list[str], expected: set[int]) -> None:
    assert expected == operation(*statuses).success_statuses


def test_only_get_head_and_options_are_safe() -> None:
    methods = ("GET", "HEAD", "OPTIONS", "TRACE", "POST", "PUT", "PATCH", "DELETE")
    assert ["GET", "HEAD", "OPTIONS"] == [method for method in methods if operation("200", method=method).is_safe]


@pytest.mark.parametrize("value", ["a/b", "..", ".", "{id}", "%2F", "a?b#c", "ü🦉", "a b", "\x00"])
def test_a_path_value_stays_one_segment(value: str) -> None:
    """`url_path` percent-encodes slashes, dots, queries and other characters, and decoding returns the value."""
    path = operation("200").url_path({"id": value})
    assert ("/v1/things/", value) == (path[: len("/v1/things/")], unquote(path.rpartition("/")[2]))


_SEGMENT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@given(_SEGMENT)
def test_an_encoded_segment_can_be_decoded_and_stays_one_segment(value: str) -> None:
    segment = encode_segment(value)
    assert value == unquote(segment)
    assert ["", "a", segment, "b"] == urlsplit(f"https://h/a/{segment}/b").path.split("/")
    assert value == unquote(httpx.URL(f"https://h/a/{segment}/b").raw_path.decode()[len("/a/") : -len("/b")])


def test_an_operation_is_found_by_its_id_and_by_its_label() -> None:
    contract = contract_of()
    assert contract.operation("things") is contract.operation("GET /v1/things/{id}")


def test_the_error_for_an_unknown_operation_lists_the_operations() -> None:
    with pytest.raises(DocumentError, match=r"no operation 'gone' \(it has: things\)"):
        contract_of().operation("gone")


def test_resolve_follows_references_and_keeps_their_siblings() -> None:
    a, b = {"$ref": "#/components/schemas/A"}, {"$ref": "#/components/schemas/B"}
    contract = contract_of(schemas={"A": b, "B": {"type": "string"}})
    assert {"type": "string"} == contract.resolve(a)
    assert {"allOf": [{"type": "string"}], "minLength": 1} == contract.resolve({**b, "minLength": 1})


POINTED = {"a/b": 1, "m~n": 2, "": 3, "list": [{"x": 4}], "é": 5}


@pytest.mark.parametrize(
    ("reference", "expected"),
    [("#", POINTED), ("#/", 3), ("#/a~1b", 1), ("#/m~0n", 2), ("#/list/0/x", 4), ("#/%C3%A9", 5)],
)
def test_pointers_are_resolved_as_in_rfc_6901(reference: str, expected: Any) -> None:
    assert expected == resolve_pointer(POINTED, reference, "x")


NOWHERE = ("#/gone", "#/list/1", "#/list/-1", "#/list/00", "#/list/x", "#list", "#/a~1b/c", "#/list/0/x/0")


@pytest.mark.parametrize(
    ("reference", "problem"),
    [
        *((pointer, "leads nowhere") for pointer in NOWHERE),
        *((pointer, "outside") for pointer in ("", "a.yaml", "https://h/a#/b", "/a")),
    ],
)
def test_an_unresolvable_pointer_is_an_error(reference: str, problem: str) -> None:
    with pytest.raises(DocumentError, match=problem):
        resolve_pointer(POINTED, reference, "x")


def test_server_variables_are_replaced_by_their_defaults() -> None:
    """OpenAPI 3.1, 4.8.6."""
    spec = document()
    variables = {"stage": {"default": "v2", "enum": ["v2", "beta"]}, "port": {"default": "8443"}}
    spec["servers"] = [{"url": "https://{stage}.example.org:{port}/{stage}/", "variables": variables}]
    assert ("https://v2.example.org:8443/v2",) == from_document(spec, "things").servers


@pytest.mark.parametrize(
    ("path", "target", "values"),
    [
        ("/a/{id}", "/a/7", {"id": "7"}),
        ("/a/{id}.json", "/a/7.json", {"id": "7"}),
        ("/a/{x-y}-{z}/b", "/a/1-2/b", {"x-y": "1", "z": "2"}),
        ("/a.b", "/a-b", None),
        ("/a/{id}.json", "/a/7.xml", None),
        ("/a/{id}", "/a/7/8", None),
        ("/a/{id}", "/a/7%2F8", {"id": "7/8"}),
        ("/a/{id}", "/a/%252F", {"id": "%2F"}),
        ("/a/{id}:open", "/a/x%20y%3Aopen", {"id": "x y"}),
        ("/caf\u00e9/{id}/\u200f", "/caf%C3%A9/%C3%A9/%e2%80%8f", {"id": "\u00e9"}),
        ("/a b/{id}", "/a%20b/1", {"id": "1"}),
        ("/@me/{id}", "/%40me/1", {"id": "1"}),
        ("/a/b/{id}", "/a%2Fb/1", None),
    ],
)
def test_path_values_are_read_from_a_path(path: str, target: str, values: dict[str, str] | None) -> None:
    """Also those of undeclared parameters; the routes and the checks read the same values, none for another path."""
    spec = document(parameters=[])
    spec["paths"] = {path: {"get": {**spec["paths"]["/v1/things/{id}"]["get"], "parameters": []}}}
    contract = from_document(spec, "x")
    match = Routes(contract).match(target)

    assert values == (None if match is None else match.values)
    assert (values or {}) == path_values(contract.operations[0], f"https://api.example.org{target}")
