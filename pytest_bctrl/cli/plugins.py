"""`--plugin MODULE`: checks, scenarios and faults of one's own, outside pytest."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from types import ModuleType
from typing import Any

from pytest_bctrl.errors import BctrlError, SettingError


def add_plugin_argument(parser: argparse.ArgumentParser, what: str) -> None:
    """Declare the option; `what` is what the command takes from a module."""
    parser.add_argument(
        "--plugin",
        action="append",
        default=[],
        metavar="MODULE",
        help=f"take {what} of your own from a module that implements the hook, such as conftest; repeatable",
    )


def gathered(modules: Sequence[str], hook: str, wanted: type) -> list[Any]:
    """Return what the modules' implementations of a hook give; raises `SettingError` where a module gives nothing."""
    # The checks are much to import for a command line without plugins.
    from pytest_bctrl.checks.own import flattened

    return flattened([part for name in modules for part in getattr(_imported(name), hook, list)()], wanted, hook)


def require_hooks(modules: Sequence[str], hooks: Sequence[str]) -> None:
    """Raise `SettingError` for a module that implements none of the hooks, and so would change nothing."""
    for name in modules:
        if not any(callable(getattr(_imported(name), hook, None)) for hook in hooks):
            raise SettingError(f"it has no {' or '.join(hooks)}", where=f"--plugin {name}", mend="define the function")


def _imported(name: str) -> ModuleType:
    # As `pytest -p` has it, a module beside the command is found.
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        return import_module(name)
    except BctrlError:
        raise
    except Exception as error:
        raise SettingError(
            f"it cannot be imported: {type(error).__name__}: {error}",
            where=f"--plugin {name}",
            mend="name a module as `import` does: conftest, or tests.bctrl_checks",
        ) from error
