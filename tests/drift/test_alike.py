"""Which schemas are written alike, apart from annotations."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_bctrl.contract.document import load_data
from pytest_bctrl.contract.spec import Spec
from pytest_bctrl.drift.alike import Spellings

from .pairs import body

TEXT: dict[str, Any] = {"$ref": "#/components/schemas/A"}
BODY = ("paths", "/a", "get", "responses", "200", "content", "application/json", "schema")


def are_alike(old: Any, new: Any, versions: tuple[str, str] = ("3.1.0", "3.1.0"), *, but_access: bool = False) -> bool:
    """Return whether the bodies of two documents are written alike; A is a string and B an integer there."""
    specs, parts = [], []
    for schema, version in zip((old, new), versions, strict=True):
        spec = Spec(load_data({**body(schema), "openapi": version}, "spec"))
        part = spec.root
        for key in BODY:
            part /= key
        specs.append(spec)
        parts.append(part)
    return Spellings(*specs, but_access=but_access).are_alike((parts[0],), (parts[1],))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (TEXT, {"type": "string"}),
        ({**TEXT, "description": "a text"}, {"type": "string"}),
        ({"type": "string", "format": "password"}, {"type": "string"}),
        ({"type": "string", "x-order": 1, "title": "a", "default": "b"}, {"type": "string"}),
        ({"required": ["a", "b"]}, {"required": ["b", "a", "a"]}),
        ({"properties": {"a": TEXT, "b": True}}, {"properties": {"b": True, "a": {"type": "string"}}}),
        ({"items": {"items": TEXT}}, {"items": {"items": {"type": "string"}}}),
        (True, True),
    ],
    ids=str,
)
def test_annotations_references_and_order_do_not_count(first: Any, second: Any) -> None:
    assert are_alike(first, second)
    assert are_alike(second, first)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (TEXT, {"$ref": "#/components/schemas/B"}),
        ({**TEXT, "minLength": 3}, {**TEXT, "minLength": 2}),
        ({**TEXT, "minLength": 3}, TEXT),
        ({"type": "string", "format": "date"}, {"type": "string"}),
        ({"required": ["a", "b"]}, {"required": ["a"]}),
        ({"const": 1}, {"const": True}),
        ({"enum": ["a"]}, {"enum": ["b"]}),
        ({"properties": {"a": TEXT}}, {"properties": {"b": TEXT}}),
        ({"properties": {"a": TEXT}}, {"patternProperties": {"a": TEXT}}),
        ({"properties": {"a": TEXT}}, {"properties": {"a": TEXT, "b": TEXT}}),
        ({"items": {"items": TEXT}}, {"items": {"items": {"type": "integer"}}}),
        (True, False),
        (True, {}),
    ],
    ids=str,
)
def test_what_validators_read_counts(first: Any, second: Any) -> None:
    assert not are_alike(first, second)
    assert not are_alike(second, first)


def test_openapi_3_0_ignores_what_is_beside_a_reference() -> None:
    """It is never alike a schema of a later version, which reads it."""
    assert are_alike({**TEXT, "minLength": 3}, {**TEXT, "minLength": 2}, ("3.0.3", "3.0.3"))
    assert not are_alike(TEXT, TEXT, ("3.0.3", "3.1.0"))


def test_access_counts_unless_it_is_excluded() -> None:
    read_only = {"type": "string", "readOnly": True}
    assert not are_alike(read_only, {"type": "string"})
    assert are_alike(read_only, {"type": "string"}, but_access=True)


@pytest.mark.parametrize(("type_", "is_alike"), [("string", True), ("integer", False)])
def test_schemas_that_contain_themselves_are_compared(type_: str, is_alike: bool) -> None:
    pointer = "#/paths/~1a/get/responses/200/content/application~1json/schema"

    def tree(type_: str) -> dict[str, Any]:
        """Return the schema of a tree whose nodes have a value of a type."""
        return {"properties": {"children": {"items": {"$ref": pointer}}, "value": {"type": type_}}}

    assert is_alike == are_alike(tree("string"), tree(type_))
