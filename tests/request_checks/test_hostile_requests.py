"""Hostile requests are rejected or accepted like others: no exception, and no more than linear time."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_bctrl import check_request
from pytest_bctrl.request_checks.media import parse_content_type
from pytest_bctrl.secrets.secret import REDACTED

from .orders import contract_of_body, contract_of_paths, lines, operation, posted

FORM, MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data; boundary=B"
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "number": {"type": "number"},
        "object": {"type": "object", "properties": {"x": {"type": "number"}}},
        "any": {},
    },
}
LARGE = 400_000
"""Number of repetitions for which quadratic time would be minutes."""


def part(disposition: str, content: str = "1") -> str:
    """Return a multipart body of a single part with this `Content-Disposition`."""
    return f"--B\r\nContent-Disposition: {disposition}\r\n\r\n{content}\r\n--B--\r\n"


def nested(levels: int) -> str:
    """Return the JSON of an object of this number of levels."""
    return '{"x":' * levels + "1" + "}" * levels


@pytest.mark.parametrize("levels", [5, 300, 690])
def test_a_value_nested_deeply_is_shown_in_a_finding(levels: int) -> None:
    """An object of up to 690 levels, where an array belongs, is an ordinary error."""
    contract = contract_of_body({"type": "array"})
    assert ["error request_body body: the value has the wrong type, object"] == posted(contract, nested(levels))


def test_json_in_a_field_of_a_form_is_limited_like_that_of_a_body() -> None:
    """Nested too deeply, or with NaN, it is a text instead of an object."""
    contract = contract_of_body(SCHEMA, FORM)
    assert ["error request_body body.object.x: the value has the wrong type, object"] == posted(
        contract, f"object={nested(300)}", FORM
    )
    assert ["error request_body body.object: the value has the wrong type, string"] == posted(
        contract, f"object={nested(900)}", FORM
    )
    assert ["error request_body body.object: the value has the wrong type, string"] == posted(
        contract, 'object={"x":NaN}', FORM
    )


def test_credentials_in_a_large_value_are_masked() -> None:
    contract = contract_of_body({"type": "array"})
    content = f'{{"password": "hunter22", "inner": {{"token": "hunter22", "deep": {nested(50)}}}}}'
    headers = {"Content-Type": "application/json"}
    (finding,) = check_request("POST", "/orders", headers=headers, body=content, contract=contract)
    assert REDACTED == finding.observed["password"]
    assert "hunter22" not in repr(finding)


@pytest.mark.parametrize(
    ("field", "essence", "parameters"),
    [
        ('multipart/form-data; boundary="a b;c\\"d"', "multipart/form-data", {"boundary": 'a b;c"d'}),
        ("Text/HTML;Charset=UTF-8 ; q", "text/html", {"charset": "UTF-8"}),
        ("a/b; x=1; x=2;; =3; y=", "a/b", {"x": "1", "y": ""}),
        ('a/b; x="open', "a/b", {"x": "open"}),
        ("a/b; name*=utf-8''%ff; name*0=a; name*1=b", "a/b", {"name*": "utf-8''%ff", "name*0": "a", "name*1": "b"}),
        ("", "", {}),
        (None, "", {}),
    ],
)
def test_parameters_of_a_media_type_are_read(field: str | None, essence: str, parameters: dict[str, str]) -> None:
    """`parse_content_type` returns the media type and its parameters, quoted, repeated or empty."""
    assert (essence, parameters) == tuple(parse_content_type(field))


@pytest.mark.parametrize("repeated", [";", '";', ';x="\\', '\\"', "; ", ";x=", '";x="'])
def test_a_long_field_is_read_in_linear_time(repeated: str) -> None:
    assert "a/b" == parse_content_type(f'a/b; x="{repeated * LARGE}').essence


@pytest.mark.parametrize(
    "disposition",
    [
        "form-data; name*=utf-8''%ff%fe; name*0=a; name*1=b",
        "form-data; name*=nonsense''x",
        "form-data",
        "attachment; name=number",
        "",
    ],
)
def test_a_part_without_a_name_is_rejected(disposition: str) -> None:
    message = "a part has no Content-Disposition: form-data with a name"
    assert [f"error request_body body: {message}"] == posted(
        contract_of_body(SCHEMA, "multipart/form-data"), part(disposition), MULTIPART
    )


def test_a_part_with_a_long_name_is_read_in_linear_time() -> None:
    contract = contract_of_body(SCHEMA, "multipart/form-data")
    assert [] == posted(contract, part(f'form-data; name="{";" * LARGE}"'), MULTIPART)


@pytest.mark.parametrize("charset", ["punycode", "idna", "unicode_escape", "raw-unicode-escape", "hex", "undefined"])
def test_an_encoding_of_python_is_no_charset(charset: str) -> None:
    """The body is not text in its charset; Python would decode `punycode` and `idna` in quadratic time."""
    contract = contract_of_body({"type": "string"}, "text/plain")
    assert ["error request_body body: the body is not text in its charset"] == posted(
        contract, f"a-{'b' * LARGE}", f"text/plain; charset={charset}"
    )


def test_a_name_of_many_levels_is_read_to_a_limit() -> None:
    """A deep object parameter with 20,000 brackets has no finding."""
    parameter = {"name": "f", "in": "query", "style": "deepObject", "explode": True, "schema": {"type": "object"}}
    contract = contract_of_paths({"/orders": {"get": operation(parameters=[parameter])}})
    assert [] == lines(contract, "GET", f"/orders?f{'[a]' * 20_000}=1")
