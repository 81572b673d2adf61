"""Reads the settings of the working directory as pytest itself reads them: ini file, addopts and arguments."""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout

import pytest

from pytest_bctrl.errors import SettingError
from pytest_bctrl.settings import require_types

# This process has imported the plugin already, which a project that turns warnings into errors is not to hear of.
_QUIET = ("-W", "ignore::pytest.PytestAssertRewriteWarning")


class _Reader:
    """A pytest plugin that takes the configuration and ends the run before anything is collected."""

    def __init__(self) -> None:
        self.config: pytest.Config | None = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_cmdline_main(self, config: pytest.Config) -> int:
        """Keep the configuration; a result here keeps pytest from doing more."""
        self.config = config
        return 0


def read_config(arguments: Sequence[str] = ()) -> pytest.Config:
    """Return pytest's configuration for the working directory and `arguments`.

    Raises `SettingError` where pytest cannot read it, or does not load this plugin, and for a setting of a wrong type.
    """
    reader, said = _Reader(), io.StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        code = pytest.main([*arguments, "-p", "no:cacheprovider", *_QUIET], plugins=[reader])
    if reader.config is None:
        lines = [line for line in said.getvalue().splitlines() if line.strip()]
        problem = (
            " ".join(line.strip() for line in lines if "rror" in line) or f"pytest ends with exit code {int(code)}"
        )
        raise SettingError(problem[:400], where="pytest's configuration", mend="see what pytest --version -v says")
    try:
        require_types(reader.config)
    except (KeyError, ValueError):
        raise SettingError(
            "pytest does not load the plugin here",
            where="pytest's configuration",
            mend="drop -p no:bctrl; where PYTEST_DISABLE_PLUGIN_AUTOLOAD is set, give -p pytest_bctrl.plugin",
        ) from None
    return reader.config
