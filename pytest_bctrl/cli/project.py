"""The project of the working directory as pytest sees it: its settings and its contract in force."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pytest_bctrl.baseline.baseline_file import FILE
from pytest_bctrl.contract.files import shown_path
from pytest_bctrl.contract.in_force import (
    FOLDER,
    PUBLISHED,
    ContractInForce,
    contract_in_force,
    contract_of_config,
    project_files,
    with_security_settings,
)
from pytest_bctrl.errors import SettingError

if TYPE_CHECKING:
    import argparse

    import pytest

    from pytest_bctrl.contract.files import ContractFiles
    from pytest_bctrl.contract.model import Contract

INI_FILES = ("pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg")
"""The files in which pytest looks for settings, in the working directory and in every folder above."""

_PROJECT_FILES = (*INI_FILES, "setup.py")
_ROOTDIR_FILES = INI_FILES[:4]
"""The configuration files that only pytest uses: even an empty one makes its folder the rootdir."""

_Value = TypeVar("_Value")


def add_contract_argument(parser: argparse.ArgumentParser, what: str = "an OpenAPI document") -> None:
    """Declare `--contract`; `what` describes its value in the help."""
    text = f"{what}, or published: the vendored spec without the overlay (default: bctrl_contract, else contracts/, "
    parser.add_argument("--contract", metavar="PATH", help=f"{text}else the packaged one)")


def load_contract(name: str | None, option: str = "--contract") -> Contract:
    """Return the loaded contract with a path or name; None is the one in force. Raises `BctrlError`."""
    return chosen_contract(name, option).load()


def own_files() -> ContractFiles | None:
    """Return the contract files in the project's `contracts/`, even if incomplete; None without that folder."""
    return project_files(project_root())


def project_root() -> Path:
    """Return pytest's rootdir if the location of `contracts/` depends on it; else the working directory."""
    return _read_if_relevant((), FOLDER, lambda config: config.rootpath) or Path.cwd()


def chosen_contract(name: str | None, option: str = "--contract") -> ContractInForce:
    """Return the contract with a path or name; None is the one in force. Raises `BctrlError`."""
    folder = Path.cwd()
    if name is not None:
        root = project_root() if name == PUBLISHED else folder
        contract = contract_in_force(name, root, option)
        return _read_if_relevant(_SECURITY, "", partial(with_security_settings, contract)) or contract
    names = ("bctrl_contract", *_SECURITY)
    return _read_if_relevant(names, FOLDER, contract_of_config) or contract_in_force(None, folder)


_SECURITY = ("bctrl_key_prefix", "bctrl_security")
"""The settings of the security of a contract."""


def baseline_path(option: str | None, *, is_written: bool) -> Path:
    """Return the path of the baseline: of `--baseline`, else of `bctrl_baseline`, else the default one.

    Raises `SettingError` if a file that is named does not exist and `is_written` is false.
    """
    if option is None:
        path = project_setting("bctrl_baseline", partial(_configured_baseline, is_written=is_written))
        return path or Path(FILE)
    path = Path(option)
    _require_file(path, "--baseline", is_written)
    return path


def _configured_baseline(config: pytest.Config, is_written: bool) -> Path | None:
    """Return the path of the baseline that the configuration names; None if it names none."""
    from pytest_bctrl.settings import lookup, table

    setting = lookup.find_value(table.BASELINE, config, os.environ)
    if setting is None:
        return None
    path = config.rootpath / setting.value
    _require_file(path, setting.where, is_written)
    return Path(shown_path(path))


def _require_file(path: Path, where: str, is_written: bool) -> None:
    """Raise `SettingError` if a baseline does not exist, unless the command writes it."""
    if not is_written and not path.is_file():
        raise SettingError(f"{str(path)!r} is not a file", where=where, hint="--accept REASON writes one")


def project_setting(name: str, read: Callable[[pytest.Config], _Value]) -> _Value | None:
    """Return the result of `read` for pytest's configuration; None if no file nor `PYTEST_ADDOPTS` contains `name`."""
    return _read_if_relevant((name,), "", read)


def _read_if_relevant(names: Sequence[str], folder: str, read: Callable[[pytest.Config], _Value]) -> _Value | None:
    """Return the result of `read` for pytest's configuration; None, without starting pytest, if it cannot matter.

    It may matter if a configuration file or `PYTEST_ADDOPTS` contains one of the names, or if `folder` exists here or
    in a parent and this folder may not be pytest's rootdir. Starting pytest takes a third of a second and runs the
    `conftest.py` of the project.
    """
    working_directory = Path.cwd()
    parents = (working_directory, *working_directory.parents)
    files = [path for parent in parents for path in map(parent.joinpath, INI_FILES) if path.is_file()]
    options = os.environ.get("PYTEST_ADDOPTS", "").encode()
    texts = [*(path.read_bytes() for path in files), options]
    words = [name.encode() for name in names] + [name.replace("_", "-").encode() for name in names]
    is_set = any(word in text for text in texts for word in words)
    has_folder = bool(folder) and any((parent / folder).is_dir() for parent in parents)
    is_root = not any(b"rootdir" in text for text in texts) and _is_root(working_directory)
    if is_set or (has_folder and not is_root):
        return read(read_config())
    return None


def _is_root(folder: Path) -> bool:
    """Return whether a folder is certainly pytest's rootdir, without starting pytest."""
    if any((folder / name).is_file() for name in _ROOTDIR_FILES):
        return True
    toml = folder / "pyproject.toml"
    if toml.is_file() and b"[tool.pytest" in toml.read_bytes():
        return True
    return not any((parent / name).is_file() for parent in (folder, *folder.parents) for name in _PROJECT_FILES)


# This process has already imported the plugin. pytest warns about it, an error in projects that raise on warnings.
_QUIET = ("-W", "ignore::pytest.PytestAssertRewriteWarning")


def read_config(arguments: Sequence[str] = ()) -> pytest.Config:
    """Return pytest's configuration for the working directory and `arguments`, as pytest itself reads it.

    Raises `SettingError` if pytest cannot read it or does not load this plugin, or if a setting has a wrong type.
    """
    import pytest

    from pytest_bctrl.settings import lookup

    class ConfigurationReader:
        """Stores the configuration and ends the run before collection."""

        config: pytest.Config | None = None

        @pytest.hookimpl(tryfirst=True)
        def pytest_cmdline_main(self, config: pytest.Config) -> int:
            """Store the configuration, and end the run by returning a value."""
            self.config = config
            return 0

    reader, output = ConfigurationReader(), io.StringIO()
    with redirect_stdout(output), redirect_stderr(output):
        code = pytest.main([*arguments, "-p", "no:cacheprovider", *_QUIET], plugins=[reader])
    if reader.config is None:
        lines = [line for line in output.getvalue().splitlines() if line.strip()]
        problem = " ".join(line.strip() for line in lines if "rror" in line)
        problem = problem or f"pytest ends with exit code {int(code)}"
        raise SettingError(
            problem[:400],
            where="pytest's configuration",
            hint="run pytest --version -v",
        )
    try:
        lookup.require_types(reader.config)
    except (KeyError, ValueError):
        raise SettingError(
            "pytest does not load the plugin here",
            where="pytest's configuration",
            hint="drop -p no:bctrl; if PYTEST_DISABLE_PLUGIN_AUTOLOAD is set, add -p pytest_bctrl.plugin",
        ) from None
    return reader.config
