"""Finds the values of settings: the command line wins over the environment, then the configuration file."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from pytest_bctrl.errors import BctrlError, SettingError
from pytest_bctrl.settings.table import SECRETS, SETTINGS, Setting

if TYPE_CHECKING:
    import pytest


@contextmanager
def usage_errors() -> Iterator[None]:
    """Turn a `BctrlError` of the block into a `pytest.UsageError`, which ends pytest with exit code 4."""
    try:
        yield
    except BctrlError as error:
        import pytest

        raise pytest.UsageError(f"bctrl: {error}") from None


def overrides_of(fixture: str, config: pytest.Config) -> list[object]:
    """Return the `conftest.py` files and plugins that define a fixture of this kit again, so far as they are loaded.

    pytest loads those that the arguments of a run lie in, or else `conftest.py` of the rootdir and of its `test*`
    folders, before it collects tests.
    """
    defining = [plugin for plugin in config.pluginmanager.get_plugins() if hasattr(plugin, fixture)]
    return [plugin for plugin in defining if getattr(plugin, "__name__", "") not in FIXTURES]


FIXTURES = ("pytest_bctrl.integration.fixtures", "pytest_bctrl.recorded.fixtures")
"""The modules of the fixtures of this kit."""


class SettingSource(Protocol):
    """The options and ini values of a run; `pytest.Config` is one."""

    @property
    def inipath(self) -> Path | None:
        """The configuration file; None if there is none."""

    @property
    def rootpath(self) -> Path:
        """The folder of the project."""
        ...

    def getoption(self, name: str) -> object:
        """Return the value of a command-line option, None if it was not given."""

    def getini(self, name: str) -> object:
        """Return the value of an ini key, an empty string if it is not set."""


@dataclass(frozen=True, slots=True)
class SettingValue:
    """The value of a setting, and the option, variable or key that it comes from, for error messages."""

    value: str
    where: str
    is_ini: bool = False


def find_value(setting: Setting, source: SettingSource, environment: Mapping[str, str]) -> SettingValue | None:
    """Return the value of a setting: of the command line, else the environment, else the file; None if not set.

    An empty variable or ini value counts as not set; an empty option is a value, and most likely a wrong one.
    """
    option = source.getoption(setting.ini)
    if option is not None:
        return SettingValue(str(option), setting.option)
    for name in setting.environment:
        if environment.get(name):
            return SettingValue(environment[name], name)
    values = file_values(setting, source)
    return values[0] if values else None


class _FileType(NamedTuple):
    """The Python types that a configuration file may give a setting, how messages call them, and an example."""

    types: tuple[type, ...]
    name: str
    example: str


FILE_TYPES: Mapping[type, _FileType] = {
    str: _FileType((str,), "a string", '"…"'),
    int: _FileType((int, str), "a whole number", "20"),
    float: _FileType((float, int, str), "a number", "80"),
    bool: _FileType((bool, str), "true or false", "false"),
    list: _FileType((list,), "a list of strings", '["…"]'),
}
"""What a configuration file may give a setting, by the setting's native type."""


def file_values(setting: Setting, source: SettingSource) -> list[SettingValue]:
    """Return a setting's values in the configuration file as text, one unless it is a list; empty if it is not set.

    Raises `SettingError` for native TOML of a wrong type; the message of pytest would show the value.
    """
    raw = _raw_file_value(setting, source)
    if raw is None or raw == "":
        return []
    where = f"{setting.ini} ({_file_label(setting, source)})"
    expected = FILE_TYPES[setting.native]
    values = raw if isinstance(raw, list) else [raw]
    has_only_texts = not isinstance(raw, list) or all(isinstance(value, str) for value in raw)
    if type(raw) not in expected.types or not has_only_texts:
        # The message must not show a secret.
        shown = "its value" if setting is SECRETS else repr(raw)
        hint = f"write {setting.ini} = {expected.example}"
        raise SettingError(f"{shown} is not {expected.name}", where=where, hint=hint)
    return [SettingValue(_value_as_text(value), where, is_ini=True) for value in values]


def _raw_file_value(setting: Setting, source: SettingSource) -> object:
    """Return the value of a setting as pytest reads it from the file, also if pytest rejects its type."""
    import pytest

    try:
        return source.getini(setting.ini)
    except (TypeError, Warning, pytest.UsageError):
        # pytest accepts only the declared type, but 50 and "50%" are both valid and of different types.
        return _native_value(setting.ini, Path(str(source.inipath)))


def _native_value(name: str, path: Path) -> object:
    """Return the value of a key from the table that pytest reads in a TOML file of this path; the key must be set."""
    document = tomllib.loads(path.read_text("utf-8"))
    pytest_table = document.get("pytest", {})
    tool_table = document.get("tool", {}).get("pytest", {})
    if path.name in ("pytest.toml", ".pytest.toml"):
        tables = [pytest_table, tool_table]
    else:
        tables = [tool_table, tool_table.get("ini_options", {}), pytest_table]
    return next(table[name] for table in tables if name in table)


def _file_label(setting: Setting, source: SettingSource) -> str:
    """Return the name of the configuration file if it is TOML; `ini` otherwise, or if `--override-ini` sets it."""
    if source.inipath is None or not source.inipath.name.endswith(".toml"):
        return "ini"
    if f"{setting.ini}=" in str(_overrides(source)):
        return "ini"
    return source.inipath.name


def _overrides(source: SettingSource) -> object:
    """Return the values of `--override-ini`, as pytest holds them; None if there are none."""
    try:
        return source.getoption("override_ini")
    except ValueError:  # pragma: no cover - up to pytest 9.0
        # It is set only after plugins and the first conftest.py are loaded.
        return getattr(getattr(source, "known_args_namespace", None), "override_ini", None)


def _value_as_text(value: object) -> str:
    """Return a value of the file as text, a boolean in lower case."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def list_values(setting: Setting, source: SettingSource) -> list[SettingValue]:
    """Return the different values of a repeatable setting: of the command line if there are any, else of the file."""
    options = source.getoption(setting.ini)
    if isinstance(options, list) and options:
        return [SettingValue(str(value), setting.option) for value in dict.fromkeys(options)]
    return list(dict.fromkeys(file_values(setting, source)))


def require_types(source: SettingSource) -> None:
    """Raise `SettingError` if the configuration file gives a setting a value of a wrong type."""
    for setting in SETTINGS:
        file_values(setting, source)


_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))", re.ASCII)
"""A reference to an environment variable: `$NAME` or `${NAME}`."""


def variables_in(text: str) -> Iterator[str]:
    """Yield the names of the environment variables that a text refers to."""
    for match in _VARIABLE.finditer(text):
        yield match[1] or match[2]


def substitute_variables(text: str, where: str, environment: Mapping[str, str]) -> str:
    """Return a text with each `$VARIABLE` replaced by its value; raises `SettingError` if one is not set or empty."""
    for name in variables_in(text):
        if not environment.get(name):
            raise SettingError(f"the variable {name} is not set", where=where, hint=f"export {name}=…")
    return _VARIABLE.sub(lambda match: environment[match[1] or match[2]], text)


def quote_for_shell(field: str) -> str:
    """Return a header field quoted for a shell, which expands each `$VARIABLE` and nothing else."""
    return _VARIABLE.sub(r"""'"\g<0>"'""", shlex.quote(field)).removesuffix("''")


def is_placeholder(text: str) -> bool:
    """Return whether a text contains `…` or `...`, or is in angle brackets, like a placeholder in documentation."""
    return "…" in text or "..." in text or (text.startswith("<") and text.endswith(">"))
