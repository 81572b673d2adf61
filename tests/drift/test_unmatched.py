"""Parts without a counterpart are read too, and reported in the same way in both directions."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from pytest_bctrl.drift import compare
from pytest_bctrl.errors import DocumentError

from .pairs import Doc, document, response

DEEP: Doc = {"type": "object", "properties": {"a": {"type": "array", "items": {"$ref": "#/components/schemas/Inner"}}}}
COMPONENTS: Doc = {"schemas": {"Outer": DEEP, "Inner": {"type": "object", "properties": {"b": {"type": "string"}}}}}
USED: Doc = response(content={"application/json": {"schema": {"$ref": "#/components/schemas/Outer"}}})
OTHER: Doc = {"/other": {"get": {"responses": {"200": {"description": "ok"}}}}}


def with_operation(**components: Any) -> Doc:
    """Return a document with two operations, of which one uses the components, or `COMPONENTS` if none are given."""
    return {**USED, "paths": {**USED["paths"], **OTHER}, "components": components or COMPONENTS}


def test_unused_schemas_are_reported_in_both_directions() -> None:
    """Each as added or removed; there are no other findings."""
    with_it, without = document(components=COMPONENTS), document()
    assert [finding.rule for finding in compare(without, with_it)] == ["api-schema-added"] * 2
    assert [finding.rule for finding in compare(with_it, without)] == ["api-schema-removed"] * 2


def test_schemas_of_an_added_or_removed_operation_are_not_reported_separately() -> None:
    """The finding about the operation covers all of them."""
    with_it, without = with_operation(), {**document(), "paths": OTHER}
    assert [finding.rule for finding in compare(without, with_it)] == ["endpoint-added"]
    assert [finding.rule for finding in compare(with_it, without)] == ["api-path-removed-without-deprecation"]


def test_schemas_of_an_added_or_removed_property_are_not_reported_separately() -> None:
    plain = copy.deepcopy(with_operation())
    plain["components"] = {"schemas": {"Outer": {"type": "object", "properties": {"c": {}}}}}
    with_property = copy.deepcopy(with_operation())
    with_property["components"]["schemas"]["Outer"]["properties"]["c"] = {}
    assert [finding.rule for finding in compare(plain, with_property)] == ["response-optional-property-added"]
    assert [finding.rule for finding in compare(with_property, plain)] == ["response-optional-property-removed"]


@pytest.mark.parametrize("broken", [{"type": "strnig"}, {"$ref": "#/components/schemas/Gone"}, 7], ids=str)
def test_a_broken_schema_deep_in_an_added_operation_is_an_error(broken: Any) -> None:
    """An operation without a counterpart is read completely."""
    inner = {"type": "object", "properties": {"b": broken}}
    revision = with_operation(schemas={**COMPONENTS["schemas"], "Inner": inner})
    with pytest.raises(DocumentError):
        compare({**document(), "paths": OTHER}, revision)


def test_a_header_shared_by_two_responses_is_not_reported_separately() -> None:
    """An added operation with it is the only finding."""
    fields = {"headers": {"X-Page": {"$ref": "#/components/headers/Page"}}}
    paths = {
        "/more": {"get": {"responses": {"200": {"description": "a", **fields}, "404": {"description": "b", **fields}}}}
    }
    revision = {**document(), "paths": {**OTHER, **paths}}
    revision["components"] = {"headers": {"Page": {"schema": {"type": "integer"}}}}
    assert [finding.rule for finding in compare({**document(), "paths": OTHER}, revision)] == ["endpoint-added"]


def test_a_recursive_schema_of_an_added_operation_is_not_reported_separately() -> None:
    """The added operation, whose schema contains itself, is the only finding."""
    tree = {"type": "object", "properties": {"more": {"$ref": "#/components/schemas/Outer"}}}
    revision = with_operation(schemas={"Outer": tree})
    assert [finding.rule for finding in compare({**document(), "paths": OTHER}, revision)] == ["endpoint-added"]
