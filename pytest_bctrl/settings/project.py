"""The project of the working directory as pytest sees it: its configuration, for commands and for plain Python."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pytest_bctrl.errors import SettingError

if TYPE_CHECKING:
    import pytest

INI_FILES = ("pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg")
"""The files in which pytest looks for settings, in the working directory and in every folder above."""

_PROJECT_FILES = (*INI_FILES, "setup.py")
_ROOTDIR_FILES = INI_FILES[:4]
"""The configuration files that only pytest uses: even an empty one makes its folder the rootdir."""

_Value = TypeVar("_Value")


def project_setting(name: str, read: Callable[[pytest.Config], _Value]) -> _Value | None:
    """Return the result of `read` for pytest's configuration; None if no file nor `PYTEST_ADDOPTS` contains `name`."""
    return read_if_relevant((name,), "", read)


def read_if_relevant(names: Sequence[str], folder: str, read: Callable[[pytest.Config], _Value]) -> _Value | None:
    """Return the result of `read` for pytest's configuration; None, without starting pytest, if it cannot matter.

    It may matter if a configuration file or `PYTEST_ADDOPTS` contains one of the names, or if `folder` exists here or
    in a parent and this folder may not be pytest's rootdir. Starting pytest takes a third of a second and runs the
    `conftest.py` of the project, so it is started once for the same files.
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
        return read(_config_of(working_directory, tuple(files), tuple(texts)))
    return None


@lru_cache(maxsize=1)
def _config_of(_folder: Path, _files: tuple[Path, ...], _texts: tuple[bytes, ...]) -> pytest.Config:
    """Return pytest's configuration for a working directory, files with settings, and their texts and the options."""
    return read_config()


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
