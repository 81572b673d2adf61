"""The project around the working directory as pytest sees it: its settings, and the contract in force there."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pytest_bctrl.contract.in_force import (
    FOLDER,
    PUBLISHED,
    ContractInForce,
    contract_in_force,
    contract_of_config,
    project_files,
)
from pytest_bctrl.errors import SettingError

if TYPE_CHECKING:
    import argparse

    import pytest

    from pytest_bctrl.contract.files import ContractFiles
    from pytest_bctrl.contract.model import Contract

INI_FILES = ("pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg")
"""The files in which pytest looks for settings, here and in every folder above."""

_ROOTS = (*INI_FILES, "setup.py")
_ALWAYS = INI_FILES[:4]
"""The files that are pytest's own, so that the folder of one is the rootdir even where it is empty."""

_Value = TypeVar("_Value")


def add_contract_argument(parser: argparse.ArgumentParser, what: str = "an OpenAPI document") -> None:
    """Declare `--contract`; `what` is what it names."""
    text = f"{what}, or published: the vendored spec without the overlay (default: bctrl_contract, else contracts/, "
    parser.add_argument("--contract", metavar="PATH", help=f"{text}else the packaged one)")


def load_contract(given: str | None, option: str = "--contract") -> Contract:
    """Load the contract that an option names, else the one in force in the project; raises `BctrlError`."""
    return chosen_contract(given, option).load()


def own_files() -> ContractFiles | None:
    """Return the files of the contract in the project's `contracts/`, whole or not; None without one."""
    return project_files(project_root())


def project_root() -> Path:
    """Return pytest's rootdir, as far as `contracts/` may depend on it; else the working directory."""
    return _of_project((), FOLDER, lambda config: config.rootpath) or Path.cwd()


def chosen_contract(given: str | None, option: str = "--contract") -> ContractInForce:
    """Return the contract that an option names, else the one in force in the project; raises `BctrlError`."""
    here = Path.cwd()
    if given == PUBLISHED:
        return contract_in_force(given, project_root(), option)
    if given is not None:
        return contract_in_force(given, here, option)
    return _of_project(("bctrl_contract",), FOLDER, contract_of_config) or contract_in_force(None, here)


def project_setting(name: str, read: Callable[[pytest.Config], _Value]) -> _Value | None:
    """Return what `read` takes from pytest's configuration, None where no file of the project sets `name`."""
    return _of_project((name,), "", read)


def _of_project(names: Sequence[str], folder: str, read: Callable[[pytest.Config], _Value]) -> _Value | None:
    """Read pytest's configuration where it may matter: it sets one of the names, or decides whose `folder` counts.

    To ask pytest takes a third of a second, and runs the `conftest.py` of the project.
    """
    here = Path.cwd()
    above = (here, *here.parents)
    files = [path for place in above for name in INI_FILES if (path := place / name).is_file()]
    options = os.environ.get("PYTEST_ADDOPTS", "").encode()
    texts = [*(path.read_bytes() for path in files), options]
    words = [name.encode() for name in names] + [name.replace("_", "-").encode() for name in names]
    is_set = any(word in text for text in texts for word in words)
    has_folder = bool(folder) and any((place / folder).is_dir() for place in above)
    is_root = not any(b"rootdir" in text for text in texts) and _is_root(here)
    if is_set or (has_folder and not is_root):
        return read(read_config())
    return None


def _is_root(here: Path) -> bool:
    """Whether pytest's rootdir is this folder for certain, without asking pytest."""
    if any((here / name).is_file() for name in _ALWAYS):
        return True
    toml = here / "pyproject.toml"
    if toml.is_file() and b"[tool.pytest" in toml.read_bytes():
        return True
    return not any((place / name).is_file() for place in (here, *here.parents) for name in _ROOTS)


# This process has imported the plugin already, which a project that turns warnings into errors is not to hear of.
_QUIET = ("-W", "ignore::pytest.PytestAssertRewriteWarning")


def read_config(arguments: Sequence[str] = ()) -> pytest.Config:
    """Return pytest's configuration for the working directory and `arguments`, as pytest itself reads it.

    Raises `SettingError` where pytest cannot read it, or does not load this plugin, and for a setting of a wrong type.
    """
    import pytest

    from pytest_bctrl.settings import resolve as settings

    class Reader:
        """Takes the configuration and ends the run before anything is collected."""

        config: pytest.Config | None = None

        @pytest.hookimpl(tryfirst=True)
        def pytest_cmdline_main(self, config: pytest.Config) -> int:
            """Keep the configuration; a result here keeps pytest from doing more."""
            self.config = config
            return 0

    reader, output = Reader(), io.StringIO()
    with redirect_stdout(output), redirect_stderr(output):
        code = pytest.main([*arguments, "-p", "no:cacheprovider", *_QUIET], plugins=[reader])
    if reader.config is None:
        lines = [line for line in output.getvalue().splitlines() if line.strip()]
        problem = " ".join(line.strip() for line in lines if "rror" in line)
        problem = problem or f"pytest ends with exit code {int(code)}"
        raise SettingError(
            problem[:400],
            where="pytest's configuration",
            hint="see what pytest --version -v says",
        )
    try:
        settings.require_types(reader.config)
    except (KeyError, ValueError):
        raise SettingError(
            "pytest does not load the plugin here",
            where="pytest's configuration",
            hint="drop -p no:bctrl; where PYTEST_DISABLE_PLUGIN_AUTOLOAD is set, give -p pytest_bctrl.plugin",
        ) from None
    return reader.config
