"""Every setting is read from the command line, else the environment, else the configuration file, else a default."""

from __future__ import annotations

import tomllib
import traceback
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_bctrl.contract.read import load
from pytest_bctrl.errors import SettingError
from pytest_bctrl.secrets.redaction import MASK, Redaction
from pytest_bctrl.secrets.secret import Secret
from pytest_bctrl.settings import lookup, secret_settings, table
from pytest_bctrl.settings import resolve as settings
from pytest_bctrl.suite.run import ContractRun, with_live_target
from pytest_bctrl.traffic.origin import connection, values
from tests.error_makers import Given
from tests.reference_page import declared

NAME = "bctrl_base_url"


@pytest.mark.parametrize(
    ("options", "environment", "ini", "expected"),
    [
        ({NAME: "o"}, {"BCTRL_BASE_URL": "e"}, {NAME: "i"}, ("o", "--bctrl-base-url")),
        ({}, {"BCTRL_BASE_URL": "e", "BCTRL_API_BASE_URL": "f"}, {NAME: "i"}, ("e", "BCTRL_BASE_URL")),
        ({}, {"BCTRL_API_BASE_URL": "f"}, {NAME: "i"}, ("f", "BCTRL_API_BASE_URL")),
        ({}, {"BCTRL_BASE_URL": "", "BCTRL_API_BASE_URL": "f"}, {}, ("f", "BCTRL_API_BASE_URL")),
        ({}, {"BCTRL_BASE_URL": ""}, {NAME: "i"}, ("i", "bctrl_base_url (ini)")),
        ({NAME: ""}, {"BCTRL_BASE_URL": "e"}, {}, ("", "--bctrl-base-url")),
    ],
)
def test_sources_of_a_setting_have_an_order_of_precedence(
    options: Any, environment: Any, ini: Any, expected: Any
) -> None:
    setting = lookup.find_value(table.BASE_URL, Given(ini, **options), environment)
    assert setting is not None
    assert expected == (setting.value, setting.where)


def test_a_setting_that_is_not_given_is_none() -> None:
    assert lookup.find_value(table.BASE_URL, Given(), {}) is None


Read = Callable[[Any], object]


def _base_url(config: Any, first: str = "https://first") -> str:
    """Return the base URL of a live run whose contract has this first server."""
    run = ContractRun("live", replace(load(), servers=(first,)))
    return with_live_target(run, config, {"BCTRL_API_KEY": "a-key", "BCTRL_SPACE_ID": "s"}).base_url


def _fail_on(config: Any) -> str:
    """Return the failing level, without an environment."""
    return settings.fail_on(config, {})


def _max_examples(config: Any) -> int:
    """Return the maximum of examples, without an environment."""
    return settings.max_examples(config, {})


def _space_id(config: Any) -> str:
    """Return the space id, with an empty variable in the environment."""
    return settings.space_id(config, {"BCTRL_SPACE_ID": ""})


@pytest.mark.parametrize(
    ("read", "options", "expected"),
    [
        (settings.target, {}, None),
        (settings.target, {"bctrl_live": True}, "live"),
        (settings.target, {"bctrl_mock": True}, "mock"),
        (settings.target, {"bctrl_live": False}, None),
        (_fail_on, {}, "error"),
        *((_fail_on, {"bctrl_fail_on": level}, level) for level in ("error", "warning", "info", "never")),
        *((_max_examples, {"bctrl_max_examples": text}, int(text)) for text in ("1", "10000", " 7 ", "007")),
        (_base_url, {NAME: "https://u"}, "https://u"),
        (_base_url, {}, "https://first"),
        *((_space_id, {"bctrl_space_id": space}, space) for space in (str(UUID(int=7)), "ü", "a/b")),
    ],
)
def test_a_setting_is_read_from_its_option_or_has_its_default(
    read: Read, options: dict[str, Any], expected: object
) -> None:
    assert expected == read(Given(**options))


@pytest.mark.parametrize(
    ("read", "name", "values", "message"),
    [
        (
            _fail_on,
            "bctrl_fail_on",
            ["", "ERROR", "errors", "warn", " error"],
            "--bctrl-fail-on: unknown level .*choose one of: error, warning, info, never",
        ),
        (
            _max_examples,
            "bctrl_max_examples",
            ["", "0", "-1", "10001", "1.5", "1e3", "many", "\u0663", "9" * 5_000, "1_0"],
            "give 1 to 10000",
        ),
        (
            _space_id,
            "bctrl_space_id",
            ["my space", "https://h/a", "", " ", " a", "a\n", "a\x1b", ".", "..", "\udcff"],
            "is not a space id",
        ),
        (_space_id, "bctrl_space_id", [None], "BCTRL_SPACE_ID: no space id is set"),
        (_base_url, NAME, ["u", ""], "--bctrl-base-url: '.*' is not an"),
        (
            lambda c: _base_url(c, "nowhere"),
            NAME,
            [None],
            "bctrl_base_url is not set: the contract's first server: 'nowhere' is",
        ),
        (
            lambda c: settings.reports_to_github(c, {}),
            "bctrl_github",
            ["on", ""],
            "choose one of: auto, off, true, false",
        ),
    ],
    ids=["level", "number", "space", "no space", "address", "first server", "annotations"],
)
def test_an_invalid_value_is_an_error(read: Read, name: str, values: list[Any], message: str) -> None:
    for value in values:
        with pytest.raises(SettingError, match=message):
            read(Given(**{name: value}))


def test_the_key_comes_from_the_environment() -> None:
    """Without `BCTRL_API_KEY`, or if it is empty, there is none."""
    assert "abc" == secret_settings.api_key({"BCTRL_API_KEY": "abc"}).reveal()
    for environment in ({}, {"BCTRL_API_KEY": ""}):
        assert not secret_settings.api_key(environment)


@given(st.sampled_from([" ", "\n", "\r", "\t", "\x00", "é", "\udcff", "\u2028"]), st.booleans())
def test_an_invalid_key_is_an_error_that_does_not_show_it(odd: str, first: bool) -> None:
    environment = {"BCTRL_API_KEY": odd + "s3cret-value" if first else "s3cret-value" + odd}
    assert "s3cret-value" not in error_and_local_variables(environment)


def error_and_local_variables(environment: Mapping[str, str]) -> str:
    """Return the error for the key of an environment, and the local variables of the package in its traceback."""
    with pytest.raises(SettingError) as caught:
        secret_settings.api_key(environment)
    exception = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    frames = [frame for frame in exception.stack if frame.filename == secret_settings.__file__]
    assert frames
    values = [value for frame in frames for name, value in (frame.locals or {}).items() if name != "environment"]
    return f"{caught.value} {values}"


def _redacted(config: pytest.Config) -> str:
    """Return the text `hunter22` after the redaction of the configured secrets."""
    redaction = Redaction()
    secret_settings.add_secrets(redaction, config, {})
    return redaction.value("hunter22")


def _list_values(setting: table.Setting, config: pytest.Config) -> list[str]:
    """Return the values of a repeatable setting as text."""
    return [item.value for item in lookup.list_values(setting, config)]


def _contract(config: pytest.Config) -> str:
    """Return the configured contract, which must be set."""
    chosen = settings.contract_setting(config)
    assert chosen is not None
    return chosen.value


def _credentials(config: pytest.Config) -> dict[str, Secret]:
    """Return the values of `bctrl_credentials`, for an environment in which B is b."""
    return {name: value.secret for name, value in secret_settings.scheme_values(config, {"B": "b"}).items()}


IN_A_FILE: Mapping[str, tuple[str, str, Read, object]] = {
    # by name: in an ini file, in native TOML, the function that reads it, the result
    "bctrl_base_url": ("https://h", '"https://h"', _base_url, "https://h"),
    "bctrl_space_id": ("mine", '"mine"', lambda c: settings.space_id(c, {}), "mine"),
    "bctrl_contract": ("mine.json", '"mine.json"', _contract, "mine.json"),
    "bctrl_fail_on": ("info", '"info"', lambda c: settings.fail_on(c, {}), "info"),
    "bctrl_upstream": ("https://h", '"https://h"', lambda c: settings.upstream(c, {}), "https://h"),
    "bctrl_baseline": ("a.yaml", '"a.yaml"', lambda c: lookup.file_values(table.BASELINE, c)[0].value, "a.yaml"),
    "bctrl_min_coverage": ("0", "0", lambda c: settings.percentage(table.MIN_COVERAGE, c), 0.0),
    "bctrl_impact_min": ("50", "50", lambda c: settings.percentage(table.IMPACT_MIN, c), 50.0),
    "bctrl_impact_budget": ("2m", '"2m"', lambda c: settings.impact_budget(c, {}), 120.0),
    "bctrl_impact_skip": ("a.py", '["a.py"]', lambda c: lookup.file_values(table.IMPACT_SKIP, c)[0].value, "a.py"),
    "bctrl_record_mode": ("once", '"once"', lambda c: settings.record_mode(c, {}), "once"),
    "bctrl_recordings": ("kept", '"kept"', lambda c: lookup.file_values(table.RECORDINGS, c)[0].value, "kept"),
    "bctrl_github": ("off", "false", lambda c: settings.reports_to_github(c, {"GITHUB_ACTIONS": "true"}), False),
    "bctrl_max_examples": ("5", "5", lambda c: settings.max_examples(c, {}), 5),
    "bctrl_levels": ("a = off", '["a = off"]', lambda c: settings.levels(c).off[0].name, "a"),
    "bctrl_report": ("a.json", '["a.json"]', lambda c: _list_values(table.REPORT, c), ["a.json"]),
    "bctrl_secrets": ("hunter22", '["hunter22"]', _redacted, MASK),
    "bctrl_headers": ("A: b", '["A: b"]', lambda c: _list_values(table.HEADERS, c), ["A: b"]),
    "bctrl_key_prefix": ("Token", '"Token"', settings.key_prefix, "Token "),
    "bctrl_security": ("a", '["a"]', settings.preferred_schemes, ("a",)),
    "bctrl_credentials": ("a = $B", '["a = $B"]', lambda c: _credentials(c)["a"].reveal(), "b"),
    "bctrl_values": ("a = b", '["a = b"]', lambda c: values(c, {}), {"a": "b"}),
    "bctrl_rate": ("30/m", '"30/m"', lambda c: connection(c, {}).pace.seconds, 2.0),
    "bctrl_client_cert": ("a.pem", '"a.pem"', lambda c: connection(c, {}).certificate, "a.pem"),
    "bctrl_optional": ("listX", '["listX"]', lambda c: lookup.file_values(table.OPTIONAL, c)[0].value, "listX"),
    "bctrl_http_hosts": ("h", '["h"]', lambda c: connection(c, {}).http_hosts, frozenset({"h"})),
    "bctrl_probes": ("contract", '"contract"', settings.probes, "contract"),
    "bctrl_watch": ("true", "true", lambda c: settings.is_watching(c, {}), True),
    "bctrl_watch_hosts": ("h:80", '["h:80"]', settings.watch_hosts, ["h:80"]),
    "bctrl_scrub": ("ids", '"ids"', lambda c: settings.scrubs_ids(c), True),
}
FILES = {
    "pytest.ini": "[pytest]\n{name} = {ini}\n",
    "pytest.toml": "[pytest]\n{name} = {toml}\n",
    "setup.cfg": "[tool:pytest]\n{name} = {ini}\n",
    ".pytest.toml": "[pytest]\n{name} = {toml}\n[tool.pytest]\n{name} = 1979-05-27\n",
    "pyproject.toml": "[tool.pytest]\n{name} = {toml}\n[pytest]\n{name} = 1979-05-27\n",
}


def config_with(pytester: pytest.Pytester, file: str, text: str, *arguments: str) -> pytest.Config:
    """Return the configuration of a run with this configuration file and these arguments."""
    (pytester.path / file).write_text(text, "utf-8")
    return pytester.parseconfig(*arguments)


@pytest.mark.parametrize(
    ("name", "file"),
    [
        *((name, file) for name in declared().ini for file in ("pytest.ini", "pytest.toml")),
        *(("bctrl_max_examples", file) for file in FILES if not file.startswith("pytest.")),
    ],
)
def test_a_setting_is_read_from_every_configuration_file_of_pytest(
    pytester: pytest.Pytester, name: str, file: str
) -> None:
    ini, toml, read, expected = IN_A_FILE[name]
    assert expected == read(config_with(pytester, file, FILES[file].format(name=name, ini=ini, toml=toml)))


@pytest.mark.parametrize("name", declared().ini)
def test_a_toml_value_of_the_wrong_type_is_an_error(pytester: pytest.Pytester, name: str) -> None:
    """The line has the setting, its file, the value and an example; values of `bctrl_secrets` are not shown."""
    (setting,) = (setting for setting in table.SETTINGS if setting.ini == name)
    right, _, example = lookup.FILE_TYPES[setting.native]
    values = {"5": int, "5.5": float, "true": bool, '"hunter22"': str, '["a", 5]': None, "{a = 5}": dict}
    for toml in (toml for toml, kind in values.items() if kind not in right):
        (pytester.path / "pytest.toml").write_text(f"[pytest]\n{name} = {toml}\n")
        shown = "its value" if name == "bctrl_secrets" else repr(tomllib.loads(f"a = {toml}")["a"])
        with pytest.raises(pytest.UsageError) as caught:
            pytester.parseconfigure()
        start, end = f"bctrl: {name} (pytest.toml): {shown} is not ", f" (write {name} = {example})"
        assert (start, end) == (str(caught.value)[: len(start)], str(caught.value)[-len(end) :])


@pytest.mark.parametrize(
    ("file", "text", "override", "message"),
    [
        ("pytest.toml", '[pytest]\nbctrl_fail_on = "fatal"', [], "bctrl_fail_on (pytest.toml): unknown level 'fatal'"),
        ("pytest.toml", "", ["-o", "bctrl_fail_on=fatal"], "bctrl_fail_on (ini): unknown level 'fatal'"),
        (
            "pyproject.toml",
            "[tool.pytest.ini_options]\nbctrl_fail_on = [5]",
            [],
            "bctrl_fail_on (pyproject.toml): [5] is not a string",
        ),
    ],
)
def test_the_error_for_an_invalid_value_names_its_source(
    pytester: pytest.Pytester, file: str, text: str, override: list[str], message: str
) -> None:
    config = config_with(pytester, file, text, *override)
    with pytest.raises(SettingError) as caught:
        settings.fail_on(config, {})
    assert str(caught.value).startswith(message)
