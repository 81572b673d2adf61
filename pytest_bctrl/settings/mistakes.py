"""Names the mistakes in a configuration file and on the command line that pytest itself does not explain."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Sequence
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_bctrl.errors import SettingError
from pytest_bctrl.secrets.secret import KEY_VARIABLE
from pytest_bctrl.settings.table import CONTRACT, SETTINGS

if TYPE_CHECKING:
    import pytest

_KEY = "bctrl_api_key"
_RUNS = "--bctrl-mock or --bctrl-live"


def require_known_names(config: pytest.Config, names: Iterable[str]) -> None:
    """Raise `SettingError` for the first of `names`, keys `bctrl…` of the configuration file, that no plugin declares.

    pytest only warns about it, after the run.
    """
    file = config.inipath.name if config.inipath is not None else "ini"
    for name in names:
        if _is_declared(config, name):
            continue
        if name == _KEY:
            # The value is not shown.
            hint = f"remove it from the file, which others can read, and export {KEY_VARIABLE}=…"
            raise SettingError("the key is not read from a file", where=f"{name} ({file})", hint=hint)
        raise SettingError("unknown setting", where=f"{name} ({file})", hint="pytest --help lists the settings")


def require_pytest_table(config: pytest.Config) -> None:
    """Raise `SettingError` if `pyproject.toml` has a table `[tool.pytest-bctrl]`, or settings in `[tool.bctrl]`.

    Nothing reads these tables. A table `[tool.bctrl]` without such a setting belongs to another tool.
    """
    tools = tomllib.loads(Path(str(config.inipath)).read_text("utf-8")).get("tool", {})
    for name in ("bctrl", "pytest-bctrl", "pytest_bctrl"):
        if name in tools and (name != "bctrl" or _has_setting(tools[name])):
            hint = "write the settings in [tool.pytest.ini_options], each with its whole name, such as bctrl_fail_on"
            raise SettingError("nothing reads this table", where=f"[tool.{name}] (pyproject.toml)", hint=hint)


def _has_setting(table: object) -> bool:
    """Return whether a table has a key that is the name of a setting, with or without its prefix."""
    if not isinstance(table, dict):
        return False
    names = {setting.ini.removeprefix("bctrl_") for setting in SETTINGS}
    return not names.isdisjoint(str(key).replace("-", "_").removeprefix("bctrl_") for key in table)


def require_known_options(parser: pytest.Parser, arguments: Sequence[str]) -> None:
    """Raise `SettingError` for the first option `--bctrl…` that does not exist; the message does not show its value.

    pytest would print its usage instead.
    `parser` must have the options of each `conftest.py`, some of which may have the same prefix.
    """
    options, unknown = parser.parse_known_and_unknown_args([*takewhile("--".__ne__, arguments)])
    # Python takes an unknown option whose value has a space for the path of a test.
    for argument in (*unknown, *options.file_or_dir):
        option = argument.partition("=")[0]
        if option.startswith("--bctrl"):
            problem, hint = _unknown_option(option)
            raise SettingError(problem, where=option, hint=hint)


_FLAGS = ("--bctrl-live", "--bctrl-mock", "--bctrl-watch", "--bctrl-coverage")


_OPTION = re.compile(r"-(?!\d*\.?\d+$)\S+")
"""What argparse takes for an option: neither `-`, nor a negative number, nor a text with spaces."""


def require_values(arguments: Sequence[str]) -> None:
    """Raise `SettingError` for an option of this plugin that lacks its value, or a flag of it that has one.

    `arguments` are those of the command line. A second `--bctrl-contract` is an error too: it would replace the first.
    """
    names = [argument.partition("=")[0] for argument in takewhile("--".__ne__, arguments)]
    if names.count(CONTRACT.option) > 1:
        raise SettingError("it is given twice", where=CONTRACT.option, hint="run pytest once per contract")
    metavars = {setting.option: setting.metavar for setting in SETTINGS if setting.metavar}
    metavars |= {"--bctrl-accept": "REASON", "--bctrl-until": "DATE"}
    for argument, following in zip(arguments, [*arguments[1:], "--"], strict=True):
        option, equals, _ = argument.partition("=")
        if argument == "--":
            return
        if option in _FLAGS and equals:
            hint = f"write {option}"
            if option == "--bctrl-coverage":
                hint += "; --bctrl-min-coverage=PERCENT sets a minimum"
            raise SettingError("it takes no value", where=option, hint=hint)
        if argument in metavars and _OPTION.fullmatch(following):
            raise SettingError("it has no value", where=argument, hint=f"write {argument}={metavars[argument]}")


def _unknown_option(option: str) -> tuple[str, str]:
    """Return what is wrong with an option that does not exist, and the hint: what to write instead."""
    name = option.removeprefix("--").replace("-", "_")
    if name in (_KEY, "bctrl_key", "bctrl_token", "bctrl_password"):
        return "the key is not taken from a command line, which others can read", f"export {KEY_VARIABLE}=…"
    in_file = [setting.ini for setting in SETTINGS if not setting.metavar]
    if name in in_file:
        return "it is a setting of the configuration file", f"write {name} = … there, or give -o {name}=…"
    return "unknown option", "pytest --help lists the options"


def _is_declared(config: pytest.Config, name: str) -> bool:
    """Return whether a plugin declares a setting of this name."""
    import pytest

    try:
        config.getini(name)
    except ValueError:
        return False
    except (TypeError, Warning, pytest.UsageError):
        # The type of the value is wrong; reading the setting reports it.
        return True
    return True


def require_run(config: pytest.Config) -> None:
    """Raise `SettingError` for what needs a contract run: the argument `bctrl`, if it is not a path; `--bctrl-accept`.

    It is called if there is no contract run, which alone has such tests and findings.
    """
    for argument in config.args:
        path = argument.partition("::")[0]
        if path == "bctrl" and not Path(config.invocation_params.dir, path).exists():
            problem = "it names the contract suite, which is not part of this run"
            raise SettingError(problem, where=argument, hint=f"give {_RUNS}, too")
    if config.option.bctrl_accept is not None:
        raise SettingError(
            "there is no contract run whose findings to accept", where="--bctrl-accept", hint=f"give {_RUNS}, too"
        )
