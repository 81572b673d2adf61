"""Where findings point: at the keyword that changed, in the part of a schema that has it."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_bctrl.contract.document import value_at
from pytest_bctrl.drift import compare
from pytest_bctrl.findings.finding import Finding

from .changed_pointers import changed_pointers, is_inside
from .meaning import Doc, documents
from .pairs import body, document, in_content
from .test_soundness import one_changed

SCHEMA = "/paths/~1a/get/responses/200/content/application~1json/schema"
A_REQUIRED = {"required": ["a"]}
A_PROPERTY = {"properties": {"a": {"type": "string"}}}


def pointers(finding: Finding) -> list[str]:
    """Return the pointers of a finding into both documents."""
    return [finding.extra[side]["pointer"] for side in ("base", "revision")]


def below_schema(old: Any, new: Any, *, version: str = "3.1.0") -> list[list[str]]:
    """Return the pointers of the findings between two schemas of a response, without that of the schema."""
    before, after = ({**body(schema), "openapi": version} for schema in (old, new))
    return [[pointer.removeprefix(SCHEMA) for pointer in pointers(finding)] for finding in compare(before, after)]


def _may_be_merged(value: Any) -> bool:
    """Return whether a value is a list with two equal schemas, or two without properties that may contain each other.

    The gate treats a schema that another one contains, and schemas that are only a type, as one with the other.
    """
    if not isinstance(value, list):
        return False
    without_properties = [item for item in value if isinstance(item, dict) and "properties" not in item]
    return len(without_properties) > 1 or any(item in value[:index] for index, item in enumerate(value))


def _around_alternatives(document: Doc, pointer: str) -> str:
    """Return the pointer of the first list of alternatives around a pointer that may be one, else the pointer."""
    tokens = pointer.split("/")
    for end in range(2, len(tokens)):
        start = "/".join(tokens[:end])
        if _may_be_merged(value_at(document, start)):
            return start
    return pointer


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(documents(), st.data())
def test_a_finding_of_a_change_points_at_it_into_it_or_at_what_contains_it(old: Doc, data: st.DataObject) -> None:
    """One of the findings, in one of the documents at least.

    Another one may point at another schema, to which the changed one may have moved. Alternatives that become one list
    of types are one schema, so null is reported at the first of them.
    """
    new = copy.deepcopy(old)
    properties = new["components"]["schemas"]["First"]["properties"]
    properties["value"] = one_changed(properties["value"], data.draw)
    changed = [_around_alternatives(*side) for side in zip((old, new), changed_pointers(old, new), strict=True)]
    findings = [finding for finding in compare(old, new) if not finding.rule.endswith("-nullable")]
    sides = [
        (pointer, container)
        for finding in findings
        for pointer, container in zip(pointers(finding), changed, strict=True)
        if pointer
    ]
    assert not findings or any(
        is_inside(pointer, container) or is_inside(container, pointer) for pointer, container in sides
    )


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param(
            {"allOf": [{"minLength": 1}, {"minLength": 2}]},
            {"allOf": [{"minLength": 1}, {"minLength": 3}]},
            ["/allOf/1/minLength", "/allOf/1/minLength"],
            id="a bound in the second part",
        ),
        pytest.param(
            {"allOf": [{"multipleOf": 2}, {"multipleOf": 3}]},
            {"allOf": [{"multipleOf": 2}, {"multipleOf": 6}]},
            ["/allOf/1/multipleOf", "/allOf/1/multipleOf"],
            id="a factor in the second part",
        ),
        pytest.param(
            {"allOf": [A_PROPERTY, {"required": ["b"]}]},
            {"allOf": [A_PROPERTY, {"required": ["b", "a"]}]},
            ["/allOf/0/properties/a", "/allOf/1/required"],
            id="a property that another part requires",
        ),
        pytest.param(
            {"type": "string"},
            {"oneOf": [{"type": "object", "required": ["a"]}, {"type": "array", "items": {"type": "integer"}}]},
            ["/type", "/oneOf"],
            id="alternatives in place of a type",
        ),
        pytest.param(
            {"type": ["string", "integer"]},
            {"oneOf": [{"type": "string"}, {"type": "integer"}, {"type": "object", **A_REQUIRED}]},
            ["", "/oneOf"],
            id="an alternative to listed types",
        ),
        pytest.param({"enum": [1, True]}, {"enum": [1]}, ["/enum", "/enum"], id="true, which is not 1"),
        pytest.param({"const": "a"}, {"const": "b"}, ["/const", "/const"], id="a constant"),
        pytest.param({"type": "string"}, {"type": ["null", "string"]}, ["/type", "/type"], id="null in the type"),
    ],
)
def test_a_finding_points_at_the_keyword_in_the_part_that_changed(old: Doc, new: Doc, expected: list[str]) -> None:
    assert below_schema(old, new) == [expected]
    assert below_schema(new, old) == [expected[::-1]]


def test_a_finding_about_null_points_at_nullable() -> None:
    """In OpenAPI 3.0; without it, at the type."""
    old, new = {"type": "string"}, {"type": "string", "nullable": True}
    assert below_schema(old, new, version="3.0.3") == [["/type", "/nullable"]]
    assert below_schema({**old, "nullable": False}, new, version="3.0.3") == [["/type", "/nullable"]]


@pytest.mark.parametrize("flag", ["deprecated", "readOnly"])
def test_a_finding_about_a_flag_points_at_it_in_the_component(flag: str) -> None:
    """Without the flag, it points at the property."""
    schema = {"properties": {"a": {"$ref": "#/components/schemas/Flagged"}}}
    old, new = (
        {**body(schema), "components": {"schemas": {"Flagged": component}}}
        for component in ({"type": "string"}, {"type": "string", flag: True})
    )
    (finding,) = compare(old, new)
    assert pointers(finding) == [f"{SCHEMA}/properties/a", f"/components/schemas/Flagged/{flag}"]


def test_a_finding_about_a_property_that_is_sent_now_points_at_the_removed_flag() -> None:
    """A read-only property of a parameter was not sent; without the flag, it is required."""
    old, new = (
        document(
            {"parameters": [{"name": "q", "in": "query", **in_content({**A_REQUIRED, "properties": {"a": schema}})}]}
        )
        for schema in ({"type": "string", "readOnly": True}, {"type": "string"})
    )
    (finding,) = compare(old, new)
    at = "/paths/~1a/get/parameters/0/content/application~1json/schema/properties/a"
    assert (finding.rule, *pointers(finding)) == ("request-parameter-property-became-required", f"{at}/readOnly", at)


def test_each_of_many_added_values_points_at_the_enum() -> None:
    values = [f"v{number}" for number in range(3_000)]
    findings = compare(body({"enum": ["first"]}), body({"enum": ["first", *values]}))
    assert [pointers(finding)[1] for finding in findings] == [f"{SCHEMA}/enum"] * 3_000
