"""Bodies of requests: media type, JSON, text, content codings, and what is required."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import Any

import pytest

from pytest_bctrl import check_request
from pytest_bctrl.contract.read import from_document

from .orders import ORDER, body, contract_of_body, contract_of_paths, lines, operation, posted

VALID = {"qty": 1, "size": "s"}
ORDERS = contract_of_body(ORDER)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (VALID, []),
        ({**VALID, "notes": ["a", "b"]}, []),
        ({**VALID, "size": "x"}, ["error request_body body.size: the value is not one of the documented values"]),
        ({**VALID, "extra": 1}, ["error request_body body.extra: the schema allows no further property"]),
        ({**VALID, "qty": 0}, ["error request_body body.qty: the value breaks 'minimum'"]),
        ([], ["error request_body body: the value has the wrong type, array"]),
        ({"size": "s"}, ["error request_body body.qty: the required property is missing"]),
        ({**VALID, "notes": ["long", "longer"]}, ["error request_body body.notes[*]: the value breaks 'maxLength'"]),
        ({**VALID, "id": 1}, ["warning read_only_property body.id: the property is read-only, and should not be sent"]),
    ],
)
def test_a_json_body_is_validated_by_its_schema(content: Any, expected: list[str]) -> None:
    assert expected == posted(ORDERS, json.dumps(content))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'{"qty": 1, "si', "error strict_json body: the body is not JSON: Unterminated string"),
        (b'{"qty": 1, "qty": 1, "size": "s"}', "error strict_json body: the key 'qty' appears twice in one object"),
        (b'{"qty": NaN, "size": "s"}', "error strict_json body: the body contains NaN, which is not valid JSON"),
        (b'{"qty": 1e400, "size": "s"}', "warning interoperable_json body.qty: the number is beyond double precision"),
        ('{"qty": 1, "size": "s"}'.encode("utf-16"), "error strict_json body: the body begins with a byte order mark"),
        (b'{"qty": 1, "size": "\xe4"}', "error strict_json body: the body is not UTF-8: byte 20 is 0xe4"),
    ],
)
def test_a_json_body_is_read_strictly(content: bytes, expected: str) -> None:
    """Truncated JSON, duplicate keys, NaN and the like have a single finding, which names the problem."""
    (line,) = posted(ORDERS, content)
    assert line.startswith(expected)


@pytest.mark.parametrize(
    ("documented", "actual", "is_documented"),
    [
        ("application/json", "application/json", True),
        ("application/json", "Application/JSON; charset=utf-8", True),
        ("application/json", "text/plain", False),
        ("application/json", None, False),
        ("application/*", "application/json", True),
        ("application/*", "text/json", False),
        ("*/*", "application/json", True),
        ("application/json; version=2", "application/json; version=2", True),
        ("application/json; version=2", "application/json; version=1", False),
        ("application/vnd.order+json", "application/vnd.order+json", True),
        ("application/vnd.order+json", "application/json", False),
    ],
)
def test_a_body_of_an_undocumented_media_type_is_an_error(
    documented: str, actual: str | None, is_documented: bool
) -> None:
    found = posted(contract_of_body(ORDER, documented), json.dumps(VALID), actual)
    assert is_documented == (found == [])
    assert is_documented or "error request_media_type header Content-Type" in found[0]


def test_the_most_specific_media_type_is_used() -> None:
    """Of `*/*`, `application/*`, and JSON with and without a parameter."""
    content = {
        "*/*": {"schema": False},
        "application/*": {"schema": False},
        "application/json": {"schema": {"const": 1}},
        "application/json; version=2": {"schema": {"const": 2}},
    }
    contract = contract_of_paths({"/orders": {"post": operation(requestBody={"content": content})}})
    assert [] == posted(contract, "1", "application/json")
    assert [] == posted(contract, "2", "application/json; version=2")
    assert [] != posted(contract, "1", "application/json; version=2")


def test_a_missing_required_body_is_an_error() -> None:
    """It is absent or empty; an optional body may be either."""
    missing = ["error request_body body: the body is required and missing"]
    assert missing == posted(ORDERS, None, None)
    assert missing == posted(ORDERS, b"", "application/json")
    optional = contract_of_paths({"/orders": {"post": body(ORDER, required=False)}})
    assert [] == posted(optional, None, None)
    assert [] == posted(optional, b"", "application/json")


def test_a_body_that_the_contract_does_not_document_is_a_warning() -> None:
    contract = contract_of_paths({"/orders": {"post": operation()}})
    assert ["warning undocumented_request_body body: the contract documents no body for this operation"] == posted(
        contract, "{}"
    )
    assert [] == posted(contract, None, None)


def test_any_body_is_accepted_if_no_media_type_is_documented() -> None:
    contract = contract_of_paths({"/orders": {"post": operation(requestBody={"content": {}})}})
    assert [] == posted(contract, "anything", "text/csv")


@pytest.mark.parametrize(
    ("schema", "content", "media", "expected"),
    [
        ({"type": "string", "maxLength": 3}, b"abc", "text/plain", []),
        ({"type": "string", "maxLength": 3}, b"abcd", "text/plain", ["body: the value breaks 'maxLength'"]),
        ({"type": "integer"}, b"7", "text/plain", []),
        ({"type": "integer"}, b"seven", "text/plain", ["body: the value has the wrong type, string"]),
        ({"type": "string", "maxLength": 1}, "ä".encode("latin-1"), "text/plain; charset=iso-8859-1", []),
        ({"type": "string"}, b"\xe4", "text/plain", ["body: the body is not text in its charset"]),
        ({"type": "string"}, b"a", "text/plain; charset=nonsense", ["body: the body is not text in its charset"]),
        ({"type": "string"}, b"", "text/plain", []),
        ({"type": "string", "minLength": 1}, b"", "text/plain", ["body: the value breaks 'minLength'"]),
    ],
)
def test_a_text_is_validated(schema: Any, content: bytes, media: str, expected: list[str]) -> None:
    """A text body against its schema, with the charset of its media type."""
    found = posted(contract_of_body(schema, "text/plain"), content, media)
    assert [f"error request_body {line}" for line in expected] == found


@pytest.mark.parametrize(
    ("schema", "media", "is_checked"),
    [
        (True, "image/png", True),
        ({}, "application/xml", True),
        ({"type": "string", "format": "binary"}, "application/octet-stream", True),
        ({"type": "string", "maxLength": 3}, "application/octet-stream", False),
        ({"type": "object"}, "application/xml", False),
        ({"type": "object"}, "text/xml", False),
    ],
)
def test_what_cannot_be_validated_is_not_reported_as_fine(schema: Any, media: str, is_checked: bool) -> None:
    """A body of a media type other than JSON, text and forms has a warning if its schema restricts it."""
    found = posted(contract_of_body(schema, media), b"\x00\xff", media)
    expected = f"warning request_not_checked body: the body was not checked: bodies of the media type {media}"
    assert is_checked == (found == [])
    assert is_checked or found[0].startswith(expected)


@pytest.mark.parametrize(
    ("coding", "encode", "expected"),
    [
        ("gzip", gzip.compress, []),
        ("deflate", zlib.compress, []),
        ("identity", bytes, []),
        ("gzip, deflate", lambda plain: zlib.compress(gzip.compress(plain)), []),
        ("gzip", bytes, ["error request_body body: the body is not valid in its content coding"]),
        (
            "br",
            bytes,
            ["warning request_not_checked body: the body was not checked: the body has the content coding br"],
        ),
    ],
)
def test_content_codings_are_decoded(coding: str, encode: Any, expected: list[str]) -> None:
    """A valid compressed body has no finding, a wrong coding is an error, and an unknown one a warning."""
    headers = {"Content-Type": "application/json", "Content-Encoding": coding}
    found = lines(ORDERS, "POST", "/orders", headers, encode(json.dumps(VALID).encode()))
    assert [line[: len(start)] for line, start in zip(found, expected, strict=True)] == expected


def test_a_password_is_not_shown() -> None:
    """The findings about a body with invalid or undocumented credentials do not contain them."""
    for content in (
        {**VALID, "password": "short"},
        {**VALID, "password": "long-enough", "extra": {"token": "t0ps3cret"}},
    ):
        findings = check_request("POST", "/orders", body=content, contract=ORDERS)
        assert findings
        assert not any(value in repr(findings) for value in ("short", "long-enough", "t0ps3cret"))


def test_read_only_properties_are_not_required() -> None:
    """Neither those of the schema itself, nor those of schemas that apply with it, by reference or directly."""
    schemas = {
        "Id": {"type": "integer", "readOnly": True},
        "Base": {"type": "object", "required": ["id"], "properties": {"id": {"$ref": "#/components/schemas/Id"}}},
        "Order": {
            "allOf": [
                {"$ref": "#/components/schemas/Base"},
                {"required": ["created", "qty"]},
                {"properties": {"created": {"type": "string", "readOnly": True}, "qty": {"type": "integer"}}},
            ],
        },
    }
    paths = {"/orders": {"post": body({"$ref": "#/components/schemas/Order"})}}
    contract = contract_of_paths(paths, components={"schemas": schemas})
    assert [] == posted(contract, '{"qty": 1}')
    assert ["error request_body body.qty: the required property is missing"] == posted(contract, "{}")
    sent = posted(contract, '{"id": 1, "created": "now", "qty": 1}')
    assert ["body.created", "body.id"] == sorted(line.split()[2].strip(":") for line in sent)
    assert {"warning"} == {line.split()[0] for line in sent}


def test_a_read_only_property_is_validated_if_it_is_sent() -> None:
    assert ["error request_body body.id: the value has the wrong type, string"] == posted(
        ORDERS, json.dumps({**VALID, "id": "x"})
    )


def test_conditions_about_read_only_properties_are_unchanged() -> None:
    """A `not` that requires a read-only property accepts `{}`: without `required`, it would reject every value."""
    schema = {
        "properties": {"id": {"readOnly": True}},
        "not": {"required": ["id"], "properties": {"id": {"readOnly": True}}},
    }
    assert [] == posted(contract_of_body(schema), "{}")


@pytest.mark.parametrize(
    ("schema", "content", "keyword"),
    [
        ({"type": "integer", "format": "int32"}, 2**31 - 1, None),
        ({"type": "integer", "format": "int32"}, 2**31, "maximum"),
        ({"type": "integer", "format": "int32"}, -(2**31) - 1, "minimum"),
        ({"type": ["integer", "null"], "format": "int64"}, -(2**63), None),
        ({"type": ["integer", "null"], "format": "int64"}, 2**63, "maximum"),
        ({"type": "integer", "format": "int32", "minimum": 5, "maximum": 7}, 8, "maximum"),
        ({"type": "integer", "format": "int32", "minimum": 5, "maximum": 2**40}, 4, "minimum"),
        ({"not": {"type": "integer", "format": "int32"}}, "a", None),
    ],
)
def test_an_integer_has_the_range_of_its_format(schema: Any, content: Any, keyword: str | None) -> None:
    """`int32` and `int64` limit the value of a body."""
    expected = [f"error request_body body: the value breaks '{keyword}'"] if keyword else []
    assert expected == posted(contract_of_body(schema), json.dumps(content))


def test_a_parameter_has_the_range_of_its_format() -> None:
    """`int64` limits a path parameter."""
    identity = {"name": "id", "in": "path", "required": True, "schema": {"type": "integer", "format": "int64"}}
    contract = contract_of_paths({"/orders/{id}": {"get": operation(parameters=[identity])}})
    assert [] == lines(contract, "GET", f"/orders/{2**63 - 1}")
    assert ["error request_parameters path id: the value breaks 'maximum'"] == lines(
        contract, "GET", f"/orders/{2**63}"
    )


def test_a_recursive_schema_may_have_read_only_properties() -> None:
    """They are not required, and a warning if they are sent."""
    node = {
        "type": "object",
        "required": ["id", "name"],
        "properties": {
            "id": {"readOnly": True},
            "name": {"type": "string"},
            "child": {"$ref": "#/components/schemas/N"},
        },
    }
    paths = {"/orders": {"post": body({"$ref": "#/components/schemas/N"})}}
    contract = contract_of_paths(paths, components={"schemas": {"N": node}})
    assert [] == posted(contract, '{"name": "a", "child": {"name": "b"}}')
    assert ["error request_body body.child.name: the required property is missing"] == posted(
        contract, '{"name": "a", "child": {}}'
    )
    (line,) = posted(contract, '{"name": "a", "child": {"name": "b", "id": {"id": 1}}}')
    assert line.startswith("warning read_only_property body.child.id")


def test_a_schema_that_demands_nothing_does_not_change_which_properties_are_required() -> None:
    """The `allOf` of the body contains `true`, and its base refers to the body's own schema by a property."""
    node = {
        "allOf": [True, {"properties": {"id": {"readOnly": True}, "base": {"$ref": "#/components/schemas/N"}}}],
        "required": ["id", "name"],
    }
    paths = {"/orders": {"post": body({"$ref": "#/components/schemas/N"})}}
    contract = contract_of_paths(paths, components={"schemas": {"N": node}})
    assert [] == posted(contract, '{"name": "a"}')
    assert ["error request_body body.name: the required property is missing"] == posted(contract, "{}")


def test_a_nullable_property_of_openapi_3_0_may_be_read_only() -> None:
    """A body without it has no finding, although the schema requires it."""
    properties = {"id": {"nullable": True, "readOnly": True, "allOf": [{"type": "integer"}]}, "n": {"type": "integer"}}
    schema = {"type": "object", "required": ["id", "n"], "properties": properties}
    paths = {"/orders": {"post": body(schema)}}
    contract = from_document({"openapi": "3.0.3", "info": {"title": "x", "version": "1"}, "paths": paths}, "orders")
    assert [] == posted(contract, '{"n": 1}')


def test_many_violations_are_counted() -> None:
    """1,000 wrong properties are 100 findings whose counts add up."""
    schema = {"type": "object", "additionalProperties": {"type": "integer"}}
    content = json.dumps({f"p{number}": "x" for number in range(1_000)})
    findings = check_request("POST", "/orders", body=json.loads(content), contract=contract_of_body(schema))
    assert (100, 1_000) == (len(findings), sum(finding.count for finding in findings))
