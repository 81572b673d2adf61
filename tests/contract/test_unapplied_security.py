"""Security that a document describes without applying it: what is found, and which overlay applies it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_bctrl.contract.key_fields import BASIC, BEARER, KeyField, key_fields
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.contract.overlay import apply_overlay
from pytest_bctrl.contract.read import from_document

SCHEMES: dict[str, dict[str, str]] = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "header": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
    "query": {"type": "apiKey", "in": "query", "name": "code"},
    "certificate": {"type": "mutualTLS"},
}


def parameter(in_: str, name: str, **extra: Any) -> dict[str, Any]:
    """Return a required parameter."""
    return {"in": in_, "name": name, "required": True, "schema": {"type": "string"}, **extra}


AUTHORIZATION = parameter("header", "Authorization")


def operation(*parameters: dict[str, Any], **extra: Any) -> dict[str, Any]:
    """Return an operation with these parameters."""
    return {"parameters": list(parameters), "responses": {"200": {"description": ""}}, **extra}


def document(paths: dict[str, Any], *schemes: str, **extra: Any) -> dict[str, Any]:
    """Return a document that defines these schemes."""
    components = {
        "securitySchemes": {name: SCHEMES[name] for name in schemes},
        "parameters": {"Auth": AUTHORIZATION, "Key": parameter("header", "x-api-key")},
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "Shop", "version": "1"},
        "paths": paths,
        "components": components,
    } | extra


def contract_of(paths: dict[str, Any], *schemes: str, **extra: Any) -> Contract:
    """Return the contract of a document."""
    return from_document(document(paths, *schemes, **extra), "shop.json")


PLAIN = {"/a": {"get": operation()}}
TWO_PARAMETERS = {"/a": {"get": operation(AUTHORIZATION, parameter("query", "api_key"))}}
WITH_AUTHORIZATION = {"/a": {"get": operation(AUTHORIZATION)}}


@pytest.mark.parametrize(
    ("paths", "schemes", "candidates", "field"),
    [
        (PLAIN, ["bearer"], ["bearer"], BEARER),
        (PLAIN, ["header"], ["header"], KeyField("X-Api-Key")),
        (PLAIN, ["query"], ["query"], KeyField("code", in_query=True)),
        (PLAIN, ["certificate"], ["certificate"], None),
        (PLAIN, ["bearer", "header"], ["bearer", "header"], None),
        (PLAIN, [], [], None),
        (WITH_AUTHORIZATION, [], ["bearerAuth"], BEARER),
        ({"/a": {"get": operation(parameter("header", "authorization"))}}, ["bearer"], ["bearer"], BEARER),
        (WITH_AUTHORIZATION, ["bearer", "header"], ["bearer"], BEARER),
        (WITH_AUTHORIZATION, ["header"], ["bearerAuth"], BEARER),
        (
            {"/a": {"get": operation({**AUTHORIZATION, "description": "Basic base64(user:password)"})}},
            [],
            ["basicAuth"],
            BASIC,
        ),
        # The value of a parameter comes from the settings.
        ({"/a": {"get": operation(parameter("header", "X-Api-Key"))}}, [], ["apiKey"], None),
        ({"/a": {"get": operation(parameter("header", "X-API-KEY"))}}, ["header"], ["header"], None),
        ({"/a": {"get": operation(parameter("query", "code"))}}, ["query"], ["query"], None),
        ({"/a": {"get": operation(parameter("query", "access_token"))}}, [], ["apiKey"], None),
        ({"/a": {"get": operation(parameter("cookie", "session_id"))}}, [], ["apiKey"], None),
        (TWO_PARAMETERS, [], ["bearerAuth", "apiKey"], None),
    ],
)
def test_the_schemes_that_may_be_meant_are_found_and_the_key_is_sent_for_the_only_one(
    paths: dict[str, Any], schemes: list[str], candidates: list[str], field: KeyField | None
) -> None:
    contract = contract_of(paths, *schemes)
    assert contract.unapplied is not None
    assert candidates == list(contract.unapplied.schemes)
    assert (() if field is None else (field,)) == key_fields(contract.operations[0])


@pytest.mark.parametrize(
    ("paths", "extra"),
    [
        (PLAIN, {"security": []}),
        ({"/a": {"get": operation(AUTHORIZATION, security=[])}}, {}),
        ({"/a": {"get": operation(security=[{"bearer": []}])}, "/login": {"get": operation()}}, {}),
        ({"/a": {"get": operation(security=[{"bearer": []}, {}])}, "/b": {"get": operation(security=[])}}, {}),
    ],
)
def test_a_security_of_the_document_is_the_statement_of_its_author(
    paths: dict[str, Any], extra: dict[str, Any]
) -> None:
    contract = contract_of(paths, "bearer", "header", **extra)
    assert contract.unapplied is None
    assert all(item.security or not key_fields(item) for item in contract.operations)


@pytest.mark.parametrize(
    ("in_", "name"),
    [
        ("query", "page_token"),
        ("query", "token"),
        ("query", "key"),
        ("header", "Idempotency-Key"),
        ("header", "X-CSRF-Token"),
        ("header", "X-Signature"),
        ("cookie", "theme"),
    ],
)
def test_other_parameters_are_not_taken_for_a_key(in_: str, name: str) -> None:
    contract = contract_of({"/a": {"get": operation(parameter(in_, name))}})
    assert contract.unapplied is not None
    assert {} == contract.unapplied.schemes


def test_an_operation_with_the_parameter_is_found_beside_operations_with_security() -> None:
    paths = {
        "/a": {"get": operation(security=[{"bearer": []}])},
        "/b": {"get": operation(AUTHORIZATION)},
        "/c": PLAIN["/a"],
    }
    contract = contract_of(paths, "bearer")
    assert contract.unapplied is not None
    assert {"GET /b"} == contract.unapplied.operations
    merged = from_document(
        apply_overlay(contract.unapplied.overlay("bearer"), document(paths, "bearer"), "o"), "m.json"
    )
    assert [True, True, False] == [bool(item.security) for item in merged.operations]


BROKEN = {"get": {"parameters": [{"$ref": "#/components/parameters/missing"}], "responses": {}}}


@pytest.mark.parametrize(
    ("paths", "extra", "schemes"),
    [
        ({"/b": BROKEN}, {}, ["bearer"]),
        ({"/b": {"get": {**BROKEN["get"], "security": [{"bearer": []}]}}}, {}, []),
        ({"/b": BROKEN}, {"components": {"securitySchemes": {"broken": 7}}}, []),
    ],
    ids=["unapplied", "applied by the excluded operation", "invalid"],
)
def test_the_schemes_of_a_document_with_an_excluded_operation_are_found(
    paths: dict[str, Any], extra: dict[str, Any], schemes: list[str]
) -> None:
    contract = contract_of({**PLAIN, **paths}, "bearer", **extra)
    assert ["GET /a"] == [item.label for item in contract.operations]
    assert contract.unapplied is not None
    assert schemes == [*contract.unapplied.schemes]


CREDENTIALS = [
    AUTHORIZATION,
    {"$ref": "#/components/parameters/Auth"},
    {"$ref": "#/components/parameters/Key"},
    parameter("header", "X-Api-Key"),
    parameter("query", "code"),
    parameter("query", 'it\'s "quoted"'),
]
lists = st.lists(st.sampled_from(CREDENTIALS), max_size=2, unique_by=str)
operations = st.builds(
    lambda parameters, security: operation(*parameters, **({} if security is None else {"security": security})),
    lists,
    st.sampled_from([None, None, None, [], [{"bearer": []}]]),
)
items = st.dictionaries(st.sampled_from(["get", "post"]), operations, min_size=1).flatmap(
    lambda item: lists.map(lambda parameters: {**item, "parameters": parameters})
)
documents = st.builds(
    lambda paths, schemes: document(paths, "bearer", *schemes),
    st.dictionaries(st.sampled_from(["/a", "/b/c", "/it's"]), items, min_size=1),
    st.sets(st.sampled_from(["header", "query", "certificate"])),
)


@given(documents)
def test_the_overlay_applies_each_scheme_to_the_operations_and_to_no_other(data: dict[str, Any]) -> None:
    """It removes the parameters of that scheme, and leaves nothing to be applied once all are."""
    contract = from_document(data, "shop.json")
    if contract.unapplied is None:
        return
    for name in contract.unapplied.schemes:
        merged = from_document(apply_overlay(contract.unapplied.overlay(name), data, "overlay"), "merged.json")
        for before, after in zip(contract.operations, merged.operations, strict=True):
            if before.label not in contract.unapplied.operations:
                assert before.security == after.security
                continue
            (alternative,) = after.security
            (scheme,) = alternative
            assert name == scheme.name
            assert not any(item.name.lower() == scheme.field.lower() for item in after.parameters if scheme.field)
        if len(contract.unapplied.operations) == len(contract.operations):
            assert merged.unapplied is None
