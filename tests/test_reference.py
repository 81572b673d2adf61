"""Every option, ini key, variable, fixture, marker and argument: shown with its words, in the reference, and used."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_bctrl import cli
from pytest_bctrl.settings import lookup, table
from tests import python_page
from tests.reference_page import (
    CHECKS,
    PAGE,
    arguments,
    checks_page,
    declared,
    environment,
    fixtures,
    markers,
    reference_page,
)

ROOT = Path(__file__).parents[1]
NOT_A_USE = {"reference_page.py", "test_reference.py", PAGE.name, python_page.PAGE.name}
USES = "\n".join(
    path.read_text("utf-8")
    for folder in ("docs", "examples", "tests")
    for path in sorted((ROOT / folder).rglob("*"))
    if path.suffix in {".py", ".ini", ".md"} and path.name not in NOT_A_USE
)
RESOLVED = [
    setting
    for setting in table.SETTINGS
    if setting.metavar and setting.option in declared().options and setting.native is not list
]


WRITTEN = [(PAGE, reference_page), (CHECKS, checks_page), (python_page.PAGE, python_page.python_page)]


@pytest.mark.parametrize(("page", "text"), WRITTEN)
def test_a_generated_page_is_up_to_date(page: Path, text: Callable[[], str]) -> None:
    """Regenerate it with `python -m tests.reference_page` or `tests.python_page`."""
    assert page.read_text("utf-8") == text()


def test_help_describes_every_option_and_ini_key(pytester: pytest.Pytester) -> None:
    text = " ".join(pytester.runpytest("--help", "--color=no").stdout.str().split())
    options = declared()

    assert len(options.options) > 10
    expected = [
        f"{option}={attributes['metavar']}" if "nargs" not in attributes else f"{option}=[{attributes['metavar']}]"
        for option, attributes in options.options.items()
        if "metavar" in attributes
    ]
    expected += [
        f"{option} {attributes['help']}"
        for option, attributes in options.options.items()
        if "metavar" not in attributes
    ]
    expected += [attributes["help"] for attributes in options.options.values()]
    expected += [words for ini, words in options.ini.items()]
    assert [] == [words for words in expected if words not in text]
    assert [] == [ini for ini in options.ini if not re.search(rf"{ini} \((string|linelist)\): ", text)]


def test_every_fixture_has_a_description() -> None:
    folder = ROOT / "pytest_bctrl"
    source = "".join(path.read_text("utf-8") for path in sorted(folder.glob("*/fixtures.py")))
    defined = re.findall(r"^@pytest\.fixture.*\ndef (\w+)\(", source, re.MULTILINE)

    assert sorted(defined) == sorted(fixtures())
    assert [] == [name for name, (_, words) in fixtures().items() if len(words) < 20]


def test_every_option_ini_key_variable_fixture_and_mark_is_used() -> None:
    """The documentation, the examples or the tests contain each of them."""
    looks = {
        **{name: rf"{name}\b(?!-)" for name in declared().options},
        **{name: rf"(?:\\n|\b){name} *=" for name in declared().ini},
        **{name: rf"\b{name}\b" for names in environment().values() for name in names},
        **{f"fixture {name}": rf"def test\w+\([^)]*\b{name}\b" for name in fixtures()},
        **{f"mark {name}": rf"pytest\.mark\.{name.partition('(')[0]}\b" for name in markers()},
    }
    assert [] == [name for name, look in looks.items() if not re.search(look, USES)]


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_every_command_and_option_is_used(command: str) -> None:
    """The documentation, the examples or the tests contain the command and each of its options."""
    assert re.search(rf"\"{command}\"", USES)
    options = [action.option_strings[-1] for action in arguments(command) if action.option_strings]
    assert [] == [option for option in options if option not in USES]


@pytest.mark.parametrize("setting", RESOLVED, ids=lambda setting: setting.ini)
def test_an_option_takes_precedence_over_a_variable_and_that_over_the_ini_file(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, setting: table.Setting
) -> None:
    """By pytest's own configuration, as the reference documents."""
    pytester.makeini(f"[pytest]\n{setting.ini} = from the ini file\n")
    variables = {name: f"from {name}" for name in setting.environment}
    config = pytester.parseconfig("--bctrl-fail-on=error")
    config_with_option = pytester.parseconfig(f"{setting.option}=from the command line")

    assert "from the command line" == setting_value(config_with_option, setting, variables)
    for name in setting.environment:
        assert f"from {name}" == setting_value(config, setting, variables)
        del variables[name]
    if setting != table.FAIL_ON_LEVEL:
        assert "from the ini file" == setting_value(config, setting, variables)


def setting_value(config: pytest.Config, setting: table.Setting, variables: dict[str, str]) -> str:
    """Return the value of a setting, which must be set."""
    resolved = lookup.find_value(setting, config, variables)
    assert resolved is not None
    return resolved.value
