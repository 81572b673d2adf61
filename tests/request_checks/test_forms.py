"""Forms: urlencoded and multipart bodies, with encodings, files, repeated and missing fields."""

from __future__ import annotations

from email.message import EmailMessage, Message
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_bctrl import check_request
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.request_checks.fields import multipart_fields

from .orders import body, contract_of_body, contract_of_paths, posted

FORM, MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"
POINT = {"type": "object", "required": ["x"], "properties": {"x": {"type": "integer"}}}
PERSON = {
    "type": "object",
    "required": ["age"],
    "properties": {
        "age": {"type": "integer"},
        "active": {"type": "boolean"},
        "tags": {"type": "array", "items": {"type": "string", "maxLength": 3}},
        "numbers": {"type": "array", "items": {"type": "integer"}},
        "point": POINT,
        "points": {"type": "array", "items": POINT},
        "name": {},
    },
    "additionalProperties": False,
}
FILE = {
    "type": "object",
    "required": ["file"],
    "properties": {"file": {"type": "string", "format": "binary"}, "point": POINT, "n": {"type": "integer"}},
}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("age=7", []),
        ("age=7&active=true&tags=a&tags=b&numbers=1&name=x%20y", []),
        ("age=7&point=%7B%22x%22%3A1%7D", []),
        ("age=7&x=1", []),
        ("age=7&points=%7B%22x%22%3A1%7D&points=%7B%22x%22%3A2%7D", []),
        ("age=7&points=%5B%7B%22x%22%3A1%7D%5D", []),
        ("", ["body.age: the required property is missing"]),
        ("active=true", ["body.age: the required property is missing"]),
        ("age=seven", ["body.age: the value has the wrong type, string"]),
        ("age=7&age=8", ["body.age: the value has the wrong type, array"]),
        ("age=7&tags=long", ["body.tags[*]: the value breaks 'maxLength'"]),
        ("age=7&numbers=1&numbers=x", ["body.numbers[*]: the value has the wrong type, string"]),
        ("age=7&point=%7B%7D", ["body.point.x: the required property is missing"]),
        ("age=7&extra=1", ["body.extra: the schema allows no further property"]),
        ("age=7&extra=1&extra=2", ["body.extra: the schema allows no further property"]),
    ],
)
def test_a_urlencoded_form_is_validated(content: str, expected: list[str]) -> None:
    """Its findings, if any, are about the types of fields, repeated or missing ones, and JSON in them."""
    found = posted(contract_of_body(PERSON, FORM), content, FORM)
    assert [f"error request_body {line}" for line in expected] == found


def test_an_optional_form_may_be_absent() -> None:
    contract = contract_of_paths({"/orders": {"post": body(PERSON, FORM, required=False)}})
    assert [] == posted(contract, b"", FORM)
    assert [] != posted(contract, b"active=true", FORM)


@pytest.mark.parametrize(
    ("encoding", "valid", "invalid"),
    [
        ({"tags": {"explode": False}}, "age=7&tags=a,b", "age=7&tags=a,long"),
        ({"tags": {"style": "pipeDelimited"}}, "age=7&tags=a|b", "age=7&tags=a|long"),
        ({"point": {"style": "deepObject", "explode": True}}, "age=7&point[x]=1", "age=7&point[x]=x"),
        ({"point": {"contentType": "application/json"}}, "age=7&point={%22x%22:1}", "age=7&point=1"),
        ({"numbers": {"contentType": "application/json"}}, "age=7&numbers=[1,2]", "age=7&numbers=[true]"),
    ],
)
def test_a_property_of_a_form_is_read_in_the_style_of_its_encoding(
    encoding: dict[str, Any], valid: str, invalid: str
) -> None:
    """A valid body passes, and an invalid one has an error at the property."""
    contract = contract_of_body(PERSON, FORM, encoding=encoding)
    assert [] == posted(contract, valid, FORM)
    assert posted(contract, invalid, FORM)[0].startswith("error request_body body.")


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ("age=7&age[x]=1", "age[x]"),
        ("age=7&point=%7B%22x%22:1%7D&point[x]=2", "point[x]"),
        ("age=7&point[x=1", "point[x"),
        ("age=7&tags=a&tags[]=b", "tags[]"),
    ],
)
def test_a_name_in_brackets_that_no_property_reads_is_an_undocumented_property(body: str, name: str) -> None:
    schema = {**PERSON, "additionalProperties": False}
    assert [f"error request_body body['{name}']: the schema allows no further property"] == posted(
        contract_of_body(schema, FORM), body, FORM
    )


def test_a_deep_object_beside_its_own_name_has_no_single_value() -> None:
    """`point[x]=1&point=2`: the value of `point` is an array, which is an error."""
    contract = contract_of_body(PERSON, FORM, encoding={"point": {"style": "deepObject", "explode": True}})
    assert ["error request_body body.point: the value has the wrong type, array"] == posted(
        contract, "age=7&point[x]=1&point=2", FORM
    )


@pytest.mark.parametrize("media_type", [FORM, MULTIPART])
def test_a_form_of_too_many_fields_is_not_checked(media_type: str) -> None:
    content, content_type = "&".join(["age=7"] * 50_001), media_type
    if media_type == MULTIPART:
        part = '--b\r\nContent-Disposition: form-data; name="age"\r\n\r\n7\r\n'
        content, content_type = f"{part * 50_001}--b--", f"{MULTIPART}; boundary=b"
    message = "the body was not checked: the form has more than 50,000 fields"
    assert [f"warning request_not_checked body: {message}"] == posted(
        contract_of_body(PERSON, media_type), content, content_type
    )


def test_a_property_of_the_form_is_no_member_of_another() -> None:
    """`x=text` is not read as a member of the closed object `point`, which is missing."""
    schema = {
        "type": "object",
        "properties": {"x": {"type": "string"}, "point": {**POINT, "additionalProperties": False}},
    }
    assert [] == posted(contract_of_body(schema, FORM), "x=text", FORM)


def uploaded(contract: Contract, files: Any, data: Any = None) -> list[str]:
    """Return the findings of a multipart request as httpx sends it."""
    request = httpx.Request("POST", "http://orders.test/orders", files=files, data=data)
    request.read()
    return [
        f"{finding.rule} {finding.location}: {finding.message}" for finding in check_request(request, contract=contract)
    ]


def test_a_part_that_is_json_is_read_as_json_whatever_the_style_of_its_encoding() -> None:
    """A part without a media type is read in the style."""
    contract = contract_of_body(PERSON, MULTIPART, encoding={"point": {"style": "form"}, "tags": {"style": "form"}})
    as_json = "application/json"
    parts = {"age": (None, "7"), "point": (None, '{"x": 1}', as_json), "tags": (None, '["a"]', as_json)}
    assert [] == uploaded(contract, parts)
    assert ["request_body body.point.x: the required property is missing"] == uploaded(
        contract, {**parts, "point": (None, "{}", as_json)}
    )
    assert [] != uploaded(contract, {**parts, "point": (None, '{"x": 1}')})


@pytest.mark.parametrize(
    ("files", "data", "expected"),
    [
        ({"file": ("a.png", b"\x89PNG\r\n\x1a\n--", "image/png")}, {"n": "1"}, []),
        ({"file": b""}, None, []),
        ({"file": b"x", "point": (None, b'{"x": 1}', "application/json")}, None, []),
        ({"file": b"x", "point": (None, b'{"x": 1}')}, None, []),
        ({"n": (None, b"1")}, None, ["request_body body.file: the required property is missing"]),
        ({"file": b"x"}, {"n": "x"}, ["request_body body.n: the value has the wrong type, string"]),
        (
            {"file": b"x", "point": (None, b'{"x": "1"}', "application/json")},
            None,
            ["request_body body.point.x: the value has the wrong type, string"],
        ),
    ],
)
def test_a_multipart_form_is_validated(files: Any, data: Any, expected: list[str]) -> None:
    """Files and fields: exactly the expected findings."""
    assert expected == uploaded(contract_of_body(FILE, MULTIPART), files, data)


def test_several_files_are_a_list() -> None:
    """Three files of a field with `maxItems: 2` are an error."""
    schema = {"type": "object", "properties": {"files": {"type": "array", "items": {"type": "string"}, "maxItems": 2}}}
    contract = contract_of_body(schema, MULTIPART)
    assert [] == uploaded(contract, [("files", b"a"), ("files", b"b")])
    assert ["request_body body.files: the value breaks 'maxItems'"] == uploaded(contract, [("files", b"a")] * 3)


def test_parts_must_have_the_documented_media_type_and_headers() -> None:
    encoding = {
        "file": {
            "contentType": "image/png, image/jpeg",
            "headers": {"X-Size": {"required": True, "schema": {"type": "integer"}}, "X-Name": {"schema": {}}},
        }
    }
    contract = contract_of_body(FILE, MULTIPART, encoding=encoding)
    assert [] == uploaded(contract, {"file": ("a", b"x", "image/jpeg", {"X-Size": "1"})})
    assert [
        "request_media_type body.file: the media type of the part is not documented",
        "request_body body.file header X-Size: the header field of the part is required and missing",
    ] == uploaded(contract, {"file": ("a", b"x", "text/plain")})
    assert ["request_body body.file header X-Size: the value has the wrong type, string"] == uploaded(
        contract, {"file": ("a", b"x", "image/png", {"X-Size": "large"})}
    )


@pytest.mark.parametrize(
    ("media", "content", "problem"),
    [
        (MULTIPART, b"--B--", "the Content-Type has no boundary"),
        (f"{MULTIPART}; boundary=B", b"qty=1", "the body has no part with the boundary of its Content-Type"),
        (f"{MULTIPART}; boundary=B", b"--B\r\n", "the body ends without its closing boundary"),
        (f"{MULTIPART}; boundary=B", b"--B\r\nX: y\r\n--B--", "a part has no empty line after its header fields"),
        (f"{MULTIPART}; boundary=B", b"--B\r\n\r\nx\r\n--B--", "a part has no Content-Disposition"),
        (f"{MULTIPART}; boundary=B", b"--B\r\nContent-Disposition: form-data\r\n\r\nx\r\n--B--", "a part has no Cont"),
    ],
)
def test_a_malformed_multipart_body_is_rejected(media: str, content: bytes, problem: str) -> None:
    (line,) = posted(contract_of_body(FILE, MULTIPART), content, media)
    assert line.startswith(f"error request_body body: {problem}")


def test_a_multipart_body_may_have_no_part() -> None:
    """The missing property is the finding, not the body."""
    assert ["error request_body body.file: the required property is missing"] == posted(
        contract_of_body(FILE, MULTIPART), b"--B--\r\n", f"{MULTIPART}; boundary=B"
    )


@given(st.lists(st.tuples(st.sampled_from("abc"), st.binary()), min_size=1, max_size=4))
def test_the_parts_are_those_that_the_standard_library_reads(parts: list[tuple[str, bytes]]) -> None:
    """For any fields that httpx writes."""
    request = httpx.Request("POST", "http://orders.test", files=[(name, content) for name, content in parts])
    body, content_type = request.read(), request.headers["Content-Type"]
    boundary = content_type.partition("boundary=")[2]
    assert parts == [(field.name, field.content) for field in multipart_fields(body, boundary)]

    message = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body)
    assert isinstance(message, EmailMessage)
    assert [content for _, content in parts] == [content_of(part) for part in message.iter_parts()]


def content_of(part: Message) -> bytes:
    """Return the decoded content of a part that the standard library parsed."""
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    return content


@pytest.mark.parametrize(
    "body",
    [
        "&".join(f"n{number}={number}" for number in range(10_000)),
        "&".join(f"point[n{number}]={number}" for number in range(10_000)),
        "&".join(["tags=a"] * 20_000),
    ],
)
def test_a_form_of_many_fields_is_read_in_linear_time(body: str) -> None:
    """A quadratic algorithm would take minutes."""
    contract = contract_of_body({**PERSON, "additionalProperties": True}, FORM)
    assert posted(contract, f"age=7&{body}", FORM) in (
        [],
        ["error request_body body.point.x: the required property is missing"],
    )
