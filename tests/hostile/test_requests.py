"""No text of a contract adds a header field, a request or a shell command to a request of the suite."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_bctrl.contract.key_fields import key_fields
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.contract.read import from_document
from pytest_bctrl.samples.inputs import distinct_values, inputs, names_without_value


def contract_with(parameter: dict[str, Any]) -> Contract:
    """Return a contract whose operation has this required parameter."""
    responses = {"200": {"description": "ok", "content": {"application/json": {"schema": {"type": "object"}}}}}
    operation = {"parameters": [{"required": True, **parameter}], "responses": responses}
    info = {"title": "a", "version": "1"}
    return from_document({"openapi": "3.1.0", "info": info, "paths": {"/a": {"get": operation}}}, "contract.json")


@pytest.mark.parametrize("place", ["header", "cookie"])
@pytest.mark.parametrize("value", ["a\r\nX-Admin: 1", "a\nb", "größe", "\x00", " a", "a ", "\u200b"])
def test_a_value_that_is_invalid_in_a_header_is_not_sent(place: str, value: str) -> None:
    """Its parameter has no value, so the operation has no inputs for a request."""
    contract = contract_with({"name": "X-Name", "in": place, "schema": {"enum": [value]}})
    (operation,) = contract.operations
    assert (["X-Name"], None) == (names_without_value(contract, operation, {}), inputs(contract, operation, {}))


def test_only_values_that_are_valid_in_a_header_are_sent() -> None:
    """Of an enum with a line break, `c` and a non-ASCII value, only `c` is sent."""
    contract = contract_with({"name": "X-Name", "in": "header", "schema": {"enum": ["a\r\nb", "c", "größe"]}})
    (operation,) = contract.operations
    (parameter,) = operation.parameters
    assert ["c"] == distinct_values(contract, parameter, {})


@pytest.mark.parametrize("name", ["X-Name: 1\r\nX-Admin", "X Name", "größe", "a:b"])
def test_an_invalid_header_name_is_not_sent(name: str) -> None:
    """The parameter has no value."""
    contract = contract_with({"name": name, "in": "header", "schema": {"enum": ["a"]}})
    (operation,) = contract.operations
    assert [name] == names_without_value(contract, operation, {})


def test_a_query_parameter_may_have_any_text() -> None:
    """A query parameter with a non-ASCII name and a value with a line break has a value."""
    contract = contract_with({"name": "größe", "in": "query", "schema": {"enum": ["a\r\nb"]}})
    (operation,) = contract.operations
    assert [] == names_without_value(contract, operation, {})


@pytest.mark.parametrize("place", ["header", "cookie"])
@pytest.mark.parametrize("name", ['X"$(id)"', "X`id`", "X$HOME", "X!!", "X\\", "X\r\nY", "X Y", "größe"])
def test_a_key_whose_header_name_a_shell_would_expand_is_not_sent(place: str, name: str) -> None:
    """`key_fields` is None, as for security that the suite does not know."""
    scheme = {"type": "apiKey", "in": place, "name": name}
    operation = {"security": [{"key": []}], "responses": {"200": {"description": "ok"}}}
    document = {
        "openapi": "3.1.0",
        "info": {"title": "a", "version": "1"},
        "components": {"securitySchemes": {"key": scheme}},
        "paths": {"/a": {"get": operation}},
    }
    contract = from_document(document, "contract.json")
    assert key_fields(contract.operations[0]) is None
