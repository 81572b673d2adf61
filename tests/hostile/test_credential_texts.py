"""Any text can be searched for credentials, and only they change."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_bctrl.secrets.credentials import Credentials, placeholder
from pytest_bctrl.secrets.json_text import edit_json
from pytest_bctrl.secrets.names import is_credential_name

PIECES = [
    *"{}[]\",:\\=&?#<>/\n @'",
    *(
        "password",
        "token",
        "key",
        "value",
        "name",
        "é",
        "\ud800",
        "true",
        "1",
        "://",
        "%3D",
        "%25",
        "Basic ",
        "abc123def",
    ),
    *("--b\r\n", "\r\n\r\n", 'Content-Disposition: form-data; name="password"', "eyJhbGciOi.a.b", "dXNlcjpwYXNz"),
]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=25).map("".join) | st.text(st.characters())
MEDIA_TYPES = ["", "application/json", "application/yaml", "multipart/form-data; boundary=b"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda items: st.lists(items) | st.dictionaries(st.sampled_from(["city", "password", "note", "items"]), items),
)


@given(TEXTS)
def test_a_text_stays_if_no_value_is_edited(text: str) -> None:
    assert text == edit_json(text, lambda _names, value: value)


@given(TEXTS, st.sampled_from([*MEDIA_TYPES, "application/x-www-form-urlencoded"]))
def test_a_redacted_body_has_no_further_credential(text: str, media_type: str) -> None:
    once = Credentials().body(text.encode("utf-8", "surrogatepass"), media_type)
    assert once == Credentials().body(once, media_type)


@given(TEXTS)
def test_any_text_may_be_a_url_or_a_header_field(text: str) -> None:
    credentials = Credentials()
    credentials.url(text)
    names = ("Cookie", "Set-Cookie", "Authorization", "X-Token", "Link")
    assert [name for name, _ in credentials.headers([(name, text) for name in names])] == list(names)


@given(st.text(min_size=1))
def test_a_placeholder_has_the_length_of_the_value(value: str) -> None:
    if any(map(str.isalnum, value)):
        assert len(value) == len(placeholder(value))


@given(JSON)
def test_json_keeps_its_structure(value: Any) -> None:
    edited = json.loads(Credentials().body(json.dumps(value).encode(), "application/json"))
    assert without_passwords(value) == without_passwords(edited)


def without_passwords(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_passwords(member) for name, member in value.items() if name != "password"}
    return [*map(without_passwords, value)] if isinstance(value, list) else value


@pytest.mark.parametrize(
    "name", ["admin_token", "developerToken", "backendToken", "X-Registry-Auth", "_csrf", "secretText"]
)
def test_a_name_is_that_of_a_credential(name: str) -> None:
    assert is_credential_name(name)


@pytest.mark.parametrize(
    "name", ["nextForwardToken", "$skiptoken", "possession", "process", "supportsToken", "p" * 10_000]
)
def test_a_name_is_not_that_of_a_credential(name: str) -> None:
    assert not is_credential_name(name)


@pytest.mark.parametrize(
    "text",
    [
        '{"key": "photos/2024/img1.jpg"}',
        '{"password": ["can\'t be blank", "The current password is incorrect."], "token": ["Invalid value."]}',
        '{"token": " internationalization", "signature": "transfer(address,uint256)", "session": "spring2024"}',
        '{"password": "********", "secret": "${SECRET}", "api_key": "<key>"}',
        "clone ssh://git@github.com/acme/site.git",
        "[section]\nname = x\nport = 5\n",
    ],
)
def test_a_text_without_credentials_stays(text: str) -> None:
    assert text.encode() == Credentials().body(text.encode())


@pytest.mark.parametrize(
    "text",
    [
        '{"detail": [{"loc": ["body", "password"], "input": "planted"}]}',
        '[{"op": "replace", "path": "/user/password", "value": "planted"}]',
        '{"field": "password", "rejectedValue": "planted"}',
        "<member><name>password</name><value><string>planted</string></value></member>",
        '<property name="db.password">planted</property>',
        "<password><![CDATA[planted]]></password>",
        '{:password=>"planted"}',
        "[database]\npassword = planted1\n",
        "Authorization: Basic cGxhbnRlZDpwbGFudGVk",
        '--b\r\nContent-Disposition: form-data;\r\n name="password"\r\n\r\nplanted\r\n--b--\r\n',
    ],
)
def test_a_text_has_no_credential(text: str) -> None:
    redacted = Credentials().body(text.encode())
    assert b"planted" not in redacted
    assert b"cGxhbnRlZDpwbGFudGVk" not in redacted


def test_a_part_in_base64_has_no_credential() -> None:
    head = b'--b\r\nContent-Disposition: form-data; name="data"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
    assert b"InBsYW50ZWQi" not in Credentials().body(head + b"eyJwYXNzd29yZCI6InBsYW50ZWQifQ==\r\n--b--\r\n")
