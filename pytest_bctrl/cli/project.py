"""The contract and the baseline of a command: those of its options, else those of the project."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_bctrl.baseline.baseline_file import FILE
from pytest_bctrl.contract.files import shown_path
from pytest_bctrl.contract.in_force import project_contract
from pytest_bctrl.errors import SettingError
from pytest_bctrl.settings.project import project_setting

if TYPE_CHECKING:
    import argparse

    import pytest

    from pytest_bctrl.contract.model import Contract


def add_contract_argument(parser: argparse.ArgumentParser, what: str = "an OpenAPI document") -> None:
    """Declare `--contract`; `what` describes its value in the help."""
    text = f"{what}, or published: the vendored spec without the overlay (default: bctrl_contract, else contracts/, "
    parser.add_argument("--contract", metavar="PATH", help=f"{text}else the packaged one)")


def load_contract(name: str | None, option: str = "--contract") -> Contract:
    """Return the loaded contract with a path or name; None is the one in force. Raises `BctrlError`."""
    return project_contract(name, option).load()


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
