"""`bctrl_key_prefix` puts a word in front of the key, which OpenAPI cannot document."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pytest_bctrl.contract.key_fields import KeyField, has_valid_key, key_fields, with_key_prefix
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.contract.read import from_document
from pytest_bctrl.errors import SettingError
from pytest_bctrl.settings import resolve as settings

from ..contract.documents import document
from ..error_makers import Given
from ..local_server import Handler, serving
from .test_operation_outcomes import operation, write_contract

KEY = "key_of_the_prefix_tests"
IN_AUTHORIZATION = {"type": "apiKey", "in": "header", "name": "Authorization"}


@contextmanager
def serve(authorization: str) -> Iterator[str]:
    """Serve `{"name": "x"}` to requests with this `Authorization` field, and 401 to all others; yield the base URL."""

    class Shop(Handler):
        def do_GET(self) -> None:
            if self.headers.get("Authorization") == authorization:
                self.respond(200, b'{"name": "x"}')
            else:
                self.respond(401, b"{}")

        do_HEAD = do_GET

    with serving(Shop) as url:
        yield url


@pytest.mark.parametrize(
    ("scheme", "setting", "authorization"),
    [
        (IN_AUTHORIZATION, "Token", f"Token {KEY}"),
        (IN_AUTHORIZATION, "PVEAPIToken=", f"PVEAPIToken={KEY}"),
        ({"type": "http", "scheme": "apikey"}, "Apikey", f"Apikey {KEY}"),
    ],
)
def test_suite_client_and_mock_use_the_prefix(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, scheme: object, setting: str, authorization: str
) -> None:
    """A live run and a run on the mock pass with `bctrl_key_prefix`; the output does not show the key."""
    monkeypatch.setenv("BCTRL_API_KEY", KEY)
    write_contract(
        {"/a": operation("a", "401", security=[{"key": []}])}, components={"securitySchemes": {"key": scheme}}
    )
    pytester.makeini(f"[pytest]\nbctrl_contract = api.json\nbctrl_key_prefix = {setting}")
    pytester.makepyfile("def test_a(bctrl_client):\n    assert 200 == bctrl_client.get('/a').status_code")
    with serve(authorization) as url:
        live = pytester.runpytest("--bctrl-live", "--bctrl-base-url", url, "-v")
    assert live.ret == pytest.ExitCode.OK
    assert KEY not in live.stdout.str()
    assert pytester.runpytest("--bctrl-mock").ret == pytest.ExitCode.OK


def test_rejected_key_without_a_prefix_names_the_setting(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The target expects `Token KEY`: the run is interrupted, with `bctrl_key_prefix` in its line."""
    monkeypatch.setenv("BCTRL_API_KEY", KEY)
    components = {"securitySchemes": {"key": IN_AUTHORIZATION}}
    write_contract({"/a": operation("a", "401", security=[{"key": []}])}, components=components)
    with serve(f"Token {KEY}") as url:
        result = pytester.runpytest("--bctrl-live", "--bctrl-base-url", url, "--bctrl-contract=api.json")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["not checked *rejects the credential with 401*(bctrl_key_prefix)"])


def contract_with(*schemes: dict[str, str]) -> Contract:
    """Return a contract whose operation takes any of these credentials; without one, it has no security."""
    spec = document(True, **({"security": [{str(number): []} for number in range(len(schemes))]} if schemes else {}))
    spec["components"]["securitySchemes"] = {str(number): scheme for number, scheme in enumerate(schemes)}
    return from_document(spec, "api.json")


def fields_of(contract: Contract) -> tuple[KeyField, ...] | None:
    """Return the header fields for the key of a contract's first operation."""
    return key_fields(contract.operations[0])


IN_X_KEY = {"type": "apiKey", "in": "header", "name": "X-Key"}
BEARER = {"type": "http", "scheme": "bearer"}


@pytest.mark.parametrize(
    ("schemes", "field"),
    [
        ((), KeyField("Authorization", "Token ")),
        ((IN_X_KEY,), KeyField("X-Key", "Token ")),
        ((IN_X_KEY, IN_AUTHORIZATION), KeyField("X-Key")),
        ((BEARER, IN_AUTHORIZATION), KeyField("Authorization", "Bearer ")),
        ((IN_X_KEY, {"type": "http", "scheme": "token"}), KeyField("X-Key")),
    ],
)
def test_prefix_applies_to_the_documented_field(schemes: tuple[dict[str, str], ...], field: KeyField) -> None:
    """`with_key_prefix` adds it to the header field that takes the key: `Authorization` before others."""
    assert (field,) == fields_of(with_key_prefix(contract_with(*schemes), "Token "))


def test_prefix_without_a_field_is_an_error() -> None:
    with pytest.raises(SettingError, match="bctrl_key_prefix: no operation takes an API key in a header field"):
        with_key_prefix(contract_with(BEARER), "Token ")


@pytest.mark.parametrize(
    ("value", "is_valid"), [(f"Token {KEY}", True), (f"token {KEY}", True), (KEY, False), (f"Bearer {KEY}", False)]
)
def test_key_is_valid_after_the_prefix_only(value: str, is_valid: bool) -> None:
    contract = with_key_prefix(contract_with(IN_AUTHORIZATION), "Token ")
    headers = {"authorization": value}
    assert is_valid == has_valid_key(contract.operations[0], KEY, headers.get)


def test_a_blank_prefix_is_read_as_no_prefix() -> None:
    assert "" == settings.key_prefix(Given({"bctrl_key_prefix": "  "}))


@pytest.mark.parametrize("value", ['Token "a"', "Token\u00a0é", "a" * 41, "$HOME"])
def test_prefix_that_no_header_can_hold_is_an_error_that_does_not_show_it(value: str) -> None:
    with pytest.raises(SettingError) as caught:
        settings.key_prefix(Given({"bctrl_key_prefix": value}))
    assert value not in str(caught.value)
