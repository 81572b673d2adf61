"""`response_schema_conformance`: the same verdict as plain jsonschema, with the location."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker

from pytest_bctrl import check
from pytest_bctrl.checks.schema import check_schema
from pytest_bctrl.contract.read import load
from tests.contract.documents import contract_of, rooted
from tests.observed.bodies import change, places

from .responses import CONTRACT, response, runtime, sample

ERROR = {"error": {"code": "a", "message": "b", "reasonClass": "c", "requestId": "d"}}


def violations_of(body: Any, status: int = 200) -> list[tuple[Any, ...]]:
    """Return location and message of every violation, without duplicates."""
    return list(dict.fromkeys((finding.path, finding.message) for finding in check_schema(response(body, status))))


def is_valid(body: Any, schema: Any) -> bool:
    """Return whether jsonschema accepts the body."""
    return Draft202012Validator(rooted(CONTRACT, schema), format_checker=FormatChecker()).is_valid(body)


_VALUES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["", "browser", "ephemeral", "profile", "active", "5b1e0c8e-0000-4000-8000-00000000bc71"])
    | st.text(max_size=5)
    | st.sampled_from(
        [[], {}, [1], {"kind": 1}, {"kind": []}, {"kind": "profile"}, {"kind": "profile", "profile": "x"}]
    )
)


@given(st.lists(st.tuples(st.sampled_from(list(places(sample()))), _VALUES | st.just("@remove")), max_size=3))
def test_a_body_has_findings_exactly_if_jsonschema_rejects_it(changes: list[tuple[tuple[Any, ...], Any]]) -> None:
    body = sample()
    for path, value in changes:
        change(body, path, copy.deepcopy(value))
    schema = load().operations[0].responses["200"].content["application/json"]
    assert is_valid(body, schema) is (not violations_of(body))


@given(st.lists(st.tuples(st.sampled_from(list(places(ERROR))), _VALUES | st.just("@remove")), max_size=3))
def test_an_error_body_has_findings_exactly_if_jsonschema_rejects_it(
    changes: list[tuple[tuple[Any, ...], Any]],
) -> None:
    body = copy.deepcopy(ERROR)
    for path, value in changes:
        change(body, path, copy.deepcopy(value))
    schema = load().operations[0].responses["404"].content["application/json"]
    assert is_valid(body, schema) is (not violations_of(body, 404))


_KIND = ("runtimes", 0, "backing", "kind")
_UNLISTED = "the value is not one of the documented values"
_MISSING = "the required property is missing"


@pytest.mark.parametrize(
    ("backing", "expected"),
    [
        ({"kind": "ephemeral"}, []),
        ({"kind": "profile", "profile": "x"}, []),
        ({"kind": "profile"}, [(("runtimes", 0, "backing", "profile"), _MISSING)]),
        (
            {"kind": "profile", "profile": 1},
            [(("runtimes", 0, "backing", "profile"), "the value has the wrong type, integer")],
        ),
        ({}, [(_KIND, _MISSING)]),
        ({"profile": "x"}, [(_KIND, _MISSING)]),
        ({"kind": "other"}, [(_KIND, _UNLISTED)]),
        ({"kind": None}, [(_KIND, _UNLISTED)]),
        ({"kind": True}, [(_KIND, _UNLISTED)]),
        ({"kind": []}, [(_KIND, _UNLISTED)]),
        ({"kind": {}}, [(_KIND, _UNLISTED)]),
        (None, [(("runtimes", 0, "backing"), "the value has the wrong type, null")]),
        ("profile", [(("runtimes", 0, "backing"), "the value has the wrong type, string")]),
        ([], [(("runtimes", 0, "backing"), "the value has the wrong type, array")]),
    ],
)
def test_a_violation_in_an_alternative_is_located_in_the_intended_branch(backing: Any, expected: Any) -> None:
    """For `backing` objects of each kind: the paths and messages of the findings."""
    assert expected == violations_of(runtime(backing=backing))


def test_a_violation_in_the_last_of_many_items_is_found() -> None:
    body = {"runtimes": [runtime()["runtimes"][0]] * 299 + runtime(name=1)["runtimes"]}
    assert [("runtimes", 299, "name")] == [path for path, _ in violations_of(body)]


def test_a_missing_optional_property_does_not_hide_a_violation_in_a_list() -> None:
    """The optional property itself is not reported."""
    listing = {"type": "object", "properties": {"next": {"type": "string"}, "ids": {"items": {"type": "integer"}}}}
    contract = contract_of(listing)
    (finding,) = check({"ids": [*range(20), "x"]}, contract=contract)
    assert ("response_schema_conformance", "ids[*]") == (finding.rule, finding.location)


def test_every_missing_property_is_reported() -> None:
    schemas = CONTRACT.document["components"]["schemas"]
    (required,) = (schema["required"] for name, schema in schemas.items() if name.endswith("RuntimesItems"))
    expected = [(("runtimes", 0, name), _MISSING) for name in sorted(required)]
    assert expected == sorted(violations_of({"runtimes": [{}]}))


FLAT = {"error": "a", "code": "b", "requestId": "c"}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 200),
        (b"[NaN]", 200),
        (b"{", 200),
        ({"runtimes": []}, 200),
        ({"any": "thing"}, 418),
        (FLAT, 404),
        (ERROR, 404),
    ],
)
def test_no_schema_finding_for_conforming_undocumented_or_invalid_json(body: Any, status: int) -> None:
    """`check_schema` has none for a body that is not JSON, or of an undocumented status."""
    assert [] == violations_of(body, status)


@pytest.mark.parametrize(("value", "kind"), [("9" * 4_300, "integer"), ("[" * 390 + "]" * 390, "array")])
def test_a_huge_value_of_the_wrong_type_is_a_finding(value: str, kind: str) -> None:
    body = json.dumps(runtime(name="@")).replace('"@"', value).encode()
    assert [(("runtimes", 0, "name"), f"the value has the wrong type, {kind}")] == violations_of(body)


@pytest.mark.parametrize(
    ("schema", "body", "valid"),
    [
        ({"const": 1}, True, False),
        ({"const": True}, 1, False),
        ({"enum": [0, 1]}, False, False),
        ({"enum": [1]}, 1.0, True),
        ({"type": "integer"}, True, False),
        ({"type": "integer"}, 1.0, True),
        ({"type": "number"}, 10**400, True),
        ({"multipleOf": 0.01}, 0.58, True),
        ({"multipleOf": 0.01}, 0.585, False),
        ({"multipleOf": 0.1}, 10**400, True),
        ({"multipleOf": 1}, 1e30, True),
        ({"oneOf": [{"type": "integer"}, {"type": "number"}]}, 1, False),
        ({"anyOf": [{"type": "integer"}, {"type": "number"}]}, 1, True),
        ({"oneOf": [{"type": "string"}, {"type": "array"}]}, {}, False),
        ({"oneOf": [False, {"type": "string"}]}, 1, False),
        ({"not": {}}, 1, False),
        (False, 1, False),
        (True, 1, True),
        ({"oneOf": [{"properties": {"k": {"const": 1}}}, {"properties": {"k": {"const": True}}}]}, {"k": 1}, True),
        ({"oneOf": [{"properties": {"k": {"enum": [1]}}}, {"properties": {"k": {"enum": [2]}}}]}, {"k": [1]}, False),
        ({"type": "object", "additionalProperties": False}, {"a": 1}, False),
        ({"minItems": 1}, [], False),
    ],
)
def test_the_verdict_on_a_custom_schema_follows_json_schema(schema: Any, body: Any, valid: bool) -> None:
    """`check_schema` of bodies where languages differ, such as `true` and 1: violated or not."""
    violations = list(check_schema(response(body, contract=contract_of(schema))))
    assert valid is (not violations)
