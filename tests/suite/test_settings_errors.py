"""A wrong or missing setting ends the run with exit code 4 and one line that names it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from pytest_bctrl.contract.read import from_document
from pytest_bctrl.errors import SettingError
from pytest_bctrl.secrets.secret import Secret
from pytest_bctrl.suite.operations import require_operations
from pytest_bctrl.suite.run import ContractRun, _require_base_url, with_mock
from tests.contract.documents import document
from tests.variants import named, serve

KEY = "pk_settings_test_0123456789"


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Set only a key and a space id."""
    for name in ("BCTRL_BASE_URL", "BCTRL_API_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("BCTRL_API_KEY", KEY)
    monkeypatch.setenv("BCTRL_SPACE_ID", "0b4e6b9c-2f5e-4b0a-9a0e-3a8f5f1d2c3b")
    return monkeypatch


@pytest.mark.parametrize(
    ("option", "variable", "value", "message"),
    [
        ("--bctrl-live", "BCTRL_API_KEY", "two\nlines", "BCTRL_API_KEY: the key contains white space, a line end"),
        ("--bctrl-live", "BCTRL_API_KEY", f"{KEY}\n", "the key begins or ends with a line end: remove it"),
        ("--bctrl-live", "BCTRL_API_KEY", f" {KEY}", "the key begins or ends with white space: remove it"),
        ("--bctrl-live", "BCTRL_API_KEY", f'"{KEY}"', "the key is in quotes: remove them"),
        ("--bctrl-live", "BCTRL_API_KEY", f"X-Api-Key: {KEY}", "the value is a header field: give the key alone"),
        ("--bctrl-live", "BCTRL_API_KEY", "$OTHER_KEY", "a reference to a variable that was not replaced"),
        (
            "--bctrl-live",
            "BCTRL_API_KEY",
            f"Bearer {KEY}",
            "begins with Bearer: give the key alone, since the client adds that",
        ),
        (
            "--bctrl-live",
            "BCTRL_API_KEY",
            f"Token {KEY}",
            "begins with Token: give the key alone, and set bctrl_key_prefix = Token",
        ),
        ("--bctrl-live", "BCTRL_API_KEY", "…", "the value is a placeholder of the documentation, not a key"),
        ("--bctrl-live", "BCTRL_API_KEY", "<your key>", "the value is a placeholder of the documentation, not a key"),
        ("--bctrl-live", "BCTRL_SPACE_ID", "...", "BCTRL_SPACE_ID: the value is a placeholder of the documentation"),
        ("--bctrl-live", "BCTRL_SPACE_ID", KEY, "BCTRL_API_KEY, BCTRL_SPACE_ID: the key and the space id are equal"),
        (
            "--bctrl-live",
            "BCTRL_API_KEY",
            "5b4e6b9c-2f5e-4b0a-9a0e-3a8f5f1d2c3b\tmine",
            "BCTRL_API_KEY: the key contains white space, a line end",
        ),
        ("--bctrl-live", "BCTRL_BASE_URL", "https://…", "BCTRL_BASE_URL: the value is a placeholder"),
        (
            "--bctrl-live",
            "BCTRL_BASE_URL",
            "https://h/v1/spaces/x/runtimes/",
            "is the URL of an operation (GET /v1/spaces/{id}/runtimes), not the base URL (set it to https://h)",
        ),
        ("--bctrl-live", "BCTRL_BASE_URL", "http://api.bctrl.ai", "in plain text"),
        ("--bctrl-fail-on=fatal", "BCTRL_API_KEY", KEY, "unknown level 'fatal' (choose one of: error, warning, info"),
    ],
)
def test_an_invalid_setting_is_one_line_without_the_key(
    pytester: pytest.Pytester, environment: pytest.MonkeyPatch, option: str, variable: str, value: str, message: str
) -> None:
    environment.setenv(variable, value)
    result = pytester.runpytest(*(["--bctrl-mock"] if "=" in option else []), option)
    (line,) = [line for line in result.errlines if line.strip()]
    assert (pytest.ExitCode.USAGE_ERROR, True) == (result.ret, line.startswith("ERROR: bctrl: "))
    assert message in line
    assert not {KEY, "two\nlines"} & {line, *line.split("'")}


@pytest.mark.parametrize(
    ("method", "message"),
    [
        # On a mock a path value is generated; for the API itself it must be configured.
        ("get", "required parameters have no value: id (add to bctrl_values: id = VALUE, or add examples"),
        ("post", "none has a safe method (use a document with a GET or HEAD or OPTIONS operation)"),
    ],
)
def test_a_contract_whose_operations_cannot_be_requested_is_an_error(method: str, message: str) -> None:
    """Its path parameter has no value, or its method is unsafe; the mock can do without the one, and gets the other."""
    spec = document()
    spec["paths"]["/v1/things/{id}"] = {method: spec["paths"]["/v1/things/{id}"]["get"]}
    run = ContractRun("live", from_document(spec, "x.json"), "", Secret(KEY), {}, "error", 20)

    with pytest.raises(
        SettingError, match=re.escape(f"x.json: the suite can test no operation of the contract: {message}")
    ):
        require_operations(run)
    require_operations(with_mock(run))


@pytest.mark.parametrize(
    ("path", "operation", "message"),
    [
        ("/things", {"responses": {}}, "the contract documents no successful response (document its 2XX response"),
        ("/things?all", {}, "its path has a query or a fragment, which is not part of a path (document the query as"),
        (
            "/things",
            {"requestBody": {"required": True, "content": {"application/json": {}}}},
            "its request requires a body that the suite does not send (use a document",
        ),
        (
            "/things",
            {"security": [{"key": [], "token": []}]},
            "its security is not a bearer token, a password or an API key (override the fixture bctrl_auth, or",
        ),
    ],
)
def test_the_hint_of_a_contract_that_cannot_be_tested_fits_the_reason(
    path: str, operation: dict[str, Any], message: str
) -> None:
    spec = document()
    get = {**spec["paths"].pop("/v1/things/{id}")["get"], "parameters": [], **operation}
    spec["paths"][path] = {"get": get}
    spec["components"]["securitySchemes"] = {
        "key": {"type": "apiKey", "in": "header", "name": "Authorization"},
        "token": {"type": "http", "scheme": "bearer"},
    }
    run = ContractRun("live", from_document(spec, "x.json"), "", Secret(KEY), {}, "error", 20)
    with pytest.raises(SettingError, match=re.escape(message)):
        require_operations(run)


def test_swapped_key_and_space_id_are_an_error_that_shows_neither(
    pytester: pytest.Pytester, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("BCTRL_API_KEY", "0b4e6b9c-2f5e-4b0a-9a0e-3a8f5f1d2c3b")
    environment.setenv("BCTRL_SPACE_ID", KEY)
    result = pytester.runpytest("--bctrl-live")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*the key is a UUID and the space id is none: they are probably swapped*"])
    assert KEY not in result.stderr.str()


def test_a_uuid_as_key_is_accepted_if_the_space_id_is_a_value(
    pytester: pytest.Pytester, environment: pytest.MonkeyPatch
) -> None:
    """If `bctrl_values` has the space id and `BCTRL_SPACE_ID` is not set; otherwise the error says to do so."""
    environment.setenv("BCTRL_API_KEY", "0b4e6b9c-2f5e-4b0a-9a0e-3a8f5f1d2c3b")
    environment.setenv("BCTRL_SPACE_ID", "team-7")
    settings = "-o", "bctrl_values=space_id = team-7"
    result = pytester.runpytest("--bctrl-live", "--collect-only", *settings)
    result.stderr.fnmatch_lines(["*if the id is right, remove the variable and set bctrl_values = space_id = ID*"])
    environment.delenv("BCTRL_SPACE_ID")
    assert pytest.ExitCode.OK == pytester.runpytest("--bctrl-live", "--collect-only", *settings).ret


def test_a_run_needs_only_the_key_and_the_ini_file(pytester: pytest.Pytester, environment: pytest.MonkeyPatch) -> None:
    """The key is in the environment; URL, space id and level in the ini file: the run passes."""
    with serve(named("plain")) as server:
        environment.setenv("BCTRL_API_KEY", server.api_key)
        environment.delenv("BCTRL_SPACE_ID")
        pytester.makeini(
            f"[pytest]\nbctrl_base_url = {server.url}\nbctrl_space_id = {server.space_id}\n"
            "bctrl_max_examples = 2\nbctrl_fail_on = info\n"
        )
        result = pytester.runpytest("--bctrl-live")

    assert result.ret == 0
    result.stdout.fnmatch_lines([f"bctrl: target {server.url}, *, fails on info"])


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("/{owner}/{repo}", "https://h.example/v1/api"),
        ("/{collection}/items", "https://h.example/shop/items"),
        ("/items", "https://h.example/shop/items"),
    ],
)
def test_a_base_url_that_ends_like_a_path_is_accepted(path: str, url: str) -> None:
    """`_require_base_url` accepts the contract's own server URL, though it ends like the path of an operation."""
    operations = from_document(
        {
            "openapi": "3.1.0",
            "info": {"title": "Any", "version": "1"},
            "servers": [{"url": url}],
            "paths": {path: {"get": {"responses": {"200": {"description": ""}}}}},
        },
        "any.json",
    )
    _require_base_url(url, operations, "BCTRL_BASE_URL")
