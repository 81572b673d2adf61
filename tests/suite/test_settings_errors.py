"""A wrong or missing setting ends the run with exit code 4 and one line that names it and the hint."""

from __future__ import annotations

import pytest

from pytest_bctrl.contract.files import packaged
from tests.variants import named, serve

KEY = "pk_settings_test_0123456789"
SPACE = "0b4e6b9c-2f5e-4b0a-9a0e-3a8f5f1d2c3b"


def usage_error(result: pytest.RunResult) -> str:
    """The one line of an exit with code 4."""
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (line,) = [line for line in result.errlines if line.strip()]
    assert "Traceback" not in line
    assert KEY not in line
    return line


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A key and a space, and nothing else of ours."""
    for name in ("BCTRL_BASE_URL", "BCTRL_API_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("BCTRL_API_KEY", KEY)
    monkeypatch.setenv("BCTRL_SPACE_ID", SPACE)
    return monkeypatch


@pytest.mark.parametrize(
    ("variable", "value", "problem"),
    [
        ("BCTRL_API_KEY", "", "no API key"),
        ("BCTRL_API_KEY", "two words", "white space, a line end"),
        ("BCTRL_API_KEY", "line\nend", "white space, a line end"),
        ("BCTRL_SPACE_ID", "", "no space id"),
        ("BCTRL_BASE_URL", "http://api.bctrl.ai", "in plain text"),
    ],
)
def test_what_a_live_run_lacks_or_cannot_use_is_named_and_no_key_shown(
    pytester: pytest.Pytester, environment: pytest.MonkeyPatch, variable: str, value: str, problem: str
) -> None:
    environment.setenv(variable, value)

    line = usage_error(pytester.runpytest("--bctrl-live"))
    assert line.startswith("ERROR: bctrl: ")
    assert variable in line
    assert problem in line
    assert "KEY" not in variable or not value or value not in line


@pytest.mark.parametrize(
    ("option", "hint"),
    [
        ("--bctrl-fail-on=fatal", "error, warning, info, never"),
        ("--bctrl-max-examples=none", "1 to 10000"),
        ("--bctrl-max-examples=0", "1 to 10000"),
        ("--bctrl-contract=nowhere.json", "OpenAPI 3.0 or 3.1"),
        ("--bctrl-live", "give one of them"),
    ],
)
def test_a_wrong_value(pytester: pytest.Pytester, environment: pytest.MonkeyPatch, option: str, hint: str) -> None:
    line = usage_error(pytester.runpytest("--bctrl-mock", option))
    assert option.partition("=")[2] in line
    assert hint in line


def test_the_command_line_wins_over_the_environment_and_that_over_the_ini(
    pytester: pytest.Pytester, environment: pytest.MonkeyPatch
) -> None:
    nowhere = "http://127.0.0.1:9"
    with serve(named("plain")) as server:
        environment.setenv("BCTRL_API_KEY", server.api_key)
        environment.setenv("BCTRL_SPACE_ID", server.space_id)
        pytester.makeini(f"[pytest]\nbctrl_base_url = {nowhere}\nbctrl_space_id = ini\n")
        environment.setenv("BCTRL_BASE_URL", f"{server.url}/v1/")
        by_environment = pytester.runpytest("--bctrl-live", "-k", "test_answer_conforms")
        environment.setenv("BCTRL_BASE_URL", nowhere)
        by_option = pytester.runpytest("--bctrl-live", "-k", "test_answer_conforms", f"--bctrl-base-url={server.url}")

    assert [by_environment.ret, by_option.ret] == [0, 0]


def test_the_ini_file_is_enough_beside_the_key(pytester: pytest.Pytester, environment: pytest.MonkeyPatch) -> None:
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


def test_a_contract_that_leaves_nothing_to_ask_is_no_green_run(pytester: pytest.Pytester) -> None:
    """The published document alone does not say where the space id comes from."""
    line = usage_error(pytester.runpytest("--bctrl-mock", f"--bctrl-contract={packaged().spec}"))
    assert "no operation of the contract can be asked; required parameters have no value: id" in line
